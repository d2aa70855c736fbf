package rowstore

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// morselChunks is the number of chunks of a morsel: 128 K rows.
const morselChunks = 32

// scan is a table.Scan on the chunks that a snapshot sees.
type scan struct {
	d        *data
	lsn      table.LSN
	tier     string
	cols     []int
	refs     bool
	rows     int // of a vector
	where    []table.Conjunct
	accepted []table.Pushdown
	narrowed atomic.Pointer[[]table.Conjunct]
	chunks   []atomic.Pointer[chunk]
	limit    uint64 // row numbers below
	unbound  bool   // bounds of chunks must not be used
	next     atomic.Int64
	report   scanCounts
}

type scanCounts struct{ morsels, rows, skipped, chunks, deleted atomic.Int64 }

// Scan begins a scan of the rows that the snapshot sees.
func (s *tableSnapshot) Scan(spec *table.ScanSpec) (table.Scan, error) {
	return s.d.scan(spec, s.s.lsn, tierName)
}

func (d *data) scan(spec *table.ScanSpec, lsn table.LSN, tier string) (table.Scan, error) {
	x := &scan{d: d, lsn: lsn, tier: tier, cols: spec.Cols, refs: spec.Refs, rows: spec.VectorRows, where: spec.Where,
		unbound: spec.Avoid.Bounds}
	if x.rows <= 0 || x.rows > vec.Size {
		x.rows = vec.Size
	}
	for _, c := range spec.Cols {
		if c < 0 || c >= len(d.types) {
			return nil, sqlerr.Newf(sqlerr.InternalError, "scan of column %d of table %s", c, d.def.Name)
		}
	}
	x.accepted = make([]table.Pushdown, len(spec.Where))
	for i := range spec.Where {
		if x.prunable(&spec.Where[i]) {
			x.accepted[i] = table.Inexact
		}
	}
	x.limit = d.rows.Load()
	x.chunks = *d.chunks.Load()
	return x, nil
}

func (s *scan) Accepted() []table.Pushdown { return s.accepted }

// Narrow takes a run-time filter over for chunks that are not yet read.
func (s *scan) Narrow(c table.Conjunct) table.Pushdown {
	if !s.prunable(&c) {
		return table.None
	}
	for {
		old := s.narrowed.Load()
		var more []table.Conjunct
		if old != nil {
			more = append(more, *old...)
		}
		more = append(more, c)
		if s.narrowed.CompareAndSwap(old, &more) {
			return table.Inexact
		}
	}
}

func (s *scan) numChunks() int { return int((s.limit + chunkRows - 1) >> chunkShift) }

// NextMorsel hands out the next run of chunks.
func (s *scan) NextMorsel(ctx context.Context) (table.Morsel, error) {
	for {
		if ctx.Err() != nil {
			return nil, sqlerr.Canceled(ctx)
		}
		i := int(s.next.Add(1)) - 1
		from := s.d.first + i*morselChunks
		if from >= s.numChunks() {
			return nil, io.EOF
		}
		m := &morsel{s: s, seq: i, at: from, to: min(from+morselChunks, s.numChunks())}
		if m.prepare() {
			s.report.morsels.Add(1)
			return m, nil
		}
	}
}

func (s *scan) Report() table.ScanReport {
	r := &s.report
	return table.ScanReport{Tier: s.tier, Morsels: r.morsels.Load(), RowsRead: r.rows.Load(), RowsSkipped: r.skipped.Load(),
		ChunksSkipped: r.chunks.Load(), DeletedRows: r.deleted.Load()}
}

func (s *scan) Close() error { return nil }

// rowsOf returns how many rows of a chunk the scan may look at.
func (s *scan) rowsOf(i int, c *chunk) int {
	if first := uint64(i) << chunkShift; s.limit < first+chunkRows {
		return int(s.limit - first)
	}
	return c.n
}

// morsel is a run of chunks read by one goroutine.
type morsel struct {
	s       *scan
	seq     int
	at, to  int // chunks
	rows    int // bound of the live rows
	facts   []vec.Fact
	c       *chunk // being read
	n, row  int    // visible rows, next one
	masked  bool
	skip    [morselChunks]bool
	first   int // first chunk of the morsel
	mask    [chunkRows / 64]uint64
	vecs    []vec.Vector
	valid   [][vec.Size/64 + 1]uint64
	sel     [vec.Size]uint16
	refs    [vec.Size]int64
	refFact vec.Fact
}

// prepare finds the morsel's chunks and facts; false if no row can be in it.
func (m *morsel) prepare() bool {
	s := m.s
	m.first = m.at
	m.facts = make([]vec.Fact, len(s.cols))
	var narrowed []table.Conjunct
	if p := s.narrowed.Load(); p != nil {
		narrowed = *p
	}
	any := false
	for i := m.at; i < m.to; i++ {
		c := s.chunks[i].Load()
		if c == nil {
			m.skip[i-m.first] = true
			continue
		}
		n := c.visible(s.rowsOf(i, c), uint64(s.lsn))
		if n == 0 || s.excludes(c, s.where) || s.excludes(c, narrowed) {
			m.skip[i-m.first] = true
			if n > 0 {
				s.report.chunks.Add(1)
				s.report.skipped.Add(int64(n))
			}
			continue
		}
		m.rows += n
		for k, col := range s.cols {
			c.cols[col].facts(&m.facts[k], !any)
		}
		any = true
	}
	if !any {
		return false
	}
	for k := range m.facts {
		if f := &m.facts[k]; f.Min > f.Max {
			f.Bounded, f.Ascending = false, false // all NULL
		}
	}
	m.refFact = vec.Fact{NoNulls: true, Finite: true, LenMax: -1}
	n := len(s.cols)
	if s.refs {
		n++
	}
	m.vecs = make([]vec.Vector, n)
	m.valid = make([][vec.Size/64 + 1]uint64, len(s.cols))
	return true
}

func (m *morsel) Rows() int { return m.rows }
func (m *morsel) Seq() int  { return m.seq }
func (m *morsel) Close()    {}

// Read returns the next vector of visible rows, in place.
func (m *morsel) Read(_ context.Context, dst *vec.Batch) error {
	for {
		if m.c == nil && !m.open() {
			return io.EOF
		}
		from := m.row
		n := min(m.s.rows, m.n-from)
		m.row += n
		c := m.c
		if m.row >= m.n {
			m.c = nil
		}
		sel, live := m.selection(from, n)
		if live == 0 {
			continue
		}
		m.fill(c, from, n)
		m.s.report.rows.Add(int64(live))
		dst.Single(live, m.vecs, sel)
		if invariants.Enabled {
			m.checkFacts(dst)
		}
		return nil
	}
}

// open moves to the next chunk with visible rows.
func (m *morsel) open() bool {
	for ; m.at < m.to; m.at++ {
		if m.skip[m.at-m.first] {
			continue
		}
		c := m.s.chunks[m.at].Load()
		if c == nil {
			continue
		}
		m.c, m.row = c, 0
		m.n = c.visible(m.s.rowsOf(m.at, c), uint64(m.s.lsn))
		dels := c.deleted(uint64(m.s.lsn))
		m.masked = len(dels) > 0
		if m.masked {
			for i := range m.mask {
				m.mask[i] = ^uint64(0)
			}
			for _, r := range dels {
				m.mask[r>>6] &^= 1 << (r & 63)
			}
			m.s.report.deleted.Add(int64(len(dels)))
		}
		m.at++
		return m.n > 0
	}
	return false
}

// selection lists the live rows among n from row from on; nil if all are.
func (m *morsel) selection(from, n int) ([]uint16, int) {
	if !m.masked {
		return nil, n
	}
	k := 0
	for i := range n {
		r := from + i
		m.sel[k] = uint16(i)
		k += int(m.mask[r>>6] >> (r & 63) & 1)
	}
	if k == n {
		return nil, n
	}
	return m.sel[:k], k
}

func (m *morsel) fill(c *chunk, from, n int) {
	for k, col := range m.s.cols {
		x := &c.cols[col]
		m.vecs[k] = x.vector(from, n)
		m.vecs[k].Fact = &m.facts[k]
		if p := x.nulls.Load(); p != nil {
			m.vecs[k].Valid = validity(&m.valid[k], p[from:from+n])
		}
	}
	if m.s.refs {
		base := int64(m.at-1)<<chunkShift | int64(from)
		for i := range n {
			m.refs[i] = base + int64(i)
		}
		m.vecs[len(m.s.cols)] = vec.Vector{Type: types.T(types.Int8), Width: 8, N: n, Data: vec.DataOf(m.refs[:]), Fact: &m.refFact}
	}
}

// validity turns NULL bytes into a bitmap; nil if no row is NULL.
func validity(dst *[vec.Size/64 + 1]uint64, nulls []byte) []uint64 {
	any := byte(0)
	for w := 0; w < len(nulls); w += 64 {
		bits := uint64(0)
		for i, b := range nulls[w:min(w+64, len(nulls))] {
			bits |= uint64(b^1) << i
			any |= b
		}
		dst[w>>6] = bits
	}
	if any == 0 {
		return nil
	}
	return dst[:vec.BitmapWords(len(nulls))]
}

// checkFacts asserts that the morsel's facts hold for the rows that are handed out.
func (m *morsel) checkFacts(b *vec.Batch) {
	for k := range m.s.cols {
		f := &m.facts[k]
		ints := layoutOf(m.vecs[k].Type)
		for i := range b.N {
			d := b.BatchDatum(k, i)
			if !d.Valid {
				invariants.Assert(!f.NoNulls, "column %d has a NULL against its fact", k)
				continue
			}
			if f.Bounded && ints.ints() {
				invariants.Assert(d.I >= f.Min && d.I <= f.Max, "column %d: %d is outside %d … %d", k, d.I, f.Min, f.Max)
			}
		}
	}
}
