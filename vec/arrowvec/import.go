package arrowvec

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Append appends the rows of rec to bb, whose columns must have the types that TypeOf gives for the
// columns of rec, or types of the same class that hold the values. After an error bb is as before.
func Append(bb *vec.BatchBuilder, rec arrow.RecordBatch, cols []types.Type) error {
	if int(rec.NumCols()) != len(cols) {
		return sqlerr.Newf(sqlerr.InternalError, "a record batch of %d columns for %d", rec.NumCols(), len(cols))
	}
	for i, t := range cols {
		if err := appendArray(bb.Col(i), rec.Column(i), t); err != nil {
			bb.Rollback()
			return err
		}
	}
	return bb.Commit()
}

// appendArray appends the values of a.
func appendArray(b *vec.Builder, a arrow.Array, t types.Type) error {
	if done, err := appendSame(b, a, t); done || err != nil {
		return err
	}
	r, err := reader(a, t)
	if err != nil {
		return err
	}
	for i := range a.Len() {
		if a.IsNull(i) {
			err = b.AppendNull()
		} else {
			var d types.Datum
			if d, err = r(i); err == nil {
				d, err = types.Coerce(d, t, false /* explicit */)
			}
			if err == nil {
				err = b.Append(d)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reader returns the function that reads value i of a as t.
func reader(a arrow.Array, t types.Type) (func(i int) (types.Datum, error), error) {
	switch a := a.(type) {
	case *array.Null:
		return func(int) (types.Datum, error) { return types.NullOf(t.Kind), nil }, nil
	case *array.Dictionary:
		values, err := reader(a.Dictionary(), t)
		if err != nil {
			return nil, err
		}
		return func(i int) (types.Datum, error) {
			code := a.GetValueIndex(i)
			if a.Dictionary().IsNull(code) {
				return types.NullOf(t.Kind), nil
			}
			return values(code)
		}, nil
	case array.ExtensionArray:
		return reader(a.Storage(), t)
	}
	if f := numberReader(a, t); f != nil {
		return f, nil
	}
	if f := stringReader(a, t); f != nil {
		return f, nil
	}
	if f := timeReader(a, t); f != nil {
		return f, nil
	}
	return nil, sqlerr.Newf(sqlerr.DatatypeMismatch, "Arrow column of type %s cannot be read as %s", a.DataType(), t)
}

// intReader reads integers as an integer kind, a float or a numeric.
func intReader(t types.Type, value func(i int) int64) func(i int) (types.Datum, error) {
	switch k := t.Kind; k {
	case types.Int2, types.Int4, types.Int8, types.OID:
		return func(i int) (types.Datum, error) {
			v := value(i)
			if !types.IntInRange(k, v) {
				return types.Datum{}, types.OutOfRange(k)
			}
			return types.NewInt(k, v), nil
		}
	case types.Float4, types.Float8:
		return func(i int) (types.Datum, error) { return types.NewFloat(k, float64(value(i))), nil }
	case types.Numeric:
		return func(i int) (types.Datum, error) { return types.NumericFromInt(value(i)), nil }
	}
	return nil
}

func floatReader(t types.Type, from types.Kind, value func(i int) float64) func(i int) (types.Datum, error) {
	switch t.Kind {
	case types.Float8:
		return func(i int) (types.Datum, error) { return types.NewFloat(types.Float8, value(i)), nil }
	case types.Float4:
		return func(i int) (types.Datum, error) {
			f, err := types.FloatToFloat4(value(i))
			return types.NewFloat(types.Float4, f), err
		}
	case types.Numeric:
		return func(i int) (types.Datum, error) { return types.NumericFromFloat(from, value(i)), nil }
	}
	return nil
}

// numberReader reads numbers and booleans; nil for other arrays or types.
func numberReader(a arrow.Array, t types.Type) func(i int) (types.Datum, error) {
	switch a := a.(type) {
	case *array.Boolean:
		if t.Kind == types.Bool {
			return func(i int) (types.Datum, error) { return types.NewBool(a.Value(i)), nil }
		}
	case *array.Int8:
		return intReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Int16:
		return intReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Int32:
		return intReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Int64:
		return intReader(t, a.Value)
	case *array.Uint8:
		return intReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Uint16:
		return intReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Uint32:
		return intReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Uint64:
		return uint64Reader(t, a)
	case *array.Float16:
		return floatReader(t, types.Float4, func(i int) float64 { return float64(a.Value(i).Float32()) })
	case *array.Float32:
		return floatReader(t, types.Float4, func(i int) float64 { return float64(a.Value(i)) })
	case *array.Float64:
		return floatReader(t, types.Float8, a.Value)
	}
	return decimalReader(a, t)
}

func uint64Reader(t types.Type, a *array.Uint64) func(i int) (types.Datum, error) {
	switch t.Kind {
	case types.Numeric:
		return func(i int) (types.Datum, error) { return types.NewInt128(0, a.Value(i), 0), nil }
	case types.Int8:
		return func(i int) (types.Datum, error) {
			v := int64(a.Value(i))
			if v < 0 {
				return types.Datum{}, types.OutOfRange(types.Int8)
			}
			return types.NewInt(types.Int8, v), nil
		}
	}
	return nil
}

func decimalReader(a arrow.Array, t types.Type) func(i int) (types.Datum, error) {
	if t.Kind != types.Numeric {
		return nil
	}
	switch a := a.(type) {
	case *array.Decimal32:
		scale := int(a.DataType().(arrow.DecimalType).GetScale())
		return func(i int) (types.Datum, error) { return decimal(int64(a.Value(i))>>63, uint64(a.Value(i)), scale) }
	case *array.Decimal64:
		scale := int(a.DataType().(arrow.DecimalType).GetScale())
		return func(i int) (types.Datum, error) { return decimal(int64(a.Value(i))>>63, uint64(a.Value(i)), scale) }
	case *array.Decimal128:
		scale := int(a.DataType().(arrow.DecimalType).GetScale())
		return func(i int) (types.Datum, error) {
			x := a.Value(i)
			return decimal(x.HighBits(), x.LowBits(), scale)
		}
	case *array.Decimal256:
		scale := int(a.DataType().(arrow.DecimalType).GetScale())
		return func(i int) (types.Datum, error) {
			if scale >= 0 {
				return types.NewBigNumeric(a.Value(i).BigInt(), scale)
			}
			d, err := types.NewBigNumeric(a.Value(i).BigInt(), 0)
			if err != nil {
				return d, err
			}
			return types.NumericShift(d, -scale)
		}
	}
	return nil
}

// decimal returns (hi, lo) × 10^-scale; Arrow's scales may be negative.
func decimal(hi int64, lo uint64, scale int) (types.Datum, error) {
	if scale < 0 {
		return types.NumericShift(types.NewInt128(hi, lo, 0), -scale)
	}
	return types.NewInt128(hi, lo, scale), nil
}

// stringReader reads strings and bytes; nil for other arrays or types.
func stringReader(a arrow.Array, t types.Type) func(i int) (types.Datum, error) {
	switch a := a.(type) {
	case array.StringLike:
		return textReader(t, a.Value)
	case *array.Binary:
		return bytesReader(t, a.Value)
	case *array.LargeBinary:
		return bytesReader(t, a.Value)
	case *array.BinaryView:
		return bytesReader(t, a.Value)
	case *array.FixedSizeBinary:
		if t.Kind == types.Bytea || t.Kind == types.UUID && a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth == 16 {
			return func(i int) (types.Datum, error) { return types.NewString(t.Kind, string(a.Value(i))), nil }
		}
	}
	return nil
}

func bytesReader(t types.Type, value func(i int) []byte) func(i int) (types.Datum, error) {
	if t.Kind == types.Bytea {
		return func(i int) (types.Datum, error) { return types.NewString(types.Bytea, string(value(i))), nil }
	}
	return textReader(t, func(i int) string { return string(value(i)) })
}

// textReader reads text as a value of any type but bytea.
func textReader(t types.Type, value func(i int) string) func(i int) (types.Datum, error) {
	if t.Kind == types.Bytea {
		return nil
	}
	return func(i int) (types.Datum, error) {
		s := value(i)
		b := unsafe.Slice(unsafe.StringData(s), len(s))
		if err := types.CheckUTF8(b); err != nil {
			return types.Datum{}, err
		}
		switch t.Kind {
		case types.Text, types.Varchar, types.BpChar, types.Name:
			return types.NewString(types.Text, s), nil // borrowed: the builder copies it
		}
		return types.ParseBytes(t, b)
	}
}
