// Package deletion keeps which rows of a segment are deleted, and since when.
//
// A Vector is an immutable roaring bitmap, the base, of the rows whose deletion every View sees, and a short list of
// (position, LSN) in LSN order for the later ones. A View at an LSN sees the base and the prefix of the list up to its
// LSN. The list is append-only: a deletion is published by raising its length, so readers take no lock. Folding moves
// the prefix that is at or below the watermark into a new base, which shares the containers that do not change with the
// old one.
//
//	base (LSN <= folded)         list
//	roaring bitmap        (17, 40) (3, 41) (99, 41) (5, 47) ─► appended
//	                       └─ a View at LSN 41 ─┘
//
// # Invariants
//
//   - LSNs in the list never decrease, and are above that of the base; a position is deleted once.
//   - What a reader gets for (Vector, LSN) never changes: the base and the entries of a list are never changed in place.
//   - An LSN below that of the base cannot be asked for: the watermark is the oldest View.
//
// # Concurrency
//
// One writer (Delete, Fold) at a time, any number of readers beside it. A Mask is immutable and shared.
package deletion

import (
	"math/bits"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// Deletion is one row that was deleted.
type Deletion struct {
	Pos uint32
	LSN uint64
}

// Vector says which rows of one segment are deleted at which LSN.
type Vector struct {
	rows  int
	state atomic.Pointer[state]
	// listed are the positions in the list, for the writer alone.
	listed *roaring.Bitmap
	mask   atomic.Pointer[Mask] // the last one that was made
	// any has a bit for each row that was deleted at any LSN. A bit is set before the deletion is published.
	any []atomic.Uint64
}

// state is one base with the list above it. Its fields are constant but for n, which grows, and the entries of list
// from n on.
type state struct {
	folded uint64 // the LSN of the base
	base   *roaring.Bitmap
	count  int // of base
	list   []Deletion
	n      atomic.Int64 // entries of list that are published
}

// listMin is the room of a new list.
const listMin = 64

// New returns the vector of a segment of a number of rows, none of which is deleted. folded is an LSN that no reader
// is below.
func New(rows int, folded uint64) *Vector {
	v := &Vector{rows: rows, listed: roaring.New(), any: make([]atomic.Uint64, (rows+63)>>6)}
	v.state.Store(&state{folded: folded, base: newBase()})
	return v
}

// newBase returns an empty bitmap whose clones share its containers until they are written.
func newBase() *roaring.Bitmap {
	b := roaring.New()
	b.SetCopyOnWrite(true)
	return b
}

// Rows returns the number of rows of the segment.
func (v *Vector) Rows() int { return v.rows }

// Folded returns the LSN up to which deletions are in the base: no reader may be below it.
func (v *Vector) Folded() uint64 { return v.state.Load().folded }

// Deleted returns the number of rows that are deleted at an LSN.
func (v *Vector) Deleted(lsn uint64) int {
	s := v.state.Load()
	return s.count + s.visible(lsn)
}

// Pending returns the number of deletions that are not in the base.
func (v *Vector) Pending() int { return int(v.state.Load().n.Load()) }

// visible returns how many entries of the list a View at lsn sees.
func (s *state) visible(lsn uint64) int {
	invariants.Assert(lsn >= s.folded, "a deletion vector folded at %d is read at %d", s.folded, lsn)
	list := s.list[:s.n.Load()]
	if n := len(list); n == 0 || list[n-1].LSN <= lsn || invariants.Mutant("dv-ignore-lsn") {
		return n
	}
	return sort.Search(len(list), func(i int) bool { return list[i].LSN > lsn })
}

// Delete adds rows that were deleted at an LSN, which is not below any before it. It fails, and adds none, if a row
// does not exist or was deleted before.
func (v *Vector) Delete(lsn uint64, pos ...uint32) error {
	s := v.state.Load()
	n := int(s.n.Load())
	if lsn <= s.folded || n > 0 && s.list[n-1].LSN > lsn {
		return sqlerr.Newf(sqlerr.InternalError, "a deletion at LSN %d after one at a later LSN", lsn)
	}
	for i, p := range pos {
		if int64(p) >= int64(v.rows) || s.base.Contains(p) || !v.listed.CheckedAdd(p) {
			for _, q := range pos[:i] {
				v.listed.Remove(q)
			}
			return sqlerr.Newf(sqlerr.InternalError, "row %d of %d cannot be deleted again", p, v.rows)
		}
	}
	for _, p := range pos {
		v.note(p)
	}
	if n+len(pos) > cap(s.list) {
		s = s.longer(n + len(pos))
		defer v.state.Store(s)
	}
	list := s.list[:n+len(pos)]
	for i, p := range pos {
		list[n+i] = Deletion{Pos: p, LSN: lsn}
	}
	s.n.Store(int64(len(list)))
	return nil
}

// longer returns a copy of s with room for n entries. Readers of s go on with its list.
func (s *state) longer(n int) *state {
	list := make([]Deletion, max(2*n, listMin))
	copy(list, s.list[:s.n.Load()])
	t := &state{folded: s.folded, base: s.base, count: s.count, list: list}
	t.n.Store(s.n.Load())
	return t
}

// Fold moves the deletions up to the watermark into the base. No reader is below the watermark, then or later.
func (v *Vector) Fold(watermark uint64) {
	s := v.state.Load()
	if watermark <= s.folded {
		return
	}
	k := 0
	list := s.list[:s.n.Load()]
	for k < len(list) && (list[k].LSN <= watermark || invariants.Mutant("dv-ignore-watermark")) {
		k++
	}
	t := &state{folded: watermark, base: s.base, count: s.count + k}
	if k > 0 {
		// The clone shares its containers until they are written; s.base itself is never written.
		t.base = s.base.Clone()
		for _, d := range list[:k] {
			t.base.Add(d.Pos)
			v.listed.Remove(d.Pos)
		}
	}
	rest := list[k:]
	t.list = make([]Deletion, max(2*len(rest), listMin))
	copy(t.list, rest)
	t.n.Store(int64(len(rest)))
	v.state.Store(t)
}

// note sets the bit of a row that is deleted.
func (v *Vector) note(pos uint32) { v.any[pos>>6].Or(1 << (pos & 63)) }

// Contains reports whether a row is deleted at an LSN. For many rows use Mask.
func (v *Vector) Contains(pos uint32, lsn uint64) bool {
	at, deleted := v.DeletedAt(pos)
	return deleted && at <= lsn
}

// DeletedAt returns the LSN at which a row was deleted, or one above it that no reader is below.
func (v *Vector) DeletedAt(pos uint32) (lsn uint64, deleted bool) {
	if v.any[pos>>6].Load()>>(pos&63)&1 == 0 {
		return 0, false
	}
	s := v.state.Load()
	if s.base.Contains(pos) {
		return s.folded, true
	}
	list := s.list[:s.n.Load()]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Pos == pos {
			return list[i].LSN, true
		}
	}
	return 0, false // it is being deleted
}

// Mask is the rows that are not deleted at one LSN, one bit a row in 64-bit words. It is immutable.
type Mask struct {
	// Live has bit p&63 of word p>>6 set if row p is not deleted; bits from the number of rows on are 0. It is nil if
	// no row is deleted.
	Live []uint64
	// Deleted is the number of rows that are.
	Deleted int

	// base and visible are the version: while the base is the same the list below an entry is, too.
	base    *roaring.Bitmap
	visible int

	few struct {
		sync.Once
		list []uint32
	}
}

// fewPart is how many rows there are to one that is deleted, at least, for Few: the list is no larger than twice Live.
const fewPart = 16

// Few returns the positions of the rows that are deleted, ascending, or nil if there are none, or many.
func (m *Mask) Few() []uint32 {
	m.few.Do(func() {
		if m.Live == nil || m.Deleted*fewPart > 64*len(m.Live) {
			return
		}
		m.few.list = make([]uint32, 0, m.Deleted)
		for i, w := range m.Live {
			for w = ^w; w != 0 && len(m.few.list) < m.Deleted; w &= w - 1 {
				m.few.list = append(m.few.list, uint32(i<<6+bits.TrailingZeros64(w)))
			}
		}
	})
	return m.few.list
}

// Mask returns the rows that live at an LSN. Readers of the same version share it.
func (v *Vector) Mask(lsn uint64) *Mask {
	s := v.state.Load()
	n := s.visible(lsn)
	old := v.mask.Load()
	if old != nil && old.base == s.base && old.visible == n {
		return old
	}
	m := s.makeMask(v.rows, n, old)
	if old == nil || old.base != s.base || old.visible < n {
		v.mask.Store(m) // newer versions are asked for more often than older ones
	}
	return m
}

func (s *state) makeMask(rows, n int, old *Mask) *Mask {
	m := &Mask{base: s.base, visible: n, Deleted: s.count + n}
	if m.Deleted == 0 {
		return m
	}
	from := 0
	if old != nil && old.base == s.base && old.visible < n && old.Live != nil {
		m.Live = append([]uint64(nil), old.Live...)
		from = old.visible
	} else {
		m.Live = s.baseWords(rows)
	}
	for _, d := range s.list[from:n] {
		m.Live[d.Pos>>6] &^= 1 << (d.Pos & 63)
	}
	return m
}

// baseWords returns the complement of the base in words.
func (s *state) baseWords(rows int) []uint64 {
	words := make([]uint64, (rows+63)>>6)
	for i := range words {
		words[i] = ^uint64(0)
	}
	if r := rows & 63; r != 0 {
		words[len(words)-1] = 1<<r - 1
	}
	it := s.base.ManyIterator()
	var buf [256]uint32
	for k := it.NextMany(buf[:]); k > 0; k = it.NextMany(buf[:]) {
		for _, p := range buf[:k] {
			words[p>>6] &^= 1 << (p & 63)
		}
	}
	return words
}

// Sel appends the rows of [from, from+n) that live to sel, counted from from, and returns it; n is at most 32,768.
// From the beginning of a word it is fast.
func (m *Mask) Sel(sel []uint16, from, n int) []uint16 {
	switch {
	case m.Live == nil:
		for i := range n {
			sel = append(sel, uint16(i))
		}
		return sel
	case from&63 == 0:
		return vec.AppendSel(sel, m.Live[from>>6:], n)
	}
	for p := from; p < from+n; {
		w := m.Live[p>>6] >> (p & 63)
		k := min(64-p&63, from+n-p)
		if k < 64 {
			w &= 1<<k - 1
		}
		for ; w != 0; w &= w - 1 {
			sel = append(sel, uint16(p-from+bits.TrailingZeros64(w)))
		}
		p += k
	}
	return sel
}

// All reports whether all rows of [from, from+n) live, where from and n, or the end of all rows, are multiples of 64.
func (m *Mask) All(from, n int) bool {
	if m.Live == nil {
		return true
	}
	for p := from; p < from+n; p += 64 {
		want := ^uint64(0)
		if left := from + n - p; left < 64 {
			want = 1<<left - 1
		}
		if m.Live[p>>6]&want != want {
			return false
		}
	}
	return true
}

// After returns the deletions above an LSN, in the order of their LSNs.
func (v *Vector) After(lsn uint64) []Deletion {
	s := v.state.Load()
	list := s.list[:s.n.Load()]
	return list[sort.Search(len(list), func(i int) bool { return list[i].LSN > lsn }):]
}
