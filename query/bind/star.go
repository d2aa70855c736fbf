package bind

import (
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/table"
)

// A view shows the columns that its tables had when it was made: the stars in its query are written out in the text
// that the catalog keeps.

// starText is what a star stands for.
type starText struct {
	names  int // that are before the star: rel.* has one
	text   string
	before bool // it stands before a name, which stays
}

// noteStar keeps what a star stands for, if it is one of the statement itself.
func (g *binding) noteStar(s *scope, r *ast.ColumnRef) {
	if g.stars == nil || g.views > 0 || r.Pos() <= 0 {
		return
	}
	var parts []string
	for _, it := range s.items {
		if len(r.Names) == 0 && !it.colsVisible || len(r.Names) > 0 && (!it.nameVisible || it.name != r.Names[len(r.Names)-1]) {
			continue
		}
		for i := range it.cols {
			name := expr.QuoteName(it.cols[i].name)
			if it.nameVisible && it.name != "" {
				name = expr.QuoteName(it.name) + "." + name
			}
			parts = append(parts, name)
		}
		if len(r.Names) > 0 {
			break
		}
	}
	g.stars[r.Pos()] = starText{names: len(r.Names), text: strings.Join(parts, ", ")}
}

// noteRelation keeps in which schema the name of a relation was found. Those of temporary relations mean something in this
// session only.
func (g *binding) noteRelation(n ast.RelName, o table.Object) {
	if g.stars == nil || g.views > 0 || n.Pos() <= 0 || n.Schema != "" {
		return
	}
	if schema := g.schemaName(o.Head().Schema); schema != "" && schema != g.opts.Temp {
		g.stars[n.Pos()] = starText{text: expr.QuoteName(schema) + ".", before: true}
	}
}

// withoutStars returns the text of a view's query with its stars written out, and the names of its relations with their
// schemas: who reads the view may have another search path. A text that cannot be written so, because
// columns of one name stand beside each other, stays as it is.
func (b *Binder) withoutStars(def *table.ViewDef) (string, error) {
	q, err := viewQuery(def)
	if err != nil {
		return "", err
	}
	g := newBinding(b, nil)
	g.stars = map[int]starText{}
	was, err := g.query(q, nil, nil, resolveUnknown)
	if err != nil || len(g.stars) == 0 {
		return def.Query, err
	}
	for _, starsToo := range []bool{true, false} {
		if text, ok := b.rewritten(def, was, g.stars, starsToo); ok {
			return text, nil
		}
	}
	return def.Query, nil
}

// rewritten returns the text of a view's query with names of schemas, and without stars; not ok if it then means
// something else.
func (b *Binder) rewritten(def *table.ViewDef, was query, texts map[int]starText, starsToo bool) (string, bool) {
	stars := make(map[int]sqlparse.Star, len(texts))
	for pos, s := range texts {
		switch {
		case !s.before && !starsToo:
			continue
		case s.text == "":
			return "", false
		}
		stars[pos] = sqlparse.Star{Names: s.names, Text: s.text, Before: s.before}
	}
	out := *def
	out.Query = sqlparse.ReplaceStars(def.Query, stars)
	q, err := viewQuery(&out)
	if err != nil {
		return "", false
	}
	now, err := newBinding(b, nil).query(q, nil, nil, resolveUnknown)
	if err != nil || len(now.out) != len(was.out) {
		return "", false
	}
	for i := range now.out {
		if now.out[i].Name != was.out[i].Name || now.out[i].Type != was.out[i].Type {
			return "", false
		}
	}
	return out.Query, true
}
