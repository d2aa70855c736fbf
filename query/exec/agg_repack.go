package exec

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
)

// Words of one packing become words of another without their values being made: column by column, the codes are moved by the
// difference of the ranges. So groups are merged, and widened, by words alone wherever both packings see columns as the
// same kind of integers.

// clone returns a coder that changes by itself.
func (c *keyCoder) clone() keyCoder {
	d := *c
	d.kinds, d.lens, d.pack.cols = slices.Clone(c.kinds), slices.Clone(c.lens), slices.Clone(c.pack.cols)
	return d
}

// alike reports whether both coders pack the same integers.
func (c *keyCoder) alike(o *keyCoder) bool {
	if !c.known || !o.known || c.hashed || o.hashed {
		return false
	}
	for j, k := range c.kinds {
		a, b := &c.pack.cols[j], &o.pack.cols[j]
		switch {
		case k != o.kinds[j], k == keyNumeric && a.scale != b.scale, k == keyShort && c.lens[j] != o.lens[j]:
			return false
		case k == keyNumber && c.numbers[j] != o.numbers[j]:
			return false
		}
	}
	return true
}

// holds reports whether the packing has a code for all that o's has one for.
func (p *pack) holds(o *pack) bool {
	for j := range p.cols {
		a, b := &p.cols[j], &o.cols[j]
		if b.lo < a.lo || b.hi > a.hi || b.nullable && !a.nullable {
			return false
		}
	}
	return true
}

// repack sets dst to the words, in packing p, of keys whose words in packing o are src. Every key of src must have one.
func (p *pack) repack(dst []uint64, o *pack, src []uint64) {
	for j := range p.cols {
		a, b := &p.cols[j], &o.cols[j]
		mask := ^uint64(0)
		if b.bits < 64 {
			mask = 1<<b.bits - 1
		}
		move := b.base() - a.base()
		if invariants.Mutant("repack-forgets-the-base") {
			move = 0
		}
		kernel.RepackColumn(dst, src, b.shift, mask, move, a.shift, b.nullable, j > 0)
	}
}

// base is the value of code 0, were it one.
func (c *packCol) base() uint64 {
	switch {
	case c.whole:
		return 0
	case c.nullable:
		return uint64(c.lo) - 1
	}
	return uint64(c.lo)
}

// takesWords reports whether words of a table's groups can be made words of t, which is prepared for that.
func (t *groupTable) takesWords(from *groupTable) (bool, error) {
	c := &from.coder
	if t.a.q.env.Force.Aggregate == "hash" || !c.known || c.hashed {
		return false, nil
	}
	if !t.coder.known && t.n == 0 {
		t.coder = c.clone()
		t.dropIndex()
		return true, nil
	}
	if !t.coder.alike(c) {
		return false, nil
	}
	if t.coder.pack.holds(&c.pack) {
		return true, nil
	}
	old := t.coder.clone()
	for j := range t.coder.pack.cols {
		a, b := &t.coder.pack.cols[j], &c.pack.cols[j]
		a.lo, a.hi, a.nullable = min(a.lo, b.lo), max(a.hi, b.hi), a.nullable || b.nullable
	}
	if !t.coder.pack.place() {
		t.coder = old
		return false, nil
	}
	return true, t.rewords(&old)
}

// rewords makes the words of all groups anew after the packing has changed from old's, which is alike.
func (t *groupTable) rewords(old *keyCoder) error {
	words := t.words.v[:t.n]
	for from := 0; from < len(words); from += batchRows {
		part := words[from:min(from+batchRows, len(words))]
		var src [batchRows]uint64
		copy(src[:], part)
		t.coder.pack.repack(part, &old.pack, src[:len(part)])
	}
	if t.indexed == 0 {
		t.dropIndex()
		return nil
	}
	return t.reindex()
}
