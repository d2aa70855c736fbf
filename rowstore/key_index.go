package rowstore

import (
	"unsafe"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// keyIndex finds the newest row version of each value of a key.
type keyIndex struct {
	cols   []int
	layout *rowLayout
	// fixed is the length of every key if that is at most 8 bytes, else 0.
	fixed int
	tree  *tree
}

func newKeyIndex(l *rowLayout, cols []int, c *clock, a *arena) *keyIndex {
	ts := make([]types.Type, len(cols))
	for i, col := range cols {
		ts[i] = l.cols[col].typ
	}
	k := &keyIndex{cols: cols, layout: l}
	if n := index.FixedBytes(ts); n <= 8 {
		k.fixed = n
	}
	k.tree = newTree(k.fixed != 0, c, a)
	return k
}

// probe prepares an encoded key for look-up; ok is false if no row can have it.
func (k *keyIndex) probe(key []byte) (p probe, ok bool) {
	if k.fixed != 0 && len(key) != k.fixed {
		return p, false
	}
	return probeOf(key), true
}

// rowProbe encodes the key of a row into buf; ok is false if it has a NULL. The buffer is returned for the next call.
func (k *keyIndex) rowProbe(buf []byte, c *chunk, row int) (p probe, out []byte, ok bool) {
	if k.fixed != 0 {
		p.word, ok = k.word(c, row)
		return p, buf, ok
	}
	if buf, ok = k.appendKey(buf[:0], c, row); !ok {
		return p, buf, false
	}
	return probeOf(buf), buf, true
}

// word encodes a key of fixed length.
func (k *keyIndex) word(c *chunk, row int) (w uint64, ok bool) {
	for _, col := range k.cols {
		l := &k.layout.cols[col]
		if c.isNull(col, row) {
			return 0, false
		}
		if l.class == types.ClassFloat {
			f := *(*float64)(c.entry(l, col, row))
			w = uint64(floatOrder(f)) ^ 1<<63
			if f != f {
				w = ^uint64(0)
			}
			continue
		}
		x := uint64(c.intAt(l, col, row))
		switch l.width {
		case 1:
			w = w<<8 | x&0xff
		case 2:
			w = w<<16 | x&0xffff ^ 1<<15
		case 4:
			x &= 0xffffffff
			if l.typ.Kind != types.OID {
				x ^= 1 << 31
			}
			w = w<<32 | x
		default:
			w = x ^ 1<<63
		}
	}
	return w << (64 - 8*k.fixed), true
}

// appendKey appends a row's encoded key; ok is false if it has a NULL.
func (k *keyIndex) appendKey(dst []byte, c *chunk, row int) (key []byte, ok bool) {
	for i, col := range k.cols {
		if c.isNull(col, row) {
			return dst, false
		}
		dst = index.AppendDatum(dst, k.borrow(c, col, row), i == len(k.cols)-1)
	}
	return dst, true
}

// borrow returns a value whose string is the chunk's own.
func (k *keyIndex) borrow(c *chunk, col, row int) types.Datum {
	l := &k.layout.cols[col]
	if l.class != types.ClassString {
		return c.datum(l, col, row)
	}
	b := (*vec.StrView)(c.entry(l, col, row)).Bytes(c.blockList())
	return types.NewString(l.typ.Kind, unsafe.String(unsafe.SliceData(b), len(b)))
}

// sameKey reports whether two keys of a table have the same columns, so that one index serves both.
func sameKey(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// primaryColumns returns the columns of the key that identifies rows: the primary key or the hidden key.
func primaryColumns(def *table.TableDef) []int {
	if pk := def.PrimaryKey(); pk != nil {
		return pk
	}
	return []int{len(def.Columns)}
}
