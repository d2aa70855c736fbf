package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// datumAt returns entry i of a vector of any form but InRows. Strings are borrowed from the vector.
func datumAt(v *vec.Vector, i int) types.Datum {
	if v.Form == vec.Const {
		i = 0
	}
	if v.Valid != nil && v.Valid[i>>6]>>(i&63)&1 == 0 {
		return types.NullOf(v.Type.Kind)
	}
	return entryAt(v, i)
}

// entryAt is datumAt for an entry that is not NULL.
func entryAt(v *vec.Vector, i int) types.Datum {
	k := v.Type.Kind
	d := v
	if v.Form == vec.Dict {
		i = int(v.Code(i))
		d = &v.Dictionary.Values
	}
	switch k.Class() {
	case types.ClassInt:
		return types.NewInt(k, d.Int(i))
	case types.ClassString, types.ClassNone:
		b := viewAt(d, i).Bytes(d.Blocks)
		return types.NewString(k, unsafe.String(unsafe.SliceData(b), len(b)))
	case types.ClassNumeric:
		if d.VarNumeric {
			return types.DecodeNumeric(viewAt(d, i).Bytes(d.Blocks))
		}
		if d.Width <= 8 {
			return types.NewDecimal(d.Int(i), int(d.Scale))
		}
	}
	x := d.Datum(i)
	x.K = k
	return x
}

func viewAt(v *vec.Vector, i int) *vec.StrView {
	return (*vec.StrView)(unsafe.Add(v.Data, i*int(unsafe.Sizeof(vec.StrView{}))))
}
