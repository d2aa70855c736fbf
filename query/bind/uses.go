package bind

import (
	"github.com/laminadb/lamina/query/ast"
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
