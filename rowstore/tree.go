package rowstore

import (
	"bytes"
	"math/bits"
	"sync/atomic"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// tree is an ordered index from encoded keys to rows: a B+tree with one writer and readers that take no lock.
//
// Nodes are 256 bytes off-heap and hold no Go pointers. A node's slots are written once and then published by one
// atomic store of its permutation word (count in the low four bits, then slot numbers in key order). A full node is
// replaced by fresh ones (fwd leads there) and never shifted, so a reader always sees a consistent node. A node that
// was unlinked is reused only when the watermark has passed the LSN of its unlinking; readers hold a View.
//
// A slot has a word and a value. In exact trees every key has the same length of at most 8 bytes, the word is the
// key, and a leaf's value is the row. In others the word is the key's first 8 bytes; a leaf's value refers to a key
// record (see keyArena), which holds the key and the row, and an inner node's value has the reference to the
// separator's own record beside the child.
//
// Separators stay when nodes beside them are split or replaced; one goes only together with the node to its left.
// Therefore a stale right link, which leads to a node that was since replaced, is never followed by a descent that
// began afterwards: it meets the separator in an inner node first.
type tree struct {
	nodes   atomic.Pointer[[][]node]
	root    atomic.Uint32
	exact   bool
	n       atomic.Int64 // keys
	next    uint32       // node never used so far
	edge    uint32       // rightmost leaf (writer)
	arena   *arena
	clock   *clock
	retired retireQueue
	keys    keyArena
}

const (
	nodeSlots    = 14
	nodeBytes    = 256
	treeDepthMax = 20

	// Slab k of nodes has 16<<k of them up to this k, and no more from there on.
	nodeSlabShiftMin = 4
	nodeSlabsGrowing = 8

	childShift = 36
	refMask    = 1<<childShift - 1
)

type node struct {
	perm  uint64
	high  uint64 // fence: keys at or above it are to the right; unused if right is 0
	right uint32 // next node of the level; 0: rightmost, no fence
	fwd   uint32 // replacement; 0: none
	// highLo and highHi are the reference to the fence's record.
	highLo uint32
	highHi uint16
	used   uint8
	level  uint8
	words  [nodeSlots]uint64
	vals   [nodeSlots]uint64
}

// clock says what has been applied and what no View can see any more; the writer moves it.
type clock struct{ applied, watermark table.LSN }

// passed reports whether what was unlinked at lsn can be reached by nobody.
func (c *clock) passed(lsn table.LSN) bool {
	return c.watermark > lsn || invariants.Mutant("rowstore-ignore-watermark")
}

func newTree(exact bool, c *clock, a *arena) *tree {
	t := &tree{next: 1, exact: exact, clock: c, arena: a}
	t.keys.tree = t
	t.nodes.Store(&[][]node{})
	t.edge = t.alloc(0)
	t.root.Store(t.edge)
	return t
}

// slabOf returns where node id is.
func slabOf(id uint32) (slab, at uint32) {
	x := id + 1<<nodeSlabShiftMin
	if k := uint32(bits.Len32(x)) - 1 - nodeSlabShiftMin; k < nodeSlabsGrowing {
		return k, x - 1<<(k+nodeSlabShiftMin)
	}
	x -= 1 << (nodeSlabsGrowing + nodeSlabShiftMin)
	return nodeSlabsGrowing + x>>(nodeSlabsGrowing+nodeSlabShiftMin), x & (1<<(nodeSlabsGrowing+nodeSlabShiftMin) - 1)
}

func (t *tree) node(id uint32) *node {
	slab, at := slabOf(id)
	return &(*t.nodes.Load())[slab][at]
}

// alloc returns an empty node: one that was unlinked long ago, or a new one.
func (t *tree) alloc(level uint8) uint32 {
	if ref, ok := t.retired.pop(t.clock); ok {
		id := uint32(ref)
		*t.node(id) = node{level: level}
		return id
	}
	id := t.next
	t.next++
	slab, _ := slabOf(id)
	if slabs := *t.nodes.Load(); int(slab) == len(slabs) {
		size := 1 << (nodeSlabShiftMin + min(slab, nodeSlabsGrowing))
		more := append(slabs, allocOf[node](t.arena, size)) // readers hold shorter slices of the same array
		t.nodes.Store(&more)
	}
	*t.node(id) = node{level: level}
	return id
}

// probe is a key being looked for.
type probe struct {
	word uint64
	key  []byte // unused in exact trees
}

func probeOf(key []byte) probe { return probe{index.Word(key), key} }

// compare orders the key with the given word and record against the probe.
func (t *tree) compare(word, ref uint64, p *probe) int {
	switch {
	case word < p.word:
		return -1
	case word > p.word:
		return 1
	case t.exact:
		return 0
	}
	return bytes.Compare(t.keys.at(ref), p.key)
}

// find returns the number of keys <= p among the sorted slots. Slot 0 of an inner node counts always: it stands for
// everything below the second key.
func (t *tree) find(n *node, perm uint64, p *probe) uint {
	lo, hi := uint(0), uint(perm&15)
	if n.level != 0 {
		lo = 1
	}
	if t.exact {
		for lo < hi {
			m := (lo + hi) >> 1
			if n.words[(perm>>(4+4*m))&15] <= p.word {
				lo = m + 1
			} else {
				hi = m
			}
		}
		return lo
	}
	for lo < hi {
		m := (lo + hi) >> 1
		s := (perm >> (4 + 4*m)) & 15
		ref := atomic.LoadUint64(&n.vals[s]) & refMask
		if t.compare(n.words[s], ref, p) <= 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// equal reports whether the slot before place i of a leaf has the probe's key, and which slot it is.
func (t *tree) equal(n *node, perm uint64, i uint, p *probe) (slot uint64, ok bool) {
	if i == 0 {
		return 0, false
	}
	slot = (perm >> (4 * i)) & 15
	if n.words[slot] != p.word {
		return slot, false
	}
	return slot, t.exact || bytes.Equal(t.keys.at(atomic.LoadUint64(&n.vals[slot])), p.key)
}

// leaf descends to the leaf that covers p, following replacements and right neighbours.
func (t *tree) leaf(p *probe) (*node, uint64) {
	id := t.root.Load()
	for {
		n := t.node(id)
		perm := atomic.LoadUint64(&n.perm)
		if f := atomic.LoadUint32(&n.fwd); f != 0 {
			id = f
			continue
		}
		if r := atomic.LoadUint32(&n.right); r != 0 && t.compare(n.high, n.highRef(), p) <= 0 {
			id = r
			continue
		}
		if n.level == 0 {
			return n, perm
		}
		i := t.find(n, perm, p)
		id = t.child(atomic.LoadUint64(&n.vals[(perm>>(4*i))&15]))
	}
}

func (t *tree) child(val uint64) uint32 {
	if t.exact {
		return uint32(val)
	}
	return uint32(val >> childShift)
}

// withChild returns an inner slot's value with another child.
func (t *tree) withChild(val uint64, id uint32) uint64 {
	if t.exact {
		return uint64(id)
	}
	return val&refMask | uint64(id)<<childShift
}

func (n *node) highRef() uint64 { return uint64(n.highHi)<<32 | uint64(n.highLo) }

// setHigh sets the fence, before right is published.
func (n *node) setHigh(word, ref uint64) {
	n.high, n.highLo, n.highHi = word, uint32(ref), uint16(ref>>32)
}

// get returns the row of a key.
func (t *tree) get(p *probe) (uint64, bool) {
	n, perm := t.leaf(p)
	slot, ok := t.equal(n, perm, t.find(n, perm, p), p)
	if !ok {
		return 0, false
	}
	return t.row(atomic.LoadUint64(&n.vals[slot])), true
}

// row returns the row that a leaf's value leads to.
func (t *tree) row(val uint64) uint64 {
	if t.exact {
		return val
	}
	return atomic.LoadUint64(t.keys.row(val))
}

// ascend visits the rows of all keys in order, those of each leaf as of one moment.
func (t *tree) ascend(f func(row uint64) bool) {
	p := probe{}
	for {
		n, perm := t.leaf(&p)
		right := atomic.LoadUint32(&n.right)
		for i := range perm & 15 {
			s := (perm >> (4 + 4*i)) & 15
			val := atomic.LoadUint64(&n.vals[s])
			ref := uint64(0)
			if !t.exact {
				ref = val
			}
			if t.compare(n.words[s], ref, &p) >= 0 && !f(t.row(val)) {
				return
			}
		}
		if right == 0 {
			return
		}
		// The next leaf is found by a descent: right links may be stale.
		p.word = n.high
		if !t.exact {
			p.key = t.keys.at(n.highRef())
		}
	}
}
