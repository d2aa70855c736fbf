package sqlparse

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/query/ast"
)

// ColumnNames returns the names, each in its parts, by which an expression text refers to columns.
func ColumnNames(text string) ([][]string, error) {
	refs, err := columnRefs(text)
	if err != nil {
		return nil, err
	}
	names := make([][]string, len(refs))
	for i, r := range refs {
		names[i] = r.Names
	}
	return names, nil
}

func columnRefs(text string) (refs []*ast.ColumnRef, err error) {
	e, err := ParseExpr(text)
	if err != nil {
		return nil, err
	}
	ast.Walk(e, func(e ast.Expr) {
		if c, ok := e.(*ast.ColumnRef); ok {
			refs = append(refs, c)
		}
	})
	return refs, nil
}

// RenameColumns returns an expression text with other names of columns: f gets the parts of each name and returns as
// many new ones, and quote writes a name as an identifier. Everything else stays as it was written.
func RenameColumns(text string, f func(names []string) []string, quote func(string) string) (string, error) {
	refs, err := columnRefs(text)
	if err != nil {
		return "", err
	}
	slices.SortFunc(refs, func(a, b *ast.ColumnRef) int { return b.Pos() - a.Pos() }) // from the end: offsets stay valid
	for _, r := range refs {
		was := slices.Clone(r.Names)
		now := f(r.Names)
		if r.Pos() > 0 && !slices.Equal(was, now) {
			text = replaceName(text, byteOffset(text, r.Pos()-1), was, now, quote)
		}
	}
	return text, nil
}

// replaceName replaces the parts that differ of the name that begins at a byte offset.
func replaceName(text string, at int, was, now []string, quote func(string) string) string {
	lx := lexer{text: text, pos: at}
	var b strings.Builder
	b.WriteString(text[:at])
	for i := range now {
		t := lx.next()
		b.WriteString(text[at:t.start])
		if was[i] == now[i] {
			b.WriteString(text[t.start:t.end])
		} else {
			b.WriteString(quote(now[i]))
		}
		if at = t.end; i < len(now)-1 {
			dot := lx.next()
			b.WriteString(text[at:dot.end])
			at = dot.end
		}
	}
	b.WriteString(text[at:])
	return b.String()
}

// byteOffset returns where the character with a number begins.
func byteOffset(text string, char int) int {
	at := 0
	for ; char > 0 && at < len(text); char-- {
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return at
}

// ReplaceLiterals returns an expression text with other string literals as arguments of calls: f gets each one, cast or
// not, and the call, and returns its new source, "" to leave it.
func ReplaceLiterals(text string, f func(*ast.Call, *ast.Literal) string) (string, error) {
	e, err := ParseExpr(text)
	if err != nil {
		return "", err
	}
	type change struct {
		at   int
		with string
	}
	var changes []change
	ast.Walk(e, func(e ast.Expr) {
		c, ok := e.(*ast.Call)
		if !ok {
			return
		}
		for _, a := range c.Args {
			if cast, ok := a.(*ast.Cast); ok {
				a = cast.Arg
			}
			if l, ok := a.(*ast.Literal); ok && l.Kind == ast.StringLiteral && l.Pos() > 0 {
				if with := f(c, l); with != "" {
					changes = append(changes, change{byteOffset(text, l.Pos()-1), with})
				}
			}
		}
	})
	slices.SortFunc(changes, func(a, b change) int { return b.at - a.at })
	for _, c := range changes {
		lx := lexer{text: text, pos: c.at}
		t := lx.next()
		text = text[:t.start] + c.with + text[t.end:]
	}
	return text, nil
}

// Star is what takes the place of a star in a select list: rel.* has one name before the star. With Before it is put
// before what stands there.
type Star struct {
	Names  int
	Text   string
	Before bool
}

// ReplaceStars returns the text of a query with other texts for the stars that begin at positions.
func ReplaceStars(text string, stars map[int]Star) string {
	positions := make([]int, 0, len(stars))
	for pos := range stars {
		positions = append(positions, pos)
	}
	slices.Sort(positions)
	slices.Reverse(positions) // from the end: offsets stay valid
	for _, pos := range positions {
		at := byteOffset(text, pos-1)
		if stars[pos].Before {
			text = text[:at] + stars[pos].Text + text[at:]
			continue
		}
		lx := lexer{text: text, pos: at}
		for range stars[pos].Names { // a name and a point
			lx.next()
			lx.next()
		}
		star := lx.next()
		text = text[:at] + stars[pos].Text + text[star.start+1:]
	}
	return text
}
