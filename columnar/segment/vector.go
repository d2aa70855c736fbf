package segment

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// vector is the memory of one column of a zone as a vector.
type vector struct {
	v     vec.Vector
	fact  vec.Fact
	words [][2]uint64 // the entries, aligned
	valid []uint64
	block []byte
	bld   *vec.Builder
}

// room returns memory for n entries of a width, zero.
func (x *vector) room(n, width int) unsafe.Pointer {
	at := x.unset(n, width)
	clear(x.words)
	return at
}

// unset is room for who sets every entry.
func (x *vector) unset(n, width int) unsafe.Pointer {
	k := (n*width+15)/16 + 1
	if cap(x.words) < k {
		x.words = make([][2]uint64, k)
	}
	x.words = x.words[:k]
	clear(x.words[max(k-2, 0):])
	return unsafe.Pointer(&x.words[0])
}

// roomFor returns memory for the entries of the rows of a zone.
func (x *vector) roomFor(p *pages, width uint8) unsafe.Pointer {
	if p.nulls == 0 {
		return x.unset(p.rows, int(width))
	}
	return x.room(p.rows, int(width))
}

// fill makes the vector of what was decoded of column i in zone z.
func (s *Segment) fill(x *vector, p *pages, i, z int) error {
	c, l := &s.cols[i], &s.layouts[i]
	zn := &c.zones[z]
	if p.rows != int(zn.rows) {
		return fmt.Errorf("%d rows where the zone has %d", p.rows, zn.rows)
	}
	x.fact = zn.fact(l)
	x.v = vec.Vector{Type: l.typ, N: p.rows, NullBit: -1, Fact: &x.fact}
	x.setValid(p)
	var err error
	switch {
	case zn.flags&zoneExcept != 0:
		return s.fillExcept(x, p, i, z)
	case p.coded:
		err = s.fillCodes(x, p, i, z)
	case l.ints():
		x.v.Base, x.v.Width, x.v.Scale = c.base, c.width, int16(l.scale)
		x.fillInts(p, p.ints)
	case l.mean == meanFloat:
		x.v.Width = 8
		x.fillInts(p, p.ints)
	case l.mean == meanString && l.phys == physBytes:
		x.fillStrings(p)
	case l.mean == meanText:
		err = s.fillDatums(x, p, i, z)
	default:
		err = s.fillFixed(x, p, l)
	}
	return err
}

func (x *vector) setValid(p *pages) {
	if p.nulls == 0 {
		return
	}
	x.valid = append(x.valid[:0], p.present...)
	x.v.Valid = x.valid
}

// fillInts stores integers of the rows that have one.
func (x *vector) fillInts(p *pages, ints []int64) {
	if p.into.placed {
		x.v.Data = p.into.data
		return
	}
	x.v.Data = x.roomFor(p, x.v.Width)
	switch x.v.Width {
	case 1:
		place(unsafe.Slice((*uint8)(x.v.Data), p.rows), p, ints, x.v.Base)
	case 2:
		place(unsafe.Slice((*uint16)(x.v.Data), p.rows), p, ints, x.v.Base)
	case 4:
		place(unsafe.Slice((*uint32)(x.v.Data), p.rows), p, ints, x.v.Base)
	default:
		place(unsafe.Slice((*uint64)(x.v.Data), p.rows), p, ints, x.v.Base)
	}
}

// place puts src[k] - base into the k-th row that has a value.
func place[T uint8 | uint16 | uint32 | uint64, S int32 | int64](dst []T, p *pages, src []S, base int64) {
	if p.nulls == 0 {
		src = src[:len(dst)]
		for i, y := range src {
			dst[i] = T(int64(y) - base)
		}
		return
	}
	k := 0
	for i := range dst {
		if p.present[i>>6]>>(i&63)&1 != 0 {
			dst[i] = T(int64(src[k]) - base)
			k++
		}
	}
}

// placeBy puts table[code] - base of the k-th code into the k-th row that has a value; all codes are in the table.
func placeBy[T uint8 | uint16 | uint32 | uint64, V int64 | uint32](dst []T, p *pages, table []V, base V) {
	if p.nulls == 0 {
		codes := p.codes[:len(dst)]
		for i, c := range codes {
			dst[i] = T(table[c] - base)
		}
		return
	}
	k := 0
	for i := range dst {
		if p.present[i>>6]>>(i&63)&1 != 0 {
			dst[i] = T(table[p.codes[k]] - base)
			k++
		}
	}
}

// fillBy is placeBy for entries of the vector's width.
func fillBy[V int64 | uint32](x *vector, p *pages, table []V, base V) {
	if p.into.placed {
		x.v.Data = p.into.data
		return
	}
	x.v.Data = x.roomFor(p, x.v.Width)
	switch x.v.Width {
	case 1:
		placeBy(unsafe.Slice((*uint8)(x.v.Data), p.rows), p, table, base)
	case 2:
		placeBy(unsafe.Slice((*uint16)(x.v.Data), p.rows), p, table, base)
	case 4:
		placeBy(unsafe.Slice((*uint32)(x.v.Data), p.rows), p, table, base)
	default:
		placeBy(unsafe.Slice((*uint64)(x.v.Data), p.rows), p, table, base)
	}
}

// fillCodes turns codes of the chunk into codes of the segment's dictionary, or into the integers that they stand for.
func (s *Segment) fillCodes(x *vector, p *pages, i, z int) error {
	l := &s.layouts[i]
	d, err := s.dictionaryOf(i)
	if err != nil {
		return err
	}
	ch := &s.cols[i].chunks[s.groupOf(z)]
	if d == nil || ch.ordinal >= len(d.maps) {
		return fmt.Errorf("codes without a dictionary")
	}
	m := d.maps[ch.ordinal]
	most := uint32(0)
	for _, c := range p.codes {
		most = max(most, uint32(c))
	}
	if len(p.codes) > 0 && most >= uint32(len(m)) {
		return fmt.Errorf("code %d of %d", most, len(m))
	}
	if l.ints() {
		x.v.Base, x.v.Width, x.v.Scale = s.cols[i].base, s.cols[i].width, int16(l.scale)
		fillBy(x, p, d.chunkInts[ch.ordinal], x.v.Base)
		return nil
	}
	x.v.Form, x.v.Dictionary = vec.Dict, &d.values
	x.v.Width = d.width()
	x.v.VarNumeric, x.v.Scale = d.values.Values.VarNumeric, d.values.Values.Scale
	fillBy(x, p, m, 0)
	return nil
}

// fillStrings makes views of the strings. The block is theirs.
func (x *vector) fillStrings(p *pages) {
	x.v.Form, x.v.Width = vec.Str, 16
	x.v.Data = x.room(p.rows, 16)
	x.block, p.data = p.data, x.block
	x.v.Blocks = [][]byte{x.block}
	views := unsafe.Slice((*vec.StrView)(x.v.Data), p.rows)
	from, k := p.from, 0
	for i := range views {
		if p.nulls > 0 && p.present[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		to := p.ends[k]
		b := x.block[from:to]
		if len(b) <= vec.InlineMax {
			views[i] = vec.InlineView(b)
		} else {
			views[i] = vec.LongView(b, 0, from)
		}
		from = to
		k++
	}
}

// fillFixed makes the vector of values of 16 bytes: UUIDs, intervals, numerics of more than 18 digits.
func (s *Segment) fillFixed(x *vector, p *pages, l *layout) error {
	if len(p.data) != (p.rows-p.nulls)*fixedBytes {
		return fmt.Errorf("%d bytes for %d values", len(p.data), p.rows-p.nulls)
	}
	x.v.Width = 16
	x.v.Data = x.room(p.rows, 16)
	if l.mean == meanString {
		x.v.Form = vec.Str
		x.block = append(x.block[:0], p.data...)
		x.v.Blocks = [][]byte{x.block}
	}
	x.v.Scale = int16(l.scale)
	dst := unsafe.Slice((*[2]uint64)(x.v.Data), p.rows)
	k := 0
	for i := range dst {
		if p.nulls > 0 && p.present[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		b := p.data[k*fixedBytes:][:fixedBytes]
		switch l.mean {
		case meanString:
			*(*vec.StrView)(unsafe.Pointer(&dst[i])) = vec.LongView(b, 0, uint32(k*fixedBytes))
		case meanInterval:
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[i])), fixedBytes), b)
		default:
			d := wideOf(b, l.scale)
			c, _ := d.Int128()
			dst[i] = [2]uint64{c.Lo, uint64(c.Hi)}
		}
		k++
	}
	return nil
}

// datumAt returns physical value k of what was decoded.
func (s *Segment) datumAt(p *pages, i, z, k int) (types.Datum, error) {
	l := &s.layouts[i]
	v := values{l: l}
	switch {
	case p.coded:
		d, err := s.dictionaryOf(i)
		if err != nil {
			return types.Datum{}, err
		}
		ch := &s.cols[i].chunks[s.groupOf(z)]
		if d == nil || ch.ordinal >= len(d.maps) || int(uint32(p.codes[k])) >= len(d.maps[ch.ordinal]) {
			return types.Datum{}, fmt.Errorf("code %d without a value", p.codes[k])
		}
		return d.values.Values.Datum(int(d.maps[ch.ordinal][p.codes[k]])), nil
	case l.phys == physBytes:
		from := p.from
		if k > 0 {
			from = p.ends[k-1]
		}
		if l.mean == meanText {
			return types.ParseBytes(types.T(types.Numeric), p.data[from:p.ends[k]])
		}
		return types.NewString(l.typ.Kind, string(p.data[from:p.ends[k]])), nil
	case l.phys == physFixed && l.mean == meanString:
		return types.NewString(l.typ.Kind, string(p.data[k*fixedBytes:][:fixedBytes])), nil
	case l.phys == physFixed:
		v.fixed = p.data[k*fixedBytes:]
	default:
		v.ints = p.ints[k:]
	}
	return v.datum(0), nil
}

// fillDatums makes the vector value by value, in whatever form the values take.
func (s *Segment) fillDatums(x *vector, p *pages, i, z int) error {
	return s.build(x, p, i, z, nil)
}

// fillExcept is fillDatums with the zone's exceptions, which Parquet has as NULLs.
func (s *Segment) fillExcept(x *vector, p *pages, i, z int) error {
	xs, err := s.exceptions(i)
	if err != nil {
		return err
	}
	start := uint32(s.zoneStart(z))
	for len(xs) > 0 && xs[0].pos < start {
		xs = xs[1:]
	}
	return s.build(x, p, i, z, xs)
}

func (s *Segment) build(x *vector, p *pages, i, z int, xs []exception) error {
	if x.bld == nil {
		x.bld = vec.NewBuilder(s.layouts[i].typ, p.rows, nil)
	}
	x.bld.Reset()
	start, k := s.zoneStart(z), 0
	for r := range p.rows {
		var err error
		switch {
		case p.present[r>>6]>>(r&63)&1 != 0:
			var d types.Datum
			if d, err = s.datumAt(p, i, z, k); err == nil {
				err = x.bld.Append(d)
			}
			k++
		case len(xs) > 0 && int(xs[0].pos) == start+r:
			err = x.bld.Append(types.DecodeNumeric(xs[0].value))
			xs = xs[1:]
		default:
			err = x.bld.AppendNull()
		}
		if err != nil {
			return err
		}
	}
	x.v = x.bld.Vector()
	x.v.Fact = &x.fact
	return nil
}

// exceptions reads the values of column i that Parquet does not hold, by position.
func (s *Segment) exceptions(i int) ([]exception, error) {
	return s.cols[i].except.get(func() ([]exception, error) { return s.readExceptions(i) })
}

func (s *Segment) readExceptions(i int) ([]exception, error) {
	d, e, err := s.need(secExceptions, i)
	if err != nil {
		return nil, err
	}
	xs := make([]exception, d.count(2))
	for k := range xs {
		xs[k] = exception{pos: uint32(d.upTo(math.MaxUint32)), value: d.bytes()}
		if d.bad || int(xs[k].pos) >= s.rows || k > 0 && xs[k-1].pos >= xs[k].pos || !types.ValidNumeric(xs[k].value) {
			return nil, s.malformed(e, "exceptions")
		}
	}
	if !d.end() {
		return nil, s.malformed(e, "exceptions")
	}
	return xs, nil
}

// groupOf returns the row group of a zone: all but the last have the same number of zones.
func (s *Segment) groupOf(z int) int { return z / s.groups[0].zones }
