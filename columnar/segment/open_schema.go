package segment

import (
	"bytes"
	"math"
	"sync"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/types"
)

// loadSchema reads columns, keys and sort order.
func (s *Segment) loadSchema(numCols, numKeys int) error {
	d, e, err := s.need(secSchema, 0)
	if err != nil {
		return err
	}
	for range numCols {
		var c Column
		c.Name = string(d.bytes())
		c.FieldID = int32(d.upTo(math.MaxInt32))
		c.Type.Kind = types.Kind(d.byte())
		c.Type.Mod = int32(d.i())
		c.NotNull = d.byte()&1 != 0
		c.Compression = Compression(d.byte())
		if d.bad || int(c.Type.Kind) >= types.NumKinds {
			return s.malformed(e, "schema")
		}
		s.schema.Columns = append(s.schema.Columns, c)
	}
	for range numKeys {
		k := Key{Name: string(d.bytes())}
		k.Cols = d.cols(numCols)
		s.schema.Keys = append(s.schema.Keys, k)
	}
	s.schema.Sort = d.cols(numCols)
	if !d.end() || s.schema.check() != nil {
		return s.malformed(e, "schema")
	}
	s.layouts = make([]layout, numCols)
	s.codecs = make([]Compression, numCols)
	for i := range s.layouts {
		c := &s.schema.Columns[i]
		if s.layouts[i], err = layoutOf(c); err != nil {
			return err
		}
		if s.codecs[i] = c.Compression; c.Compression == CompressionDefault {
			return s.malformed(e, "schema")
		}
	}
	return nil
}

func (d *decoder) cols(limit int) []int {
	n := d.count(1)
	cols := make([]int, n)
	for i := range cols {
		cols[i] = int(d.upTo(uint64(limit - 1)))
	}
	return cols
}

// keyReader is what an open segment knows of a key.
type keyReader struct {
	num         int // keys
	buckets     uint32
	first, last []byte
	seps        [][]byte
	words       []uint64 // of seps, as package index has them
	offs        []int64  // of the blocks; one more than there are
	counts      []uint32
	crcs        []uint32
	blocks      entry
	bloom       entry
	// What the cache has of it: blocks of the bloom filter, and decoded blocks of the index.
	blooms, decoded slots

	clustered bool
	scans     sync.Pool // of *keyScan, if it is clustered
}

func (s *Segment) loadKeys() error {
	s.keys = make([]keyReader, len(s.schema.Keys))
	for i := range s.keys {
		k := &s.keys[i]
		d, e, err := s.need(secKeyRoot, i)
		if err != nil {
			return err
		}
		k.blocks = s.dir[sectionKey{secKeyBlocks, uint16(i)}]
		k.bloom = s.dir[sectionKey{secBloom, uint16(i)}]
		if !k.decodeRoot(&d, s.rows) || k.blocks.len == 0 && !s.checkClustered(k) {
			return s.malformed(e, "root of a key index")
		}
	}
	return nil
}

func (k *keyReader) decodeRoot(d *decoder, rows int) bool {
	k.num = int(d.upTo(uint64(rows)))
	k.first, k.last = d.bytes(), d.bytes()
	n := d.count(7)
	off, num := int64(k.blocks.off), 0
	for i := range n {
		sep := d.bytes()
		size, count := d.upTo(math.MaxInt32), d.upTo(uint64(k.num-num))
		if d.bad || i > 0 && bytes.Compare(k.seps[i-1], sep) > 0 {
			return false
		}
		k.seps, k.words = append(k.seps, sep), append(k.words, index.Word(sep))
		k.offs = append(k.offs, off)
		k.counts = append(k.counts, uint32(count))
		k.crcs = append(k.crcs, d.u32())
		off += int64(size)
		num += int(count)
	}
	k.offs = append(k.offs, off)
	k.buckets = bloomBuckets(k.num)
	bloomBytes := (uint64(k.buckets) + blockBuckets - 1) / blockBuckets * bloomBlock
	return d.end() && num == k.num && off == int64(k.blocks.off+k.blocks.len) && k.bloom.len == bloomBytes
}
