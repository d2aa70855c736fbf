package types

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// TextOptions are the session's settings that the text of a value depends on. The zero value is
// PostgreSQL's default output with time zone UTC.
type TextOptions struct {
	// Location is the time zone in which timestamptz values are shown; nil means UTC.
	Location *time.Location
	// ByteaEscape shows bytea values in the escape format instead of hex.
	ByteaEscape bool
	// DateStyle and DateOrder are the form of dates and timestamps; ISO ignores the order.
	DateStyle DateStyle
	DateOrder DateOrder
	// IntervalStyle is the form of intervals.
	IntervalStyle IntervalStyle
	// FloatDigitsLess is 1 minus extra_float_digits: 0 shows the shortest text that reads back as the float.
	FloatDigitsLess int
	// Reg returns the name that a value of a kind such as regclass is shown as, "" if there is no such object, which is
	// shown as its number; nil: all are.
	Reg func(k Kind, oid uint32) string
}

var defaultTextOptions TextOptions

// AppendText appends the text form of the non-NULL value d of type t, as PostgreSQL prints it; nil
// options are the defaults. It appends nothing for NULL.
func AppendText(dst []byte, d Datum, t Type, opts *TextOptions) []byte {
	if !d.Valid {
		return dst
	}
	if opts == nil {
		opts = &defaultTextOptions
	}
	switch t.Kind {
	case Bool:
		if d.I != 0 {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case Int2, Int4, Int8, OID:
		return strconv.AppendInt(dst, d.I, 10)
	case Float4:
		return appendFloat(dst, d.Float(), 32, 1-opts.FloatDigitsLess)
	case Float8:
		return appendFloat(dst, d.Float(), 64, 1-opts.FloatDigitsLess)
	case Numeric:
		return appendNumeric(dst, d)
	case Text, Varchar, Name, Unknown:
		return append(dst, d.S...)
	case BpChar:
		return appendBpChar(dst, d.S, t)
	}
	return appendOther(dst, d, t, opts)
}

func appendOther(dst []byte, d Datum, t Type, opts *TextOptions) []byte {
	switch t.Kind {
	case Bytea:
		return appendBytea(dst, d.S, opts)
	case Date:
		if opts.DateStyle != DateISO {
			return appendDateStyled(dst, d.I, opts)
		}
		return appendDate(dst, d.I)
	case Timestamp:
		if opts.DateStyle != DateISO {
			return appendTimestampStyled(dst, d.I, false /* zoned */, opts)
		}
		return appendTimestamp(dst, d.I)
	case TimestampTZ:
		if opts.DateStyle != DateISO {
			return appendTimestampStyled(dst, d.I, true /* zoned */, opts)
		}
		return appendTimestampTZ(dst, d.I, opts.Location)
	case Interval:
		return appendIntervalStyled(dst, d, opts.IntervalStyle)
	case Time:
		return appendTime(dst, d.I)
	case TimeTZ:
		micros, offset := d.TimeTZParts()
		return appendOffset(appendTime(dst, micros), offset)
	case Char:
		return appendChar(dst, d.S)
	case UUID:
		return appendUUID(dst, d.S)
	case Regclass, Regtype, Regproc, Regnamespace, Regrole:
		return appendReg(dst, d, t.Kind, opts)
	}
	return append(dst, d.S...)
}

// appendReg appends the name of the object that an OID stands for; 0 is shown as a dash.
func appendReg(dst []byte, d Datum, k Kind, opts *TextOptions) []byte {
	if d.I == 0 {
		return append(dst, '-')
	}
	if opts.Reg != nil {
		if name := opts.Reg(k, uint32(d.I)); name != "" {
			return append(dst, name...)
		}
	}
	return strconv.AppendInt(dst, d.I, 10)
}

// Text returns the text form of d under the default options; "" for NULL.
func (t Type) Text(d Datum) string { return string(AppendText(nil, d, t, nil)) }

// appendBpChar pads s to the length of the type.
func appendBpChar(dst []byte, s string, t Type) []byte {
	dst = append(dst, s...)
	if n, ok := t.Length(); ok {
		for i := utf8.RuneCountInString(s); i < n; i++ {
			dst = append(dst, ' ')
		}
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func appendBytea(dst []byte, s string, opts *TextOptions) []byte {
	if !opts.ByteaEscape {
		dst = append(dst, '\\', 'x')
		for i := range len(s) {
			dst = append(dst, hexDigits[s[i]>>4], hexDigits[s[i]&15])
		}
		return dst
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c < 0x20 || c > 0x7e:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendChar shows a "char" above ASCII as a backslash and octal digits.
func appendChar(dst []byte, s string) []byte {
	if s == "" {
		return dst
	}
	c := s[0]
	if c < 0x80 {
		return append(dst, c)
	}
	return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}

func appendUUID(dst []byte, s string) []byte {
	for i := range len(s) {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[s[i]>>4], hexDigits[s[i]&15])
	}
	return dst
}
