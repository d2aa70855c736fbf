package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"

	"github.com/laminadb/lamina/vec"
)

// pages decodes the pages of one column in one zone. Its memory is used again.
type pages struct {
	rows    int
	present []uint64 // rows with a physical value
	nulls   int      // rows without
	// The physical values of the rows that have one, in the form of the chunk: codes, integers (floats as bits), or
	// byte strings (data, with len(ends) of them, or 16 bytes each).
	coded bool
	codes []int32
	ints  []int64
	// the first of the strings begins at from.
	data []byte
	from uint32
	ends []uint32

	// want, if not nil, are the rows whose integers or codes are wanted, of a single page without NULLs; picked: there
	// are no others among ints and codes.
	want   []uint16
	picked bool
	// into are the vector's entries, if a page of integers without NULLs may go there directly.
	into entries

	deltas32 deltas[int32]
	deltas64 deltas[int64]
	runs     codeRuns

	raw    []byte
	levels []uint8
	i32    []int32
}

func (p *pages) reset() {
	p.rows, p.nulls, p.coded, p.want, p.picked, p.into = 0, 0, false, nil, false, entries{}
	p.present, p.codes, p.ints = p.present[:0], p.codes[:0], p.ints[:0]
	p.data, p.ends, p.from = p.data[:0], p.ends[:0], 0
}

var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(math.MaxInt32))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// add decodes one page; body is header, levels and values as they stand in the file.
func (p *pages) add(f *input, pg *page, body []byte, l *layout, codec Compression) (err error) {
	if crc32.Checksum(body, castagnoli) != pg.crc {
		return f.damaged(pg.off, "a page has a wrong checksum")
	}
	defer func() {
		if r := recover(); r != nil { // the decoders trust their input in places
			err = f.damaged(pg.off, "malformed page: %v", r)
		}
	}()
	if err := p.decode(pg, body[pg.head:], l, codec); err != nil {
		return f.damaged(pg.off, "malformed page: %v", err)
	}
	return nil
}

func (p *pages) decode(pg *page, body []byte, l *layout, codec Compression) error {
	if err := p.addLevels(pg, body[:pg.levels]); err != nil {
		return err
	}
	n := int(pg.rows - pg.nulls)
	if n == 0 {
		return nil
	}
	raw, err := p.uncompress(body[pg.levels:], int(pg.raw), codec)
	if err != nil {
		return err
	}
	switch pg.enc {
	case encRLEDict, encPlainDict:
		return p.addCodes(raw, n)
	case encDelta:
		return p.addDelta(raw, n, l)
	case encDeltaLength:
		return p.addDeltaLength(raw, n)
	}
	return p.addPlain(raw, n, l)
}

func (p *pages) uncompress(b []byte, n int, codec Compression) (raw []byte, err error) {
	if codec == CompressionNone || len(b) == n { // what does not become smaller is not compressed
		return b, checkLength(b, n)
	}
	switch codec {
	case CompressionSnappy:
		if m, err := snappy.DecodedLen(b); err != nil || m != n {
			return nil, fmt.Errorf("%d compressed bytes", len(b))
		}
		if cap(p.raw) < n {
			p.raw = make([]byte, n)
		}
		raw, err = snappy.Decode(p.raw[:cap(p.raw)], b)
	default:
		raw, err = zstdDecoder().DecodeAll(b, p.raw[:0])
		p.raw = raw
	}
	if err == nil {
		err = checkLength(raw, n)
	}
	return raw, err
}

func checkLength(raw []byte, n int) error {
	if len(raw) != n {
		return fmt.Errorf("%d bytes where there are %d", len(raw), n)
	}
	return nil
}

// addLevels appends to present which rows have a physical value.
func (p *pages) addLevels(pg *page, b []byte) error {
	n := int(pg.rows)
	for len(p.present) < vec.BitmapWords(p.rows+n) {
		p.present = append(p.present, 0)
	}
	if pg.nulls == 0 {
		setRange(p.present, p.rows, p.rows+n)
		p.rows += n
		return nil
	}
	if pg.nulls < pg.rows {
		levels, err := (&rle.Encoding{BitWidth: 1}).DecodeLevels(p.levels, b)
		if err != nil {
			return err
		}
		p.levels = levels
		if len(levels) < n {
			return fmt.Errorf("%d levels for %d rows", len(levels), n)
		}
		set := 0
		for i, x := range levels[:n] {
			r := p.rows + i
			p.present[r>>6] |= uint64(x&1) << (r & 63)
			set += int(x & 1)
		}
		if set != n-int(pg.nulls) {
			return fmt.Errorf("%d values where there are %d", set, n-int(pg.nulls))
		}
	}
	p.rows += n
	p.nulls += int(pg.nulls)
	return nil
}

// setRange sets bits [from, to).
func setRange(words []uint64, from, to int) {
	for from < to {
		w, b := from>>6, from&63
		n := min(64-b, to-from)
		words[w] |= (math.MaxUint64 >> (64 - n)) << b
		from += n
	}
}

func (p *pages) addCodes(raw []byte, n int) error {
	if e := &p.into; e.data != nil && n == e.rows {
		p.coded, e.placed = true, true
		if err := p.runs.begin(raw); err != nil {
			return err
		}
		if e.codes != nil {
			return placeCodesIn(&p.runs, e, e.codes)
		}
		return placeCodesIn(&p.runs, e, e.ints)
	}
	codes, err := (&rle.DictionaryEncoding{}).DecodeInt32(p.i32[:0], raw)
	if err != nil {
		return err
	}
	if p.i32 = codes; len(codes) < n {
		return fmt.Errorf("%d codes where there are %d values", len(codes), n)
	}
	p.coded = true
	if p.want != nil {
		for _, i := range p.want {
			p.codes = append(p.codes, codes[:n][i])
		}
		p.picked = true
		return nil
	}
	if len(p.codes) == 0 {
		p.codes, p.i32 = codes[:n], p.codes
		return nil
	}
	p.codes = append(p.codes, codes[:n]...)
	return nil
}

// grow lengthens s by n.
func grow[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s[:len(s)+n]
	}
	t := make([]T, len(s)+n, 2*len(s)+n)
	copy(t, s)
	return t
}

// addDeltaLength takes strings whose lengths stand before them. They are not copied if they are the first, and in memory of
// the pages' own.
func (p *pages) addDeltaLength(raw []byte, n int) error {
	if err := p.deltas32.begin(raw, n); err != nil {
		return err
	}
	at := len(p.ends)
	p.ends = grow(p.ends, n)
	ends := p.ends[at:]
	if err := placeDeltas(&p.deltas32, ends, 0); err != nil {
		return err
	}
	text := p.deltas32.rest()
	end, most := uint64(0), uint64(len(text))
	for i, length := range ends {
		if end += uint64(length); end > most {
			return fmt.Errorf("a string beyond the end of the page")
		}
		ends[i] = uint32(end)
	}
	text = text[:end]
	shift := uint32(len(p.data))
	if own := len(p.data) == 0 && at == 0 && unsafe.SliceData(raw) == unsafe.SliceData(p.raw); own {
		shift = uint32(p.deltas32.at)
		p.data, p.raw, p.from = raw[:int(shift)+len(text)], p.data, shift
	} else {
		p.data = append(p.data, text...)
	}
	if shift > 0 {
		for i := range ends {
			ends[i] += shift
		}
	}
	return nil
}

func (p *pages) addPlain(raw []byte, n int, l *layout) error {
	width := [...]int{physInt32: 4, physInt64: 8, physFloat: 4, physDouble: 8, physFixed: fixedBytes}
	if l.phys == physBytes {
		return p.addPlainBytes(raw, n)
	}
	if l.phys == physBool {
		if len(raw) < (n+7)/8 {
			return fmt.Errorf("%d bytes for %d booleans", len(raw), n)
		}
		for i := range n {
			p.ints = append(p.ints, int64(raw[i>>3]>>(i&7)&1))
		}
		return nil
	}
	if len(raw) != n*width[l.phys] {
		return fmt.Errorf("%d bytes for %d values", len(raw), n)
	}
	for i := range n {
		switch l.phys {
		case physInt32:
			x := le.Uint32(raw[4*i:])
			if l.unsigned() {
				p.ints = append(p.ints, int64(x))
			} else {
				p.ints = append(p.ints, int64(int32(x)))
			}
		case physFloat:
			p.ints = append(p.ints, int64(math.Float64bits(float64(math.Float32frombits(le.Uint32(raw[4*i:]))))))
		case physFixed:
			p.data = append(p.data, raw...)
			return nil
		default:
			p.ints = append(p.ints, int64(le.Uint64(raw[8*i:])))
		}
	}
	return nil
}

func (p *pages) addPlainBytes(raw []byte, n int) error {
	for range n {
		if len(raw) < 4 {
			return fmt.Errorf("a string beyond the end of the page")
		}
		k := binary.LittleEndian.Uint32(raw)
		if uint64(k) > uint64(len(raw)-4) {
			return fmt.Errorf("a string beyond the end of the page")
		}
		p.data = append(p.data, raw[4:4+k]...)
		p.ends = append(p.ends, uint32(len(p.data)))
		raw = raw[4+k:]
	}
	return nil
}
