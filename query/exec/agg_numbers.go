package exec

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// stringNumbers numbers the different strings of a key column, 0, 1, 2, … in the order in which they come. All tables of
// an aggregation share it: a number is the same string in all of them, as long as the query lives. So keys of strings are
// packed into words as integers are, and a string is hashed and compared once for each entry of a dictionary that a
// worker meets rather than for each row.
//
// The string of a number never changes, nor do the bytes behind it, so that views that were read under the lock may be
// used without it. Different numbers are different strings. What is full takes nothing more: keys with further
// strings are hashed.
type stringNumbers struct {
	tracker *mem.Tracker
	// always: strings are numbered whatever they are; wanted: a table does it.
	always bool
	wanted atomic.Bool
	mu     struct {
		sync.RWMutex
		n      int
		full   bool
		hashes column[uint64]
		views  column[vec.StrView]
		slots  column[uint64]
		index  kernel.GroupIndex // of the hashes
		blocks [][]byte          // of long strings; the last is filled up to used
		slabs  []mem.Slab
		used   int
		long   int64 // bytes in blocks
	}
}

// Limits of numbers: of strings; the share of memory beyond which none is added; and the memory below which there are none.
// What they take is not given back before the query ends, so it is less than that of states that may leave memory.
const (
	numbersMax   = 1 << 20
	numbersShare = 1
	numbersLeast = 16 << 20
)

// numberKeys makes what numbers the strings of those keys of which equal values are one image.
func (a *aggregation) numberKeys() {
	a.numbers = make([]*stringNumbers, a.nk)
	if a.q.mem.Least() < numbersLeast {
		return
	}
	for j, k := range a.exprs[:a.nk] {
		if t := k.Type(); keyKindOf(t) == keyShort && t.Kind.ImageEqual() {
			x := &stringNumbers{tracker: a.q.mem, always: a.q.env.Force.Aggregate == "dense"}
			a.q.onClose(x.free)
			a.numbers[j] = x
		}
	}
}

// noteNumbers tells how many strings have numbers.
func (a *aggregation) noteNumbers() {
	for _, x := range a.numbers {
		if x != nil && x.wanted.Load() {
			a.stats.note("%d strings of a key are numbered", x.len())
		}
	}
}

func (x *stringNumbers) free() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mu.hashes.free()
	x.mu.views.free()
	x.mu.slots.free()
	for i := range x.mu.slabs {
		x.mu.slabs[i].Free()
	}
	x.mu.slabs, x.mu.blocks, x.mu.n, x.mu.full = nil, nil, 0, true
}

func (x *stringNumbers) len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.mu.n
}

// open reports whether n more strings have numbers, as it seems, and else what a string takes on average beyond its view.
func (x *stringNumbers) open(n int) (bool, int64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	long := x.mu.long / int64(max(x.mu.n, 1))
	ok := !x.mu.full && x.mu.n+n <= numbersMax && x.tracker.Fits(x.growth(n)+int64(n)*long, numbersShare, shareWhole)
	return ok, long
}

// growth is the memory that n more strings take.
func (x *stringNumbers) growth(n int) int64 {
	g := x.mu.hashes.growth(x.mu.n+n) + x.mu.views.growth(x.mu.n+n)
	if 2*(x.mu.n+n) > len(x.mu.index.Slots) {
		g += mem.SlabSize(8 * max(2*len(x.mu.index.Slots), 4*(x.mu.n+n)))
	}
	return g
}

// take sets out to the numbers of strings, of which new ones get one; false if there is no room for all. hashes is scratch.
func (x *stringNumbers) take(out []int64, views []vec.StrView, blocks [][]byte, hashes []uint64) bool {
	hashes = hashes[:len(views)]
	kernel.HashViews(hashes, views, blocks)
	x.mu.RLock()
	missing := kernel.FindViews(out, &x.mu.index, x.mu.views.v, x.mu.blocks, hashes, views, blocks)
	x.mu.RUnlock()
	if missing == 0 {
		return true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range views {
		if out[i] >= 0 {
			continue
		}
		if out[i] = kernel.FindView(&x.mu.index, x.mu.views.v, x.mu.blocks, hashes[i], &views[i], blocks); out[i] >= 0 {
			continue // another row has come before
		}
		if !x.add(&views[i], blocks, hashes[i]) {
			x.mu.full = true
			return false
		}
		out[i] = int64(x.mu.n - 1)
	}
	return true
}

// add gives a string the next number; false if there is no room for it.
func (x *stringNumbers) add(v *vec.StrView, blocks [][]byte, hash uint64) bool {
	n := x.mu.n
	if x.mu.full || n == numbersMax || !x.reserve(n+1) {
		return false
	}
	view := *v
	if v.Len > vec.InlineMax {
		var ok bool
		if view, ok = x.keep(v.Bytes(blocks)); !ok {
			return false
		}
	}
	x.mu.views.v[n], x.mu.hashes.v[n] = view, hash
	kernel.InsertGroup(&x.mu.index, hash, uint32(n))
	x.mu.n++
	return true
}

// reserve makes room for n strings. What readers have seen of the columns is copied, never changed.
func (x *stringNumbers) reserve(n int) bool {
	if n <= len(x.mu.views.v) && n <= len(x.mu.hashes.v) && 2*n <= len(x.mu.index.Slots) {
		return true
	}
	if !x.tracker.Fits(x.growth(n-x.mu.n), numbersShare, shareWhole) || x.mu.views.grow(x.tracker, n) != nil ||
		x.mu.hashes.grow(x.tracker, n) != nil {
		return false
	}
	if 2*n <= len(x.mu.index.Slots) {
		return true
	}
	if renewIndex(&x.mu.index, &x.mu.slots, x.tracker, 4*n) != nil {
		return false
	}
	for id := range x.mu.n {
		kernel.InsertGroup(&x.mu.index, x.mu.hashes.v[id], uint32(id))
	}
	return true
}

// keep copies a long string; false if there is no room for it.
func (x *stringNumbers) keep(b []byte) (vec.StrView, bool) {
	last := len(x.mu.blocks) - 1
	if last < 0 || x.mu.used+len(b) > len(x.mu.blocks[last]) {
		size := max(heapBlockBytes(len(x.mu.blocks)), len(b))
		if !x.tracker.Fits(mem.SlabSize(size), numbersShare, shareWhole) {
			return vec.StrView{}, false
		}
		s, err := mem.Alloc(x.tracker, size)
		if err != nil {
			return vec.StrView{}, false
		}
		x.mu.slabs, x.mu.blocks, x.mu.used = append(x.mu.slabs, s), append(x.mu.blocks, s.B), 0
		last++
	}
	at := x.mu.used
	copy(x.mu.blocks[last][at:], b)
	x.mu.used += len(b)
	x.mu.long += int64(len(b))
	return vec.LongView(b, uint32(last), uint32(at)), true
}

// strings sets views to the strings of numbers, the empty one for what is no number, and returns the blocks that they
// point into.
func (x *stringNumbers) strings(views []vec.StrView, numbers []int64) [][]byte {
	x.mu.RLock()
	defer x.mu.RUnlock()
	known := x.mu.views.v[:x.mu.n]
	views = views[:len(numbers)]
	for i, id := range numbers {
		if uint64(id) < uint64(len(known)) {
			views[i] = known[id]
		} else {
			views[i] = vec.StrView{}
		}
	}
	return x.mu.blocks
}

// numberInts returns the numbers of the strings of key column j; false if some have none.
func (c *keyCoder) numberInts(j int, v *vec.Vector, n int, s *codeScratch) ([]int64, bool) {
	x, out := c.numbers[j], s.ints[:n]
	if v.Form == vec.Dict {
		return out, s.numberCodes(&s.dicts[j], x, v, out)
	}
	rows := n
	if v.Form == vec.Const {
		rows = min(n, 1)
	}
	views, blocks := viewsOf(v, rows, s.rows.views)
	if hasNulls(v, rows) { // the views of NULLs may be anything
		all := s.rows.views[:rows]
		for i := range all {
			if v.IsNull(i) {
				all[i] = vec.StrView{}
			} else {
				all[i] = views[i]
			}
		}
		views = all
	}
	if !x.take(out[:rows], views[:rows], blocks, s.rows.hashes) {
		return nil, false
	}
	for i := rows; i < n; i++ {
		out[i] = out[0]
	}
	return out, true
}

// codeUnmet is the number of an entry of a dictionary that no row has had yet, codeAsked of one that is about to get one.
const (
	codeUnmet = -1
	codeAsked = -2
)

// numberCodes sets out to the numbers of the rows of a vector with a dictionary. The worker keeps those of the
// dictionary seen last.
func (s *codeScratch) numberCodes(d *dictCodes, x *stringNumbers, v *vec.Vector, out []int64) bool {
	dict := v.Dictionary
	count := dict.Values.N
	if d.dict != dict && !(invariants.Mutant("numbers-of-another-dictionary") && d.of == x && len(d.codes) >= count) || d.of != x {
		if cap(d.codes) < count {
			codes, err := makeSlice[int64](s.arena, count)
			if err != nil {
				return false
			}
			d.codes = codes
		}
		d.dict, d.of, d.codes = dict, x, d.codes[:count]
		for i := range d.codes {
			d.codes[i] = codeUnmet
		}
	}
	if count == 0 {
		clear(out)
		return true
	}
	dictCopy(v, len(out), out, d.codes)
	if !kernel.AnyNegative(out) {
		return true
	}
	asked, views, k := s.rows.picked, s.rows.views, 0
	entries := dict.Values.Views()
	for i, y := range out {
		if y >= 0 || v.IsNull(i) {
			continue
		}
		if code := v.Code(i); d.codes[code] == codeUnmet {
			d.codes[code] = codeAsked
			asked[k], views[k] = int64(code), entries[code]
			k++
		}
	}
	ok := x.take(out[:k], views[:k], dict.Values.Blocks, s.rows.hashes)
	for i, code := range asked[:k] {
		d.codes[code] = codeUnmet
		if ok {
			d.codes[code] = out[i]
		}
	}
	dictCopy(v, len(out), out, d.codes)
	return ok
}

// numbersGrowth is the memory that numbers of n more rows take, and what keys take that must be kept once they have none.
func (t *groupTable) numbersGrowth(n int) int64 {
	g := int64(0)
	for j, k := range t.coder.kinds {
		if k != keyNumber || t.coder.hashed {
			continue
		}
		if open, long := t.coder.numbers[j].open(n * t.a.q.workers); !open {
			g += int64(t.n+n)*(long+int64(unsafe.Sizeof(vec.StrView{}))*int64(t.a.nk)) + 2*pageBytes
		}
	}
	return g
}

// numberGroups gives the strings of the groups so far numbers if the coder, which was old, has begun to number them. It
// reports whether it has: the numbers may lie outside of the coder's ranges. If there is no room for them, keys are hashed.
func (t *groupTable) numberGroups(old *keyCoder, s *codeScratch) (bool, error) {
	c := &t.coder
	turned := false
	for j := range old.kinds {
		turned = turned || !c.hashed && c.kinds[j] == keyNumber && old.kinds[j] != keyNumber
	}
	if !turned || t.n == 0 || invariants.Mutant("numbers-without-those-before") {
		return false, nil
	}
	d, err := newKeyDecoder(t.tracker, t.a.nk)
	if err != nil {
		return false, err
	}
	defer d.free()
	for from := 0; from < t.n; from += batchRows {
		k := min(batchRows, t.n-from)
		for i := range k {
			d.ids[i] = uint32(from + i)
		}
		for j, v := range d.vectors(t, old, d.ids[:k]) {
			if c.kinds[j] != keyNumber {
				continue
			}
			if _, ok := c.numberInts(j, v, k, s); !ok {
				c.hashed = true
				return false, nil
			}
		}
	}
	return true, nil
}
