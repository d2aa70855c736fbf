package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// viewQuery parses the query of a view.
func viewQuery(v *table.ViewDef) (*ast.Query, error) {
	stmts, err := sqlparse.Parse(v.Query)
	if err != nil {
		return nil, err
	}
	if len(stmts) == 1 {
		if q, ok := stmts[0].Body.(*ast.Query); ok {
			return q, nil
		}
	}
	return nil, sqlerr.Newf(sqlerr.DataCorrupted, "view \"%s\" is not a query", v.Name)
}

// sameColumns refuses a view whose query has not the columns that it had when the view was made.
func sameColumns(v *table.ViewDef, out []plan.Col) error {
	same := len(out) == len(v.Columns)
	for i := 0; same && i < len(out); i++ {
		same = out[i].Type.Kind == v.Columns[i].Type.Kind
	}
	if !same {
		return sqlerr.Unsupported("view \"" + v.Name + "\", whose query has got other columns since it was made,")
	}
	return nil
}

// Uses returns the tables and views that the query of a view names. A view that cannot be bound any more uses
// nothing.
func (b *Binder) Uses(v *table.ViewDef) []table.ObjectID {
	q, err := viewQuery(v)
	if err != nil {
		return nil
	}
	g := newBinding(b, nil)
	if _, err := g.query(q, nil, nil, resolveUnknown); err != nil {
		return nil
	}
	return g.uses
}

// use notes that the statement itself, rather than a view in it, names a relation.
func (g *binding) use(id table.ObjectID) {
	if g.views == 0 {
		g.uses = append(g.uses, id)
	}
}

// CheckReplaceView refuses to replace a view by one without its columns, names and types.
func CheckReplaceView(old, new *table.ViewDef) error {
	if len(new.Columns) < len(old.Columns) {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "cannot drop columns from view")
	}
	for i, c := range old.Columns {
		switch n := new.Columns[i]; {
		case n.Name != c.Name:
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "cannot change name of view column \"%s\" to \"%s\"", c.Name, n.Name).
				WithHint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
		case n.Type != c.Type:
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "cannot change data type of view column \"%s\" from %s to %s", c.Name, c.Type, n.Type)
		}
	}
	return nil
}

// UsesColumn reports whether the query of a view names a table itself and uses one of its columns. What cannot be told
// counts as used.
func (b *Binder) UsesColumn(v *table.ViewDef, id table.ObjectID, column int) bool {
	if !slices.Contains(b.Uses(v), id) {
		return false
	}
	q, err := viewQuery(v)
	if err != nil {
		return true
	}
	r, err := newBinding(b, nil).query(q, nil, nil, resolveUnknown)
	if err != nil {
		return true
	}
	used := usedColumns(r.rel)
	for _, c := range r.out {
		used[c.ID] = true
	}
	found := false
	for _, r := range withShared(r.rel) {
		plan.Walk(r, func(r plan.Rel) {
			if s, ok := r.(*plan.RelScan); ok && s.Table.ID == id {
				for i, c := range s.Out {
					found = found || used[c.ID] && i < len(s.Attrs) && s.Attrs[i] == column
				}
			}
		})
	}
	return found
}

// withShared returns a plan and the shared plans that it reads, at any depth.
func withShared(r plan.Rel) []plan.Rel {
	all := []plan.Rel{r}
	for i := 0; i < len(all); i++ {
		plan.Walk(all[i], func(r plan.Rel) {
			if s, ok := r.(*plan.RelShared); ok && !slices.Contains(all, s.Def.Root) {
				all = append(all, s.Def.Root)
			}
		})
	}
	return all
}

// usedColumns returns the columns that a plan needs of its scans. Operators that pass rows on as they are need all, and
// so do readers of shared plans.
func usedColumns(r plan.Rel) map[int]bool {
	used := map[int]bool{}
	for _, r := range withShared(r) {
		addUsed(r, used)
	}
	return used
}

func addUsed(r plan.Rel, used map[int]bool) {
	plan.WalkExprs(r, func(e expr.Expr) {
		switch e := e.(type) {
		case *expr.Column:
			used[e.ID] = true
		case *expr.Subquery:
			for i := range e.Columns {
				used[e.Columns[i].ID] = true
			}
		}
	})
	plan.Walk(r, func(r plan.Rel) {
		switch r.(type) {
		case *plan.RelScan, *plan.RelFilter, *plan.RelProject, *plan.RelJoin, *plan.RelAggregate, *plan.RelSort, *plan.RelLimit,
			*plan.RelValues, *plan.RelSeries:
			return
		}
		for _, in := range r.Children() {
			for _, c := range in.Cols() {
				used[c.ID] = true
			}
		}
		if s, ok := r.(*plan.RelShared); ok {
			for _, c := range s.Def.Out {
				used[c.ID] = true
			}
		}
	})
}
