package columnar

import (
	"bytes"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/vec"
)

// mergeOrder is the order in which rows of cursors follow each other, and memory to find it.
type mergeOrder struct {
	entries []vec.Entry
	cols    [][]vec.Vector
	// heads are the first bytes of the next key of each cursor, as a number.
	heads []uint64
}

// take gathers rows of cursors in the order of their keys, as long as these are below a bound (nil: none), until the batch
// is full, or until a cursor has no more rows in its zone: that one is returned. The least key is below the bound.
func (m *merger) take(list []*cursor, bound []byte) (empty *cursor, err error) {
	o := &m.order
	o.start(list)
	for room := vec.Size - m.bb.Len(); len(o.entries) < room && empty == nil; {
		least, next, nextKey := o.least(list)
		c := list[least]
		if next < 0 || bound != nil && bytes.Compare(bound, nextKey) < 0 {
			next, nextKey = -1, bound
		}
		if next < 0 && bound != nil && len(o.entries) > 0 && bytes.Compare(c.key(c.at), bound) >= 0 {
			break
		}
		n := c.below(nextKey, room-len(o.entries))
		for at := c.at; at < c.at+n; at++ {
			o.entries = append(o.entries, vec.Entry{From: uint32(least), At: c.sel[at]})
			m.from = append(m.from, mergedRow{c.input, c.pos[at]})
			m.since = append(m.since, c.s.written(c.pos[at]))
		}
		if c.at += n; c.at == len(c.sel) {
			empty = c
			break
		}
		o.heads[least] = c.words[c.at]
	}
	return empty, m.bb.AppendEntries(o.cols, o.entries)
}

func (o *mergeOrder) start(list []*cursor) {
	o.entries, o.cols, o.heads = o.entries[:0], o.cols[:0], o.heads[:0]
	for _, c := range list {
		o.cols = append(o.cols, c.batch.Groups[0].Cols)
		o.heads = append(o.heads, c.words[c.at])
	}
}

// least returns the cursors with the least key and with the next one, and the latter; next is -1 if there is one cursor.
func (o *mergeOrder) least(list []*cursor) (least, next int, key []byte) {
	next = -1
	for i := 1; i < len(list); i++ {
		switch {
		case o.before(list, i, least):
			least, next = i, least
		case next < 0 || o.before(list, i, next):
			next = i
		}
	}
	if next >= 0 {
		key = list[next].key(list[next].at)
	}
	return least, next, key
}

// before reports whether the next key of cursor i is below that of cursor k.
func (o *mergeOrder) before(list []*cursor, i, k int) bool {
	if o.heads[i] != o.heads[k] {
		return o.heads[i] < o.heads[k]
	}
	return bytes.Compare(list[i].key(list[i].at), list[k].key(list[k].at)) < 0
}

// below returns how many rows of the zone, one at least and at most rowsMax, are below a key; nil: all.
func (c *cursor) below(key []byte, rowsMax int) int {
	end := min(len(c.sel), c.at+rowsMax)
	if key == nil {
		return end - c.at
	}
	word, at := index.Word(key), c.at+1
	for at < end && (c.words[at] < word || c.words[at] == word && bytes.Compare(c.key(at), key) < 0) {
		at++
	}
	return at - c.at
}
