package exec

import (
	"context"
	"errors"
	"io"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// lookupSource reads at most one row of a table, by primary key.
type lookupSource struct {
	q     *Query
	n     *plan.Scan
	stats *opStats
	bb    *vec.BatchBuilder
	given bool
	row   types.Row
}

func (q *Query) lookup(n *plan.Scan) (*flow, error) {
	s := &lookupSource{q: q, n: n, stats: q.statsOf(n, n.ID, "key lookup")}
	q.onClose(func() {
		if s.bb != nil {
			s.bb.Release()
		}
	})
	f := &flow{branches: []branch{{src: s}}}
	if n.Filter != nil {
		prog, err := q.compile([]expr.Expr{n.Filter}, typesOf(n.Columns()))
		if err != nil {
			return nil, err
		}
		f.pipe(q.filterOp(prog, nil))
	}
	return f, nil
}

func (s *lookupSource) open(ctx context.Context) error {
	s.given = false
	key := make(types.Row, len(s.n.Key))
	for i, e := range s.n.Key {
		d, err := s.q.constantOf(e)
		if err != nil {
			return err
		}
		if d.IsNull() {
			s.given = true // NULL equals nothing
			return nil
		}
		key[i] = d
	}
	r, err := s.q.env.Stmt.Reader(ctx, s.n.Table.ID)
	if err != nil {
		return err
	}
	s.row, err = r.Get(ctx, key, s.n.Cols, s.row[:0])
	if err == nil && s.n.Refs {
		var ref table.RowRef
		ref, err = r.Ref(ctx, key)
		s.row = append(s.row, types.NewInt(types.Int8, int64(ref)))
	}
	switch {
	case errors.Is(err, table.ErrNotFound):
		s.given = true
		return nil
	case err != nil:
		return err
	}
	if s.bb == nil {
		s.bb = vec.NewBatchBuilder(typesOf(s.n.Columns()), 1, s.q.mem)
	}
	s.bb.Reset()
	return s.bb.AppendRow(s.row)
}

func (s *lookupSource) reader() (reader, error) { return s, nil }
func (s *lookupSource) close()                  {}

func (s *lookupSource) claim(context.Context) error {
	if s.given {
		return io.EOF
	}
	return nil
}

func (s *lookupSource) read(context.Context) (*vec.Batch, error) {
	if s.given {
		return nil, nil
	}
	s.given = true
	s.stats.out(1)
	return s.bb.Batch(), nil
}
