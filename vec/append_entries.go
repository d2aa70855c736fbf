package vec

import (
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Entry names entry At of the vectors number From of a list.
type Entry struct {
	From uint32
	At   uint16
}

// AppendEntries appends rows that are taken out of several sets of columns: each of them has the columns of bb, none in
// rows. After an error the builder is as before.
func (bb *BatchBuilder) AppendEntries(from [][]Vector, entries []Entry) error {
	for _, cols := range from {
		if len(cols) != len(bb.cols) {
			return sqlerr.Newf(sqlerr.InternalError, "entries of %d columns for a batch of %d", len(cols), len(bb.cols))
		}
	}
	vs := make([]*Vector, len(from))
	for i, c := range bb.cols {
		for k := range from {
			vs[k] = &from[k][i]
		}
		if err := c.appendEntries(vs, entries); err != nil {
			bb.truncate()
			return err
		}
	}
	bb.n += len(entries)
	return nil
}

// appendEntries appends entries of several vectors.
func (b *Builder) appendEntries(from []*Vector, entries []Entry) error {
	if err := b.Reserve(len(entries)); err != nil || len(entries) == 0 {
		return err
	}
	same, integers, nulls := true, true, b.hasNull
	for _, v := range from {
		same = same && v.Form == Flat && b.sameLayout(v)
		integers = integers && b.takesIntegers(v)
		nulls = nulls || v.Valid != nil
	}
	switch {
	case b.class == types.ClassString:
		return b.entriesOfStrings(from, entries)
	case same:
		b.gatherEntries(from, entries)
	case integers:
		b.integerEntries(from, entries)
	default:
		return b.entriesOneByOne(from, entries)
	}
	if !nulls {
		return nil
	}
	return b.validEntries(from, entries)
}

// takesIntegers reports whether the entries of v are integers that b holds in 8 bytes, of whatever width in v.
func (b *Builder) takesIntegers(v *Vector) bool {
	if v.Form != Flat || b.width != 8 || v.Width > 8 || v.VarNumeric || b.varNumeric || v.Type.Class() != b.class {
		return false
	}
	return b.class == types.ClassInt || b.class == types.ClassNumeric && b.scaleKnown && v.Scale == b.scale
}

func (b *Builder) entriesOneByOne(from []*Vector, entries []Entry) error {
	for _, e := range entries {
		if err := b.Append(from[e.From].Datum(int(e.At))); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) entriesOfStrings(from []*Vector, entries []Entry) error {
	for _, e := range entries {
		v, err := from[e.From], error(nil)
		if v.IsNull(int(e.At)) {
			err = b.AppendNull()
		} else {
			err = b.AppendBytes(v.Bytes(int(e.At)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// validEntries sets the validity of the last entries of b, which were taken from vectors.
func (b *Builder) validEntries(from []*Vector, entries []Entry) error {
	if err := b.openValid(len(entries)); err != nil {
		return err
	}
	first := b.n - len(entries)
	for i, e := range entries {
		b.setValid(first+i, !from[e.From].IsNull(int(e.At)))
	}
	return nil
}

// integerEntries copies integers of any width, counted from a base or not, to the 8 bytes that b has room for.
func (b *Builder) integerEntries(from []*Vector, entries []Entry) {
	dst := unsafe.Slice((*int64)(unsafe.Add(b.data.data(), b.n*b.width)), len(entries))
	b.n += len(entries)
	for i, e := range entries {
		v := from[e.From]
		dst[i] = v.intAt(unsafe.Add(v.Data, int(e.At)*int(v.Width)))
	}
}

// gatherEntries copies entries of vectors of the same layout as b, which has room for them.
func (b *Builder) gatherEntries(from []*Vector, entries []Entry) {
	dst := unsafe.Add(b.data.data(), b.n*b.width)
	b.n += len(entries)
	switch b.width {
	case 1:
		gatherEntries[uint8](dst, from, entries)
	case 2:
		gatherEntries[uint16](dst, from, entries)
	case 4:
		gatherEntries[uint32](dst, from, entries)
	case 8:
		gatherEntries[uint64](dst, from, entries)
	default:
		gatherEntries[[2]uint64](dst, from, entries)
	}
}

func gatherEntries[T any](dst unsafe.Pointer, from []*Vector, entries []Entry) {
	d := unsafe.Slice((*T)(dst), len(entries))
	for i, e := range entries {
		d[i] = *(*T)(unsafe.Add(from[e.From].Data, uintptr(e.At)*unsafe.Sizeof(d[0])))
	}
}
