package exec

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// sortOrder sorts rows by normalised keys: bytes whose order is the order of the rows. The first 16 stand
// in the entry that is moved.
type sortOrder struct {
	s       *sorting
	set     *rowSet
	entries []sortEntry
	spare   []sortEntry
	rest    column[byte]
	used    int
	fixed   bool // no key is longer than the entry's part
	tracker *mem.Tracker
	// canonical: keys do not depend on the set's layout, so that those of several sets can be compared.
	canonical bool
	trims     []keyTrim // of each sort key, if keys are not canonical
}

// sortEntry is a row to be sorted. seq is its place before, which decides between equal keys.
type sortEntry struct {
	k0, k1  uint64
	id, seq uint32
	rest    uint32 // of the key beyond 16 bytes: offset in units of 8
	restLen uint32
}

// inlineKey is the part of a key that entries hold.
const inlineKey = 16

func newSortOrder(ctx context.Context, s *sorting, set *rowSet, extents []extent, a *arena, canonical bool) (*sortOrder, error) {
	o := &sortOrder{s: s, set: set, tracker: s.q.mem, fixed: true, canonical: canonical}
	n := 0
	for _, e := range extents {
		n += int(e.to - e.from)
	}
	var err error
	if o.entries, err = makeSlice[sortEntry](a, n); err != nil {
		return nil, err
	}
	if o.spare, err = makeSlice[sortEntry](a, n); err != nil {
		return nil, err
	}
	if !canonical {
		o.measureTrims(extents)
	}
	var key []byte
	i := 0
	for _, e := range extents {
		if err := ctx.Err(); err != nil {
			o.rest.free()
			return nil, err
		}
		for id := e.from; id < e.to; id++ {
			key = o.key(key[:0], id)
			x := &o.entries[i]
			x.id, x.seq = id, uint32(i)
			if err := o.put(x, key); err != nil {
				o.rest.free()
				return nil, err
			}
			i++
		}
	}
	a.slabs = append(a.slabs, o.rest.slab) // freed with the rest
	return o, nil
}

// put stores a key.
func (o *sortOrder) put(x *sortEntry, key []byte) error {
	var head [inlineKey]byte
	n := copy(head[:], key)
	x.k0, x.k1 = binary.BigEndian.Uint64(head[:]), binary.BigEndian.Uint64(head[8:])
	if key = key[n:]; len(key) == 0 {
		return nil
	}
	o.fixed = false
	if err := o.rest.grow(o.tracker, o.used+len(key)+8); err != nil {
		return err
	}
	x.rest, x.restLen = uint32(o.used/8), uint32(len(key))
	copy(o.rest.v[o.used:], key)
	o.used = (o.used + len(key) + 7) &^ 7
	return nil
}

// key appends the normalised key of a row.
func (o *sortOrder) key(dst []byte, id uint32) []byte {
	row := o.set.row(id)
	nullable := o.canonical || o.set.layout.nullable()
	for i := range o.s.n.Keys {
		k := &o.s.n.Keys[i]
		slot := &o.set.layout.slots[i]
		null := o.set.isNull(slot, row)
		if nullable {
			dst = append(dst, byte(b2i(null != (k.NullsFirst && !invariants.Mutant("sort-ignores-nulls-first")))))
		}
		if null {
			continue
		}
		from := len(dst)
		p := unsafe.Add(row, slot.off)
		switch {
		case o.canonical && slot.typ.Class() == types.ClassNumeric:
			dst = appendNumericKey(dst, o.set.numeric(slot, p))
		case o.canonical:
			dst = o.set.appendKey(dst, slot, p)
		case o.trims[i].ints:
			dst = o.trims[i].append(dst, orderedInt(slot, p))
		case slot.kind == slotStr:
			dst = appendStringKey(dst, (*vec.StrView)(p).Bytes(o.set.heap)[o.trims[i].skip:])
		default:
			dst = o.set.appendKey(dst, slot, p)
		}
		if k.Desc {
			for j := from; j < len(dst); j++ {
				dst[j] = ^dst[j]
			}
		}
	}
	return dst
}

const signBit = 1 << 63

// appendKey appends bytes that order as the values of the slot do. No key is the beginning of another.
func (r *rowSet) appendKey(dst []byte, s *slot, p unsafe.Pointer) []byte {
	switch s.kind {
	case slotInt:
		switch s.width {
		case 1:
			return append(dst, *(*byte)(p))
		case 2:
			return binary.BigEndian.AppendUint16(dst, *(*uint16)(p))
		case 4:
			return binary.BigEndian.AppendUint32(dst, *(*uint32)(p))
		}
		return binary.BigEndian.AppendUint64(dst, *(*uint64)(p)^signBit)
	case slotNum8:
		return binary.BigEndian.AppendUint64(dst, *(*uint64)(p)^signBit)
	case slotFloat:
		b := kernel.FloatKey(*(*int64)(p))
		return binary.BigEndian.AppendUint64(dst, uint64(kernel.FloatOrder(b))^signBit)
	case slotNum16:
		w := *(*[2]uint64)(p)
		dst = binary.BigEndian.AppendUint64(dst, w[1]^signBit)
		return binary.BigEndian.AppendUint64(dst, w[0])
	case slotInterval:
		months, days, micros := r.interval(p).IntervalParts()
		span := types.Mul64(int64(months)*30+int64(days), 24*60*60*1000000).AddInt64(micros)
		dst = binary.BigEndian.AppendUint64(dst, uint64(span.Hi)^signBit)
		return binary.BigEndian.AppendUint64(dst, span.Lo)
	case slotVar:
		return appendNumericKey(dst, types.DecodeNumeric((*vec.StrView)(p).Bytes(r.heap)))
	}
	return appendStringKey(dst, (*vec.StrView)(p).Bytes(r.heap))
}

// appendStringKey appends a string so that a zero byte of it is followed by 0xff, and its end by another zero.
func appendStringKey(dst, s []byte) []byte {
	if bytes.IndexByte(s, 0) < 0 {
		dst = append(dst, s...)
	} else {
		for _, c := range s {
			if dst = append(dst, c); c == 0 {
				dst = append(dst, 0xff)
			}
		}
	}
	return append(dst, 0, 0)
}

// appendNumericKey appends a numeric so that values of any scale order by their bytes: class, exponent,
// digits without zeros at the end, a terminator.
func appendNumericKey(dst []byte, d types.Datum) []byte {
	switch {
	case d.Form == types.NumNaN:
		return append(dst, 5)
	case d.Form == types.NumInf && d.I > 0:
		return append(dst, 4)
	case d.Form == types.NumInf:
		return append(dst, 0)
	}
	text := types.AppendText(nil, d, types.T(types.Numeric), nil)
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	digits := append(append([]byte(nil), whole...), fraction...)
	exponent := len(whole)
	lead := 0
	for lead < len(digits) && digits[lead] == '0' {
		lead++
	}
	if lead == len(digits) {
		return append(dst, 2)
	}
	exponent -= lead
	digits = bytes.TrimRight(digits[lead:], "0")
	class := byte(3)
	if negative {
		class = 1
	}
	dst = append(dst, class)
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(exponent+1<<20))
	dst = append(dst, digits...)
	dst = append(dst, 0)
	if negative {
		for i := from; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

// less orders two entries.
func (o *sortOrder) less(a, b *sortEntry) bool {
	if a.k0 != b.k0 {
		return a.k0 < b.k0
	}
	if a.k1 != b.k1 {
		return a.k1 < b.k1
	}
	if !o.fixed {
		if c := bytes.Compare(o.tail(a), o.tail(b)); c != 0 {
			return c < 0
		}
	}
	return a.seq < b.seq
}

func (o *sortOrder) tail(e *sortEntry) []byte {
	return o.rest.v[int(e.rest)*8:][:e.restLen]
}

func (o *sortOrder) compare(a, b sortEntry) int {
	switch {
	case o.less(&a, &b):
		return -1
	case a.seq == b.seq:
		return 0
	}
	return 1
}

const (
	// parallelSortRows is the number of rows from which parts are sorted by several workers.
	parallelSortRows = 1 << 14
	// partSortRows is how many rows are sorted, or merged, without a look at whether the query is cancelled.
	partSortRows = 1 << 16
)

// sort sorts the entries: parts by workers, then pairs of parts merged.
func (o *sortOrder) sort(ctx context.Context, p *Pool, workers int) error {
	n := len(o.entries)
	parts := 1
	for p != nil && n >= parallelSortRows && parts < workers || n/parts > partSortRows {
		parts *= 2
	}
	at := func(i, parts int) int { return n * i / parts }
	err := p.parallel(workers, parts, func(i int) error {
		slices.SortFunc(o.entries[at(i, parts):at(i+1, parts)], o.compare)
		return ctx.Err()
	})
	for from := parts; err == nil && parts > 1; parts /= 2 {
		err = p.parallel(workers, parts/2, func(i int) error {
			lo, mid, hi := at(2*i*from/parts, from), at((2*i+1)*from/parts, from), at((2*i+2)*from/parts, from)
			return o.merge(ctx, o.spare[lo:hi], o.entries[lo:mid], o.entries[mid:hi])
		})
		o.entries, o.spare = o.spare, o.entries
	}
	return err
}

func (o *sortOrder) merge(ctx context.Context, dst, a, b []sortEntry) error {
	for i := range dst {
		if i%partSortRows == partSortRows-1 && ctx.Err() != nil {
			return ctx.Err()
		}
		if len(b) == 0 || len(a) > 0 && !o.less(&b[0], &a[0]) {
			dst[i], a = a[0], a[1:]
		} else {
			dst[i], b = b[0], b[1:]
		}
	}
	return nil
}
