package segment

import (
	"bytes"
	"math"

	"github.com/parquet-go/parquet-go/format"
)

// bounds are the lowest and highest physical value of a page or chunk, as PLAIN has them but without lengths; for those
// who read the Parquet file alone.
type bounds struct {
	lo, hi []byte
	none   bool // no value
	bad    bool // values that have no bounds in Parquet's order
}

// statsBytesMax bounds a bound.
const statsBytesMax = 4096

// boundsOf returns the bounds of rows [from, to).
func boundsOf(v *values, from, to int) bounds {
	if v.l.mean == meanInterval {
		return bounds{bad: true}
	}
	if !v.isBytes() {
		return v.numberBounds(from, to)
	}
	b := bounds{none: true}
	for i := from; i < to; i++ {
		if !v.has(i) {
			continue
		}
		x := v.bytes(i)
		if b.none {
			b.lo, b.hi, b.none = x, x, false
			continue
		}
		if v.orderOf(x, b.lo) < 0 {
			b.lo = x
		}
		if v.orderOf(x, b.hi) > 0 {
			b.hi = x
		}
	}
	b.bad = len(b.lo) > statsBytesMax || len(b.hi) > statsBytesMax
	return b
}

// orderOf compares byte strings as Parquet does: decimals as big-endian two's complement.
func (v *values) orderOf(a, b []byte) int {
	if v.l.mean == meanWide {
		if c := int(int8(a[0])) - int(int8(b[0])); c != 0 {
			return c
		}
	}
	return bytes.Compare(a, b)
}

func (v *values) numberBounds(from, to int) bounds {
	b := bounds{none: true}
	var lo, hi int64
	for i := from; i < to; i++ {
		if !v.has(i) {
			continue
		}
		x := v.ints[i]
		switch {
		case v.l.mean == meanFloat && math.IsNaN(math.Float64frombits(uint64(x))):
			return bounds{bad: true}
		case b.none:
			lo, hi, b.none = x, x, false
		case v.numberLess(x, lo):
			lo = x
		case v.numberLess(hi, x):
			hi = x
		}
	}
	if !b.none {
		b.lo, b.hi = v.l.plain(lo, -1), v.l.plain(hi, 1)
	}
	return b
}

func (v *values) numberLess(a, b int64) bool {
	if v.l.mean == meanFloat {
		return math.Float64frombits(uint64(a)) < math.Float64frombits(uint64(b))
	}
	return a < b
}

// plain returns a number's physical bytes. Of floats the zero that is a lower bound (side -1) is negative, an upper one
// positive.
func (l *layout) plain(x int64, side float64) []byte {
	if l.mean == meanFloat && math.Float64frombits(uint64(x)) == 0 {
		x = int64(math.Float64bits(math.Copysign(0, side)))
	}
	switch l.phys {
	case physBool:
		return []byte{byte(x)}
	case physInt32:
		return le.AppendUint32(nil, uint32(x))
	case physFloat:
		return le.AppendUint32(nil, math.Float32bits(narrowFloat(x)))
	}
	return le.AppendUint64(nil, uint64(x))
}

// widen makes b the bounds of both.
func (b *bounds) widen(v *values, o *bounds) {
	switch {
	case o.none || o.bad || b.bad:
	case b.none:
		*b = *o
	default:
		if v.boundLess(o.lo, b.lo) {
			b.lo = o.lo
		}
		if v.boundLess(b.hi, o.hi) {
			b.hi = o.hi
		}
	}
	b.bad = b.bad || o.bad
}

// boundLess compares two bounds.
func (v *values) boundLess(a, b []byte) bool {
	if v.isBytes() {
		return v.orderOf(a, b) < 0
	}
	return v.numberLess(v.l.number(a), v.l.number(b))
}

// number is the inverse of plain.
func (l *layout) number(b []byte) int64 {
	switch l.phys {
	case physBool:
		return int64(b[0])
	case physInt32:
		if l.unsigned() {
			return int64(le.Uint32(b))
		}
		return int64(int32(le.Uint32(b)))
	case physFloat:
		return int64(math.Float64bits(float64(math.Float32frombits(le.Uint32(b)))))
	}
	return int64(le.Uint64(b))
}

// pageBounds returns the bounds of n rows from row from on, from the zone map if the page is a zone.
func (w *Writer) pageBounds(v *values, col, from, n int) bounds {
	c, k := &w.cols[col], from/w.opts.ZoneRows
	z, ext := &c.zones[len(c.zones)-len(c.extremes)+k], c.extremes[k]
	switch {
	case from%w.opts.ZoneRows != 0 || n != int(z.rows):
	case v.l.ints() && z.flags&zoneBounded != 0:
		return bounds{lo: v.l.plain(z.lo, 0), hi: v.l.plain(z.hi, 0)}
	case v.l.mean == meanString && ext.lo >= 0:
		b := bounds{lo: v.bytes(ext.lo), hi: v.bytes(ext.hi)}
		b.bad = len(b.lo) > statsBytesMax || len(b.hi) > statsBytesMax
		return b
	}
	return boundsOf(v, from, from+n)
}

// indexPages makes the column index of a chunk, if its values have bounds, and the bounds of all of it.
func (w *Writer) indexPages(v *values, col int) (ci *format.ColumnIndex, all bounds) {
	ci, all = new(format.ColumnIndex), bounds{none: true}
	pages := w.tasks[col].chunk.made.pages
	ascending, before := true, bounds{none: true}
	from := 0
	for i := range pages {
		p := &pages[i]
		b := w.pageBounds(v, col, from, int(p.rows))
		from += int(p.rows)
		all.widen(v, &b)
		if all.bad {
			return nil, all
		}
		if !before.none && !b.none && (v.boundLess(b.lo, before.lo) || v.boundLess(b.hi, before.hi)) {
			ascending = false
		}
		if !b.none {
			before = b
		}
		ci.NullPages = append(ci.NullPages, b.none)
		ci.MinValues = append(ci.MinValues, bytes.Clone(b.lo))
		ci.MaxValues = append(ci.MaxValues, bytes.Clone(b.hi))
		ci.NullCounts = append(ci.NullCounts, int64(p.nulls))
	}
	if ascending {
		ci.BoundaryOrder = format.Ascending
	}
	all.lo, all.hi = bytes.Clone(all.lo), bytes.Clone(all.hi)
	return ci, all
}
