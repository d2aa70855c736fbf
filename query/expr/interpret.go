package expr

import (
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// interpreted reports whether the evaluator runs the row interpreter instead of the program.
func (ev *Evaluator) interpreted() bool { return ev.ctx != nil && ev.ctx.RowByRow }

// interpret is Eval by the row interpreter. Like Eval it fails with the first row that fails, and later
// calls of the batch stop before that row.
func (ev *Evaluator) interpret(i int) (*vec.Vector, error) {
	root, e := &ev.frames[0], ev.p.exprs[i]
	t := e.Type()
	if t.Kind == types.Unknown { // literals and NULL: texts in the end
		t = types.T(types.Text)
	}
	bb := vec.NewBatchBuilder([]types.Type{t}, max(root.n, 1), nil)
	var rowErr error
	for k := range root.n {
		ev.row = ev.b.Row(k, ev.row)
		d, err := EvalRow(ev.ctx, e, ev.row)
		if err != nil {
			ev.fail(root, k, err)
			rowErr = ev.rowErr
			break
		}
		if err := bb.Col(0).Append(d); err != nil {
			return nil, err
		}
		if err := bb.Commit(); err != nil {
			return nil, err
		}
	}
	v, _ := bb.Batch().Col(0)
	v.Type = e.Type()
	return v, rowErr
}

// interpretFilter is Filter by the row interpreter.
func (ev *Evaluator) interpretFilter(i int, sel []uint16) ([]uint16, error) {
	root := &ev.frames[0]
	for k := range root.n {
		ev.row = ev.b.Row(k, ev.row)
		ok, err := passes(ev.ctx, ev.p.exprs[i], ev.row)
		if err != nil {
			ev.fail(root, k, err)
			return sel, ev.rowErr
		}
		if ok {
			sel = append(sel, uint16(k))
		}
	}
	return sel, nil
}

// passes reports whether a condition is true. Unlike the value of a conjunction, which NULL leaves open, that is decided by
// the first of its parts that is not true.
func passes(ctx *Context, e Expr, row types.Row) (bool, error) {
	and, ok := e.(*And)
	if !ok {
		d, err := EvalRow(ctx, e, row)
		return d.Valid && d.Bool(), err
	}
	for _, fallible := range []bool{false, true} {
		for _, a := range and.Args {
			if CanFail(a) != fallible {
				continue
			}
			if ok, err := passes(ctx, a, row); !ok || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}
