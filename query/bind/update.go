package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// changeTarget binds the target of UPDATE or DELETE as the first item of the scope: a scan that yields
// row references.
func (g *binding) changeTarget(s *scope, t *ast.TableRef) (*plan.RelScan, *item, error) {
	def, err := g.changed(t.RelName)
	if err != nil {
		return nil, nil, err
	}
	scan := g.scan(def, alias(t))
	g.addRef(scan)
	it := s.newItem(alias(t), itemTable, scan.Out, t.Pos())
	it.scan = scan
	if t.Alias == nil {
		it.schema = g.schemaName(def.Schema)
	}
	s.items = []*item{it}
	return scan, it, nil
}

// changeSource joins the target with FROM or USING, and filters.
func (s *scope) changeSource(scan *plan.RelScan, from []ast.TableExpr, where ast.Expr) (plan.Rel, expr.Expr, error) {
	var rel plan.Rel = scan
	if from != nil {
		// The items of FROM see each other in LATERAL, not the target.
		target := s.items
		s.items = nil
		other, err := s.from(from)
		if err != nil {
			return nil, nil, err
		}
		if err := checkNames(target, s.items); err != nil {
			return nil, nil, err
		}
		s.items = append(target, s.items...)
		rel = joinRel(plan.Inner, rel, other, nil, false)
	}
	if where == nil {
		return rel, nil, nil
	}
	cond, err := s.exprs("WHERE").condition(where, "WHERE")
	if err != nil {
		return nil, nil, err
	}
	return &plan.RelFilter{Input: rel, Cond: cond}, cond, nil
}

// update binds UPDATE.
func (g *binding) update(u *ast.Update, ctes *cteScope) (*Statement, error) {
	ctes, err := g.with(u.With, nil, ctes)
	if err != nil {
		return nil, err
	}
	s := g.newScope(nil, ctes)
	scan, it, err := g.changeTarget(s, u.Table)
	if err != nil {
		return nil, err
	}
	m := &Modify{Kind: plan.Update, Table: scan.Table, Scan: scan}
	// PostgreSQL binds FROM, then SET, then WHERE; SET needs the plan that WHERE filters.
	rel, where, err := s.changeSource(scan, u.From, u.Where)
	if err != nil {
		return nil, err
	}
	m.Where = where
	a := &assigner{s: s, m: m, rel: rel, alias: it.name}
	for i := range u.Set {
		if err := a.assign(&u.Set[i]); err != nil {
			return nil, err
		}
	}
	if err := g.returning(m, u.Returning, g.newScope(nil, ctes), it.name, s.items[1:]); err != nil {
		return nil, err
	}
	return &Statement{Root: a.rel, Out: a.rel.Cols(), Modify: m}, nil
}

// assigner binds SET.
type assigner struct {
	s     *scope
	m     *Modify
	rel   plan.Rel
	alias string
}

func (a *assigner) assign(set *ast.Assign) error {
	cols := make([]int, len(set.Columns))
	for i, n := range set.Columns {
		cols[i] = a.m.Table.ColumnIndex(n.Name)
		if cols[i] < 0 {
			return noTargetColumn(a.m.Table, n)
		}
		if slices.Contains(a.m.SetCols, cols[i]) || slices.Contains(cols[:i], cols[i]) {
			return sqlerr.Newf(sqlerr.SyntaxError, "multiple assignments to same column \"%s\"", n.Name)
		}
	}
	if !set.Multi {
		return a.set(cols[0], set.Value)
	}
	switch v := set.Value.(type) {
	case *ast.Row:
		if len(v.Args) != len(cols) {
			return sqlerr.New(sqlerr.SyntaxError, "number of columns does not match number of values").At(v.Pos())
		}
		for i, e := range v.Args {
			if err := a.set(cols[i], e); err != nil {
				return err
			}
		}
		return nil
	case *ast.Subquery:
		if v.Kind == ast.ScalarSubquery {
			return a.setFromQuery(cols, v)
		}
	}
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression").At(set.Value.Pos())
}

// set assigns one column.
func (a *assigner) set(col int, v ast.Expr) error {
	var e expr.Expr
	var err error
	c := &a.m.Table.Columns[col]
	if _, ok := v.(*ast.Default); ok {
		if e, err = DefaultExpr(a.m.Table, col); err == nil {
			a.s.g.sequential = a.s.g.sequential || expr.UsesSequence(e)
		}
	} else if c.Generated != "" {
		return errGenerated(c, true)
	} else if c.Identity == table.IdentityAlways {
		return sqlerr.Newf(sqlerr.GeneratedAlways, "column \"%s\" can only be updated to DEFAULT", c.Name).
			WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", c.Name)
	} else if e, err = a.s.exprs("UPDATE").bind(v); err == nil {
		e, err = assignment(a.m.Table, col, e)
	}
	if err != nil {
		return err
	}
	a.m.SetCols, a.m.Set = append(a.m.SetCols, col), append(a.m.Set, e)
	return nil
}

func assignment(def *table.TableDef, col int, e expr.Expr) (expr.Expr, error) {
	return expr.NewAssignment(e, def.Columns[col].Type, def.Columns[col].Name)
}

// setFromQuery assigns the columns of a subquery's one row, NULLs if it has none.
func (a *assigner) setFromQuery(cols []int, v *ast.Subquery) error {
	q, err := a.s.g.query(v.Query, a.s, a.s.ctes, resolveUnknown)
	if err != nil {
		return err
	}
	if len(q.out) != len(cols) {
		return sqlerr.New(sqlerr.SyntaxError, "number of columns does not match number of values").At(v.Pos())
	}
	for i, c := range a.s.g.freshCols(&q) {
		if t := &a.m.Table.Columns[cols[i]]; t.Generated != "" {
			return errGenerated(t, true)
		} else if t.Identity == table.IdentityAlways {
			return sqlerr.Newf(sqlerr.GeneratedAlways, "column \"%s\" can only be updated to DEFAULT", t.Name).
				WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", t.Name)
		}
		e, err := assignment(a.m.Table, cols[i], c.Ref())
		if err != nil {
			return sqlerr.From(err).At(v.Pos())
		}
		a.m.SetCols, a.m.Set = append(a.m.SetCols, cols[i]), append(a.m.Set, e)
	}
	a.rel = &plan.RelApply{Kind: plan.Single, L: a.rel, R: q.rel}
	return nil
}

// delete binds DELETE.
func (g *binding) delete(d *ast.Delete, ctes *cteScope) (*Statement, error) {
	ctes, err := g.with(d.With, nil, ctes)
	if err != nil {
		return nil, err
	}
	s := g.newScope(nil, ctes)
	scan, it, err := g.changeTarget(s, d.Table)
	if err != nil {
		return nil, err
	}
	rel, where, err := s.changeSource(scan, d.Using, d.Where)
	if err != nil {
		return nil, err
	}
	m := &Modify{Kind: plan.Delete, Table: scan.Table, Scan: scan, Where: where}
	if err := g.returning(m, d.Returning, g.newScope(nil, ctes), it.name, s.items[1:]); err != nil {
		return nil, err
	}
	return &Statement{Root: rel, Out: rel.Cols(), Modify: m}, nil
}
