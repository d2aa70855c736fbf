package bind

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// cteScope is the common table expressions in sight; each sees those before it.
type cteScope struct {
	outer *cteScope
	def   *ast.CTE
	// scope is what the WITH query may use from around it.
	scope *scope
	// bound is the query bound for the first use.
	bound *query
	used  bool
	// volatile: two uses would give two answers.
	volatile bool
	// shared is set if the query runs by itself, for all of its uses.
	shared *plan.SharedDef
	// change is a data change, which is bound once.
	change *Statement
	// self is set while the query of a recursive CTE is bound.
	self *selfReference
}

// find returns the nearest CTE of the given name.
func (c *cteScope) find(name string) *cteScope {
	for ; c != nil; c = c.outer {
		if c.def.Name == name {
			return c
		}
	}
	return nil
}

// with adds the CTEs of WITH. Each is bound at once, so that its errors show even if nothing uses it.
func (g *binding) with(list []ast.CTE, outer *scope, ctes *cteScope) (*cteScope, error) {
	for i := range list {
		for j := range i {
			if list[j].Name == list[i].Name {
				return nil, sqlerr.Newf(sqlerr.DuplicateAlias,
					"WITH query name \"%s\" specified more than once", list[i].Name).At(list[i].Pos())
			}
		}
		c := &cteScope{outer: ctes, def: &list[i], scope: outer}
		if list[i].Change != nil {
			if err := g.bindChange(c, len(g.topWith) > 0 && &g.topWith[0] == &list[0]); err != nil {
				return nil, err
			}
			ctes = c
			continue
		}
		r, err := g.bindCTE(c)
		if err != nil {
			return nil, err
		}
		c.bound, c.volatile = r, plan.IsVolatile(r.rel) || plan.ReadsVolatile(r.rel)
		g.share(c)
		ctes = c
	}
	return ctes, nil
}

func (g *binding) bindCTE(c *cteScope) (*query, error) {
	g.ctes++
	if g.ctes > cteUsesMax {
		return nil, sqlerr.Newf(sqlerr.StatementTooComplex, "WITH queries are used more than %d times", cteUsesMax)
	}
	r, err := g.cteQuery(c)
	if err != nil {
		return nil, err
	}
	if n := len(c.def.Columns); n > len(r.out) {
		return nil, sqlerr.Newf(sqlerr.InvalidColumnReference,
			"WITH query \"%s\" has %d columns available but %d columns specified", c.def.Name, len(r.out), n).At(c.def.Pos())
	}
	return &r, nil
}

// share lets a CTE run by itself, once for all of its uses, if it must (it is volatile), if that is asked for
// (MATERIALIZED), or if it may have no end (a recursive one, of which each use takes what it wants). Others are part of
// the queries that use them; the optimizer shares them if that costs less. One that depends on what is around it is
// never shared.
func (g *binding) share(c *cteScope) {
	_, recursive := c.bound.rel.(*plan.RelRecursive)
	if !(c.volatile && !invariants.Mutant("cte-volatile-twice") || c.def.Materialized || recursive) || !standsAlone(c.bound.rel) {
		return
	}
	out := g.freshCols(c.bound) // which may change the plan
	c.shared = &plan.SharedDef{
		Name: c.def.Name, Root: c.bound.rel, Out: out, Volatile: c.volatile, Fenced: c.def.Materialized,
	}
	if c.volatile {
		g.volatileShared = append(g.volatileShared, c.shared)
	}
}

// standsAlone reports whether a query uses nothing from around it: no column, and no working table.
func standsAlone(r plan.Rel) bool {
	rounds, working := map[int]bool{}, map[int]bool{}
	plan.Walk(r, func(r plan.Rel) {
		switch r := r.(type) {
		case *plan.RelRecursive:
			rounds[r.ID] = true
		case *plan.RelWorking:
			working[r.Of] = true
		}
	})
	for of := range working {
		if !rounds[of] {
			return false
		}
	}
	return len(plan.Free(r)) == 0
}

// sharedRef binds a use of a CTE that runs by itself.
func (s *scope) sharedRef(c *cteScope, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	c.shared.Readers++
	r := &plan.RelShared{Def: c.shared}
	for i, o := range c.shared.Out {
		col := s.g.newCol(o.Name, o.Type)
		col.Table, col.Attribute = o.Table, o.Attribute
		r.Out, r.Attrs = append(r.Out, col), append(r.Attrs, i)
	}
	return s.cteItem(c, f, name, r, r.Out)
}

// cteItem makes the FROM item of a use of a CTE.
func (s *scope) cteItem(c *cteScope, f *ast.TableRef, name string, r plan.Rel, cols []plan.Col) (plan.Rel, *item, error) {
	it := s.newItem(name, itemCTE, cols, f.Pos())
	for i, n := range c.def.Columns {
		it.cols[i].name = n
	}
	return r, it, renameColumns(it, f.Alias)
}

// checkShared refuses several uses of a volatile CTE where data changes, which run by themselves, may be among them.
func (g *binding) checkShared() error {
	for _, d := range g.volatileShared {
		if d.Readers > 1 && len(g.changes) > 0 {
			return sqlerr.Unsupported("more than one use of a WITH query with volatile functions beside data changes in WITH")
		}
	}
	return nil
}

// cteRef binds a use of a CTE: the first takes what is bound, further ones bind the query again, unless it is shared.
func (s *scope) cteRef(c *cteScope, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	if c.self != nil {
		return s.selfRef(c, f, name)
	}
	if c.change != nil {
		return s.changeRef(c, f, name)
	}
	if c.shared != nil {
		return s.sharedRef(c, f, name)
	}
	r := c.bound
	if c.used {
		if c.volatile && !invariants.Mutant("cte-volatile-twice") {
			return nil, nil, sqlerr.Unsupported("more than one use of a WITH query with volatile functions and outer columns").At(f.Pos())
		}
		var err error
		if r, err = s.g.bindCTE(c); err != nil {
			return nil, nil, err
		}
	}
	c.used = true
	cols := s.g.freshCols(r)
	return s.cteItem(c, f, name, r.rel, cols)
}
