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
	names int // that are before the star: rel.* has one
	text  string
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
	g.stars[r.Pos()] = starText{len(r.Names), strings.Join(parts, ", ")}
}

// withoutStars returns the text of a view's query with its stars written out. A text that cannot be written so, because
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
	stars := make(map[int]sqlparse.Star, len(g.stars))
	for pos, s := range g.stars {
		if s.text == "" {
			return def.Query, nil
		}
		stars[pos] = sqlparse.Star{Names: s.names, Text: s.text}
	}
	out := *def
	out.Query = sqlparse.ReplaceStars(def.Query, stars)
	if q, err = viewQuery(&out); err != nil {
		return def.Query, nil //nolint:nilerr // the text as it was written is right too
	}
	now, err := newBinding(b, nil).query(q, nil, nil, resolveUnknown)
	if err != nil || len(now.out) != len(was.out) {
		return def.Query, nil //nolint:nilerr // as above
	}
	for i := range now.out {
		if now.out[i].Name != was.out[i].Name || now.out[i].Type != was.out[i].Type {
			return def.Query, nil
		}
	}
	return out.Query, nil
}
