package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// heldSource yields the rows that a data change in WITH has returned.
type heldSource struct {
	q     *Query
	stats *opStats
	rows  []types.Row
	bb    *vec.BatchBuilder
	at    int
	begun bool
}

func (q *Query) held(n *plan.Held) (*flow, error) {
	s := &heldSource{q: q, stats: q.statsOf(n, n.ID, "held"), rows: q.env.Held[n.Of]}
	s.bb = vec.NewBatchBuilder(typesOf(n.Columns()), min(max(len(s.rows), 1), q.vectorRows), q.mem)
	q.onClose(s.bb.Release)
	return &flow{branches: []branch{{src: s}}}, nil
}

func (s *heldSource) open(context.Context) error {
	s.at, s.begun = 0, false
	return nil
}

func (s *heldSource) reader() (reader, error) { return s, nil }
func (s *heldSource) close()                  {}

func (s *heldSource) claim(context.Context) error {
	if s.begun {
		return io.EOF
	}
	s.begun = true
	return nil
}

func (s *heldSource) read(context.Context) (*vec.Batch, error) {
	if s.at == len(s.rows) {
		return nil, nil
	}
	s.bb.Reset()
	for s.bb.Len() < s.q.vectorRows && s.at < len(s.rows) {
		if err := s.bb.AppendRow(s.rows[s.at]); err != nil {
			return nil, err
		}
		s.at++
	}
	b := s.bb.Batch()
	s.stats.out(b.N)
	return b, nil
}
