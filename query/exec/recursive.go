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

// recursion runs a recursive query round by round, as its rows are asked for. The rows of a round may be in the file; those
// that a UNION has seen are in memory.
type recursion struct {
	q      *Query
	n      *plan.Recursive
	stats  *opStats
	copies *expr.Program
	ts     []types.Type
	rows   *rowScratch
	arena  arena
	// round is the rows of the round at hand, nil before the first; at is the next to be output.
	round *filedRows
	pages *filedReader
	at    uint32
	ended bool
	begun bool
	seen  rowsSeen
	sums  map[int]*opStats
	ids   []uint32
	pick  []uint16
	row   types.Row
	out   vec.Batch
}

func (q *Query) recursive(n *plan.Recursive) (*flow, error) {
	r := &recursion{q: q, n: n, stats: q.statsOf(n, n.ID, "recursive"), sums: map[int]*opStats{}}
	r.arena.tracker = q.mem
	q.onClose(func() {
		r.pages.free()
		r.round.free()
		r.seen.free(q.mem)
		r.arena.free()
	})
	r.ts = typesOf(n.Columns())
	exprs := make([]expr.Expr, len(r.ts))
	for i, t := range r.ts {
		exprs[i] = &expr.Column{Node: expr.Node{Typ: t}, ID: i}
	}
	var err error
	if r.copies, err = q.compile(exprs, r.ts); err != nil {
		return nil, err
	}
	if r.rows, err = newRowScratch(&r.arena); err != nil {
		return nil, err
	}
	if r.ids, err = makeSlice[uint32](&r.arena, batchRows); err != nil {
		return nil, err
	}
	if r.pick, err = makeSlice[uint16](&r.arena, batchRows); err != nil {
		return nil, err
	}
	r.row = make(types.Row, len(r.ts))
	return &flow{branches: []branch{{src: r}}, serial: true}, nil
}

// release frees a set that may not be there.
func (r *rowSet) release() {
	if r != nil {
		r.free()
	}
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
	for !r.ended && (r.round == nil || int(r.at) == r.round.len()) {
		if err := r.next(ctx); err != nil {
			return nil, err
		}
	}
	if r.ended {
		return nil, nil
	}
	page, n, err := r.pages.from(r.at, r.ids[:r.q.vectorRows])
	if err != nil {
		return nil, err
	}
	r.at += uint32(n)
	r.out.N = n
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: page.cols, RowIDs: r.ids[:n]})
	r.stats.out(n)
	return &r.out, nil
}

// next runs the next round.
func (r *recursion) next(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	env := r.q.env
	env.Pool, env.Workers, env.Mem = nil, 1, r.q.mem
	root := r.n.Base
	if r.round != nil {
		root = r.n.Step
		env.working = &workingRows{of: r.n.Of, rows: r.round, outer: env.working}
	}
	next := newFiledRows(r.q, r.ts, r.stats, r.rows)
	if err := r.collect(ctx, root, &env, next); err != nil {
		next.free()
		return err
	}
	next.claim.done()
	r.pages.free()
	r.round.free()
	r.round, r.pages, r.at = next, next.reader(), 0
	r.ended = next.len() == 0
	return nil
}

// collect adds the rows of a round to a set.
func (r *recursion) collect(ctx context.Context, root plan.Node, env *Env, to *filedRows) (err error) {
	sub, err := Instantiate(ctx, &plan.Query{Root: root, Params: r.q.plan.Params}, env)
	if err != nil {
		return err
	}
	ev, vs := r.q.evaluator(r.copies), make([]*vec.Vector, len(r.ts))
	defer func() {
		ev.Close()
		r.q.absorb(r.sums, sub)
		if cerr := sub.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		b, err := sub.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := evalAll(ev, b, vs); err != nil {
			return err
		}
		var pick []uint16
		if !r.n.All {
			if pick, err = r.fresh(vs, b.N); err != nil {
				return err
			}
			if len(pick) == 0 {
				continue
			}
		}
		if err := to.append(ctx, vs, b.N, pick); err != nil {
			return err
		}
	}
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
