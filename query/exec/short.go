package exec

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Short runs a plan of at most one row, found by primary key or written out, without pipelines: the row
// interpreter evaluates its expressions. It keeps its buffers from one run to the next and is used by one
// goroutine.
type Short struct {
	scan  *plan.Scan // nil: a row that is written out
	given []expr.Expr
	steps []shortStep
	cols  []plan.OutColumn
	ec    expr.Context
	key   types.Row
	bufs  [2]types.Row
	bb    *vec.BatchBuilder
}

// shortStep is a condition or a projection.
type shortStep struct {
	cond bool
	n    int // expressions
	prog *expr.RowProgram
}

// ShortOf returns how to run a plan without pipelines, nil if its shape is another.
func ShortOf(p *plan.Query) (*Short, error) {
	if len(p.Subplans) > 0 || len(p.Changes) > 0 {
		return nil, nil
	}
	s := &Short{cols: p.Root.Columns()}
	if ok, err := s.build(p.Root); !ok || err != nil {
		return nil, err
	}
	return s, nil
}

// build adds the steps of a plan; false if it cannot.
func (s *Short) build(n plan.Node) (ok bool, err error) {
	switch n := n.(type) {
	case *plan.Project:
		if ok, err = s.build(n.Input); ok {
			err = s.step(false, n.Exprs, n.Input)
		}
	case *plan.Filter:
		if ok, err = s.build(n.Input); ok {
			err = s.step(true, []expr.Expr{n.Cond}, n.Input)
		}
	case *plan.Scan:
		s.scan, ok = n, n.Key != nil
		if ok && n.Filter != nil {
			err = s.step(true, []expr.Expr{n.Filter}, n)
		}
	case *plan.Values:
		if ok = len(n.Tuples) == 1; ok {
			s.given = n.Tuples[0]
		}
	}
	return ok && err == nil, err
}

func (s *Short) step(cond bool, exprs []expr.Expr, input plan.Node) error {
	prog, err := expr.CompileRow(exprs, typesOf(input.Columns()), &s.ec)
	s.steps = append(s.steps, shortStep{cond: cond, n: len(exprs), prog: prog})
	return err
}

// Table returns the table that is read, nil if none is.
func (s *Short) Table() *table.TableDef {
	if s.scan == nil {
		return nil
	}
	return s.scan.Table
}

// Detach leaves the buffers to the row and the batch of the last run, which stay valid.
func (s *Short) Detach() { s.bufs, s.bb = [2]types.Row{}, nil }

// Forget drops the row of the last run, which nobody needs any more.
func (s *Short) Forget() {
	for i := range s.bufs {
		clear(s.bufs[i][:cap(s.bufs[i])])
	}
	s.bb = nil
}

// Context returns the context of the next run's expressions, which is to be filled before.
func (s *Short) Context() *expr.Context { return &s.ec }

// Row returns the row of the plan, nil if there is none; it is valid until the next run. r reads the
// plan's table.
func (s *Short) Row(ctx context.Context, r table.Reader) (row types.Row, err error) {
	if row, err = s.leaf(ctx, r, s.bufs[0][:0]); row == nil || err != nil {
		return nil, err
	}
	s.bufs[0] = row
	for i := range s.steps {
		st := &s.steps[i]
		st.prog.Begin(row)
		if st.cond {
			if ok, err := st.prog.True(0); !ok || err != nil {
				return nil, err
			}
			continue
		}
		out := s.bufs[1][:0]
		for k := range st.n {
			d, err := st.prog.Eval(k)
			if err != nil {
				return nil, err
			}
			out = append(out, d)
		}
		s.bufs[0], s.bufs[1] = out, row
		row = notNil(out)
	}
	return row, nil
}

func (s *Short) leaf(ctx context.Context, r table.Reader, row types.Row) (types.Row, error) {
	if s.scan == nil {
		for _, e := range s.given {
			d, err := expr.EvalRow(&s.ec, e, nil)
			if err != nil {
				return nil, err
			}
			row = append(row, d)
		}
		return notNil(row), nil
	}
	key := s.key[:0]
	for _, e := range s.scan.Key {
		d, err := expr.EvalRow(&s.ec, e, nil)
		if err != nil || d.IsNull() { // NULL equals nothing
			return nil, err
		}
		key = append(key, d)
	}
	s.key = key
	row, err := s.get(ctx, r, key, row)
	if errors.Is(err, table.ErrNotFound) {
		return nil, nil
	}
	return notNil(row), err
}

// get reads the row with a key, and its reference if the plan needs it.
func (s *Short) get(ctx context.Context, r table.Reader, key, row types.Row) (types.Row, error) {
	if !s.scan.Refs {
		return r.Get(ctx, key, s.scan.Cols, row)
	}
	var ref table.RowRef
	var err error
	if g, ok := r.(table.RefGetter); ok {
		row, ref, err = g.GetRef(ctx, key, s.scan.Cols, row)
	} else if row, err = r.Get(ctx, key, s.scan.Cols, row); err == nil {
		ref, err = r.Ref(ctx, key)
	}
	return append(row, types.NewInt(types.Int8, int64(ref))), err
}

// notNil tells a row without columns from none.
func notNil(row types.Row) types.Row {
	if row == nil {
		return types.Row{}
	}
	return row
}

// Builder returns a builder of rows of the plan.
func (s *Short) Builder(rows int) *vec.BatchBuilder {
	return vec.NewBatchBuilder(typesOf(s.cols), rows, nil)
}

// Batch returns a row of the plan as a batch, which is valid until the next call.
func (s *Short) Batch(row types.Row) (*vec.Batch, error) {
	if s.bb == nil {
		s.bb = s.Builder(1)
	}
	s.bb.Reset()
	if err := s.bb.AppendRow(row); err != nil {
		return nil, err
	}
	return s.bb.Batch(), nil
}
