package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Data changes in WITH are statements of their own, which run once, on the state before the statement; what they return
// is kept for the parts of the statement that name them.

func withOf(s ast.Stmt) []ast.CTE {
	switch s := s.(type) {
	case *ast.Insert:
		return s.With
	case *ast.Update:
		return s.With
	case *ast.Delete:
		return s.With
	case *ast.Merge:
		return s.With
	}
	return nil
}

// changeStatement binds INSERT, UPDATE or DELETE.
func (g *binding) changeStatement(s ast.Stmt, ctes *cteScope) (*Statement, error) {
	switch s := s.(type) {
	case *ast.Insert:
		return g.insert(s, ctes)
	case *ast.Update:
		return g.update(s, ctes)
	case *ast.Delete:
		return g.delete(s, ctes)
	case *ast.Merge:
		return g.merge(s, ctes)
	}
	return nil, sqlerr.Unsupported("this statement in WITH")
}

// bindChange binds a data change in WITH.
func (g *binding) bindChange(c *cteScope, top bool) error {
	if !top {
		return sqlerr.New(sqlerr.FeatureNotSupported, "WITH clause containing a data-modifying statement must be at the top level").
			At(c.def.Pos())
	}
	st, err := g.changeStatement(c.def.Change, c.outer)
	if err != nil {
		return err
	}
	if n := len(c.def.Columns); n > len(st.Modify.Out) {
		return sqlerr.Newf(sqlerr.InvalidColumnReference,
			"WITH query \"%s\" has %d columns available but %d columns specified", c.def.Name, len(st.Modify.Out), n).At(c.def.Pos())
	}
	g.changes = append(g.changes, st)
	st.Held = len(g.changes)
	c.change = st
	return nil
}

// changeRef binds the use of a data change in WITH: the rows that it returns.
func (s *scope) changeRef(c *cteScope, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	m := c.change.Modify
	if m.Returning == nil {
		return nil, nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "WITH query \"%s\" does not have a RETURNING clause", c.def.Name).At(f.Pos())
	}
	c.change.Used = true
	r := &plan.RelHeld{Of: c.change.Held}
	for _, o := range m.Out {
		col := s.g.newCol(o.Name, o.Type)
		col.Table, col.Attribute = o.Table, o.Attribute
		r.Out = append(r.Out, col)
	}
	return s.cteItem(c, f, name, r, r.Out)
}

// checkChanges refuses DO UPDATE of a table that another part of the statement changes: which of them comes first?
func (g *binding) checkChanges(main *Statement) error {
	parts := g.changes
	if main.Modify != nil {
		parts = append(parts[:len(parts):len(parts)], main)
	}
	changed := map[table.ObjectID]int{}
	for _, st := range parts {
		changed[st.Modify.Table.ID]++
	}
	for _, st := range parts {
		switch m := st.Modify; {
		case changed[m.Table.ID] == 1:
		case m.Upsert != nil:
			return sqlerr.Unsupported("ON CONFLICT DO UPDATE of a table that the statement changes elsewhere")
		case m.Kind == plan.MergeRows:
			return sqlerr.Unsupported("MERGE into a table that the statement changes elsewhere")
		}
	}
	return nil
}
