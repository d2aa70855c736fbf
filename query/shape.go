package query

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// The shape of a text is the text without those literals that parameters could stand for. Texts of one shape have the
// same syntax tree but for the values of these literals:
//
//   - A literal is taken out only where the grammar has an expression, and a parameter would be the same operand: right
//     after a lone = in WHERE or SET, after an arithmetic operator in SET if it is a number, or as an item of VALUES;
//     and only if what follows ends the operand: AND, a comma, the clause or the text.
//   - Everything else belongs to the shape byte by byte, literals of LIMIT, casts and types among it.
//   - What the scanner does not know for sure (comments, operators of several characters, $, casts, escapes, exponents,
//     several statements, …) has no shape: the grammar reads it.
//   - Of several rows of VALUES only the first belongs to the shape, if it has nothing but literals, and the other rows have
//     literals of the same kinds, or NULL.
//
// The kind of each literal is a part of the shape too. Strings have no type yet, as parameters without one.

// Bounds of what has a shape: its text, the literals that are taken out, but for further rows, and the rows. These are one
// batch, so that all of their values are computed before one is written.
const (
	shapeTextMax     = 1 << 20
	shapeLiteralsMax = 256
	shapeRowsMax     = vec.Size
)

// shapeLiteral is a literal that was taken out: text[from:to], a sign included.
type shapeLiteral struct {
	from, to int32
	kind     types.Kind // Int4, Int8, Numeric, or Unknown for strings
	doubled  bool       // the string has quotes, which are written twice
	null     bool       // in further rows: NULL
	number   int64      // of Int4 and Int8
}

// shapeMark stands in a shape before the kind of a literal; no text has it.
const shapeMark = 0

// shapeToken is as much of a token as decides where literals may be taken out.
type shapeToken uint8

const (
	shapeNone   shapeToken = iota // begin of the text
	shapeEnd                      // its end, or that of the statement
	shapeWord                     // keyword or name
	shapeName                     // quoted
	shapeNumber                   // without a sign, or with one that belongs to it
	shapeString
	shapeEqual
	shapeSign // + - *
	shapeOpen
	shapeClose
	shapeComma
	shapeOther // comparisons, division, dots
)

// shapeClause is where in its statement a token stands.
type shapeClause uint8

const (
	shapeHead   shapeClause = iota // before the clauses below
	shapeValues                    // VALUES of INSERT
	shapeSet
	shapeWhere
	shapeRest // after them
)

// shapeScanner finds the shape of one text after the other, in memory that it keeps.
type shapeScanner struct {
	text     string
	at       int
	key      []byte // the shape
	copied   int    // how much of text is in key, or not to be there
	literals []shapeLiteral
	// literals[width:] are of further rows, which are text[rowsFrom:rowsTo]; width is 0 without such.
	width, rowsFrom, rowsTo int

	verb   byte // the first letter of SELECT, INSERT, UPDATE or DELETE
	clause shapeClause
	depth  int
	commas int // in the row of VALUES
	// before are the two tokens before the one that is looked at, the last first.
	before [2]shapeToken
	// held is a literal that is taken out if the token after it ends its operand.
	held    shapeLiteral
	holding bool
}

// scan finds the shape of a text; false if it has none, or no literals to take out.
func (s *shapeScanner) scan(text string) bool {
	*s = shapeScanner{text: text, key: s.key[:0], literals: s.literals[:0]}
	for {
		start := s.at
		tok, ok := s.next()
		if !ok || !s.step(tok, text[start:s.at]) {
			return false
		}
		if tok == shapeEnd && s.at >= len(text) {
			break
		}
	}
	s.key = append(s.key, text[s.copied:]...)
	return len(s.literals) > 0 && len(s.key) <= planCacheTextMax
}

// next scans a token, which ends at s.at; blanks before it belong to it. False: the text has no shape.
func (s *shapeScanner) next() (tok shapeToken, ok bool) {
	s.blanks()
	if s.at >= len(s.text) {
		return shapeEnd, true
	}
	c := s.text[s.at]
	switch {
	case isLetter(c):
		return shapeWord, s.word()
	case isDigit(c):
		return shapeNumber, s.number(s.at)
	case c == '\'':
		return shapeString, s.quoted(c)
	case c == '"':
		return shapeName, s.quoted(c)
	}
	s.at++
	switch c {
	case '(':
		return shapeOpen, true
	case ')':
		return shapeClose, true
	case ',':
		return shapeComma, true
	case ';':
		return shapeEnd, true
	case '.':
		return shapeOther, true
	}
	return s.operator(c)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// peek returns the next byte, 0 at the end.
func (s *shapeScanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// word scans a word; one right before a quote may be the beginning of a string.
func (s *shapeScanner) word() bool {
	for isLetter(s.peek()) || isDigit(s.peek()) {
		s.at++
	}
	return s.peek() != '\'' && s.peek() != '"' && s.peek() != '$' && s.peek() < utf8.RuneSelf
}

// number scans digits, with a point within them or not.
func (s *shapeScanner) number(from int) bool {
	first := s.at
	kind := types.Int4
	for isDigit(s.peek()) {
		s.at++
	}
	if s.text[first] == '0' && s.at > first+1 {
		return false // the grammar says what 007 is
	}
	if s.peek() == '.' {
		kind = types.Numeric
		s.at++
		if !isDigit(s.peek()) {
			return false
		}
		for isDigit(s.peek()) {
			s.at++
		}
	}
	if isLetter(s.peek()) || s.peek() == '.' || s.peek() == '$' || s.peek() >= utf8.RuneSelf {
		return false
	}
	s.held = shapeLiteral{from: int32(from), to: int32(s.at), kind: kind}
	if kind == types.Numeric {
		return true
	}
	n, err := strconv.ParseInt(s.text[from:s.at], 10, 64)
	if err != nil {
		return false // too large
	}
	if !types.IntInRange(types.Int4, n) {
		s.held.kind = types.Int8
	}
	s.held.number = n
	return true
}

// quoted scans a string or a quoted name.
func (s *shapeScanner) quoted(q byte) bool {
	from := s.at
	doubled, wide := false, false
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == 0:
			return false
		case c >= utf8.RuneSelf:
			wide = true
		case c != q:
		case s.at+1 < len(s.text) && s.text[s.at+1] == q:
			s.at++
			doubled = true
		default:
			s.at++
			if wide && !utf8.ValidString(s.text[from:s.at]) {
				return false
			}
			s.held = shapeLiteral{from: int32(from), to: int32(s.at), kind: types.Unknown, doubled: doubled}
			return true
		}
	}
	return false
}

// operator goes on after the first character of an operator. Of several characters only comparisons are known: where
// others end, and comments begin, is left to the grammar.
func (s *shapeScanner) operator(c byte) (tok shapeToken, ok bool) {
	next := s.peek()
	switch {
	case c == '-' && isDigit(next) && s.signs():
		return shapeNumber, s.number(s.at - 1)
	case strings.IndexByte("~!@#^&|`?+-*/%<>=", next) >= 0 && next != 0:
		if pair := s.text[s.at-1 : s.at+1]; pair != "<=" && pair != ">=" && pair != "<>" && pair != "!=" {
			return 0, false
		}
		s.at++
		if next = s.peek(); next != 0 && strings.IndexByte("~!@#^&|`?+-*/%<>=", next) >= 0 {
			return 0, false
		}
		return shapeOther, true
	case c == '=':
		return shapeEqual, true
	case c == '+' || c == '-' || c == '*':
		return shapeSign, true
	}
	return shapeOther, c == '<' || c == '>' || c == '/'
}

// signs reports whether a minus here is the sign of the number after it.
func (s *shapeScanner) signs() bool {
	switch s.before[0] {
	case shapeEqual, shapeSign, shapeOpen, shapeComma:
		return true
	}
	return false
}

// step looks at a token with the blanks before it; false: the text has no shape.
func (s *shapeScanner) step(tok shapeToken, source string) bool {
	word := ""
	if tok == shapeWord {
		word = strings.TrimLeft(source, " \n\t\r")
	}
	found := s.held
	if s.holding && s.ends(tok, word) && !s.takeOut() {
		return false
	}
	s.holding = false
	if s.before[0] == shapeNone && !s.begins(word) || s.before[0] == shapeEnd && tok != shapeEnd {
		return false // no statement that has shapes, or a second one
	}
	if s.clause == shapeValues && s.depth == 0 && s.before[0] == shapeClose {
		if !s.afterRow(tok, word) {
			return false
		}
		if tok == shapeComma { // other rows have been scanned
			return true
		}
	}
	switch tok {
	case shapeOpen:
		s.depth++
	case shapeClose:
		if s.depth--; s.depth < 0 {
			return false
		}
	case shapeComma:
		if s.clause == shapeValues && s.depth == 1 {
			s.commas++
		}
	case shapeWord:
		if s.depth == 0 {
			s.enter(word)
		}
	case shapeNumber, shapeString:
		if s.operand(tok) {
			s.held, s.holding = found, true
		}
	}
	s.before[1], s.before[0] = s.before[0], tok
	return true
}

// begins notes what kind of statement begins with a word.
func (s *shapeScanner) begins(word string) bool {
	for _, verb := range [...]string{"select", "insert", "update", "delete"} {
		if strings.EqualFold(word, verb) {
			s.verb = verb[0]
			return true
		}
	}
	return false
}

// enter notes that a word outside of parentheses may begin a clause.
func (s *shapeScanner) enter(word string) {
	switch {
	case s.clause == shapeHead && s.verb == 'i':
		if strings.EqualFold(word, "values") {
			s.clause = shapeValues
		}
	case s.clause == shapeHead && s.verb == 'u':
		if strings.EqualFold(word, "set") {
			s.clause = shapeSet
		}
	case s.clause == shapeHead || s.clause == shapeSet:
		if strings.EqualFold(word, "where") {
			s.clause = shapeWhere
		}
	case s.clause == shapeWhere:
		if isOneOf(word, "returning", "limit", "order", "group", "having", "union", "intersect", "except", "window", "for", "offset", "fetch") {
			s.clause = shapeRest
		}
	}
}

func isOneOf(word string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}

// afterRow looks at what follows a row of VALUES; false: it is not known.
func (s *shapeScanner) afterRow(tok shapeToken, word string) bool {
	switch {
	case tok == shapeEnd:
		return true
	case tok == shapeComma:
		return s.width == 0 && s.rows()
	}
	s.clause = shapeRest
	return isOneOf(word, "returning", "on")
}

// rows scans further rows of VALUES, after the comma that stands before them.
func (s *shapeScanner) rows() bool {
	s.width, s.rowsFrom = len(s.literals), s.at-1
	if s.width != s.commas+1 {
		return false
	}
	for n := 1; ; n++ {
		if n == shapeRowsMax || !s.skip('(') {
			return false
		}
		for i := range s.width {
			if i > 0 && !s.skip(',') || !s.item(s.literals[i].kind) {
				return false
			}
		}
		if !s.skip(')') {
			return false
		}
		end := s.at
		if s.skip(',') {
			continue
		}
		s.at, s.rowsTo = end, end
		s.key = append(s.key, s.text[s.copied:s.rowsFrom]...)
		s.copied = end
		return true
	}
}

// blanks skips white space.
func (s *shapeScanner) blanks() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\t' || s.text[s.at] == '\r') {
		s.at++
	}
}

// skip skips a character and the blanks before it, if it is there.
func (s *shapeScanner) skip(c byte) bool {
	s.blanks()
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// item scans a literal of a kind, or NULL, in a further row.
func (s *shapeScanner) item(kind types.Kind) bool {
	s.blanks()
	from := s.at
	ok := false
	switch c := s.peek(); {
	case isDigit(c):
		ok = s.number(from)
	case c == '-':
		s.at++
		ok = isDigit(s.peek()) && s.number(from)
	case c == '\'':
		ok = s.quoted(c)
	case isLetter(c):
		if !s.word() || !strings.EqualFold(s.text[from:s.at], "null") {
			return false
		}
		s.held, ok = shapeLiteral{kind: kind, null: true}, true
	}
	if !ok || s.held.kind != kind && !invariants.Mutant("query-rows-of-any-kind") {
		return false
	}
	s.literals = append(s.literals, s.held)
	return true
}

// operand reports whether a literal may be an operand that a parameter could stand for.
func (s *shapeScanner) operand(tok shapeToken) bool {
	switch s.clause {
	case shapeValues:
		return s.depth == 1 && (s.before[0] == shapeOpen || s.before[0] == shapeComma)
	case shapeSet:
		if tok == shapeNumber && s.before[0] == shapeSign && (s.before[1] == shapeWord || s.before[1] == shapeName) {
			return s.depth == 0
		}
		return s.depth == 0 && s.before[0] == shapeEqual
	case shapeWhere:
		return s.before[0] == shapeEqual
	}
	return false
}

// ends reports whether a token ends the operand before it.
func (s *shapeScanner) ends(tok shapeToken, word string) bool {
	switch tok {
	case shapeEnd:
		return s.clause != shapeValues
	case shapeComma:
		return s.clause != shapeWhere
	case shapeClose:
		return s.clause != shapeSet
	case shapeWord:
		switch s.clause {
		case shapeSet:
			return isOneOf(word, "where", "returning")
		case shapeWhere:
			return isOneOf(word, "and", "returning", "limit", "order")
		}
	}
	return false
}

// takeOut moves the literal that is held from the text to literals; false: there are too many.
func (s *shapeScanner) takeOut() bool {
	l := &s.held
	if len(s.literals) == shapeLiteralsMax {
		return false
	}
	s.key = append(s.key, s.text[s.copied:l.from]...)
	if s.key = append(s.key, shapeMark); !invariants.Mutant("query-shapes-forget-kinds") {
		s.key = append(s.key, byte(l.kind))
	}
	s.copied = int(l.to)
	s.literals = append(s.literals, *l)
	return true
}

// parameters returns the text with parameters in place of the literals, and their types.
func (s *shapeScanner) parameters() (text string, given []types.Type) {
	var b strings.Builder
	at := 0
	first := s.literals
	if s.width > 0 {
		first = first[:s.width]
	}
	for i := range first {
		l := &first[i]
		b.WriteString(s.text[at:l.from])
		b.WriteString("$" + strconv.Itoa(i+1))
		given = append(given, types.T(l.kind))
		at = int(l.to)
	}
	if s.width > 0 {
		b.WriteString(s.text[at:s.rowsFrom])
		at = s.rowsTo
	}
	b.WriteString(s.text[at:])
	return b.String(), given
}

// value returns the literal with a number as a datum.
func (s *shapeScanner) value(i int) (types.Datum, error) {
	l := &s.literals[i]
	if l.null {
		return types.Null(), nil
	}
	source := s.text[l.from:l.to]
	switch l.kind {
	case types.Unknown:
		source = source[1 : len(source)-1]
		if l.doubled && !invariants.Mutant("query-shapes-keep-quotes") {
			source = strings.ReplaceAll(source, "''", "'")
		}
		return types.NewString(types.Unknown, source), nil
	case types.Numeric:
		return types.Parse(types.T(types.Numeric), source)
	}
	return types.NewInt(l.kind, l.number), nil
}
