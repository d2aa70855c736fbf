package columnar

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/columnar/deletion"
	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// morselZones is the number of zones of a morsel: 128 K rows, the same as of a memtable.
const morselZones = 64

// scan is a table.Scan on the parts that a snapshot has: segments, then memtables, oldest first.
type scan struct {
	s        *tableSnapshot
	spec     table.ScanSpec
	accepted []table.Pushdown
	segs     []*segScan
	mems     []table.Scan
	narrowed atomic.Pointer[[]table.Conjunct]
	// cols are the columns that are read of segments, and places where they stand among those that were asked for: all of
	// them, but for spare ones.
	cols, places []int
	// next is the number of the next morsel of segments; starts are the numbers of the segments' first ones.
	next   atomic.Int64
	starts []int
	total  int
	mem    struct {
		sync.Mutex
		at, seq int
	}
	report scanCounts
	// spare is a morsel of a segment that was closed.
	spare struct {
		sync.Mutex
		m *segMorsel
	}
}

type scanCounts struct {
	morsels, rows, skipped, zones, deleted, segments, segSkipped, pages, pageSkips, bitmaps atomic.Int64
}

// segScan is what a scan reads of a segment.
type segScan struct {
	*seg
	sel  *segment.Selection
	mask *deletion.Mask
}

// Scan begins a scan of the rows that the snapshot sees.
func (s *tableSnapshot) Scan(spec *table.ScanSpec) (table.Scan, error) {
	for _, c := range spec.Cols {
		if c < 0 || c >= len(s.inc.types) {
			return nil, sqlerr.Newf(sqlerr.InternalError, "scan of column %d of table %s", c, s.def.Name)
		}
	}
	x := &scan{s: s, spec: *spec}
	if x.spec.VectorRows <= 0 || x.spec.VectorRows > vec.Size {
		x.spec.VectorRows = vec.Size
	}
	a := acceptance{n: len(spec.Where)}
	for _, g := range s.p.segs {
		if err := x.addSegment(g, &a); err != nil {
			return nil, err
		}
	}
	for i := len(s.p.mems) - 1; i >= 0; i-- {
		m := s.p.mems[i]
		if first, end := m.Rows(); first == end {
			continue
		}
		ms, err := m.Scan(&x.spec, s.lsn, tierName)
		if err != nil {
			return nil, err
		}
		a.add(ms.Accepted())
		x.mems = append(x.mems, ms)
	}
	x.accepted = a.list()
	x.chooseColumns()
	x.mem.seq = x.total
	return x, nil
}

// chooseColumns leaves out the spare columns whose conjuncts are all accepted exactly.
func (x *scan) chooseColumns() {
	exact := func(col int) bool {
		for i := range x.spec.Where {
			if x.spec.Where[i].Col == col && x.accepted[i] != table.Exact {
				return invariants.Mutant("scan-spare-inexact")
			}
		}
		return true
	}
	for i, c := range x.spec.Cols {
		if x.spec.Spare == nil || !x.spec.Spare[i] || !exact(c) {
			x.cols, x.places = append(x.cols, c), append(x.places, i)
		}
	}
}

// nothing is a vector in the place of one that nobody reads.
var nothing = func() vec.Vector {
	zero := new([2]uint64)
	return vec.Vector{Form: vec.Const, Width: 16, N: 1, Data: unsafe.Pointer(zero), Valid: zero[:1], NullBit: -1}
}()

// addSegment finds out what is to be read of a segment.
func (x *scan) addSegment(g *seg, a *acceptance) error {
	x.report.segments.Add(1)
	sel, err := g.file.Select(x.spec.Where, x.spec.Avoid)
	if err != nil {
		return err
	}
	a.add(sel.Accepted)
	x.report.bitmaps.Add(int64(sel.Bitmaps))
	x.report.zones.Add(int64(sel.ZonesSkipped))
	x.report.pageSkips.Add(int64(g.file.SkippedPages(sel, x.spec.Cols)))
	x.report.skipped.Add(int64(g.info.Rows - sel.Count))
	if len(sel.Zones) == 0 {
		x.report.segSkipped.Add(1)
		return nil
	}
	mask := g.dv.Mask(uint64(x.s.lsn))
	if invariants.Mutant("columnar-ignore-deleted") {
		mask = &deletion.Mask{}
	}
	x.report.deleted.Add(int64(mask.Deleted))
	x.segs = append(x.segs, &segScan{g, sel, mask})
	x.starts = append(x.starts, x.total)
	x.total += (len(sel.Zones) + morselZones - 1) / morselZones
	return nil
}

// acceptance gathers how far parts take conjuncts over.
type acceptance struct {
	n     int
	least []table.Pushdown
	most  []table.Pushdown
}

func (a *acceptance) add(list []table.Pushdown) {
	if a.least == nil {
		a.least, a.most = append(a.least, list...), append(a.most, list...)
		return
	}
	for i, p := range list {
		a.least[i], a.most[i] = min(a.least[i], p), max(a.most[i], p)
	}
}

// list returns what holds for all parts: a conjunct is exact if it is everywhere.
func (a *acceptance) list() []table.Pushdown {
	out := make([]table.Pushdown, a.n)
	for i := range a.least {
		if out[i] = a.least[i]; out[i] != table.Exact {
			out[i] = min(a.most[i], table.Inexact)
		}
	}
	return out
}

func (x *scan) Accepted() []table.Pushdown { return x.accepted }

// Narrow takes a run-time filter over for what is not yet read.
func (x *scan) Narrow(c table.Conjunct) table.Pushdown {
	if x.spec.Avoid.Bounds {
		return table.None
	}
	took := table.None
	for _, m := range x.mems {
		took = max(took, m.Narrow(c))
	}
	for _, g := range x.segs {
		probe := &segment.Selection{Zones: make([]int32, 0)}
		took = max(took, g.file.Narrow(probe, &c))
	}
	for {
		old := x.narrowed.Load()
		var more []table.Conjunct
		if old != nil {
			more = append(more, *old...)
		}
		more = append(more, c)
		if x.narrowed.CompareAndSwap(old, &more) {
			return min(took, table.Inexact)
		}
	}
}

// NextMorsel hands out the next morsel: of segments in any goroutine at once, then of one memtable after the other.
func (x *scan) NextMorsel(ctx context.Context) (table.Morsel, error) {
	for {
		if ctx.Err() != nil {
			return nil, sqlerr.Canceled(ctx)
		}
		n := int(x.next.Add(1)) - 1
		if n >= x.total {
			return x.nextMem(ctx)
		}
		k := len(x.segs) - 1
		for x.starts[k] > n {
			k--
		}
		m, err := x.segMorsel(x.segs[k], n, n-x.starts[k])
		if m != nil || err != nil {
			return m, err
		}
	}
}

// nextMem returns the next morsel of a memtable.
func (x *scan) nextMem(ctx context.Context) (table.Morsel, error) {
	x.mem.Lock()
	defer x.mem.Unlock()
	for ; x.mem.at < len(x.mems); x.mem.at++ {
		m, err := x.mems[x.mem.at].NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return nil, err
		}
		x.mem.seq++
		return &memMorsel{m, x.mem.seq - 1}, nil
	}
	return nil, io.EOF
}

// memMorsel is a morsel of a memtable with its place in the whole scan.
type memMorsel struct {
	table.Morsel
	seq int
}

func (m *memMorsel) Seq() int { return m.seq }

// Report counts what was done.
func (x *scan) Report() table.ScanReport {
	c := &x.report
	r := table.ScanReport{Tier: tierName, Morsels: c.morsels.Load(), RowsRead: c.rows.Load(), RowsSkipped: c.skipped.Load(),
		ChunksSkipped: c.zones.Load(), DeletedRows: c.deleted.Load(), Segments: c.segments.Load(),
		SegmentsSkipped: c.segSkipped.Load(), Pages: c.pages.Load(), PagesSkip: c.pageSkips.Load(),
		Bitmaps: c.bitmaps.Load()}
	for _, m := range x.mems {
		o := m.Report()
		r.Morsels += o.Morsels
		r.RowsRead += o.RowsRead
		r.RowsSkipped += o.RowsSkipped
		r.ChunksSkipped += o.ChunksSkipped
		r.DeletedRows += o.DeletedRows
	}
	return r
}

func (x *scan) Close() error { return nil }

// segMorsel returns morsel k of a segment, or nil if nothing is left of it.
func (x *scan) segMorsel(g *segScan, seq, k int) (table.Morsel, error) {
	zones := g.sel.Zones[k*morselZones : min((k+1)*morselZones, len(g.sel.Zones))]
	sel := g.sel.Part(k*morselZones, k*morselZones+len(zones))
	if p := x.narrowed.Load(); p != nil {
		for i := range *p {
			g.file.Narrow(sel, &(*p)[i])
		}
		x.report.zones.Add(int64(len(zones) - len(sel.Zones)))
	}
	if len(sel.Zones) == 0 {
		return nil, nil
	}
	spec := segment.ScanSpec{Cols: x.cols, Selection: sel, Live: g.mask.Live, Execution: x.spec.Execution}
	if spec.Holes = x.spec.Holes && x.spec.VectorRows == vec.Size; spec.Holes {
		spec.Dead = g.mask.Few()
	}
	m, err := x.morselOf(g, spec)
	if err != nil {
		return nil, err
	}
	m.seq, m.rows = seq, len(sel.Zones)*g.file.ZoneRows()
	m.facts = make([]vec.Fact, len(x.cols)) // others than before show as others
	for i, c := range x.cols {
		m.facts[i] = factOf(g.file, c, sel.Zones)
	}
	m.refFact = vec.Fact{NoNulls: true, Finite: true, LenMax: -1}
	m.sparse = m.sc.Sparse()
	x.report.morsels.Add(1)
	return m, nil
}

// morselOf returns a morsel of a segment, in the memory of one that was closed if there is one.
func (x *scan) morselOf(g *segScan, spec segment.ScanSpec) (*segMorsel, error) {
	x.spare.Lock()
	m := x.spare.m
	x.spare.m = nil
	x.spare.Unlock()
	if m != nil && m.g == g {
		m.sc.Again(spec)
		m.at, m.open, m.closed = 0, false, false
		return m, nil
	}
	sc, err := g.file.Scan(spec)
	return &segMorsel{x: x, g: g, sc: sc}, err
}

// factOf returns what holds for the rows of a column in some zones, which ascend.
func factOf(s *segment.Segment, col int, zones []int32) vec.Fact {
	f := s.ZoneFact(col, int(zones[0]))
	for _, z := range zones[1:] {
		o := s.ZoneFact(col, int(z))
		f.Ascending = f.Ascending && o.Ascending && f.Bounded && o.Bounded && f.Max <= o.Min
		f.Bounded = f.Bounded && o.Bounded
		f.Min, f.Max = min(f.Min, o.Min), max(f.Max, o.Max)
		f.NoNulls = f.NoNulls && o.NoNulls
		f.Finite = f.Finite && o.Finite
		if f.LenMax < 0 || o.LenMax < 0 {
			f.LenMax = -1
		} else {
			f.LenMax = max(f.LenMax, o.LenMax)
		}
	}
	return f
}

// segMorsel is a run of zones of a segment, read by one goroutine.
type segMorsel struct {
	x       *scan
	g       *segScan
	sc      *segment.Scan
	seq     int
	rows    int
	facts   []vec.Fact
	batch   vec.Batch
	at      int // in the zone's rows
	open    bool
	closed  bool
	vecs    []vec.Vector
	sel     []uint16
	refs    []int64
	refFact vec.Fact
	// sparse: rows of several zones are handed out side by side; pos are their positions.
	sparse bool
	pos    []uint32
}

func (m *segMorsel) Rows() int { return m.rows }
func (m *segMorsel) Seq() int  { return m.seq }

// Close reports what was read; what Read has handed out is not valid any more.
func (m *segMorsel) Close() {
	if m.closed {
		return
	}
	m.closed = true
	st := m.sc.Stats()
	m.sc.Close()
	m.x.report.pages.Add(int64(st.Pages))
	m.x.report.pageSkips.Add(int64(st.PagesSkipped))
	m.x.spare.Lock()
	m.x.spare.m = m
	m.x.spare.Unlock()
}

// Read returns the next vector of visible rows.
func (m *segMorsel) Read(_ context.Context, dst *vec.Batch) error {
	if m.sparse && !m.open {
		if done, err := m.gather(dst); done || err != nil {
			return err
		}
	}
	for !m.open {
		if !m.sc.Next() {
			return io.EOF
		}
		if m.sc.Len() == 0 {
			continue
		}
		if err := m.load(); err != nil {
			return err
		}
	}
	n := m.batch.N
	limit := m.x.spec.VectorRows
	if n <= limit {
		m.open = false
		m.x.report.rows.Add(int64(n))
		dst.Single(n, m.vecs, m.batch.Groups[0].Sel)
		if !invariants.Mutant("scan-forget-holes") {
			dst.Groups[0].Holes = m.batch.Groups[0].Holes // none if there is a limit
		}
		return nil
	}
	sel := m.batch.Groups[0].Sel
	if sel == nil { // a selection of a part
		for len(m.sel) < n {
			m.sel = append(m.sel, uint16(len(m.sel)))
		}
		sel = m.sel[:n]
	}
	k := min(limit, n-m.at)
	dst.Single(k, m.vecs, sel[m.at:m.at+k])
	m.x.report.rows.Add(int64(k))
	m.at += k
	m.open = m.at < n
	return nil
}

// gather hands rows of several zones out. It returns false if those of the zone at hand are to be handed out by
// themselves.
func (m *segMorsel) gather(dst *vec.Batch) (bool, error) {
	var err error
	if m.pos, err = m.sc.Gather(&m.batch, m.x.spec.VectorRows, m.pos); err != nil {
		return false, err
	}
	n := len(m.pos)
	if n == 0 {
		if m.sc.Zone() < 0 {
			return false, io.EOF
		}
		m.sc.Pass()
		return false, m.load()
	}
	m.takeColumns()
	if m.x.spec.Refs {
		m.refs = m.refs[:0]
		for _, p := range m.pos {
			m.refs = append(m.refs, int64(segmentRef(m.g.num, p)))
		}
		m.vecs = append(m.vecs, m.refVector())
	}
	m.x.report.rows.Add(int64(n))
	dst.Single(n, m.vecs, nil)
	return true, nil
}

// load reads the zone that the scan is at.
func (m *segMorsel) load() error {
	if err := m.sc.Batch(&m.batch); err != nil {
		return err
	}
	m.takeColumns()
	if m.x.spec.Refs {
		m.addRefs()
	}
	m.at, m.open = 0, true
	return nil
}

// takeColumns makes vecs of the columns of batch.
func (m *segMorsel) takeColumns() {
	m.vecs = m.vecs[:0]
	if len(m.x.cols) < len(m.x.spec.Cols) {
		for _, c := range m.x.spec.Cols {
			v := nothing
			v.Type = m.x.s.inc.types[c]
			m.vecs = append(m.vecs, v)
		}
	} else {
		m.vecs = append(m.vecs, m.batch.Groups[0].Cols...)
	}
	for i, p := range m.x.places {
		m.vecs[p] = m.batch.Groups[0].Cols[i]
		m.vecs[p].Fact = &m.facts[i]
	}
}

// addRefs adds a column of references.
func (m *segMorsel) addRefs() {
	n := m.sc.Rows()
	if cap(m.refs) < n {
		m.refs = make([]int64, n, vec.Size)
	}
	m.refs = m.refs[:n]
	base := int64(segmentRef(m.g.num, uint32(m.sc.Pos())))
	for i := range m.refs {
		m.refs[i] = base + int64(i)
	}
	m.vecs = append(m.vecs, m.refVector())
}

func (m *segMorsel) refVector() vec.Vector {
	return vec.Vector{Type: types.T(types.Int8), Width: 8, N: len(m.refs), Data: vec.DataOf(m.refs), NullBit: -1, Fact: &m.refFact}
}
