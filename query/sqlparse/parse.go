package sqlparse

import (
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

// Parse returns the statements of a text of at most TextBytesMax bytes. Empty statements are left out.
func Parse(text string) ([]ast.Statement, error) { return ParseLimit(text, TextBytesMax) }

// ParseLimit is Parse with another bound on the size of the text.
func ParseLimit(text string, bytesMax int) ([]ast.Statement, error) {
	return parse(text, bytesMax, nil, grammarParse)
}

func parse(
	text string, bytesMax int, poll *interrupt.Poller, grammar func(string) (*pgParseResult, error),
) ([]ast.Statement, error) {
	if err := guard(text, bytesMax, poll); err != nil {
		return nil, err
	}
	tree, err := grammar(text)
	if err != nil {
		return nil, err
	}
	out := make([]ast.Statement, 0, len(tree.GetStmts()))
	pos := newPositions(text)
	for _, raw := range tree.GetStmts() {
		s, err := convertStatement(text, raw, pos, poll)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ParseExpr returns the expression that a text such as a stored default or CHECK condition is. Positions
// in it count from the beginning of the text.
func ParseExpr(text string) (ast.Expr, error) {
	const prefix = "SELECT "
	stmts, err := Parse(prefix + text)
	if err != nil {
		return nil, moveError(err, -len(prefix))
	}
	if len(stmts) == 1 {
		if e, ok := soleExpr(stmts[0].Body); ok {
			return moved(e, -len(prefix)), nil
		}
	}
	return nil, sqlerr.Newf(sqlerr.SyntaxError, "not an expression: %s", text)
}

// soleExpr returns the expression of "SELECT expression", if s is nothing else.
func soleExpr(s ast.Stmt) (ast.Expr, bool) {
	q, ok := s.(*ast.Query)
	if !ok || q.With != nil || q.OrderBy != nil || q.Limit != nil || q.Offset != nil || q.Locks != nil {
		return nil, false
	}
	sel, ok := q.Body.(*ast.Select)
	if !ok || len(sel.Targets) != 1 || sel.Distinct || sel.DistinctOn != nil || sel.From != nil ||
		sel.Where != nil || sel.GroupBy != nil || sel.Having != nil || sel.Targets[0].Alias != "" {
		return nil, false
	}
	return sel.Targets[0].Expr, true
}

func moveError(err error, by int) error {
	e := sqlerr.From(err)
	if e.Position == 0 {
		return err
	}
	c := e.WithMessage("%s", e.Message)
	c.Position = max(1, c.Position+by)
	return c
}

// Split returns the statements of a text as text, without parsing them: it cuts at semicolons outside of
// parentheses, strings and comments. Texts of blanks and comments alone are left out.
func Split(text string) []string {
	var out []string
	lx := lexer{text: text}
	depth, start, empty := 0, 0, true
	for {
		t := lx.next()
		cut := t.kind == tokEnd || depth == 0 && lx.punct(t, ';')
		switch {
		case cut && !empty:
			out = append(out, strings.TrimSpace(text[start:t.start]))
		case lx.punct(t, '('):
			depth++
		case lx.punct(t, ')'):
			depth = max(0, depth-1)
		}
		if t.kind == tokEnd {
			return out
		}
		empty = cut
		if cut {
			start = t.end
		}
	}
}

// positions turns byte offsets of a text into character positions.
type positions struct {
	text string
	// runes[i] is the number of characters before byte i*positionStep; nil for ASCII texts.
	runes []int32
}

const positionStep = 256

func newPositions(text string) *positions {
	p := &positions{text: text}
	if utf8.RuneCountInString(text) == len(text) {
		return p
	}
	n := 0
	for i := 0; i < len(text); i += positionStep {
		p.runes = append(p.runes, int32(n))
		n += runeStarts(text[i:min(i+positionStep, len(text))])
	}
	return p
}

// runeStarts counts the characters that begin in s, which may start or end within one.
func runeStarts(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xc0 != 0x80 {
			n++
		}
	}
	return n
}

// at returns the position of a byte offset; 0 for a negative one, which means unknown.
func (p *positions) at(offset int32) ast.At {
	switch {
	case offset < 0 || int(offset) > len(p.text):
		return 0
	case p.runes == nil || len(p.text) == 0:
		return ast.At(offset + 1)
	}
	b := min(int(offset)/positionStep, len(p.runes)-1)
	return ast.At(int(p.runes[b]) + runeStarts(p.text[b*positionStep:offset]) + 1)
}
