package lsm

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// keyRange is a range of Pebble's keys: from up to to, without it.
type keyRange struct{ from, to []byte }

// pointsMax bounds the ranges that a scan is taken apart into: beyond it a list of values counts as the range that it spans.
const pointsMax = 1024

// ranges returns the ranges of Pebble's keys that the rows which meet the conjuncts are in, in order: values of the first
// columns of the primary key, one or a list, and a range of the column after them. bounded is false if that is the
// whole table.
func (d *data) ranges(where []table.Conjunct) (list []keyRange, bounded bool) {
	whole := keyRange{appendPrefix(nil, d.inc, kindRow), appendPrefix(nil, d.inc, kindRow+1)}
	if !d.primary {
		return []keyRange{whole}, false
	}
	list = d.expand(nil, whole.from, 0, pointsMax, where)
	bounded = len(list) != 1 || string(list[0].from) != string(whole.from) || string(list[0].to) != string(whole.to)
	return list, bounded
}

// expand appends the ranges of the keys that begin with prefix, which column i of the key follows. There may be max.
func (d *data) expand(list []keyRange, prefix []byte, i, max int, where []table.Conjunct) []keyRange {
	if i == len(d.identity) {
		return append(list, keyRange{prefix, append(slices.Clone(prefix), 0)})
	}
	last := i == len(d.identity)-1
	values, ok := d.points(d.identity[i], last, max, where)
	if !ok {
		if r, some := d.span(prefix, d.identity[i], last, where); some {
			list = append(list, r)
		}
		return list
	}
	for _, v := range values {
		list = d.expand(list, slices.Concat(prefix, v), i+1, max/len(values), where)
	}
	return list
}

// points returns the encoded values that a key column may have, in order, if it is at most max.
func (d *data) points(col int, last bool, max int, where []table.Conjunct) (values [][]byte, ok bool) {
	for w := range where {
		of, known := d.valuesOf(&where[w], col, max)
		if !known || ok && len(of) >= len(values) {
			continue
		}
		values, ok = values[:0], true
		for i := range of {
			values = append(values, index.AppendDatum(nil, of[i], last))
		}
	}
	slices.SortFunc(values, bytes.Compare)
	return slices.CompactFunc(values, bytes.Equal), ok
}

// valuesOf returns the values that a conjunct allows a column to have, if it lists them, and has at most max.
func (d *data) valuesOf(c *table.Conjunct, col, max int) (values []types.Datum, known bool) {
	switch {
	case c.Col != col:
	case c.Op == table.OpEq && d.usable(c):
		return []types.Datum{c.Value}, true
	case c.Op == table.OpIn:
		values, known = d.listed(c)
	case c.Op == table.OpFilter && c.Filter != nil:
		values, known = keysOf(c.Filter, d.types[col].Kind, max)
	}
	return values, known && len(values) <= max
}

// keysOf lists the keys of a filter that are values of a kind, if it says them, and has at most max.
func keysOf(f *table.Filter, kind types.Kind, max int) (keys []types.Datum, known bool) {
	if !f.Exact || !isInteger(kind) || len(f.Bits) > max {
		return nil, false
	}
	n := 0
	for _, w := range f.Bits {
		n += bits.OnesCount64(w)
	}
	if n > max {
		return nil, false
	}
	for i, w := range f.Bits {
		for ; w != 0; w &= w - 1 {
			x := f.Min + int64(i*64+bits.TrailingZeros64(w))
			if x <= f.Max && types.IntInRange(kind, x) {
				keys = append(keys, types.NewInt(kind, x))
			}
		}
	}
	return keys, true
}

func isInteger(k types.Kind) bool { return k == types.Int2 || k == types.Int4 || k == types.Int8 }

// span returns the range of the keys that begin with prefix and have a value in a column that its conjuncts allow; some is
// false if there is none.
func (d *data) span(prefix []byte, col int, last bool, where []table.Conjunct) (r keyRange, some bool) {
	x := spanner{d: d, prefix: prefix, last: last, r: keyRange{prefix, successor(slices.Clone(prefix))}}
	for w := range where {
		if c := &where[w]; c.Col == col {
			x.narrow(c)
		}
	}
	return x.r, string(x.r.from) < string(x.r.to)
}

// spanner narrows the range of the keys that begin with prefix by conditions on the column after it.
type spanner struct {
	d      *data
	prefix []byte
	last   bool // the column is the last of the key
	r      keyRange
}

// at returns what is before all keys with a value.
func (x *spanner) at(v types.Datum) []byte {
	return index.AppendDatum(slices.Clone(x.prefix), v, x.last)
}

// after returns what is behind all keys with a value.
func (x *spanner) after(v types.Datum) []byte {
	if x.last {
		return append(x.at(v), 0)
	}
	return successor(x.at(v))
}

// between leaves the keys with values from least to most.
func (x *spanner) between(least, most types.Datum) {
	x.r.from, x.r.to = later(x.r.from, x.at(least)), earlier(x.r.to, x.after(most))
}

func (x *spanner) narrow(c *table.Conjunct) {
	switch kind := x.d.types[c.Col].Kind; c.Op {
	case table.OpIsNull:
		x.r.to = x.r.from // a key has no NULL
	case table.OpFilter:
		if f := c.Filter; f != nil && isInteger(kind) && types.IntInRange(kind, f.Min) && types.IntInRange(kind, f.Max) {
			x.between(types.NewInt(kind, f.Min), types.NewInt(kind, f.Max))
		}
	case table.OpIn:
		if list, known := x.d.listed(c); known && len(list) > 0 {
			x.between(slices.MinFunc(list, types.Compare), slices.MaxFunc(list, types.Compare))
		}
	default:
		if x.d.usable(c) {
			x.compare(c)
		}
	}
}

// stringEndBytes is the length of what ends a string that is not the last of its key.
const stringEndBytes = 2

func (x *spanner) compare(c *table.Conjunct) {
	switch c.Op {
	case table.OpEq:
		x.between(c.Value, c.Value)
	case table.OpGe:
		x.r.from = later(x.r.from, x.at(c.Value))
	case table.OpGt:
		x.r.from = later(x.r.from, x.after(c.Value))
	case table.OpLe:
		x.r.to = earlier(x.r.to, x.after(c.Value))
	case table.OpLt:
		x.r.to = earlier(x.r.to, x.at(c.Value))
	case table.OpPrefix:
		if c.Value.K.Class() != types.ClassString {
			return
		}
		from := x.at(c.Value)
		if !x.last {
			from = from[:len(from)-stringEndBytes]
		}
		x.r.from, x.r.to = later(x.r.from, from), earlier(x.r.to, successor(slices.Clone(from)))
	}
}

// usable reports whether the constant of a conjunct is a value of its column.
func (d *data) usable(c *table.Conjunct) bool {
	return d.comparable(c.Col, &c.Value)
}

func (d *data) comparable(col int, v *types.Datum) bool {
	return v.Valid && v.K == d.types[col].Kind && v.K.Class() != types.ClassNone
}

// listed returns the constants of a list, without NULLs, if they are values of its column.
func (d *data) listed(c *table.Conjunct) (values []types.Datum, known bool) {
	for i := range c.Values {
		if !c.Values[i].Valid {
			continue
		}
		if !d.comparable(c.Col, &c.Values[i]) {
			return nil, false
		}
		values = append(values, c.Values[i])
	}
	return values, true
}

func later(a, b []byte) []byte {
	if string(b) > string(a) {
		return b
	}
	return a
}

func earlier(a, b []byte) []byte {
	if string(b) < string(a) {
		return b
	}
	return a
}

// intersect returns what two lists of ranges, each in order, have in common.
func intersect(a, b []keyRange) (out []keyRange) {
	for len(a) > 0 && len(b) > 0 {
		r := keyRange{later(a[0].from, b[0].from), earlier(a[0].to, b[0].to)}
		if string(r.from) < string(r.to) {
			out = append(out, r)
		}
		if string(a[0].to) < string(b[0].to) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}
