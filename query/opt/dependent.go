package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// dependent keeps an Apply as one: its right side is run for each distinct combination of what it uses of
// the left one. This is the general way; every Apply can go it.
func (u *unnester) dependent(a *plan.RelApply, r plan.Rel) plan.Rel {
	kind, cond := a.Kind, a.Cond
	switch kind {
	case plan.AntiNull:
		kind = plan.Anti
		if cond != nil {
			cond = isNotFalse(cond)
		}
	case plan.Mark:
		if cond == nil {
			cond = boolConst(true)
		}
		c := u.z.newCol("test", cond.Type())
		r, cond = &plan.RelProject{Input: r, Exprs: []expr.Expr{cond}, Out: []plan.Col{c}}, nil
	}
	r = filter(r, cond)
	d := &plan.RelDependent{Kind: kind, L: a.L, Mark: a.Mark, When: a.When, Volatile: plan.IsVolatile(r)}
	with := map[int]expr.Expr{}
	free := plan.Free(r)
	for _, c := range a.L.Cols() {
		if ref := free[c.ID]; ref != nil && with[c.ID] == nil {
			p := u.z.newParam(c.Type, ref.Pos())
			with[c.ID] = p
			d.Args, d.Params = append(d.Args, c.Ref()), append(d.Params, p)
		}
	}
	d.R = u.ownSubplans(d, plan.Substitute(r, with))
	return d
}

// ownSubplans makes subplans of the subqueries that are left in a dependent plan: those of operators that
// cannot join, such as LIMIT. Their values are the same for all rows of one run.
func (u *unnester) ownSubplans(d *plan.RelDependent, r plan.Rel) plan.Rel {
	r = plan.MapRels(r, func(c plan.Rel) plan.Rel { return u.ownSubplans(d, c) })
	if !hasSubqueries(r) {
		return r
	}
	outer := u.z.subplans
	u.z.subplans = nil
	r = plan.MapExprs(r, u.once)
	b := builder{z: u.z}
	own, err := b.subplans(u.z.subplans)
	if err != nil {
		u.fail(err)
	}
	d.Subplans = append(d.Subplans, own...)
	u.z.subplans = outer
	return r
}

// attempt unnests by f. What it cannot do is no error: the Apply stays.
func (u *unnester) attempt(a *plan.RelApply, r plan.Rel, f func() plan.Rel) plan.Rel {
	if u.err != nil {
		return a
	}
	n := f()
	if u.err == nil {
		return n
	}
	if sqlerr.CodeOf(u.err) != sqlerr.FeatureNotSupported {
		return a
	}
	u.err = nil
	return u.dependent(a, r)
}

// buildDependent builds both sides; the right one is a plan of its own.
func (b *builder) dependent(r *plan.RelDependent) (plan.Node, *layout, error) {
	left, l, err := b.build(r.L)
	if err != nil {
		return nil, nil, err
	}
	n := &plan.Apply{Kind: r.Kind, Left: left, Subplans: r.Subplans, Volatile: r.Volatile}
	if n.Args, err = b.bindAll(l, r.Args); err != nil {
		return nil, nil, err
	}
	for _, p := range r.Params {
		n.Params = append(n.Params, p.N)
	}
	if n.When, err = b.bind(l, r.When); err != nil {
		return nil, nil, err
	}
	root, rl, err := b.build(r.R)
	if err != nil {
		return nil, nil, err
	}
	n.Root = root
	own := joined(l, rl)
	switch r.Kind {
	case plan.Semi, plan.Anti:
		own = l
	case plan.Mark:
		own = newLayout(append(l.cols[:len(l.cols):len(l.cols)], r.Mark))
	}
	n.Props = b.props(r, own)
	return n, own, nil
}

// recursive builds the base and the step of a recursive query, which are run by themselves.
func (b *builder) recursive(r *plan.RelRecursive) (plan.Node, *layout, error) {
	own := newLayout(r.Out)
	n := &plan.Recursive{Props: b.props(r, own), Of: r.ID, All: r.All}
	var err error
	if n.Base, err = b.positional(r.Base, r.BaseIn, r.Out); err != nil {
		return nil, nil, err
	}
	if n.Step, err = b.positional(r.Step, r.StepIn, r.Out); err != nil {
		return nil, nil, err
	}
	return n, own, nil
}
