package expr

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// byteaFunctions are the functions of byte strings.
var byteaFunctions = []entry{
	{"length(bytea) int4", 2010, safe, byteLength, kernelNone},
	{"octet_length(bytea) int4", 720, safe, byteLength, kernelNone},
	{"bit_length(bytea) int4", 1810, safe, bitLength, kernelNone},
	{"substring(bytea,int4,int4) bytea", 2012, 0, substringBytea, kernelNone},
	{"substring(bytea,int4) bytea", 2013, safe, substringBytea, kernelNone},
	{"substr(bytea,int4,int4) bytea", 2085, 0, substringBytea, kernelNone},
	{"substr(bytea,int4) bytea", 2086, safe, substringBytea, kernelNone},
	{"position(bytea,bytea) int4", 2014, safe, positionBytea, kernelNone},
	{"btrim(bytea,bytea) bytea", 2015, safe, trimBytea(true, true), kernelNone},
	{"ltrim(bytea,bytea) bytea", 6195, safe, trimBytea(true, false), kernelNone},
	{"rtrim(bytea,bytea) bytea", 6196, safe, trimBytea(false, true), kernelNone},
	{"convert_from(bytea,name) text", 1714, stable, convertFrom, kernelNone},
	{"convert_to(text,name) bytea", 1717, stable, convertTo, kernelNone},
	{"overlay(bytea,bytea,int4,int4) bytea", 749, 0, overlayBytea, kernelNone},
	{"overlay(bytea,bytea,int4) bytea", 752, 0, overlayBytea, kernelNone},
	{"reverse(bytea) bytea", 6382, safe, reverseBytea, kernelNone},
	{"crc32(bytea) int8", 6364, safe, crcBytea(crc32.IEEETable), kernelNone},
	{"crc32c(bytea) int8", 6365, safe, crcBytea(crc32.MakeTable(crc32.Castagnoli)), kernelNone},
	{"get_byte(bytea,int4) int4", 721, 0, getByte, kernelNone},
	{"set_byte(bytea,int4,int4) bytea", 722, 0, setByte, kernelNone},
	{"get_bit(bytea,int8) int4", 723, 0, getBit, kernelNone},
	{"set_bit(bytea,int8,int4) bytea", 724, 0, setBit, kernelNone},
	{"bit_count(bytea) int8", 6163, safe, bitCount, kernelNone},
	{"encode(bytea,text) text", 1946, 0, encodeBytea, kernelNone},
	{"decode(text,text) bytea", 1947, 0, decodeBytea, kernelNone},
	{"sha224(bytea) bytea", 3419, safe, hashBytea(func(b []byte) []byte { h := sha256.Sum224(b); return h[:] }), kernelNone},
	{"sha256(bytea) bytea", 3420, safe, hashBytea(func(b []byte) []byte { h := sha256.Sum256(b); return h[:] }), kernelNone},
	{"sha384(bytea) bytea", 3421, safe, hashBytea(func(b []byte) []byte { h := sha512.Sum384(b); return h[:] }), kernelNone},
	{"sha512(bytea) bytea", 3422, safe, hashBytea(func(b []byte) []byte { h := sha512.Sum512(b); return h[:] }), kernelNone},
}

func newBytea(s string) types.Datum { return types.NewString(types.Bytea, s) }

func hashBytea(f func([]byte) []byte) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return newBytea(string(f([]byte(args[0].S)))), nil
	}
}

func substringBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	var length int64
	if len(args) == 3 {
		length = args[2].I
	}
	from, to, err := substringBounds(args[1].I, length, len(args) == 3)
	if err != nil {
		return types.Datum{}, err
	}
	s := args[0].S
	if to < 0 || to > len(s) {
		to = len(s)
	}
	return newBytea(s[min(from, to):to]), nil
}

func positionBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.Int4, int64(strings.Index(args[0].S, args[1].S)+1)), nil
}

func byteIndex(s string, i int64) error {
	if i < 0 || i >= int64(len(s)) {
		return sqlerr.Newf("2202E", "index %d out of valid range, 0..%d", i, len(s)-1)
	}
	return nil
}

func getByte(_ *Context, args []types.Datum) (types.Datum, error) {
	if err := byteIndex(args[0].S, args[1].I); err != nil {
		return types.Datum{}, err
	}
	return types.NewInt(types.Int4, int64(args[0].S[args[1].I])), nil
}

func setByte(_ *Context, args []types.Datum) (types.Datum, error) {
	if err := byteIndex(args[0].S, args[1].I); err != nil {
		return types.Datum{}, err
	}
	b := []byte(args[0].S)
	b[args[1].I] = byte(args[2].I)
	return newBytea(string(b)), nil
}

// base64LineChars is the length after which PostgreSQL breaks the lines of base64 text.
const base64LineChars = 76

func encodeBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	data := []byte(args[0].S)
	switch strings.ToLower(args[1].S) {
	case "hex":
		return newText(hex.EncodeToString(data)), nil
	case "base64":
		s := base64.StdEncoding.EncodeToString(data)
		var b strings.Builder
		for len(s) > base64LineChars {
			b.WriteString(s[:base64LineChars])
			b.WriteByte('\n')
			s = s[base64LineChars:]
		}
		b.WriteString(s)
		return newText(b.String()), nil
	case "escape":
		var b strings.Builder
		for _, c := range data {
			switch {
			case c == 0 || c >= 0x80:
				fmt.Fprintf(&b, `\%03o`, c)
			case c == '\\':
				b.WriteString(`\\`)
			default:
				b.WriteByte(c)
			}
		}
		return newText(b.String()), nil
	}
	return types.Datum{}, unknownEncoding(args[1].S)
}

func unknownEncoding(name string) error {
	return sqlerr.Newf(sqlerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", name)
}

func decodeBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	s := args[0].S
	switch strings.ToLower(args[1].S) {
	case "hex":
		d, err := types.Parse(types.T(types.Bytea), `\x`+s)
		return d, err
	case "base64":
		return decodeBase64(s)
	case "escape":
		if strings.HasPrefix(s, `\x`) {
			s = `\\` + s[1:]
		}
		return types.Parse(types.T(types.Bytea), s)
	}
	return types.Datum{}, unknownEncoding(args[1].S)
}

func trimBytea(start, end bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		s, set := args[0].S, args[1].S
		for start && s != "" && strings.IndexByte(set, s[0]) >= 0 {
			s = s[1:]
		}
		for end && s != "" && strings.IndexByte(set, s[len(s)-1]) >= 0 {
			s = s[:len(s)-1]
		}
		return newBytea(s), nil
	}
}

// encodingNames are the encodings that PostgreSQL knows, as small letters and digits.
const encodingNames = " abc alt big5 euccn eucjis2004 eucjp euckr euctw gb18030 gbk iso88591 iso885910 iso885913 iso885914 iso885915 " +
	"iso885916 iso88592 iso88593 iso88594 iso88595 iso88596 iso88597 iso88598 iso88599 johab koi8 koi8r koi8u latin1 latin10 " +
	"latin2 latin3 latin4 latin5 latin6 latin7 latin8 latin9 mskanji muleinternal shiftjis shiftjis2004 sjis sqlascii tcvn " +
	"tcvn5712 uhc unicode utf8 vscii win win1250 win1251 win1252 win1253 win1254 win1255 win1256 win1257 win1258 win866 win874 " +
	"win932 win936 win949 win950 windows1250 windows1251 windows1252 windows1253 windows1254 windows1255 windows1256 " +
	"windows1257 windows1258 windows866 windows874 windows932 windows936 windows949 windows950 "

// checkEncoding accepts UTF-8, the only encoding there is.
func checkEncoding(name, what string) error {
	key := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
	switch {
	case key == "utf8" || key == "unicode":
		return nil
	case key == "" || !strings.Contains(encodingNames, " "+key+" "):
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid %s encoding name \"%s\"", what, name)
	}
	return sqlerr.Unsupported("encoding " + name)
}

func convertFrom(_ *Context, args []types.Datum) (types.Datum, error) {
	if err := checkEncoding(args[1].S, "source"); err != nil {
		return types.Datum{}, err
	}
	if err := types.CheckUTF8([]byte(args[0].S)); err != nil {
		return types.Datum{}, err
	}
	return newText(args[0].S), nil
}

func convertTo(_ *Context, args []types.Datum) (types.Datum, error) {
	if err := checkEncoding(args[1].S, "destination"); err != nil {
		return types.Datum{}, err
	}
	return newBytea(args[0].S), nil
}

func decodeBase64(s string) (types.Datum, error) {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			continue
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '=':
			clean = append(clean, c)
		default:
			_, n := utf8.DecodeRuneInString(s[i:])
			return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue,
				"invalid symbol \"%s\" found while decoding base64 sequence", s[i:i+n])
		}
	}
	b, err := base64.StdEncoding.DecodeString(string(clean))
	if err != nil {
		return types.Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid base64 end sequence").
			WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
	}
	return newBytea(string(b)), nil
}

func overlayBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	s, with, start := args[0].S, args[1].S, args[2].I
	length := int64(len(with))
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
	head, tail := min(int(start-1), len(s)), min(int(max(end-1, 0)), len(s))
	return newBytea(s[:head] + with + s[tail:]), nil
}

func reverseBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	b := []byte(args[0].S)
	slices.Reverse(b)
	return newBytea(string(b)), nil
}

func crcBytea(table *crc32.Table) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return types.NewInt(types.Int8, int64(crc32.Checksum([]byte(args[0].S), table))), nil
	}
}

// intToBytea returns the big-endian bytes of an integer.
func intToBytea(width int) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		b := make([]byte, width)
		for i := range b {
			b[i] = byte(args[0].I >> (8 * (width - 1 - i)))
		}
		return newBytea(string(b)), nil
	}
}

// byteaToInt is the inverse, of at most width bytes.
func byteaToInt(k types.Kind, width int) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		s := args[0].S
		if len(s) > width {
			return types.Datum{}, types.OutOfRange(k)
		}
		v := uint64(0)
		for i := range len(s) {
			v = v<<8 | uint64(s[i])
		}
		shift := 64 - 8*width // a full width has a sign
		if len(s) < width {
			shift = 0
		}
		return types.NewInt(k, int64(v<<shift)>>shift), nil
	}
}
