package store

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Scan reads the rows that the statement sees. Of a table that the transaction has not written to, it
// is the tier's own scan.
func (r *Reader) Scan(_ context.Context, spec table.ScanSpec) (table.Scan, error) {
	if r.st.closed.Load() {
		return nil, errStatementEnded
	}
	if err := checkColumns(r.def, spec.Cols); err != nil {
		return nil, err
	}
	if spec.VectorRows < 0 || spec.VectorRows > vec.Size {
		return nil, sqlerr.Newf(sqlerr.InternalError, "batches of %d rows", spec.VectorRows)
	}
	for i := range spec.Where {
		if err := checkColumns(r.def, []int{spec.Where[i].Col}); err != nil {
			return nil, err
		}
	}
	if reads := r.st.reads(); reads != nil {
		reads.scan(r.def.ID, spec.Where, r.st.view.LSN())
	}
	s, err := r.scan(spec)
	if err != nil {
		return nil, err
	}
	return &scan{Scan: s, st: r.st, view: r.st.view.Retain()}, nil
}

func (r *Reader) scan(spec table.ScanSpec) (table.Scan, error) {
	w := r.tt.w
	if w == nil || w.empty() {
		if r.ts == nil {
			return &overlayScan{where: len(spec.Where)}, nil
		}
		return r.ts.Scan(&spec)
	}
	return r.overlay(spec, w)
}

// scan keeps the View as long as it is open, so that what is being read outlives the statement. It hands out nothing
// once the statement has ended.
type scan struct {
	table.Scan
	st     *Statement
	view   *view
	closed atomic.Bool
}

// NextMorsel returns the next morsel.
func (s *scan) NextMorsel(ctx context.Context) (table.Morsel, error) {
	if s.closed.Load() || s.st.closed.Load() {
		return nil, errStatementEnded
	}
	return s.Scan.NextMorsel(ctx)
}

// Close ends the scan.
func (s *scan) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.Scan.Close()
	s.view.Release()
	return err
}

// overlay returns a scan of the tier's rows less those hidden, followed by the transaction's own.
func (r *Reader) overlay(spec table.ScanSpec, w *writes) (table.Scan, error) {
	s := &overlayScan{
		st: r.st, w: w, command: r.st.sees(), cols: spec.Cols, refs: spec.Refs, where: len(spec.Where),
		rows: spec.VectorRows,
	}
	if s.rows == 0 {
		s.rows = vec.Size
	}
	if w.truncated == 0 || w.truncated >= s.command {
		s.filter = len(w.ended) > 0
		if r.ts != nil {
			base := spec
			base.Refs = spec.Refs || s.filter
			base.Holes = spec.Holes && !s.filter
			base.Spare = nil // the own rows are not filtered, so that the caller looks at the columns of all
			var err error
			if s.base, err = r.ts.Scan(&base); err != nil {
				return nil, err
			}
		}
	}
	s.chunks = append(s.chunks, w.chunks...)
	for _, c := range s.chunks {
		s.sizes = append(s.sizes, c.rows.Len())
	}
	w.catchUp()
	s.ended, s.byRef = w.ended, w.byRef
	if m, ok := r.ts.(table.Moving); ok && w.relocation.mover != nil && m.At() != w.relocation.moves {
		s.mover, s.moves = w.relocation.mover, w.relocation.moves
	}
	w.shared = w.shared || s.filter
	w.scans.Add(1)
	return s, nil
}

// overlayScan is a table.Scan over a tier's rows and the transaction's own.
type overlayScan struct {
	st      *Statement
	w       *writes
	command uint32
	cols    []int
	refs    bool
	where   int // number of conjuncts
	rows    int // bound on the rows of a batch
	// base is the tier's scan; nil if the tier has nothing to show. filter: some of its rows are
	// hidden.
	base   table.Scan
	filter bool
	ended  []endedRow
	byRef  refTable
	// mover, if not nil, brings references of the tier's scan up to those of byRef, which have seen moves.
	mover table.Mover
	moves uint64
	// chunks hold the own rows, sizes how many there were when the scan began.
	chunks []*chunk
	sizes  []int

	mu struct {
		sync.Mutex
		seq    int // larger than that of every morsel so far
		next   int // chunk
		ended  bool
		closed bool
		own    int64 // own rows handed out
	}
}

var _ table.Scan = (*overlayScan)(nil)

// Accepted is what the tier takes over, but never exactly: the own rows are not filtered.
func (s *overlayScan) Accepted() []table.Pushdown {
	out := make([]table.Pushdown, s.where)
	if s.base != nil {
		copy(out, s.base.Accepted())
	}
	for i := range out {
		out[i] = min(out[i], table.Inexact)
	}
	return out
}

// NextMorsel returns the tier's morsels, then one for each chunk of own rows.
func (s *overlayScan) NextMorsel(ctx context.Context) (table.Morsel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil, errStatementEnded
	}
	if s.base != nil && !s.mu.ended {
		m, err := s.base.NextMorsel(ctx)
		if err == nil {
			s.mu.seq = max(s.mu.seq, m.Seq()+1)
			if s.filter {
				m = &filterMorsel{Morsel: m, s: s}
			}
			return m, nil
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		s.mu.ended = true
	}
	if s.mu.next >= len(s.chunks) {
		return nil, io.EOF
	}
	m := &ownMorsel{s: s, chunk: s.chunks[s.mu.next], size: s.sizes[s.mu.next], seq: s.mu.seq}
	s.mu.next++
	s.mu.seq++
	s.mu.own += int64(m.size)
	return m, nil
}

// Narrow filters what the tier has not read yet.
func (s *overlayScan) Narrow(c table.Conjunct) table.Pushdown {
	if s.base == nil {
		return table.None
	}
	return min(s.base.Narrow(c), table.Inexact)
}

// Report counts what was done.
func (s *overlayScan) Report() (r table.ScanReport) {
	if s.base != nil {
		r = s.base.Report()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Morsels += int64(s.mu.next)
	r.RowsRead += s.mu.own
	return r
}

// Close ends the scan.
func (s *overlayScan) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil
	}
	s.mu.closed = true
	if s.w != nil {
		s.w.scanned()
	}
	if s.base != nil {
		return s.base.Close()
	}
	return nil
}

// filterMorsel leaves out the rows of a tier's morsel that earlier statements ended.
type filterMorsel struct {
	table.Morsel
	s    *overlayScan
	base vec.Batch
	sel  []uint16
}

// Read returns the next batch that has rows left.
func (m *filterMorsel) Read(ctx context.Context, dst *vec.Batch) error {
	for {
		if err := m.Morsel.Read(ctx, &m.base); err != nil {
			return err
		}
		g := &m.base.Groups[0]
		refs := &g.Cols[len(g.Cols)-1]
		if cap(m.sel) < m.base.N {
			m.sel = make([]uint16, 0, vec.Size)
		}
		m.sel = m.sel[:0]
		for i := range m.base.N {
			pos := g.Pos(i)
			ref := table.RowRef(refs.Int(pos))
			if m.s.mover != nil {
				ref = m.s.mover.Moved(ref, m.s.moves)
			}
			if j := m.s.byRef.find(ref); j < 0 || m.s.ended[j].command >= m.s.command {
				m.sel = append(m.sel, uint16(pos))
			}
		}
		if len(m.sel) == 0 {
			continue
		}
		cols, sel := g.Cols, m.sel
		if len(sel) == m.base.N {
			sel = g.Sel
		}
		if !m.s.refs {
			cols = cols[:len(cols)-1]
		}
		dst.Single(len(m.sel), cols, sel)
		return nil
	}
}

// ownMorsel is a chunk of the write set.
type ownMorsel struct {
	s     *overlayScan
	chunk *chunk
	size  int
	seq   int
	next  int
	sel   []uint16
	cols  []vec.Vector
	refs  []int64
}

func (m *ownMorsel) Rows() int { return m.size }

func (m *ownMorsel) Seq() int { return m.seq }

func (m *ownMorsel) Close() {}

// Read returns the next rows of the chunk that the statement sees.
func (m *ownMorsel) Read(ctx context.Context, dst *vec.Batch) error {
	if ctx.Err() != nil {
		return sqlerr.Canceled(ctx)
	}
	m.sel = m.sel[:0]
	for m.next < m.size && len(m.sel) < m.s.rows {
		if m.chunk.sees(m.next, m.s.command) {
			m.sel = append(m.sel, uint16(m.next))
		}
		m.next++
	}
	if len(m.sel) == 0 {
		return io.EOF
	}
	if m.cols == nil {
		m.load()
	}
	dst.Single(len(m.sel), m.cols, m.sel)
	return nil
}

// load makes the vectors of the chunk.
func (m *ownMorsel) load() {
	m.cols = make([]vec.Vector, 0, len(m.s.cols)+1)
	for _, c := range m.s.cols {
		m.cols = append(m.cols, m.chunk.rows.Col(c).Vector())
	}
	if !m.s.refs {
		return
	}
	m.refs = make([]int64, m.size)
	for i := range m.refs {
		m.refs[i] = int64(privateRef | table.RowRef(m.chunk.first+int32(i)))
	}
	m.cols = append(m.cols, vec.Vector{
		Type: types.T(types.Int8), Width: 8, N: m.size, Data: vec.DataOf(m.refs), NullBit: -1,
	})
}
