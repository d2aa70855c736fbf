package exec

import (
	"context"
	"io"
	"maps"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// runSubplans computes the parameters that are results of subplans. What cannot be told apart from running a subplan
// once a row needs it is done here, so that its result is a constant. A volatile one waits for that row; an error of
// another waits for it, too.
func (q *Query) runSubplans(ctx context.Context) error {
	ec := *q.env.Expr
	ec.Params, ec.Deferred = append([]types.Datum(nil), ec.Params...), maps.Clone(ec.Deferred)
	q.env.Expr = &ec
	for i := range q.plan.Subplans {
		s := &q.plan.Subplans[i]
		for len(ec.Params) < s.Param {
			ec.Params = append(ec.Params, types.Null())
		}
		if ec.Deferred == nil {
			ec.Deferred = map[int]expr.Expr{}
		}
		if s.Volatile {
			q.volatile = true
			ec.Deferred[s.Param] = expr.NewDeferred(s.Type(), q.lazily(ctx, s))
			continue
		}
		d, err := q.runSubplan(ctx, s, q.env)
		switch {
		case err == nil:
			ec.Params[s.Param-1] = d
			delete(ec.Deferred, s.Param)
		case ctx.Err() == nil && ofData(err) && !invariants.Mutant("subplan-raises-at-once"):
			ec.Deferred[s.Param] = expr.NewDeferred(s.Type(), func() (types.Datum, error) { return types.Datum{}, err })
		default:
			return err
		}
	}
	return nil
}

// ofData reports whether an error comes from the values of rows, so that it must not be raised if none of them counts:
// data exceptions, and a second row where one may be.
func ofData(err error) bool {
	code := sqlerr.CodeOf(err)
	return len(code) == 5 && (code[:2] == "22" || code[:2] == "21")
}

// lazily returns a function that runs a subplan when it is called for the first time, by whichever worker.
func (q *Query) lazily(ctx context.Context, s *plan.Subplan) func() (types.Datum, error) {
	env := q.env
	env.Pool, env.Workers = nil, 1 // the worker is one of the pool's
	var once sync.Once
	var d types.Datum
	var err error
	return func() (types.Datum, error) {
		once.Do(func() { d, err = q.runSubplan(ctx, s, env) })
		return d, err
	}
}

var errSecondRow = sqlerr.New(sqlerr.CardinalityViolation,
	"more than one row returned by a subquery used as an expression")

func (q *Query) runSubplan(ctx context.Context, s *plan.Subplan, env Env) (d types.Datum, err error) {
	env.Mem = q.mem
	sub, err := Instantiate(ctx, &plan.Query{Root: s.Root, Params: q.plan.Params}, &env)
	if err != nil {
		return d, err
	}
	defer func() {
		q.statsMu.Lock()
		q.stats = append(q.stats, sub.stats...)
		q.statsMu.Unlock()
		if cerr := sub.Close(); err == nil {
			err = cerr
		}
	}()
	if !s.Exists {
		d = types.NullOf(s.Type().Kind)
	}
	rows := 0
	for {
		b, err := sub.Next(ctx)
		if err == io.EOF {
			if s.Exists {
				d = types.NewBool(rows > 0)
			}
			return d, nil
		}
		if err != nil {
			return d, err
		}
		if rows += b.N; s.Exists && rows > 0 {
			return types.NewBool(true), nil
		}
		if rows > 1 {
			return d, errSecondRow
		}
		if b.N == 1 {
			d = b.BatchDatum(0, 0)
		}
	}
}
