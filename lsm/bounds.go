package lsm

import (
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// bounds returns the range of Pebble's keys that rows which meet the conjuncts are in: equalities of the first columns of
// the primary key, and a range of the column after them. It says which conjuncts it has used.
func (d *data) bounds(where []table.Conjunct, accepted []table.Pushdown) (from, to []byte) {
	from = appendPrefix(nil, d.inc, kindRow)
	to = appendPrefix(nil, d.inc, kindRow+1)
	if !d.primary {
		return from, to
	}
	prefix := from
	for i, col := range d.identity {
		last := i == len(d.identity)-1
		eq := false
		for w := range where {
			c := &where[w]
			if c.Col != col || !d.usable(c) {
				continue
			}
			accepted[w] = table.Inexact
			value := index.AppendDatum(append([]byte(nil), prefix...), c.Value, last)
			switch c.Op {
			case table.OpEq:
				from, to = later(from, value), earlier(to, successor(append([]byte(nil), value...)))
				if !eq {
					eq, prefix = true, value
				}
			case table.OpGe, table.OpGt:
				from = later(from, value)
			case table.OpLe:
				to = earlier(to, successor(value))
			case table.OpLt:
				to = earlier(to, value)
			}
		}
		if !eq {
			break
		}
	}
	if string(to) < string(from) {
		to = from
	}
	return from, to
}

// usable reports whether a conjunct bounds the values of its column.
func (d *data) usable(c *table.Conjunct) bool {
	switch c.Op {
	case table.OpEq, table.OpGe, table.OpGt, table.OpLe, table.OpLt:
		return c.Value.Valid && c.Value.K == d.types[c.Col].Kind && c.Value.K.Class() != types.ClassNone
	}
	return false
}

func later(a, b []byte) []byte {
	if string(b) > string(a) {
		return b
	}
	return a
}

func earlier(a, b []byte) []byte {
	if string(b) < string(a) {
		return b
	}
	return a
}
