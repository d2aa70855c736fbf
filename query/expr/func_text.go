package expr

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// textFunctions are the functions between text and numbers, quoting and patterns.
var textFunctions = []entry{
	{"ascii(text) int4", 1620, safe, ascii, kernelNone},
	{"chr(int4) text", 1621, 0, chr, kernelNone},
	{"md5(text) text", 2311, safe, md5Text, kernelNone},
	{"md5(bytea) text", 2321, safe, md5Text, kernelNone},
	{"to_hex(int4) text", 2089, safe, toBase(16), kernelNone},
	{"to_hex(int8) text", 2090, safe, toBase(16), kernelNone},
	{"quote_literal(text) text", 1283, safe, quoteLiteral, kernelNone},
	{"quote_nullable(text) text", 1289, safe | nullable, quoteNullable, kernelNone},
	{"quote_literal(any) text", 1285, stable | safe, quoteAny, kernelNone},
	{"quote_nullable(any) text", 1290, stable | safe | nullable, quoteAny, kernelNone},
	{"like(text,text) bool", 1569, 0, like(false, false), kernelLike},
	{"notlike(text,text) bool", 1570, 0, like(true, false), kernelNotLike},
	{"like(bytea,bytea) bool", 2007, 0, likeBytea(false), kernelNone},
	{"notlike(bytea,bytea) bool", 2008, 0, likeBytea(true), kernelNone},
	{"like_escape(bytea,bytea) bytea", 2009, 0, likeEscape, kernelNone},
	{"to_bin(int4) text", 6330, safe, toBase(2), kernelNone},
	{"to_bin(int8) text", 6331, safe, toBase(2), kernelNone},
	{"to_oct(int4) text", 6332, safe, toBase(8), kernelNone},
	{"to_oct(int8) text", 6333, safe, toBase(8), kernelNone},
	{"casefold(text) text", 6412, safe, text1(foldLetters), kernelNone},
	{"like_escape(text,text) text", 1637, 0, likeEscape, kernelNone},
	{"num_nulls(any...) int4", 438, safe | nullable, numNulls(true), kernelNone},
	{"num_nonnulls(any...) int4", 440, safe | nullable, numNulls(false), kernelNone},
}

// foldLetters is Unicode's simple case folding: small letters mostly, and one letter for those with several forms.
func foldLetters(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'İ' || r == 'ı': // only Turkish folds them
			return r
		case r >= 0x13a0 && r <= 0x13fd || r >= 0xab70 && r <= 0xabbf: // Cherokee, whose capitals came first
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, s)
}

func ascii(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[0].S == "" {
		return types.NewInt(types.Int4, 0), nil
	}
	r, _ := utf8.DecodeRuneInString(args[0].S)
	return types.NewInt(types.Int4, int64(r)), nil
}

func chr(_ *Context, args []types.Datum) (types.Datum, error) {
	switch v := args[0].I; {
	case v < 0:
		return types.Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "character number must be positive")
	case v == 0:
		return types.Datum{}, sqlerr.New(sqlerr.ProgramLimitExceeded, "null character not permitted")
	case v > utf8.MaxRune:
		return types.Datum{}, sqlerr.Newf(sqlerr.ProgramLimitExceeded, "requested character too large for encoding: %d", v)
	case !utf8.ValidRune(rune(v)):
		return types.Datum{}, sqlerr.Newf(sqlerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", v)
	default:
		return newText(string(rune(v))), nil
	}
}

func md5Text(_ *Context, args []types.Datum) (types.Datum, error) {
	sum := md5.Sum([]byte(args[0].S))
	return newText(hex.EncodeToString(sum[:])), nil
}

// toBase prints the bits of an integer.
func toBase(base int) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v := uint64(args[0].I)
		if args[0].K == types.Int4 {
			v = uint64(uint32(v))
		}
		return newText(strconv.FormatUint(v, base)), nil
	}
}

func quoteLiteral(_ *Context, args []types.Datum) (types.Datum, error) {
	s := strings.ReplaceAll(args[0].S, "'", "''")
	if strings.Contains(s, `\`) {
		return newText("E'" + strings.ReplaceAll(s, `\`, `\\`) + "'"), nil
	}
	return newText("'" + s + "'"), nil
}

func quoteNullable(ctx *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() {
		return newText("NULL"), nil
	}
	return quoteLiteral(ctx, args)
}

// quoteAny quotes the text of a value of any type.
func quoteAny(ctx *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() {
		return newText("NULL"), nil
	}
	return quoteLiteral(ctx, []types.Datum{textOfBytes(appendOutput(ctx, nil, args[0]))})
}

func numNulls(nulls bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		n := int64(0)
		for _, d := range args {
			if d.IsNull() == nulls {
				n++
			}
		}
		return types.NewInt(types.Int4, n), nil
	}
}
