package exec

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
)

// insertRank makes a bitmap of the words and an array of the first row of each one that occurs.
func (b *buildSide) insertRank(lo, span uint64) (dup bool, err error) {
	t := &b.rank
	if t.Bits, err = b.wordBits(b.words, lo, span); err != nil {
		return false, err
	}
	if t.Before, err = makeSlice[uint32](&b.arena, len(t.Bits)); err != nil {
		return false, err
	}
	n := t.CountBits()
	if t.Heads, err = makeSlice[uint32](&b.arena, n+1); err != nil {
		return false, err
	}
	t.Lo = lo
	b.j.stats.note("array of %d keys by their places in a bitmap of %d", n, span+1)
	return b.inRanges(lo, span, func(from, to uint32, first, last uint64) bool {
		return kernel.InsertRank(t, b.words, b.next, from, to, first, last, b.skip)
	})
}

// wordBits makes a bitmap of words in the range of span from lo.
func (b *buildSide) wordBits(words []uint64, lo, span uint64) ([]uint64, error) {
	n := int(span>>6) + 1
	set, err := makeSlice[uint64](&b.arena, n)
	if err != nil {
		return nil, err
	}
	parts := b.parts()
	return set, b.j.q.pool.parallel(b.j.q.workers, parts, func(p int) error {
		from, to := n*p/parts, n*(p+1)/parts
		for _, e := range b.extents {
			kernel.SetWordBits(set[from:to], uint64(from), lo, words, e.from, e.to, b.skip)
		}
		return nil
	})
}

// inRanges has workers insert the rows of disjoint ranges of words, last rows first. It reports whether a word
// occurred twice.
func (b *buildSide) inRanges(lo, span uint64, insert func(from, to uint32, first, last uint64) bool) (bool, error) {
	parts := b.parts()
	dups := make([]bool, parts)
	err := b.j.q.pool.parallel(b.j.q.workers, parts, func(p int) error {
		first := lo + span/uint64(parts)*uint64(p)
		last := first + span/uint64(parts) - 1
		if p == parts-1 {
			last = lo + span
			if invariants.Mutant("join-range-end") {
				last--
			}
		}
		for i := len(b.extents) - 1; i >= 0; i-- {
			if e := b.extents[i]; insert(e.from, e.to, first, last) {
				dups[p] = true
			}
		}
		return nil
	})
	return slices.Contains(dups, true), err
}
