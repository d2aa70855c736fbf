package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// recursion runs a recursive query round by round. Rows are handed on as a round makes them, so that who wants few ends it early,
// even a round that would never end. They are kept besides, for the next round to read; they may be in the file. Those that a
// UNION has seen are in memory.
type recursion struct {
	q      *Query
	n      *plan.Recursive
	stats  *opStats
	copies *expr.Program
	ts     []types.Type
	rows   *rowScratch
	arena  arena
	// last is the rows of the round before, nil in the first one; round is the one that runs, nil between rounds.
	last  *filedRows
	round *recursionRound
	ended bool
	begun bool
	seen  rowsSeen
	sums  map[int]*opStats
	pick  []uint16
	row   types.Row
	cols  []vec.Vector
	out   vec.Batch
}

// recursionRound is a round that runs.
type recursionRound struct {
	sub  *Query
	ev   *expr.Evaluator
	vs   []*vec.Vector
	rows *filedRows // what it has made
}

func (q *Query) recursive(n *plan.Recursive) (*flow, error) {
	r := &recursion{q: q, n: n, stats: q.statsOf(n, n.ID, "recursive"), sums: map[int]*opStats{}}
	r.arena.tracker = q.mem
	q.onClose(func() {
		if r.round != nil { // it was not wanted to the end: its errors are nobody's
			_ = r.finish()
		}
		r.last.free()
		r.seen.free(q.mem)
		r.arena.free()
	})
	r.ts = typesOf(n.Columns())
	var err error
	if r.copies, err = q.compileCopies(r.ts); err != nil {
		return nil, err
	}
	if r.rows, err = newRowScratch(&r.arena); err != nil {
		return nil, err
	}
	if r.pick, err = makeSlice[uint16](&r.arena, batchRows); err != nil {
		return nil, err
	}
	r.row, r.cols = make(types.Row, len(r.ts)), make([]vec.Vector, len(r.ts))
	return &flow{branches: []branch{{src: r}}, serial: true}, nil
}

func (r *recursion) open(context.Context) error { return nil }
func (r *recursion) reader() (reader, error)    { return r, nil }
func (r *recursion) close()                     {}

func (r *recursion) claim(context.Context) error {
	if r.begun {
		return io.EOF
	}
	r.begun = true
	return nil
}

func (r *recursion) read(ctx context.Context) (*vec.Batch, error) {
	for !r.ended {
		if r.round == nil {
			if err := r.start(ctx); err != nil {
				return nil, err
			}
		}
		b, err := r.round.sub.Next(ctx)
		switch {
		case err == io.EOF:
			err = r.finish()
		case err == nil:
			if b, err = r.keep(ctx, b); b != nil {
				r.stats.out(b.N)
				return b, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// start begins the next round.
func (r *recursion) start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	env := r.q.env
	env.Pool, env.Workers, env.Mem = nil, 1, r.q.mem
	root := r.n.Base
	if r.last != nil {
		root = r.n.Step
		env.working = &workingRows{of: r.n.Of, rows: r.last, outer: env.working}
	}
	sub, err := Instantiate(ctx, &plan.Query{Root: root, Params: r.q.plan.Params}, &env)
	if err != nil {
		return err
	}
	r.round = &recursionRound{
		sub: sub, ev: r.q.evaluator(r.copies), vs: make([]*vec.Vector, len(r.ts)), rows: newFiledRows(r.q, r.ts, r.stats, r.rows),
	}
	return nil
}

// keep takes rows of the round and returns those of them that are new, nil if none is.
func (r *recursion) keep(ctx context.Context, b *vec.Batch) (*vec.Batch, error) {
	vs := r.round.vs
	if _, err := evalAll(r.round.ev, b, vs); err != nil {
		return nil, err
	}
	n := b.N
	var pick []uint16
	if !r.n.All {
		var err error
		if pick, err = r.fresh(vs, n); err != nil || len(pick) == 0 {
			return nil, err
		}
		n = len(pick)
	}
	if err := r.round.rows.append(ctx, vs, b.N, pick); err != nil {
		return nil, err
	}
	for i, v := range vs {
		r.cols[i] = *v
	}
	r.out.Single(n, r.cols, pick)
	return &r.out, nil
}

// finish ends a round, whose rows are those of the last one then. The recursion ends with a round of no rows.
func (r *recursion) finish() error {
	round := r.round
	r.round = nil
	round.ev.Close()
	r.q.absorb(r.sums, round.sub)
	err := round.sub.Close()
	round.rows.claim.done()
	r.last.free()
	r.last = round.rows
	r.ended = r.last.len() == 0
	return err
}

// fresh returns the rows that were not there before.
func (r *recursion) fresh(vs []*vec.Vector, n int) ([]uint16, error) {
	pick := r.pick[:0]
	for i := range n {
		for c, v := range vs {
			r.row[c] = v.Datum(i)
		}
		ok, err := r.seen.add(r.q.mem, r.row)
		if err != nil {
			return nil, err
		}
		if ok {
			pick = append(pick, uint16(i))
		}
	}
	return pick, nil
}

// vectors appends the columns of the rows.
func (r *rowSet) vectors(dst []vec.Vector, ts []types.Type) []vec.Vector {
	pages := r.rowPages()
	for i := range r.layout.slots {
		v := r.layout.slots[i].columnVector(pages)
		v.Type = ts[i]
		dst = append(dst, v)
	}
	return dst
}

// workingRows are the rows of the round before of a recursive query.
type workingRows struct {
	of    int
	rows  *filedRows
	outer *workingRows
}

// workingSource reads them.
type workingSource struct {
	q     *Query
	n     *plan.Working
	stats *opStats
	rows  *filedRows
	done  bool
}

func (q *Query) working(n *plan.Working) (*flow, error) {
	s := &workingSource{q: q, n: n, stats: q.statsOf(n, n.ID, "working table")}
	for w := q.env.working; w != nil && s.rows == nil; w = w.outer {
		if w.of == n.Of {
			s.rows = w.rows
		}
	}
	if s.rows == nil {
		return nil, sqlerr.New(sqlerr.InternalError, "a working table outside of its recursion")
	}
	return &flow{branches: []branch{{src: s}}}, nil
}

func (s *workingSource) open(context.Context) error {
	s.done = false
	return nil
}

func (s *workingSource) close() {}

func (s *workingSource) reader() (reader, error) {
	r := &workingReader{s: s, arena: arena{tracker: s.q.mem}, rows: s.rows.reader()}
	var err error
	r.ids, err = makeSlice[uint32](&r.arena, batchRows)
	return r, err
}

// workingReader makes batches of the rows; one morsel is all of them.
type workingReader struct {
	s     *workingSource
	rows  *filedReader
	at    int
	ids   []uint32
	out   vec.Batch
	arena arena
}

func (r *workingReader) claim(context.Context) error {
	if r.s.done {
		return io.EOF
	}
	r.s.done, r.at = true, 0
	return nil
}

func (r *workingReader) read(context.Context) (*vec.Batch, error) {
	if r.at == r.s.rows.len() {
		return nil, nil
	}
	page, n, err := r.rows.from(uint32(r.at), r.ids[:r.s.q.vectorRows])
	if err != nil {
		return nil, err
	}
	r.at += n
	r.out.N = n
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: page.cols, RowIDs: r.ids[:n]})
	r.s.stats.out(n)
	return &r.out, nil
}

func (r *workingReader) close() {
	r.rows.free()
	r.arena.free()
}
