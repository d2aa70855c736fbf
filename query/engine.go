package query

import (
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Options configure an Engine; the zero value works.
type Options struct {
	// Workers is the number of goroutines that run queries together; 0 is one per CPU.
	Workers int
	// MemoryBytes bounds the state of all running queries; 0 is no limit.
	MemoryBytes int64
	// QueryBytes bounds the state of one query; 0 is MemoryBytes.
	QueryBytes int64
	Logger     *slog.Logger // nil: discard
	// Clock is the source of now(); nil is time.Now.
	Clock func() time.Time
	// Settings are defaults of run-time settings for all sessions, by name.
	Settings map[string]string
	// ReadOnly makes every transaction read-only.
	ReadOnly bool
	// TempFile makes a temporary file, for what does not fit into the memory of a query; nil: that is 53200.
	TempFile func() (exec.TempFile, error)
	// Files opens files for COPY and whoever else reads or writes by name; nil: 0A000.
	Files Files
}

// Engine runs SQL on one storage.
type Engine struct {
	storage table.TableStorage
	reuser  table.Reuser // storage, if it is one
	pool    *exec.Pool
	mem     *mem.Tracker
	o       Options
	plans   planCache[*Prepared]
	shapes  planCache[shapePlan]
	parser  *sqlparse.Parser
	// controls are texts that were parsed.
	controls controls
	nextID   atomic.Uint32
	metrics  metrics
	// born is when the engine was made, by its clock; ownClock: it was given.
	born     time.Time
	ownClock bool
	// defaults counts the changes of persisted defaults.
	defaults atomic.Uint64
	// spilled counts the bytes that queries have written to temporary files.
	spilled atomic.Int64
	// analyzed counts the ANALYZEs.
	analyzed atomic.Uint64
	open     struct {
		sync.Mutex
		sessions map[uint32]*Session
		closed   bool
	}
}

// New returns an engine on a storage, which stays the caller's to close after the engine.
func New(s table.TableStorage, o Options) (*Engine, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ownClock := o.Clock != nil
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := CheckSettings(o.Settings); err != nil {
		return nil, err
	}
	e := &Engine{storage: s, o: o, pool: exec.NewPool(o.Workers), mem: mem.NewTracker("queries", o.MemoryBytes), ownClock: ownClock, born: o.Clock(), parser: sqlparse.NewParser()}
	e.reuser, _ = s.(table.Reuser)
	e.open.sessions = map[uint32]*Session{}
	return e, nil
}

// Storage returns the storage that the engine works on.
func (e *Engine) Storage() table.TableStorage { return e.storage }

// Memory returns the tracker that query state is charged to.
func (e *Engine) Memory() *mem.Tracker { return e.mem }

// Close ends the sessions that are open (their statements fail with 57P01) and the workers.
func (e *Engine) Close() error {
	e.open.Lock()
	e.open.closed = true
	open := make([]*Session, 0, len(e.open.sessions))
	for _, s := range e.open.sessions {
		open = append(open, s)
	}
	e.open.Unlock()
	for _, s := range open {
		s.cancel(errShutdown)
	}
	e.parser.Close()
	e.pool.Close()
	return nil
}

var errShutdown = sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")

// CancelSession cancels what the session with this ID runs. It reports whether there is such a session.
func (e *Engine) CancelSession(id uint32) bool {
	e.open.Lock()
	s := e.open.sessions[id]
	e.open.Unlock()
	if s == nil {
		return false
	}
	s.Cancel()
	return true
}

// EndSession ends what the session with this ID runs, and whatever it is asked to run later, with a reason.
func (e *Engine) EndSession(id uint32, reason *sqlerr.Error) {
	e.open.Lock()
	s := e.open.sessions[id]
	e.open.Unlock()
	if s != nil {
		s.cancel(reason)
	}
}

// blocked reports whether a session waits for a lock of one of the others, by their IDs.
func (e *Engine) blocked(id uint32, by []uint32) bool {
	waits := e.storage.Metrics().LockWaits
	e.open.Lock()
	defer e.open.Unlock()
	s := e.open.sessions[id]
	if s == nil || s.TxID() == 0 {
		return false
	}
	for _, w := range waits {
		if w.Waiter != s.TxID() {
			continue
		}
		for _, other := range by {
			if o := e.open.sessions[other]; o != nil && o.TxID() == w.Holder {
				return true
			}
		}
	}
	return false
}

// SessionTxID returns the ID of the storage's transaction that the session with this ID has open, 0 if none.
func (e *Engine) SessionTxID(id uint32) uint64 {
	e.open.Lock()
	defer e.open.Unlock()
	if s := e.open.sessions[id]; s != nil {
		return s.TxID()
	}
	return 0
}
