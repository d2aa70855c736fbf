package server

import (
	"encoding/binary"
	"math"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Days and microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's binary dates begin.
const (
	epochDays   = 10957
	epochMicros = epochDays * 86400 * 1_000_000
)

// uuidSize is the bytes of a UUID.
const uuidSize = 16

// checkFormat reports whether a result column can be sent in a format.
func checkFormat(format int16) error {
	switch {
	case format == 0:
		return nil
	case format != 1:
		return sqlerr.Newf(sqlerr.ProtocolViolation, "unsupported format code: %d", format)
	}
	return nil
}

// appendBinary appends a value in PostgreSQL's binary format.
func appendBinary(dst []byte, d types.Datum, t types.Type) ([]byte, error) {
	switch t.Kind {
	case types.Bool:
		return append(dst, byte(d.I)), nil
	case types.Int2:
		return binary.BigEndian.AppendUint16(dst, uint16(d.I)), nil
	case types.Int4, types.OID:
		return binary.BigEndian.AppendUint32(dst, uint32(d.I)), nil
	case types.Int8, types.Time:
		return binary.BigEndian.AppendUint64(dst, uint64(d.I)), nil
	case types.TimeTZ:
		micros, offset := d.TimeTZParts()
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, uint64(micros)), uint32(-offset)), nil
	case types.Float4:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(d.Float()))), nil
	case types.Float8:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(d.Float())), nil
	case types.Date:
		v := d.I
		if v != math.MinInt32 && v != math.MaxInt32 {
			v -= epochDays
		}
		return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
	case types.Timestamp, types.TimestampTZ:
		v := d.I
		if v != math.MinInt64 && v != math.MaxInt64 {
			v -= epochMicros
		}
		return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
	case types.Numeric:
		return appendNumericBinary(dst, d), nil
	case types.Interval:
		return appendIntervalBinary(dst, d), nil
	case types.BpChar:
		return types.AppendText(dst, d, t, nil), nil
	}
	if t.Class() == types.ClassString || t.Kind == types.Unknown {
		return append(dst, d.S...), nil
	}
	return dst, sqlerr.Unsupported("binary output of type " + t.String())
}

// timeTZSize is the bytes of a time with time zone: microseconds, and seconds west of UTC.
const timeTZSize = 12

func parseTimeTZBinary(micros int64, offset int, t types.Type) (types.Datum, error) {
	if micros < 0 || micros > 86400*1_000_000 {
		return types.Datum{}, types.ErrTimeRange
	}
	const offsetMax = 15*3600 + 59*60 + 59
	if offset < -offsetMax || offset > offsetMax {
		return types.Datum{}, sqlerr.New(sqlerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range")
	}
	return types.Coerce(types.NewTimeTZ(micros, offset), t, false)
}

var errBinaryShort = sqlerr.New(sqlerr.ProtocolViolation, "insufficient data left in message")

var errBinaryFormat = sqlerr.New(sqlerr.InvalidBinaryRepresentation, "incorrect binary data format in bind parameter")

// parseBinary reads a value in PostgreSQL's binary format.
func parseBinary(b []byte, t types.Type) (types.Datum, error) {
	var v int64
	size := map[types.Kind]int{types.Bool: 1, types.Int2: 2, types.Int4: 4, types.OID: 4, types.Date: 4, types.Float4: 4,
		types.Int8: 8, types.Float8: 8, types.Timestamp: 8, types.TimestampTZ: 8, types.Time: 8, types.TimeTZ: timeTZSize, types.UUID: uuidSize}[t.Kind]
	if size != 0 && len(b) < size {
		return types.Datum{}, errBinaryShort
	}
	if size != 0 && len(b) > size {
		return types.Datum{}, errBinaryFormat
	}
	switch size {
	case 1:
		v = int64(b[0])
	case 2:
		v = int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		v = int64(int32(binary.BigEndian.Uint32(b)))
	case 8, timeTZSize:
		v = int64(binary.BigEndian.Uint64(b))
	}
	switch t.Kind {
	case types.Bool:
		return types.NewBool(v != 0), nil
	case types.OID:
		return types.NewInt(t.Kind, int64(uint32(v))), nil
	case types.Int2, types.Int4, types.Int8:
		return types.NewInt(t.Kind, v), nil
	case types.Time:
		if v < 0 || v > 86400*1_000_000 {
			return types.Datum{}, types.ErrTimeRange
		}
		return types.Coerce(types.NewInt(t.Kind, v), t, false)
	case types.TimeTZ:
		return parseTimeTZBinary(v, -int(int32(binary.BigEndian.Uint32(b[8:]))), t)
	case types.Numeric:
		return parseNumericBinary(b, t)
	case types.Interval:
		return parseIntervalBinary(b, t)
	case types.Float4:
		return types.NewFloat(t.Kind, float64(math.Float32frombits(uint32(v)))), nil
	case types.Float8:
		return types.NewFloat(t.Kind, math.Float64frombits(uint64(v))), nil
	case types.Date:
		if v != math.MinInt32 && v != math.MaxInt32 {
			v += epochDays
		}
		return types.CheckDate(v)
	case types.Timestamp, types.TimestampTZ:
		if v != math.MinInt64 && v != math.MaxInt64 {
			if v > math.MaxInt64-epochMicros {
				return types.Datum{}, types.ErrTimestampRange
			}
			v += epochMicros
		}
		d, err := types.CheckTimestamp(t.Kind, v)
		if err != nil {
			return d, err
		}
		return types.Coerce(d, t, false)
	case types.Bytea, types.UUID:
		return types.NewString(t.Kind, string(b)), nil
	}
	if t.Class() == types.ClassString || t.Kind == types.Unknown {
		if err := types.CheckUTF8(b); err != nil {
			return types.Datum{}, err
		}
		return types.Parse(t, string(b))
	}
	return types.Datum{}, sqlerr.Unsupported("binary input of type " + t.String())
}
