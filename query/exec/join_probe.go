package exec

import (
	"context"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// probeRun finds the matches of batches of the left side. Its output keeps the left side's groups, with
// composed indexes, and adds the build side's columns as rows: no value is copied.
type probeRun struct {
	j    *join
	b    *buildSide
	ev   *expr.Evaluator
	cond *expr.Evaluator
	vs   []*vec.Vector

	in    *vec.Batch
	words []uint64
	heads []uint32 // first candidate of each row of in
	bad   badRows
	err   error // of the row after the last of in
	short vec.Batch
	done  bool

	pos   []uint16
	ids   []uint32
	comp  composer
	mark  []uint64 // matched build rows, if the join outputs some of them in the end
	rows  *rowScratch
	limit int
	// selects: rows of the left side only mark rows of the build side.
	selects bool

	// Progress of an expansion: the next candidate of row i is cand; 0: the end of its chain.
	i       int
	cand    uint32
	opened  bool // row i has begun
	matched bool // a candidate of row i has passed
	open    bool // the condition was NULL for a candidate of row i
	pairs   *pairBuffers
	unknown *unknownPass

	flags  []uint8 // values of a mark join's column
	valid  []uint64
	column []vec.Vector
}

// probe makes the operator for one worker.
func (j *join) probe(w *worker, next operator) (operator, error) {
	if j.build.failed != nil {
		return &stage{t: failedProbe{j.build.failed}, next: next, stats: j.stats}, nil
	}
	if j.replaced != nil {
		return j.selected(next), nil
	}
	if j.spill.used {
		return j.newProbeSpill(w)
	}
	r := &probeRun{j: j, b: &j.build, limit: j.q.vectorRows, vs: make([]*vec.Vector, len(j.n.LeftKeys))}
	r.selects = !outputsLeft(j.n.Kind)
	r.comp.a = &w.arena
	if err := r.alloc(&w.arena); err != nil {
		return nil, err
	}
	r.ev = j.q.evaluator(j.leftProg)
	if j.condProg != nil {
		r.cond = j.q.evaluator(j.condProg)
	}
	if outputsRest(j.n.Kind) {
		var err error
		if r.mark, err = makeSlice[uint64](&w.arena, vec.BitmapWords(j.build.set.n)); err != nil {
			return nil, err
		}
		j.q.statsMu.Lock()
		j.marks = append(j.marks, r.mark)
		j.q.statsMu.Unlock()
	}
	return &stage{t: r, next: next, stats: j.stats}, nil
}

func (r *probeRun) alloc(a *arena) error {
	var err error
	if r.words, err = makeSlice[uint64](a, batchRows); err != nil {
		return err
	}
	if r.heads, err = makeSlice[uint32](a, batchRows+1); err != nil {
		return err
	}
	if r.pos, err = makeSlice[uint16](a, batchRows+1); err != nil {
		return err
	}
	if r.ids, err = makeSlice[uint32](a, batchRows+1); err != nil {
		return err
	}
	if r.rows, err = newRowScratch(a); err != nil {
		return err
	}
	if r.j.n.Kind == plan.Mark {
		if r.flags, err = makeSlice[uint8](a, batchRows); err != nil {
			return err
		}
		if r.valid, err = makeSlice[uint64](a, batchRows/64); err != nil {
			return err
		}
		r.column = make([]vec.Vector, 1)
	}
	if r.general() {
		if r.pairs, err = newPairBuffers(a); err != nil {
			return err
		}
	}
	if r.j.threeValued() {
		r.unknown = &unknownPass{r: r}
		return r.unknown.alloc(a)
	}
	return nil
}

// general reports whether candidates must be looked at one by one: their keys compared, or a further
// condition evaluated.
func (r *probeRun) general() bool { return !r.b.exact || r.j.condProg != nil || r.j.threeValued() }

func (r *probeRun) close() {
	r.ev.Close()
	if r.cond != nil {
		r.cond.Close()
	}
}

func (r *probeRun) start(_ context.Context, b *vec.Batch) error {
	n, err := b.N, error(nil)
	if len(r.vs) > 0 {
		n, err = evalAll(r.ev, b, r.vs)
	}
	r.err = err
	if n < b.N {
		if n == 0 {
			r.done = true
			return err
		}
		truncate(&r.short, b, n)
		b = &r.short
	}
	r.in, r.done = b, false
	heads := r.heads[:n]
	r.bad.reset()
	if r.b.rows == 0 {
		clear(heads) // and against no rows at all, even NULL is certain
	} else {
		words := r.words
		if len(r.vs) > 0 {
			words = r.b.probeWords(r.words, r.vs, n, r.rows, &r.bad)
		}
		r.b.find(words, heads)
		if r.bad.any {
			for i := range heads {
				if r.bad.has(i) {
					heads[i] = 0
				}
			}
		}
	}
	r.i, r.opened, r.matched, r.open = 0, false, false, false
	return nil
}

func (r *probeRun) produce(ctx context.Context) (*vec.Batch, error) {
	if r.done {
		return nil, nil
	}
	if r.general() && r.b.rows > 0 {
		return r.produceGeneral(ctx)
	}
	if r.b.next != nil {
		switch r.j.n.Kind {
		case plan.Inner, plan.Left, plan.Right, plan.Full, plan.Single:
			return r.expand()
		}
	}
	r.done = true
	if r.selects { // those of one key are found when all are through
		r.noteMatches(r.heads[:r.in.N])
		return nil, r.pending()
	}
	return r.single()
}

// single makes the output of a batch whose rows have one candidate at most, or need no more.
func (r *probeRun) single() (*vec.Batch, error) {
	n := r.in.N
	heads := r.heads[:n]
	switch r.j.n.Kind {
	case plan.Inner, plan.Right:
		ids := r.ids[:n+1]
		copy(ids, heads)
		k := kernel.CompactMatches(ids[:n], r.pos)
		return r.emit(r.pos[:k], ids[:k])
	case plan.Left, plan.Full, plan.Single:
		copy(r.ids, heads)
		return r.emitAll(r.ids[:n])
	case plan.Semi:
		return r.choose(kernel.SelectMatched(heads, true, r.pos))
	case plan.Anti:
		return r.choose(kernel.SelectMatched(heads, false, r.pos))
	case plan.AntiNull:
		return r.antiNull()
	}
	return r.markAll()
}

// emit outputs the pairs of left rows and build rows.
func (r *probeRun) emit(pos []uint16, ids []uint32) (*vec.Batch, error) {
	r.noteMatches(ids)
	if len(pos) == r.in.N && r.b.next == nil && !r.general() { // every row once, in order
		return r.emitAll(ids)
	}
	out, err := r.comp.compose(r.in, pos, 1)
	if err != nil {
		return nil, err
	}
	return r.withBuild(out, ids), r.pending()
}

// emitAll outputs every left row with the build row of the same place.
func (r *probeRun) emitAll(ids []uint32) (*vec.Batch, error) {
	r.noteMatches(ids)
	out := &r.comp.out
	out.N = r.in.N
	out.Groups = append(out.Groups[:0], r.in.Groups...)
	return r.withBuild(out, ids), r.pending()
}

func (r *probeRun) withBuild(out *vec.Batch, ids []uint32) *vec.Batch {
	out.Groups = append(out.Groups, vec.Group{Cols: r.b.cols, RowIDs: ids})
	return out
}

// pending returns the error of the row after the batch, once the batch is through.
func (r *probeRun) pending() error {
	if !r.done {
		return nil
	}
	err := r.err
	r.err = nil
	return err
}

func (r *probeRun) noteMatches(ids []uint32) {
	if r.mark == nil {
		return
	}
	for _, id := range ids {
		r.mark[id>>6] |= 1 << (id & 63)
	}
}

// choose outputs the first k rows of pos.
func (r *probeRun) choose(k int) (*vec.Batch, error) {
	if k == r.in.N {
		return r.in, r.pending()
	}
	out, err := r.comp.compose(r.in, r.pos[:k], 0)
	if err != nil {
		return nil, err
	}
	return out, r.pending()
}

// antiNull is NOT IN: NULL on either side makes the answer unknown, unless there is nothing on the right.
func (r *probeRun) antiNull() (*vec.Batch, error) {
	if r.b.rows > 0 || r.b.nullKey || r.b.others {
		if r.b.nullKey {
			return r.choose(0)
		}
		k := 0
		for i, id := range r.heads[:r.in.N] {
			if id == 0 && !(len(r.vs) > 0 && r.vs[0].IsNull(i)) {
				r.pos[k] = uint16(i)
				k++
			}
		}
		return r.choose(k)
	}
	return r.in, r.pending()
}

// markAll adds the three-valued answer to every row.
func (r *probeRun) markAll() (*vec.Batch, error) {
	n := r.in.N
	empty := r.b.rows == 0 && !r.b.nullKey && !r.b.others
	clear(r.valid)
	for i, id := range r.heads[:n] {
		r.flags[i] = 0
		if id != 0 {
			r.flags[i] = 1
		}
		null := r.b.nullKey || len(r.vs) > 0 && r.vs[0].IsNull(i)
		if id != 0 || empty || !null {
			r.valid[i>>6] |= 1 << (i & 63)
		}
	}
	return r.marked(r.in, n)
}

// marked outputs b with the flags as a further column.
func (r *probeRun) marked(b *vec.Batch, n int) (*vec.Batch, error) {
	out := &r.comp.out
	if b != out {
		out.N = n
		out.Groups = append(out.Groups[:0], b.Groups...)
	}
	r.column[0] = vec.Vector{Type: types.T(types.Bool), Width: 1, N: n, Data: vec.DataOf(r.flags), NullBit: -1}
	if !kernel.AllValid(r.valid, n) {
		r.column[0].Valid = r.valid[:vec.BitmapWords(n)]
	}
	out.Groups = append(out.Groups, vec.Group{Cols: r.column})
	return out, r.pending()
}

// expand outputs the next pairs of rows with several candidates.
func (r *probeRun) expand() (*vec.Batch, error) {
	k, n := 0, r.in.N
	keepLeft := !dropsUnmatchedLeft(r.j.n.Kind)
	next := r.b.next
	for k < r.limit {
		if !r.opened {
			if r.i == n {
				break
			}
			r.cand, r.opened, r.matched = r.heads[r.i], true, false
			if r.cand == 0 && keepLeft {
				r.pos[k], r.ids[k] = uint16(r.i), 0
				k++
			}
			continue
		}
		if r.cand == 0 {
			r.i, r.opened = r.i+1, false
			continue
		}
		if r.matched && r.j.n.Kind == plan.Single {
			return r.second(k)
		}
		r.pos[k], r.ids[k] = uint16(r.i), r.cand
		r.cand, r.matched = next[r.cand], true
		k++
	}
	if r.i == n && !r.opened {
		r.done = true
	}
	if k == 0 {
		return nil, r.pending()
	}
	return r.emit(r.pos[:k], r.ids[:k])
}

// second outputs the rows before the one that has a second match, which is an error.
func (r *probeRun) second(k int) (*vec.Batch, error) {
	r.done, r.err = true, errSecondRow
	for k > 0 && int(r.pos[k-1]) == r.i {
		k--
	}
	if k == 0 {
		return nil, r.pending()
	}
	return r.emit(r.pos[:k], r.ids[:k])
}

// failedProbe raises the error of a build side for the first row.
type failedProbe struct{ err error }

func (p failedProbe) start(context.Context, *vec.Batch) error   { return p.err }
func (failedProbe) produce(context.Context) (*vec.Batch, error) { return nil, nil }
func (failedProbe) close()                                      {}

// selected is the operator of a join that an exact filter has done already.
func (j *join) selected(next operator) operator {
	if !outputsRight(j.n.Kind) {
		return next
	}
	return &stage{t: &padRun{j: j}, next: next, stats: j.stats}
}

// padRun adds the build side's columns, which nobody reads.
type padRun struct {
	j   *join
	in  *vec.Batch
	out vec.Batch
}

func (p *padRun) start(_ context.Context, b *vec.Batch) error {
	p.in = b
	return nil
}

func (p *padRun) produce(context.Context) (*vec.Batch, error) {
	if p.in == nil {
		return nil, nil
	}
	p.out.N = p.in.N
	p.out.Groups = append(append(p.out.Groups[:0], p.in.Groups...), vec.Group{Cols: p.j.build.cols})
	p.in = nil
	return &p.out, nil
}

func (p *padRun) close() {}
