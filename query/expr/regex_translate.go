package expr

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/laminadb/lamina/sqlerr"
)

// wordBound and noWordBound are Go's spelling of \y and \Y.
const wordBound, noWordBound = `\b`, `\B`

// regexEscapes maps the constraint and character escapes whose Go spelling differs.
var regexEscapes = map[byte]string{
	'y': wordBound, 'Y': noWordBound, 'Z': `\z`, 'e': `\x1b`, 'B': `\\`,
}

// regexClasses gives the class that a class-shorthand escape means.
var regexClasses = map[byte]string{'d': "digit", 's': "space", 'w': "word", 'D': "digit", 'S': "space", 'W': "word"}

// characterClasses are the members of bracket classes, as the inside of Go's brackets: those of PostgreSQL's C.UTF-8.
var characterClasses = sync.OnceValue(func() map[string]string {
	const space = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	alpha := `\p{L}\p{Nl}` + tableRanges(unicode.Other_Alphabetic)
	return map[string]string{
		"alpha": alpha, "digit": "0-9", "alnum": alpha + "0-9", "word": alpha + "0-9_", "space": space,
		"upper": `\p{Lu}` + tableRanges(unicode.Other_Uppercase), "lower": `\p{Ll}` + tableRanges(unicode.Other_Lowercase),
		"blank": `\t\p{Zs}`, "cntrl": `\p{Cc}`, "xdigit": "0-9A-Fa-f", "punct": `\p{P}\p{S}`, "ascii": `\x00-\x7f`,
	}
})

// tableRanges writes a table as the inside of brackets.
func tableRanges(t *unicode.RangeTable) string {
	var b strings.Builder
	write := func(lo, hi, stride uint32) {
		if stride == 1 {
			fmt.Fprintf(&b, `\x{%x}-\x{%x}`, lo, hi)
			return
		}
		for c := lo; c <= hi; c += stride {
			fmt.Fprintf(&b, `\x{%x}`, c)
		}
	}
	for _, r := range t.R16 {
		write(uint32(r.Lo), uint32(r.Hi), uint32(r.Stride))
	}
	for _, r := range t.R32 {
		write(r.Lo, r.Hi, r.Stride)
	}
	return b.String()
}

// regexTranslator rewrites a pattern for Go's engine.
type regexTranslator struct {
	p         string
	i         int
	o         regexOptions
	b         strings.Builder
	inBracket bool
}

// translateRegex rewrites what differs, and refuses what has no counterpart.
func translateRegex(p string, o regexOptions) (string, error) {
	t := regexTranslator{p: p, o: o}
	for t.i < len(p) {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	return t.b.String(), nil
}

// step translates what stands at i.
func (t *regexTranslator) step() error {
	c, rest := t.p[t.i], t.p[t.i:]
	switch {
	case c == '\\' && len(rest) > 1:
		return t.escape(rest[1])
	case c == '(' && strings.HasPrefix(rest, "(?") && !t.inBracket && !strings.HasPrefix(rest, "(?:"):
		return sqlerr.Unsupported("look around in a regular expression")
	case c == '[' && !t.inBracket:
		t.openBracket()
		return nil
	case c == '[' && strings.HasPrefix(rest, "[:"):
		return t.class(rest)
	case c == '[' && (strings.HasPrefix(rest, "[.") || strings.HasPrefix(rest, "[=")):
		return sqlerr.Unsupported("collating element in a regular expression")
	case c == '[':
		t.b.WriteString(`\[`)
	case c == ']' && t.inBracket:
		t.inBracket = false
		t.b.WriteByte(c)
	default:
		t.b.WriteByte(c)
	}
	t.i++
	return nil
}

func (t *regexTranslator) openBracket() {
	t.inBracket = true
	t.b.WriteByte('[')
	t.i++
	if strings.HasPrefix(t.p[t.i:], "^") {
		t.b.WriteByte('^')
		if t.o.noLines {
			t.b.WriteString(`\n`)
		}
		t.i++
	}
	if strings.HasPrefix(t.p[t.i:], "]") {
		t.b.WriteString(`\]`)
		t.i++
	}
}

func (t *regexTranslator) escape(e byte) error {
	t.i += 2
	if e >= '1' && e <= '9' && !t.inBracket {
		return sqlerr.Unsupported("back reference in a regular expression")
	}
	if e == 'm' || e == 'M' {
		return sqlerr.Unsupported("\\" + string(rune(e)) + " in a regular expression")
	}
	if name, ok := regexClasses[e]; ok {
		members := characterClasses()[name]
		switch negated := e < 'a'; {
		case !t.inBracket && negated:
			t.b.WriteString("[^" + members + "]")
		case !t.inBracket:
			t.b.WriteString("[" + members + "]")
		case negated:
			return sqlerr.New(sqlerr.InvalidRegularExpression, `invalid regular expression: invalid escape \ sequence`)
		default:
			t.b.WriteString(members)
		}
		return nil
	}
	if s, ok := regexEscapes[e]; ok {
		t.b.WriteString(s)
		return nil
	}
	t.b.WriteString(`\` + string(rune(e)))
	if e >= 0x80 { // the first byte of a character
		s := t.b.String()
		t.b.Reset()
		t.b.WriteString(s[:len(s)-len(`\`+string(rune(e)))])
		t.i--
	}
	return nil
}

// class writes the members of a class in brackets.
func (t *regexTranslator) class(rest string) error {
	end := strings.Index(rest, ":]")
	if end < 0 {
		return sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: invalid character class")
	}
	name := rest[2:end]
	t.i += end + 2
	if t.o.fold && (name == "lower" || name == "upper") {
		name = "alpha"
	}
	if members, ok := characterClasses()[name]; ok {
		t.b.WriteString(members)
		return nil
	}
	switch name {
	case "graph", "print", "<", ">":
		return sqlerr.Unsupported("[:" + name + ":] in a regular expression")
	}
	return sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: invalid character class")
}
