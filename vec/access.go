package vec

import (
	"math"
	"unsafe"
)

// slot resolves entry i of a vector (any form but InRows) to the vector that holds its value, and
// the index there.
func (v *Vector) slot(i int) (*Vector, int) {
	switch v.Form {
	case Const:
		return v, 0
	case Dict:
		return &v.Dictionary.Values, int(v.code(i))
	}
	return v, i
}

// Int returns entry i of a ClassInt vector, or the coefficient of a numeric one of at most 8 bytes;
// any form but InRows. The entry must not be NULL.
func (v *Vector) Int(i int) int64 {
	v, i = v.slot(i)
	return v.intAt(unsafe.Add(v.Data, i*int(v.Width)))
}

// Float returns entry i of a ClassFloat vector of any form but InRows. The entry must not be NULL.
func (v *Vector) Float(i int) float64 {
	v, i = v.slot(i)
	return math.Float64frombits(*(*uint64)(unsafe.Add(v.Data, i*8)))
}

// Bytes returns entry i of a vector of strings or encoded numerics, of any form but InRows,
// borrowed from the vector. The entry must not be NULL.
func (v *Vector) Bytes(i int) []byte {
	v, i = v.slot(i)
	return (*StrView)(unsafe.Add(v.Data, i*int(unsafe.Sizeof(StrView{})))).Bytes(v.Blocks)
}

// Code returns the code of entry i of a Dict vector.
func (v *Vector) Code(i int) uint32 { return v.code(i) }

// Pos returns the position in g's columns of live row i.
func (g *Group) Pos(i int) int {
	if g.Sel != nil {
		return int(g.Sel[i])
	}
	return i
}
