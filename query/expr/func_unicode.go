package expr

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// unicodeFunctions are the functions of normal forms and escapes. The grammar writes NORMALIZE and IS NORMALIZED as
// calls.
var unicodeFunctions = []entry{
	{"normalize(text) text", 0, 0, normalizeText, kernelNone},
	{"normalize(text,text) text", 4350, 0, normalizeText, kernelNone},
	{"is_normalized(text) bool", 0, 0, isNormalized, kernelNone},
	{"is_normalized(text,text) bool", 4351, 0, isNormalized, kernelNone},
	{"unistr(text) text", 6198, 0, unescapeUnicode, kernelNone},
}

// normalForm returns the form that the last of two arguments names, in any case; without it NFC.
func normalForm(args []types.Datum) (norm.Form, error) {
	if len(args) == 1 {
		return norm.NFC, nil
	}
	switch strings.ToUpper(args[1].S) {
	case "NFC":
		return norm.NFC, nil
	case "NFD":
		return norm.NFD, nil
	case "NFKC":
		return norm.NFKC, nil
	case "NFKD":
		return norm.NFKD, nil
	}
	return 0, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid normalization form: %s", args[1].S)
}

func normalizeText(_ *Context, args []types.Datum) (types.Datum, error) {
	form, err := normalForm(args)
	if err != nil {
		return types.Datum{}, err
	}
	return newText(form.String(args[0].S)), nil
}

func isNormalized(_ *Context, args []types.Datum) (types.Datum, error) {
	form, err := normalForm(args)
	if err != nil {
		return types.Datum{}, err
	}
	return types.NewBool(form.IsNormalString(args[0].S)), nil
}

var (
	errUnicodeEscape = sqlerr.New(sqlerr.SyntaxError, "invalid Unicode escape").
				WithHint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
	errSurrogatePair = sqlerr.New(sqlerr.SyntaxError, "invalid Unicode surrogate pair")
)

// unescapeUnicode replaces \XXXX, \+XXXXXX, \uXXXX and \UXXXXXXXX by the characters of these numbers; a pair of
// surrogates is one character.
func unescapeUnicode(_ *Context, args []types.Datum) (types.Datum, error) {
	s := args[0].S
	var out strings.Builder
	high := rune(0) // a first surrogate that waits for its second
	for len(s) > 0 {
		n := strings.IndexByte(s, '\\')
		if n != 0 || strings.HasPrefix(s, `\\`) {
			if high != 0 {
				return types.Datum{}, errSurrogatePair
			}
			switch n {
			case -1:
				n = len(s)
			case 0:
				n = 1
			}
			out.WriteString(s[:n])
			if s[0] == '\\' {
				n++
			}
			s = s[n:]
			continue
		}
		c, rest, err := unicodeEscape(s[1:])
		switch {
		case err != nil:
			return types.Datum{}, err
		case high != 0 && !(c >= 0xdc00 && c < 0xe000), high == 0 && c >= 0xdc00 && c < 0xe000:
			return types.Datum{}, errSurrogatePair
		case high != 0:
			c, high = utf16.DecodeRune(high, c), 0
			out.WriteRune(c)
		case utf16.IsSurrogate(c):
			high = c
		default:
			out.WriteRune(c)
		}
		s = rest
	}
	if high != 0 {
		return types.Datum{}, errSurrogatePair
	}
	return newText(out.String()), nil
}

// unicodeEscape reads an escape behind its backslash.
func unicodeEscape(s string) (c rune, rest string, err error) {
	digits := 4
	if s != "" {
		switch s[0] {
		case '+':
			s, digits = s[1:], 6
		case 'u':
			s = s[1:]
		case 'U':
			s, digits = s[1:], 8
		}
	}
	if len(s) < digits {
		return 0, "", errUnicodeEscape
	}
	v := uint64(0)
	for i := range digits {
		d := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if d < 0 || s[i] < '0' {
			return 0, "", errUnicodeEscape
		}
		v = v<<4 | uint64(d)
	}
	if v == 0 || v > utf8.MaxRune {
		return 0, "", sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid Unicode code point: %04X", v)
	}
	return rune(v), s[digits:], nil
}
