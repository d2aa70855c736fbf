package segment

import (
	"hash/crc32"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// dictionary is the dictionary of a column and how the codes of its Parquet chunks map to it.
type dictionary struct {
	values   vec.Dictionary
	complete bool
	maps     [][]uint32 // by ordinal of the chunk
	// ints are the values, if they are integers, and chunkInts those that the codes of each chunk stand for.
	ints      []int64
	chunkInts [][]int64
}

// width returns the bytes of the codes of a vector.
func (d *dictionary) width() uint8 {
	switch n := d.values.Values.N; {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

// dictionaryOf reads the dictionary of column i; nil if it has none.
func (s *Segment) dictionaryOf(i int) (*dictionary, error) {
	return s.cols[i].dict.get(func() (*dictionary, error) { return s.readDictionary(i) })
}

func (s *Segment) readDictionary(i int) (*dictionary, error) {
	d, e, ok, err := s.section(secDictionary, i)
	if !ok || err != nil {
		return nil, err
	}
	x := &dictionary{complete: d.byte()&dictComplete != 0}
	largest := uint64(0)
	for range d.count(1) {
		m := make([]uint32, d.count(1))
		for k := range m {
			c := d.upTo(dictEntriesMax)
			m[k], largest = uint32(c), max(largest, c)
		}
		x.maps = append(x.maps, m)
	}
	if d.bad {
		return nil, s.malformed(e, "dictionary")
	}
	var b vec.Batch
	rest, err := veccodec.Decode(d.b, []types.Type{s.layouts[i].typ}, &b)
	if err != nil || len(rest) > 0 || b.N > dictEntriesMax || len(x.maps) > 0 && largest >= uint64(max(b.N, 1)) {
		return nil, s.malformed(e, "dictionary")
	}
	v := b.Groups[0].Cols[0]
	if v.Valid != nil {
		return nil, s.malformed(e, "dictionary")
	}
	if s.layouts[i].ints() {
		if v.Form != vec.Flat || v.Width > 8 {
			return nil, s.malformed(e, "dictionary")
		}
		x.ints = make([]int64, v.N)
		for k := range x.ints {
			x.ints[k] = v.Int(k)
		}
		for _, m := range x.maps {
			ints := make([]int64, len(m))
			for k, c := range m {
				ints[k] = x.ints[c]
			}
			x.chunkInts = append(x.chunkInts, ints)
		}
	}
	x.values = vec.Dictionary{Values: v, Sorted: true}
	return x, nil
}

// Dictionary returns the sorted distinct values of a column that has bitmaps, nil for one without.
func (s *Segment) Dictionary(col int) (*vec.Dictionary, error) {
	if !s.HasBitmaps(col) {
		return nil, nil
	}
	d, err := s.dictionaryOf(col)
	if err != nil || d == nil || !d.complete {
		return nil, err
	}
	return &d.values, nil
}

// HasBitmaps reports whether the column has a bitmap for each of its values.
func (s *Segment) HasBitmaps(col int) bool {
	_, ok := s.dir[sectionKey{secBitmapRoot, uint16(col)}]
	return ok
}

// bitmapEntry locates one bitmap.
type bitmapEntry struct {
	off  int64
	len  uint32
	crc  uint32
	rows uint32
}

// bitmapRoot reads where the bitmaps of a column are; the last is that of NULL.
func (s *Segment) bitmapRoot(i int) ([]bitmapEntry, error) {
	return s.cols[i].root.get(func() ([]bitmapEntry, error) { return s.readBitmapRoot(i) })
}

func (s *Segment) readBitmapRoot(i int) ([]bitmapEntry, error) {
	d, e, err := s.need(secBitmapRoot, i)
	if err != nil {
		return nil, err
	}
	body := s.dir[sectionKey{secBitmaps, uint16(i)}]
	dict, err := s.dictionaryOf(i)
	if err != nil {
		return nil, err
	}
	root := make([]bitmapEntry, d.count(6))
	if dict == nil || !dict.complete || len(root) != dict.values.Values.N+1 {
		return nil, s.malformed(e, "root of bitmaps")
	}
	off := body.off
	for k := range root {
		n := d.upTo(body.len)
		root[k] = bitmapEntry{off: int64(off), len: uint32(n), rows: uint32(d.upTo(uint64(s.rows))), crc: d.u32()}
		off += n
	}
	if !d.end() || off != body.off+body.len {
		return nil, s.malformed(e, "root of bitmaps")
	}
	return root, nil
}

// BitmapRows returns the number of rows of a code without reading its bitmap; code -1 is NULL.
func (s *Segment) BitmapRows(col, code int) (int, error) {
	root, err := s.bitmapRoot(col)
	if err != nil {
		return 0, err
	}
	if code < 0 {
		code = len(root) - 1
	}
	return int(root[code].rows), nil
}

// Bitmap returns the positions of the rows of column col that have the value with a code of its Dictionary; code -1
// is NULL. The bitmap may be shared: it must not be changed.
func (s *Segment) Bitmap(col, code int) (*roaring.Bitmap, error) {
	root, err := s.bitmapRoot(col)
	if err != nil {
		return nil, err
	}
	if code < 0 {
		code = len(root) - 1
	}
	if invariants.Mutant("bitmap-neighbour") {
		code = (code + 1) % len(root)
	}
	sl := s.slot(&s.cols[col].bitmaps, code, len(root))
	if bm, _ := s.cache.value(sl).(*roaring.Bitmap); bm != nil {
		return bm, nil
	}
	r := &root[code]
	p := make([]byte, r.len)
	if err := s.side.read(p, r.off); err != nil {
		return nil, err
	}
	if crc32.Checksum(p, castagnoli) != r.crc {
		return nil, s.side.damaged(r.off, "wrong checksum")
	}
	bm, ok := decodeBitmap(p, s.rows)
	if !ok || bm.GetCardinality() != uint64(r.rows) {
		return nil, s.side.damaged(r.off, "malformed bitmap")
	}
	s.cache.keep(sl, bm, len(p)+128)
	return bm, nil
}

// decodeBitmap reads a bitmap of positions below rows from all of p.
func decodeBitmap(p []byte, rows int) (bm *roaring.Bitmap, ok bool) {
	defer func() {
		if recover() != nil { // the library trusts its input in places
			bm, ok = nil, false
		}
	}()
	bm = roaring.New()
	n, err := bm.FromBuffer(p)
	if err != nil || n != int64(len(p)) || bm.Validate() != nil {
		return nil, false
	}
	return bm, bm.IsEmpty() || int(bm.Maximum()) < rows
}
