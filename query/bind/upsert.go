package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// excludedName is the name of the row that is not inserted.
const excludedName = "excluded"

// upsert binds DO UPDATE: SET and WHERE over the row that is there, named like the target, and the row that
// is not inserted, named excluded. nil for DO NOTHING.
func (g *binding) upsert(m *Modify, ins *ast.Insert, s *scope) (*Upsert, error) {
	oc := ins.OnConflict
	if oc.Set == nil {
		return nil, nil
	}
	u := &Upsert{}
	for i := range m.Table.Columns {
		c := &m.Table.Columns[i]
		u.Old, u.Excluded = append(u.Old, g.newCol(c.Name, c.Type)), append(u.Excluded, g.newCol(c.Name, c.Type))
	}
	old := s.newItem(alias(ins.Table), itemTable, u.Old, 0)
	old.schema = g.schemaName(m.Table.Schema)
	excluded := s.newItem(excludedName, itemTable, u.Excluded, 0)
	s.items = []*item{old, excluded}
	a := &assigner{s: s, m: &Modify{Kind: plan.Update, Table: m.Table}, rel: oneRow(), alias: old.name}
	before := a.rel
	for i := range oc.Set {
		if err := a.assign(&oc.Set[i]); err != nil {
			return nil, err
		}
	}
	if a.rel != before {
		return nil, sqlerr.Unsupported("assignment of several columns from a subquery in ON CONFLICT").At(oc.Pos())
	}
	u.SetCols, u.Set = a.m.SetCols, a.m.Set
	if oc.Where == nil {
		return u, nil
	}
	var err error
	u.Where, err = s.exprs("WHERE").condition(oc.Where, "WHERE")
	return u, err
}
