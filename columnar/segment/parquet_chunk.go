package segment

import (
	"hash/crc32"
	"math"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// chunkWriter encodes the chunks of one column. Its memory is used again.
type chunkWriter struct {
	l         *layout
	optional  bool
	codec     Compression
	level     int
	zoneRows  int
	pageBytes int

	// out is the chunk: a dictionary page if it has one, and the data pages.
	out  []byte
	made chunk // places count from the beginning of out
	enc  uint8
	raw  int64 // bytes uncompressed, with headers

	values, packed, levels []byte
	present                []uint8
	i32                    []int32
	i64                    []int64
	lengths                []uint32
	text                   []byte
}

// encode makes out of the rows of v. codes are those of its rows, and order the values of the dictionary; nil without one.
func (c *chunkWriter) encode(v *values, enc Encoding, d *distinct, order []uint32) error {
	c.out, c.made, c.raw = c.out[:0], chunk{}, 0
	c.enc = encPlain
	switch {
	case order != nil:
		c.enc = encRLEDict
		if err := c.dictionary(v, d, order); err != nil {
			return err
		}
	case enc == EncodingDelta && c.l.phys == physBytes:
		c.enc = encDeltaLength
	case enc == EncodingDelta:
		c.enc = encDelta
	}
	var codeOf []int32
	if order != nil {
		codeOf = make([]int32, d.len())
		for k, code := range order {
			codeOf[code] = int32(k)
		}
	}
	for from := 0; from < v.n; {
		to := c.end(v, from)
		if err := c.page(v, from, to, d, codeOf); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// end returns where the page that starts at row from ends.
func (c *chunkWriter) end(v *values, from int) int {
	to := min(from-from%c.zoneRows+c.zoneRows, v.n)
	if c.l.phys != physBytes {
		return to
	}
	size := 0
	for i := from; i < to; i++ {
		if !v.has(i) {
			continue
		}
		size += len(v.bytes(i))
		if size > c.pageBytes && i > from {
			return i
		}
	}
	return to
}

// dictionary writes the page of the values, in the order in which the chunk meets them.
func (c *chunkWriter) dictionary(v *values, d *distinct, order []uint32) error {
	c.values = c.values[:0]
	for _, code := range order {
		switch {
		case v.isBytes() && c.l.phys == physBytes:
			c.values = le.AppendUint32(c.values, uint32(len(d.strs[code])))
			c.values = append(c.values, d.strs[code]...)
		case v.isBytes():
			c.values = append(c.values, d.strs[code]...)
		default:
			c.values = c.appendInt(c.values, d.ints[code])
		}
	}
	packed, err := compress(c.packed[:0], c.values, c.codec, c.level)
	if err != nil {
		return err
	}
	c.packed = packed
	head := len(c.out)
	c.out = appendDictionaryHeader(c.out, len(c.values), len(packed), len(order))
	c.raw += int64(len(c.out) - head + len(c.values))
	c.out = append(c.out, packed...)
	c.made.dict = &tile{off: 0, len: uint32(len(c.out)), crc: crc32.Checksum(c.out, castagnoli)}
	return nil
}

// appendInt appends a value as PLAIN has it.
func (c *chunkWriter) appendInt(b []byte, x int64) []byte {
	switch c.l.phys {
	case physInt32:
		return le.AppendUint32(b, uint32(x))
	case physFloat:
		return le.AppendUint32(b, math.Float32bits(narrowFloat(x)))
	}
	return le.AppendUint64(b, uint64(x))
}

// page encodes rows [from, to).
func (c *chunkWriter) page(v *values, from, to int, d *distinct, codeOf []int32) error {
	p := page{rows: uint32(to - from), enc: c.enc}
	p.nulls = uint32(to-from) - uint32(v.count(from, to))
	c.levels = c.levels[:0]
	if c.optional {
		if err := c.appendLevels(v, from, to, int(p.nulls)); err != nil {
			return err
		}
	}
	if err := c.encodeValues(v, from, to, d, codeOf); err != nil {
		return err
	}
	body, compressed := c.values, false
	if c.codec != CompressionNone && len(body) > 0 {
		packed, err := compress(c.packed[:0], c.values, c.codec, c.level)
		if err != nil {
			return err
		}
		if c.packed = packed; worthwhile(len(packed), len(c.values)) {
			body, compressed = packed, true
		}
	}
	p.levels, p.raw = uint32(len(c.levels)), uint32(len(c.values))
	start := len(c.out)
	c.out = appendPageHeader(c.out, &p, len(body), compressed)
	p.head = uint32(len(c.out) - start)
	c.raw += int64(p.head) + int64(len(c.levels)+len(c.values))
	c.out = append(c.out, c.levels...)
	c.out = append(c.out, body...)
	p.tile = tile{off: int64(start), len: uint32(len(c.out) - start), crc: crc32.Checksum(c.out[start:], castagnoli)}
	c.made.pages = append(c.made.pages, p)
	return nil
}

// worthwhile reports whether compression saves enough to pay for decompression. Bytes that are not fewer mark a page
// that is not compressed.
func worthwhile(packed, raw int) bool { return packed < raw-raw/32 }

// appendLevels makes the definition levels: 1 for each row with a value.
func (c *chunkWriter) appendLevels(v *values, from, to, nulls int) (err error) {
	c.present = c.present[:0]
	for i := from; i < to; i++ {
		level := uint8(1)
		if nulls > 0 && !v.has(i) {
			level = 0
		}
		c.present = append(c.present, level)
	}
	c.levels, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(c.levels, c.present)
	return err
}

// encodeValues makes values of the rows of [from, to) that have one.
func (c *chunkWriter) encodeValues(v *values, from, to int, d *distinct, codeOf []int32) (err error) {
	c.values = c.values[:0]
	switch {
	case codeOf != nil:
		c.i32 = c.i32[:0]
		for i := from; i < to; i++ {
			if v.has(i) {
				c.i32 = append(c.i32, codeOf[d.codes[i]])
			}
		}
		c.values, err = (&rle.DictionaryEncoding{}).EncodeInt32(c.values, c.i32)
	case c.enc == encDelta:
		return c.deltas(v, from, to)
	case c.enc == encDeltaLength:
		return c.deltaLengths(v, from, to)
	case c.l.phys == physBool:
		c.booleans(v, from, to)
	default:
		c.plain(v, from, to)
	}
	return err
}

func (c *chunkWriter) deltas(v *values, from, to int) (err error) {
	var e delta.BinaryPackedEncoding
	if c.l.phys == physInt32 {
		c.i32 = c.i32[:0]
		for i := from; i < to; i++ {
			if v.has(i) {
				c.i32 = append(c.i32, int32(v.ints[i]))
			}
		}
		c.values, err = e.EncodeInt32(c.values, c.i32)
		return err
	}
	ints := v.ints[from:to]
	if v.present != nil {
		c.i64 = c.i64[:0]
		for i := from; i < to; i++ {
			if v.has(i) {
				c.i64 = append(c.i64, v.ints[i])
			}
		}
		ints = c.i64
	}
	c.values, err = e.EncodeInt64(c.values, ints)
	return err
}

func (c *chunkWriter) deltaLengths(v *values, from, to int) (err error) {
	c.text, c.lengths = c.text[:0], append(c.lengths[:0], 0)
	for i := from; i < to; i++ {
		if v.has(i) {
			c.text = append(c.text, v.bytes(i)...)
			c.lengths = append(c.lengths, uint32(len(c.text)))
		}
	}
	c.values, err = (&delta.LengthByteArrayEncoding{}).EncodeByteArray(c.values, c.text, c.lengths)
	return err
}

func (c *chunkWriter) booleans(v *values, from, to int) {
	k := 0
	for i := from; i < to; i++ {
		if !v.has(i) {
			continue
		}
		if k&7 == 0 {
			c.values = append(c.values, 0)
		}
		c.values[k>>3] |= byte(v.ints[i]) << (k & 7)
		k++
	}
}

func (c *chunkWriter) plain(v *values, from, to int) {
	for i := from; i < to; i++ {
		switch {
		case !v.has(i):
		case c.l.phys == physBytes:
			b := v.bytes(i)
			c.values = le.AppendUint32(c.values, uint32(len(b)))
			c.values = append(c.values, b...)
		case v.isBytes():
			c.values = append(c.values, v.bytes(i)...)
		default:
			c.values = c.appendInt(c.values, v.ints[i])
		}
	}
}
