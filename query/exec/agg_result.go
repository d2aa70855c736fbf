package exec

import (
	"context"
	"io"
	"slices"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// aggResult is the final groups: parts of tables, in the order of output.
type aggResult struct {
	parts []resultPart
	owned []*groupTable
}

// resultPart is a number of groups of a table, at most resultRows: the groups from … to-1, or ids.
type resultPart struct {
	t        *groupTable
	from, to uint32
	ids      []uint32
}

// resultRows is the number of groups of a morsel of the result.
const resultRows = 1 << 15

func (r *aggResult) free() {
	for _, t := range r.owned {
		t.free()
	}
	r.owned, r.parts = nil, nil
}

// addRange adds groups in the order of their numbers.
func (r *aggResult) addRange(t *groupTable, from, to uint32) {
	for from < to {
		n := min(to-from, resultRows)
		r.parts = append(r.parts, resultPart{t: t, from: from, to: from + n})
		from += n
	}
}

// addIDs adds groups in the order of ids.
func (r *aggResult) addIDs(t *groupTable, ids []uint32) {
	for len(ids) > 0 {
		n := min(len(ids), resultRows)
		r.parts = append(r.parts, resultPart{t: t, ids: ids[:n]})
		ids = ids[n:]
	}
}

// finish makes the final groups of the workers' tables, and such of their results as are costly.
func (s *aggSink) finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.finishGroups(ctx); err != nil {
		return err
	}
	var last *groupTable
	for _, p := range s.result.parts {
		if p.t == last {
			continue
		}
		if last = p.t; last.finished {
			continue
		}
		last.finished = true
		if err := last.finish(); err != nil {
			return err
		}
	}
	return nil
}

// finishGroups makes the final groups.
func (s *aggSink) finishGroups(ctx context.Context) error {
	a := s.a
	a.noteNumbers()
	if s.spill.used {
		return s.finishSpilled(ctx)
	}
	var parts []*groupTable
	if a.ordered {
		parts = append(parts, s.merger.t)
	} else {
		for _, l := range s.locals {
			if l.t.n > 0 {
				parts = append(parts, l.t)
			}
		}
	}
	if a.nk > 0 && len(parts) == 1 && len(parts[0].runs) == 0 && len(a.distinct) == 0 {
		s.output(parts[0])
		return nil
	}
	if ok, err := s.chainRuns(parts); ok || err != nil {
		return err
	}
	m, err := newMergeScratch(a)
	if err != nil {
		return err
	}
	s.arena.slabs = append(s.arena.slabs, m.arena.slabs...) // the tables use it until the end
	m.arena.slabs = nil
	defer m.free()
	t, err := s.base(m)
	if err != nil {
		return err
	}
	s.result.owned = append(s.result.owned, t)
	numbers := arena{tracker: a.q.mem}
	defer numbers.free()
	into, err := s.mergeParts(t, m, &numbers)
	if err != nil {
		return err
	}
	if a.nk == 0 {
		if err := t.one(); err != nil {
			return err
		}
	}
	if len(a.distinct) > 0 {
		for _, l := range s.locals { // feeding uses the first one
			l.t.free()
		}
		if err := s.finishDistinct(ctx, t, m, into); err != nil {
			return err
		}
		s.locals[0].t = &groupTable{}
	}
	s.output(t)
	return nil
}

// mergeParts merges the workers' tables, but for one that t was, into t. For DISTINCT aggregates it returns the groups of t
// by the numbers of each worker's groups; nil where they are the same.
func (s *aggSink) mergeParts(t *groupTable, m *mergeScratch, ar *arena) ([][]uint32, error) {
	into := make([][]uint32, len(s.locals))
	if s.a.ordered {
		return into, t.mergeAll(s.merger.t, m)
	}
	for w, l := range s.locals {
		if l.t.n == 0 {
			continue
		}
		if len(s.a.distinct) > 0 && s.a.nk > 0 {
			var err error
			if into[w], err = makeSlice[uint32](ar, l.t.n); err != nil {
				return nil, err
			}
		}
		if err := t.mergeInto(l.t, m, into[w]); err != nil {
			return nil, err
		}
	}
	return into, nil
}

// base returns the table that the others are merged into: the largest of the workers' that has an index of all its
// groups, which it takes from its worker, or a new one.
func (s *aggSink) base(m *mergeScratch) (*groupTable, error) {
	var best *aggLocal
	for _, l := range s.locals {
		if !s.a.ordered && len(l.t.runs) == 0 && l.t.n > 0 && (best == nil || l.t.n > best.t.n) {
			best = l
		}
	}
	if best == nil {
		return newGroupTable(s.a, m.s.rows, &s.arena)
	}
	t := best.t
	best.t = &groupTable{}
	return t, nil
}

// output makes the groups of t the result, in the order of their first rows if that is kept.
func (s *aggSink) output(t *groupTable) {
	s.a.stats.note("%d groups", t.n)
	if !s.a.positions || slices.IsSorted(t.pos.v[:t.n]) {
		s.result.addRange(t, 0, uint32(t.n))
		return
	}
	ids := make([]uint32, t.n)
	for i := range ids {
		ids[i] = uint32(i)
	}
	slices.SortFunc(ids, func(a, b uint32) int {
		x, y := t.pos.v[a], t.pos.v[b]
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	s.result.addIDs(t, ids)
}

// aggSource reads the result of an aggregation.
type aggSource struct {
	a    *aggregation
	next int
}

func (s *aggSource) open(context.Context) error {
	s.next = 0
	return nil
}

func (s *aggSource) close() {}

func (s *aggSource) reader() (reader, error) {
	a := s.a
	if a.sink.sorted {
		return a.sink.runReader(), nil
	}
	return s.groupReader()
}

// groupReader returns a reader of final groups.
func (s *aggSource) groupReader() (*aggReader, error) {
	a := s.a
	r := &aggReader{s: s, vecs: make([]vec.Vector, len(a.keyAt)+len(a.outs))}
	var err error
	if r.d, err = newKeyDecoder(a.q.mem, a.nk); err != nil {
		return nil, err
	}
	if err := r.det.alloc(&r.d.arena, len(a.determined)); err != nil {
		r.d.free()
		return nil, err
	}
	for i := range a.outs {
		c := outColumn{b: vec.NewBuilder(a.outs[i].typ, a.q.vectorRows, a.q.mem)}
		if c.ints, err = makeSlice[int64](&r.d.arena, batchRows); err != nil {
			r.close()
			return nil, err
		}
		if c.valid, err = makeSlice[uint64](&r.d.arena, batchRows/64); err != nil {
			r.close()
			return nil, err
		}
		r.outs = append(r.outs, c)
	}
	return r, nil
}

// aggReader makes batches of final groups.
type aggReader struct {
	s    *aggSource
	part resultPart
	at   int
	d    *keyDecoder
	det  determinedKeys
	outs []outColumn
	vecs []vec.Vector
	out  vec.Batch
	// Of groups that were spilled: the partitions that are left of the morsel.
	b     *partBuilder
	parts []groupPart
}

// outColumn is memory for one output column.
type outColumn struct {
	ints  []int64
	valid []uint64
	b     *vec.Builder
}

func (r *aggReader) claim(context.Context) error {
	if r.s.a.sink.spill.used {
		return r.claimSpilled()
	}
	return r.claimPart()
}

func (r *aggReader) claimPart() error {
	parts := r.s.a.sink.result.parts
	if r.s.next == len(parts) {
		return io.EOF
	}
	r.part, r.at = parts[r.s.next], 0
	r.s.next++
	return nil
}

func (r *aggReader) close() {
	if r.b != nil {
		r.b.close()
	}
	r.d.free()
	for _, c := range r.outs {
		c.b.Release()
	}
}

func (r *aggReader) read(ctx context.Context) (*vec.Batch, error) {
	if err := r.nextPart(ctx); err != nil || r.part.t == nil {
		return nil, err
	}
	b, err := r.groups()
	if b != nil {
		r.s.a.stats.out(b.N)
	}
	return b, err
}

// groups returns the next groups of the part at hand.
func (r *aggReader) groups() (*vec.Batch, error) {
	a := r.s.a
	var ids []uint32
	if r.part.ids != nil {
		ids = r.part.ids[r.at:min(r.at+a.q.vectorRows, len(r.part.ids))]
	} else {
		from := r.part.from + uint32(r.at)
		ids = r.d.ids[:min(a.q.vectorRows, int(r.part.to-from))]
		for i := range ids {
			ids[i] = from + uint32(i)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	r.at += len(ids)
	t := r.part.t
	if a.nk > 0 {
		keys, det := r.d.vectors(t, &t.coder, ids), r.det.gather(t, ids)
		for i, at := range a.keyAt {
			if at >= 0 {
				r.vecs[i] = *keys[at]
			} else {
				r.vecs[i] = *det[-1-at]
			}
		}
	}
	for i := range a.outs {
		if err := r.column(t, i, ids); err != nil {
			return nil, err
		}
	}
	r.out.Single(len(ids), r.vecs, nil)
	return &r.out, nil
}

// column makes output column i.
func (r *aggReader) column(t *groupTable, i int, ids []uint32) error {
	a := r.s.a
	o, c := &a.outs[i], &r.outs[i]
	v := &r.vecs[len(a.keyAt)+i]
	if r.intColumn(t, o, c, ids, v) {
		return nil
	}
	c.b.Reset()
	for _, id := range ids {
		d, err := t.result(o, id)
		if err != nil {
			return err
		}
		if err := c.b.Append(d); err != nil {
			return err
		}
	}
	*v = c.b.Vector()
	return nil
}

// intColumn makes an output column of 64-bit integers from hot words alone, if that is possible.
func (r *aggReader) intColumn(t *groupTable, o *aggOut, c *outColumn, ids []uint32, v *vec.Vector) bool {
	*v = vec.Vector{Type: o.typ, Width: 8, N: len(ids), Data: vec.DataOf(c.ints), NullBit: -1}
	if o.state < 0 {
		for k, id := range ids {
			c.ints[k] = t.count(o.input, id)
		}
		return true
	}
	st := &t.a.states[o.state]
	if t.slow[o.state] != nil || t.hasCold || o.typ.Kind == types.Bool {
		return false
	}
	class := t.a.inputs[st.input].typ.Class()
	switch {
	case st.kind == stateSum && o.op == expr.AggSum:
		v.Scale = t.scales[o.state].scale
	case (st.kind == stateMin || st.kind == stateMax || st.kind == stateBits) && class != types.ClassFloat:
		v.Scale = t.scales[o.state].scale
	default:
		return false
	}
	counter := t.a.inputs[st.input].counter
	w := t.a.words
	for k, id := range ids {
		if t.hot.v[int(id)*w+counter] == 0 {
			return false
		}
		c.ints[k] = int64(t.hot.v[int(id)*w+st.word])
	}
	return true
}

// result returns an aggregate of a group.
func (t *groupTable) result(o *aggOut, id uint32) (types.Datum, error) {
	n := t.count(o.input, id)
	if o.state < 0 {
		return types.NewInt(types.Int8, n), nil
	}
	if n == 0 {
		if t.isZero(o, id) {
			return types.NumericFromInt(0), nil
		}
		return types.NullOf(o.typ.Kind), nil
	}
	st := &t.a.states[o.state]
	switch o.op {
	case expr.AggSum:
		if st.kind == stateFloat || st.kind == stateFloat4 {
			f, err := t.floatSum(o.state, id)
			return types.NewFloat(o.typ.Kind, f), err
		}
		if st.kind == stateSum {
			return t.sumResult(o, id)
		}
	case expr.AggAvg:
		if st.kind == stateSlow {
			d, err := t.slow[o.state].result(id)
			if err != nil {
				return d, err
			}
			return types.IntervalDiv(d, float64(n))
		}
		return t.avgResult(o, id, n)
	case expr.AggStddevSamp, expr.AggStddevPop, expr.AggVarSamp, expr.AggVarPop:
		return variance(t.slow[o.state], o.op, id, n)
	}
	if st.kind == stateSlow {
		if m, ok := t.slow[o.state].(*pairMoments); ok {
			return m.m.v[id].finish(o.op), nil
		}
		return t.slow[o.state].result(id)
	}
	return t.extreme(o, st, id)
}

// extreme returns a least or greatest value, or a bit aggregate.
func (t *groupTable) extreme(o *aggOut, st *aggState, id uint32) (types.Datum, error) {
	x := int64(t.hot.v[int(id)*t.a.words+st.word])
	switch t.a.inputs[st.input].typ.Class() {
	case types.ClassFloat:
		return types.Datum{K: o.typ.Kind, Valid: true, I: kernel.FloatOfOrder(x)}, nil
	case types.ClassNumeric:
		if f := t.slow[o.state]; f != nil {
			return f.result(id)
		}
		return types.NewDecimal(x, int(t.scales[o.state].scale)), nil
	}
	return types.NewInt(o.typ.Kind, x), nil
}
