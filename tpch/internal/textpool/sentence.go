package textpool

import "github.com/laminadb/lamina/tpch/internal/lehmer"

// cellBytes is the room of one word. Words are copied as whole cells, which needs no loop and no
// call, and the position then moves by the length of the word only.
const cellBytes = 16

// sentenceBytesMax is above the length of any sentence (five phrases of at most four words) plus
// the slack that the copy of a whole cell needs.
const sentenceBytesMax = 20*cellBytes + cellBytes

// A cell is one word with the blank (or comma and blank) that follows it. The last byte is the
// length: no word fills a cell.
type cell [cellBytes]byte

// A wordTable maps a draw to a word: pick has one entry for each unit of weight.
type wordTable struct {
	pick  []uint8
	cells []cell
}

// A formTable maps a draw to a form: the list of word tables to draw from, in order.
type formTable struct {
	pick  []uint8
	forms [][]*wordTable
}

// tables is the vocabulary and the grammar in the form in which sentences are made.
type tables struct {
	the         cell
	preposition *wordTable
	terminator  *wordTable
	noun        formTable
	verb        formTable
	// sentence forms: bytes of the form strings, N V P T.
	sentencePick  []uint8
	sentenceForms []string
}

var grammar = newTables()

func newTables() *tables {
	words := map[byte]*wordTable{
		'N': newWordTable(nouns, " "), 'V': newWordTable(verbs, " "), 'J': newWordTable(adjectives, " "),
		'C': newWordTable(adjectives, ", "), 'D': newWordTable(adverbs, " "), 'X': newWordTable(auxiliaries, " "),
	}
	t := &tables{
		the:         newCell("the "),
		preposition: newWordTable(prepositions, " "),
		terminator:  newWordTable(terminators, " "),
		noun:        newFormTable(nounPhraseForms, words),
		verb:        newFormTable(verbPhraseForms, words),
	}
	for i, f := range parseWords(sentenceForms) {
		t.sentenceForms = append(t.sentenceForms, f.text)
		t.sentencePick = appendPick(t.sentencePick, i, f.weight)
	}
	return t
}

func newCell(s string) cell {
	var c cell
	copy(c[:], s)
	c[cellBytes-1] = uint8(len(s))
	return c
}

func newWordTable(list, after string) *wordTable {
	t := &wordTable{}
	for i, w := range parseWords(list) {
		t.cells = append(t.cells, newCell(w.text+after))
		t.pick = appendPick(t.pick, i, w.weight)
	}
	return t
}

func newFormTable(list string, words map[byte]*wordTable) formTable {
	t := formTable{}
	for i, f := range parseWords(list) {
		form := make([]*wordTable, len(f.text))
		for k := range form {
			form[k] = words[f.text[k]]
		}
		t.forms = append(t.forms, form)
		t.pick = appendPick(t.pick, i, f.weight)
	}
	return t
}

func appendPick(pick []uint8, i, weight int) []uint8 {
	for range weight {
		pick = append(pick, uint8(i))
	}
	return pick
}

// scale maps a state to [0, n) as dbgen does, floor(s / Modulus * n), but in integers. dbgen's
// floating point comes to the same: s*n/Modulus is at least 1/Modulus away from any whole number,
// far more than the rounding errors for the small n used here.
func scale(s uint64, n int) int {
	x := s * uint64(n)
	return int((x + x>>31 + 1) >> 31)
}

// A writer makes sentences one after another.
type writer struct {
	buf   []byte
	pos   int
	state uint64
}

// put writes a cell at pos of buf and returns the position behind its word.
func put(buf []byte, pos int, c *cell) int {
	*(*cell)(buf[pos:]) = *c
	return pos + int(c[cellBytes-1])
}

// word returns the word that a state draws.
func (t *wordTable) word(state uint64) *cell {
	return &t.cells[t.pick[scale(state, len(t.pick))]]
}

// phrase writes a phrase. Position and state go through registers: this is most of the time of the
// generator.
func (t *formTable) phrase(buf []byte, pos int, state uint64) (int, uint64) {
	state = lehmer.Next(state)
	for _, words := range t.forms[t.pick[scale(state, len(t.pick))]] {
		state = lehmer.Next(state)
		pos = put(buf, pos, words.word(state))
	}
	return pos, state
}

// sentence appends one sentence and the blank after it. buf must have sentenceBytesMax bytes of
// room at pos.
func (w *writer) sentence() {
	g, buf, pos, state := grammar, w.buf, w.pos, lehmer.Next(w.state)
	form := g.sentenceForms[g.sentencePick[scale(state, len(g.sentencePick))]]
	for i := range len(form) {
		switch form[i] {
		case 'N':
			pos, state = g.noun.phrase(buf, pos, state)
		case 'V':
			pos, state = g.verb.phrase(buf, pos, state)
		case 'P':
			state = lehmer.Next(state)
			pos = put(buf, pos, g.preposition.word(state))
			pos = put(buf, pos, &g.the)
			pos, state = g.noun.phrase(buf, pos, state)
		case 'T':
			// The terminator follows the last word directly.
			state = lehmer.Next(state)
			pos = put(buf, pos-1, g.terminator.word(state))
		}
	}
	w.pos, w.state = pos, state
}
