package exec

import (
	"context"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/vec"
)

// pairBuffers hold candidate pairs whose keys or condition must be checked. An entry with row id 0 ends the
// candidates of its left row.
type pairBuffers struct {
	n    int
	pos  []uint16
	ids  []uint32
	ok   []bool
	null []bool   // the condition is NULL (three-valued joins)
	cpos []uint16 // the candidates alone, for the condition
	cids []uint32
	cent []uint16 // their entries
	sel  []uint16
	comp composer
}

func newPairBuffers(a *arena) (*pairBuffers, error) {
	p := &pairBuffers{}
	p.comp.a = a
	var err error
	for _, s := range []*[]uint16{&p.pos, &p.cpos, &p.cent, &p.sel} {
		if *s, err = makeSlice[uint16](a, batchRows+1); err != nil {
			return nil, err
		}
	}
	for _, s := range []*[]uint32{&p.ids, &p.cids} {
		if *s, err = makeSlice[uint32](a, batchRows+1); err != nil {
			return nil, err
		}
	}
	if p.ok, err = makeSlice[bool](a, batchRows+1); err != nil {
		return nil, err
	}
	p.null, err = makeSlice[bool](a, batchRows+1)
	return p, err
}

// produceGeneral outputs the next rows of a join whose candidates are checked one by one.
func (r *probeRun) produceGeneral(ctx context.Context) (*vec.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.fill()
		if r.pairs.n == 0 {
			r.done = true
			return nil, r.pending()
		}
		end, cause, err := r.check()
		if err != nil {
			return nil, err
		}
		if cause != nil {
			r.done, r.err = true, cause
		}
		out, err := r.walk(end)
		if err != nil || out != nil && out.N > 0 {
			return out, err
		}
		if r.done {
			return nil, r.pending()
		}
	}
}

// needsEnds reports whether the join must know when a left row's candidates are through.
func needsEnds(k plan.JoinKind) bool {
	switch k {
	case plan.Inner, plan.Right, plan.RightSemi, plan.RightAnti:
		return false
	}
	return true
}

// fill takes the next candidates.
func (r *probeRun) fill() {
	p := r.pairs
	ends := needsEnds(r.j.n.Kind)
	k := 0
	if r.opened && r.matched && onlyFirst(r.j.n.Kind) {
		r.cand = 0
	}
	for k < r.limit && r.i < r.in.N {
		if !r.opened {
			r.cand, r.opened = r.heads[r.i], true
		}
		if r.cand == 0 {
			r.opened = false
			if ends {
				p.pos[k], p.ids[k] = uint16(r.i), 0
				k++
			}
			r.i++
			continue
		}
		if !r.known(r.cand) {
			p.pos[k], p.ids[k] = uint16(r.i), r.cand
			k++
		}
		if r.b.next == nil {
			r.cand = 0
		} else {
			r.cand = r.b.next[r.cand]
		}
	}
	p.n = k
}

// known reports whether nothing is to be found out about build row id.
func (r *probeRun) known(id uint32) bool {
	return r.selects && r.mark[id>>6]>>(id&63)&1 != 0
}

// onlyFirst reports whether matches after the first do not matter.
func onlyFirst(k plan.JoinKind) bool {
	switch k {
	case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
		return true
	}
	return false
}

// check decides which candidates are matches. It returns the number of entries that are decided: all, or
// those before the one whose condition fails, with the cause.
func (r *probeRun) check() (end int, cause, err error) {
	p := r.pairs
	k := 0
	for e := range p.n {
		id := p.ids[e]
		p.ok[e] = id != 0 && (r.b.exact || r.equalKeys(int(p.pos[e]), id))
		p.null[e] = false
		if p.ok[e] {
			p.cpos[k], p.cids[k], p.cent[k] = p.pos[e], id, uint16(e)
			k++
		}
	}
	if r.cond == nil || k == 0 {
		return p.n, nil, nil
	}
	end = p.n
	if r.unknown != nil {
		end, cause, err = r.truths(k)
		return end, cause, err
	}
	passed, err := r.holds(p.cpos[:k], p.cids[:k])
	if err != nil {
		row, c, ok := rowsBefore(err)
		if !ok {
			return 0, nil, err
		}
		end, cause = int(p.cent[row]), c
	}
	for _, e := range p.cent[:k] {
		p.ok[e] = false
	}
	for _, i := range passed {
		p.ok[p.cent[i]] = true
	}
	return end, cause, nil
}

// truths is check for three-valued joins: a condition that is NULL leaves the answer open.
func (r *probeRun) truths(k int) (end int, cause, err error) {
	p := r.pairs
	end = p.n
	v, err := r.truth(p.cpos[:k], p.cids[:k])
	if err != nil {
		row, c, ok := rowsBefore(err)
		if !ok {
			return 0, nil, err
		}
		end, cause, k = int(p.cent[row]), c, row
	}
	for i, e := range p.cent[:k] {
		p.null[e] = v.IsNull(i)
		p.ok[e] = !p.null[e] && v.Int(i) != 0
	}
	return end, cause, nil
}

// truth evaluates the condition on pairs.
func (r *probeRun) truth(pos []uint16, ids []uint32) (*vec.Vector, error) {
	b, err := r.pairs.comp.compose(r.in, pos, 1)
	if err != nil {
		return nil, err
	}
	r.cond.Begin(r.withBuild(b, ids))
	return r.cond.Eval(0)
}

// holds evaluates the condition on pairs and returns the ordinals of those for which it is true.
func (r *probeRun) holds(pos []uint16, ids []uint32) ([]uint16, error) {
	p := r.pairs
	b, err := p.comp.compose(r.in, pos, 1)
	if err != nil {
		return nil, err
	}
	r.cond.Begin(r.withBuild(b, ids))
	return r.cond.Filter(0, p.sel[:0])
}

// equalKeys compares the keys of a left row with those of a build row.
func (r *probeRun) equalKeys(i int, id uint32) bool {
	row := r.b.set.row(id)
	for k, v := range r.vs {
		if !r.b.set.equalAt(&r.b.set.layout.slots[k], row, v, i) {
			return false
		}
	}
	return true
}

// walk makes the output of the first end entries.
func (r *probeRun) walk(end int) (*vec.Batch, error) {
	p := r.pairs
	k := 0
	kind := r.j.n.Kind
	if kind == plan.Mark {
		clear(r.valid)
	}
	for e := range end {
		i, id := p.pos[e], p.ids[e]
		if id != 0 {
			if !p.ok[e] {
				r.open = r.open || p.null[e]
				continue
			}
			if kind == plan.Single && r.matched {
				r.done, r.err = true, errSecondRow
				for k > 0 && r.pos[k-1] == i {
					k--
				}
				break
			}
			if r.selects {
				r.mark[id>>6] |= 1 << (id & 63)
				continue
			}
			first := !r.matched
			r.matched = true
			if !onlyFirst(kind) || kind == plan.Semi && first {
				r.pos[k], r.ids[k] = i, id
				k++
			}
			continue
		}
		keep, err := r.endRow(int(i), k)
		if err != nil {
			return nil, err
		}
		if keep {
			r.pos[k], r.ids[k] = i, 0
			k++
		}
		r.matched, r.open = false, false
	}
	if k == 0 {
		return nil, nil
	}
	switch kind {
	case plan.Semi, plan.Anti, plan.AntiNull:
		return r.choose(k)
	case plan.Mark:
		out, err := r.comp.compose(r.in, r.pos[:k], 1)
		if err != nil {
			return nil, err
		}
		return r.marked(out, k)
	}
	return r.emit(r.pos[:k], r.ids[:k])
}

// endRow decides on left row i once its candidates are through: whether it is output, as output row k,
// without a match.
func (r *probeRun) endRow(i, k int) (bool, error) {
	switch r.j.n.Kind {
	case plan.Left, plan.Full, plan.Single, plan.Anti:
		return !r.matched, nil
	case plan.AntiNull:
		if r.matched {
			return false, nil
		}
		unknown, err := r.isUnknown(i)
		return !unknown, err
	case plan.Mark:
		r.flags[k] = 0
		if r.matched {
			r.flags[k] = 1
		} else if unknown, err := r.isUnknown(i); unknown || err != nil {
			return true, err // NULL
		}
		r.valid[k>>6] |= 1 << (k & 63)
		return true, nil
	}
	return false, nil
}

// isUnknown reports whether the answer for left row i, which has no match, is unknown.
func (r *probeRun) isUnknown(i int) (bool, error) {
	if r.open {
		return true, nil
	}
	if r.unknown != nil {
		return r.unknown.check(i)
	}
	if len(r.vs) == 0 {
		return false, nil
	}
	return r.b.nullKey || r.vs[0].IsNull(i), nil
}

// unknownPass looks for build rows that would match a left row if NULLs were the right values.
type unknownPass struct {
	r   *probeRun
	pos []uint16
	ids []uint32
}

func (u *unknownPass) alloc(a *arena) error {
	var err error
	if u.pos, err = makeSlice[uint16](a, batchRows); err != nil {
		return err
	}
	u.ids, err = makeSlice[uint32](a, batchRows)
	return err
}

func (u *unknownPass) check(i int) (bool, error) {
	r := u.r
	null := false
	for _, v := range r.vs {
		null = null || v.IsNull(i)
	}
	if !null {
		return u.any(i, r.b.nullRows)
	}
	k := 0
	for _, e := range r.b.extents {
		for id := e.from; id < e.to; id++ {
			u.ids[k] = id
			if k++; k == len(u.ids) {
				if found, err := u.any(i, u.ids); found || err != nil {
					return found, err
				}
				k = 0
			}
		}
	}
	return u.any(i, u.ids[:k])
}

// any reports whether one of the rows agrees with row i in all keys that are known, and does not fail the
// condition.
func (u *unknownPass) any(i int, ids []uint32) (bool, error) {
	r := u.r
	for len(ids) > 0 {
		k := 0
		part := ids[:min(len(ids), batchRows)]
		ids = ids[len(part):]
		for _, id := range part {
			if u.agrees(i, id) {
				u.ids[k], u.pos[k] = id, uint16(i)
				k++
			}
		}
		if k > 0 && r.cond == nil {
			return true, nil
		}
		if k > 0 {
			v, err := r.truth(u.pos[:k], u.ids[:k])
			if err != nil {
				_, cause, _ := rowsBefore(err)
				return false, cause
			}
			for j := range k {
				if v.IsNull(j) || v.Int(j) != 0 {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

func (u *unknownPass) agrees(i int, id uint32) bool {
	r := u.r
	row := r.b.set.row(id)
	for k, v := range r.vs {
		s := &r.b.set.layout.slots[k]
		if v.IsNull(i) || r.b.set.isNull(s, row) {
			continue
		}
		if !r.b.set.equalAt(s, row, v, i) {
			return false
		}
	}
	return true
}
