package exec

import (
	"bytes"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// slowState is the state of an aggregate that is kept value by value. Group numbers are those of its
// table.
type slowState interface {
	// grow makes room for groups.
	grow(groups int) error
	// update adds the rows of live (nil: 0 … n-1), none of which is NULL in v, to the groups codes[row].
	// second is the second argument, if there is one.
	update(codes []uint32, v, second *vec.Vector, live []uint16, n int) error
	// merge adds groups ids of from, whose rows come later, to the groups codes.
	merge(codes []uint32, from slowState, ids []uint32) error
	// result returns the value of a group, NULL if it has none.
	result(id uint32) (types.Datum, error)
	free()
}

// prepare does what merging the table would have to do first, while no other worker waits for it.
func (t *groupTable) prepare() error {
	for _, s := range t.slow {
		if x, ok := s.(*percentiles); ok {
			if err := x.gather(mem.AllocUnset); err != nil {
				return err
			}
		}
	}
	return nil
}

// finisher is a slow state whose results are costly: several workers make them at once when it is complete.
type finisher interface {
	finish(p *Pool, workers int) error
}

// finish makes the costly results of a complete table.
func (t *groupTable) finish() error {
	for _, s := range t.slow {
		if x, ok := s.(finisher); ok {
			if err := x.finish(t.a.q.pool, t.a.q.workers); err != nil {
				return err
			}
		}
	}
	return nil
}

// each calls f for the rows of live, or for 0 … n-1.
func each(live []uint16, n int, f func(i int) error) error {
	if live == nil {
		for i := range n {
			if err := f(i); err != nil {
				return err
			}
		}
		return nil
	}
	for _, i := range live {
		if err := f(int(i)); err != nil {
			return err
		}
	}
	return nil
}

// byteStore keeps one changing string of bytes a group.
type byteStore struct {
	tracker *mem.Tracker
	views   column[vec.StrView]
	set     column[bool]
	heap    *rowSet // only its heap
}

func newByteStore(t *groupTable) byteStore {
	return byteStore{tracker: t.tracker, heap: &rowSet{tracker: t.tracker, cur: -1, blocks: new(atomic.Int32)}}
}

func (s *byteStore) grow(groups int) error {
	if err := s.views.grow(s.tracker, groups); err != nil {
		return err
	}
	return s.set.grow(s.tracker, groups)
}

func (s *byteStore) free() {
	s.views.free()
	s.set.free()
	s.heap.free()
}

func (s *byteStore) get(id uint32) ([]byte, bool) {
	return s.views.v[id].Bytes(s.heap.heap), s.set.v[id]
}

// put replaces the bytes of a group, in place if there is room.
func (s *byteStore) put(id uint32, b []byte) error {
	old := &s.views.v[id]
	if s.set.v[id] && old.Len > vec.InlineMax && len(b) > vec.InlineMax && len(b) <= int(old.Len) {
		block, off := old.Block, old.Off
		copy(s.heap.heap[block][off:], b)
		*old = vec.LongView(b, block, off)
		return nil
	}
	v, err := s.heap.view(b)
	if err != nil {
		return err
	}
	s.views.v[id], s.set.v[id] = v, true
	return nil
}

// encodeDatum returns the bytes of a value: strings as they are, the rest in the form that decodeDatum
// reads.
func encodeDatum(dst []byte, d types.Datum) []byte {
	switch d.K.Class() {
	case types.ClassString:
		return append(dst, d.S...)
	case types.ClassNumeric:
		return types.EncodeNumeric(dst, d)
	}
	for i := range 8 {
		dst = append(dst, byte(d.I>>(8*i)))
	}
	if d.K.Class() == types.ClassInterval {
		for i := range 8 {
			dst = append(dst, byte(d.H>>(8*i)))
		}
	}
	return dst
}

func decodeDatum(k types.Kind, b []byte) types.Datum {
	switch k.Class() {
	case types.ClassString:
		return types.NewString(k, string(b))
	case types.ClassNumeric:
		return types.DecodeNumeric(b)
	}
	d := types.Datum{K: k, Valid: true}
	for i := range 8 {
		d.I |= int64(b[i]) << (8 * i)
	}
	for i := 8; i < len(b); i++ {
		d.H |= int64(b[i]) << (8 * (i - 8))
	}
	return d
}

// extremeValues is min or max of values that have no integer order, or of numerics of any scale;
// firstValues keeps the first one.
type extremeValues struct {
	byteStore
	sign  int // -1: least, 1: greatest, 0: first
	kind  types.Kind
	class types.Class
	known bool
	buf   []byte
}

func newLeastValues(t *groupTable) slowState {
	return &extremeValues{byteStore: newByteStore(t), sign: -1}
}
func newGreatestValues(t *groupTable) slowState {
	return &extremeValues{byteStore: newByteStore(t), sign: 1}
}
func newFirstValues(t *groupTable) slowState { return &extremeValues{byteStore: newByteStore(t)} }

func (s *extremeValues) update(codes []uint32, v, _ *vec.Vector, live []uint16, n int) error {
	if !s.known {
		s.kind, s.class, s.known = v.Type.Kind, v.Type.Class(), true
	}
	if s.class == types.ClassString {
		return each(live, n, func(i int) error { return s.offer(codes[i], v.Bytes(i)) })
	}
	return each(live, n, func(i int) error {
		s.buf = encodeDatum(s.buf[:0], v.Datum(i))
		return s.offer(codes[i], s.buf)
	})
}

// offer takes a value if it is better than what there is.
func (s *extremeValues) offer(id uint32, b []byte) error {
	old, ok := s.get(id)
	if ok && !s.better(b, old) {
		return nil
	}
	return s.put(id, b)
}

func (s *extremeValues) better(b, old []byte) bool {
	if s.sign == 0 {
		return false
	}
	c := 0
	if s.class == types.ClassString {
		c = bytes.Compare(b, old)
	} else {
		c = types.Compare(decodeDatum(s.kind, b), decodeDatum(s.kind, old))
	}
	return c*s.sign >= 0 // of equal values the last, as PostgreSQL
}

func (s *extremeValues) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*extremeValues)
	if !f.known {
		return nil
	}
	s.kind, s.class, s.known = f.kind, f.class, true
	for i, id := range ids {
		if b, ok := f.get(id); ok {
			if err := s.offer(codes[i], b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *extremeValues) result(id uint32) (types.Datum, error) {
	b, ok := s.get(id)
	if !ok {
		return types.Null(), nil
	}
	return decodeDatum(s.kind, b), nil
}

// numericSums adds numerics that are no 64-bit integers of one scale, or do not stay so.
type numericSums struct {
	byteStore
	buf []byte
}

func newNumericSums(t *groupTable) slowState { return &numericSums{byteStore: newByteStore(t)} }

func (s *numericSums) update(codes []uint32, v, _ *vec.Vector, live []uint16, n int) error {
	return each(live, n, func(i int) error { return s.add(codes[i], v.Datum(i)) })
}

func (s *numericSums) add(id uint32, d types.Datum) error {
	if b, ok := s.get(id); ok {
		var err error
		if d, err = types.NumericAdd(types.DecodeNumeric(b), d); err != nil {
			return err
		}
	}
	s.buf = types.EncodeNumeric(s.buf[:0], d)
	return s.put(id, s.buf)
}

func (s *numericSums) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*numericSums)
	for i, id := range ids {
		if b, ok := f.get(id); ok {
			if err := s.add(codes[i], types.DecodeNumeric(b)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *numericSums) result(id uint32) (types.Datum, error) {
	b, ok := s.get(id)
	if !ok {
		return types.Null(), nil
	}
	return types.DecodeNumeric(b), nil
}
