package vec

import (
	"math"
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// Datum returns entry i of v as a value (any form but InRows). Strings are copied.
func (v *Vector) Datum(i int) types.Datum {
	if v.Form == Const {
		i = 0
	}
	if v.IsNull(i) {
		return types.NullOf(v.Type.Kind)
	}
	if v.Form == Dict {
		return v.Dictionary.Values.Datum(int(v.code(i)))
	}
	return v.entry(unsafe.Add(v.Data, i*int(v.Width)), v.Blocks)
}

// RowDatum returns the value of an InRows vector in row id. Strings are copied.
func (v *Vector) RowDatum(id uint32) types.Datum {
	if v.rowNull(id) {
		return types.NullOf(v.Type.Kind)
	}
	return v.entry(unsafe.Add(v.Rows.Row(id), v.Off), v.Rows.Heap)
}

// BatchDatum returns the value of column c in live row i of b.
func (b *Batch) BatchDatum(c, i int) types.Datum {
	v, g := b.Col(c)
	if v.Form == InRows {
		return v.RowDatum(g.RowIDs[i])
	}
	if g.Sel != nil {
		i = int(g.Sel[i])
	}
	return v.Datum(i)
}

func (v *Vector) code(i int) uint32 {
	p := unsafe.Add(v.Data, i*int(v.Width))
	switch v.Width {
	case 1:
		return uint32(*(*uint8)(p))
	case 2:
		return uint32(*(*uint16)(p))
	}
	return *(*uint32)(p)
}

// entry decodes the fixed-width entry at p.
func (v *Vector) entry(p unsafe.Pointer, blocks [][]byte) types.Datum {
	k := v.Type.Kind
	switch k.Class() {
	case types.ClassFloat:
		return types.NewFloat(k, math.Float64frombits(*(*uint64)(p)))
	case types.ClassInterval:
		return types.NewInterval(*(*int32)(unsafe.Add(p, 8)), *(*int32)(unsafe.Add(p, 12)), *(*int64)(p))
	case types.ClassString:
		return types.NewString(k, string((*StrView)(p).Bytes(blocks)))
	case types.ClassNumeric:
		if v.VarNumeric {
			return types.DecodeNumeric((*StrView)(p).Bytes(blocks))
		}
		if v.Width == 16 {
			lo, hi := *(*int64)(p), *(*int64)(unsafe.Add(p, 8))
			return types.NewInt128(hi, uint64(lo), int(v.Scale))
		}
		return types.NewDecimal(v.intAt(p), int(v.Scale))
	}
	return types.NewInt(k, v.intAt(p))
}

func (v *Vector) intAt(p unsafe.Pointer) int64 {
	switch v.Width {
	case 1:
		return v.Base + int64(*(*uint8)(p))
	case 2:
		return v.Base + int64(*(*uint16)(p))
	case 4:
		return v.Base + int64(*(*uint32)(p))
	}
	return *(*int64)(p)
}
