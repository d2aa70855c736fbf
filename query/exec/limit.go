package exec

import (
	"context"
	"io"
	"math"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// limitState counts the rows of a LIMIT over all branches of its flow, which one worker runs.
type limitState struct {
	skip, left int64
	stats      *opStats
}

// limitRun is the operator of a LIMIT.
type limitRun struct {
	s    *limitState
	next operator
	out  vec.Batch
	pos  []uint16
	comp composer
}

func (q *Query) limit(n *plan.Limit) (*flow, error) {
	s := &limitState{stats: q.statsOf(n, n.ID, "limit")}
	var err error
	if s.left, err = q.limitValue(n.Count, math.MaxInt64, sqlerr.InvalidRowCountInLimit, "LIMIT"); err != nil {
		return nil, err
	}
	if s.skip, err = q.limitValue(n.Offset, 0, sqlerr.InvalidRowCountInOffset, "OFFSET"); err != nil {
		return nil, err
	}
	if invariants.Mutant("limit-off-by-one") && s.left < math.MaxInt64 {
		s.left++
	}
	if s.left == 0 {
		s.stats.note("input never executed")
		return &flow{branches: []branch{{src: noRows{}}}}, nil
	}
	f, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	f.serial = true // the first rows in order
	f.unless(func() bool { return s.left == 0 })
	f.pipe(func(w *worker, next operator) (operator, error) {
		pos, err := makeSlice[uint16](&w.arena, batchRows)
		if err != nil {
			return nil, err
		}
		r := &limitRun{s: s, next: next, pos: pos}
		r.comp.a = &w.arena
		return r, nil
	})
	return f, nil
}

// limitValue evaluates a row count; absent and NULL are none.
func (q *Query) limitValue(e expr.Expr, none int64, code sqlerr.Code, clause string) (int64, error) {
	if e == nil {
		return none, nil
	}
	d, err := q.constantOf(e)
	if err != nil || d.IsNull() {
		return none, err
	}
	if d.I < 0 {
		return 0, sqlerr.Newf(code, "%s must not be negative", clause)
	}
	return d.I, nil
}

func (r *limitRun) push(ctx context.Context, b *vec.Batch) (status, error) {
	s := r.s
	if s.left == 0 {
		return finished, nil
	}
	if int64(b.N) <= s.skip {
		s.skip -= int64(b.N)
		return needMore, nil
	}
	out := b
	from := int(s.skip)
	n := int(min(int64(b.N-from), s.left))
	s.skip, s.left = 0, s.left-int64(n)
	switch {
	case from > 0:
		pos := r.pos[:n]
		for i := range pos {
			pos[i] = uint16(from + i)
		}
		var err error
		if out, err = r.comp.compose(b, pos, 0); err != nil {
			return needMore, err
		}
	case n < b.N:
		truncate(&r.out, b, n)
		out = &r.out
	}
	s.stats.out(n)
	st, err := r.next.push(ctx, out)
	return r.after(st, err)
}

func (r *limitRun) resume(ctx context.Context) (status, error) {
	st, err := r.next.resume(ctx)
	return r.after(st, err)
}

// after ends the stream with the last row, so that what comes later, errors too, is never computed.
func (r *limitRun) after(st status, err error) (status, error) {
	if err == nil && st == needMore && r.s.left == 0 {
		st = finished
	}
	return st, err
}

func (r *limitRun) close() {}

// noRows is an empty source.
type noRows struct{}

func (noRows) open(context.Context) error               { return nil }
func (noRows) reader() (reader, error)                  { return noRows{}, nil }
func (noRows) close()                                   {}
func (noRows) claim(context.Context) error              { return io.EOF }
func (noRows) read(context.Context) (*vec.Batch, error) { return nil, nil }
