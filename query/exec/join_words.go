package exec

import (
	"math"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// makeWords computes the key word of every row: packed if the real ranges of all key columns allow it,
// else a hash.
func (b *buildSide) makeWords() error {
	var err error
	if b.words, err = makeSlice[uint64](&b.arena, b.set.n); err != nil {
		return err
	}
	if b.j.keepAll && b.nullKey {
		if err := b.findNulls(); err != nil {
			return err
		}
	}
	b.exact = b.packable()
	if b.exact {
		if err := b.ranges(); err != nil {
			return err
		}
		b.exact = b.pack.place()
	}
	parts := b.parts()
	return b.j.q.pool.parallel(b.j.q.workers, parts, func(p int) error {
		a := arena{tracker: b.j.q.mem}
		defer a.free()
		return b.eachChunk(&a, p, parts, b.chunkWords)
	})
}

// packable reports whether the keys are integers, or numerics of one scale, and NULL matches nothing.
func (b *buildSide) packable() bool {
	if len(b.j.n.LeftKeys) > 8 {
		return false
	}
	b.pack.cols = make([]packCol, len(b.j.n.LeftKeys))
	for k := range b.pack.cols {
		s := &b.set.layout.slots[k]
		if s.kind != slotInt && s.kind != slotNum8 || b.j.nullEqual[k] {
			return false
		}
		b.pack.cols[k] = packCol{lo: math.MaxInt64, hi: math.MinInt64, scale: s.scale}
	}
	return true
}

// wordScratch is what computing words needs.
type wordScratch struct {
	ids  []uint32
	cols []*gatherScratch
	vecs []vec.Vector
	ptrs []*vec.Vector
	rows *rowScratch
}

func newWordScratch(a *arena, keys int) (*wordScratch, error) {
	s := &wordScratch{vecs: make([]vec.Vector, keys), ptrs: make([]*vec.Vector, keys)}
	var err error
	if s.ids, err = makeSlice[uint32](a, batchRows); err != nil {
		return nil, err
	}
	for range keys {
		g, err := newGatherScratch(a)
		if err != nil {
			return nil, err
		}
		s.cols = append(s.cols, g)
	}
	s.rows, err = newRowScratch(a)
	return s, err
}

// eachChunk calls f for the rows of part p of parts, up to batchRows at a time, with their key columns
// in s.vecs.
func (b *buildSide) eachChunk(a *arena, p, parts int, f func(from, to uint32, s *wordScratch) error) error {
	s, err := newWordScratch(a, len(b.j.n.LeftKeys))
	if err != nil {
		return err
	}
	i := 0
	for _, e := range b.extents {
		for from := e.from; from < e.to; from += batchRows {
			if i++; i%parts != p {
				continue
			}
			to := min(from+batchRows, e.to)
			ids := s.ids[:to-from]
			for k := range ids {
				ids[k] = from + uint32(k)
			}
			for k := range s.vecs {
				s.vecs[k] = b.set.gather(k, ids, s.cols[k])
				s.ptrs[k] = &s.vecs[k]
			}
			if err := f(from, to, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// ranges finds the real range of each key column. One alone is taken as it is, whatever its range.
func (b *buildSide) ranges() error {
	if len(b.pack.cols) == 1 {
		b.pack.cols[0].lo, b.pack.cols[0].hi = math.MinInt64, math.MaxInt64 // all 64 bits
		return nil
	}
	a := arena{tracker: b.j.q.mem}
	defer a.free()
	return b.eachChunk(&a, 0, 1, func(from, to uint32, s *wordScratch) error {
		for k := range s.vecs {
			c := &b.pack.cols[k]
			for i, x := range words64(&s.vecs[k], int(to-from)) {
				if !s.vecs[k].IsNull(i) {
					c.lo, c.hi = min(c.lo, x), max(c.hi, x)
				}
			}
		}
		return nil
	})
}

func (b *buildSide) chunkWords(from, to uint32, s *wordScratch) error {
	n := int(to - from)
	words := b.words[from:to]
	if !b.exact {
		hashKeys(words, s.ptrs, n, s.rows)
		return nil
	}
	var bad badRows // rows with NULL keys, which are in skip
	for k := range s.vecs {
		b.pack.column(words, k, words64(&s.vecs[k], n), &s.vecs[k], &bad)
	}
	return nil
}

// findNulls marks the rows with a NULL key.
func (b *buildSide) findNulls() error {
	var err error
	if b.skip, err = makeSlice[uint64](&b.arena, vec.BitmapWords(b.set.n)); err != nil {
		return err
	}
	for _, e := range b.extents {
		for id := e.from; id < e.to; id++ {
			row := b.set.row(id)
			for k := range b.j.n.LeftKeys {
				if !b.j.nullEqual[k] && b.set.isNull(&b.set.layout.slots[k], row) {
					b.skip[id>>6] |= 1 << (id & 63)
					if b.j.threeValued() {
						b.nullRows = append(b.nullRows, id)
					}
					break
				}
			}
		}
	}
	return nil
}

// probeWords computes the words of a batch of the other side. Rows in bad have no match.
func (b *buildSide) probeWords(words []uint64, vs []*vec.Vector, n int, s *rowScratch, bad *badRows) []uint64 {
	bad.reset()
	words = words[:n]
	if b.exact {
		for k, v := range vs {
			var x []int64
			if v.Type.Class() == types.ClassNumeric {
				x = scaledInts(v, n, b.pack.cols[k].scale, s, bad)
			} else {
				x = intsOf(v, n, s.ints)
			}
			if c := &b.pack.cols[k]; c.whole && !hasNulls(v, n) {
				return uint64sOf(x) // the only column, in place
			}
			b.pack.column(words, k, x, v, bad)
		}
		return words
	}
	hashKeys(words, vs, n, s)
	for k, v := range vs {
		if !b.j.nullEqual[k] && hasNulls(v, n) {
			bad.nulls(v, n)
		}
	}
	return words
}

// find sets ids to the first row of each word.
func (b *buildSide) find(words []uint64, ids []uint32) {
	switch {
	case len(b.j.n.LeftKeys) == 0:
		for i := range ids {
			ids[i] = b.dense[0]
		}
	case b.dense != nil:
		kernel.ProbeDense(b.dense, b.denseLo, words, ids)
	case b.rank.Bits != nil:
		kernel.ProbeRank(&b.rank, words, ids)
	default:
		kernel.ProbeHash(&b.table, words, ids)
	}
}
