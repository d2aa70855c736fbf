package sqlparse

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/sqlerr"
)

// Limits of a text. The grammar is recursive and takes time quadratic in the nesting of parentheses.
const (
	// TextBytesMax is the default bound on the size of a text.
	TextBytesMax = 16 << 20
	// nestingMax bounds how deep parentheses, CASE, joins and prefix operators nest together.
	nestingMax = 1000
	// chainMax bounds the depth of the tree, which long chains of infix operators reach.
	chainMax = 5000
)

func errTooDeep() *sqlerr.Error {
	return sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded").
		WithHint("Expressions and queries may nest at most %d levels deep.", nestingMax)
}

// guard refuses texts that the grammar must not see.
func guard(text string, bytesMax int, poll *interrupt.Poller) error {
	if len(text) > bytesMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded,
			"statement of %d bytes exceeds the limit of %d bytes", len(text), bytesMax)
	}
	if err := checkEncoding(text); err != nil {
		return err
	}
	return guardTokens(text, poll)
}

func checkEncoding(text string) error {
	bad := strings.IndexByte(text, 0)
	if !utf8.ValidString(text) {
		bad = invalidUTF8(text)
	}
	if bad < 0 {
		return nil
	}
	n := min(sequenceBytes(text[bad]), len(text)-bad)
	var sb strings.Builder
	for i := range n {
		fmt.Fprintf(&sb, " 0x%02x", text[bad+i])
	}
	return sqlerr.Newf(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\":%s", sb.String())
}

// sequenceBytes returns how many bytes the character that c begins should have.
func sequenceBytes(c byte) int {
	switch {
	case c&0xe0 == 0xc0:
		return 2
	case c&0xf0 == 0xe0:
		return 3
	case c&0xf8 == 0xf0:
		return 4
	}
	return 1
}

func invalidUTF8(text string) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// nesting counts how deep the grammar would recurse at the current token. Each open bracket starts a
// frame; joins whose ON has not come, CASEs without END and prefix operators without operand nest in it.
type nesting struct {
	frames []frame
	run    int // prefix operators directly before the current token
}

type frame struct{ base, joins, cases int }

func (n *nesting) depth() int {
	f := &n.frames[len(n.frames)-1]
	return f.base + f.joins + f.cases + n.run
}

func (n *nesting) push() {
	n.frames = append(n.frames, frame{base: n.depth() + 1})
	n.run = 0
}

func (n *nesting) pop() {
	n.run = 0
	if len(n.frames) > 1 {
		n.frames = n.frames[:len(n.frames)-1]
	}
}

func guardTokens(text string, poll *interrupt.Poller) error {
	lx := lexer{text: text}
	n := nesting{frames: make([]frame, 1, 16)}
	for {
		t := lx.next()
		if t.kind == tokEnd {
			return nil
		}
		if err := poll.Err(); err != nil {
			return err
		}
		if t.kind == tokParam {
			if err := checkParam(text, lx.source(t), t.start); err != nil {
				return err
			}
		}
		n.add(&lx, t)
		if n.depth() > nestingMax {
			return errTooDeep()
		}
	}
}

func (n *nesting) add(lx *lexer, t token) {
	f := &n.frames[len(n.frames)-1]
	switch t.kind {
	case tokOperator:
		n.run++
		return
	case tokPunct:
		switch lx.text[t.start] {
		case '(', '[':
			n.push()
		case ')', ']':
			n.pop()
		case ';':
			*f = frame{base: f.base}
		}
	case tokWord:
		switch {
		case lx.is(t, "not"):
			n.run++
			return
		case lx.is(t, "case"):
			f.cases++
		case lx.is(t, "end"):
			f.cases = max(0, f.cases-1)
		case lx.is(t, "join"):
			f.joins++
		case lx.is(t, "on"), lx.is(t, "using"):
			f.joins = max(0, f.joins-1)
		}
	}
	n.run = 0
}

// checkParam refuses parameters that PostgreSQL refuses and the grammar accepts.
func checkParam(text, param string, offset int) error {
	at := func() int { return utf8.RuneCountInString(text[:offset]) + 1 } // only for errors: it reads the text from its start
	digits := strings.TrimRight(param[1:], "_$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if digits != param[1:] || strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return sqlerr.Newf(sqlerr.SyntaxError, "trailing junk after parameter at or near \"%s\"", param).At(at())
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return sqlerr.Newf(sqlerr.SyntaxError, "parameter number too large at or near \"%s\"", param).At(at())
	}
	if n == 0 {
		return sqlerr.Newf(sqlerr.UndefinedParameter, "there is no parameter %s", param).At(at())
	}
	return nil
}
