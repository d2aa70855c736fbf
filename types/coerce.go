package types

import "github.com/laminadb/lamina/sqlerr"

// Coerce applies the modifier of t to a value of t's kind: the length of varchar and char, the
// precision and scale of numeric, the fields and second digits of time types. Text, Varchar,
// BpChar, Name and Unknown values are taken for any of these kinds. An explicit cast cuts strings
// that are too long; an assignment refuses to cut anything but blanks (22001). NULL stays NULL.
func Coerce(d Datum, t Type, explicit bool) (Datum, error) {
	if !d.Valid {
		return NullOf(t.Kind), nil
	}
	switch t.Kind {
	case Varchar, BpChar:
		if isTextKind(d.K) {
			return coerceLength(d, t, explicit)
		}
	case Text, Unknown:
		if isTextKind(d.K) {
			d.K = t.Kind
			return d, nil
		}
	case Name:
		if isTextKind(d.K) {
			return NewString(Name, clipName(d.S)), nil
		}
	case Numeric:
		if d.K == Numeric {
			return coerceNumeric(d, t)
		}
	case Timestamp, TimestampTZ, Time, TimeTZ:
		if d.K == t.Kind {
			return coerceSeconds(d, t)
		}
	case Interval:
		if d.K == Interval {
			return coerceInterval(d, t)
		}
	}
	if d.K == t.Kind {
		return d, nil
	}
	return Datum{}, sqlerr.Newf(sqlerr.CannotCoerce, "cannot cast type %s to %s", d.K, t)
}

func isTextKind(k Kind) bool {
	switch k {
	case Text, Varchar, BpChar, Name, Unknown:
		return true
	}
	return false
}

// CoerceIsIdentity reports whether Coerce never changes or refuses a value of type from.
func CoerceIsIdentity(from, to Type) bool {
	if from.Kind != to.Kind {
		return to.Kind == Text && (from.Kind == Varchar || from.Kind == BpChar) ||
			to.Kind == Varchar && to.Mod < 0 && from.Kind == Text
	}
	if to.Mod < 0 || from.Mod == to.Mod {
		return true
	}
	switch to.Kind {
	case Varchar, BpChar:
		n, okFrom := from.Length()
		m, okTo := to.Length()
		return okFrom && okTo && n <= m
	case Numeric:
		p, s, okFrom := from.PrecisionScale()
		q, r, okTo := to.PrecisionScale()
		return okFrom && okTo && s == r && p <= q
	case Timestamp, TimestampTZ, Time, TimeTZ:
		return from.Mod >= 0 && from.Mod <= to.Mod || to.Mod >= secondsPrecisionMax
	}
	return false
}
