package segment

import (
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// Name returns the name without suffix.
func (s *Segment) Name() string { return s.name }

// NumRows returns the number of rows.
func (s *Segment) NumRows() int { return s.rows }

// ZoneRows returns the number of rows of a zone.
func (s *Segment) ZoneRows() int { return s.zoneRows }

// Schema returns a copy of the schema.
func (s *Segment) Schema() Schema {
	c := s.schema
	c.Columns, c.Keys = slices.Clone(c.Columns), slices.Clone(c.Keys)
	return c
}

// LSNs returns the bounds of the rows' begin LSNs.
func (s *Segment) LSNs() (lowest, highest uint64) { return s.minLSN, s.maxLSN }

// Metrics counts what an open segment has done.
type Metrics struct {
	// PagesDecoded and PagesSkipped count pages of the columns of scans, BytesRead what was read of the Parquet file.
	PagesDecoded, PagesSkipped, BytesRead int64
	// IndexProbes counts look-ups in key indexes, BloomChecks those in bloom filters before them, of which BloomRejects
	// found that there is no such key. IndexMisses are the probes that found none either.
	IndexProbes, IndexMisses, BloomChecks, BloomRejects int64
	// ZonesSkipped counts zones that Select left out, and Bitmaps the bitmaps that it read.
	ZonesSkipped, Bitmaps int64
}

// counters are the Metrics of an open segment.
type counters struct {
	pages, skipped, bytes, probes, vain, blooms, absent, zonesSkipped, bitmaps atomic.Int64
}

// Metrics returns the counters.
func (s *Segment) Metrics() Metrics {
	m := &s.metrics
	return Metrics{PagesDecoded: m.pages.Load(), PagesSkipped: m.skipped.Load(), BytesRead: m.bytes.Load(),
		IndexProbes: m.probes.Load(), IndexMisses: m.vain.Load(), BloomChecks: m.blooms.Load(), BloomRejects: m.absent.Load(),
		ZonesSkipped: m.zonesSkipped.Load(), Bitmaps: m.bitmaps.Load()}
}

// ColumnBytes returns what a column takes in the Parquet file, without the footer, and in the sidecar.
func (s *Segment) ColumnBytes(col int) (data, side int64) {
	for g := range s.cols[col].chunks {
		ch := &s.cols[col].chunks[g]
		if ch.dict != nil {
			data += int64(ch.dict.len)
		}
		for i := range ch.pages {
			data += int64(ch.pages[i].len)
		}
	}
	for _, kind := range []section{secZones, secDictionary, secBitmapRoot, secBitmaps, secSketch, secExceptions} {
		side += int64(s.dir[sectionKey{kind, uint16(col)}].len)
	}
	return data, side
}

// KeyBytes returns what the index and the bloom filter of a key take in the sidecar.
func (s *Segment) KeyBytes(key int) (index, bloom int64) {
	k := uint16(key)
	index = int64(s.dir[sectionKey{secKeyRoot, k}].len + s.dir[sectionKey{secKeyBlocks, k}].len)
	return index, int64(s.dir[sectionKey{secBloom, k}].len)
}

// BitmapBytes returns what the bitmaps of a column take in the sidecar; 0: it has none.
func (s *Segment) BitmapBytes(col int) int64 {
	c := uint16(col)
	return int64(s.dir[sectionKey{secBitmapRoot, c}].len + s.dir[sectionKey{secBitmaps, c}].len)
}

// NumNulls returns the number of NULLs of a column.
func (s *Segment) NumNulls(col int) int { return int(s.cols[col].bounds.nulls) }

// Fact returns what holds for all rows of a column.
func (s *Segment) Fact(col int) vec.Fact { return s.cols[col].bounds.fact(&s.layouts[col]) }

// ZoneFact returns what holds for the rows of a column in a zone.
func (s *Segment) ZoneFact(col, zone int) vec.Fact {
	return s.cols[col].zones[zone].fact(&s.layouts[col])
}

// Sketch returns the sketch of a column's distinct values.
func (s *Segment) Sketch(col int) (Sketch, error) {
	d, e, err := s.need(secSketch, col)
	if err != nil {
		return Sketch{}, err
	}
	sk, ok := decodeSketch(d.b)
	if !ok {
		return Sketch{}, s.malformed(e, "sketch")
	}
	return sk, nil
}

// Sample returns a random sample of the rows, in memory of its own.
func (s *Segment) Sample() (*vec.Batch, error) {
	d, e, err := s.need(secSample, 0)
	if err != nil {
		return nil, err
	}
	b := new(vec.Batch)
	rest, err := veccodec.Decode(d.b, s.schema.types(), b)
	if err != nil || len(rest) > 0 {
		return nil, s.malformed(e, "sample")
	}
	return b, nil
}

// SampleColumns is Sample for who looks at few of the columns.
func (s *Segment) SampleColumns() (*veccodec.Columns, error) {
	d, e, err := s.need(secSample, 0)
	if err != nil {
		return nil, err
	}
	c, rest, err := veccodec.Split(d.b, s.schema.types())
	if err != nil || len(rest) > 0 {
		return nil, s.malformed(e, "sample")
	}
	return c, nil
}

// Getter reads single rows. It is used by one goroutine, and keeps the zone it read last of each column.
type Getter struct {
	sc  *Scan
	all []int // 0, 1, … for each of its columns
}

// Getter returns a Getter of the given columns.
func (s *Segment) Getter(cols []int) (*Getter, error) {
	sc, err := s.Scan(ScanSpec{Cols: cols})
	if err != nil {
		return nil, err
	}
	sc.lookUp = true
	g := &Getter{sc: sc, all: make([]int, len(cols))}
	for i := range g.all {
		g.all[i] = i
	}
	return g, nil
}

// Close gives back what the Getter has of the cache.
func (g *Getter) Close() { g.sc.Close() }

// Row appends the columns of the row at a position to dst.
func (g *Getter) Row(dst types.Row, pos int) (types.Row, error) {
	r, err := g.at(pos)
	if err != nil {
		return dst, err
	}
	return g.append(dst, g.all, r)
}

// at goes to the zone of a position, and returns the number of the row there.
func (g *Getter) at(pos int) (int, error) {
	sc := g.sc
	if pos < 0 || pos >= sc.s.rows {
		return 0, sc.s.errNoRow(pos)
	}
	if z := pos / sc.s.zoneRows; z != sc.zone {
		sc.at = z
		for i := range sc.cols {
			sc.cols[i].last = -2 // no read-ahead
		}
		sc.Next()
	}
	return pos - sc.Pos(), nil
}

func (s *Segment) errNoRow(pos int) error {
	return sqlerr.Newf(sqlerr.InternalError, "segment %s has no row %d", s.name, pos)
}

// append appends columns of the Getter, by their places there, of row r of the zone.
func (g *Getter) append(dst types.Row, cols []int, r int) (types.Row, error) {
	for _, i := range cols {
		d, err := g.sc.datum(i, r)
		if err != nil {
			return dst, err
		}
		dst = append(dst, d)
	}
	return dst, nil
}

// Row appends columns of the row at a position to dst. For many rows near each other a Getter does less.
func (s *Segment) Row(dst types.Row, cols []int, pos int) (types.Row, error) {
	for _, c := range cols {
		if c < 0 || c >= len(s.cols) {
			return dst, sqlerr.Newf(sqlerr.InternalError, "segment %s has no column %d", s.name, c)
		}
	}
	if pos < 0 || pos >= s.rows {
		return dst, s.errNoRow(pos)
	}
	dst, n := s.cachedRow(dst, cols, pos)
	if n == len(cols) {
		return dst, nil
	}
	return s.readRow(dst, cols[n:], pos)
}

// readRow is Row for columns that the cache may not have.
func (s *Segment) readRow(dst types.Row, cols []int, pos int) (types.Row, error) {
	g, _ := s.getters.Get().(*Getter)
	if g == nil {
		all := make([]int, len(s.cols))
		for i := range all {
			all[i] = i
		}
		var err error
		if g, err = s.Getter(all); err != nil {
			return dst, err
		}
	}
	defer s.getters.Put(g)
	defer g.Close()
	r, err := g.at(pos)
	if err != nil {
		return dst, err
	}
	return g.append(dst, cols, r)
}

// datum returns row r of the zone in column spec.Cols[i]. Without a cache it decodes the pages and makes no vector.
func (sc *Scan) datum(i, r int) (types.Datum, error) {
	c, col := &sc.cols[i], sc.spec.Cols[i]
	if sc.s.cache != nil || c.done || sc.s.cols[col].zones[sc.zone].flags&zoneExcept != 0 {
		v, err := sc.Column(i)
		if err != nil {
			return types.Datum{}, err
		}
		return v.Datum(r), nil
	}
	if err := sc.decode(c, col); err != nil {
		return types.Datum{}, err
	}
	p := &c.pages
	if r >= p.rows || p.present[r>>6]>>(r&63)&1 == 0 {
		return types.NullOf(sc.s.layouts[col].typ.Kind), nil
	}
	k := r
	if p.nulls > 0 {
		k = bits.OnesCount64(p.present[r>>6] & (1<<(r&63) - 1))
		for _, w := range p.present[:r>>6] {
			k += bits.OnesCount64(w)
		}
	}
	d, err := sc.s.datumAt(p, col, sc.zone, k)
	return d, sc.located(err, col)
}

// KeyBounds returns the least and the greatest key of key number k; false if no row has one.
func (s *Segment) KeyBounds(k int) (first, last []byte, ok bool) {
	r := &s.keys[k]
	return r.first, r.last, r.num > 0
}
