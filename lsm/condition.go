package lsm

import (
	"bytes"
	"math"
	"slices"
	"sort"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// condition is a conjunct prepared for the stored values of its column. It is immutable.
type condition struct {
	col   int
	kind  types.Kind
	class types.Class
	op    table.Op
	never bool // it is true of no row
	// Of integers: those from lo to hi, or not lo (OpNe), or one of ints, which are sorted.
	lo, hi int64
	ints   []int64
	filter *table.Filter
	text   []byte
	value  types.Datum
	values []types.Datum // sorted
}

// condition prepares a conjunct, and says how far it leaves rows out. None: it does not.
func (d *data) condition(c *table.Conjunct) (condition, table.Pushdown) {
	if c.Col < 0 || c.Col >= len(d.types) {
		return condition{}, table.None
	}
	x := condition{col: c.Col, kind: d.types[c.Col].Kind, op: c.Op}
	x.class = x.kind.Class()
	switch c.Op {
	case table.OpIsNull, table.OpIsNotNull:
		return x, table.Exact
	case table.OpFilter:
		if c.Filter == nil || x.class != types.ClassInt {
			return x, table.None
		}
		x.filter = c.Filter
		if c.Filter.Exact {
			return x, table.Exact
		}
		return x, table.Inexact
	case table.OpIn:
		return x.in(d.listed(c))
	}
	switch {
	case !c.Value.Valid:
		x.never = true
	case !d.usable(c), c.Op == table.OpPrefix && x.class != types.ClassString:
		return x, table.None
	default:
		x.compare(c.Op, c.Value)
	}
	return x, table.Exact
}

func (x condition) in(values []types.Datum, known bool) (condition, table.Pushdown) {
	if !known {
		return x, table.None
	}
	x.never = len(values) == 0
	if x.class == types.ClassInt {
		for i := range values {
			x.ints = append(x.ints, values[i].I)
		}
		slices.Sort(x.ints)
		return x, table.Exact
	}
	x.values = slices.Clone(values)
	slices.SortFunc(x.values, types.Compare)
	return x, table.Exact
}

func (x *condition) compare(op table.Op, v types.Datum) {
	x.value, x.text = v, unsafe.Slice(unsafe.StringData(v.S), len(v.S))
	x.lo, x.hi = math.MinInt64, math.MaxInt64
	switch op {
	case table.OpEq, table.OpNe:
		x.lo, x.hi = v.I, v.I
	case table.OpLe:
		x.hi = v.I
	case table.OpGe:
		x.lo = v.I
	case table.OpLt:
		x.hi = v.I - 1
		x.never = x.class == types.ClassInt && v.I == math.MinInt64
	case table.OpGt:
		x.lo = v.I + 1
		x.never = x.class == types.ClassInt && v.I == math.MaxInt64
	}
}

// holds reports whether the column of a row meets the condition.
func (x *condition) holds(r *rowReader) (bool, error) {
	if x.never {
		return false, nil
	}
	if err := r.seek(x.col); err != nil {
		return false, err
	}
	null := r.null(x.col)
	switch {
	case x.op == table.OpIsNull:
		return null, nil
	case null:
		return false, nil
	case x.op == table.OpIsNotNull:
		return true, nil
	}
	b := r.row[r.at:]
	switch x.class {
	case types.ClassInt:
		v, n := varint(b)
		if n <= 0 {
			return false, errRow
		}
		return x.holdsInt(v), nil
	case types.ClassString:
		text, n := bytesValue(b)
		if n < 0 {
			return false, errRow
		}
		return x.holdsText(text), nil
	}
	d := types.Datum{K: x.kind, Valid: true}
	if readValue(&d, x.class, b, true) < 0 {
		return false, errRow
	}
	if x.op == table.OpIn {
		return x.among(d), nil
	}
	return x.op.Holds(types.Compare(d, x.value)), nil
}

func (x *condition) holdsInt(v int64) bool {
	switch x.op {
	case table.OpNe:
		return v != x.lo
	case table.OpIn:
		_, found := slices.BinarySearch(x.ints, v)
		return found
	case table.OpFilter:
		return hasKey(x.filter, v)
	}
	if invariants.Mutant("lsm-condition-without-end") {
		return v >= x.lo && v < x.hi
	}
	return v >= x.lo && v <= x.hi
}

// hasKey reports whether a filter has a key, or, if it is not exact, may have it.
func hasKey(f *table.Filter, v int64) bool {
	if v < f.Min || v > f.Max {
		return false
	}
	at := uint64(v) - uint64(f.Min)
	if !f.Exact {
		at = table.Hash64(v) >> f.Shift
	}
	return at>>6 < uint64(len(f.Bits)) && f.Bits[at>>6]>>(at&63)&1 != 0
}

func (x *condition) holdsText(text []byte) bool {
	switch x.op {
	case table.OpEq:
		return string(text) == string(x.text)
	case table.OpNe:
		return string(text) != string(x.text)
	case table.OpPrefix:
		return bytes.HasPrefix(text, x.text)
	case table.OpIn:
		return x.among(types.Datum{K: x.kind, Valid: true, S: unsafe.String(unsafe.SliceData(text), len(text))})
	}
	return x.op.Holds(bytes.Compare(text, x.text))
}

// among reports whether a value is one of the list.
func (x *condition) among(d types.Datum) bool {
	_, found := sort.Find(len(x.values), func(i int) int { return types.Compare(d, x.values[i]) })
	return found
}
