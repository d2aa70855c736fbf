package exec

import (
	"cmp"
	"context"
	"slices"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// distinctSet collects the values of a DISTINCT aggregate: the groups of an aggregation by the keys and
// the arguments. At the end each value is fed to its group once.
type distinctSet struct {
	outer *aggregation
	input int
	cols  []int // expressions of the outer program: keys, then arguments
	// inOrder: the values come in the order of their first rows, not in their own.
	inOrder bool
	sub     aggregation
}

// distinctInput returns the input of a DISTINCT call. A filter makes the arguments of other rows NULL.
func (a *aggregation) distinctInput(g *expr.Aggregate) int {
	d := &distinctSet{outer: a, input: len(a.inputs), inOrder: g.InOrder}
	in := aggInput{arg: -1, arg2: -1, filter: -1, distinct: true, excl: len(a.inputs), typ: g.Args[0].Type()}
	for i, x := range g.Args {
		if g.Filter != nil {
			x = onlyWhere(g.Filter, x)
		}
		e := a.expr(x)
		if i == 0 {
			in.arg = e
		} else {
			in.arg2 = e
		}
	}
	for i := range a.inputs {
		if x := &a.inputs[i]; x.distinct && x.arg == in.arg && x.arg2 == in.arg2 && a.distinctOf(i).inOrder == g.InOrder {
			return i
		}
	}
	for k := range a.nk {
		d.cols = append(d.cols, k)
	}
	d.cols = append(d.cols, in.arg)
	if in.arg2 >= 0 {
		d.cols = append(d.cols, in.arg2)
	}
	d.sub = aggregation{q: a.q, n: a.n, stats: a.stats, nk: len(d.cols), words: 1, positions: true}
	a.inputs = append(a.inputs, in)
	a.distinct = append(a.distinct, d)
	return d.input
}

// distinctOf returns the set of an input.
func (a *aggregation) distinctOf(input int) *distinctSet {
	return a.distinct[slices.IndexFunc(a.distinct, func(d *distinctSet) bool { return d.input == input })]
}

// distinctLocal is one worker's part of a distinctSet.
type distinctLocal struct {
	d     *distinctSet
	t     *groupTable
	s     *codeScratch
	vs    []*vec.Vector
	codes []uint32
	outer *aggLocal
}

func (d *distinctSet) local(l *aggLocal) (*distinctLocal, error) {
	x := &distinctLocal{d: d, vs: make([]*vec.Vector, len(d.cols)), outer: l}
	if d.sub.exprs == nil {
		for _, c := range d.cols {
			d.sub.exprs = append(d.sub.exprs, d.outer.exprs[c])
		}
	}
	x.s = &codeScratch{rows: l.s.rows, arena: &l.w.arena, dicts: make([]dictCodes, len(d.cols))}
	var err error
	if x.s.ints, err = makeSlice[int64](&l.w.arena, batchRows); err != nil {
		return nil, err
	}
	if x.codes, err = makeSlice[uint32](&l.w.arena, batchRows); err != nil {
		return nil, err
	}
	x.t, err = newGroupTable(&d.sub, l.s.rows, &l.w.arena)
	return x, err
}

// add takes the values of n rows.
func (x *distinctLocal) add(l *aggLocal, n int) error {
	for i, c := range x.d.cols {
		x.vs[i] = l.vs[c]
	}
	x.t.posBase = uint64(l.w.ordinal)<<32 | uint64(l.w.row) - uint64(n)
	return x.t.find(x.vs, n, x.s, l.words, x.codes, l.pos, noBounds, &runState{})
}

func (x *distinctLocal) free() { x.t.free() }

// finishDistinct feeds the values of the DISTINCT aggregates to t, which has all groups.
func (s *aggSink) finishDistinct(ctx context.Context, t *groupTable, m *mergeScratch) error {
	for i, d := range s.a.distinct {
		sm, err := newMergeScratch(&d.sub)
		if err != nil {
			return err
		}
		err = s.feedDistinct(ctx, i, d, t, m, sm)
		sm.free()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *aggSink) feedDistinct(ctx context.Context, i int, d *distinctSet, t *groupTable, m, sm *mergeScratch) error {
	set := s.locals[0].sets[i].t // the others' values go there
	defer set.free()
	for _, l := range s.locals[1:] {
		if err := set.mergeAll(l.sets[i].t, sm); err != nil {
			return err
		}
		l.sets[i].t.free()
	}
	return s.feedSet(ctx, s.locals[0], d, set, t, m, sm)
}

// feedSet feeds the values of set to the groups of t, with l's memory.
func (s *aggSink) feedSet(ctx context.Context, l *aggLocal, d *distinctSet, set, t *groupTable, m, sm *mergeScratch) error {
	ids := make([]uint32, set.n)
	for k := range ids {
		ids[k] = uint32(k)
	}
	switch {
	case d.inOrder:
		slices.SortFunc(ids, func(a, b uint32) int { return cmp.Compare(set.pos.v[a], set.pos.v[b]) })
	case s.a.ordered:
		d.sortValues(set, ids, sm)
	}
	l.t = t
	l.bound = noBounds
	for len(ids) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		k := min(batchRows, len(ids))
		if err := s.feed(l, d, set, ids[:k], m, sm); err != nil {
			return err
		}
		ids = ids[k:]
	}
	return nil
}

// feed updates the groups with the values of some rows of set.
func (s *aggSink) feed(l *aggLocal, d *distinctSet, set *groupTable, ids []uint32, m, sm *mergeScratch) error {
	k := len(ids)
	vs := sm.d.vectors(set, &set.coder, ids)
	codes := l.codes[:k]
	if s.a.nk == 0 {
		clear(codes)
	} else if err := l.t.find(vs[:s.a.nk], k, m.s, m.words, codes, m.pos, noBounds, &runState{}); err != nil {
		return err
	}
	in := &s.a.inputs[d.input]
	l.vs[in.arg] = vs[s.a.nk]
	if in.arg2 >= 0 {
		l.vs[in.arg2] = vs[s.a.nk+1]
	}
	live := l.live[:0]
	for i := range k {
		if !vs[s.a.nk].IsNull(i) {
			live = append(live, uint16(i))
		}
	}
	l.live = live
	if len(live) == 0 {
		return nil
	}
	for i := range s.a.states {
		if s.a.states[i].input != d.input {
			continue
		}
		if err := l.state(i, in, k, live, false); err != nil {
			return err
		}
	}
	kernel.Pick(l.picked, codes, live)
	p, stride := l.t.hotRow()
	kernel.CountWord(p, stride, uintptr(in.counter*8), l.picked[:len(live)])
	return nil
}

// sortValues orders the values as DISTINCT does.
func (d *distinctSet) sortValues(set *groupTable, ids []uint32, m *mergeScratch) {
	value := func(id uint32) types.Datum {
		one := [1]uint32{id}
		return m.d.vectors(set, &set.coder, one[:])[d.outer.nk].Datum(0)
	}
	slices.SortStableFunc(ids, func(a, b uint32) int {
		x, y := value(a), value(b)
		switch {
		case x.IsNull() || y.IsNull():
			return b2i(x.IsNull()) - b2i(y.IsNull())
		}
		return types.Compare(x, y)
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
