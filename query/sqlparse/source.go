package sqlparse

import "strings"

// The functions here find the source text of expressions and queries that are stored as text: the tree
// has only the positions of some of their tokens.

// checkText returns what stands in the parentheses of CHECK; the constraint begins at byte from.
func (c *converter) checkText(from int) string {
	lx := c.lexer(from)
	for t := lx.next(); t.kind != tokEnd; t = lx.next() {
		if lx.is(t, "check") {
			open := lx.next()
			return strings.TrimSpace(c.text[open.end:lx.closing()])
		}
	}
	return ""
}

// closing returns the byte offset of the parenthesis that closes the one just read.
func (l *lexer) closing() int {
	for depth := 1; ; {
		switch t := l.next(); {
		case t.kind == tokEnd:
			return t.start
		case l.punct(t, '('):
			depth++
		case l.punct(t, ')'):
			depth--
			if depth == 0 {
				return t.start
			}
		}
	}
}

// defaultText returns the expression of DEFAULT; the constraint begins at byte from, and its siblings at
// starts.
func (c *converter) defaultText(from int, starts map[int32]bool) string {
	lx := c.lexer(from)
	for t := lx.next(); t.kind != tokEnd; t = lx.next() {
		if lx.is(t, "default") {
			return c.exprText(lx, starts)
		}
	}
	return ""
}

// exprText returns the expression that follows, up to a comma, closing parenthesis or semicolon outside
// of parentheses, or to one of starts.
func (c *converter) exprText(lx *lexer, starts map[int32]bool) string {
	first := lx.next()
	depth := 0
	for t := first; ; t = lx.next() {
		opens := lx.punct(t, '(') || lx.punct(t, '[')
		closes := lx.punct(t, ')') || lx.punct(t, ']')
		stop := closes || lx.punct(t, ',') || lx.punct(t, ';') || t != first && starts[int32(t.start)]
		if t.kind == tokEnd || depth == 0 && stop {
			return strings.TrimSpace(c.text[first.start:t.start])
		}
		if opens {
			depth++
		} else if closes {
			depth--
		}
	}
}

// generatedText returns what stands in the parentheses of GENERATED ALWAYS AS; the constraint begins at byte from.
func (c *converter) generatedText(from int) string {
	lx := c.lexer(from)
	for t := lx.next(); t.kind != tokEnd; t = lx.next() {
		if lx.is(t, "as") {
			open := lx.next()
			return strings.TrimSpace(c.text[open.end:lx.closing()])
		}
	}
	return ""
}

// setDefaultText returns the expression of the n-th SET DEFAULT of the statement.
func (c *converter) setDefaultText(n int) string {
	lx := c.lexer(c.start)
	set := false
	for t := lx.next(); t.kind != tokEnd; t = lx.next() {
		if set && lx.is(t, "default") {
			if n--; n == 0 {
				return c.exprText(lx, nil)
			}
		}
		set = lx.is(t, "set")
	}
	return ""
}

// textAfterAs returns what follows the first AS outside of parentheses after the keyword.
func (c *converter) textAfterAs(keyword string) string {
	at, _ := c.offsetAfterAs(keyword)
	return strings.TrimSpace(c.text[at:c.end])
}

// offsetAfterAs returns where the first token after AS begins.
func (c *converter) offsetAfterAs(keyword string) (offset int, found bool) {
	lx := c.lexer(c.start)
	seen, depth := false, 0
	for t := lx.next(); t.kind != tokEnd; t = lx.next() {
		switch {
		case lx.is(t, keyword):
			seen = true
		case lx.punct(t, '('):
			depth++
		case lx.punct(t, ')'):
			depth--
		case seen && depth == 0 && lx.is(t, "as"):
			return lx.next().start, true
		}
	}
	return c.end, false
}
