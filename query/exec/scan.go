package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// scanSource reads a table.
type scanSource struct {
	q     *Query
	n     *plan.Scan
	stats *opStats
	// cols are the output columns that are read, in the order of the storage's batch.
	cols    []int
	filters []*scanFilter
	scan    table.Scan
	// prog has the condition, without what the storage takes over; nil if nothing is left.
	prog *expr.Program
	// blank are columns of cols that nothing reads, since the storage takes the conditions on them over.
	blank []bool
	// holes: who reads the batches takes them with holes. The reader's own tests do in any case.
	holes bool
}

// scanFilter is a run-time filter on an output column of a scan.
type scanFilter struct {
	f   *runtimeFilter
	col int
	// required: the filter replaces a semi join, so it must be applied to every row.
	required bool
}

func (q *Query) scan(n *plan.Scan) (*flow, error) {
	if n.Key != nil {
		return q.lookup(n)
	}
	s := &scanSource{q: q, n: n, stats: q.statsOf(n, n.ID, "scan")}
	s.filters = q.scanFilters[n]
	if n.Filter != nil {
		q.noteVolatile(n.Filter)
	}
	need := q.needs[n]
	for i := range n.Columns() {
		if need[i] || s.filtered(i) {
			s.cols = append(s.cols, i)
		}
	}
	return &flow{branches: []branch{{src: s}}}, nil
}

func (s *scanSource) filtered(col int) bool {
	for _, f := range s.filters {
		if f.col == col {
			return true
		}
	}
	return false
}

func (s *scanSource) open(ctx context.Context) error {
	r, err := s.q.env.Stmt.Reader(ctx, s.n.Table.ID)
	if err != nil {
		return err
	}
	spec := table.ScanSpec{VectorRows: s.q.vectorRows, Holes: s.holes || s.n.Filter != nil || len(s.filters) > 0, Avoid: s.q.env.Force.Avoid, Execution: s.q.env.execution}
	for _, c := range s.cols {
		if c == len(s.n.Cols) {
			spec.Refs = true // always the last
			continue
		}
		spec.Cols = append(spec.Cols, s.n.Cols[c])
	}
	conds := splitAnd(s.n.Filter, s.q.env.Expr)
	from := make([]int, 0, len(conds))
	for i, e := range conds {
		if c, ok := s.conjunct(e); ok {
			spec.Where = append(spec.Where, c)
			from = append(from, i)
		}
	}
	filters := len(spec.Where)
	spec.Spare = s.spare(conds, from)
	for _, f := range s.filters {
		if c, ok := f.conjunct(s.n); ok {
			spec.Where = append(spec.Where, c)
		}
	}
	if s.scan, err = r.Scan(ctx, spec); err != nil {
		return err
	}
	accepted := s.scan.Accepted()
	for i, at := range from {
		if i < len(accepted) && i < filters && accepted[i] == table.Exact {
			conds[at] = nil
			s.stats.note("storage takes over a condition")
		}
	}
	s.leaveBlank(&spec, accepted)
	return s.compile(conds)
}

// compile compiles what is left of the condition.
func (s *scanSource) compile(conds []expr.Expr) error {
	left := conds[:0]
	for _, e := range conds {
		if e != nil {
			left = append(left, e)
		}
	}
	if len(left) == 0 {
		return nil
	}
	cond, err := expr.NewAnd(left[0].Pos(), left...)
	if err != nil {
		return err
	}
	s.prog, err = s.q.compile([]expr.Expr{cond}, typesOf(s.n.Columns()))
	return err
}

func (s *scanSource) close() {
	if s.scan == nil {
		return
	}
	r := s.scan.Report()
	if r.ChunksSkipped > 0 {
		s.stats.note("%d chunks skipped by bounds", r.ChunksSkipped)
	}
	if r.KeyRanges > 0 {
		s.stats.note("%d ranges of keys read", r.KeyRanges)
	}
	if r.KeyRanges > 0 || r.ChunksSkipped == 0 && r.RowsSkipped > 0 {
		s.stats.note("%d rows skipped by storage", r.RowsSkipped)
	}
	s.noteSegments(&r)
	_ = s.scan.Close() // a read-only scan has nothing to report at its end
	s.scan = nil
}

// noteSegments tells what was read of segments.
func (s *scanSource) noteSegments(r *table.ScanReport) {
	if r.Segments == 0 {
		return
	}
	s.stats.note("%d segments read, %d skipped", r.Segments-r.SegmentsSkipped, r.SegmentsSkipped)
	if r.Pages+r.PagesSkip > 0 {
		s.stats.note("%d pages read, %d skipped", r.Pages, r.PagesSkip)
	}
	if r.Bitmaps > 0 {
		s.stats.note("%d bitmaps read", r.Bitmaps)
	}
	if r.DeletedRows > 0 {
		s.stats.note("%d rows of segments are deleted", r.DeletedRows)
	}
}

func (s *scanSource) reader() (reader, error) {
	r := &scanReader{s: s, arena: arena{tracker: s.q.mem}}
	cols := s.n.Columns()
	r.cols = make([]vec.Vector, len(cols))
	for i := range cols {
		r.cols[i] = nullVector(cols[i].Type)
	}
	for i := range r.sels {
		sel, err := makeSlice[uint16](&r.arena, batchRows+1)
		if err != nil {
			r.arena.free()
			return nil, err
		}
		r.sels[i] = sel
	}
	if s.prog != nil {
		r.ev = s.q.evaluator(s.prog)
	}
	r.tests = make([]scanTest, 0, len(s.filters)+1)
	if r.ev != nil {
		r.tests = append(r.tests, scanTest{})
	}
	for _, f := range s.filters {
		if f.f.useful() || f.required {
			r.tests = append(r.tests, scanTest{f: f})
		}
	}
	return r, nil
}

// scanReader reads morsels and filters them.
type scanReader struct {
	s       *scanSource
	m       table.Morsel
	raw     vec.Batch
	out     vec.Batch
	cols    []vec.Vector
	ev      *expr.Evaluator
	tests   []scanTest
	sels    [2][]uint16
	arena   arena
	ints    []int64
	nullSel []uint16
	around  []uint16 // the rows around holes
	holeBit [batchRows / 64]uint64
	err     error // of the row after the last batch
	round   int
}

// scanTest is the condition (f nil) or a run-time filter, with its effect so far.
type scanTest struct {
	f          *scanFilter
	seen, kept int64
	off        bool
}

func (r *scanReader) claim(ctx context.Context) error {
	r.release()
	m, err := r.s.scan.NextMorsel(ctx)
	if err != nil {
		return err
	}
	r.m = m
	return nil
}

func (r *scanReader) release() {
	if r.m != nil {
		r.m.Close()
		r.m = nil
	}
}

func (r *scanReader) close() {
	r.release()
	if r.ev != nil {
		r.ev.Close()
	}
	r.arena.free()
}

func (r *scanReader) read(ctx context.Context) (*vec.Batch, error) {
	if r.err != nil {
		err := r.err
		r.err = nil
		return nil, err
	}
	switch err := r.m.Read(ctx, &r.raw); err {
	case nil:
	case io.EOF:
		r.release()
		return nil, nil
	default:
		return nil, err
	}
	var sel []uint16
	if len(r.raw.Groups) > 0 {
		g := &r.raw.Groups[0]
		sel = g.Sel
		for i, c := range r.s.cols {
			if r.s.blank == nil || !r.s.blank[i] {
				r.cols[c] = g.Cols[i]
			}
		}
	}
	r.out.Single(r.raw.N, r.cols, sel)
	if len(r.raw.Groups) > 0 {
		r.out.Groups[0].Holes = r.raw.Groups[0].Holes
	}
	if err := r.filter(); err != nil {
		return nil, err
	}
	if r.out.Groups[0].Holes != nil && !r.s.holes {
		if err := fillHoles(&r.out, &r.around, &r.arena); err != nil {
			return nil, err
		}
	}
	r.s.stats.out(r.out.N)
	return &r.out, nil
}

// filter applies the tests, those that leave most rows out first.
func (r *scanReader) filter() error {
	cur := 0
	for i := range r.tests {
		t := &r.tests[i]
		if t.off || r.out.N == 0 {
			continue
		}
		before := r.out.N
		var sel []uint16
		var err error
		if t.f == nil {
			sel, err = r.ev.FilterScan(0, &r.out, r.sels[cur][:0])
			if err != nil {
				_, cause, ok := rowsBefore(err)
				if !ok {
					return err
				}
				r.err = cause // of the row after those of sel
			}
		} else {
			sel, err = t.f.apply(r, &r.out, r.sels[cur])
			if err != nil {
				return err
			}
		}
		t.seen += int64(before)
		t.kept += int64(len(sel))
		if len(sel) == before {
			continue // all pass: the index stays as it is
		}
		r.out.N = len(sel)
		r.out.Groups[0].Sel, r.out.Groups[0].Holes = sel, nil
		cur ^= 1
	}
	r.adapt()
	return nil
}

// adaptBatches is how often the order of the tests is reconsidered.
const adaptBatches = 16

// adapt orders the tests by the share of rows that they keep, and drops run-time filters that keep
// nearly all.
func (r *scanReader) adapt() {
	if len(r.tests) < 2 {
		return
	}
	if r.round++; r.round%adaptBatches != 0 {
		return
	}
	for i := range r.tests {
		t := &r.tests[i]
		if t.f != nil && !t.f.required && t.seen > 4096 && t.kept > t.seen-t.seen/16 {
			t.off = true
		}
		for j := i; j > 0 && r.tests[j].share() < r.tests[j-1].share()-0.1; j-- {
			r.tests[j], r.tests[j-1] = r.tests[j-1], r.tests[j]
		}
	}
}

func (t *scanTest) share() float64 {
	if t.seen == 0 {
		return 1
	}
	return float64(t.kept) / float64(t.seen)
}
