package exec

import (
	"context"
	"io"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// find returns what the inner plan yields for arguments: what it has yielded before, if it must be the
// same again.
func (a *apply) find(ctx context.Context, args types.Row, fresh bool) (applied, error) {
	if fresh && a.memo.full() {
		a.memo.free(a.q.mem)
	}
	hash := hashRow(args)
	if !a.n.Volatile {
		if e := a.memo.find(hash, args); e != nil {
			return e.applied, nil
		}
	}
	if a.memo.set == nil {
		if err := a.memo.begin(a); err != nil {
			return applied{}, err
		}
	}
	got, err := a.run(ctx, args)
	if err != nil || a.n.Volatile {
		return got, err
	}
	return got, a.memo.add(a.q.mem, hash, args, got)
}

// run executes the inner plan with arguments.
func (a *apply) run(ctx context.Context, args types.Row) (got applied, err error) {
	env := a.q.env
	env.Pool, env.Workers, env.Mem = nil, 1, a.q.mem
	ec := *a.q.env.Expr
	ec.Params = slices.Clone(ec.Params)
	for i, p := range a.n.Params {
		for len(ec.Params) < p {
			ec.Params = append(ec.Params, types.Null())
		}
		ec.Params[p-1] = args[i]
	}
	env.Expr = &ec
	inner := &plan.Query{Root: a.n.Root, Subplans: a.n.Subplans, Params: a.q.plan.Params}
	sub, err := Instantiate(ctx, inner, &env)
	if err != nil {
		return got, err
	}
	defer func() {
		a.q.absorb(a.inner, sub)
		if cerr := sub.Close(); err == nil {
			err = cerr
		}
	}()
	return a.collect(ctx, sub)
}

// collect reads the inner plan's rows: all of them, or until the answer is known.
func (a *apply) collect(ctx context.Context, sub *Query) (applied, error) {
	var got applied
	var ev *expr.Evaluator
	var vs []*vec.Vector
	if outputsRight(a.n.Kind) {
		ev, vs = a.q.evaluator(a.copies), make([]*vec.Vector, len(a.ts))
		got.from = uint32(a.memo.set.n)
		defer ev.Close()
	}
	for {
		b, err := sub.Next(ctx)
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		switch a.n.Kind {
		case plan.Semi, plan.Anti:
			if got.holds = b.N > 0; got.holds {
				return got, nil
			}
		case plan.Mark:
			if got.test(b); got.holds {
				return got, nil
			}
		default:
			if got.rows += uint32(b.N); got.rows > 1 && a.n.Kind == plan.Single {
				return got, errSecondRow
			}
			if _, err := evalAll(ev, b, vs); err != nil {
				return got, err
			}
			if err := a.memo.set.append(vs, b.N, nil); err != nil {
				return got, err
			}
		}
	}
}

// absorb adds the counters of one of the executions of an inner plan; sums are those of its operators.
func (q *Query) absorb(sums map[int]*opStats, sub *Query) {
	q.statsMu.Lock()
	defer q.statsMu.Unlock()
	for _, s := range sub.stats {
		sum := sums[s.id]
		if sum == nil {
			sums[s.id] = s
			q.stats = append(q.stats, s)
			continue
		}
		sum.rows.Add(s.rows.Load())
		sum.batches.Add(s.batches.Load())
		sum.nanos.Add(s.nanos.Load())
	}
}

// applied is what the inner plan yields: the rows from on, whether there is one, or the test of a mark.
type applied struct {
	from, rows     uint32
	holds, unknown bool
}

// test takes in the rows of a mark's test: one that is true decides, a NULL leaves it open.
func (g *applied) test(b *vec.Batch) {
	for i := range b.N {
		d := b.BatchDatum(0, i)
		switch {
		case !d.Valid:
			g.unknown = true
		case d.Bool():
			g.holds, g.unknown = true, false
			return
		}
	}
}

// applyMemo keeps what the inner plan has yielded, by arguments.
type applyMemo struct {
	set     *rowSet
	entries []applyEntry
	heads   []int32 // by hash: 1 + the first entry
	bytes   int64   // charged for entries
}

type applyEntry struct {
	applied
	hash uint64
	args types.Row
	next int32
}

// Limits of a memo: beyond them it is emptied.
const (
	memoEntriesMax = 1 << 16
	memoRowsMax    = 1 << 20
	memoHeads      = 1 << 12
	memoEntryBytes = 64
	memoDatumBytes = 56
)

func (m *applyMemo) full() bool {
	return m.set != nil && (m.set.n > memoRowsMax || len(m.entries) >= memoEntriesMax)
}

// begin makes the set of rows; row 0 is the NULL row.
func (m *applyMemo) begin(a *apply) error {
	m.set = newRowSet(a.q.mem, a.ts, a.stored, true, &a.blocks, a.rows)
	m.heads = make([]int32, memoHeads)
	vs := make([]*vec.Vector, len(a.ts))
	for i, t := range a.ts {
		v := nullVector(t)
		vs[i] = &v
	}
	return m.set.append(vs, 1, nil)
}

func (m *applyMemo) find(hash uint64, args types.Row) *applyEntry {
	if m.set == nil {
		return nil
	}
	for i := m.heads[hash%memoHeads]; i != 0; i = m.entries[i-1].next {
		e := &m.entries[i-1]
		if e.hash == hash && (slices.EqualFunc(e.args, args, types.Identical) || invariants.Mutant("apply-ignores-collisions")) {
			return e
		}
	}
	return nil
}

func (m *applyMemo) add(t memTracker, hash uint64, args types.Row, got applied) error {
	size := int64(memoEntryBytes)
	for _, d := range args {
		size += memoDatumBytes + int64(len(d.S))
	}
	if err := t.Reserve(size); err != nil {
		return err
	}
	m.bytes += size
	head := &m.heads[hash%memoHeads]
	m.entries = append(m.entries, applyEntry{applied: got, hash: hash, args: slices.Clone(args), next: *head})
	*head = int32(len(m.entries))
	return nil
}

// memTracker is what memory is charged to.
type memTracker interface {
	Reserve(n int64) error
	Release(n int64)
}

func (m *applyMemo) free(t memTracker) {
	if m.set != nil {
		m.set.free()
	}
	t.Release(m.bytes)
	*m = applyMemo{}
}

// columns appends the columns of the rows.
func (m *applyMemo) columns(dst []vec.Vector, ts []types.Type) []vec.Vector {
	if m.set == nil { // no row was asked for
		for _, t := range ts {
			dst = append(dst, nullVector(t))
		}
		return dst
	}
	pages := m.set.rowPages()
	for i := range m.set.layout.slots {
		s := &m.set.layout.slots[i]
		if s.kind == slotNone {
			dst = append(dst, nullVector(ts[i]))
			continue
		}
		dst = append(dst, s.columnVector(pages))
	}
	return dst
}

func hashRow(row types.Row) uint64 {
	h := uint64(len(row))
	if invariants.Mutant("apply-ignores-collisions") {
		return h
	}
	for _, d := range row {
		h = h*0x9e3779b97f4a7c15 + types.Hash(d)
	}
	return h ^ h>>29
}
