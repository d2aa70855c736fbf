package opt

import (
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// modify plans a data change.
func (z *optimizer) modify(q *plan.Query, s *bind.Statement) error {
	m := s.Modify
	p := &plan.Modify{Kind: m.Kind, Table: m.Table, OnConflict: m.OnConflict}
	q.Modify = p
	returning := make([]expr.Expr, len(m.Returning))
	for i, e := range m.Returning {
		var err error
		if returning[i], err = z.subplansIn(e); err != nil {
			return err
		}
	}
	if err := z.upsert(p, m); err != nil {
		return err
	}
	root, out, err := z.changeRows(s, p, returning)
	if err != nil {
		return err
	}
	if q.Root, err = z.plan(root, out); err != nil {
		return err
	}
	b := builder{z: z}
	row := append(m.NewRow[:len(m.NewRow):len(m.NewRow)], out...)
	if m.Merge != nil {
		row = append(row, m.Merge.Action)
	}
	l := newLayout(row)
	if p.Returning, err = b.bindAll(l, returning); err != nil {
		return err
	}
	p.Out = newLayout(m.Out).out()
	if m.Returning == nil {
		p.Returning, p.Out = nil, nil
	}
	return nil
}

// upsert plans DO UPDATE, which is evaluated row by row.
func (z *optimizer) upsert(p *plan.Modify, m *bind.Modify) error {
	if m.Upsert == nil {
		return nil
	}
	b := builder{z: z}
	l := newLayout(append(m.Upsert.Old[:len(m.Upsert.Old):len(m.Upsert.Old)], m.Upsert.Excluded...))
	p.Upsert = &plan.Upsert{SetCols: m.Upsert.SetCols}
	one := func(e expr.Expr) (expr.Expr, error) {
		if e == nil {
			return nil, nil
		}
		e, err := z.subplansIn(e)
		if err != nil {
			return nil, err
		}
		return b.bind(l, e)
	}
	for _, e := range m.Upsert.Set {
		s, err := one(e)
		if err != nil {
			return err
		}
		p.Upsert.Set = append(p.Upsert.Set, s)
	}
	var err error
	p.Upsert.Where, err = one(m.Upsert.Where)
	return err
}

// changeRows returns the plan that yields the rows of a data change, and the columns wanted of it. For
// UPDATE and DELETE these are the row reference, what the re-check and RETURNING need, and for UPDATE the
// new values.
func (z *optimizer) changeRows(s *bind.Statement, p *plan.Modify, returning []expr.Expr) (plan.Rel, []plan.Col, error) {
	m := s.Modify
	if m.Kind == plan.Insert {
		return s.Root, m.Values, nil
	}
	if m.Merge != nil {
		return z.mergeRows(s, p, returning)
	}
	cond, partial := recheck(m.Where)
	p.Rerun = partial
	need := union(exprCols(cond), exprsCols(returning))
	set := make([]expr.Expr, len(m.Set))
	for i, e := range m.Set {
		set[i] = e
		if plan.HasSubquery(e) || !exprCols(e).subsetOf(relCols(m.Scan)) {
			p.Rerun = p.Rerun || plan.HasSubquery(e)
		}
		need.addAll(exprCols(e))
	}
	out := []plan.Col{m.Scan.Ref}
	proj := &plan.RelProject{Input: s.Root}
	for _, c := range s.Root.Cols() {
		proj.Exprs, proj.Out = append(proj.Exprs, c.Ref()), append(proj.Out, c)
		if need.has(c.ID) && c.ID != m.Scan.Ref.ID {
			out = append(out, c)
		}
	}
	p.SetCols, p.SetFrom = m.SetCols, len(out)
	for i, e := range m.Set {
		c := z.newCol(m.Table.Columns[m.SetCols[i]].Name, e.Type())
		proj.Exprs, proj.Out, out = append(proj.Exprs, e), append(proj.Out, c), append(out, c)
		if plan.HasSubquery(e) {
			set[i] = c.Ref()
		}
	}
	b := builder{z: z}
	l := newLayout(out)
	var err error
	if p.Recheck, err = b.bind(l, cond); err != nil {
		return nil, nil, err
	}
	if len(set) > 0 {
		if p.Set, err = b.bindAll(l, set); err != nil {
			return nil, nil, err
		}
	}
	p.Cols = colMap(m.Scan, l)
	return proj, out, nil
}
