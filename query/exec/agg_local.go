package exec

import (
	"context"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// aggLocal is one worker's operator of an aggregation.
type aggLocal struct {
	a     *aggregation
	w     *worker
	ev    *expr.Evaluator
	vs    []*vec.Vector
	t     *groupTable
	s     *codeScratch
	words []uint64
	codes []uint32
	pos   []uint64 // 0, 1, 2, …
	run   runState
	bound func(j int) (lo, hi int64, ok bool)

	// The determined keys, evaluated only where a batch has new groups.
	det   *expr.Evaluator
	detVs []*vec.Vector
	detOf func() ([]*vec.Vector, error)
	batch *vec.Batch

	byCode codeTable
	wide   *wide // nil: batches are always gathered
	// holes are rows of the batch at hand that sums must take out again; around is memory for the others.
	holes, around []uint16
	holed         bool // a batch had some

	// Scratch of the updates.
	sums   [][]int64 // of each state, for values that must be widened
	live   []uint16  // rows that an input includes
	dead   []uint16  // rows that it excludes
	picked []uint32  // codes of rows of live
	values []int64   // values of rows of live
	fused  []fusedSum
	sets   []*distinctLocal

	spills bool // groups may leave memory
	claim  room
}

// fusedSum is a sum that is added in one loop with others.
type fusedSum struct {
	word int
	x    []int64
}

// runState says whether the rows at hand come in runs of ascending keys.
type runState struct {
	ascending bool // the facts of the batch say so
	open      bool // the last group is the run of the last row
	ordinal   int
}

// use reports whether run groups are made of the batch.
func (r *runState) use(t *groupTable) bool {
	if !r.ascending || t.coder.hashed || len(t.coder.pack.cols) != 1 {
		r.open = false
		return false
	}
	return true
}

// extend notes that the groups from old on are a run.
func (r *runState) extend(t *groupTable, old int) {
	if r.open {
		t.runs[len(t.runs)-1].to = uint32(t.n)
		return
	}
	if len(t.runs) == 0 {
		t.a.stats.note("run aggregation: keys ascend in the morsel")
	}
	t.runs = append(t.runs, runSegment{r.ordinal, uint32(old), uint32(t.n)})
	r.open = true
}

// aggSink is the sink of an aggregation.
type aggSink struct {
	a      *aggregation
	locals []*aggLocal
	arena  arena
	merger orderedMerger
	result aggResult
	spill  aggSpill
	// parts are the partitions of what was spilled; if sorted, runs have the final groups in their order.
	parts  []groupPart
	sorted bool
	runs   []*run
}

func (s *aggSink) local(w *worker) (operator, error) {
	a := s.a
	l := &aggLocal{a: a, w: w, vs: make([]*vec.Vector, len(a.exprs)), spills: a.canLeave(), claim: room{q: a.q}}
	if err := l.alloc(); err != nil {
		return nil, err
	}
	l.ev = a.q.evaluator(a.prog)
	l.bound = l.ev.Bounds
	if a.detProg != nil {
		l.det, l.detVs = a.q.evaluator(a.detProg), make([]*vec.Vector, len(a.determined))
		l.detOf = l.determined
		l.t.detOf = l.detOf
	}
	for _, d := range a.distinct {
		x, err := d.local(l)
		if err != nil {
			return nil, err
		}
		l.sets = append(l.sets, x)
	}
	a.q.statsMu.Lock()
	defer a.q.statsMu.Unlock()
	s.locals = append(s.locals, l)
	if a.ordered && s.merger.t == nil {
		return l, s.merger.init(a)
	}
	return l, nil
}

func (l *aggLocal) alloc() error {
	ar := &l.w.arena
	rows, err := newRowScratch(ar)
	if err != nil {
		return err
	}
	l.s = &codeScratch{rows: rows, arena: ar, dicts: make([]dictCodes, max(l.a.nk, 1))}
	l.sums = make([][]int64, len(l.a.states))
	l.fused = make([]fusedSum, 0, len(l.a.states))
	for _, p := range []*[]int64{&l.s.ints, &l.values} {
		if *p, err = makeSlice[int64](ar, batchRows); err != nil {
			return err
		}
	}
	for _, p := range []*[]uint64{&l.words, &l.pos} {
		if *p, err = makeSlice[uint64](ar, batchRows); err != nil {
			return err
		}
	}
	for i := range l.pos {
		l.pos[i] = uint64(i)
	}
	for _, p := range []*[]uint32{&l.codes, &l.picked} {
		if *p, err = makeSlice[uint32](ar, batchRows); err != nil {
			return err
		}
	}
	for _, p := range []*[]uint16{&l.live, &l.dead} {
		if *p, err = makeSlice[uint16](ar, batchRows+1); err != nil {
			return err
		}
	}
	if err := l.allocWide(); err != nil {
		return err
	}
	l.t, err = newGroupTable(l.a, rows, ar)
	return err
}

func (l *aggLocal) push(ctx context.Context, b *vec.Batch) (status, error) {
	l.batch = b
	if err := l.makeRoom(ctx, b.N); err != nil {
		return needMore, err
	}
	if done, err := l.pushHoles(b); done || err != nil {
		return needMore, err
	}
	if done, err := l.pushWide(b); done || err != nil {
		return needMore, err
	}
	if _, err := evalAll(l.ev, b, l.vs); err != nil {
		return needMore, err
	}
	n := b.N
	if l.a.nk == 0 {
		if err := l.t.one(); err != nil {
			return needMore, err
		}
	} else if err := l.group(n); err != nil {
		return needMore, err
	}
	l.w.row += uint32(n)
	return needMore, l.update(n)
}

// determined evaluates the determined keys of the batch at hand.
func (l *aggLocal) determined() ([]*vec.Vector, error) {
	_, err := evalAll(l.det, l.batch, l.detVs)
	return l.detVs, err
}

// place says where the rows at hand stand in the input, and whether their keys, the first rows of the key's vector,
// ascend.
func (l *aggLocal) place(rows int) {
	l.t.posBase = uint64(l.w.ordinal)<<32 | uint64(l.w.row)
	r := &l.run
	if r.ordinal != l.w.ordinal {
		r.ordinal, r.open = l.w.ordinal, false
	}
	f := l.vs[0].Fact
	r.ascending = l.a.nk == 1 && f != nil && f.Ascending && !l.a.q.env.Force.NoRuns && !hasNulls(l.vs[0], rows)
}

// group finds the groups of the rows.
func (l *aggLocal) group(n int) error {
	found, learn, err := l.groupByCodes(n, l.codes)
	if found || err != nil {
		return err
	}
	l.place(n)
	keys := l.vs[:l.a.nk]
	if err := l.t.find(keys, n, l.s, l.words, l.codes, l.pos, l.bound, &l.run); err != nil || !learn {
		return err
	}
	l.byCode.learn(keys, nil, l.codes[:n])
	return nil
}

func (l *aggLocal) resume(context.Context) (status, error) { return needMore, nil }
func (l *aggLocal) close()                                 {}

// update adds n rows to the states of their groups.
func (l *aggLocal) update(n int) error {
	l.fused = l.fused[:0]
	for i := range l.a.inputs {
		if l.a.inputs[i].distinct {
			continue
		}
		if err := l.input(i, n); err != nil {
			return err
		}
	}
	l.addFused(n)
	for _, d := range l.sets {
		if err := d.add(l, n); err != nil {
			return err
		}
	}
	return nil
}

// input updates the states over one input.
func (l *aggLocal) input(i, n int) error {
	in := &l.a.inputs[i]
	live, all := l.included(in, n)
	for s := range l.a.states {
		if l.a.states[s].input != i || !all && len(live) == 0 {
			continue
		}
		if err := l.state(s, in, n, live, all); err != nil {
			return err
		}
	}
	if all {
		return nil
	}
	return l.exclude(in) // last: states must not count rows that they have not seen
}

// included returns the rows that an input includes, or all.
func (l *aggLocal) included(in *aggInput, n int) (live []uint16, all bool) {
	var arg, filter *vec.Vector
	if in.arg >= 0 && hasNulls(l.vs[in.arg], n) {
		arg = l.vs[in.arg]
	}
	if in.filter >= 0 {
		filter = l.vs[in.filter]
	}
	if arg == nil && filter == nil {
		return nil, true
	}
	live, l.dead = l.live[:0], l.dead[:0]
	for i := range n {
		if arg != nil && arg.IsNull(i) || filter != nil && (filter.IsNull(i) || filter.Int(i) == 0) {
			l.dead = append(l.dead, uint16(i))
			continue
		}
		live = append(live, uint16(i))
	}
	return live, len(live) == n
}

// exclude counts the rows of l.dead.
func (l *aggLocal) exclude(in *aggInput) error {
	t := l.t
	if err := t.coldRows(); err != nil {
		return err
	}
	w := l.a.cold
	if l.a.nk == 0 {
		t.cold.v[in.excl] += uint64(len(l.dead))
		return nil
	}
	for _, i := range l.dead {
		t.cold.v[int(l.codes[i])*w+in.excl]++
	}
	return nil
}

// state updates a state with the live rows of its input.
func (l *aggLocal) state(s int, in *aggInput, n int, live []uint16, all bool) error {
	st := &l.a.states[s]
	v := l.vs[in.arg]
	if st.kind == stateSlow {
		return l.slow(l.t.slow[s], in, n, live, all)
	}
	if in.typ.Class() == types.ClassNumeric {
		if fits, err := l.numericFits(s, v, n); err != nil {
			return err
		} else if !fits {
			f, err := l.t.fallback(s)
			if err != nil {
				return err
			}
			return l.slow(f, in, n, live, all)
		}
	}
	if st.kind == stateSum && l.a.nk == 0 && all {
		if done, err := l.narrowSum(s, in, v, n); done || err != nil {
			return err
		}
	}
	x, err := l.widened(s, v, n)
	if err != nil {
		return err
	}
	codes := l.codes[:n]
	if !all {
		kernel.Pick(l.values, x, live)
		x = l.values[:len(live)]
		kernel.Pick(l.picked, codes, live)
		codes = l.picked[:len(live)]
	}
	switch st.kind {
	case stateSum:
		return l.sum(s, in, x, codes, all)
	case stateFloat, stateFloat4:
		// An infinite value makes its sum infinite, or NaN: values are looked at only where a sum is.
		if !l.word(st, x, codes) && !l.t.infinite[s] {
			l.t.infinite[s] = kernel.AnyInfinite(x) && !invariants.Mutant("agg-misses-infinity")
		}
		return nil
	case stateMin, stateMax:
		if in.typ.Class() == types.ClassFloat {
			for i, b := range x {
				l.values[i] = kernel.FloatOrder(b)
			}
			x = l.values[:len(x)]
		}
	}
	l.word(st, x, codes)
	return nil
}

// numericFits reports whether the hot words can take the values of a numeric vector: integers of the
// state's scale.
func (l *aggLocal) numericFits(s int, v *vec.Vector, n int) (bool, error) {
	if isVarNumeric(v) {
		return false, nil
	}
	sc := &l.t.scales[s]
	if sc.slow {
		return false, nil
	}
	if !sc.known {
		sc.scale, sc.known = numericScale(v), true
	}
	if sc.scale != numericScale(v) {
		return false, nil
	}
	return numericWidth(v) <= 8, nil
}

// widened returns the values of a vector as 64-bit words that stay valid until the batch's update is
// complete.
func (l *aggLocal) widened(s int, v *vec.Vector, n int) ([]int64, error) {
	if v.Form == vec.Flat && v.Width == 8 {
		return words64(v, n), nil
	}
	if l.sums[s] == nil {
		var err error
		if l.sums[s], err = makeSlice[int64](&l.w.arena, batchRows); err != nil {
			return nil, err
		}
	}
	return intsOf(v, n, l.sums[s]), nil
}

// addFused counts the rows and adds the sums that take all of them.
func (l *aggLocal) addFused(n int) {
	t := l.t
	if l.a.nk == 0 {
		t.hot.v[0] += uint64(n - len(l.holes))
		for _, f := range l.fused {
			t.hot.v[f.word] += uint64(kernel.SumInts(f.x) - kernel.SumSel(f.x, l.holes))
		}
		return
	}
	slices.SortFunc(l.fused, func(a, b fusedSum) int { return a.word - b.word })
	p, stride := t.hotRow()
	codes, f := l.codes[:n], l.fused
	first := 0 // sums that stand in words 1 …
	for first < len(f) && first < 5 && f[first].word == first+1 {
		first++
	}
	switch {
	case first == 5:
		kernel.CountAdd5(p, stride, codes, 0, f[0].x, f[1].x, f[2].x, f[3].x, f[4].x)
	case first >= 3:
		first = 3
		kernel.CountAdd3(p, stride, codes, f[0].x, f[1].x, f[2].x)
	case first == 2:
		kernel.CountAdd2(p, stride, codes, f[0].x, f[1].x)
	case first == 1:
		kernel.CountAdd1(p, stride, codes, f[0].x)
	default:
		kernel.CountAdd0(p, stride, codes)
	}
	for _, g := range f[first:] {
		kernel.AddWord(p, stride, uintptr(g.word*8), codes, g.x)
	}
}

// word updates a hot word that is no sum of integers; false if a sum of floats is not finite.
func (l *aggLocal) word(st *aggState, x []int64, codes []uint32) bool {
	if l.a.nk == 0 {
		codes = l.picked[:len(x)]
		clear(codes)
	}
	p, stride := l.t.hotRow()
	off := uintptr(st.word * 8)
	switch st.kind {
	case stateFloat:
		return kernel.AddFloatWord(p, stride, off, codes, x)
	case stateFloat4:
		return kernel.AddFloat4Word(p, stride, off, codes, x)
	case stateMin:
		kernel.MinWord(p, stride, off, codes, x)
	case stateMax:
		kernel.MaxWord(p, stride, off, codes, x)
	case stateBits:
		kernel.BitWord(p, stride, off, codes, x, bitOps[st.op])
	}
	return true
}

var bitOps = [256]byte{expr.AggBitAnd: '&', expr.AggBitOr: '|', expr.AggBitXor: '^'}

// slow updates a slow state.
func (l *aggLocal) slow(s slowState, in *aggInput, n int, live []uint16, all bool) error {
	codes := l.codes[:n]
	if l.a.nk == 0 {
		clear(codes)
	}
	if all {
		live = nil
	}
	var second *vec.Vector
	if in.arg2 >= 0 {
		second = l.vs[in.arg2]
	}
	return s.update(codes, l.vs[in.arg], second, live, n)
}

// endMorsel hands the morsel's partial result over where the order of rows matters.
func (l *aggLocal) endMorsel(ctx context.Context) error {
	l.run.open = false
	if !l.a.ordered {
		return nil
	}
	t, err := newGroupTable(l.a, l.s.rows, &l.w.arena)
	if err != nil {
		return err
	}
	t.detOf = l.detOf
	t, l.t = l.t, t
	if err := t.prepare(); err != nil {
		t.free()
		return err
	}
	return l.a.sink.merger.add(ctx, l.w.ordinal, t)
}
