package types

import (
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
)

// DateOrder says how an all-numeric date such as 01/02/03 is read.
type DateOrder uint8

// The orders.
const (
	MDY DateOrder = iota
	DMY
	YMD
)

// ParseOptions are the session's settings that the text of a value depends on. The zero value reads
// local times as UTC and month before day.
type ParseOptions struct {
	// Location is the time zone of timestamptz values written without one; nil means UTC.
	Location *time.Location
	// Now is what 'now', 'today', 'yesterday' and 'tomorrow' are relative to: the start of the
	// transaction. While it is zero these words fail with 0A000, since nothing below the session
	// knows the time.
	Now time.Time
	// Order is the order of the fields of an all-numeric date.
	Order DateOrder
	// IntervalStyle says how a sign before the first field of an interval is read: in the SQL
	// standard's style it holds for all fields.
	IntervalStyle IntervalStyle
	// NoAbbreviations refuses the abbreviations of zones but those of UTC: what they mean depends on Location.
	NoAbbreviations bool
	// Reg reads a value of a kind such as regclass, which text gives as a name or number; nil: only as a number.
	Reg func(k Kind, text string) (Datum, error)
}

var defaultParseOptions ParseOptions

func (o *ParseOptions) location() *time.Location {
	if o.Location == nil {
		return time.UTC
	}
	return o.Location
}

// Parse reads the text form of a value of type t, with PostgreSQL's input rules and errors, and
// applies the modifier of t as an assignment does (see Coerce).
func Parse(t Type, s string) (Datum, error) { return ParseWith(t, s, nil) }

// ParseBytes is Parse for text in a buffer that the caller will reuse. It copies b only for the
// values that are strings themselves.
func ParseBytes(t Type, b []byte) (Datum, error) { return ParseBytesWith(t, b, nil) }

// ParseWith is Parse under a session's settings; nil means the defaults.
func ParseWith(t Type, s string, o *ParseOptions) (Datum, error) {
	switch t.Kind {
	case Text, Unknown:
		return Datum{K: t.Kind, Valid: true, S: s}, nil
	case Varchar, BpChar:
		return coerceLength(Datum{K: t.Kind, Valid: true, S: s}, t, false /* explicit */)
	case Name:
		return NewString(Name, clipName(s)), nil
	}
	return parseBytes(t, unsafe.Slice(unsafe.StringData(s), len(s)), o)
}

// ParseBytesWith is ParseBytes under a session's settings; nil means the defaults.
func ParseBytesWith(t Type, b []byte, o *ParseOptions) (Datum, error) {
	switch t.Kind {
	case Text, Unknown, Varchar, BpChar, Name:
		return ParseWith(t, string(b), o)
	}
	return parseBytes(t, b, o)
}

// parseBytes reads kinds whose values share no memory with b.
func parseBytes(t Type, b []byte, o *ParseOptions) (Datum, error) {
	if o == nil {
		o = &defaultParseOptions
	}
	switch k := t.Kind; k {
	case Bool:
		return parseBool(b)
	case Int2, Int4, Int8:
		v, err := parseInt(k, b)
		return NewInt(k, v), err
	case OID, Regclass, Regtype, Regproc, Regnamespace, Regrole:
		if k.IsReg() && string(b) == "-" {
			return NewInt(k, 0), nil
		}
		if k.IsReg() && o.Reg != nil {
			return o.Reg(k, string(trimSpace(b)))
		}
		v, err := parseOID(b)
		return NewInt(k, v), err
	case Float4, Float8:
		return parseFloat(k, b)
	case Numeric:
		d, err := parseNumeric(b)
		if err != nil || t.Mod < 0 {
			return d, err
		}
		return coerceNumeric(d, t)
	case Bytea:
		return parseBytea(b)
	case Date:
		return parseDate(b, o)
	case Timestamp, TimestampTZ:
		return parseTimestamp(t, b, o)
	case Time:
		return parseTime(t, b, o)
	case TimeTZ:
		return parseTimeTZ(t, b, o)
	case Interval:
		return parseIntervalTyped(t, b, o)
	case Char:
		return parseChar(b), nil
	case UUID:
		return parseUUID(b)
	case Int2Vector, OIDVector, Int2Array, OIDArray, CharArray, NameArray, TextArray:
		return parseArray(k, string(b))
	}
	return Datum{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "cannot accept a value of type %s", t.Kind)
}

// invalidSyntax is the 22P02 error for text that is no value of a type.
func invalidSyntax(typ string, b []byte) error {
	return sqlerr.Newf(sqlerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", typ, b)
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFold reports whether b is the lower-case ASCII word, in any case.
func equalFold(b []byte, word string) bool { return len(b) == len(word) && prefixFold(b, word) }

// prefixFold reports whether b, in any case, is a prefix of the lower-case ASCII word.
func prefixFold(b []byte, word string) bool {
	if len(b) > len(word) {
		return false
	}
	for i, c := range b {
		if lower(c) != word[i] {
			return false
		}
	}
	return true
}

func parseBool(b []byte) (Datum, error) {
	s := trimSpace(b)
	if len(s) > 0 {
		switch {
		case prefixFold(s, "true"), prefixFold(s, "yes"), equalFold(s, "on"), equalFold(s, "1"):
			return NewBool(true), nil
		case prefixFold(s, "false"), prefixFold(s, "no"), len(s) > 1 && prefixFold(s, "off"), equalFold(s, "0"):
			return NewBool(false), nil
		}
	}
	return Datum{}, invalidSyntax("boolean", b)
}

// clipName cuts a name to the 63 bytes that an identifier has, at a character boundary.
func clipName(s string) string {
	const nameBytesMax = 63
	if len(s) <= nameBytesMax {
		return s
	}
	n := nameBytesMax
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
