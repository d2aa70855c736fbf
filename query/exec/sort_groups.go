package exec

import (
	"math"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// groupBound drops rows of a sort of which only the first of each group are wanted: a row goes when the worker has seen as
// many rows of its group whose first key in the group is smaller, or as many different smaller keys. What stays is more
// than what is wanted: NULLs, ties, and what other workers have seen. So nothing depends on it: it stops where it drops too
// little, or where memory is short. Rows that came before those which put them behind go at the end, before the sort.
//
// Of each group it keeps the best keys, ascending, as integers that order as the keys do (downwards: as their complements),
// the greatest integer where there is none yet.
type groupBound struct {
	g     *sortGroups
	ev    *expr.Evaluator
	vs    []*vec.Vector // the group's keys, then the first key in it
	t     *groupTable
	s     *codeScratch
	words []uint64
	pos   []uint64
	codes []uint32
	ints  []int64
	keep  []uint16
	best  column[int64]
	comp  composer
	room  room
	scale int16 // of numerics, once there was one
	known bool
	off   bool
	stay  stayedRows
	// rows are those that were looked at, dropped those of them that went.
	rows, dropped int
}

// sortGroups is what workers share of it.
type sortGroups struct {
	sub   aggregation // whose groups are those of the rows, without states
	prog  *expr.Program
	limit int
	dense bool
	desc  bool
}

// stayedRows are the groups and the keys of the rows of a worker's set, while nothing but the bound has kept rows out of it:
// entry i is that of row i.
type stayedRows struct {
	codes column[uint32]
	keys  column[int64]
	n     int
	lost  bool // they are not those of the set any more
}

func (r *stayedRows) growth(n int) int64 { return r.codes.growth(r.n+n) + r.keys.growth(r.n+n) }

// lose gives the memory up.
func (r *stayedRows) lose() {
	r.codes.free()
	r.keys.free()
	r.lost = true
}

// keyStays is the key of a row that no bound leaves out.
const keyStays = math.MinInt64

// add makes room for rows, which stay whatever comes, and returns where they begin; not ok if the rows are lost.
func (r *stayedRows) add(g *groupBound, rows int) (at int, ok bool, err error) {
	if r.lost {
		return 0, false, nil
	}
	if err = r.codes.grow(g.t.tracker, r.n+rows); err == nil {
		err = r.keys.grow(g.t.tracker, r.n+rows)
	}
	if err != nil {
		return 0, false, err
	}
	at = r.n
	r.n += rows
	for i := at; i < r.n; i++ {
		r.keys.v[i] = keyStays
	}
	return at, true, nil
}

// leaveBehind drops the rows of the worker's set that rows which came later have put behind.
func (l *sortLocal) leaveBehind() {
	g := l.groups
	if g == nil || g.off || g.stay.lost || g.stay.n != l.set.n {
		return
	}
	to := uint32(0)
	for e := range l.extents {
		x := &l.extents[e]
		from := to
		for id := x.from; id < x.to; id++ {
			if key := g.stay.keys.v[id]; key != keyStays {
				last := g.best.v[(int(g.stay.codes.v[id])+1)*g.g.limit-1]
				if key > last || invariants.Mutant("group-top-drops-ties-late") && key == last {
					continue
				}
			}
			l.set.move(to, id)
			to++
		}
		x.from, x.to = from, to
	}
	g.dropped += l.set.n - int(to)
	l.set.cut(int(to))
}

// groupRowsLook is the number of rows after which a bound that drops less than a quarter stops.
const groupRowsLook = 1 << 20

// planGroups plans the bound of a sort.
func (s *sorting) planGroups() (err error) {
	g := s.n.Groups
	if g == nil || !s.droppable() {
		return nil
	}
	if c := s.types[g.Keys].Class(); c != types.ClassInt && c != types.ClassFloat && c != types.ClassNumeric {
		return nil
	}
	s.groups = &sortGroups{limit: g.Rows, dense: g.Distinct, desc: s.n.Keys[g.Keys].Desc}
	s.groups.sub = aggregation{q: s.q, nk: g.Keys, exprs: s.exprs[:g.Keys], stats: s.stats}
	s.groups.sub.layout()
	s.groups.prog, err = s.q.compile(s.exprs[:g.Keys+1], typesOf(s.n.Input.Columns()))
	return err
}

func (l *sortLocal) allocGroups(rows *rowScratch) (err error) {
	s := l.sink.s
	if s.groups == nil {
		return nil
	}
	a := &l.w.arena
	g := &groupBound{g: s.groups, ev: s.q.evaluator(s.groups.prog), room: room{q: s.q}}
	l.groups = g
	g.vs = make([]*vec.Vector, s.groups.sub.nk+1)
	g.comp.a = a
	g.s = &codeScratch{rows: rows, arena: a, dicts: make([]dictCodes, max(s.groups.sub.nk, 1))}
	for _, p := range []*[]int64{&g.ints, &g.s.ints} {
		if *p, err = makeSlice[int64](a, batchRows); err != nil {
			return err
		}
	}
	for _, p := range []*[]uint64{&g.words, &g.pos} {
		if *p, err = makeSlice[uint64](a, batchRows); err != nil {
			return err
		}
	}
	if g.codes, err = makeSlice[uint32](a, batchRows); err != nil {
		return err
	}
	if g.keep, err = makeSlice[uint16](a, batchRows); err != nil {
		return err
	}
	g.t, err = newGroupTable(&s.groups.sub, rows, a)
	return err
}

// stop gives the memory up; from now on all rows stay.
func (g *groupBound) stop() {
	if g == nil || g.off {
		return
	}
	g.off = true
	g.t.free()
	g.best.free()
	g.stay.lose()
	g.room.done()
}

// boundGroups notes what the workers have dropped, and gives their memory up.
func (s *sorting) boundGroups(locals []*sortLocal) {
	if s.groups == nil {
		return
	}
	dropped := 0
	for _, l := range locals {
		l.leaveBehind()
		dropped += l.groups.dropped
		l.groups.stop()
	}
	s.stats.note("%d rows behind the first of their groups left out", dropped)
}

func (g *groupBound) close() {
	if g != nil {
		g.stop()
		g.ev.Close()
	}
}

// narrow returns the rows of a batch that may be among the first of their groups.
func (g *groupBound) narrow(in *vec.Batch) (*vec.Batch, error) {
	if g == nil || g.off {
		return in, nil
	}
	if !g.room.ask(g.t.growth(in.N)+g.best.growth((g.t.n+in.N)*g.g.limit)+g.stay.growth(in.N), stateShare) ||
		g.rows > groupRowsLook && g.dropped < g.rows/4 {
		g.stop()
		return in, nil
	}
	if n, err := evalAll(g.ev, in, g.vs); n < in.N || err != nil {
		return g.whole(in, err)
	}
	key := g.vs[len(g.vs)-1]
	ints, ok := g.ordered(key, in.N)
	if !ok {
		return g.whole(in, nil)
	}
	if err := g.find(in.N); err != nil {
		return in, err
	}
	k := g.choose(ints, key)
	if err := g.keepKeys(ints, key, k); err != nil {
		return in, err
	}
	g.rows += in.N
	g.dropped += in.N - k
	if k == in.N {
		return in, nil
	}
	return g.comp.compose(in, g.keep[:k], 0)
}

// whole is for a batch that stays as it is.
func (g *groupBound) whole(in *vec.Batch, err error) (*vec.Batch, error) {
	if err == nil {
		_, _, err = g.stay.add(g, in.N)
	}
	return in, err
}

// keepKeys notes the groups and keys of the first k rows of keep.
func (g *groupBound) keepKeys(ints []int64, key *vec.Vector, k int) error {
	at, ok, err := g.stay.add(g, k)
	if !ok || err != nil {
		return err
	}
	nulls := hasNulls(key, len(ints))
	codes, keys := g.stay.codes.v[at:at+k], g.stay.keys.v[at:at+k]
	for j, i := range g.keep[:k] {
		if codes[j] = g.codes[i]; !nulls || !key.IsNull(int(i)) {
			keys[j] = ints[i]
		}
	}
	return nil
}

// ordered returns the keys as integers that order as they do, the smallest first in the order of the sort; not ok if they
// are no such integers.
func (g *groupBound) ordered(v *vec.Vector, n int) ([]int64, bool) {
	class := v.Type.Class()
	if class == types.ClassNumeric {
		if isVarNumeric(v) || numericWidth(v) > 8 || g.known && g.scale != numericScale(v) {
			return nil, false
		}
		g.scale, g.known = numericScale(v), true
	}
	ints := intsOf(v, n, g.ints)
	if class == types.ClassFloat {
		for i, x := range ints {
			g.ints[i] = kernel.FloatOrder(kernel.FloatKey(x))
		}
		ints = g.ints[:n]
	}
	if g.g.desc {
		for i, x := range ints {
			g.ints[i] = ^x
		}
		ints = g.ints[:n]
	}
	return ints, true
}

// find sets codes to the groups of n rows.
func (g *groupBound) find(n int) error {
	old := g.t.n
	nk := g.g.sub.nk
	if nk == 0 {
		clear(g.codes[:n])
		if err := g.t.one(); err != nil {
			return err
		}
	} else if err := g.t.find(g.vs[:nk], n, g.s, g.words, g.codes, g.pos, noBounds, &runState{}); err != nil {
		return err
	}
	limit := g.g.limit
	if err := g.best.grow(g.t.tracker, g.t.n*limit); err != nil {
		return err
	}
	for i := old * limit; i < g.t.n*limit; i++ {
		g.best.v[i] = math.MaxInt64
	}
	return nil
}

// choose sets keep to the rows that stay, and returns their number.
func (g *groupBound) choose(ints []int64, key *vec.Vector) int {
	limit, k, nulls := g.g.limit, 0, hasNulls(key, len(ints))
	for i, x := range ints {
		g.keep[k] = uint16(i)
		if nulls && key.IsNull(i) {
			k++
			continue
		}
		best := g.best.v[int(g.codes[i])*limit:][:limit]
		last := best[limit-1]
		if x <= last && !(invariants.Mutant("group-top-drops-ties") && x == last) {
			k++
		}
		if x < last {
			g.insert(best, x)
		}
	}
	return k
}

// insert puts a key among the best of its group, of which it takes the last's place.
func (g *groupBound) insert(best []int64, x int64) {
	at := len(best) - 1
	for at > 0 && best[at-1] > x {
		at--
	}
	if g.g.dense && !invariants.Mutant("group-top-counts-ties") && at > 0 && best[at-1] == x {
		return
	}
	copy(best[at+1:], best[at:])
	best[at] = x
}
