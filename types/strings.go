package types

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
)

// TrimBlanks returns s without its trailing blanks: the stored form of char(n).
func TrimBlanks(s string) string {
	n := len(s)
	for n > 0 && s[n-1] == ' ' {
		n--
	}
	return s[:n]
}

// CheckUTF8 returns the 22021 error for text that is not valid UTF-8 or holds a zero byte.
func CheckUTF8(b []byte) error {
	_, err := FirstInvalidUTF8(b)
	return err
}

// FirstInvalidUTF8 is CheckUTF8 and says where the error is.
func FirstInvalidUTF8(b []byte) (at int, err error) {
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return 0, nil
	}
	for i := 0; i < len(b); {
		c := b[i]
		if c != 0 && c < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if c == 0 || r == utf8.RuneError && n == 1 {
			return i, invalidUTF8(b[i:])
		}
		i += n
	}
	return 0, nil
}

// CheckUTF8String is CheckUTF8 of a string.
func CheckUTF8String(s string) error {
	if plainASCII(s) || utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return nil
	}
	return CheckUTF8([]byte(s))
}

// plainASCII reports whether all bytes are from 1 to 127, eight of them at a time.
func plainASCII(s string) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	if len(b) < 8 {
		for _, c := range b {
			if c-1 >= 127 {
				return false
			}
		}
		return true
	}
	last := len(b) - 8
	for i := 0; ; i = min(i+8, last) { // the last eight may overlap those before
		if x := binary.LittleEndian.Uint64(b[i:]); (x|(x-low))&high != 0 {
			return false
		}
		if i == last {
			return true
		}
	}
}

// invalidUTF8 names the bytes that the first one promises, as far as they are there.
func invalidUTF8(b []byte) error {
	n := 1
	switch c := b[0]; {
	case c >= 0xf0 && c < 0xf8:
		n = 4
	case c >= 0xe0 && c < 0xf0:
		n = 3
	case c >= 0xc0 && c < 0xe0:
		n = 2
	}
	var s strings.Builder
	for i, c := range b[:min(n, len(b))] {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteString("0x" + hex.EncodeToString([]byte{c}))
	}
	return sqlerr.Newf(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": %s", s.String())
}

// coerceLength applies the length of varchar(n) and char(n): an explicit cast cuts, an assignment
// refuses to cut anything but blanks. char values are kept without trailing blanks.
func coerceLength(d Datum, t Type, explicit bool) (Datum, error) {
	d.K = t.Kind
	n, ok := t.Length()
	if ok && len(d.S) > n {
		if i := runeOffset(d.S, n); i < len(d.S) {
			if !explicit && len(TrimBlanks(d.S[i:])) > 0 {
				return Datum{}, sqlerr.Newf(sqlerr.StringDataRightTruncation, "value too long for type %s", t)
			}
			d.S = d.S[:i]
		}
	}
	if t.Kind == BpChar {
		d.S = TrimBlanks(d.S)
	}
	return d, nil
}

// runeOffset returns the byte offset after the first n characters of s.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func parseBytea(b []byte) (Datum, error) {
	if len(b) >= 2 && b[0] == '\\' && b[1] == 'x' {
		return parseByteaHex(b[2:])
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != '\\':
			out = append(out, b[i])
		case i+1 < len(b) && b[i+1] == '\\':
			out = append(out, '\\')
			i++
		case i+3 < len(b) && b[i+1]-'0' <= 3 && b[i+2]-'0' <= 7 && b[i+3]-'0' <= 7:
			out = append(out, (b[i+1]-'0')<<6|(b[i+2]-'0')<<3|(b[i+3]-'0'))
			i += 3
		default:
			return Datum{}, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return NewString(Bytea, string(out)), nil
}

// parseByteaHex reads pairs of hexadecimal digits; blanks may stand between pairs.
func parseByteaHex(b []byte) (Datum, error) {
	out := make([]byte, 0, len(b)/2)
	for i := 0; i < len(b); {
		if c := b[i]; c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		hi := digitOf(b[i])
		if hi > 15 {
			return Datum{}, invalidHexDigit(b[i:])
		}
		if i+1 == len(b) {
			return Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo := digitOf(b[i+1])
		if lo > 15 {
			return Datum{}, invalidHexDigit(b[i+1:])
		}
		out = append(out, byte(hi<<4|lo))
		i += 2
	}
	return NewString(Bytea, string(out)), nil
}

func invalidHexDigit(b []byte) error {
	_, n := utf8.DecodeRune(b)
	return sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid hexadecimal digit: \"%s\"", b[:n])
}

// parseChar reads a "char": the first byte of the text, or a backslash and three octal digits. The
// zero byte is the empty string.
func parseChar(b []byte) Datum {
	var c byte
	switch {
	case len(b) == 4 && b[0] == '\\' && b[1]-'0' <= 7 && b[2]-'0' <= 7 && b[3]-'0' <= 7:
		c = (b[1]-'0')<<6 | (b[2]-'0')<<3 | (b[3] - '0')
	case len(b) > 0:
		c = b[0]
	}
	if c == 0 {
		return NewString(Char, "")
	}
	return NewString(Char, string([]byte{c}))
}

// parseUUID reads 32 hexadecimal digits with an optional hyphen after each group of four, and
// optional braces around.
func parseUUID(b []byte) (Datum, error) {
	s := b
	if len(s) > 0 && s[0] == '{' {
		if s[len(s)-1] != '}' {
			return Datum{}, invalidSyntax("uuid", b)
		}
		s = s[1 : len(s)-1]
	}
	var out [16]byte
	for i := range out {
		if len(s) < 2 || digitOf(s[0]) > 15 || digitOf(s[1]) > 15 {
			return Datum{}, invalidSyntax("uuid", b)
		}
		out[i] = byte(digitOf(s[0])<<4 | digitOf(s[1]))
		s = s[2:]
		if i%2 == 1 && i < 15 && len(s) > 0 && s[0] == '-' {
			s = s[1:]
		}
	}
	if len(s) > 0 {
		return Datum{}, invalidSyntax("uuid", b)
	}
	return NewString(UUID, string(out[:])), nil
}
