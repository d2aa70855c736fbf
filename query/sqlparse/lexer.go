package sqlparse

import "strings"

// tokenKind is as much of a token's meaning as the guards and the search for source spans need.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // an unquoted identifier or keyword
	tokQuoted           // a quoted identifier
	tokString           // any string constant
	tokNumber
	tokParam
	tokOperator
	tokPunct // one of ( ) [ ] , ; : .
)

type token struct {
	kind       tokenKind
	start, end int
}

// lexer splits text into tokens the way PostgreSQL's scanner does. It never fails: what the grammar
// will refuse (an unterminated string, say) becomes one token to the end of the text.
type lexer struct {
	text string
	pos  int
}

// text returns the token's source.
func (l *lexer) source(t token) string { return l.text[t.start:t.end] }

// is reports whether t is the given word in any case.
func (l *lexer) is(t token, word string) bool {
	return t.kind == tokWord && t.end-t.start == len(word) && strings.EqualFold(l.text[t.start:t.end], word)
}

// punct reports whether t is the given punctuation character.
func (l *lexer) punct(t token, c byte) bool { return t.kind == tokPunct && l.text[t.start] == c }

// next returns the next token; at the end of the text one of kind tokEnd.
func (l *lexer) next() token {
	l.skipBlanks()
	start := l.pos
	if start >= len(l.text) {
		return token{tokEnd, start, start}
	}
	kind := l.scan(l.text[start])
	return token{kind, start, l.pos}
}

func (l *lexer) scan(c byte) tokenKind {
	switch {
	case isWordStart(c):
		return l.word(c)
	case isDigit(c) || c == '.' && l.pos+1 < len(l.text) && isDigit(l.text[l.pos+1]):
		l.number()
		return tokNumber
	case c == '\'':
		l.quoted('\'', false)
		return tokString
	case c == '"':
		l.quoted('"', false)
		return tokQuoted
	case c == '$':
		return l.dollar()
	case isOperatorChar(c):
		l.operator()
		return tokOperator
	}
	l.pos++
	return tokPunct
}

// word scans an identifier, or a string with a letter before its quote: E'…', B'…', X'…', N'…', U&'…'.
func (l *lexer) word(c byte) tokenKind {
	rest := l.text[l.pos:]
	if len(rest) > 1 && rest[1] == '\'' && strings.IndexByte("eEbBxXnN", c) >= 0 {
		l.pos++
		l.quoted('\'', c == 'e' || c == 'E')
		return tokString
	}
	if len(rest) > 2 && (c == 'u' || c == 'U') && rest[1] == '&' && (rest[2] == '\'' || rest[2] == '"') {
		l.pos += 2
		l.quoted(rest[2], false)
		if rest[2] == '"' {
			return tokQuoted
		}
		return tokString
	}
	for l.pos < len(l.text) && isWordPart(l.text[l.pos]) {
		l.pos++
	}
	return tokWord
}

// number scans a numeric constant with whatever letters follow it directly; the grammar judges them.
func (l *lexer) number() {
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		exponentSign := (c == '+' || c == '-') && (l.text[l.pos-1]|0x20) == 'e' && l.digitAt(l.pos+1)
		rangeDots := c == '.' && l.pos+1 < len(l.text) && l.text[l.pos+1] == '.'
		if !isWordPart(c) && c != '.' && !exponentSign || rangeDots {
			return
		}
		l.pos++
	}
}

func (l *lexer) digitAt(i int) bool { return i < len(l.text) && isDigit(l.text[i]) }

// quoted scans to the closing quote; a doubled quote stands for itself.
func (l *lexer) quoted(q byte, backslash bool) {
	l.pos++
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == '\\' && backslash:
			l.pos++
		case c == q:
			if l.pos+1 >= len(l.text) || l.text[l.pos+1] != q {
				l.pos++
				return
			}
			l.pos++
		}
		l.pos++
	}
	l.pos = len(l.text)
}

// dollar scans a parameter, or a dollar-quoted string.
func (l *lexer) dollar() tokenKind {
	rest := l.text[l.pos:]
	if l.digitAt(l.pos + 1) {
		l.pos++
		for l.pos < len(l.text) && isWordPart(l.text[l.pos]) {
			l.pos++
		}
		return tokParam
	}
	n := 1
	for n < len(rest) && isWordPart(rest[n]) && rest[n] != '$' {
		n++
	}
	if n >= len(rest) || rest[n] != '$' {
		l.pos++
		return tokPunct
	}
	tag := rest[:n+1]
	if end := strings.Index(rest[n+1:], tag); end >= 0 {
		l.pos += n + 1 + end + len(tag)
	} else {
		l.pos = len(l.text)
	}
	return tokString
}

func (l *lexer) operator() {
	for l.pos < len(l.text) && isOperatorChar(l.text[l.pos]) {
		if strings.HasPrefix(l.text[l.pos:], "--") || strings.HasPrefix(l.text[l.pos:], "/*") {
			return
		}
		l.pos++
	}
}

// skipBlanks skips white space and comments, which nest.
func (l *lexer) skipBlanks() {
	for l.pos < len(l.text) {
		switch rest := l.text[l.pos:]; {
		case isBlank(rest[0]):
			l.pos++
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexAny(rest, "\r\n")
			if n < 0 {
				n = len(rest)
			}
			l.pos += n
		case strings.HasPrefix(rest, "/*"):
			l.comment()
		default:
			return
		}
	}
}

func (l *lexer) comment() {
	depth := 0
	for l.pos < len(l.text) {
		switch rest := l.text[l.pos:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return
			}
		default:
			l.pos++
		}
	}
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

func isOperatorChar(c byte) bool {
	return strings.IndexByte("~!@#^&|`?+-*/%<>=", c) >= 0
}
