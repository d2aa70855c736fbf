package exec

import (
	"sync/atomic"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// stringLists is string_agg: the values of a group with the delimiters before them, in order.
type stringLists struct {
	tracker *mem.Tracker
	heap    *rowSet // only its heap
	lists   column[stringList]
	items   column[stringItem]
	n       int // items; item 0 is none
	kind    types.Kind
}

type stringList struct{ first, last uint32 }

type stringItem struct {
	delimiter, value vec.StrView
	next             uint32
}

func newStringLists(t *groupTable) slowState {
	return &stringLists{tracker: t.tracker, heap: &rowSet{tracker: t.tracker, cur: -1, blocks: new(atomic.Int32)}, n: 1}
}

func (s *stringLists) grow(groups int) error { return s.lists.grow(s.tracker, groups) }

func (s *stringLists) free() {
	s.heap.free()
	s.lists.free()
	s.items.free()
}

func (s *stringLists) update(codes []uint32, v, second *vec.Vector, live []uint16, n int) error {
	s.kind = v.Type.Kind
	return each(live, n, func(i int) error {
		var delimiter []byte
		if second != nil && !second.IsNull(i) {
			delimiter = second.Bytes(i)
		}
		return s.add(codes[i], delimiter, v.Bytes(i))
	})
}

func (s *stringLists) add(id uint32, delimiter, value []byte) error {
	if err := s.items.grow(s.tracker, s.n+1); err != nil {
		return err
	}
	item := &s.items.v[s.n]
	*item = stringItem{}
	var err error
	if item.delimiter, err = s.heap.view(delimiter); err != nil {
		return err
	}
	if item.value, err = s.heap.view(value); err != nil {
		return err
	}
	l := &s.lists.v[id]
	if l.first == 0 {
		l.first = uint32(s.n)
	} else {
		s.items.v[l.last].next = uint32(s.n)
	}
	l.last = uint32(s.n)
	s.n++
	return nil
}

func (s *stringLists) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*stringLists)
	if f.kind != types.Unknown {
		s.kind = f.kind
	}
	for i, id := range ids {
		for at := f.lists.v[id].first; at != 0; at = f.items.v[at].next {
			x := &f.items.v[at]
			if err := s.add(codes[i], x.delimiter.Bytes(f.heap.heap), x.value.Bytes(f.heap.heap)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stringBytesMax bounds the result of string_agg, as PostgreSQL's values.
const stringBytesMax = 1<<30 - 1

var errStringTooLong = sqlerr.New(sqlerr.ProgramLimitExceeded, "string buffer exceeds maximum allowed length (1073741823 bytes)")

func (s *stringLists) result(id uint32) (types.Datum, error) {
	first := s.lists.v[id].first
	if first == 0 {
		return types.Null(), nil
	}
	var out []byte
	for at := first; at != 0; at = s.items.v[at].next {
		x := &s.items.v[at]
		if at != first {
			out = append(out, x.delimiter.Bytes(s.heap.heap)...)
		}
		out = append(out, x.value.Bytes(s.heap.heap)...)
		if len(out) > stringBytesMax {
			return types.Null(), errStringTooLong
		}
	}
	return types.NewString(s.kind, string(out)), nil
}

// intervalSums adds intervals.
type intervalSums struct {
	tracker *mem.Tracker
	v       column[intervalSum]
}

type intervalSum struct {
	i, h int64
	set  bool
}

func newIntervalSums(t *groupTable) slowState { return &intervalSums{tracker: t.tracker} }

func (s *intervalSums) grow(groups int) error { return s.v.grow(s.tracker, groups) }
func (s *intervalSums) free()                 { s.v.free() }

func (s *intervalSums) update(codes []uint32, v, _ *vec.Vector, live []uint16, n int) error {
	return each(live, n, func(i int) error { return s.add(codes[i], v.Datum(i)) })
}

func (s *intervalSums) add(id uint32, d types.Datum) error {
	x := &s.v.v[id]
	if x.set {
		var err error
		if d, err = types.IntervalAdd(s.value(id), d); err != nil {
			return err
		}
	}
	*x = intervalSum{d.I, d.H, true}
	return nil
}

func (s *intervalSums) value(id uint32) types.Datum {
	x := s.v.v[id]
	return types.Datum{K: types.Interval, Valid: x.set, I: x.i, H: x.h}
}

func (s *intervalSums) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*intervalSums)
	for i, id := range ids {
		if f.v.v[id].set {
			if err := s.add(codes[i], f.value(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *intervalSums) result(id uint32) (types.Datum, error) { return s.value(id), nil }
