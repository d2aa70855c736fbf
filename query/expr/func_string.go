package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// stringBytesMax is the longest string that a function may build, as in PostgreSQL.
const stringBytesMax = 1<<30 - 1

var errStringTooLong = sqlerr.New(sqlerr.ProgramLimitExceeded, "requested length too large")

// stringFunctions are the functions on characters and pieces of text.
var stringFunctions = []entry{
	{"length(text) int4", 1317, safe, charLength, kernelLength},
	{"length(bpchar) int4", 1318, safe, charLength, kernelLength},
	{"char_length(text) int4", 1381, safe, charLength, kernelLength},
	{"char_length(bpchar) int4", 1372, safe, charLength, kernelLength},
	{"character_length(text) int4", 1369, safe, charLength, kernelLength},
	{"character_length(bpchar) int4", 1367, safe, charLength, kernelLength},
	{"octet_length(text) int4", 1374, safe, byteLength, kernelNone},
	{"octet_length(bpchar) int4", 1375, safe, byteLength, kernelNone},
	{"bit_length(text) int4", 1811, safe, bitLength, kernelNone},
	{"lower(text) text", 870, safe, text1(strings.ToLower), kernelLower},
	{"upper(text) text", 871, safe, text1(strings.ToUpper), kernelUpper},
	{"initcap(text) text", 872, safe, text1(initCap), kernelNone},
	{"reverse(text) text", 3062, safe, text1(reverse), kernelNone},
	{"substring(text,int4,int4) text", 936, 0, substring, kernelSubstring},
	{"substring(text,text,text) text", 2074, 0, substringSimilar, kernelNone},
	{"substring(text,int4) text", 937, safe, substring, kernelSubstring},
	{"substr(text,int4,int4) text", 877, 0, substring, kernelSubstring},
	{"substr(text,int4) text", 883, safe, substring, kernelSubstring},
	{"position(text,text) int4", 849, safe, strpos, kernelNone},
	{"strpos(text,text) int4", 868, safe, strpos, kernelNone},
	{"starts_with(text,text) bool", 3696, safe, startsWith, kernelNone},
	{"btrim(text) text", 885, safe, trim(true, true), kernelNone},
	{"btrim(text,text) text", 884, safe, trim(true, true), kernelNone},
	{"ltrim(text) text", 881, safe, trim(true, false), kernelNone},
	{"ltrim(text,text) text", 875, safe, trim(true, false), kernelNone},
	{"rtrim(text) text", 882, safe, trim(false, true), kernelNone},
	{"rtrim(text,text) text", 876, safe, trim(false, true), kernelNone},
	{"left(text,int4) text", 3060, safe, left, kernelNone},
	{"right(text,int4) text", 3061, safe, right, kernelNone},
	{"lpad(text,int4,text) text", 873, 0, pad(true), kernelNone},
	{"lpad(text,int4) text", 879, 0, pad(true), kernelNone},
	{"rpad(text,int4,text) text", 874, 0, pad(false), kernelNone},
	{"rpad(text,int4) text", 880, 0, pad(false), kernelNone},
	{"repeat(text,int4) text", 1622, 0, repeat, kernelNone},
	{"replace(text,text,text) text", 2087, 0, replace, kernelNone},
	{"translate(text,text,text) text", 878, safe, translate, kernelNone},
	{"split_part(text,text,int4) text", 2088, 0, splitPart, kernelNone},
	{"overlay(text,text,int4,int4) text", 1404, 0, overlay, kernelNone},
	{"overlay(text,text,int4) text", 1405, 0, overlay, kernelNone},
	{"concat(any...) text", 3058, stable | nullable, concat, kernelNone},
	{"concat_ws(text,any...) text", 3059, stable | nullable, concatWS, kernelNone},
}

func newText(s string) types.Datum { return types.NewString(types.Text, s) }

func text1(f func(string) string) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return newText(f(args[0].S)), nil }
}

func charLength(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.Int4, int64(utf8.RuneCountInString(args[0].S))), nil
}

func byteLength(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.Int4, int64(len(args[0].S))), nil
}

func bitLength(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.Int4, int64(len(args[0].S))*8), nil
}

func initCap(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r)
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

func reverse(s string) string {
	out := make([]byte, len(s))
	to := len(s)
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		to -= n
		copy(out[to:], s[i:i+n])
		i += n
	}
	return string(out)
}

// byteOffset returns the byte offset of character n of s (0-based), or len(s) if there are not so many.
func byteOffset(s string, n int) int {
	if n <= 0 {
		return 0
	}
	if n >= len(s) {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

var errNegativeSubstring = sqlerr.New(sqlerr.SubstringError, "negative substring length not allowed")

// substringBounds turns a 1-based start and a length into the characters [from, to) to keep; to is -1 for
// the rest of the string.
func substringBounds(start, length int64, hasLength bool) (from, to int, err error) {
	if !hasLength {
		return int(max(start-1, 0)), -1, nil
	}
	end := start + length
	switch {
	case length < 0:
		return 0, 0, errNegativeSubstring
	case end < 1:
		return 0, 0, nil
	}
	return int(max(start-1, 0)), int(end - 1), nil
}

func substring(_ *Context, args []types.Datum) (types.Datum, error) {
	var length int64
	if len(args) == 3 {
		length = args[2].I
	}
	from, to, err := substringBounds(args[1].I, length, len(args) == 3)
	if err != nil {
		return types.Datum{}, err
	}
	return newText(cutChars(args[0].S, from, to)), nil
}

// cutChars returns the characters [from, to) of s; to -1 means all the rest.
func cutChars(s string, from, to int) string {
	i := byteOffset(s, from)
	if to < 0 {
		return s[i:]
	}
	return s[i : i+byteOffset(s[i:], to-from)]
}

func strpos(_ *Context, args []types.Datum) (types.Datum, error) {
	i := strings.Index(args[0].S, args[1].S)
	if i >= 0 {
		i = utf8.RuneCountInString(args[0].S[:i])
	}
	return types.NewInt(types.Int4, int64(i+1)), nil
}

func startsWith(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewBool(strings.HasPrefix(args[0].S, args[1].S)), nil
}

func trim(start, end bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		s, set := args[0].S, " "
		if len(args) == 2 {
			set = args[1].S
		}
		if start {
			s = strings.TrimLeft(s, set)
		}
		if end {
			s = strings.TrimRight(s, set)
		}
		return newText(s), nil
	}
}

// left keeps n characters, or all but the last -n.
func left(_ *Context, args []types.Datum) (types.Datum, error) {
	s, n := args[0].S, int(args[1].I)
	if n < 0 {
		n = max(utf8.RuneCountInString(s)+n, 0)
	}
	return newText(s[:byteOffset(s, n)]), nil
}

// right keeps the last n characters, or all but the first -n.
func right(_ *Context, args []types.Datum) (types.Datum, error) {
	s, n := args[0].S, int(args[1].I)
	if n < 0 {
		return newText(s[byteOffset(s, -n):]), nil
	}
	return newText(s[byteOffset(s, utf8.RuneCountInString(s)-n):]), nil
}

func pad(atStart bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		s, n, fill := args[0].S, int(args[1].I), " "
		if len(args) == 3 {
			fill = args[2].S
		}
		if n <= 0 {
			return newText(""), nil
		}
		have := utf8.RuneCountInString(s)
		if n <= have || fill == "" {
			return newText(s[:byteOffset(s, n)]), nil
		}
		if int64(n) > stringBytesMax/4 {
			return types.Datum{}, errStringTooLong
		}
		missing := n - have
		fillChars := utf8.RuneCountInString(fill)
		padding := strings.Repeat(fill, missing/fillChars) + fill[:byteOffset(fill, missing%fillChars)]
		if atStart {
			return newText(padding + s), nil
		}
		return newText(s + padding), nil
	}
}

func repeat(_ *Context, args []types.Datum) (types.Datum, error) {
	n := max(args[1].I, 0)
	if n > 0 && int64(len(args[0].S)) > stringBytesMax/n {
		return types.Datum{}, errStringTooLong
	}
	return newText(strings.Repeat(args[0].S, int(n))), nil
}

func replace(_ *Context, args []types.Datum) (types.Datum, error) {
	s, from, to := args[0].S, args[1].S, args[2].S
	if s == "" || from == "" {
		return newText(s), nil
	}
	if grow := len(to) - len(from); grow > 0 && strings.Count(s, from) > (stringBytesMax-len(s))/grow {
		return types.Datum{}, errStringTooLong
	}
	return newText(strings.ReplaceAll(s, from, to)), nil
}

func translate(_ *Context, args []types.Datum) (types.Datum, error) {
	from, to := []rune(args[1].S), []rune(args[2].S)
	return newText(strings.Map(func(r rune) rune {
		for i, f := range from {
			switch {
			case f != r:
			case i < len(to):
				return to[i]
			default:
				return -1
			}
		}
		return r
	}, args[0].S)), nil
}

var errFieldZero = sqlerr.New(sqlerr.InvalidParameterValue, "field position must not be zero")

// splitPart returns field n, counted from the end if n is negative.
func splitPart(_ *Context, args []types.Datum) (types.Datum, error) {
	s, sep, n := args[0].S, args[1].S, args[2].I
	if n == 0 {
		return types.Datum{}, errFieldZero
	}
	if s == "" {
		return newText(""), nil
	}
	if sep == "" {
		if n == 1 || n == -1 {
			return newText(s), nil
		}
		return newText(""), nil
	}
	if n < 0 {
		n += int64(strings.Count(s, sep)) + 2
		if n < 1 {
			return newText(""), nil
		}
	}
	for ; n > 1; n-- {
		_, rest, found := strings.Cut(s, sep)
		if !found {
			return newText(""), nil
		}
		s = rest
	}
	field, _, _ := strings.Cut(s, sep)
	return newText(field), nil
}

// overlay replaces length characters from start on; by default as many as the replacement has.
func overlay(_ *Context, args []types.Datum) (types.Datum, error) {
	s, with, start := args[0].S, args[1].S, args[2].I
	length := int64(utf8.RuneCountInString(with))
	if len(args) == 4 {
		length = args[3].I
	}
	if start <= 0 {
		return types.Datum{}, errNegativeSubstring
	}
	end := start + length
	if end > 1<<31-1 || end < -1<<31 {
		return types.Datum{}, types.OutOfRange(types.Int4)
	}
	return newText(cutChars(s, 0, int(start-1)) + with + cutChars(s, int(max(end-1, 0)), -1)), nil
}

// appendOutput appends the text form of a value of any kind.
func appendOutput(ctx *Context, dst []byte, d types.Datum) []byte {
	return types.AppendText(dst, d, types.T(d.K), ctx.textOptions())
}

func concat(ctx *Context, args []types.Datum) (types.Datum, error) {
	var out []byte
	for _, d := range args {
		out = appendOutput(ctx, out, d)
	}
	return textOfBytes(out), nil
}

func concatWS(ctx *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() {
		return types.NullOf(types.Text), nil
	}
	var out []byte
	first := true
	for _, d := range args[1:] {
		if d.IsNull() {
			continue
		}
		if !first {
			out = append(out, args[0].S...)
		}
		first = false
		out = appendOutput(ctx, out, d)
	}
	return textOfBytes(out), nil
}

// textOfBytes makes text of bytes that are not used otherwise.
func textOfBytes(b []byte) types.Datum { return newText(unsafe.String(unsafe.SliceData(b), len(b))) }

// substringSimilar refuses substring(… SIMILAR … ESCAPE …).
func substringSimilar(*Context, []types.Datum) (types.Datum, error) {
	return types.Datum{}, sqlerr.Unsupported("SUBSTRING by a SIMILAR pattern")
}
