package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// valuesSource yields literal rows.
type valuesSource struct {
	q     *Query
	n     *plan.Values
	stats *opStats
	bb    *vec.BatchBuilder
	row   types.Row
	at    int
	begun bool
	err   error
}

func (q *Query) values(n *plan.Values) (*flow, error) {
	s := &valuesSource{q: q, n: n, stats: q.statsOf(n, n.ID, "values")}
	s.bb = vec.NewBatchBuilder(typesOf(n.Columns()), min(max(len(n.Tuples), 1), q.vectorRows), q.mem)
	s.row = make(types.Row, len(n.Columns()))
	q.onClose(s.bb.Release)
	return &flow{branches: []branch{{src: s}}}, nil
}

func (s *valuesSource) open(context.Context) error {
	s.at, s.begun = 0, false
	return nil
}

func (s *valuesSource) reader() (reader, error) { return s, nil }
func (s *valuesSource) close()                  {}

func (s *valuesSource) claim(context.Context) error {
	if s.begun {
		return io.EOF
	}
	s.begun = true
	return nil
}

func (s *valuesSource) read(context.Context) (*vec.Batch, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.at == len(s.n.Tuples) {
		return nil, nil
	}
	s.bb.Reset()
	for s.bb.Len() < s.q.vectorRows && s.at < len(s.n.Tuples) && s.err == nil {
		s.err = s.tuple(s.at)
		s.at++
	}
	if s.err != nil && s.bb.Len() == 0 {
		return nil, s.err
	}
	b := s.bb.Batch()
	s.stats.out(b.N)
	return b, nil
}

func (s *valuesSource) tuple(i int) error {
	for c, e := range s.n.Tuples[i] {
		d, err := s.q.constantOf(e)
		if err != nil {
			return err
		}
		s.row[c] = d
	}
	return s.bb.AppendRow(s.row)
}
