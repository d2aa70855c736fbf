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
		d, err := EvalRow(ev.ctx, ev.p.exprs[i], ev.row)
		if err != nil {
			ev.fail(root, k, err)
			return sel, ev.rowErr
		}
		if d.Valid && d.Bool() {
			sel = append(sel, uint16(k))
		}
	}
	return sel, nil
}
