package exec

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/vec"
)

// buildSide is the sink that keeps the rows of a join's build side, and then the table over their keys.
type buildSide struct {
	j      *join
	locals []*buildLocal
	blocks atomic.Int32
	arena  arena

	// Ready after finish.
	set      *rowSet
	pages    *vec.RowPages
	cols     []vec.Vector // the build side's columns, in rows
	extents  []extent
	rows     int  // rows kept
	nullKey  bool // a row had a NULL key
	words    []uint64
	skip     []uint64 // rows that no key finds; nil: none
	exact    bool
	pack     pack
	dense    []uint32
	denseLo  uint64
	rank     kernel.RankTable
	table    kernel.HashTable
	next     []uint32 // nil if all keys differ
	nullRows []uint32 // rows with a NULL key, if they are kept
	facts    []vec.Fact
	filtered bool // the filters are made
	// failed is the error of the build side, raised once a row of the other side asks for it.
	failed error
	// others: there are rows in other partitions.
	others bool
}

// postpone keeps an error for the first row that is looked up. Some joins output the build side's
// rows themselves.
func (b *buildSide) postpone(err error) bool {
	if outputsRest(b.j.n.Kind) || b.filtered ||
		invariants.Mutant("join-raises-at-once") {
		return false
	}
	b.failed = err
	return true
}

// extent is a run of rows of one morsel.
type extent struct {
	ordinal  int
	from, to uint32
}

// buildLocal is one worker's operator of the sink.
type buildLocal struct {
	b   *buildSide
	w   *worker
	ev  *expr.Evaluator
	vs  []*vec.Vector
	set *rowSet
	origins
	nullKey bool
	bounds  []bound
	bad     badRows
	pick    []uint16

	spills bool
	claim  room
}

// bound is the union of the bounds of the batches so far.
type bound struct {
	lo, hi int64
	known  bool // some batch has been seen
	ok     bool
}

func (b *bound) add(lo, hi int64, ok bool) {
	if !b.known {
		*b = bound{lo, hi, true, ok}
		return
	}
	b.lo, b.hi, b.ok = min(b.lo, lo), max(b.hi, hi), b.ok && ok
}

func (b *buildSide) local(w *worker) (operator, error) {
	j := b.j
	l := &buildLocal{b: b, w: w, vs: make([]*vec.Vector, len(j.exprs)), bounds: make([]bound, len(j.exprs))}
	s, err := newRowScratch(&w.arena)
	if err != nil {
		return nil, err
	}
	l.spills, l.baseOf, l.claim.q = j.canLeave(), -1, j.q
	if l.pick, err = makeSlice[uint16](&w.arena, batchRows+1); err != nil {
		return nil, err
	}
	l.set = newRowSet(j.q.mem, j.slotTypes, nil, j.rightNullable(), &b.blocks, s)
	l.ev = j.q.evaluator(j.prog)
	j.q.statsMu.Lock()
	b.locals = append(b.locals, l)
	j.q.statsMu.Unlock()
	return l, nil
}

func (l *buildLocal) push(ctx context.Context, b *vec.Batch) (status, error) {
	if err := l.makeRoom(ctx, b.N); err != nil {
		return needMore, err
	}
	if _, err := evalAll(l.ev, b, l.vs); err != nil {
		return needMore, err
	}
	for i := range l.bounds {
		l.bounds[i].add(l.ev.Bounds(i))
	}
	var pick []uint16
	l.bad.reset()
	for k, v := range l.vs[:len(l.b.j.n.LeftKeys)] {
		if !l.b.j.nullEqual[k] && hasNulls(v, b.N) && !invariants.Mutant("join-null-matches") {
			l.bad.nulls(v, b.N)
		}
	}
	if l.bad.any {
		l.nullKey = true
		if !l.b.j.keepAll {
			pick = l.pick[:0]
			for i := range b.N {
				if !l.bad.has(i) {
					pick = append(pick, uint16(i))
				}
			}
			if len(pick) == 0 {
				return needMore, nil
			}
		}
	}
	from := uint32(l.set.n)
	if err := l.set.append(l.vs, b.N, pick); err != nil {
		return needMore, err
	}
	l.came(l.w.ordinal, from, uint32(l.set.n))
	return needMore, nil
}

func (l *buildLocal) resume(context.Context) (status, error) { return needMore, nil }
func (l *buildLocal) close()                                 {}

func (b *buildSide) close() {
	for _, l := range b.locals {
		if l.ev != nil { // those of partitions have none
			l.ev.Close()
		}
		l.set.free()
	}
	if b.set != nil {
		b.set.free()
	}
	b.locals = nil
	b.arena.free()
}

// finish joins the workers' rows and builds the table.
func (b *buildSide) finish(ctx context.Context) error {
	j := b.j
	b.arena.tracker = j.q.mem
	if j.spill.used {
		return b.finishSpilled(ctx)
	}
	for _, l := range b.locals {
		l.claim.done()
	}
	sets := make([]*rowSet, len(b.locals))
	for i, l := range b.locals {
		sets[i] = l.set
		b.rows += l.set.n
		b.nullKey = b.nullKey || l.nullKey
	}
	b.set = newRowSet(j.q.mem, j.slotTypes, nil, j.rightNullable(), &b.blocks, sets[0].s)
	starts, err := joinRowSets(sets, b.set)
	if err != nil {
		return err
	}
	for i, l := range b.locals {
		for _, e := range l.extents {
			b.extents = append(b.extents, extent{e.ordinal, e.from + starts[i], e.to + starts[i]})
		}
		l.extents = nil
	}
	slices.SortFunc(b.extents, func(x, y extent) int { return x.ordinal - y.ordinal })
	b.mergeFacts()
	b.pages = b.set.rowPages()
	b.describe()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.makeTable(); err != nil {
		return err
	}
	if !b.filtered {
		if err := b.makeFilters(); err != nil {
			return err
		}
	}
	j.stats.bytes.Add(int64(len(b.set.pages)) << b.set.shift * int64(b.set.layout.stride))
	return nil
}

// mergeFacts turns the bounds that the workers saw into facts about all rows.
func (b *buildSide) mergeFacts() {
	b.facts = make([]vec.Fact, len(b.j.exprs))
	for i := range b.facts {
		b.facts[i].LenMax = -1
		var all bound
		for _, l := range b.locals {
			if x := l.bounds[i]; x.known {
				all.add(x.lo, x.hi, x.ok)
			}
		}
		s := &b.set.layout.slots[i]
		if all.known && all.ok && (s.kind == slotInt || s.kind == slotNum8) {
			b.facts[i].Min, b.facts[i].Max, b.facts[i].Bounded = all.lo, all.hi, true
		}
	}
}

// describe makes the vectors of the build side's columns.
func (b *buildSide) describe() {
	cols := b.j.n.Right.Columns()
	b.cols = make([]vec.Vector, len(cols))
	for c := range cols {
		s := b.j.colSlot[c]
		if s < 0 {
			b.cols[c] = nullVector(cols[c].Type)
			continue
		}
		b.cols[c] = b.set.layout.slots[s].columnVector(b.pages)
		b.cols[c].Type = cols[c].Type
		b.cols[c].Fact = &b.facts[s]
	}
}

// denseMax is the size up to which an array is used whatever its use.
const denseMax = 1024

// makeTable chooses how keys are found, from the rows that are there.
func (b *buildSide) makeTable() error {
	b.exact = true
	if b.rows == 0 {
		b.j.stats.note("build side is empty")
		b.dense = []uint32{0}
		return nil
	}
	if len(b.j.n.LeftKeys) == 0 {
		return b.chainAll()
	}
	if err := b.makeWords(); err != nil {
		return err
	}
	if b.j.replaced != nil && b.j.n.Kind == plan.Semi && b.j.q.env.Force.Join == "" {
		if err := b.makeFilters(); err != nil || b.j.replaced != nil {
			return err // nobody looks a key up
		}
	}
	var err error
	if b.next, err = makeSlice[uint32](&b.arena, b.set.n); err != nil {
		return err
	}
	lo, hi, found := int64(math.MaxInt64), int64(math.MinInt64), false
	if b.exact {
		for _, e := range b.extents {
			if l, h, ok := kernel.WordRange(b.words, e.from, e.to, b.skip); ok {
				lo, hi, found = min(lo, l), max(hi, h), true
			}
		}
	}
	span := uint64(hi) - uint64(lo)
	var dup bool
	switch b.tableKind(span, found) {
	case "dense":
		dup, err = b.insertDense(uint64(lo), span)
	case "rank":
		dup, err = b.insertRank(uint64(lo), span)
	default:
		dup, err = b.insertHash()
	}
	if err != nil {
		return err
	}
	if !dup {
		b.next = nil
		b.j.stats.note("keys are unique")
	}
	b.table.Next = b.next
	return nil
}

// forcedSpan bounds the ranges for which debug_join makes arrays.
const forcedSpan = 1 << 26

// tableKind chooses how rows are found by words of a range: an array of all words of it, of those that occur, or
// hashing. ranged: there is a range.
func (b *buildSide) tableKind(span uint64, ranged bool) string {
	force := b.j.q.env.Force.Join
	switch {
	case !ranged || force == "hash":
		return "hash"
	case force != "" && span < forcedSpan:
		return force
	case span < 8*uint64(b.rows) || span < denseMax:
		return "dense"
	case span < exactRangePerRow*uint64(b.rows):
		return "rank"
	}
	return "hash"
}

// chainAll makes one chain of all rows, in order: the nested loop.
func (b *buildSide) chainAll() error {
	var err error
	if b.next, err = makeSlice[uint32](&b.arena, b.set.n); err != nil {
		return err
	}
	if b.dense, err = makeSlice[uint32](&b.arena, 1); err != nil {
		return err
	}
	prev := &b.dense[0]
	for _, e := range b.extents {
		for id := e.from; id < e.to; id++ {
			*prev = id
			prev = &b.next[id]
		}
	}
	b.j.stats.note("nested loop over %d rows", b.rows)
	return nil
}

func (b *buildSide) insertDense(lo, span uint64) (dup bool, err error) {
	if b.dense, err = makeSlice[uint32](&b.arena, int(span)+1); err != nil {
		return false, err
	}
	b.denseLo = lo
	b.j.stats.note("dense array: %d keys in a range of %d", b.rows, span+1)
	return b.inRanges(lo, span, func(from, to uint32, first, last uint64) bool {
		return kernel.InsertDense(b.dense, lo, b.words, b.next, from, to, first, last, b.skip)
	})
}

// parallelRows is the number of rows from which a table is built by several workers.
const parallelRows = 1 << 15

// parts returns the number of parts in which a table is built.
func (b *buildSide) parts() int {
	if b.rows < parallelRows || b.j.q.pool == nil {
		return 1
	}
	return b.j.q.workers
}

// hashParts returns log2 of the number of partitions of a hash table that is built in parallel: each worker goes
// through all words, so there are no more than workers.
func (b *buildSide) hashParts() uint { return uint(min(bits.Len(uint(b.parts()-1)), 4)) }

func (b *buildSide) insertHash() (dup bool, err error) {
	size := kernel.TableBits(b.rows)
	if b.table.Slots, err = makeSlice[uint64](&b.arena, 1<<size); err != nil {
		return false, err
	}
	b.table.Shift = uint(64 - size)
	b.table.Wrap = 1<<size - 1
	b.table.Words, b.table.Next = b.words, b.next
	shift, parts := uint(64), 1
	if k := b.hashParts(); k > 0 && b.partsFit(size, k) {
		shift, parts = 64-k, 1<<k
		b.table.Wrap = 1<<(uint(size)-k) - 1
	}
	b.j.stats.note("hash table of %d slots for %d rows, %s", 1<<size, b.rows, b.wordKind())
	dups := make([]bool, parts)
	err = b.j.q.pool.parallel(b.j.q.workers, parts, func(p int) error {
		if p > 0 && invariants.Mutant("join-partition-lost") {
			return nil
		}
		for i := len(b.extents) - 1; i >= 0; i-- {
			e := b.extents[i]
			if kernel.InsertHash(&b.table, e.from, e.to, shift, uint64(p), uint64(p+1), b.skip) {
				dups[p] = true
			}
		}
		return nil
	})
	return slices.Contains(dups, true), err
}

// partsFit reports whether none of 1<<k partitions of a hash table gets more rows than it has room for: keys whose
// hashes are alike need one table.
func (b *buildSide) partsFit(size int, k uint) bool {
	var count [16]int
	for _, e := range b.extents {
		for _, w := range b.words[e.from:e.to] {
			count[kernel.Hash(w)>>(64-k)&15]++
		}
	}
	room := 1 << (uint(size) - k)
	for _, c := range count {
		if c > room-room/8 {
			return false
		}
	}
	return true
}

func (b *buildSide) wordKind() string {
	switch {
	case !b.exact:
		return "keys hashed and compared"
	case len(b.pack.cols) == 1:
		return "integer keys"
	}
	return "keys packed into 64 bits by their ranges"
}
