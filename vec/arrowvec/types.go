package arrowvec

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Column names and types one column.
type Column struct {
	Name string
	Type types.Type
	// NotNull is set when the column never holds NULL.
	NotNull bool
}

var fixedTypes = map[types.Kind]arrow.DataType{
	types.Bool:        arrow.FixedWidthTypes.Boolean,
	types.Int2:        arrow.PrimitiveTypes.Int16,
	types.Int4:        arrow.PrimitiveTypes.Int32,
	types.Int8:        arrow.PrimitiveTypes.Int64,
	types.OID:         arrow.PrimitiveTypes.Uint32,
	types.Float4:      arrow.PrimitiveTypes.Float32,
	types.Float8:      arrow.PrimitiveTypes.Float64,
	types.Text:        arrow.BinaryTypes.String,
	types.Varchar:     arrow.BinaryTypes.String,
	types.BpChar:      arrow.BinaryTypes.String,
	types.Name:        arrow.BinaryTypes.String,
	types.Char:        arrow.BinaryTypes.String,
	types.Unknown:     arrow.BinaryTypes.String,
	types.Bytea:       arrow.BinaryTypes.Binary,
	types.UUID:        &arrow.FixedSizeBinaryType{ByteWidth: 16},
	types.Date:        arrow.FixedWidthTypes.Date32,
	types.Time:        arrow.FixedWidthTypes.Time64us,
	types.TimeTZ:      arrow.BinaryTypes.String, // Arrow has no times with zones
	types.Timestamp:   &arrow.TimestampType{Unit: arrow.Microsecond},
	types.TimestampTZ: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
	types.Interval:    arrow.FixedWidthTypes.MonthDayNanoInterval,
}

// DataType returns the Arrow type of a SQL type; 0A000 for types that have no values.
func DataType(t types.Type) (arrow.DataType, error) {
	if t.Kind == types.Numeric {
		if p, s, ok := decimalType(t); ok {
			return &arrow.Decimal128Type{Precision: p, Scale: s}, nil
		}
		return arrow.BinaryTypes.String, nil
	}
	if dt, ok := fixedTypes[t.Kind]; ok {
		return dt, nil
	}
	return nil, sqlerr.Unsupported("a column of type " + t.String() + " in Arrow")
}

// decimalType returns the precision and scale of a numeric type that decimal128 holds.
func decimalType(t types.Type) (p, s int32, ok bool) {
	precision, scale, ok := t.PrecisionScale()
	const decimal128DigitsMax = 38
	return int32(precision), int32(scale), ok && precision <= decimal128DigitsMax && scale >= 0 && scale <= precision
}

// Schema returns the Arrow schema of columns.
func Schema(cols []Column) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		dt, err := DataType(c.Type)
		if err != nil {
			return nil, err
		}
		fields[i] = arrow.Field{Name: c.Name, Type: dt, Nullable: !c.NotNull}
	}
	return arrow.NewSchema(fields, nil), nil
}

// TypeOf returns the SQL type that holds the values of an Arrow type; 0A000 if there is none.
func TypeOf(dt arrow.DataType) (types.Type, error) {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return TypeOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return types.Type{}, sqlerr.Unsupported("the Arrow type " + dt.String())
	case arrow.ExtensionType:
		return TypeOf(t.StorageType())
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return types.T(types.TimestampTZ), nil
		}
		return types.T(types.Timestamp), nil
	case arrow.DecimalType:
		if p, s := t.GetPrecision(), t.GetScale(); s >= 0 && s <= p {
			return types.NumericPS(int(p), int(s)), nil
		}
		return types.T(types.Numeric), nil
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth == 16 {
			return types.T(types.UUID), nil
		}
		return types.T(types.Bytea), nil
	}
	if k, ok := kindOfID[dt.ID()]; ok {
		return types.T(k), nil
	}
	return types.Type{}, sqlerr.Unsupported("the Arrow type " + dt.String())
}

var kindOfID = map[arrow.Type]types.Kind{
	arrow.NULL: types.Text, arrow.BOOL: types.Bool,
	arrow.INT8: types.Int2, arrow.INT16: types.Int2, arrow.INT32: types.Int4, arrow.INT64: types.Int8,
	arrow.UINT8: types.Int2, arrow.UINT16: types.Int4, arrow.UINT32: types.Int8, arrow.UINT64: types.Numeric,
	arrow.FLOAT16: types.Float4, arrow.FLOAT32: types.Float4, arrow.FLOAT64: types.Float8,
	arrow.STRING: types.Text, arrow.LARGE_STRING: types.Text, arrow.STRING_VIEW: types.Text,
	arrow.BINARY: types.Bytea, arrow.LARGE_BINARY: types.Bytea, arrow.BINARY_VIEW: types.Bytea,
	arrow.DATE32: types.Date, arrow.DATE64: types.Date, arrow.TIME32: types.Time, arrow.TIME64: types.Time,
	arrow.INTERVAL_MONTHS: types.Interval, arrow.INTERVAL_DAY_TIME: types.Interval,
	arrow.INTERVAL_MONTH_DAY_NANO: types.Interval, arrow.DURATION: types.Interval,
}
