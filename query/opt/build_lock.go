package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// lock builds FOR UPDATE. The references are columns of the input; the output has the others.
func (b *builder) lock(r *plan.RelLock) (plan.Node, *layout, error) {
	in, l, err := b.build(r.Input)
	if err != nil {
		return nil, nil, err
	}
	n := &plan.LockRows{Input: in, Rerun: r.Rerun}
	if n.Recheck, err = b.bind(l, r.Recheck); err != nil {
		return nil, nil, err
	}
	refs := map[int]bool{}
	for _, it := range r.Items {
		p, ok := l.pos[it.Scan.Ref.ID]
		if !ok {
			return nil, nil, sqlerr.Newf(sqlerr.InternalError, "plan: no row references of %s", it.Scan.Alias)
		}
		refs[it.Scan.Ref.ID] = true
		n.Items = append(n.Items, plan.LockItem{
			Table: it.Scan.Table, RefCol: p, Cols: colMap(it.Scan, l), Mode: it.Mode, Wait: it.Wait,
		})
	}
	var cols []plan.Col
	for _, c := range l.cols {
		if !refs[c.ID] {
			cols = append(cols, c)
		}
	}
	own := newLayout(cols)
	n.Props = b.props(r, own)
	return n, own, nil
}

// colMap says where the columns of a scan are in a layout.
func colMap(s *plan.RelScan, l *layout) []plan.ColMap {
	var out []plan.ColMap
	for i, c := range s.Out {
		if p, ok := l.pos[c.ID]; ok {
			out = append(out, plan.ColMap{Column: s.Attrs[i], Input: p})
		}
	}
	return out
}

// recheck returns the parts of a condition that can be evaluated on one row again, and whether parts are
// left out.
func recheck(cond expr.Expr) (kept expr.Expr, partial bool) {
	var list []expr.Expr
	for _, c := range conjuncts(cond) {
		if plan.HasSubquery(c) {
			partial = true
			continue
		}
		list = append(list, c)
	}
	return and(list...), partial
}
