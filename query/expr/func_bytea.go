package expr

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

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
	{"get_byte(bytea,int4) int4", 721, 0, getByte, kernelNone},
	{"set_byte(bytea,int4,int4) bytea", 722, 0, setByte, kernelNone},
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
		clean := bytes.Map(func(r rune) rune {
			if r == ' ' || r == '\n' || r == '\t' || r == '\r' {
				return -1
			}
			return r
		}, []byte(s))
		b, err := base64.StdEncoding.DecodeString(string(clean))
		if err != nil {
			return types.Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid base64 end sequence").
				WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
		}
		return newBytea(string(b)), nil
	case "escape":
		if strings.HasPrefix(s, `\x`) {
			s = `\\` + s[1:]
		}
		return types.Parse(types.T(types.Bytea), s)
	}
	return types.Datum{}, unknownEncoding(args[1].S)
}
