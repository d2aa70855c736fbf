package exec

import (
	"cmp"
	"context"
	"io"
	"math"
	"slices"
	"sync/atomic"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// sorting is what the sink and the source of one Sort share.
type sorting struct {
	q     *Query
	n     *plan.Sort
	stats *opStats
	prog  *expr.Program
	exprs []expr.Expr // the sort keys, then kept columns that are no keys
	// keyProg is the first key alone, nil if rows cannot be dropped by it.
	keyProg *expr.Program
	groups  *sortGroups // nil: all rows of groups are wanted
	types   []types.Type
	slot    []int // of each output column; -1: not kept
	// top is the number of rows that are wanted; math.MaxInt64: all.
	top  int64
	sink sortSink
}

func (q *Query) sort(n *plan.Sort) (*flow, error) {
	in, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	s := &sorting{q: q, n: n, stats: q.statsOf(n, n.ID, "sort")}
	if s.top, err = q.limitValue(n.TopN, math.MaxInt64, sqlerr.InvalidRowCountInLimit, "LIMIT"); err != nil {
		return nil, err
	}
	for _, k := range n.Keys {
		s.exprs = append(s.exprs, k.Expr)
		s.types = append(s.types, k.Expr.Type())
	}
	need := q.needs[n]
	for c, col := range n.Columns() {
		s.slot = append(s.slot, -1)
		if !need[c] {
			continue
		}
		for i, e := range s.exprs {
			if x, ok := asColumn(e); ok && x == c {
				s.slot[c] = i
			}
		}
		if s.slot[c] < 0 {
			s.slot[c] = len(s.exprs)
			s.exprs = append(s.exprs, &expr.Column{Node: expr.Node{Typ: col.Type}, ID: c})
			s.types = append(s.types, col.Type)
		}
	}
	if s.prog, err = q.compile(s.exprs, typesOf(n.Input.Columns())); err != nil {
		return nil, err
	}
	if err := s.planGroups(); err != nil {
		return nil, err
	}
	if s.top < math.MaxInt64 && s.boundable() {
		if s.keyProg, err = q.compile(s.exprs[:1], typesOf(n.Input.Columns())); err != nil {
			return nil, err
		}
	}
	s.sink.s = s
	q.run(in, &s.sink, "sort")
	return &flow{branches: []branch{{src: &sortSource{s: s}}}}, nil
}

// sortSink keeps the rows and sorts them at the end.
type sortSink struct {
	s      *sorting
	locals []*sortLocal
	blocks atomic.Int32
	arena  arena
	set    *rowSet
	cols   []vec.Vector
	order  []uint32
	// Of rows that were spilled: runs, in the file, and their number.
	spilled bool
	runs    []*run
	rows    int
}

// sortLocal is one worker's operator of a sort.
type sortLocal struct {
	sink *sortSink
	w    *worker
	ev   *expr.Evaluator
	vs   []*vec.Vector
	set  *rowSet
	origins
	bound  *topBound
	groups *groupBound

	spills bool
	claim  room
}

func (k *sortSink) local(w *worker) (operator, error) {
	s := k.s
	rows, err := newRowScratch(&w.arena)
	if err != nil {
		return nil, err
	}
	l := &sortLocal{sink: k, w: w, vs: make([]*vec.Vector, len(s.exprs)), spills: s.q.canSpill(), claim: room{q: s.q}, origins: origins{baseOf: -1}}
	l.set = newRowSet(s.q.mem, s.types, nil, false, &k.blocks, rows)
	if err := l.allocBound(); err != nil {
		return nil, err
	}
	if err := l.allocGroups(rows); err != nil {
		return nil, err
	}
	l.ev = s.q.evaluator(s.prog)
	s.q.statsMu.Lock()
	k.locals = append(k.locals, l)
	s.q.statsMu.Unlock()
	return l, nil
}

func (l *sortLocal) push(ctx context.Context, b *vec.Batch) (status, error) {
	b, err := l.groups.narrow(b)
	if err != nil || b.N == 0 {
		return needMore, err
	}
	b, err = l.narrow(b)
	if err != nil || b.N == 0 {
		return needMore, err
	}
	if _, err := evalAll(l.ev, b, l.vs); err != nil {
		return needMore, err
	}
	if err := l.makeRoom(ctx, b.N); err != nil {
		return needMore, err
	}
	from := uint32(l.set.n)
	if err := l.set.append(l.vs, b.N, nil); err != nil {
		return needMore, err
	}
	if g := l.groups; g != nil && !g.off && !g.stay.lost && g.stay.n != l.set.n {
		g.stay.lose() // rows have left memory, or were dropped otherwise
	}
	l.came(l.w.ordinal, from, uint32(l.set.n))
	if top := l.sink.s.top; int64(l.set.n) > topSlack && int64(l.set.n)/topSlackFactor > top {
		return needMore, l.prune(ctx)
	}
	return needMore, nil
}

// A worker drops what cannot be among the first rows when it has this many times more, and at least
// topSlack.
const (
	topSlackFactor = 4
	topSlack       = batchRows
)

// prune keeps the first rows of the order only.
func (l *sortLocal) prune(ctx context.Context) error {
	s := l.sink.s
	a := arena{tracker: s.q.mem}
	defer a.free()
	o, err := newSortOrder(ctx, s, l.set, l.extents, &a, false)
	if err != nil {
		return err
	}
	if err := o.sort(ctx, nil, 1); err != nil {
		return err
	}
	first := o.entries[:min(int64(len(o.entries)), s.top)]
	if l.bound != nil && len(first) > 0 && int64(len(first)) == s.top {
		last := []uint32{first[s.top-1].id}
		g, err := newGatherScratch(&a)
		if err != nil {
			return err
		}
		v := l.set.gather(0, last, g)
		l.bound.set(&v)
	}
	// The kept rows stay in their old order, so that equal ones do.
	slices.SortFunc(first, func(a, b sortEntry) int { return cmp.Compare(a.seq, b.seq) })
	kept := newRowSet(s.q.mem, s.types, nil, false, &l.sink.blocks, l.set.s)
	d, err := newKeyDecoder(s.q.mem, len(s.types))
	if err != nil {
		return err
	}
	defer d.free()
	var extents []extent
	e := 0
	for len(first) > 0 {
		// Rows of one extent, at most a batch.
		for first[0].id >= l.extents[e].to {
			e++
		}
		k := 0
		for k < len(first) && k < batchRows && first[k].id < l.extents[e].to {
			d.ids[k] = first[k].id
			k++
		}
		for c := range s.types {
			d.vecs[c] = l.set.gather(c, d.ids[:k], d.cols[c])
			d.ptrs[c] = &d.vecs[c]
		}
		from := uint32(kept.n)
		if err := kept.append(d.ptrs, k, nil); err != nil {
			kept.free()
			return err
		}
		if n := len(extents); n > 0 && extents[n-1].ordinal == l.extents[e].ordinal {
			extents[n-1].to = uint32(kept.n)
		} else {
			extents = append(extents, extent{l.extents[e].ordinal, from, uint32(kept.n)})
		}
		first = first[k:]
	}
	l.set.free()
	l.set, l.extents = kept, extents
	return nil
}

func (l *sortLocal) resume(context.Context) (status, error) { return needMore, nil }
func (l *sortLocal) close()                                 {}

// finish sorts the rows of all workers.
func (k *sortSink) finish(ctx context.Context) error {
	s := k.s
	k.arena.tracker = s.q.mem
	s.boundGroups(k.locals)
	if k.spilled {
		return k.finishSpilled(ctx)
	}
	for _, l := range k.locals {
		l.claim.done()
	}
	sets := make([]*rowSet, len(k.locals))
	rows := 0
	for i, l := range k.locals {
		sets[i] = l.set
		rows += l.set.n
	}
	k.set = newRowSet(s.q.mem, s.types, nil, false, &k.blocks, sets[0].s)
	starts, err := joinRowSets(sets, k.set)
	if err != nil {
		return err
	}
	var extents []extent
	for i, l := range k.locals {
		for _, e := range l.extents {
			extents = append(extents, extent{e.ordinal, e.from + starts[i], e.to + starts[i]})
		}
	}
	slices.SortFunc(extents, func(a, b extent) int { return a.ordinal - b.ordinal })
	a := arena{tracker: s.q.mem}
	defer a.free()
	o, err := newSortOrder(ctx, s, k.set, extents, &a, false)
	if err != nil {
		return err
	}
	if err := o.sort(ctx, s.q.pool, s.q.workers); err != nil {
		return err
	}
	n := int(min(int64(rows), s.top))
	if k.order, err = makeSlice[uint32](&k.arena, n); err != nil {
		return err
	}
	for i := range k.order {
		k.order[i] = o.entries[i].id
	}
	s.stats.note("%d rows sorted", rows)
	s.stats.bytes.Add(int64(len(k.set.pages)) << k.set.shift * int64(k.set.layout.stride))
	k.describe()
	return nil
}

// describe makes the vectors of the output columns.
func (k *sortSink) describe() {
	pages := k.set.rowPages()
	for c, col := range k.s.n.Columns() {
		v := nullVector(col.Type)
		if i := k.s.slot[c]; i >= 0 {
			v = k.set.layout.slots[i].columnVector(pages)
			v.Type = col.Type
		}
		k.cols = append(k.cols, v)
	}
}

func (k *sortSink) close() {
	for _, l := range k.locals {
		l.ev.Close()
		l.groups.close()
		if l.bound != nil {
			l.bound.ev.Close()
		}
		l.set.free()
	}
	k.locals = nil
	if k.set != nil {
		k.set.free()
	}
	k.arena.free()
}

// sortSource reads sorted rows in order.
type sortSource struct {
	s    *sorting
	next int
}

func (s *sortSource) open(context.Context) error {
	s.next = 0
	return nil
}

func (s *sortSource) close() {}

func (s *sortSource) reader() (reader, error) {
	if s.alone() {
		return s.runReader(), nil
	}
	return &sortReader{s: s}, nil
}

// sortReader reads a part of the sorted rows.
type sortReader struct {
	s      *sortSource
	at, to int
	out    vec.Batch
}

func (r *sortReader) claim(context.Context) error {
	order := r.s.s.sink.order
	if r.s.next == len(order) {
		return io.EOF
	}
	r.at = r.s.next
	r.to = min(r.at+resultRows, len(order))
	r.s.next = r.to
	return nil
}

func (r *sortReader) read(context.Context) (*vec.Batch, error) {
	s := r.s.s
	n := min(s.q.vectorRows, r.to-r.at)
	if n == 0 {
		return nil, nil
	}
	r.out.N = n
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: s.sink.cols, RowIDs: s.sink.order[r.at : r.at+n]})
	r.at += n
	s.stats.out(n)
	return &r.out, nil
}

func (r *sortReader) close() {}
