package bind

import (
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
		c.bound, c.volatile = r, plan.IsVolatile(r.rel)
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

// cteRef binds a use of a CTE: the first takes what is bound, further ones bind the query again.
func (s *scope) cteRef(c *cteScope, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	if c.self != nil {
		return s.selfRef(c, f, name)
	}
	if c.change != nil {
		return s.changeRef(c, f, name)
	}
	r := c.bound
	if c.used {
		if c.volatile {
			return nil, nil, sqlerr.Unsupported("more than one use of a WITH query with volatile functions").At(f.Pos())
		}
		var err error
		if r, err = s.g.bindCTE(c); err != nil {
			return nil, nil, err
		}
	}
	c.used = true
	it := s.newItem(name, itemCTE, s.g.freshCols(r), f.Pos())
	for i, n := range c.def.Columns {
		it.cols[i].name = n
	}
	return r.rel, it, renameColumns(it, f.Alias)
}
