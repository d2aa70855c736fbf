package exec

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// runtimeFilter is the set of the keys of a join's build side, made when that is complete. Scans of the
// other side leave out what is not in it.
type runtimeFilter struct {
	ready bool
	f     table.Filter
	keys  int
}

// Limits of exact filters: one bit a value of the range.
const (
	exactRangePerRow = 256
	exactRangeMax    = 1 << 24
)

// wantFilters registers a filter for each integer key that is a column of a scan of the left side.
func (j *join) wantFilters() {
	n := j.n
	j.filters = make([]*runtimeFilter, len(n.LeftKeys))
	if !dropsUnmatchedLeft(n.Kind) || j.q.env.Force.NoFilters {
		return
	}
	for k, e := range n.LeftKeys {
		c, ok := asColumn(e)
		if !ok || e.Type().Class() != types.ClassInt || j.nullEqual[k] {
			continue
		}
		f := &runtimeFilter{}
		var found []*scanFilter
		direct := j.q.trace(n.Left, c, func(s *plan.Scan, col int) {
			sf := &scanFilter{f: f, col: col}
			j.q.scanFilters[s] = append(j.q.scanFilters[s], sf)
			found = append(found, sf)
		})
		if len(found) == 0 {
			continue
		}
		j.filters[k] = f
		// Where every left row has passed the filter, an exact one is the join, if that adds nothing.
		if direct && len(n.LeftKeys) == 1 && n.Cond == nil && len(found) == 1 && j.addsNothing() {
			j.replaced = found[0]
		}
	}
}

// addsNothing reports whether the join only selects rows.
func (j *join) addsNothing() bool {
	if j.n.Kind == plan.Semi {
		return true
	}
	if j.n.Kind != plan.Inner {
		return false
	}
	for c := range j.colSlot {
		if j.reads(c) {
			return false
		}
	}
	return true // if the keys are unique, which makeFilters sees
}

// trace finds the scans in which column col of n's output is a column that is passed on unchanged, such
// that a row left out there is a row left out of n. It reports whether every row of n has passed one.
func (q *Query) trace(n plan.Node, col int, found func(*plan.Scan, int)) bool {
	switch n := n.(type) {
	case *plan.Scan:
		if n.Key != nil || col >= len(n.Cols) {
			return false
		}
		found(n, col)
		return true
	case *plan.Filter:
		return q.trace(n.Input, col, found)
	case *plan.Project:
		if c, ok := asColumn(n.Exprs[col]); ok {
			return q.trace(n.Input, c, found)
		}
	case *plan.Fetch:
		if col < len(n.Input.Columns()) {
			return q.trace(n.Input, col, found)
		}
	case *plan.Sort:
		if n.TopN == nil {
			return q.trace(n.Input, col, found)
		}
	case *plan.Aggregate:
		if col < len(n.Keys) {
			if c, ok := asColumn(n.Keys[col]); ok {
				return q.trace(n.Input, c, found)
			}
		}
	case *plan.Append:
		all := true
		for _, in := range n.All {
			all = q.trace(in, col, found) && all
		}
		return all
	case *plan.Join:
		return q.traceJoin(n, col, found)
	}
	return false
}

// traceJoin: a filter may pass a join into the side of the column if that side's rows without the key can
// only yield rows without it.
func (q *Query) traceJoin(n *plan.Join, col int, found func(*plan.Scan, int)) bool {
	nl := len(n.Left.Columns())
	if !outputsLeft(n.Kind) {
		return q.trace(n.Right, col, found)
	}
	if col >= nl {
		if n.Kind != plan.Inner && n.Kind != plan.Right {
			return false
		}
		return q.trace(n.Right, col-nl, found)
	}
	switch n.Kind {
	case plan.Right, plan.Full:
		return false
	}
	return q.trace(n.Left, col, found)
}

// makeFilters fills the filters that scans wait for.
func (b *buildSide) makeFilters() error {
	b.filtered = true
	for k, f := range b.j.filters {
		if f == nil {
			continue
		}
		if err := b.makeFilter(k, f); err != nil {
			return err
		}
		if f.f.Exact && len(f.f.Bits) > 0 && invariants.Mutant("filter-drops-a-key") {
			f.f.Bits[0] &^= 1
		}
		kind := "hashed"
		if f.f.Exact {
			kind = "exact"
		}
		b.j.stats.note("%s run-time filter on key %d", kind, k+1)
	}
	if r := b.j.replaced; r != nil {
		if r.f.ready && r.f.f.Exact && (b.j.n.Kind == plan.Semi || b.next == nil) {
			r.required = true
			b.j.stats.note("the exact filter replaces the join")
		} else {
			b.j.replaced = nil
		}
	}
	return nil
}

func (b *buildSide) makeFilter(k int, f *runtimeFilter) error {
	f.ready, f.keys = true, b.rows
	if b.rows == 0 {
		f.f = table.Filter{Min: 0, Max: -1, Exact: true}
		return nil
	}
	words := b.words
	if len(b.j.n.LeftKeys) > 1 {
		var err error
		if words, err = b.keyColumn(k); err != nil {
			return err
		}
	}
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, e := range b.extents {
		if l, h, ok := kernel.WordRange(words, e.from, e.to, b.skip); ok {
			lo, hi = min(lo, l), max(hi, h)
		}
	}
	if lo > hi { // all keys are NULL
		f.f = table.Filter{Min: 0, Max: -1, Exact: true}
		return nil
	}
	f.f.Min, f.f.Max = lo, hi
	span := uint64(hi) - uint64(lo)
	if span < exactRangePerRow*uint64(b.rows) || span < exactRangeMax {
		f.f.Exact = true
		if b.rank.Bits != nil && len(b.j.n.LeftKeys) == 1 {
			f.f.Bits = b.rank.Bits // of the same words
			return nil
		}
		var err error
		f.f.Bits, err = b.wordBits(words, uint64(lo), span)
		return err
	}
	n := max(bits.Len(uint(b.rows))+4, 6)
	var err error
	if f.f.Bits, err = makeSlice[uint64](&b.arena, 1<<(n-6)); err != nil {
		return err
	}
	f.f.Shift = uint(64 - n)
	for _, e := range b.extents {
		kernel.SetHashed(f.f.Bits, f.f.Shift, words, e.from, e.to, b.skip)
	}
	return nil
}

// keyColumn returns the integers of one of several key columns by row id.
func (b *buildSide) keyColumn(k int) ([]uint64, error) {
	out, err := makeSlice[uint64](&b.arena, b.set.n)
	if err != nil {
		return nil, err
	}
	a := arena{tracker: b.j.q.mem}
	defer a.free()
	return out, b.eachChunk(&a, 0, 1, func(from, to uint32, s *wordScratch) error {
		copy(out[from:to], uint64sOf(words64(&s.vecs[k], int(to-from))))
		return nil
	})
}

// useful reports whether the filter is there.
func (f *runtimeFilter) useful() bool { return f.ready }

// conjunct returns the filter as a condition for the storage, which may skip chunks by it.
func (f *scanFilter) conjunct(n *plan.Scan) (table.Conjunct, bool) {
	if !f.f.ready {
		return table.Conjunct{}, false
	}
	return table.Conjunct{Col: n.Cols[f.col], Op: table.OpFilter, Filter: &f.f.f}, true
}

// apply returns the positions of the live rows of b, a batch of one scan, that pass.
func (f *scanFilter) apply(r *scanReader, b *vec.Batch, out []uint16) ([]uint16, error) {
	g := &b.Groups[0]
	v := &g.Cols[f.col]
	sel := g.Sel
	rows := b.N + len(g.Holes)
	if v.Form == vec.Const {
		if !v.IsNull(0) && f.f.has(v.Int(0)) {
			return r.dropHoles(g.Holes, keepAllOf(sel, rows, out)), nil
		}
		return out[:0], nil
	}
	n := v.N
	if sel == nil {
		n = rows
	}
	if v.Valid != nil && hasNulls(v, n) {
		out = out[:kernel.SelectValid(v.Valid, rows, sel, out)]
		sel = append(r.nullSel[:0], out...)
		r.nullSel = sel
		if len(sel) == 0 {
			return out, nil
		}
		out = out[:cap(out)]
	}
	out = out[:cap(out)]
	all := sel == nil
	var k int
	switch {
	case v.Form == vec.Dict:
		if len(r.ints) < n {
			var err error
			if r.ints, err = makeSlice[int64](&r.arena, n); err != nil {
				return nil, err
			}
		}
		k = selectFilter(f.f, uint64sOf(intsOf(v, n, r.ints)), 0, sel, all, out)
	case v.Width == 1:
		k = selectFilter(f.f, unsafe.Slice((*uint8)(v.Data), n), v.Base, sel, all, out)
	case v.Width == 2:
		k = selectFilter(f.f, unsafe.Slice((*uint16)(v.Data), n), v.Base, sel, all, out)
	case v.Width == 4:
		k = selectFilter(f.f, unsafe.Slice((*uint32)(v.Data), n), v.Base, sel, all, out)
	default:
		k = selectFilter(f.f, unsafe.Slice((*uint64)(v.Data), n), 0, sel, all, out)
	}
	return r.dropHoles(g.Holes, out[:k]), nil
}

// dropHoles keeps the positions of sel that are no holes.
func (r *scanReader) dropHoles(holes, sel []uint16) []uint16 {
	if len(holes) == 0 || invariants.Mutant("runtime-filter-finds-holes") {
		return sel
	}
	return sel[:kernel.DropHoles(sel, holes, r.holeBit[:])]
}

func selectFilter[T kernel.Width](f *runtimeFilter, v []T, base int64, sel []uint16, all bool, out []uint16) int {
	if f.f.Exact {
		return kernel.SelectBits(v, uint64(base-f.f.Min), f.f.Bits, sel, all, out)
	}
	return kernel.SelectHashed(v, uint64(base), f.f.Bits, f.f.Shift, sel, all, out)
}

// has reports whether a value passes.
func (f *runtimeFilter) has(x int64) bool {
	if f.f.Exact {
		u := uint64(x) - uint64(f.f.Min)
		return u>>6 < uint64(len(f.f.Bits)) && f.f.Bits[u>>6]>>(u&63)&1 != 0
	}
	h := table.Hash64(x) >> f.f.Shift
	return f.f.Bits[h>>6]>>(h&63)&1 != 0
}

// keepAllOf returns the selection of all live rows.
func keepAllOf(sel []uint16, n int, out []uint16) []uint16 {
	out = out[:0]
	if sel != nil {
		return append(out, sel...)
	}
	for i := range n {
		out = append(out, uint16(i))
	}
	return out
}
