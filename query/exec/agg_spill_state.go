package exec

import (
	"encoding/binary"

	"github.com/laminadb/lamina/types"
)

// spillState is a slow state that can leave memory: save appends what groups have, load puts it into a fresh state
// of n groups, and returns what follows it.
type spillState interface {
	slowState
	save(dst []byte, ids []uint32) []byte
	load(src []byte, n int) ([]byte, error)
	// bytesOf is what the state takes, growth how much more grow takes for that many groups, or about that.
	bytesOf() int64
	growth(groups int) int64
}

func (s *byteStore) bytesOf() int64 {
	return int64(s.views.slab.Bytes()+s.set.slab.Bytes()) + s.heap.bytesOf()
}

func (s *byteStore) growth(groups int) int64 {
	return s.views.growth(groups) + s.set.growth(groups) + s.heap.blockGrowth()
}

func (s *exactMoments) bytesOf() int64 { return s.sum.bytesOf() + s.squares.bytesOf() }

func (s *exactMoments) growth(groups int) int64 {
	return s.sum.growth(groups) + s.squares.growth(groups)
}

func (s *floatMoments) bytesOf() int64          { return int64(s.m.slab.Bytes()) }
func (s *floatMoments) growth(groups int) int64 { return s.m.growth(groups) }
func (s *pairMoments) bytesOf() int64           { return int64(s.m.slab.Bytes()) }
func (s *pairMoments) growth(groups int) int64  { return s.m.growth(groups) }
func (s *intervalSums) bytesOf() int64          { return int64(s.v.slab.Bytes()) }
func (s *intervalSums) growth(groups int) int64 { return s.v.growth(groups) }

func (s *stringLists) bytesOf() int64 {
	return int64(s.lists.slab.Bytes()+s.items.slab.Bytes()) + s.heap.bytesOf()
}

func (s *stringLists) growth(groups int) int64 {
	return s.lists.growth(groups) + s.items.growth(s.n+batchRows) + s.heap.blockGrowth()
}

// appendBytes appends a string of bytes after its length + 1; nothing that is set is 0.
func appendBytes(dst, b []byte, set bool) []byte {
	if !set {
		return binary.AppendUvarint(dst, 0)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b))+1)
	return append(dst, b...)
}

func takeBytes(src []byte) (b, rest []byte, set bool) {
	n, k := binary.Uvarint(src)
	if src = src[k:]; n == 0 {
		return nil, src, false
	}
	return src[:n-1], src[n-1:], true
}

func (s *byteStore) save(dst []byte, ids []uint32) []byte {
	for _, id := range ids {
		b, ok := s.get(id)
		dst = appendBytes(dst, b, ok)
	}
	return dst
}

func (s *byteStore) load(src []byte, n int) ([]byte, error) {
	if err := s.grow(n); err != nil {
		return nil, err
	}
	for id := range n {
		b, rest, ok := takeBytes(src)
		if src = rest; ok {
			if err := s.put(uint32(id), b); err != nil {
				return nil, err
			}
		}
	}
	return src, nil
}

func (s *extremeValues) save(dst []byte, ids []uint32) []byte {
	dst = append(dst, byte(b2i(s.known)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(s.kind))
	return s.byteStore.save(dst, ids)
}

func (s *extremeValues) load(src []byte, n int) ([]byte, error) {
	s.known = src[0] != 0
	s.kind = types.Kind(binary.LittleEndian.Uint32(src[1:]))
	s.class = s.kind.Class()
	return s.byteStore.load(src[5:], n)
}

func (s *exactMoments) save(dst []byte, ids []uint32) []byte {
	return s.squares.save(s.sum.save(dst, ids), ids)
}

func (s *exactMoments) load(src []byte, n int) ([]byte, error) {
	src, err := s.sum.load(src, n)
	if err != nil {
		return nil, err
	}
	return s.squares.load(src, n)
}

func (s *floatMoments) save(dst []byte, ids []uint32) []byte {
	return appendValues(pad8(dst), s.m.v, 1, ids)
}

func (s *floatMoments) load(src []byte, n int) ([]byte, error) {
	return takeValues(&s.m, s.tracker, src, n)
}

func (s *pairMoments) save(dst []byte, ids []uint32) []byte {
	return appendValues(pad8(dst), s.m.v, 1, ids)
}

func (s *pairMoments) load(src []byte, n int) ([]byte, error) {
	return takeValues(&s.m, s.tracker, src, n)
}

func (s *intervalSums) save(dst []byte, ids []uint32) []byte {
	return appendValues(pad8(dst), s.v.v, 1, ids)
}

func (s *intervalSums) load(src []byte, n int) ([]byte, error) {
	return takeValues(&s.v, s.tracker, src, n)
}

func (s *stringLists) save(dst []byte, ids []uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(s.kind))
	for _, id := range ids {
		count := len(dst)
		dst = binary.LittleEndian.AppendUint32(dst, 0)
		n := uint32(0)
		for at := s.lists.v[id].first; at != 0; at = s.items.v[at].next {
			x := &s.items.v[at]
			dst = appendBytes(dst, x.delimiter.Bytes(s.heap.heap), true)
			dst = appendBytes(dst, x.value.Bytes(s.heap.heap), true)
			n++
		}
		binary.LittleEndian.PutUint32(dst[count:], n)
	}
	return dst
}

func (s *stringLists) load(src []byte, n int) ([]byte, error) {
	s.kind = types.Kind(binary.LittleEndian.Uint32(src))
	src = src[4:]
	if err := s.grow(n); err != nil {
		return nil, err
	}
	for id := range n {
		items := binary.LittleEndian.Uint32(src)
		src = src[4:]
		for range items {
			var delimiter, value []byte
			delimiter, src, _ = takeBytes(src)
			value, src, _ = takeBytes(src)
			if err := s.add(uint32(id), delimiter, value); err != nil {
				return nil, err
			}
		}
	}
	return src, nil
}
