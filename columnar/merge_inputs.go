package columnar

import (
	"bytes"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
)

// mergeInput is a segment that a merge has not begun to read.
type mergeInput struct {
	s     *seg
	input int
	// low is its least key; nil: it is read from the beginning, because it is not known, or not what rows are sorted by.
	low []byte
}

// plan puts the inputs into the order in which they are begun.
func (m *merger) plan(segs []*seg) {
	by := m.inc.newSorter()
	for i, s := range segs {
		in := mergeInput{s: s, input: i}
		if low, _, ok := s.file.KeyBounds(0); ok && by.identity && slices.Equal(s.file.Schema().Sort, by.cols) {
			in.low = low
		}
		m.waiting = append(m.waiting, in)
	}
	slices.SortStableFunc(m.waiting, func(a, b mergeInput) int { return bytes.Compare(a.low, b.low) })
}

// begin opens the segments that may have the next row. Those that are open at a time overlap: the pages in memory are of
// few segments where a table was written in the order of its keys.
func (m *merger) begin() error {
	for len(m.waiting) > 0 {
		in := &m.waiting[0]
		if len(m.list) > 0 && in.low != nil && !invariants.Mutant("columnar-open-all") {
			if c := m.least(); bytes.Compare(in.low, c.key(c.at)) > 0 {
				return nil
			}
		}
		c, err := m.inc.newCursor(in.s, in.input, m.cut)
		if err != nil {
			return err
		}
		m.waiting = m.waiting[1:]
		ok, err := c.load()
		if err != nil || !ok {
			c.scan.Close()
			if err != nil {
				return err
			}
			continue
		}
		m.list = append(m.list, c)
		m.opened = max(m.opened, len(m.list))
	}
	return nil
}

// least returns the cursor with the least key.
func (m *merger) least() *cursor {
	least := m.list[0]
	for _, c := range m.list[1:] {
		if bytes.Compare(c.key(c.at), least.key(least.at)) < 0 {
			least = c
		}
	}
	return least
}

// end closes what is open, and notes how many segments were at a time.
func (m *merger) end() {
	for _, c := range m.list {
		c.scan.Close()
	}
	m.inc.t.counts.merged.Store(int64(m.opened))
}
