package rowstore

import (
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
)

// step is an inner node on the way down, and the slot that was taken there.
type step struct {
	id   uint32
	slot uint8
}

// path is a descent by the writer, who needs neither fences nor replacements.
type path struct {
	steps [treeDepthMax]step
	depth int
	leaf  uint32
	place uint // number of the leaf's keys <= the probe
}

func (t *tree) descend(p *probe, w *path) *node {
	w.depth = 0
	id := t.root.Load()
	n := t.node(id)
	for n.level != 0 {
		s := uint8((n.perm >> (4 * t.find(n, n.perm, p))) & 15)
		w.steps[w.depth] = step{id, s}
		w.depth++
		id = t.child(n.vals[s])
		n = t.node(id)
	}
	w.leaf, w.place = id, t.find(n, n.perm, p)
	return n
}

// set inserts a key or replaces its row. replace, unless it is nil, is told of the previous row before readers find
// the new one.
func (t *tree) set(p *probe, row uint64, replace func(old uint64)) {
	if t.append(p, row) {
		return
	}
	var w path
	n := t.descend(p, &w)
	if slot, ok := t.equal(n, n.perm, w.place, p); ok {
		at := &n.vals[slot]
		if !t.exact {
			at = t.keys.row(n.vals[slot])
		}
		old, late := *at, invariants.Mutant("rowstore-link-late")
		if replace != nil && !late {
			replace(old)
		}
		atomic.StoreUint64(at, row)
		if late && replace != nil {
			time.Sleep(time.Microsecond) // long enough to be seen
			replace(old)
		}
		return
	}
	t.n.Add(1)
	t.insert(w.steps[:w.depth], w.leaf, w.place, p.word, t.leafValue(p, row))
}

// leafValue makes the value of a new key.
func (t *tree) leafValue(p *probe, row uint64) uint64 {
	if t.exact {
		return row
	}
	return t.keys.add(p.key, row)
}

// append adds a key above all others to the rightmost leaf, if that has room: loads in key order need no descent.
func (t *tree) append(p *probe, row uint64) bool {
	n := t.node(t.edge)
	c := uint(n.perm & 15)
	if c == 0 || n.used == nodeSlots {
		return false
	}
	s := (n.perm >> (4 * c)) & 15
	ref := uint64(0)
	if !t.exact {
		ref = n.vals[s]
	}
	if t.compare(n.words[s], ref, p) >= 0 {
		return false
	}
	t.n.Add(1)
	atomic.StoreUint64(&n.perm, put(n, n.perm, c, p.word, t.leafValue(p, row)))
	return true
}

// put writes a free slot and returns the permutation that has it in place i.
func put(n *node, perm uint64, i uint, word, val uint64) uint64 {
	s := uint64(n.used)
	n.used++
	n.words[s] = word
	n.vals[s] = val
	sh := 4 + 4*i
	low := uint64(1)<<sh - 1
	return (perm&low)&^15 | (perm&^low)<<4 | s<<sh | (perm&15 + 1)
}

func (t *tree) insert(steps []step, id uint32, i uint, word, val uint64) {
	n := t.node(id)
	if n.used < nodeSlots {
		atomic.StoreUint64(&n.perm, put(n, n.perm, i, word, val))
		return
	}
	if c := uint(n.perm & 15); n.right == 0 && i == c && c > nodeSlots/2 {
		// At the right edge the node stays as it is, full.
		r := t.alloc(n.level)
		rn := t.node(r)
		rn.perm = put(rn, 0, 0, word, val)
		ref := t.separator(n.level, val)
		n.setHigh(word, ref)
		atomic.StoreUint32(&n.right, r)
		if n.level == 0 {
			t.edge = r
		}
		t.addChild(steps, id, id, word, ref, r)
		return
	}
	t.split(steps, id, i, word, val)
}

// separator returns the reference that a separator takes which begins a node of the given level with the slot value
// val: a leaf's key may go, so the separator has a copy of it.
func (t *tree) separator(level uint8, val uint64) uint64 {
	switch {
	case t.exact:
		return 0
	case level == 0:
		return t.keys.add(t.keys.at(val), noRow)
	}
	return val & refMask
}

// split replaces a full node by two that share its keys and the new one, or by one if most of its slots belong to
// keys that are gone.
func (t *tree) split(steps []step, id uint32, i uint, word, val uint64) {
	n := t.node(id)
	c := uint(n.perm & 15)
	l := t.alloc(n.level)
	ln := t.node(l)
	if c < nodeSlots/2 {
		fill(n, i, word, val, ln, ln, c+1)
		ln.setHigh(n.high, n.highRef())
		ln.right = n.right
		t.replace(steps, id, l)
		return
	}
	r := t.alloc(n.level)
	rn := t.node(r)
	fill(n, i, word, val, ln, rn, (c+1)/2)
	first := rn.perm >> 4 & 15
	sep, ref := rn.words[first], t.separator(n.level, rn.vals[first])
	rn.setHigh(n.high, n.highRef())
	rn.right = n.right
	ln.setHigh(sep, ref)
	ln.right = r
	if n.level == 0 && rn.right == 0 {
		t.edge = r
	}
	atomic.StoreUint32(&n.fwd, l)
	t.addChild(steps, id, l, sep, ref, r)
	t.retired.push(uint64(id), t.clock)
}

// fill copies n's slots and the new one, in place i, to ln (the first half of them) and rn.
func fill(n *node, i uint, word, val uint64, ln, rn *node, half uint) {
	c := uint(n.perm & 15)
	j := uint(0)
	for x := uint(0); x <= c; x++ {
		k, v := word, val
		if x != i {
			s := (n.perm >> (4 + 4*j)) & 15
			k, v = n.words[s], n.vals[s]
			j++
		}
		if x < half {
			ln.perm = put(ln, ln.perm, x, k, v)
		} else {
			rn.perm = put(rn, rn.perm, x-half, k, v)
		}
	}
}

// replace puts node l into the place of node id.
func (t *tree) replace(steps []step, id, l uint32) {
	if n := t.node(l); n.level == 0 && n.right == 0 {
		t.edge = l
	}
	atomic.StoreUint32(&t.node(id).fwd, l)
	t.setChild(steps, l)
	t.retired.push(uint64(id), t.clock)
}

// setChild points the end of the path at l.
func (t *tree) setChild(steps []step, l uint32) {
	if len(steps) == 0 {
		t.root.Store(l)
		return
	}
	s := steps[len(steps)-1]
	val := &t.node(s.id).vals[s.slot]
	atomic.StoreUint64(val, t.withChild(*val, l))
}

// addChild adds node r, whose keys begin at the separator, to the parent of old, whose place l takes.
func (t *tree) addChild(steps []step, old, l uint32, sep, ref uint64, r uint32) {
	if len(steps) == 0 {
		root := t.alloc(t.node(l).level + 1)
		rn := t.node(root)
		rn.perm = put(rn, rn.perm, 0, 0, t.withChild(0, l))
		rn.perm = put(rn, rn.perm, 1, sep, t.withChild(ref, r))
		t.root.Store(root)
		return
	}
	if l != old {
		t.setChild(steps, l)
	}
	s := steps[len(steps)-1]
	i := placeOf(t.node(s.id).perm, s.slot) + 1
	t.insert(steps[:len(steps)-1], s.id, i, sep, t.withChild(ref, r))
}

// placeOf returns the place of a slot in the order of keys.
func placeOf(perm uint64, slot uint8) uint {
	for i := uint(0); i < uint(perm&15); i++ {
		if uint8(perm>>(4+4*i))&15 == slot {
			return i
		}
	}
	panic("rowstore: an inner node has lost a child") // unreachable: the descent has just come by
}

// without returns the permutation less place i. The slot is not reused, so readers of older permutations see it.
func without(perm uint64, i uint) uint64 {
	sh := 4 + 4*i
	low := uint64(1)<<sh - 1
	return perm&low&^15 | (perm>>4)&^low | (perm&15 - 1)
}

// remove takes a key out if it leads to row; it reports whether it did.
func (t *tree) remove(p *probe, row uint64) bool {
	var w path
	n := t.descend(p, &w)
	slot, ok := t.equal(n, n.perm, w.place, p)
	if !ok || t.row(n.vals[slot]) != row {
		return false
	}
	t.n.Add(-1)
	atomic.StoreUint64(&n.perm, without(n.perm, w.place-1))
	if !t.exact {
		t.keys.retire(n.vals[slot])
	}
	if n.perm&15 == 0 {
		t.unlink(w.steps[:w.depth], w.leaf)
	}
	t.lower()
	return true
}

// unlink takes a node without keys out of the tree: its right neighbour under the same parent takes over its range.
// A last child stays until it is the only one; then the parent goes as a whole, in the same way.
func (t *tree) unlink(steps []step, id uint32) bool {
	if len(steps) == 0 {
		return false
	}
	s := steps[len(steps)-1]
	pn := t.node(s.id)
	i, c := placeOf(pn.perm, s.slot), uint(pn.perm&15)
	switch {
	case i+1 < c:
		next := (pn.perm >> (4 + 4*(i+1))) & 15
		right := t.child(pn.vals[next])
		atomic.StoreUint32(&t.node(id).fwd, right)
		atomic.StoreUint64(&pn.vals[s.slot], t.withChild(pn.vals[s.slot], right))
		if !t.exact {
			t.keys.retire(pn.vals[next] & refMask)
		}
		atomic.StoreUint64(&pn.perm, without(pn.perm, i+1))
	case c > 1 || !t.unlink(steps[:len(steps)-1], s.id):
		return false
	}
	t.retired.push(uint64(id), t.clock)
	return true
}

// lower takes the root away as long as it has only one child.
func (t *tree) lower() {
	for {
		id := t.root.Load()
		n := t.node(id)
		if n.level == 0 || n.perm&15 != 1 {
			return
		}
		t.root.Store(t.child(n.vals[(n.perm>>4)&15]))
		t.retired.push(uint64(id), t.clock)
	}
}
