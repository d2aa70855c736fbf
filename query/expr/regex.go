package expr

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// regexCacheMax bounds the compiled expressions that are kept.
const regexCacheMax = 64

// regexOptions are how a regular expression is read.
type regexOptions struct {
	fold    bool
	literal bool // the pattern is the text to find
	lines   bool // ^ and $ match at lines
	noLines bool // . and [^ do not match newlines
}

type regexKey struct {
	pattern string
	options regexOptions
}

var regexCache struct {
	sync.Mutex
	m map[regexKey]*regexp.Regexp
}

// compileRegex compiles PostgreSQL's advanced regular expression, which are close to Go's syntax.
// What Go's engine does not have (back references, look around) is refused with 0A000.
func compileRegex(pattern string, o regexOptions) (*regexp.Regexp, error) {
	key := regexKey{pattern, o}
	regexCache.Lock()
	re := regexCache.m[key]
	regexCache.Unlock()
	if re != nil {
		return re, nil
	}
	body, err := o.embedded(pattern)
	if err != nil {
		return nil, err
	}
	text := regexp.QuoteMeta(body)
	if !o.literal {
		if text, err = translateRegex(body, o); err != nil {
			return nil, err
		}
	}
	if re, err = regexp.Compile(o.prefix() + text); err != nil {
		return nil, regexError(err)
	}
	regexCache.Lock()
	defer regexCache.Unlock()
	if len(regexCache.m) >= regexCacheMax || regexCache.m == nil {
		regexCache.m = make(map[regexKey]*regexp.Regexp)
	}
	key.pattern = strings.Clone(pattern)
	regexCache.m[key] = re
	return re, nil
}

// prefix returns the options in Go's syntax.
func (o regexOptions) prefix() string {
	flags := ""
	if !o.noLines {
		flags += "s"
	}
	if o.fold {
		flags += "i"
	}
	if o.lines {
		flags += "m"
	}
	if flags == "" {
		return ""
	}
	return "(?" + flags + ")"
}

// embedded cuts the options that a pattern may begin with.
func (o *regexOptions) embedded(p string) (string, error) {
	switch {
	case o.literal:
		return p, nil
	case strings.HasPrefix(p, "***="):
		o.literal = true
		return p[4:], nil
	case strings.HasPrefix(p, "***:"):
		p = p[4:]
	case strings.HasPrefix(p, "***"):
		return "", sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: invalid regexp (reg version 0.8)")
	}
	if len(p) < 3 || p[:2] != "(?" || p[2]-'a' > 'z'-'a' {
		return p, nil
	}
	letters, rest, ok := strings.Cut(p[2:], ")")
	if !ok {
		return "", sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: invalid embedded option")
	}
	for i := range len(letters) {
		known, err := o.set(letters[i])
		if err != nil {
			return "", err
		}
		if !known {
			return "", sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: invalid embedded option")
		}
	}
	return rest, nil
}

// set applies an option letter.
func (o *regexOptions) set(letter byte) (known bool, err error) {
	switch letter {
	case 'i':
		o.fold = true
	case 'c':
		o.fold = false
	case 'q':
		o.literal = true
	case 'n', 'm':
		o.lines, o.noLines = true, true
	case 'p':
		o.lines, o.noLines = false, true
	case 'w':
		o.lines, o.noLines = true, false
	case 's':
		o.lines, o.noLines = false, false
	case 't':
	case 'x', 'b', 'e':
		return true, sqlerr.Unsupported("regular expression option " + string(rune(letter)))
	default:
		return false, nil
	}
	return true, nil
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

// regexOperator matches. The text of a constraint on words must be ASCII: the engine's words are.
func regexOperator(negated, fold bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		re, err := compileRegex(args[1].S, regexOptions{fold: fold})
		if err != nil {
			return types.Datum{}, err
		}
		if err := checkWords(re, args[0].S); err != nil {
			return types.Datum{}, err
		}
		return types.NewBool(re.MatchString(args[0].S) != negated), nil
	}
}

// checkWords refuses to look for the bounds of words in a text that is not ASCII.
func checkWords(re *regexp.Regexp, s string) error {
	if !strings.Contains(re.String(), wordBound) && !strings.Contains(re.String(), noWordBound) {
		return nil
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return sqlerr.Unsupported("the bounds of words other than ASCII in a regular expression")
		}
	}
	return nil
}
