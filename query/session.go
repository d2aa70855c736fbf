package query

import (
	"context"
	"errors"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Notice is a message to the client that is not an error.
type Notice struct {
	Severity string // NOTICE, WARNING, INFO
	Err      *sqlerr.Error
}

// SessionOptions describe a client.
type SessionOptions struct {
	User, Database string
	// Settings are the session's defaults, from the connection string or start-up message.
	Settings map[string]string
	// Notice receives notices; nil drops them.
	Notice func(Notice)
	// Files opens files for COPY; nil: the engine's.
	Files Files
}

// Session is the state of one client. One goroutine at a time uses it, except Cancel and TxID.
type Session struct {
	e        *Engine
	id       uint32
	o        SessionOptions
	settings settingValues
	format   sessionFormat
	tx       txState
	spareTx  table.Tx // has ended; the next one may use its memory
	ended    uint64   // transactions
	temp     string   // the schema of the session's temporary relations, if it has made any
	prepared map[string]*Prepared
	results  []*Result // not yet ended
	txs      uint64    // transactions begun so far
	// storageTxID is the storage's transaction, for lock-wait probes from other sessions.
	storageTxID atomic.Uint64
	lastReceipt table.Receipt
	closedFlag  bool
	defaults    uint64 // Engine.defaults when the persisted defaults were read
	// depth counts the statements that run within one another (EXECUTE); now is when the outermost began.
	depth int
	now   time.Time
	hooks struct {
		setting  func(name string) (string, bool)
		set      func(name, value string, local bool) (string, error)
		session  func(name string) (types.Datum, bool)
		blocked  func(session uint32, by []uint32) bool
		catalog  func(function string, args []types.Datum) (types.Datum, error)
		sequence func(expr.SequenceCall) (int64, error)
		reg      func(k types.Kind, text string) (types.Datum, error)
	}
	sequences sequenceUse
	room      Room
	ready     knownPlans
	shape     shapeScanner
	system    sync.Mutex // held while the schema is asked for names
	born      time.Time
	run       struct {
		sync.Mutex
		// now are the statements that run: results that are read may overlap.
		now   []*statementRun
		cause error // set once the session is ended from outside
		// spare is the context of the last change of data, for the next one.
		spare *spareRun
	}
}

// NewSession opens a session. Its persisted defaults are read from the storage's settings.
func (e *Engine) NewSession(o SessionOptions) (*Session, error) {
	s := &Session{e: e, id: e.nextID.Add(1), o: o, settings: newSettingValues(), prepared: map[string]*Prepared{}, born: e.o.Clock()}
	s.hooks.setting, s.hooks.set, s.hooks.session = s.settings.lookup, s.setSetting, s.sessionValue
	s.hooks.blocked, s.hooks.catalog, s.hooks.reg = e.blocked, s.systemFunction, s.regOf
	s.hooks.sequence = s.callSequence
	if o.Files == nil {
		s.o.Files = e.o.Files
	}
	if s.o.User == "" {
		s.o.User = "lamina"
	}
	if s.o.Database == "" {
		s.o.Database = "lamina"
	}
	if method := e.storage.Features().DefaultMethod; method != "" {
		s.settings.start["default_table_access_method"] = method
	}
	if err := s.loadDefaults(); err != nil {
		return nil, err
	}
	for _, m := range []map[string]string{e.o.Settings, o.Settings} {
		for name, value := range m {
			if err := s.setDefault(name, value); err != nil {
				return nil, err
			}
		}
	}
	e.open.Lock()
	defer e.open.Unlock()
	if e.open.closed {
		return nil, errShutdown
	}
	e.open.sessions[s.id] = s
	return s, nil
}

func (s *Session) setDefault(name, value string) error {
	set, err := findSetting(name)
	if err != nil {
		return err
	}
	v, err := set.checkIn(&s.settings, value)
	if err != nil {
		return err
	}
	s.settings.start[set.name] = v
	s.settings.changes++
	return nil
}

// loadDefaults reads the defaults that the database persists.
func (s *Session) loadDefaults() error {
	s.defaults = s.e.defaults.Load()
	tx, err := s.e.storage.Begin(context.Background(), table.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	for _, o := range tx.Schema().List(table.KindSetting) {
		if d, ok := o.(*table.SettingDef); ok {
			s.settings.start[d.Name] = d.Value
			s.settings.changes++
		}
	}
	return tx.Rollback()
}

// ID returns the session's number, which the wire protocol calls process ID.
func (s *Session) ID() uint32 { return s.id }

// TxID returns the ID of the storage transaction that is open, 0 if none is. Any goroutine may ask.
func (s *Session) TxID() uint64 { return s.storageTxID.Load() }

// Setting returns the value of a run-time setting.
func (s *Session) Setting(name string) (string, bool) { return s.settings.lookup(name) }

// roomParams is the number of parameters whose values need no memory of their own.
const roomParams = 4

// Room is memory for a statement's result, see RunIn, and for the values of its parameters, until the result is done.
type Room struct {
	Params [roomParams]types.Datum
	Result Result
	Client any // what else whoever uses the room keeps there
}

// Room returns memory for one statement after the other: whoever uses it lets the session run no other one meanwhile.
func (s *Session) Room() *Room { return &s.room }

// TakeReceipt returns the receipt of the last commit since it was last asked for, if there was one.
func (s *Session) TakeReceipt() table.Receipt {
	r := s.lastReceipt
	s.lastReceipt = table.Receipt{}
	return r
}

// ImplicitTx returns the number of the implicit transaction that is open, 0 if none is or a transaction block.
func (s *Session) ImplicitTx() uint64 {
	if !s.tx.open || s.tx.explicit {
		return 0
	}
	return s.tx.number
}

// Reading reports whether a result has not been read to its end, nor closed.
func (s *Session) Reading() bool { return len(s.results) > 0 }

// Close rolls an open transaction back and ends the session. A second call is an error.
func (s *Session) Close() error {
	if s.closedFlag {
		return errSessionClosed
	}
	s.closedFlag = true
	err := errors.Join(s.endTx(false), s.dropTemporary())
	s.run.Lock()
	s.dropSpareLocked()
	s.run.Unlock()
	s.e.open.Lock()
	delete(s.e.open.sessions, s.id)
	s.e.open.Unlock()
	return err
}

var errSessionClosed = sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the session is closed")

// Cancel ends what the session runs now with 57014; without anything running it does nothing.
func (s *Session) Cancel() {
	s.run.Lock()
	defer s.run.Unlock()
	for _, r := range s.run.now {
		r.cancel(errCanceled)
	}
}

// cancel ends what runs now and whatever is run later.
func (s *Session) cancel(cause error) {
	s.run.Lock()
	defer s.run.Unlock()
	s.run.cause = cause
	for _, r := range s.run.now {
		r.cancel(cause)
	}
}

// statementRun is a statement that runs.
type statementRun struct {
	cancel context.CancelCauseFunc
	text   string
	start  time.Time
	ctx    context.Context //nolint:containedctx // functions that take values of sequences wait in it
}

// runContext returns the context of the statement that runs.
func (s *Session) runContext() context.Context {
	s.run.Lock()
	defer s.run.Unlock()
	if n := len(s.run.now); n > 0 {
		return s.run.now[n-1].ctx
	}
	return context.Background()
}

var (
	errCanceled = sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	errTimeout  = sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout")
)

// running returns a context for one statement, which Cancel, statement_timeout and the parent end.
func (s *Session) running(parent context.Context, text string) (context.Context, context.CancelFunc, error) {
	if parent.Err() != nil {
		return nil, nil, s.cancelled(parent, parent.Err())
	}
	ctx, cancel := context.WithCancelCause(parent)
	s.run.Lock()
	defer s.run.Unlock()
	if s.run.cause != nil {
		cancel(nil)
		return nil, nil, s.run.cause
	}
	r := &statementRun{cancel: cancel, text: text, start: s.time()}
	s.run.now = append(s.run.now, r)
	stop := func() {
		cancel(nil)
		s.leaveRun(r)
	}
	if d := s.settings.hot().statementTimeout; d > 0 {
		var stopTimer context.CancelFunc
		ctx, stopTimer = context.WithTimeoutCause(ctx, d, errTimeout)
		end := stop
		stop = func() { stopTimer(); end() }
	}
	r.ctx = ctx
	return ctx, stop, nil
}

// mayRun reports whether running would begin a statement.
func (s *Session) mayRun(parent context.Context) bool {
	s.run.Lock()
	defer s.run.Unlock()
	return s.run.cause == nil && parent.Err() == nil
}

// spareRun is a context for one statement after another, as long as all have the same parent and none is canceled.
type spareRun struct {
	statementRun
	parent context.Context //nolint:containedctx // it is made once for many statements
	stop   context.CancelFunc
}

// runningOf is running for a prepared statement. Changes of data that return no rows end before the call does: they
// share a context.
func (s *Session) runningOf(parent context.Context, p *Prepared) (context.Context, context.CancelFunc, error) {
	if p.q == nil || p.q.Modify == nil || p.q.Modify.Returning != nil || s.settings.hot().statementTimeout > 0 ||
		!reflect.TypeOf(parent).Comparable() {
		return s.running(parent, p.Text())
	}
	if parent.Err() != nil {
		return nil, nil, s.cancelled(parent, parent.Err())
	}
	s.run.Lock()
	defer s.run.Unlock()
	if s.run.cause != nil {
		return nil, nil, s.run.cause
	}
	x := s.run.spare
	if x == nil || x.parent != parent || x.ctx.Err() != nil {
		s.dropSpareLocked()
		x = &spareRun{parent: parent}
		x.ctx, x.cancel = context.WithCancelCause(parent)
		x.stop = func() { s.leaveRun(&x.statementRun) }
		s.run.spare = x
	}
	x.text, x.start = p.Text(), s.time()
	s.run.now = append(s.run.now, &x.statementRun)
	return x.ctx, x.stop, nil
}

// leaveRun notes that a statement does not run any more.
func (s *Session) leaveRun(r *statementRun) {
	s.run.Lock()
	defer s.run.Unlock()
	if i := slices.Index(s.run.now, r); i >= 0 {
		s.run.now = slices.Delete(s.run.now, i, i+1)
	}
}

// dropSpareLocked takes the spare context off its parent.
func (s *Session) dropSpareLocked() {
	if s.run.spare != nil {
		s.run.spare.cancel(nil)
		s.run.spare = nil
	}
}

// cancelled explains a context's end: the cause that Cancel or a time-out gave, or err. That the outcome of a commit is
// not known (08007) is what the client must be told: 57014 would say that nothing has happened.
func (s *Session) cancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil && sqlerr.CodeOf(err) != sqlerr.TransactionResolutionUnknown {
		return sqlerr.Canceled(ctx)
	}
	return err
}

// noticeLevels are the levels of client_min_messages that keep a notice from the client, by its severity.
// INFO is always sent.
var noticeLevels = map[string][]string{"NOTICE": {"warning", "error"}, "WARNING": {"error"}}

func (s *Session) notice(n Notice) {
	if s.o.Notice != nil && !slices.Contains(noticeLevels[n.Severity], s.settings.get(settings["client_min_messages"])) {
		s.o.Notice(n)
	}
}

// IdleTimeout returns how long the session may now be idle; 0: without limit.
func (s *Session) IdleTimeout() time.Duration {
	if !s.tx.explicit {
		return 0
	}
	return s.settings.duration("idle_in_transaction_session_timeout")
}

// recovered is deferred: it turns a panic, which is a bug, into XX000, and fails the transaction.
func (s *Session) recovered(err *error) {
	if invariants.Enabled {
		return
	}
	if x := recover(); x != nil {
		s.e.o.Logger.Error("panic in a statement", "panic", x, "stack", string(debug.Stack()))
		*err = sqlerr.Newf(sqlerr.InternalError, "internal error: %v", x)
		s.failed(*err)
	}
}

// failed notes that a statement failed: a transaction block is failed until it ends, or is rolled back to a
// savepoint.
func (s *Session) failed(err error) {
	if err == nil || !s.tx.open || s.tx.failed {
		return
	}
	s.tx.failed = true
	if s.tx.explicit && s.tx.tx != nil {
		s.releaseFailed()
	}
}

// releaseFailed gives back at once what a failed transaction block holds, so that nobody waits for a client
// that has nothing more to do there: what it did since its last savepoint, or everything.
func (s *Session) releaseFailed() {
	s.closeResults(errFailedTx)
	if n := len(s.tx.saves); n > 0 {
		_ = s.tx.saves[n-1].sp.RollbackTo(context.Background()) // ROLLBACK TO meets the error again
		return
	}
	_ = s.tx.tx.Rollback() // the block ends in a rollback whatever happens
	s.tx.tx = nil
	s.storageTxID.Store(0)
}

// closed forgets a result that has ended.
func (s *Session) closed(r *Result) {
	for i, x := range s.results {
		if x == r {
			s.results = append(s.results[:i], s.results[i+1:]...)
			return
		}
	}
}

// closeResults ends the results that are still open, before the transaction ends.
func (s *Session) closeResults(err error) {
	for len(s.results) > 0 {
		r := s.results[len(s.results)-1]
		s.results = s.results[:len(s.results)-1]
		ended := errResultEnded
		if r.ctx != nil && r.ctx.Err() != nil { // it was to end anyway
			ended = sqlerr.From(s.cancelled(r.ctx, r.ctx.Err()))
		}
		r.done = true
		_ = r.end(err) // reading results only: nothing to lose
		if r.err == nil {
			r.err = ended
		}
	}
}

var errResultEnded = sqlerr.New(sqlerr.InvalidCursorState, "the transaction of this result has ended")

// exprContext returns what the statement fixes for its expressions.
func (s *Session) exprContext(params []types.Datum) *expr.Context {
	ec := &expr.Context{}
	s.fillContext(ec, params)
	return ec
}

// time returns when the statement that runs began, or else the present.
func (s *Session) time() time.Time {
	if s.depth > 0 {
		return s.now
	}
	return s.e.o.Clock()
}

func (s *Session) fillContext(ec *expr.Context, params []types.Datum) {
	text := s.TextOptions()
	*ec = expr.Context{
		Now: s.tx.start, StatementTime: s.time(), Location: text.Location, Text: text, Params: params,
		Setting: s.hooks.setting, SetSetting: s.hooks.set, Session: s.hooks.session,
		Blocked: s.hooks.blocked, Catalog: s.hooks.catalog, Reg: s.hooks.reg, Sequence: s.hooks.sequence,
		RowByRow: s.settings.hot().rowByRow,
	}
}

// setSetting is the function set_config.
func (s *Session) setSetting(name, value string, local bool) (string, error) {
	set, err := findSetting(name)
	if err != nil {
		return "", err
	}
	if err := s.settings.set(set, value, local); err != nil {
		return "", err
	}
	return s.settings.get(set), nil
}

// Pristine reports whether the session is as it was opened: idle, without settings or prepared statements
// of its own, so that another client may use it.
func (s *Session) Pristine() bool {
	return !s.closedFlag && s.defaults == s.e.defaults.Load() && !s.tx.open && len(s.settings.session) == 0 && len(s.prepared) == 0 && len(s.results) == 0 && s.temp == "" && s.sequences.values == nil
}

// Begin begins a transaction block with the given options, as BEGIN does.
func (s *Session) Begin(ctx context.Context, o table.TxOptions) error {
	if s.closedFlag {
		return errSessionClosed
	}
	if s.tx.open {
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "there is already a transaction in progress")
	}
	s.beginTx()
	s.tx.explicit, s.tx.o, s.tx.tuned = true, o, s.txTuning()
	s.tx.o.ReadOnly = o.ReadOnly || s.e.o.ReadOnly
	tx, err := s.beginStorage(ctx)
	if err != nil {
		s.settings.end(false)
		s.clearTx()
		return err
	}
	s.tx.tx = tx
	s.storageTxID.Store(tx.ID())
	return nil
}

// InStorageTx runs f, work without SQL, in the storage's transaction: that of the session's transaction block, or
// an implicit one, which Finish ends. Its context ends with Cancel too. An error of f, but table.ErrNotFound, fails the
// transaction. It counts as op.
func (s *Session) InStorageTx(ctx context.Context, op Operation, f func(context.Context, table.Tx) error) (err error) {
	began := s.Began()
	defer func() { s.Operated(op, began, err) }()
	if s.closedFlag {
		return errSessionClosed
	}
	if s.tx.failed {
		return errFailedTx
	}
	run, stop, err := s.running(ctx, "")
	if err != nil {
		s.failed(err)
		return err
	}
	defer stop()
	tx, err := s.storageTx(run)
	if err == nil {
		s.tx.queries++
		s.tx.lent = true
		err = f(run, tx)
	}
	if err != nil && run.Err() != nil {
		err = s.cancelled(run, err)
	}
	if !errors.Is(err, table.ErrNotFound) {
		s.failed(err)
	}
	return err
}

// Rollback rolls an open transaction back, whatever state it is in.
func (s *Session) Rollback() error {
	if s.closedFlag || !s.tx.open {
		return nil
	}
	return s.endTx(false)
}

// Fail tells the session of an error that a front end found while it ran a statement for the client.
func (s *Session) Fail(err error) { s.failed(err) }
