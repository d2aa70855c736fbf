package exec

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/query/plan"
)

// OpReport is what one operator of the plan did, for EXPLAIN ANALYZE.
type OpReport struct {
	// ID is the operator's number in the plan (plan.Props.ID), Name its kind.
	ID   int
	Name string
	// Rows is the number of rows that it passed on, Batches of batches.
	Rows, Batches int64
	// Time is the time spent in the operator by all workers, without the operators after it; only if
	// the query was instantiated with Analyze.
	Time time.Duration
	// MemoryBytes is what its state takes.
	MemoryBytes int64
	// SpilledBytes is what of it went to a temporary file, in Partitions partitions or sorted runs.
	SpilledBytes, Partitions int64
	// Details name the strategies that were chosen and the facts behind them, in order.
	Details []string
}

// opStats counts for one operator.
type opStats struct {
	id      int
	node    plan.Node
	name    string
	rows    atomic.Int64
	batches atomic.Int64
	nanos   atomic.Int64
	bytes   atomic.Int64
	// spilledBytes and partitions count what left memory.
	spilledBytes, partitions atomic.Int64
	mu                       sync.Mutex
	details                  []string
	most                     []mostDetail
}

// mostDetail is a detail with a number of which the greatest is shown.
type mostDetail struct {
	format string
	n, at  int
}

// statsOf makes the counters of a node's operator.
func (q *Query) statsOf(n plan.Node, id int, name string) *opStats {
	s := &opStats{id: id, node: n, name: name}
	q.stats = append(q.stats, s)
	return s
}

// note adds a detail, once.
func (s *opStats) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.details {
		if d == text {
			return
		}
	}
	s.details = append(s.details, text)
}

// noteMost adds a detail with a number, or raises the number: operators do the same thing to several tables.
func (s *opStats) noteMost(format string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.most {
		if m := &s.most[i]; m.format == format {
			if n > m.n {
				m.n, s.details[m.at] = n, fmt.Sprintf(format, n)
			}
			return
		}
	}
	s.most = append(s.most, mostDetail{format, n, len(s.details)})
	s.details = append(s.details, fmt.Sprintf(format, n))
}

// out counts a batch.
func (s *opStats) out(rows int) {
	s.rows.Add(int64(rows))
	s.batches.Add(1)
}

// Report returns what the operators have done so far, those of subplans first.
func (q *Query) Report() []OpReport {
	out := make([]OpReport, 0, len(q.stats))
	for _, s := range q.stats {
		s.mu.Lock()
		out = append(out, OpReport{
			ID: s.id, Name: s.name, Rows: s.rows.Load(), Batches: s.batches.Load(),
			Time: time.Duration(s.nanos.Load()), MemoryBytes: s.bytes.Load(),
			SpilledBytes: s.spilledBytes.Load(), Partitions: s.partitions.Load(),
			Details: append([]string(nil), s.details...),
		})
		s.mu.Unlock()
	}
	return out
}

// String prints a report as one line.
func (r OpReport) String() string {
	s := fmt.Sprintf("#%d %s: %d rows", r.ID, r.Name, r.Rows)
	if len(r.Details) > 0 {
		s += " (" + strings.Join(r.Details, "; ") + ")"
	}
	return s
}
