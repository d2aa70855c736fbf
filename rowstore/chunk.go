package rowstore

import (
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// A chunk holds up to chunkRows rows by column. Row numbers are chunk number << chunkShift | row.
const (
	chunkShift = 12
	chunkRows  = 1 << chunkShift
	never      = uint64(1) << 62 // end of a live row
)

type ends = [chunkRows]uint64

// chunk is written by the applier alone. Readers take no lock: what they read was written before the row count, or the
// pointer, that leads them to it was stored.
type chunk struct {
	begin []uint64 // LSNs; never decreasing, so begin visibility is a prefix
	end   atomic.Pointer[ends]
	prev  atomic.Pointer[[chunkRows]uint64] // older version of the same key, or noRow
	dels  atomic.Pointer[delLog]
	cols  []column
	n     int // rows; final for readers once a later chunk exists
	// changed is the LSN of the last insert or deletion.
	changed atomic.Uint64
	dead    int // writer
	maxEnd  uint64
	// replaced has a bit for each row whose key leads to a newer version, of the primary or hidden key; the writer's.
	replaced [chunkRows / 64]uint64
	mem      [][]byte // blocks of the arena to give back
}

// delLog lists a chunk's deletions in LSN order: those that a View sees are a prefix. Arrays are replaced, not
// moved, when they grow.
type delLog struct {
	n   atomic.Uint32
	row []uint16
	lsn []uint64
}

// layout is how a column's entries are kept.
type layout struct {
	typ   types.Type
	width uint8
	base  int64
	scale int16
	str   bool // views: strings, and numerics with a scale each
	num   bool // views of encoded numerics
	read  readAs
}

// readAs is how a single value is read.
type readAs uint8

const (
	readVector readAs = iota // any layout
	readInt64
	readInt32
	readFloat
	readString
)

// numeric64Digits and numeric128Digits are the precisions that always fit 64 and 128 bits.
const (
	numeric64Digits  = 18
	numeric128Digits = 38
)

func layoutOf(t types.Type) layout {
	l := shapeOf(t)
	switch class := t.Class(); {
	case class == types.ClassString:
		l.read = readString
	case class == types.ClassFloat:
		l.read = readFloat
	case class == types.ClassInt && l.width == 8:
		l.read = readInt64
	case class == types.ClassInt && l.width == 4:
		l.read = readInt32
	}
	return l
}

func shapeOf(t types.Type) layout {
	l := layout{typ: t, width: 8}
	switch t.Class() {
	case types.ClassString:
		l.width, l.str = 16, true
	case types.ClassInterval:
		l.width = 16
	case types.ClassNumeric:
		p, s, ok := t.PrecisionScale()
		switch {
		case ok && p <= numeric64Digits && s >= 0:
			l.scale = int16(s)
		case ok && p <= numeric128Digits && s >= 0:
			l.width, l.scale = 16, int16(s)
		default:
			return l.variable()
		}
	case types.ClassInt:
		switch t.Kind {
		case types.Bool:
			l.width = 1
		case types.Int2:
			l.width, l.base = 2, math.MinInt16
		case types.Int4, types.Date:
			l.width, l.base = 4, math.MinInt32
		case types.OID:
			l.width = 4
		}
	}
	return l
}

// variable is the layout of numerics that do not fit a fixed width and scale.
func (l layout) variable() layout {
	l.width, l.scale, l.str, l.num = 16, 0, true, true
	return l
}

// ints reports whether entries are integers of up to 8 bytes, which have bounds.
func (l *layout) ints() bool {
	return !l.str && l.width <= 8 && l.typ.Class() != types.ClassFloat
}

// column is one column of a chunk with the facts that hold for all its rows. Facts are widened before rows are
// published.
type column struct {
	layout
	data   []byte
	nulls  atomic.Pointer[[chunkRows]byte] // 1: NULL; nil: none
	blocks atomic.Pointer[[][]byte]
	block  []byte // open block
	off    int
	lo, hi atomic.Int64 // bounds of ints; lo > hi: no value
	lenMax atomic.Int32
	numNul atomic.Int32
	// unsorted: some value is less than the one before; odd: a NaN or infinity may be there.
	unsorted, odd atomic.Bool
	last          int64 // writer
	any           bool  // writer: a value is there
}

func (c *column) reset() {
	c.lo.Store(math.MaxInt64)
	c.hi.Store(math.MinInt64)
	c.lenMax.Store(0)
	c.numNul.Store(0)
	c.unsorted.Store(false)
	c.odd.Store(false)
	c.any = false
}

// entries views a column's memory as values of its width.
func entries[T any](c *column) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(c.data))), chunkRows)
}

func (c *column) isNull(r int) bool {
	p := c.nulls.Load()
	return p != nil && p[r] != 0
}

// vector returns rows from … from+n-1 as a vector in place, without validity.
func (c *column) vector(from, n int) vec.Vector {
	v := vec.Vector{Type: c.typ, Width: c.width, Base: c.base, Scale: c.scale, N: n, VarNumeric: c.num,
		Data: unsafe.Pointer(&c.data[from*int(c.width)])}
	if c.str {
		v.Form = vec.Str
		if b := c.blocks.Load(); b != nil {
			v.Blocks = *b
		}
	}
	return v
}

// datum returns one value, on memory of its own. The common layouts are read without a vector around them.
func (c *column) datum(r int) types.Datum {
	if c.isNull(r) {
		return types.NullOf(c.typ.Kind)
	}
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(c.data)), r*int(c.width))
	switch c.read {
	case readInt64:
		return types.NewInt(c.typ.Kind, *(*int64)(p))
	case readInt32:
		return types.NewInt(c.typ.Kind, c.base+int64(*(*uint32)(p)))
	case readFloat:
		return types.NewFloat(c.typ.Kind, *(*float64)(p))
	case readString:
		s := (*vec.StrView)(p)
		if s.Len <= vec.InlineMax {
			return types.NewString(c.typ.Kind, string(s.Bytes(nil)))
		}
		return types.NewString(c.typ.Kind, string(s.Bytes(*c.blocks.Load())))
	}
	v := c.vector(r, 1)
	return v.Datum(0)
}

// appendTo appends one value to a vector being built, without a string between the two.
func (c *column) appendTo(b *vec.Builder, r int) error {
	if c.read != readString || c.isNull(r) {
		return b.Append(c.datum(r))
	}
	s := &entries[vec.StrView](c)[r]
	if s.Len <= vec.InlineMax {
		return b.AppendBytes(s.Bytes(nil))
	}
	return b.AppendBytes(s.Bytes(*c.blocks.Load()))
}

// facts adds what holds in this chunk to f; first: f is empty. prevMax is the largest value of the chunks before.
func (c *column) facts(f *vec.Fact, first bool) {
	nul := c.numNul.Load() > 0
	lo, hi := c.lo.Load(), c.hi.Load()
	asc := c.ints() && !nul && !c.unsorted.Load() && (first || f.Ascending && (lo > hi || lo >= f.Max))
	if first {
		*f = vec.Fact{Min: lo, Max: hi, Bounded: c.ints(), NoNulls: !nul, Ascending: asc, LenMax: int(c.lenMax.Load()), Finite: !c.odd.Load()}
		return
	}
	f.Min, f.Max = min(f.Min, lo), max(f.Max, hi)
	f.NoNulls = f.NoNulls && !nul
	f.Ascending = asc
	f.LenMax = max(f.LenMax, int(c.lenMax.Load()))
	f.Finite = f.Finite && !c.odd.Load()
	f.Bounded = f.Bounded && c.ints()
}

// visible returns how many of the first m rows began at or below lsn.
func (c *chunk) visible(m int, lsn uint64) int {
	if m == 0 || c.begin[m-1] <= lsn || invariants.Mutant("rowstore-ignore-begin") {
		return m
	}
	lo, hi := 0, m-1
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if c.begin[mid] <= lsn {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// deleted returns the rows whose deletion lsn sees.
func (c *chunk) deleted(lsn uint64) []uint16 {
	d := c.dels.Load()
	if d == nil || invariants.Mutant("rowstore-ignore-deletions") {
		return nil
	}
	k := int(d.n.Load())
	if k > 0 && d.lsn[k-1] > lsn {
		lo, hi := 0, k-1
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if d.lsn[mid] <= lsn {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		k = lo
	}
	return d.row[:k]
}

// endOf returns the LSN at which row r ended.
func (c *chunk) endOf(r int) uint64 {
	e := c.end.Load()
	if e == nil {
		return never
	}
	return atomic.LoadUint64(&e[r])
}

// liveRows lists the rows among the first n that an LSN sees as not deleted.
func (c *chunk) liveRows(n int, lsn uint64) []uint16 {
	var words [chunkRows / 64]uint64
	for i := range words {
		words[i] = ^uint64(0)
	}
	for _, r := range c.deleted(lsn) {
		if !invariants.Mutant("rowstore-snapshot-deleted") {
			words[r>>6] &^= 1 << (r & 63)
		}
	}
	sel := make([]uint16, 0, n)
	for r := range n {
		if words[r>>6]>>(r&63)&1 != 0 {
			sel = append(sel, uint16(r))
		}
	}
	return sel
}

// vectors returns the first n rows of all columns, in place.
func (c *chunk) vectors(n int) []vec.Vector {
	cols := make([]vec.Vector, len(c.cols))
	for k := range cols {
		cols[k] = c.cols[k].vector(0, n)
		if p := c.cols[k].nulls.Load(); p != nil {
			bits := make([]uint64, chunkRows/64)
			for r, x := range p[:n] {
				bits[r>>6] |= uint64(x^1) << (r & 63)
			}
			cols[k].Valid = bits
		}
	}
	return cols
}
