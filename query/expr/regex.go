package expr

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// regexCacheMax bounds the compiled expressions that are kept.
const regexCacheMax = 64

type regexKey struct {
	pattern string
	fold    bool
}

var regexCache struct {
	sync.Mutex
	m map[regexKey]*regexp.Regexp
}

// compileRegex compiles PostgreSQL's advanced regular expression, which are close to Go's syntax.
// What Go's engine does not have (back references, look around) is refused with 0A000.
func compileRegex(pattern string, fold bool) (*regexp.Regexp, error) {
	key := regexKey{pattern, fold}
	regexCache.Lock()
	re := regexCache.m[key]
	regexCache.Unlock()
	if re != nil {
		return re, nil
	}
	text, err := translateRegex(pattern)
	if err != nil {
		return nil, err
	}
	flags := "(?s)"
	if fold {
		flags = "(?si)"
	}
	re, err = regexp.Compile(flags + text)
	if err != nil {
		return nil, regexError(err)
	}
	regexCache.Lock()
	defer regexCache.Unlock()
	if len(regexCache.m) >= regexCacheMax || regexCache.m == nil {
		regexCache.m = make(map[regexKey]*regexp.Regexp)
	}
	regexCache.m[regexKey{strings.Clone(pattern), fold}] = re
	return re, nil
}

// regexErrors are PostgreSQL's words for what Go's parser finds.
var regexErrors = map[syntax.ErrorCode]string{
	syntax.ErrMissingParen: "parentheses () not balanced", syntax.ErrUnexpectedParen: "parentheses () not balanced",
	syntax.ErrMissingBracket: "brackets [] not balanced", syntax.ErrMissingRepeatArgument: "quantifier operand invalid",
	syntax.ErrInvalidRepeatOp: "quantifier operand invalid", syntax.ErrInvalidRepeatSize: "invalid repetition count(s)",
	syntax.ErrInvalidCharRange: "invalid character range", syntax.ErrInvalidCharClass: "invalid character class",
	syntax.ErrTrailingBackslash: `invalid escape \ sequence`, syntax.ErrInvalidEscape: `invalid escape \ sequence`,
	syntax.ErrLarge: "regular expression is too complex", syntax.ErrNestingDepth: "regular expression is too complex",
}

func regexError(err error) error {
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	if e, ok := errors.AsType[*syntax.Error](err); ok && regexErrors[e.Code] != "" {
		text = regexErrors[e.Code]
	}
	return sqlerr.Newf(sqlerr.InvalidRegularExpression, "invalid regular expression: %s", text)
}

// regexEscapes maps the class-shorthand and constraint escapes whose Go spelling differs.
var regexEscapes = map[byte]string{
	'm': `\b`, 'M': `\b`, 'y': `\b`, 'Y': `\B`, 'Z': `\z`,
	'd': `[[:digit:]]`, 's': `[[:space:]]`, 'w': `[[:word:]]`,
	'D': `[^[:digit:]]`, 'S': `[^[:space:]]`, 'W': `[^[:word:]]`, 'e': `\x1b`, 'B': `\\`,
}

// translateRegex rewrites the escapes that differ, and refuses what has no counterpart.
func translateRegex(p string) (string, error) {
	var b strings.Builder
	inBracket := false
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			if e := p[i]; e >= '1' && e <= '9' && !inBracket {
				return "", sqlerr.Unsupported("back reference in a regular expression")
			} else if s, ok := regexEscapes[e]; ok {
				if inBracket && len(s) > 3 && s[1] == '[' {
					s = s[1 : len(s)-1]
				}
				b.WriteString(s)
			} else {
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		case c == '(' && strings.HasPrefix(p[i:], "(?") && !inBracket && !strings.HasPrefix(p[i:], "(?:"):
			return "", sqlerr.Unsupported("look around or embedded options in a regular expression")
		case c == '*' && i == 0 && strings.HasPrefix(p, "***"):
			return "", sqlerr.Unsupported("director prefix in a regular expression")
		case c == '[' && !inBracket:
			inBracket = true
			b.WriteByte(c)
			if i+1 < len(p) && p[i+1] == '^' {
				i++
				b.WriteByte('^')
			}
			if i+1 < len(p) && p[i+1] == ']' {
				i++
				b.WriteString(`\]`)
			}
		case c == '[' && strings.HasPrefix(p[i:], "[:"):
			end := strings.Index(p[i:], ":]")
			if end < 0 {
				return "", sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: invalid character class")
			}
			b.WriteString(p[i : i+end+2])
			i += end + 1
		case c == '[':
			b.WriteString(`\[`)
		case c == ']' && inBracket:
			inBracket = false
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

func regexOperator(negated, fold bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		re, err := compileRegex(args[1].S, fold)
		if err != nil {
			return types.Datum{}, err
		}
		return types.NewBool(re.MatchString(args[0].S) != negated), nil
	}
}
