package query

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Run executes a prepared statement with values for its parameters. The error of a statement fails the
// transaction block it stands in; an implicit transaction is ended by Finish.
func (s *Session) Run(ctx context.Context, p *Prepared, params []types.Datum) (*Result, error) {
	return s.RunIn(ctx, p, params, &Result{})
}

// RunIn is Run for callers that have room for the result of a short query; other results are elsewhere.
func (s *Session) RunIn(ctx context.Context, p *Prepared, params []types.Datum, space *Result) (*Result, error) {
	if p.Empty() && !s.closedFlag {
		return &Result{s: s, done: true}, nil
	}
	if p.literals != nil {
		if err := sameCount(0, len(params)); err != nil {
			return nil, err
		}
		params = p.literals
	}
	start := s.time()
	s.now = start
	s.depth++
	r, err := s.runIn(ctx, p, params, space)
	s.depth--
	s.ran(p, r, err, start)
	return r, err
}

func (s *Session) runIn(ctx context.Context, p *Prepared, params []types.Datum, space *Result) (_ *Result, err error) {
	defer s.recovered(&err)
	if s.closedFlag {
		return nil, errSessionClosed
	}
	if s.tx.failed && !p.endsTransaction() {
		return nil, errFailedTx
	}
	if r, err := s.runShort(ctx, p, params, space); r != nil || err != nil {
		if err != nil {
			if ctx.Err() != nil {
				err = s.cancelled(ctx, err)
			}
			s.failed(err)
		} else {
			r.plan = p.q
		}
		return r, err
	}
	run, stop, err := s.runningOf(ctx, p)
	if err != nil {
		s.failed(err)
		return nil, err
	}
	r, err := s.dispatch(run, p, params, space)
	if err != nil {
		if run.Err() != nil && !errors.Is(err, errFailedTx) {
			err = s.cancelled(run, err)
		}
		stop()
		s.failed(err)
		return nil, err
	}
	r.s, r.plan, r.ctx, r.parent = s, p.q, run, ctx
	if r.query == nil && r.Copy == nil {
		stop()
		return r, nil
	}
	r.cancel = stop
	s.results = append(s.results, r)
	return r, nil
}

// Exec runs all statements of a text, dropping rows, as one implicit transaction unless the text has
// BEGIN in it. It returns the last statement's result, ended.
func (s *Session) Exec(ctx context.Context, text string, params ...types.Datum) (*Result, error) {
	last, err := s.exec(ctx, text, params)
	if ferr := s.Finish(ctx, err); err == nil {
		err = ferr
	}
	return last, err
}

func (s *Session) exec(ctx context.Context, text string, params []types.Datum) (*Result, error) {
	if len(params) == 0 {
		if p := s.PrepareKnown(ctx, text); p != nil {
			return s.execOne(ctx, p, nil)
		}
	}
	list, err := s.Parse(ctx, text)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 && len(params) > 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	last := &Result{s: s, done: true}
	for i := range list {
		var p *Prepared
		if len(params) == 0 {
			p, err = s.PrepareOf(ctx, text, list, i)
		} else {
			p, err = s.Prepare(ctx, &list[i], typesOf(params))
		}
		if err != nil {
			return nil, err
		}
		if params, err = s.convertParams(params, p.Params); err != nil {
			s.failed(err)
			return nil, err
		}
		if last, err = s.execOne(ctx, p, params); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// execOne runs a prepared statement and drops rows.
func (s *Session) execOne(ctx context.Context, p *Prepared, params []types.Datum) (*Result, error) {
	r, err := s.Run(ctx, p, params)
	if err != nil {
		return nil, err
	}
	if r.Copy != nil {
		return nil, errors.Join(r.Close(), sqlerr.Unsupported("COPY FROM STDIN through Exec"))
	}
	if r.CopyOut != nil && !r.done {
		return nil, errors.Join(r.Close(), sqlerr.Unsupported("COPY TO STDOUT through Exec"))
	}
	for err == nil {
		_, err = r.Next(ctx)
	}
	if err != io.EOF {
		return nil, err
	}
	return r, nil
}

// dispatch runs one statement.
func (s *Session) dispatch(ctx context.Context, p *Prepared, params []types.Datum, space *Result) (*Result, error) {
	if err := checkCount(p, params); err != nil {
		return nil, err
	}
	switch body := p.stmt.Body.(type) {
	case *ast.Query, *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge:
		return s.runPlanned(ctx, p, params, space)
	case *ast.Transaction:
		return s.runTransaction(ctx, body)
	case *ast.Set:
		return s.runSet(body)
	case *ast.SetTransaction:
		return s.runSetTransaction(body)
	case *ast.Show:
		return s.runShow(body.Name)
	case *ast.Reset:
		return s.runReset(body)
	case *ast.Explain:
		return s.runExplain(ctx, body, params)
	case *ast.Prepare:
		return s.runPrepare(ctx, p.stmt, body)
	case *ast.Execute:
		return s.runExecute(ctx, body)
	case *ast.Deallocate:
		return s.runDeallocate(body)
	case *ast.Copy:
		return s.runCopy(ctx, body)
	case *ast.Checkpoint:
		return s.runMaintenance(ctx, "CHECKPOINT", func() error { return s.e.storage.Checkpoint(ctx) })
	case *ast.Vacuum:
		return s.runVacuum(ctx, body)
	case *ast.LockTable:
		return s.runLockTable(ctx, body)
	case *ast.Discard:
		return s.runDiscard(ctx, body)
	case *ast.SetConstraints:
		return s.runSetConstraints(ctx, body)
	case *ast.Truncate:
		return s.runTruncate(ctx, body)
	}
	return s.runDDL(ctx, p.stmt)
}

// checkCount refuses values for parameters that a statement does not have. EXPLAIN leaves it to its statement.
func checkCount(p *Prepared, params []types.Datum) error {
	if _, explain := p.stmt.Body.(*ast.Explain); explain {
		return nil
	}
	return sameCount(len(p.Params), len(params))
}

// sameCount refuses another number of values than a statement has parameters.
func sameCount(params, values int) error {
	if params == values {
		return nil
	}
	return sqlerr.Newf(sqlerr.ProtocolViolation, "the statement has %d parameters, but %d values were given", params, values)
}

// runPlanned executes a query or data change. The result of a change that returns no rows is put into space.
func (s *Session) runPlanned(ctx context.Context, p *Prepared, params []types.Datum, space *Result) (*Result, error) {
	if err := s.checkReadOnly(p); err != nil {
		return nil, err
	}
	reruns := 0
	for try := 0; try < replansMax; try++ {
		shared := p.literals != nil
		if err := s.replan(ctx, p); err != nil {
			return nil, err
		}
		if shared && p.literals == nil {
			params = nil // they are in the plan
		}
		tx, err := s.storageTx(ctx)
		if err != nil {
			return nil, err
		}
		unused := s.unused()
		stmt, err := tx.Statement(ctx)
		if err != nil {
			return nil, err
		}
		s.tx.queries++
		last, same, err := samePlanTables(ctx, stmt, p.q)
		if err != nil || !same {
			_ = stmt.Close(err) // it has done nothing
			code := sqlerr.CodeOf(err)
			if err != nil && code != sqlerr.UndefinedTable && !(unused && code == sqlerr.SerializationFailure) {
				return nil, err
			}
			if s.tx.queries--; unused {
				s.forgetTx() // the snapshot is older than the table
			}
			p.version = 0
			continue
		}
		p.run.source.rd = last
		r, err := s.start(ctx, p, stmt, params, space)
		p.run.source.rd = nil
		if mustRerun(err, reruns) {
			reruns, try = reruns+1, -1
			continue
		}
		return r, err
	}
	return nil, errTablesChange
}

// samePlanTables opens the plan's tables in the statement and reports whether their definitions are those of
// the plan; last reads the last of them.
func samePlanTables(ctx context.Context, stmt table.Statement, q *plan.Query) (last table.Reader, same bool, err error) {
	for _, def := range q.Tables {
		if last, err = stmt.Reader(ctx, def.ID); err != nil {
			return nil, false, err
		}
		if last.Def().Version != def.Version {
			return nil, false, nil
		}
	}
	return last, true, nil
}

// checkReadOnly refuses statements that write or lock rows in a read-only transaction.
func (s *Session) checkReadOnly(p *Prepared) error {
	if !s.tx.o.ReadOnly {
		return nil
	}
	var what string
	switch b := p.stmt.Body.(type) {
	case *ast.Insert:
		what = "INSERT"
	case *ast.Update:
		what = "UPDATE"
	case *ast.Delete:
		what = "DELETE"
	case *ast.Merge:
		what = "MERGE"
	case *ast.Query:
		switch {
		case len(b.Locks) > 0:
			what = "SELECT " + b.Locks[0].Strength.String()
		case slices.ContainsFunc(b.With, func(c ast.CTE) bool { return c.Change != nil }):
			what = "SELECT"
		default:
			return nil
		}
	}
	return sqlerr.Newf(sqlerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", what)
}

// start instantiates a plan on a statement; a data change runs to its end.
func (s *Session) start(
	ctx context.Context, p *Prepared, stmt table.Statement, params []types.Datum, space *Result,
) (*Result, error) {
	var c changes
	if len(p.q.Changes) > 0 {
		c = changes{s: s, q: p.q, stmt: stmt, params: params}
		if err := c.before(ctx); err != nil {
			return nil, stmt.Close(err)
		}
	}
	if p.q.Modify != nil {
		return s.startModify(ctx, p, stmt, params, space, &c)
	}
	q, ec := p.q, s.exprContext(params)
	env := s.env(q, stmt, ec)
	env.Held = c.held
	x, err := exec.Instantiate(ctx, q, env)
	if err != nil {
		return nil, stmt.Close(err)
	}
	if mayRerun(q) {
		return s.drain(ctx, q, x, stmt)
	}
	return &Result{s: s, Columns: q.Root.Columns(), verb: "SELECT", counts: true, stmt: stmt, query: x}, nil
}

func (s *Session) startModify(
	ctx context.Context, p *Prepared, stmt table.Statement, params []types.Datum, space *Result, c *changes,
) (*Result, error) {
	q := p.q
	s.tx.changed = true
	short, err := s.short(p)
	if err != nil {
		return nil, stmt.Close(err)
	}
	var x rowSource
	var ec *expr.Context
	var m *modifier
	if short != nil { // it runs to its end at once, in memory of its own
		ec, m = short.Context(), &p.run.modifier
		s.fillContext(ec, params)
		p.run.source = shortSource{x: short, stmt: stmt, rd: p.run.source.rd, ec: ec, more: p.more}
		x = &p.run.source
		m.scratch = &p.run.scratch
	} else {
		if p.more != nil {
			return nil, stmt.Close(sqlerr.New(sqlerr.InternalError, "a plan of one row for several"))
		}
		ec, m = s.exprContext(params), &modifier{scratch: &modifyScratch{}}
		env := s.env(q, stmt, ec)
		env.Held = c.held
		if x, err = exec.Instantiate(ctx, q, env); err != nil {
			return nil, stmt.Close(err)
		}
	}
	*m = modifier{s: s, m: q.Modify, root: q.Root, q: x, stmt: stmt, ctx: ec, scratch: m.scratch, others: c.seen}
	err = m.run(ctx)
	if err == nil && len(q.Changes) > 0 {
		err = c.after(ctx)
	}
	if cerr := x.Close(); err == nil {
		err = cerr
	}
	err = stmt.Close(err)
	if short != nil {
		m.stmt, m.q, p.run.source.stmt, p.run.source.more = nil, nil, nil, nil
		recycle(stmt)
	}
	if err != nil {
		return nil, err
	}
	r := space
	if q.Modify.Returning != nil {
		r = &Result{}
	}
	*r = Result{s: s, Columns: q.Modify.Out, counts: true, rows: m.rows}
	switch q.Modify.Kind {
	case plan.Insert:
		r.verb = "INSERT 0"
	case plan.Update:
		r.verb = "UPDATE"
	case plan.Delete:
		r.verb = "DELETE"
	case plan.MergeRows:
		r.verb = "MERGE"
	}
	if q.Modify.Returning != nil {
		r.held, err = batchesOf(r.Columns, m.returning)
	}
	return r, err
}

// workerBytes is the memory of its query that a worker takes for granted: the batches on their way through a long chain of
// operators, and state of each worker before it spills.
const workerBytes = 4 << 20

// affordable returns how many of so many workers a query has that may use limit bytes; limit 0 is no limit.
func affordable(workers int, limit int64) int {
	if limit <= 0 {
		return workers
	}
	return int(min(int64(workers), max(limit/workerBytes, 1)))
}

func (s *Session) env(q *plan.Query, stmt table.Statement, ec *expr.Context) *exec.Env {
	limit := s.e.o.QueryBytes
	if own := s.settings.hot().queryBytes; own > 0 && (limit == 0 || own < limit) {
		limit = own
	}
	workers := s.settings.hot().workers
	if workers == 0 {
		workers = s.e.o.Workers
	}
	pool := s.e.pool
	if workers == 0 {
		workers = pool.Workers()
	}
	workers = affordable(workers, limit)
	if q.Sequential { // on the caller's goroutine, which the transaction belongs to
		pool, workers = nil, 1
	}
	spill := exec.Spill{Open: s.e.o.TempFile, Written: &s.e.spilled}
	if own := s.settings.hot().tempBytes; own >= 0 {
		spill.LimitBytes = max(own, 1)
	}
	return &exec.Env{
		Spill: spill,
		Stmt:  stmt, Expr: ec, Pool: pool, Mem: s.e.mem.Child("query", limit), Workers: workers,
		VectorRows: s.settings.hot().vectorRows, DebugForms: s.settings.hot().vectorForms,
		Force: s.settings.hot().force,
	}
}

func typesOf(params []types.Datum) []types.Type {
	ts := make([]types.Type, len(params))
	for i, d := range params {
		ts[i] = types.T(d.K)
	}
	return ts
}

// searchPath returns the schemas of search_path, the user's replaced by name.
func (s *Session) searchPath() []string {
	var path []string
	for _, p := range strings.Split(s.settings.get(settings["search_path"]), ",") {
		p = strings.TrimSpace(p)
		if len(p) >= 2 && p[0] == '"' && p[len(p)-1] == '"' {
			p = strings.ReplaceAll(p[1:len(p)-1], `""`, `"`)
		} else {
			p = strings.ToLower(p)
		}
		switch p {
		case "$user":
			p = s.o.User
		case "":
			continue
		}
		path = append(path, p)
	}
	return path
}
