package opt

import (
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// mergeRows is changeRows for MERGE: the row reference, whether there is a row of the source, and all columns that the
// clauses, the join condition and RETURNING use. What a clause does is evaluated row by row, for rows that it is for.
func (z *optimizer) mergeRows(s *bind.Statement, p *plan.Modify, returning []expr.Expr) (plan.Rel, []plan.Col, error) {
	m := s.Modify
	on, partial := recheck(m.Merge.On)
	p.Rerun = partial
	need := union(exprCols(on), exprsCols(returning))
	clauses := make([]plan.MergeClause, len(m.Merge.Clauses))
	for i, c := range m.Merge.Clauses {
		var err error
		if clauses[i], err = mapClause(c, z.subplansIn); err != nil {
			return nil, nil, err
		}
		_, _ = mapClause(c, func(e expr.Expr) (expr.Expr, error) { //nolint:errcheck // it never fails
			p.Rerun = p.Rerun || plan.HasSubquery(e)
			return e, nil
		})
		_, _ = mapClause(clauses[i], func(e expr.Expr) (expr.Expr, error) { //nolint:errcheck // it never fails
			need.addAll(exprCols(e))
			return e, nil
		})
	}
	out := []plan.Col{m.Scan.Ref, m.Merge.Present}
	for _, c := range s.Root.Cols() {
		if need.has(c.ID) && c.ID != m.Scan.Ref.ID && c.ID != m.Merge.Present.ID {
			out = append(out, c)
		}
	}
	b := builder{z: z}
	l := newLayout(out)
	p.Merge = &plan.Merge{Present: 1}
	var err error
	if p.Merge.On, err = b.bind(l, on); err != nil {
		return nil, nil, err
	}
	for _, c := range clauses {
		if c, err = mapClause(c, func(e expr.Expr) (expr.Expr, error) { return b.bind(l, e) }); err != nil {
			return nil, nil, err
		}
		p.Merge.Clauses = append(p.Merge.Clauses, c)
	}
	p.Cols = colMap(m.Scan, l)
	return s.Root, out, nil
}

// mapClause returns a clause with other expressions.
func mapClause(c plan.MergeClause, f func(expr.Expr) (expr.Expr, error)) (plan.MergeClause, error) {
	var err error
	if c.Cond != nil {
		if c.Cond, err = f(c.Cond); err != nil {
			return c, err
		}
	}
	for _, list := range []*[]expr.Expr{&c.Set, &c.Values} {
		now := make([]expr.Expr, len(*list))
		for i, e := range *list {
			if now[i], err = f(e); err != nil {
				return c, err
			}
		}
		*list = now
	}
	return c, nil
}
