package query

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Prepared is a statement that can be run with different parameters.
type Prepared struct {
	// Params are the types of $1 …, given or inferred.
	Params []types.Type
	// Columns describes the rows; nil if the statement returns none.
	Columns []plan.OutColumn

	stmt  *ast.Statement
	given []types.Type // parameter types that the client gave
	q     *plan.Query  // nil for statements that are not planned
	// The plan holds for this state of the catalog and search path, and was made with the estimates after so many ANALYZEs.
	version  uint64
	path     string
	analyzed uint64
	kind     statementKind
	run      shortRun
	// literals are the values of the parameters that stand for literals of text; nil: the statement has only parameters of its
	// client.
	literals []types.Datum
	text     string
	// more are the values of all rows of VALUES, one after the other, if there are several: literals are those of the first.
	more []types.Datum
	// described: a client knows the columns.
	described bool
}

// Empty reports whether the statement is empty: a comment, or nothing.
func (p *Prepared) Empty() bool { return p.stmt == nil }

// Text returns the statement's source.
func (p *Prepared) Text() string {
	switch {
	case p.literals != nil:
		return p.text
	case p.stmt == nil:
		return ""
	}
	return p.stmt.Text
}

// EndsTransaction reports whether the statement is COMMIT or ROLLBACK, which a failed transaction still
// accepts.
func (p *Prepared) endsTransaction() bool {
	if p.stmt == nil {
		return true
	}
	t, ok := p.stmt.Body.(*ast.Transaction)
	return ok && (t.Kind == ast.Commit || t.Kind == ast.Rollback || t.Kind == ast.RollbackTo)
}

// Parse splits a text into statements.
func (s *Session) Parse(ctx context.Context, text string) ([]ast.Statement, error) {
	if s.closedFlag {
		return nil, errSessionClosed
	}
	if st := s.e.controls.get(text); st != nil && s.mayRun(ctx) {
		return st, nil
	}
	run, stop, err := s.running(ctx, text)
	if err != nil {
		s.failed(err)
		return nil, err
	}
	defer stop()
	st, err := s.e.parser.Parse(run, text)
	if err != nil {
		err = s.cancelled(run, err)
		s.countError(err)
		s.failed(err)
		return nil, err
	}
	s.e.controls.put(text, st)
	return st, nil
}

// PrepareText prepares a text of at most one statement.
func (s *Session) PrepareText(ctx context.Context, text string, params []types.Type) (*Prepared, error) {
	if p := s.cachedPlan(text, params); p != nil {
		was := p.q
		if err := s.plan(ctx, p); err != nil {
			s.countError(err)
			s.failed(err)
			return nil, err
		}
		if p.q != was {
			s.cachePlan(text, params, p)
		}
		return p, nil
	}
	list, err := s.Parse(ctx, text)
	if err != nil {
		return nil, err
	}
	switch len(list) {
	case 0:
		return &Prepared{}, nil
	case 1:
		p, err := s.Prepare(ctx, &list[0], params)
		if err == nil {
			s.cachePlan(text, params, p)
		}
		return p, err
	}
	err = sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	s.countError(err)
	s.failed(err)
	return nil, err
}

// Prepare plans a statement. Given parameter types may be Unknown, or fewer than the parameters.
func (s *Session) Prepare(ctx context.Context, st *ast.Statement, params []types.Type) (_ *Prepared, err error) {
	defer s.recovered(&err)
	if s.closedFlag {
		return nil, errSessionClosed
	}
	p := &Prepared{stmt: st, given: params, kind: kindOf(st.Body)}
	if s.tx.failed && !p.endsTransaction() {
		s.countError(errFailedTx)
		return nil, errFailedTx
	}
	if err := s.describe(ctx, p); err != nil {
		s.countError(err)
		s.failed(err)
		return nil, err
	}
	return p, nil
}

// describe finds a statement's parameters and columns, planning it if it is a query.
func (s *Session) describe(ctx context.Context, p *Prepared) error {
	switch body := p.stmt.Body.(type) {
	case *ast.Query, *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge:
		return s.plan(ctx, p)
	case *ast.Show:
		cols, err := s.showColumns(body.Name)
		p.Columns = cols
		return err
	case *ast.Explain:
		p.Columns = []plan.OutColumn{{Name: "QUERY PLAN", Type: types.T(types.Text)}}
	case *ast.Execute:
		if q := s.prepared[body.Name]; q != nil {
			p.Columns, p.kind = q.Columns, q.kind
		}
	}
	return nil
}

// replansMax bounds how often a statement is planned again because tables change under it.
const replansMax = 10

// plan makes or remakes the plan of a query or data change.
func (s *Session) plan(ctx context.Context, p *Prepared) error {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return err
	}
	if s.upToDate(tx, p) {
		return nil
	}
	path := s.planPath()
	version := tx.Schema().Version()
	analyzed := s.e.analyzed.Load()
	if p.literals != nil && !invariants.Mutant("query-keep-literals") {
		if err := s.planText(ctx, p); err != nil {
			return err
		}
	}
	run, stop, err := s.planning(ctx, p)
	if err != nil {
		return err
	}
	defer stop()
	q, err := s.planQuery(run, false, p.stmt.Body, p.given, nil)
	if err != nil {
		return s.cancelled(run, err)
	}
	if s.tx.tx != nil {
		version = s.tx.tx.Schema().Version()
	}
	if q.Fresh {
		version = 0 // planned again at each run
	}
	p.q, p.version, p.path, p.analyzed = q, version, path, analyzed
	p.Params = q.Params
	p.Columns = columnsOf(q)
	return nil
}

// upToDate reports whether the plan holds for what a transaction sees.
func (s *Session) upToDate(tx table.Tx, p *Prepared) bool {
	return p.q != nil && p.version == tx.Schema().Version() && p.path == s.planPath() && p.analyzed == s.e.analyzed.Load()
}

// planned reports whether the statement need not be planned now.
func (s *Session) planned(ctx context.Context, p *Prepared) bool {
	tx, err := s.storageTx(ctx)
	return err == nil && s.upToDate(tx, p)
}

// planning is running for a statement that is planned before it runs.
func (s *Session) planning(ctx context.Context, p *Prepared) (context.Context, context.CancelFunc, error) {
	if s.depth > 0 {
		return ctx, func() {}, nil // it runs already
	}
	return s.running(ctx, p.Text())
}

var errResultChanged = sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type")

// Runnable reports whether the statement can be run now: 25P02 in a failed transaction that it does not end.
func (s *Session) Runnable(p *Prepared) error {
	if s.tx.failed && !p.endsTransaction() {
		return errFailedTx
	}
	return nil
}

// Revalidate plans a statement whose client was told of its columns again if tables have changed since: it must
// have the same columns then, now and when it runs.
func (s *Session) Revalidate(ctx context.Context, p *Prepared) (err error) {
	defer s.recovered(&err)
	if p.q == nil || s.tx.failed {
		return nil
	}
	p.described = true
	err = s.replan(ctx, p)
	s.failed(err)
	return err
}

// replan is plan for a statement that may have been described: the result must not have other columns then.
func (s *Session) replan(ctx context.Context, p *Prepared) error {
	was := p.Columns
	if err := s.plan(ctx, p); err != nil {
		return err
	}
	if p.described && !sameColumns(was, p.Columns) {
		p.version, p.Columns = 0, was // found again the next time
		return errResultChanged
	}
	return nil
}

// sameColumns reports whether a client that was told of the columns b can read the columns a.
func sameColumns(a, b []plan.OutColumn) bool {
	return slices.EqualFunc(a, b, func(x, y plan.OutColumn) bool { return x.Name == y.Name && x.Type == y.Type })
}

func columnsOf(q *plan.Query) []plan.OutColumn {
	if q.Modify == nil {
		return q.Root.Columns()
	}
	return q.Modify.Out
}

func (s *Session) binder(ctx context.Context, tx table.Tx) *bind.Binder {
	return bind.New(tx.Schema(), bind.Options{
		Interrupt:  interrupt.New(ctx),
		SearchPath: s.searchPath(), Temp: s.temp, DefaultMethod: s.settings.get(settings["default_table_access_method"]),
		System:        s.systemRelation(tx.Schema()),
		SequenceValue: func(id table.ObjectID) (table.SequenceValue, error) { return tx.Sequences().Value(s.runContext(), id) },
	})
}

func (s *Session) planQuery(ctx context.Context, steady bool, st ast.Stmt, params []types.Type, trace ruleTrace) (*plan.Query, error) {
	var b *bind.Statement
	err := s.bound(ctx, steady, func(binder *bind.Binder) (err error) {
		b, err = binder.Stmt(st, params)
		return err
	})
	if err != nil {
		return nil, err
	}
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	q, err := s.optimize(ctx, tx, b, trace)
	if err == nil {
		q.Fresh = b.System
	}
	return q, err
}

// bound calls f to bind a statement. What cannot be bound is bound again if tables that it names are changed by a
// transaction that has not ended yet: once it has, the statement may make sense. If steady, the tables are to stay as
// they are from then on; else whoever runs the plan sees to that.
func (s *Session) bound(ctx context.Context, steady bool, f func(*bind.Binder) error) error {
	for range replansMax {
		tx, err := s.storageTx(ctx)
		if err != nil {
			return err
		}
		version := tx.Schema().Version()
		binder := s.binder(ctx, tx)
		if err = f(binder); err == nil && !steady || ctx.Err() != nil {
			return err
		}
		changed, lerr := settleTables(ctx, tx, binder.Named())
		if lerr != nil {
			return lerr
		}
		if changed {
			continue
		}
		// A snapshot that nothing has been read from yet is taken anew once the locks are there, as it would have been.
		if err == nil || len(binder.Named()) == 0 || !s.unused() {
			return err
		}
		s.forgetTx()
		if tx, lerr = s.storageTx(ctx); lerr != nil || tx.Schema().Version() == version {
			return errors.Join(lerr, err)
		}
	}
	return errTablesChange
}

// unused reports whether the transaction has a snapshot for all its statements and none of them has used it, nor locked
// anything.
func (s *Session) unused() bool {
	return s.tx.o.Isolation != table.ReadCommitted && s.tx.queries == 0 && !s.tx.locked && len(s.tx.saves) == 0 && !s.tx.lent
}

// forgetTx gives up the storage's transaction, which is unused: the next statement begins another.
func (s *Session) forgetTx() {
	_ = s.tx.tx.Rollback() // it has done nothing
	s.tx.tx = nil
	s.storageTxID.Store(0)
}

// settleTables waits until nobody else changes the definition of a table, and reports whether one is not as it was.
func settleTables(ctx context.Context, tx table.Tx, defs []*table.TableDef) (changed bool, err error) {
	for _, def := range defs {
		if invariants.Mutant("query-binds-before-locks") {
			break
		}
		err := tx.LockTable(ctx, def.ID, table.AccessShare, table.WaitBlock)
		if err != nil && sqlerr.CodeOf(err) != sqlerr.UndefinedTable {
			return false, err
		}
		now, _ := tx.Schema().ByID(def.ID).(*table.TableDef)
		changed = changed || err != nil || now == nil || now.Version != def.Version
	}
	return changed, nil
}

var errTablesChange = sqlerr.New(sqlerr.SerializationFailure, "the statement's tables keep changing while it is planned")

// ruleTrace is told of rules of the optimizer that fire; nil: nobody is.
type ruleTrace func(rule string, r plan.Rel)

// optimize plans a bound statement with the estimates that the storage has now.
func (s *Session) optimize(ctx context.Context, tx table.Tx, b *bind.Statement, trace ruleTrace) (*plan.Query, error) {
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return nil, err
	}
	defer stmt.Close(nil) //nolint:errcheck // it only reads statistics
	hot := s.settings.hot()
	o := opt.Options{
		Expr: s.exprContext(nil), Interrupt: interrupt.New(ctx), Trace: trace,
		Disabled: disabledRules(hot.disabledRules), Late: lateColumns[hot.late], ShareAlways: hot.shareAlways,
	}
	o.Stats = func(def *table.TableDef) table.Stats { return statsOf(ctx, stmt, def) }
	return opt.Optimize(b, o)
}

// lateColumns are the values of debug_late_columns.
var lateColumns = map[string]opt.Late{"auto": opt.LateAuto, "off": opt.LateNever, "always": opt.LateAlways}

// disabledRules reads the value of debug_disabled_rules; nil: all rules may fire.
func disabledRules(list string) map[string]bool {
	if list == "" {
		return nil
	}
	off := map[string]bool{}
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name != "all" {
			off[name] = true
			continue
		}
		for _, rule := range opt.RuleNames() {
			off[rule] = true
		}
	}
	return off
}
