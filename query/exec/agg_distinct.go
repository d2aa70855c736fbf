package exec

import (
	"cmp"
	"context"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// distinctSet collects the values of a DISTINCT aggregate, each once for each group, and at the end feeds them to their
// groups. A value stands beside the number of its group, so that no key is copied or compared: workers' sets have the
// numbers of their own groups, the final set has the final ones. Where a worker's groups do not stay (each morsel has its
// own), and in what leaves memory, a value stands beside the group's keys instead.
type distinctSet struct {
	outer *aggregation
	input int
	args  []int // expressions of the outer program
	// inOrder: the values come in the order of their first rows, not in their own.
	inOrder bool
	// byNumber and byKeys are sets as aggregations without aggregates: by the number of the group, or by its keys, and
	// the arguments. Without keys there is one group: both are by the arguments alone.
	byNumber, byKeys aggregation
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
	d.args = append(d.args, in.arg)
	if in.arg2 >= 0 {
		d.args = append(d.args, in.arg2)
	}
	a.inputs = append(a.inputs, in)
	a.distinct = append(a.distinct, d)
	return d.input
}

// distinctOf returns the set of an input.
func (a *aggregation) distinctOf(input int) *distinctSet {
	return a.distinct[slices.IndexFunc(a.distinct, func(d *distinctSet) bool { return d.input == input })]
}

// layout makes the sets' aggregations, once the expressions of the outer program are known.
func (d *distinctSet) layout() {
	a := d.outer
	var args []expr.Expr
	positions := d.inOrder
	for _, c := range d.args {
		args = append(args, a.exprs[c])
		positions = positions || !a.exprs[c].Type().Kind.ImageEqual()
	}
	var number []expr.Expr
	if a.nk > 0 {
		number = append(number, expr.NewConst(types.NullOf(types.Int8), types.T(types.Int8), 0))
	}
	d.byNumber.set(a, append(number, args...), positions)
	d.byKeys.set(a, append(slices.Clip(a.exprs[:a.nk]), args...), positions)
}

// set makes a an aggregation for sets of outer.
func (a *aggregation) set(outer *aggregation, exprs []expr.Expr, positions bool) {
	a.q, a.n, a.stats, a.words, a.positions = outer.q, outer.n, outer.stats, 1, positions
	a.exprs, a.nk = exprs, len(exprs)
	a.numberKeys()
}

// numbered reports whether the sets of workers are by the numbers of their groups.
func (d *distinctSet) numbered() bool { return d.outer.nk > 0 && !d.outer.ordered }

// distinctLocal is one worker's part of a distinctSet.
type distinctLocal struct {
	d      *distinctSet
	t      *groupTable
	s      *codeScratch
	vs     []*vec.Vector
	groups vec.Vector // the numbers of the groups, where they are a column
	codes  []uint32
	bound  func(j int) (lo, hi int64, ok bool)
}

// numbersRoom is how many times as many groups as there are have numbers in the words of a worker's set.
const numbersRoom = 8

func (d *distinctSet) local(l *aggLocal) (*distinctLocal, error) {
	set := &d.byKeys
	if d.numbered() {
		set = &d.byNumber
	}
	x := &distinctLocal{d: d, vs: make([]*vec.Vector, set.nk)}
	first := set.nk - len(d.args)
	x.bound = func(j int) (lo, hi int64, ok bool) {
		if j < first { // numbers have room to grow, so that the words are seldom made again
			return 0, numbersRoom * int64(l.t.n), x.d.numbered()
		}
		return l.bound(d.args[j-first])
	}
	x.s = &codeScratch{rows: l.s.rows, arena: &l.w.arena, dicts: make([]dictCodes, set.nk)}
	var err error
	if x.s.ints, err = makeSlice[int64](&l.w.arena, batchRows); err != nil {
		return nil, err
	}
	if x.codes, err = makeSlice[uint32](&l.w.arena, batchRows); err != nil {
		return nil, err
	}
	x.t, err = newGroupTable(set, l.s.rows, &l.w.arena)
	return x, err
}

// add takes the values of n rows, whose groups are known.
func (x *distinctLocal) add(l *aggLocal, n int) error {
	keys := x.vs[:copy(x.vs, l.vs[:l.a.nk])]
	if x.d.numbered() {
		keys = x.vs[:1]
		x.groups = numbersOf(l.codes[:n])
		keys[0] = &x.groups
	}
	for i, c := range x.d.args {
		x.vs[len(keys)+i] = l.vs[c]
	}
	x.t.posBase = uint64(l.w.ordinal)<<32 | uint64(l.w.row) - uint64(n)
	return x.t.find(x.vs, n, x.s, l.words, x.codes, l.pos, x.bound, &runState{})
}

func (x *distinctLocal) free() { x.t.free() }

// numbersOf returns a column of numbers of groups, in place.
func numbersOf(codes []uint32) vec.Vector {
	return vec.Vector{Type: types.T(types.Int8), Width: 4, N: len(codes), Data: vec.DataOf(codes), NullBit: -1}
}

// spillKeyed calls out with tables of the values beside the keys of their groups, which l's table has, some at a time.
func (x *distinctLocal) spillKeyed(l *aggLocal, out func(*groupTable) error) error {
	if !x.d.numbered() {
		return out(x.t)
	}
	values, err := newKeyDecoder(l.a.q.mem, x.t.a.nk)
	if err != nil {
		return err
	}
	defer values.free()
	keys, err := newKeyDecoder(l.a.q.mem, l.a.nk)
	if err != nil {
		return err
	}
	defer keys.free()
	for from := 0; from < x.t.n; from += keyedRows {
		err := x.keyed(l.t, from, min(from+keyedRows, x.t.n), values, keys, out)
		if err != nil {
			return err
		}
	}
	return nil
}

// keyedRows is the number of values of a table that spillKeyed makes.
const keyedRows = 4 * chunkRows

// keyed calls out with a table of the values from … to-1 beside the keys of their groups.
func (x *distinctLocal) keyed(groups *groupTable, from, to int, values, keys *keyDecoder, out func(*groupTable) error) error {
	t := newBareTable(&x.d.byKeys, x.s.rows)
	defer t.free()
	t.coder.known, t.coder.hashed = true, true
	t.keys = newRowSet(t.tracker, exprTypes(t.a.exprs), nil, false, t.blocks, t.rows)
	if err := t.reserve(to - from); err != nil {
		return err
	}
	for at := from; at < to; at += batchRows {
		k := min(batchRows, to-at)
		for i := range k {
			values.ids[i] = uint32(at + i)
		}
		vs := values.vectors(x.t, &x.t.coder, values.ids[:k])
		for i, g := range intsOf(vs[0], k, x.s.rows.ints) {
			keys.ids[i] = uint32(g)
		}
		vs = append(slices.Clip(keys.vectors(groups, &groups.coder, keys.ids[:k])), vs[1:]...)
		if err := t.keys.append(vs, k, nil); err != nil {
			return err
		}
		if t.a.positions {
			copy(t.pos.v[t.n:], x.t.pos.v[at:at+k])
		}
		t.n += k
	}
	return out(t)
}

// setMerge merges sets into one by the numbers of groups in t.
type setMerge struct {
	d   *distinctSet
	t   *groupTable
	m   *mergeScratch // of the groups
	own *mergeScratch // of the set
	// into has the groups of t by the numbers that a worker's set has; nil: they are those of t.
	into   []uint32
	keyed  *keyDecoder // for sets by keys
	vs     []*vec.Vector
	groups vec.Vector
	codes  []uint32
}

func newSetMerge(d *distinctSet, t *groupTable, m *mergeScratch) (*setMerge, error) {
	s := &setMerge{d: d, t: t, m: m, vs: make([]*vec.Vector, d.byNumber.nk)}
	var err error
	if s.own, err = newMergeScratch(&d.byNumber); err != nil {
		return nil, err
	}
	if s.codes, err = makeSlice[uint32](&s.own.arena, batchRows); err == nil {
		s.keyed, err = newKeyDecoder(d.outer.q.mem, d.byKeys.nk)
	}
	if err != nil {
		s.free()
		return nil, err
	}
	if d.outer.nk > 0 {
		s.own.keysOf = s.keysOf
	}
	return s, nil
}

func (s *setMerge) free() {
	s.own.free()
	if s.keyed != nil {
		s.keyed.free()
	}
}

// keysOf returns the final numbers of the groups of values, and the arguments.
func (s *setMerge) keysOf(from *groupTable, ids []uint32) ([]*vec.Vector, error) {
	k := len(ids)
	codes := s.codes[:k]
	var args []*vec.Vector
	if nk := s.d.outer.nk; from.a == &s.d.byKeys {
		vs := s.keyed.vectors(from, &from.coder, ids)
		args = vs[nk:]
		if err := s.t.find(vs[:nk], k, s.m.s, s.m.words, codes, s.m.pos, noBounds, &runState{}); err != nil {
			return nil, err
		}
	} else {
		vs := s.own.d.vectors(from, &from.coder, ids)
		args = vs[1:]
		for i, g := range intsOf(vs[0], k, s.own.s.rows.ints) {
			codes[i] = uint32(g)
			if s.into != nil && !invariants.Mutant("distinct-numbers-of-a-worker") {
				codes[i] = s.into[g]
			}
		}
	}
	s.groups = numbersOf(codes)
	s.vs[0] = &s.groups
	copy(s.vs[1:], args)
	return s.vs, nil
}

// finishDistinct feeds the values of the DISTINCT aggregates to t, which has all groups. into has the groups of t by the
// numbers of each worker's groups; nil: they are the same.
func (s *aggSink) finishDistinct(ctx context.Context, t *groupTable, m *mergeScratch, into [][]uint32) error {
	for i, d := range s.a.distinct {
		sm, err := newSetMerge(d, t, m)
		if err != nil {
			return err
		}
		err = s.feedDistinct(ctx, i, sm, into)
		sm.free()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *aggSink) feedDistinct(ctx context.Context, i int, m *setMerge, into [][]uint32) error {
	set := s.baseSet(i, m.d, into)
	if set == nil {
		var err error
		if set, err = newGroupTable(&m.d.byNumber, m.own.s.rows, &m.own.arena); err != nil {
			return err
		}
	}
	defer set.free()
	for w, l := range s.locals { // the others' values go there
		if l.sets[i].t == set {
			continue
		}
		m.into = into[w]
		if err := set.mergeAll(l.sets[i].t, m.own); err != nil {
			return err
		}
		l.sets[i].t.free()
	}
	return s.feedSet(ctx, s.locals[0], m.d, set, m)
}

// baseSet returns the largest set of a worker whose groups have the final numbers, if there is one.
func (s *aggSink) baseSet(i int, d *distinctSet, into [][]uint32) (best *groupTable) {
	for w, l := range s.locals {
		x := l.sets[i].t
		if d.outer.nk > 0 && (!d.numbered() || into[w] != nil) || best != nil && best.n >= x.n {
			continue
		}
		best = x
	}
	return best
}

// feedSet feeds the values of set to their groups, with l's memory.
func (s *aggSink) feedSet(ctx context.Context, l *aggLocal, d *distinctSet, set *groupTable, m *setMerge) error {
	l.t = m.t
	l.bound = noBounds
	order, err := d.order(set, m.own)
	if err != nil {
		return err
	}
	defer order.free()
	for at := 0; at < set.n; at += batchRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		ids := m.own.d.ids[:min(batchRows, set.n-at)]
		for i := range ids {
			ids[i] = uint32(at + i)
		}
		if order.v != nil {
			ids = order.v[at : at+len(ids)]
		}
		if err := s.feed(l, d, set, ids, m.own); err != nil {
			return err
		}
	}
	return nil
}

// order returns the order in which the values are fed, or none if it does not matter.
func (d *distinctSet) order(set *groupTable, m *mergeScratch) (ids column[uint32], err error) {
	if !d.inOrder && !d.outer.ordered || set.n == 0 {
		return ids, nil
	}
	if err := ids.grow(set.tracker, set.n); err != nil {
		return ids, err
	}
	ids.v = ids.v[:set.n]
	for k := range ids.v {
		ids.v[k] = uint32(k)
	}
	if d.inOrder {
		slices.SortFunc(ids.v, func(a, b uint32) int { return cmp.Compare(set.pos.v[a], set.pos.v[b]) })
	} else {
		d.sortValues(set, ids.v, m)
	}
	return ids, nil
}

// feed updates the groups with the values of some rows of set.
func (s *aggSink) feed(l *aggLocal, d *distinctSet, set *groupTable, ids []uint32, m *mergeScratch) error {
	k := len(ids)
	vs := m.d.vectors(set, &set.coder, ids)
	codes := l.codes[:k]
	if s.a.nk == 0 {
		clear(codes)
	} else {
		for i, g := range intsOf(vs[0], k, m.s.rows.ints) {
			codes[i] = uint32(g)
		}
		vs = vs[1:]
	}
	for i, c := range d.args {
		l.vs[c] = vs[i]
	}
	live := l.live[:0]
	for i := range k {
		if !vs[0].IsNull(i) {
			live = append(live, uint16(i))
		}
	}
	l.live = live
	if len(live) == 0 {
		return nil
	}
	in := &s.a.inputs[d.input]
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

// sortValues orders the values as DISTINCT does: by the arguments, NULLs last.
func (d *distinctSet) sortValues(set *groupTable, ids []uint32, m *mergeScratch) {
	first := set.a.nk - len(d.args)
	value := func(id uint32, arg int) types.Datum {
		one := [1]uint32{id}
		return m.d.vectors(set, &set.coder, one[:])[first+arg].Datum(0)
	}
	slices.SortStableFunc(ids, func(a, b uint32) int {
		for i := range d.args {
			x, y := value(a, i), value(b, i)
			c := b2i(x.IsNull()) - b2i(y.IsNull())
			if c == 0 && !x.IsNull() {
				c = types.Compare(x, y)
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
