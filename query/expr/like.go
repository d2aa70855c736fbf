package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// stringOperators are the operators on strings.
var stringOperators = []entry{
	{"~~(text,text) bool", 850, 0, like(false, false), kernelLike},
	{"~~(name,text) bool", 858, 0, like(false, false), kernelLike},
	{"~~(bpchar,text) bool", 1631, 0, like(false, false), kernelLike},
	{"~~(bytea,bytea) bool", 2005, 0, likeBytea(false), kernelNone},
	{"!~~(text,text) bool", 851, 0, like(true, false), kernelNotLike},
	{"!~~(name,text) bool", 859, 0, like(true, false), kernelNotLike},
	{"!~~(bpchar,text) bool", 1632, 0, like(true, false), kernelNotLike},
	{"!~~(bytea,bytea) bool", 2006, 0, likeBytea(true), kernelNone},
	{"~~*(text,text) bool", 1633, 0, like(false, true), kernelNone},
	{"~~*(name,text) bool", 1635, 0, like(false, true), kernelNone},
	{"~~*(bpchar,text) bool", 1660, 0, like(false, true), kernelNone},
	{"!~~*(text,text) bool", 1634, 0, like(true, true), kernelNone},
	{"!~~*(name,text) bool", 1636, 0, like(true, true), kernelNone},
	{"!~~*(bpchar,text) bool", 1661, 0, like(true, true), kernelNone},
	{"~(text,text) bool", 1254, 0, regexOperator(false, false), kernelNone},
	{"~(name,text) bool", 79, 0, regexOperator(false, false), kernelNone},
	{"~(bpchar,text) bool", 1658, 0, regexOperator(false, false), kernelNone},
	{"!~(text,text) bool", 1256, 0, regexOperator(true, false), kernelNone},
	{"!~(name,text) bool", 1252, 0, regexOperator(true, false), kernelNone},
	{"!~(bpchar,text) bool", 1659, 0, regexOperator(true, false), kernelNone},
	{"~*(text,text) bool", 1238, 0, regexOperator(false, true), kernelNone},
	{"~*(name,text) bool", 1240, 0, regexOperator(false, true), kernelNone},
	{"~*(bpchar,text) bool", 1656, 0, regexOperator(false, true), kernelNone},
	{"!~*(text,text) bool", 1239, 0, regexOperator(true, true), kernelNone},
	{"!~*(name,text) bool", 1241, 0, regexOperator(true, true), kernelNone},
	{"!~*(bpchar,text) bool", 1657, 0, regexOperator(true, true), kernelNone},
	{"||(text,text) text", 1258, safe, concatText, kernelConcat},
	{"||(bytea,bytea) bytea", 2011, safe, concatBytea, kernelNone},
	{"||(text,any) text", oidTextAny, stable, concatText, kernelNone}, // replaced by the constructor
	{"||(any,text) text", oidAnyText, stable, concatText, kernelNone},
	{"^@(text,text) bool", 3696, safe, startsWith, kernelNone},
}

func concatText(_ *Context, args []types.Datum) (types.Datum, error) {
	return newText(args[0].S + args[1].S), nil
}

func concatBytea(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewString(types.Bytea, args[0].S+args[1].S), nil
}

// errLikeEscape is raised for a pattern that ends with its escape character.
var errLikeEscape = sqlerr.New(sqlerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")

func like(negated, fold bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		s, pattern := args[0].S, args[1].S
		if fold {
			s, pattern = foldCase1(s), foldCase1(pattern)
		}
		ok, err := likeMatch(s, pattern, true /* characters */)
		return types.NewBool(ok != negated), err
	}
}

func likeBytea(negated bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		ok, err := likeMatch(args[0].S, args[1].S, false /* characters */)
		return types.NewBool(ok != negated), err
	}
}

// foldCase1 maps each character to lower case.
func foldCase1(s string) string { return strings.Map(unicode.ToLower, s) }

// likeMatch matches s against a LIKE pattern with the escape character \. It backtracks only to the last
// %, so it takes at most len(s) × len(pattern) steps. A pattern is refused only if the match gets to its
// malformed end, as in PostgreSQL.
func likeMatch(s, pattern string, characters bool) (bool, error) {
	i, p := 0, 0
	star, mark := -1, 0
	for {
		if p < len(pattern) && pattern[p] == '%' {
			star, mark = p, i
			p++
			continue
		}
		if i == len(s) {
			if p == len(pattern) {
				return true, nil
			}
			return false, nil
		}
		if p < len(pattern) {
			n, next, err := likeStep(s[i:], pattern, p, characters)
			if err != nil {
				return false, err
			}
			if n > 0 {
				i, p = i+n, next
				continue
			}
		}
		if star < 0 {
			return false, nil
		}
		mark += charBytes(s[mark:], characters)
		i, p = mark, star+1
	}
}

// likeStep matches one character of s with the pattern at p: it returns the bytes of s taken, 0 if they
// differ, and where the pattern goes on.
func likeStep(s, pattern string, p int, characters bool) (n, next int, err error) {
	switch c := pattern[p]; {
	case c == '_':
		return charBytes(s, characters), p + 1, nil
	case c == '\\':
		if p++; p == len(pattern) {
			return 0, 0, errLikeEscape
		}
	}
	if s[0] == pattern[p] {
		return 1, p + 1, nil
	}
	return 0, 0, nil
}

func charBytes(s string, characters bool) int {
	if !characters || s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// likeEscape rewrites a pattern with another escape character (or none) to one with \.
func likeEscape(_ *Context, args []types.Datum) (types.Datum, error) {
	pattern, esc := args[0].S, args[1].S
	result := func(s string) (types.Datum, error) { return types.NewString(args[0].K, s), nil }
	var b strings.Builder
	switch {
	case esc == "":
		b.WriteString(strings.ReplaceAll(pattern, `\`, `\\`))
	case args[0].K == types.Bytea && len(esc) > 1, args[0].K != types.Bytea && utf8.RuneCountInString(esc) > 1:
		return types.Datum{}, sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").
			WithHint("Escape string must be empty or one character.")
	case esc == `\`:
		return result(pattern)
	default:
		escaped := false
		for i := 0; i < len(pattern); {
			switch c := pattern[i]; {
			case !escaped && strings.HasPrefix(pattern[i:], esc):
				b.WriteByte('\\')
				escaped = true
				i += len(esc)
				continue
			case c == '\\' && !escaped:
				b.WriteString(`\\`)
			default:
				b.WriteByte(c)
			}
			escaped = false
			i++
		}
	}
	return result(b.String())
}
