package arrowvec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// appendSame appends arrays whose values are those of t as they are: most columns in practice. It
// reports false, having appended nothing, for all other arrays.
func appendSame(b *vec.Builder, a arrow.Array, t types.Type) (bool, error) {
	switch a := a.(type) {
	case *array.Int16:
		if t.Kind == types.Int2 {
			return true, appendInts(b, a, a.Int16Values())
		}
	case *array.Int32:
		if t.Kind == types.Int4 {
			return true, appendInts(b, a, a.Int32Values())
		}
	case *array.Int64:
		if t.Kind == types.Int8 {
			return true, appendInts(b, a, a.Int64Values())
		}
	case *array.Float64:
		if t.Kind == types.Float8 {
			return true, appendFloats(b, a)
		}
	}
	return false, nil
}

func appendInts[T int16 | int32 | int64](b *vec.Builder, a arrow.Array, values []T) error {
	if err := b.Reserve(len(values)); err != nil {
		return err
	}
	nulls := a.NullN() > 0
	for i, v := range values {
		var err error
		if nulls && a.IsNull(i) {
			err = b.AppendNull()
		} else {
			err = b.AppendInt(int64(v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func appendFloats(b *vec.Builder, a *array.Float64) error {
	nulls := a.NullN() > 0
	for i, v := range a.Float64Values() {
		var err error
		if nulls && a.IsNull(i) {
			err = b.AppendNull()
		} else {
			err = b.AppendFloat(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
