package segment

import (
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// ScanSpec says which rows and columns a Scan reads.
type ScanSpec struct {
	Cols []int
	// Rows are the positions to read; nil: all.
	Rows *roaring.Bitmap
	// Where are conditions, all of which must hold, by which zones are left out: the caller still checks rows.
	Where []Condition
	// Selection, if not nil, gives the zones and positions to read: those that are in Rows, too. The scan reads it.
	Selection *Selection
	// NoCache leaves what is read out of the cache, unless it is there: for what is read once.
	NoCache bool
	// Execution, if not 0, is a number of the statement that reads: what it comes by more than once it may read alone.
	Execution uint32
	// Live, if not nil, has a bit for each position to read, as deletion.Mask has it: of those that the fields above
	// leave. It must not change.
	Live []uint64
	// Holes has Batch tell which rows are not to be read, where these are few, in place of those that are. Dead, if not
	// nil, are the positions that Live lacks, ascending.
	Holes bool
	Dead  []uint32
}

// readAheadBytes bounds what is read of a column at once.
const readAheadBytes = 128 << 10

// readGapBytes is up to how many bytes that nobody needs are read along with what is before and after them.
const readGapBytes = 16 << 10

// Scan reads zones in order. A column of a zone is read and decoded when it is asked for. It is used by one goroutine;
// what it hands out is valid until the next call of Next.
type Scan struct {
	s     *Segment
	spec  ScanSpec
	zones []int32 // to read, ascending
	at    int     // next in zones
	zone  int
	rows  int
	n     int
	words [vec.Size / 64]uint64 // rows of the zone to read
	sel   []uint16
	made  bool // sel is of this zone
	holed bool // sel has the entries that are not to be read
	dead  int  // next of Dead
	// lookUp: the scan is for single rows, wherever they are. What they lie in is kept when it is first missed.
	lookUp bool
	// passed: Gather has taken the rows of the zone. rowsOf are the columns that it makes.
	passed bool
	rowsOf []gathered
	it     roaring.IntPeekable
	list   int // next of the Selection's list
	cols   []scanColumn
	vecs   []vec.Vector
	stats  ScanStats
	refs   *references // nil without a cache
	parts  vectorParts
}

// ScanStats counts what a Scan has done.
type ScanStats struct {
	Zones, ZonesSkipped int
	// Pages were decoded, Bytes read from the file, and CachedVectors taken from the cache. PagesSkipped are those of
	// the columns in zones that were left out when the scan began; zones that a Selection has not are counted by
	// Segment.SkippedPages.
	Pages, PagesSkipped, CachedVectors int
	Bytes                              int64
}

type scanColumn struct {
	pages pages
	out   vector
	want  []uint16 // of the rows that decode is for, if not all
	whole bool     // decode is for the vector of all
	done  bool     // out is of this zone
	read  bool     // pages are of this zone
	held  *entryOf // in the cache; a reference is in refs
	last  int      // index in zones of the zone last asked for
	buf   []byte
	off   int64        // of buf in the file
	ahead *aheadBuffer // that buf is in, if not nil; it goes back when the scan is closed
}

// aheadBuffer is memory for what is read ahead of a column. Scans take it from each other: a statement has one for each segment, or
// several, and most of the time of a first look at memory is its clearing.
type aheadBuffer [readAheadBytes]byte

var aheadBuffers = sync.Pool{New: func() any { return new(aheadBuffer) }}

// freeAhead gives the buffer back.
func (c *scanColumn) freeAhead() {
	if c.ahead == nil {
		return
	}
	if invariants.Enabled { // whoever still reads it shall notice
		for i := range c.ahead {
			c.ahead[i] = poisonByte
		}
	}
	aheadBuffers.Put(c.ahead)
	if c.ahead = nil; !invariants.Mutant("scan-keep-buffer") {
		c.buf = nil
	}
}

// Scan starts a scan.
func (s *Segment) Scan(spec ScanSpec) (*Scan, error) {
	for _, c := range spec.Cols {
		if c < 0 || c >= len(s.cols) {
			return nil, sqlerr.Newf(sqlerr.InternalError, "segment %s has no column %d", s.name, c)
		}
	}
	sc := &Scan{s: s, spec: spec, zone: -1, cols: make([]scanColumn, len(spec.Cols)), vecs: make([]vec.Vector, len(spec.Cols))}
	for i := range sc.cols {
		sc.cols[i].last = -2
	}
	if s.cache != nil {
		sc.refs = newReferences(sc, s.cache)
	}
	sc.chooseZones()
	return sc, nil
}

// Again starts another scan of the same columns of the segment, in the memory of one that was closed: nothing that it has
// handed out is valid any more.
func (sc *Scan) Again(spec ScanSpec) {
	spec.Cols = sc.spec.Cols
	sc.spec, sc.zones, sc.at, sc.zone = spec, sc.zones[:0], 0, -1
	sc.made, sc.holed, sc.passed, sc.dead, sc.list, sc.it = false, false, false, 0, 0, nil
	sc.stats = ScanStats{}
	for i := range sc.cols {
		c := &sc.cols[i]
		c.last, c.want, c.buf = -2, nil, c.buf[:0]
	}
	sc.chooseZones()
}

// chooseZones makes the list of zones that may have a row to read.
func (sc *Scan) chooseZones() {
	s, spec := sc.s, &sc.spec
	given := spec.Selection != nil
	n := s.NumZones()
	if given {
		n = len(spec.Selection.Zones)
	}
	sc.zones = slices.Grow(sc.zones[:0], n)
	for k := range n {
		z := k
		if given {
			z = int(spec.Selection.Zones[k])
		}
		from := s.zoneStart(z)
		to := min(from+s.zoneRows, s.rows)
		switch {
		case spec.Rows != nil && !intersects(spec.Rows, from, to),
			spec.Live != nil && !anySet(s.wordsOf(spec.Live, z)),
			len(spec.Where) > 0 && !s.MayMatch(z, spec.Where):
			sc.skip(z)
		default:
			sc.zones = append(sc.zones, int32(z))
		}
	}
	sc.stats.ZonesSkipped = n - len(sc.zones)
	if spec.Rows != nil {
		sc.it = spec.Rows.Iterator()
	}
	s.metrics.skipped.Add(int64(sc.stats.PagesSkipped))
}

// skip counts the pages of a zone that is left out.
func (sc *Scan) skip(z int) {
	for _, col := range sc.spec.Cols {
		sc.stats.PagesSkipped += sc.s.pagesOf(col, z)
	}
}

// intersects reports whether a bitmap has a position in [from, to).
func intersects(b *roaring.Bitmap, from, to int) bool {
	return b.IntersectsWithInterval(uint64(from), uint64(to))
}

// Next goes to the next zone that has a row to read; false at the end.
func (sc *Scan) Next() bool {
	for sc.at < len(sc.zones) {
		sc.zone = int(sc.zones[sc.at])
		sc.at++
		sc.leave()
		sc.rows = min(sc.s.zoneRows, sc.s.rows-sc.s.zoneStart(sc.zone))
		sc.made, sc.holed, sc.passed = false, false, false
		if sc.choose(); sc.n > 0 {
			sc.stats.Zones++
			return true
		}
		sc.stats.ZonesSkipped++
	}
	sc.Close()
	return false
}

// leave forgets the columns of the zone.
func (sc *Scan) leave() {
	for i := range sc.cols {
		sc.cols[i].done, sc.cols[i].read, sc.cols[i].held = false, false, nil
	}
	if sc.refs != nil {
		sc.refs.release()
	}
}

// Close ends the scan: what it has handed out is not valid any more. After the last Next it is not needed.
func (sc *Scan) Close() {
	sc.leave()
	sc.at, sc.zone = len(sc.zones), -1
	for i := range sc.cols {
		sc.cols[i].freeAhead()
	}
}

// Pos returns the position of the zone's first row.
func (sc *Scan) Pos() int { return sc.s.zoneStart(sc.zone) }

// Zone returns the number of the zone.
func (sc *Scan) Zone() int { return sc.zone }

// Rows returns the number of rows of the zone: the entries of its vectors.
func (sc *Scan) Rows() int { return sc.rows }

// Len returns the number of rows to be read in the zone.
func (sc *Scan) Len() int { return sc.n }

// Stats returns what was done so far.
func (sc *Scan) Stats() ScanStats { return sc.stats }

// Batch makes dst the rows to be read of the zone, with all columns.
func (sc *Scan) Batch(dst *vec.Batch) error {
	for i := range sc.vecs {
		v, err := sc.Column(i)
		if err != nil {
			return err
		}
		sc.vecs[i] = *v
	}
	if holes := sc.holes(); len(holes) > 0 {
		dst.Single(sc.n, sc.vecs, nil)
		dst.Groups[0].Holes = holes
		return nil
	}
	dst.Single(sc.n, sc.vecs, sc.Sel())
	return nil
}

// Column returns all rows of the zone in column spec.Cols[i], decoding it if it was not.
func (sc *Scan) Column(i int) (*vec.Vector, error) {
	c := &sc.cols[i]
	if c.held != nil {
		return &c.held.v, nil
	}
	if c.done {
		return &c.out.v, nil
	}
	col := sc.spec.Cols[i]
	sl := sc.slotOf(col)
	if v := sc.cached(c, sl); v != nil {
		return v, nil
	}
	if err := sc.make(c, col); err != nil {
		return nil, err
	}
	if sc.keeps(sl, bytesOf(&c.out.v)) {
		sc.s.cache.keepVector(sl, &sc.parts, &c.out.v)
	}
	return &c.out.v, nil
}

// keeps reports whether a vector of a number of bytes that its slot has not is to be put there.
func (sc *Scan) keeps(sl *slot, bytes int) bool {
	switch {
	case sl == nil || sc.spec.NoCache:
		return false
	case sc.lookUp:
		return sc.s.cache.admits(sl, bytes)
	}
	return sc.s.cache.admitsScanned(sl, bytes, sc.spec.Execution)
}

// slotOf returns where the cache has a column of the zone; nil without a cache.
func (sc *Scan) slotOf(col int) *slot {
	return sc.s.slot(&sc.s.cols[col].vectors, sc.zone, sc.s.NumZones())
}

// cached returns what is in a slot, if it is there, until the scan moves on.
func (sc *Scan) cached(c *scanColumn, sl *slot) *vec.Vector {
	if sl == nil {
		return nil
	}
	if c.held = sc.s.cache.acquire(sl); c.held == nil {
		return nil
	}
	sc.refs.of = append(sc.refs.of, c.held)
	sc.stats.CachedVectors++
	return &c.held.v
}

// make decodes a column of the zone.
func (sc *Scan) make(c *scanColumn, col int) error {
	c.whole = true
	err := sc.decode(c, col)
	if c.whole = false; err != nil {
		return err
	}
	if c.pages.into.placed {
		c.read = false // there is nothing but the vector
	}
	if err := sc.fill(c, col); err != nil {
		return err
	}
	c.done = true
	return nil
}

// decode reads and decodes the pages of a column in the zone.
func (sc *Scan) decode(c *scanColumn, col int) error {
	if c.read {
		return nil
	}
	s, l := sc.s, &sc.s.layouts[col]
	g := s.groupOf(sc.zone)
	ch := &s.cols[col].chunks[g]
	pgs := ch.of(sc.zone - s.groups[g].zone)
	sequential := c.last == sc.at-2
	c.last = sc.at - 1
	c.pages.reset()
	if c.pages.want = c.want; c.whole {
		s.expect(&c.out, &c.pages, col, sc.zone, pgs)
	}
	for k := range pgs {
		body, err := sc.body(c, ch, col, &pgs[k], sequential)
		if err != nil {
			return err
		}
		if err := c.pages.add(&s.data, &pgs[k], body, l, s.codecs[col]); err != nil {
			return err
		}
	}
	sc.stats.Pages += len(pgs)
	s.metrics.pages.Add(int64(len(pgs)))
	c.read = true
	return nil
}

// fill makes the vector of what was decoded.
func (sc *Scan) fill(c *scanColumn, col int) error {
	return sc.located(sc.s.fill(&c.out, &c.pages, col, sc.zone), col)
}

// located gives an error of what was decoded of a column the place of its page, unless it has one.
func (sc *Scan) located(err error, col int) error {
	if _, _, placed := table.PlaceOf(err); err == nil || placed || sqlerr.CodeOf(err) != sqlerr.InternalError {
		return err // also one of the file system, which says nothing of what is in the file
	}
	return sc.s.data.damaged(sc.s.pageOf(col, sc.zone).off, "malformed zone: %v", err)
}

// of returns the pages of the k-th zone of the chunk.
func (ch *chunkReader) of(k int) []page {
	if ch.first == nil {
		return ch.pages[k : k+1]
	}
	if invariants.Mutant("segment-ignore-page-bounds") {
		return ch.pages[k : k+1]
	}
	return ch.pages[ch.first[k]:ch.first[k+1]]
}

// body returns the bytes of a page, from what was read ahead or from the file. A scan that reads zone after zone reads
// the pages of the next zones with it.
func (sc *Scan) body(c *scanColumn, ch *chunkReader, col int, pg *page, sequential bool) ([]byte, error) {
	if at := pg.off - c.off; at >= 0 && at+int64(pg.len) <= int64(len(c.buf)) {
		return c.buf[at : at+int64(pg.len)], nil
	}
	size := int64(pg.len)
	if sequential {
		size = max(size, sc.readAhead(ch, pg))
	}
	if int64(cap(c.buf)) < size {
		sc.makeBuffer(c, size)
	}
	c.buf, c.off = c.buf[:size], pg.off
	if err := sc.s.data.read(c.buf, pg.off); err != nil {
		c.buf = c.buf[:0]
		return nil, err
	}
	sc.stats.Bytes += size
	sc.s.metrics.bytes.Add(size)
	return c.buf[:pg.len], nil
}

// makeBuffer makes buf large enough for a number of bytes. Who looks for single rows reads single pages.
func (sc *Scan) makeBuffer(c *scanColumn, size int64) {
	c.freeAhead()
	if sc.lookUp || size > readAheadBytes {
		c.buf = make([]byte, size)
		return
	}
	c.ahead = aheadBuffers.Get().(*aheadBuffer)
	c.buf = c.ahead[:]
}

// readAhead returns how many bytes from a page on hold the pages of the zones that follow, without large gaps.
func (sc *Scan) readAhead(ch *chunkReader, pg *page) int64 {
	g := &sc.s.groups[sc.s.groupOf(sc.zone)]
	size := int64(pg.len)
	for k := sc.at; k < len(sc.zones) && int(sc.zones[k]) < g.zone+g.zones; k++ {
		pgs := ch.of(int(sc.zones[k]) - g.zone)
		last := &pgs[len(pgs)-1]
		end := last.off + int64(last.len) - pg.off
		if end > readAheadBytes || pgs[0].off-pg.off > size+readGapBytes {
			break
		}
		size = end
	}
	return size
}
