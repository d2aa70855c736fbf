package segment

import (
	"errors"
	"fmt"
	"hash/crc32"
	iofs "io/fs"
	"math"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Segment is an open segment, read by any number of goroutines.
type Segment struct {
	name     string
	schema   Schema
	layouts  []layout
	rows     int
	zoneRows int
	minLSN   uint64
	maxLSN   uint64
	segBytes int64
	segCRC   uint32
	data     input
	side     input
	dir      map[sectionKey]entry
	groups   []groupRange
	cols     []columnReader
	keys     []keyReader
	codecs   []Compression
	cache    *Cache
	metrics  counters
	getters  sync.Pool // of *Getter with all columns
}

type sectionKey struct {
	kind section
	arg  uint16
}

type groupRange struct{ zone, zones, row, rows int }

// input is one of the two files, for reading and for saying where damage is.
type input struct {
	vfs.File
	what, name string
	size       int64
}

func (f *input) damaged(off int64, format string, args ...any) error {
	return &table.DamageError{What: f.what, File: f.name, Offset: off, Reason: fmt.Sprintf(format, args...)}
}

// read fills b from off.
func (f *input) read(b []byte, off int64) error {
	if off < 0 || off+int64(len(b)) > f.size {
		return f.damaged(off, "%d bytes beyond the end of the file", len(b))
	}
	if n, err := f.ReadAt(b, off); n < len(b) {
		return ioError("read", f.name, err)
	}
	return nil
}

// columnReader is what an open segment knows of a column.
type columnReader struct {
	chunks []chunkReader
	zones  []zone
	bounds zone // of all zones
	base   int64
	width  uint8

	dict   lazy[*dictionary]
	except lazy[[]exception]

	// What the cache has of it: vectors by zone, bitmaps by code.
	vectors, bitmaps slots

	root lazy[[]bitmapEntry]
}

type chunkReader struct {
	dict  *tile
	pages []page
	// first[z] is the number of zone z's first page; nil: each zone has one page.
	first []uint32
	// ordinal counts the column's chunks that have a dictionary, before this one.
	ordinal int
}

// Open opens NAME.parquet and NAME.sidecar. If want is not nil they must have its sizes, and the sidecar must name its
// checksums. The cache may be nil.
func Open(fs vfs.FS, dir, name string, want *Info, cache *Cache) (*Segment, error) {
	s := &Segment{name: name, cache: cache}
	err := s.openFile(fs, dir, &s.data, "segment", name+SegmentSuffix)
	if err == nil {
		err = s.openFile(fs, dir, &s.side, "sidecar", name+SidecarSuffix)
	}
	if err == nil {
		err = s.load(want)
	}
	if err != nil {
		s.Close() //nolint:errcheck // the first error counts
		return nil, err
	}
	return s, nil
}

func (s *Segment) openFile(fs vfs.FS, dir string, f *input, what, name string) error {
	h, err := fs.Open(fs.PathJoin(dir, name))
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return &table.DamageError{What: what, File: name, Reason: "the file is missing"}
	case err != nil:
		return ioError("open", name, err)
	}
	f.File, f.what, f.name = h, what, name
	st, err := h.Stat()
	if err != nil {
		return ioError("stat", name, err)
	}
	f.size = st.Size()
	return nil
}

// Close closes the files and empties the cache of the segment.
func (s *Segment) Close() error {
	for i := range s.cols {
		s.cache.forget(&s.cols[i].vectors)
		s.cache.forget(&s.cols[i].bitmaps)
	}
	for i := range s.keys {
		s.cache.forget(&s.keys[i].blooms)
		s.cache.forget(&s.keys[i].decoded)
	}
	var first error
	for _, f := range []*input{&s.data, &s.side} {
		if f.File == nil {
			continue
		}
		if err := f.Close(); err != nil && first == nil {
			first = ioError("close", f.name, err)
		}
		f.File = nil
	}
	return first
}

func (s *Segment) load(want *Info) error {
	if want != nil {
		for _, x := range []struct {
			f    *input
			want int64
		}{{&s.data, want.Segment.Bytes}, {&s.side, want.Sidecar.Bytes}} {
			if x.f.size != x.want {
				return x.f.damaged(min(x.f.size, x.want), "%d bytes where %d were written", x.f.size, x.want)
			}
		}
	}
	numCols, numKeys, err := s.loadHeader()
	if err != nil {
		return err
	}
	if want != nil && s.segCRC != want.Segment.CRC {
		return s.side.damaged(0, "it belongs to another segment")
	}
	if err := s.loadDirectory(); err != nil {
		return err
	}
	if err := s.loadSchema(numCols, numKeys); err != nil {
		return err
	}
	if err := s.loadPages(); err != nil {
		return err
	}
	for i := range s.cols {
		if err := s.loadZones(i); err != nil {
			return err
		}
	}
	return s.loadKeys()
}

func (s *Segment) loadHeader() (numCols, numKeys int, err error) {
	h := make([]byte, headerBytes)
	if s.side.size < headerBytes+trailerBytes {
		return 0, 0, s.side.damaged(s.side.size, "the file ends here")
	}
	if err := s.side.read(h, 0); err != nil {
		return 0, 0, err
	}
	if le.Uint32(h) != sidecarMagic || le.Uint32(h[60:]) != crc32.Checksum(h[:60], castagnoli) {
		return 0, 0, s.side.damaged(0, "wrong header")
	}
	if v := le.Uint32(h[4:]); v != sidecarVersion {
		return 0, 0, sqlerr.Newf(sqlerr.FeatureNotSupported, "sidecar %s has format version %d: a newer program wrote it", s.side.name, v)
	}
	rows, zone := le.Uint64(h[8:]), le.Uint32(h[16:])
	numCols, numKeys = int(le.Uint32(h[20:])), int(le.Uint32(h[52:]))
	s.minLSN, s.maxLSN = le.Uint64(h[24:]), le.Uint64(h[32:])
	s.segBytes, s.segCRC = int64(le.Uint64(h[40:])), le.Uint32(h[48:])
	o := Options{ZoneRows: int(zone)}
	if rows > RowsMax || zone == 0 || o.fill() != nil || numCols == 0 || numCols > columnsMax || numKeys > columnsMax {
		return 0, 0, s.side.damaged(0, "wrong header")
	}
	s.rows, s.zoneRows = int(rows), int(zone)
	if s.data.size != s.segBytes {
		return 0, 0, s.data.damaged(min(s.data.size, s.segBytes), "%d bytes where %d were written", s.data.size, s.segBytes)
	}
	return numCols, numKeys, nil
}

func (s *Segment) loadDirectory() error {
	t := make([]byte, trailerBytes)
	at := s.side.size - trailerBytes
	if err := s.side.read(t, at); err != nil {
		return err
	}
	off := le.Uint64(t)
	if le.Uint32(t[12:]) != sidecarMagic || off < headerBytes || off > uint64(at) || (uint64(at)-off)%entryBytes != 0 {
		return s.side.damaged(at, "wrong trailer")
	}
	d := make([]byte, uint64(at)-off)
	if err := s.side.read(d, int64(off)); err != nil {
		return err
	}
	if crc32.Update(crc32.Checksum(d, castagnoli), castagnoli, t[:8]) != le.Uint32(t[8:]) {
		return s.side.damaged(int64(off), "the directory has a wrong checksum")
	}
	s.dir = map[sectionKey]entry{}
	end := uint64(headerBytes)
	for i := 0; i < len(d); i += entryBytes {
		e := entry{kind: section(le.Uint16(d[i:])), arg: le.Uint16(d[i+2:]), crc: le.Uint32(d[i+4:]), off: le.Uint64(d[i+8:]), len: le.Uint64(d[i+16:])}
		if e.kind == 0 || e.off != end || e.len > off-end {
			return s.side.damaged(int64(off)+int64(i), "wrong entry in the directory")
		}
		end += e.len
		s.dir[sectionKey{e.kind, e.arg}] = e
	}
	if end != off {
		return s.side.damaged(int64(off), "sections that end at %d", end)
	}
	return nil
}

// section reads a section and compares its checksum. ok is false if there is none.
func (s *Segment) section(kind section, arg int) (d decoder, e entry, ok bool, err error) {
	e, ok = s.dir[sectionKey{kind, uint16(arg)}]
	if !ok {
		return d, e, false, nil
	}
	d.b = make([]byte, e.len)
	if err := s.side.read(d.b, int64(e.off)); err != nil {
		return d, e, true, err
	}
	if crc32.Checksum(d.b, castagnoli) != e.crc {
		return d, e, true, s.side.damaged(int64(e.off), "wrong checksum")
	}
	return d, e, true, nil
}

// need is section for one that every sidecar has.
func (s *Segment) need(kind section, arg int) (decoder, entry, error) {
	d, e, ok, err := s.section(kind, arg)
	if err == nil && !ok {
		err = s.side.damaged(headerBytes, "no section %d/%d", kind, arg)
	}
	return d, e, err
}

// malformed reports a section whose checksum is right and whose contents are not.
func (s *Segment) malformed(e entry, what string) error {
	return s.side.damaged(int64(e.off), "malformed %s", what)
}

func (s *Segment) loadPages() error {
	d, e, err := s.need(secPages, 0)
	if err != nil {
		return err
	}
	s.cols = make([]columnReader, len(s.layouts))
	ordinals := make([]int, len(s.layouts))
	numGroups, row, zone := d.count(1), 0, 0
	for range numGroups {
		rows := int(d.upTo(uint64(s.rows - row)))
		last := row+rows == s.rows
		if d.bad || rows == 0 || !last && rows%s.zoneRows != 0 || len(s.groups) > 0 && row%s.groups[0].rows != 0 {
			return s.malformed(e, "row groups")
		}
		g := groupRange{zone: zone, zones: (rows + s.zoneRows - 1) / s.zoneRows, row: row, rows: rows}
		for i := range s.cols {
			ch, ok := s.decodeChunk(&d, &s.layouts[i], g, optional(&s.schema.Columns[i], &s.layouts[i]))
			if !ok {
				return s.malformed(e, "table of pages")
			}
			ch.ordinal = ordinals[i]
			if ch.dict != nil {
				ordinals[i]++
			}
			s.cols[i].chunks = append(s.cols[i].chunks, ch)
		}
		s.groups = append(s.groups, g)
		if !last && rows != s.groups[0].rows || last && rows > s.groups[0].rows {
			return s.malformed(e, "row groups")
		}
		row += rows
		zone += g.zones
	}
	if !d.end() || row != s.rows {
		return s.malformed(e, "row groups")
	}
	return nil
}

func (d *decoder) tile(off int64) tile {
	return tile{off: off, len: uint32(d.upTo(math.MaxInt32)), crc: d.u32()}
}

func (s *Segment) decodeChunk(d *decoder, l *layout, g groupRange, optional bool) (ch chunkReader, ok bool) {
	off := int64(d.upTo(uint64(s.segBytes)))
	n := d.count(11)
	if d.byte() != 0 {
		t := d.tile(off)
		ch.dict = &t
		off += int64(t.len)
	}
	ch.pages = make([]page, n)
	split := n != g.zones
	if split {
		ch.first = make([]uint32, 0, g.zones+1)
	}
	row := 0
	for i := range ch.pages {
		p := &ch.pages[i]
		p.tile = d.tile(off)
		p.head = uint32(d.upTo(uint64(p.len)))
		p.raw = uint32(d.upTo(math.MaxInt32))
		p.levels = uint32(d.upTo(uint64(p.len - p.head)))
		p.rows = uint32(d.upTo(uint64(s.zoneRows)))
		p.nulls = uint32(d.upTo(uint64(p.rows)))
		p.enc = d.byte()
		off += int64(p.len)
		if split && row%s.zoneRows == 0 {
			ch.first = append(ch.first, uint32(i))
		}
		if d.bad || p.rows == 0 || row%s.zoneRows+int(p.rows) > s.zoneRows || !optional && (p.nulls > 0 || p.levels > 0) ||
			!encodingOf(l, p.enc, ch.dict != nil) {
			return ch, false
		}
		row += int(p.rows)
	}
	if split {
		ch.first = append(ch.first, uint32(n))
	}
	return ch, !d.bad && row == g.rows && off <= s.segBytes && (!split || len(ch.first) == g.zones+1)
}

// encodingOf reports whether a column's pages may have an encoding.
func encodingOf(l *layout, enc uint8, dict bool) bool {
	if dict {
		return enc == encRLEDict || enc == encPlainDict
	}
	switch l.phys {
	case physInt32, physInt64:
		return enc == encPlain || enc == encDelta
	case physBytes:
		return enc == encPlain || enc == encDeltaLength
	}
	return enc == encPlain
}

func (s *Segment) loadZones(i int) error {
	d, e, err := s.need(secZones, i)
	if err != nil {
		return err
	}
	c, l := &s.cols[i], &s.layouts[i]
	numZones := 0
	if n := len(s.groups); n > 0 {
		numZones = s.groups[n-1].zone + s.groups[n-1].zones
	}
	if d.count(4) != numZones || d.bad {
		return s.malformed(e, "zone map")
	}
	c.zones = make([]zone, numZones)
	for k := range c.zones {
		z := &c.zones[k]
		z.flags = d.byte()
		z.rows = uint32(d.upTo(uint64(s.zoneRows)))
		z.nulls = uint32(d.upTo(uint64(z.rows)))
		z.lenMax = uint32(d.upTo(math.MaxUint32))
		switch {
		case z.flags&zoneBounded == 0:
		case l.ints():
			z.lo = d.i()
			z.hi = int64(uint64(z.lo) + d.u())
			if z.hi < z.lo {
				d.fail()
			}
		default:
			z.loKey, z.hiKey = d.bytes(), d.bytes()
		}
		if want := min(s.zoneRows, s.rows-s.zoneStart(k)); int(z.rows) != want {
			d.fail()
		}
		c.bounds.merge(l, z)
	}
	if !d.end() {
		return s.malformed(e, "zone map")
	}
	c.base, c.width = narrow(l, c.zones)
	return nil
}

// zoneStart returns the position of a zone's first row. Row groups but the last are whole zones.
func (s *Segment) zoneStart(z int) int { return z * s.zoneRows }

// narrow returns the width that the column's integers need, and the base that they are kept above.
func narrow(l *layout, zones []zone) (base int64, width uint8) {
	if l.typ.Class() == 0 || !l.ints() {
		return 0, 0
	}
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range zones {
		if zones[i].flags&zoneBounded != 0 {
			lo, hi = min(lo, zones[i].lo), max(hi, zones[i].hi)
		}
	}
	if l.phys == physBool || lo > hi {
		return 0, 1
	}
	switch span := uint64(hi) - uint64(lo); {
	case span <= math.MaxUint8:
		return lo, 1
	case span <= math.MaxUint16:
		return lo, 2
	case span <= math.MaxUint32:
		return lo, 4
	}
	return 0, 8
}
