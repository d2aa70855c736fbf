package textpool

// modulus and multiplier of the Lehmer generator that draws the words.
const (
	modulus    = 1<<31 - 1
	multiplier = 16807
)

// cellBytes is the room of one word. Words are copied as whole cells, which needs no loop and no
// call, and the position then moves by the length of the word only.
const cellBytes = 16

// sentenceBytesMax is above the length of any sentence (five phrases of at most four words) plus
// the slack that the copy of a whole cell needs.
const sentenceBytesMax = 20*cellBytes + cellBytes

// A cell is one word with the blank (or comma and blank) that follows it.
type cell struct {
	text [cellBytes]byte
	len  uint8
}

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
	c := cell{len: uint8(len(s))}
	copy(c.text[:], s)
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

// next returns the state after s. States are in [1, modulus).
func next(s uint64) uint64 {
	x := s * multiplier
	x = x&modulus + x>>31
	if x >= modulus {
		x -= modulus
	}
	return x
}

// scale maps a state to [0, n) as dbgen does, floor(s / modulus * n), in integers: dbgen's floating
// point result is the same because s*n is never closer than 1/modulus to a multiple of modulus,
// far more than its rounding error for the small n used here.
func scale(s uint64, n int) int {
	x := s * uint64(n)
	return int((x + x>>31 + 1) >> 31)
}

// A writer makes sentences one after another. calls counts the draws.
type writer struct {
	buf   []byte
	pos   int
	state uint64
	calls int
}

// put appends a cell. The caller has left sentenceBytesMax bytes of room before each sentence.
func (w *writer) put(c *cell) {
	*(*[cellBytes]byte)(w.buf[w.pos:]) = c.text
	w.pos += int(c.len)
}

func (w *writer) word(t *wordTable) {
	w.state = next(w.state)
	w.put(&t.cells[t.pick[scale(w.state, len(t.pick))]])
}

func (w *writer) phrase(t *formTable) {
	w.state = next(w.state)
	form := t.forms[t.pick[scale(w.state, len(t.pick))]]
	w.calls += 1 + len(form)
	for _, words := range form {
		w.word(words)
	}
}

// sentence appends one sentence and the blank after it. buf must have sentenceBytesMax bytes of
// room at pos.
func (w *writer) sentence() {
	g := grammar
	w.state = next(w.state)
	form := g.sentenceForms[g.sentencePick[scale(w.state, len(g.sentencePick))]]
	w.calls++
	for i := range len(form) {
		switch form[i] {
		case 'N':
			w.phrase(&g.noun)
		case 'V':
			w.phrase(&g.verb)
		case 'P':
			w.calls++
			w.word(g.preposition)
			w.put(&g.the)
			w.phrase(&g.noun)
		case 'T':
			// The terminator follows the last word directly.
			w.pos--
			w.calls++
			w.word(g.terminator)
		}
	}
}
