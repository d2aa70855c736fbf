package expr

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// regexFunctions are the functions of regular expressions.
var regexFunctions = []entry{
	{"regexp_like(text,text) bool", 6263, 0, regexLike, kernelNone},
	{"regexp_like(text,text,text) bool", 6264, 0, regexLike, kernelNone},
	{"regexp_count(text,text) int4", 6254, 0, regexCount, kernelNone},
	{"regexp_count(text,text,int4) int4", 6255, 0, regexCount, kernelNone},
	{"regexp_count(text,text,int4,text) int4", 6256, 0, regexCount, kernelNone},
	{"regexp_substr(text,text) text", 6265, 0, regexSubstr, kernelNone},
	{"regexp_substr(text,text,int4) text", 6266, 0, regexSubstr, kernelNone},
	{"regexp_substr(text,text,int4,int4) text", 6267, 0, regexSubstr, kernelNone},
	{"regexp_substr(text,text,int4,int4,text) text", 6268, 0, regexSubstr, kernelNone},
	{"regexp_replace(text,text,text) text", 2284, 0, regexReplace, kernelNone},
	{"regexp_replace(text,text,text,text) text", 2285, 0, regexReplace, kernelNone},
	{"regexp_substr(text,text,int4,int4,text,int4) text", 6269, 0, regexSubstr, kernelNone},
	{"regexp_instr(text,text) int4", 6257, 0, regexInstr, kernelNone},
	{"regexp_instr(text,text,int4) int4", 6258, 0, regexInstr, kernelNone},
	{"regexp_instr(text,text,int4,int4) int4", 6259, 0, regexInstr, kernelNone},
	{"regexp_instr(text,text,int4,int4,int4) int4", 6260, 0, regexInstr, kernelNone},
	{"regexp_instr(text,text,int4,int4,int4,text) int4", 6261, 0, regexInstr, kernelNone},
	{"regexp_instr(text,text,int4,int4,int4,text,int4) int4", 6262, 0, regexInstr, kernelNone},
	{"regexp_replace(text,text,text,int4,int4,text) text", 6251, 0, regexReplaceFrom, kernelNone},
	{"regexp_replace(text,text,text,int4,int4) text", 6252, 0, regexReplaceFrom, kernelNone},
	{"regexp_replace(text,text,text,int4) text", 6253, 0, regexReplaceFrom, kernelNone},
	{"substring(text,text) text", 2073, 0, regexSubstring, kernelNone},
	{"similar_to_escape(text) text", 1987, 0, similarToEscape, kernelNone},
	{"similar_to_escape(text,text) text", 1986, 0, similarToEscape, kernelNone},
}

// regexFlags reads the option letters of a regular expression function.
func regexFlags(s string) (o regexOptions, global bool, err error) {
	for i := range len(s) {
		if s[i] == 'g' {
			global = true
			continue
		}
		known, err := o.set(s[i])
		if err != nil {
			return o, false, err
		}
		if !known {
			_, n := utf8.DecodeRuneInString(s[i:])
			return o, false, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid regular expression option: \"%s\"", s[i:i+n])
		}
	}
	return o, global, nil
}

// searcher compiles the regular expression of a function that depends on which of several matches of s is
// found: PostgreSQL takes the longest, Go's engine can do so only if no quantifier is lazy.
func searcher(s, pattern, flags string) (re *regexp.Regexp, global bool, err error) {
	o, global, err := regexFlags(flags)
	if err != nil {
		return nil, false, err
	}
	if !o.literal && lazy(pattern) {
		return nil, false, sqlerr.Unsupported("non-greedy quantifier in a regular expression that extracts text")
	}
	re, err = compileRegex(pattern, o)
	if err != nil {
		return nil, false, err
	}
	longest := *re
	longest.Longest()
	return &longest, global, checkWords(re, s)
}

// searchFrom is searcher of what begins at byte from of s. What looks back from there is refused: the engine sees
// only the rest.
func searchFrom(s, pattern, flags string, from int) (re *regexp.Regexp, global bool, err error) {
	if re, global, err = searcher(s, pattern, flags); err != nil || from == 0 {
		return re, global, err
	}
	for i, c := range pattern {
		if c == '^' && (i == 0 || pattern[i-1] != '[') || strings.HasPrefix(pattern[i:], `\A`) || strings.HasPrefix(pattern[i:], `\y`) ||
			strings.HasPrefix(pattern[i:], `\Y`) {
			return nil, false, sqlerr.Unsupported("a regular expression that looks back from where the search starts")
		}
	}
	return re, global, nil
}

// lazy reports whether a pattern has a non-greedy quantifier.
func lazy(p string) bool {
	for i := 1; i < len(p); i++ {
		if p[i] == '?' && strings.IndexByte("*+?}", p[i-1]) >= 0 && (i < 2 || p[i-2] != '\\') {
			return true
		}
	}
	return false
}

func argString(args []types.Datum, i int) string {
	if i < len(args) {
		return args[i].S
	}
	return ""
}

func noGlobal(flags, function string) error {
	if strings.Contains(flags, "g") {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "%s does not support the \"global\" option", function+"()")
	}
	return nil
}

func regexLike(_ *Context, args []types.Datum) (types.Datum, error) {
	flags := argString(args, 2)
	if err := noGlobal(flags, "regexp_like"); err != nil {
		return types.Datum{}, err
	}
	o, _, err := regexFlags(flags)
	if err != nil {
		return types.Datum{}, err
	}
	re, err := compileRegex(args[1].S, o)
	if err != nil {
		return types.Datum{}, err
	}
	if err := checkWords(re, args[0].S); err != nil {
		return types.Datum{}, err
	}
	return types.NewBool(re.MatchString(args[0].S)), nil
}

// startAt returns the byte of s where character n (from 1) begins; false if that is beyond the end of s.
func startAt(s string, n int64) (from int, ok bool, err error) {
	if n <= 0 {
		return 0, false, positive("start", n)
	}
	if n-1 > int64(utf8.RuneCountInString(s)) {
		return 0, false, nil
	}
	return byteOffset(s, int(n-1)), true, nil
}

func regexCount(_ *Context, args []types.Datum) (types.Datum, error) {
	s := args[0].S
	from, ok, err := startAt(s, argInt(args, 2, 1))
	if err != nil {
		return types.Datum{}, err
	}
	if err = noGlobal(argString(args, 3), "regexp_count"); err != nil {
		return types.Datum{}, err
	}
	re, _, err := searchFrom(s, args[1].S, argString(args, 3), from)
	if err != nil {
		return types.Datum{}, err
	}
	n := 0
	if ok {
		all, err := allMatches(re, s[from:], -1)
		if err != nil {
			return types.Datum{}, err
		}
		n = len(all)
	}
	return types.NewInt(types.Int4, int64(n)), nil
}

// positive checks an argument that counts from 1.
func positive(name string, n int64) error {
	if n <= 0 {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter \"%s\": %d", name, n)
	}
	return nil
}

func argInt(args []types.Datum, i int, absent int64) int64 {
	if i < len(args) {
		return args[i].I
	}
	return absent
}

// nthMatch finds match n from character start on, and returns the byte bounds in s of its subexpression
// (0: all of it); nil if there is none.
func nthMatch(s, pattern, flags, function string, start, n, sub int64) ([]int, error) {
	for _, check := range []struct {
		name  string
		value int64
	}{{"start", start}, {"n", n}, {"subexpr", sub + 1}} {
		if check.name == "subexpr" && sub < 0 {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter \"subexpr\": %d", sub)
		}
		if err := positive(check.name, check.value); err != nil {
			return nil, err
		}
	}
	if _, _, err := regexFlags(flags); err != nil {
		return nil, err
	}
	if err := noGlobal(flags, function); err != nil {
		return nil, err
	}
	skip, ok, err := startAt(s, start)
	if err != nil {
		return nil, err
	}
	re, _, err := searchFrom(s, pattern, flags, skip)
	if err != nil || !ok || int(sub) > re.NumSubexp() {
		return nil, err
	}
	all, err := allMatches(re, s[skip:], int(min(n, int64(2*len(s)+2))))
	if err != nil {
		return nil, err
	}
	if int64(len(all)) < n {
		return nil, nil
	}
	m := all[n-1][2*sub : 2*sub+2]
	if m[0] < 0 {
		return nil, nil
	}
	return []int{m[0] + skip, m[1] + skip}, nil
}

func regexSubstr(_ *Context, args []types.Datum) (types.Datum, error) {
	s := args[0].S
	m, err := nthMatch(s, args[1].S, argString(args, 4), "regexp_substr", argInt(args, 2, 1), argInt(args, 3, 1), argInt(args, 5, 0))
	if err != nil || m == nil {
		return types.NullOf(types.Text), err
	}
	return newText(s[m[0]:m[1]]), nil
}

// regexInstr returns the position of a match, or behind it if endoption is 1.
func regexInstr(_ *Context, args []types.Datum) (types.Datum, error) {
	s, end := args[0].S, argInt(args, 4, 0)
	if start := argInt(args, 2, 1); start <= 0 {
		return types.Datum{}, positive("start", start)
	}
	if n := argInt(args, 3, 1); n <= 0 {
		return types.Datum{}, positive("n", n)
	}
	if end != 0 && end != 1 {
		return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter \"endoption\": %d", end)
	}
	m, err := nthMatch(s, args[1].S, argString(args, 5), "regexp_instr", argInt(args, 2, 1), argInt(args, 3, 1), argInt(args, 6, 0))
	if err != nil || m == nil {
		return types.NewInt(types.Int4, 0), err
	}
	return types.NewInt(types.Int4, int64(utf8.RuneCountInString(s[:m[end]])+1)), nil
}

// regexSubstring returns the match, or what its first group matched.
func regexSubstring(_ *Context, args []types.Datum) (types.Datum, error) {
	re, _, err := searcher(args[0].S, args[1].S, "")
	if err != nil {
		return types.Datum{}, err
	}
	m := re.FindStringSubmatchIndex(args[0].S)
	if m == nil {
		return types.NullOf(types.Text), nil
	}
	if len(m) > 2 {
		m = m[2:]
		if m[0] < 0 {
			return types.NullOf(types.Text), nil
		}
	}
	return newText(args[0].S[m[0]:m[1]]), nil
}

func regexReplace(_ *Context, args []types.Datum) (types.Datum, error) {
	flags := argString(args, 3)
	if flags != "" && flags[0] >= '0' && flags[0] <= '9' {
		return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid regular expression option: \"%s\"", flags[:1]).
			WithHint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.")
	}
	_, global, err := regexFlags(flags)
	if err != nil {
		return types.Datum{}, err
	}
	n := int64(1)
	if global {
		n = 0
	}
	return replaceMatches(args[0].S, args[1].S, args[2].S, flags, 0, n)
}

// regexReplaceFrom replaces match n (0: all) from a start on.
func regexReplaceFrom(_ *Context, args []types.Datum) (types.Datum, error) {
	s, start, n := args[0].S, args[3].I, argInt(args, 4, 1)
	if err := positive("start", start); err != nil {
		return types.Datum{}, err
	}
	if n < 0 {
		return types.Datum{}, positive("n", n)
	}
	flags := argString(args, 5)
	if _, global, err := regexFlags(flags); err != nil {
		return types.Datum{}, err
	} else if global && len(args) < 5 {
		n = 0
	}
	from, ok, err := startAt(s, start)
	if err != nil {
		return types.Datum{}, err
	}
	if !ok { // the pattern is still checked
		_, _, err := searcher("", args[1].S, flags)
		return newText(s), err
	}
	return replaceMatches(s, args[1].S, args[2].S, flags, from, n)
}

// replaceMatches replaces match n, counted from byte from on, or all if n is 0.
func replaceMatches(s, pattern, with, flags string, from int, n int64) (types.Datum, error) {
	re, _, err := searchFrom(s, pattern, flags, from)
	if err != nil {
		return types.Datum{}, err
	}
	limit := -1
	if n > 0 {
		limit = int(min(n, int64(2*len(s)+2)))
	}
	var b strings.Builder
	b.WriteString(s[:from])
	s = s[from:]
	at := 0
	all, err := allMatches(re, s, limit)
	if err != nil {
		return types.Datum{}, err
	}
	for i, m := range all {
		if n > 0 && int64(i) != n-1 {
			continue
		}
		b.WriteString(s[at:m[0]])
		expandReplacement(&b, s, with, m)
		at = m[1]
		if b.Len() > stringBytesMax {
			return types.Datum{}, errStringTooLong
		}
	}
	b.WriteString(s[at:])
	return newText(b.String()), nil
}

// expandReplacement writes a replacement: \1 … \9 stand for groups, \& for the match, \\ for itself.
func expandReplacement(b *strings.Builder, s, with string, m []int) {
	for i := 0; i < len(with); i++ {
		c := with[i]
		if c != '\\' || i+1 == len(with) {
			b.WriteByte(c)
			continue
		}
		i++
		switch c = with[i]; {
		case c >= '1' && c <= '9':
			if g := int(c - '0'); 2*g+1 < len(m) && m[2*g] >= 0 {
				b.WriteString(s[m[2*g]:m[2*g+1]])
			}
		case c == '&':
			b.WriteString(s[m[0]:m[1]])
		case c == '\\':
			b.WriteByte('\\')
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
}

// similarToEscape turns a pattern of SIMILAR TO into a regular expression.
func similarToEscape(_ *Context, args []types.Datum) (types.Datum, error) {
	esc := `\`
	if len(args) == 2 {
		esc = args[1].S
	}
	if utf8.RuneCountInString(esc) > 1 {
		return types.Datum{}, sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").
			WithHint("Escape string must be empty or one character.")
	}
	var b strings.Builder
	b.WriteString("^(?:")
	escaped, bracket := false, false
	for _, r := range args[0].S {
		switch c := string(r); {
		case escaped:
			if c == `"` {
				return types.Datum{}, sqlerr.Unsupported("separator in a SIMILAR pattern")
			}
			b.WriteString(`\` + c)
			escaped = false
		case c == esc:
			escaped = true
		case bracket:
			if c == `\` {
				b.WriteByte('\\')
			}
			b.WriteString(c)
			bracket = c != "]"
		case c == "[":
			b.WriteString(c)
			bracket = true
		case c == "%":
			b.WriteString(".*")
		case c == "_":
			b.WriteString(".")
		case c == "(":
			b.WriteString("(?:")
		case strings.Contains(`\.^$`, c):
			b.WriteString(`\` + c)
		default:
			b.WriteString(c)
		}
	}
	b.WriteString(")$")
	return newText(b.String()), nil
}
