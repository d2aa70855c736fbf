package txn

import (
	"fmt"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// Request is one record on its way through the commit pipeline: a transaction that commits, or
// node-local work that must be ordered with commits. The fields up to State are set by the caller
// and stay untouched until the outcome is known; a Request may be used again after that.
type Request struct {
	Kind wal.Kind
	// Payload is copied by Commit. One larger than the log's records is split transparently.
	Payload []byte
	// Stream holds the chunks that precede the payload, or nil. Commit takes it over.
	Stream *Stream
	// Async answers before the record is durable (synchronous_commit = off), but not before it is
	// visible.
	Async bool
	// Urgent records may use the space that the log keeps for work that frees space.
	Urgent bool
	// Validate runs in the order of LSNs, after everything else was checked: once it returns nil
	// the record is appended with this LSN and timestamp (both 0 for node-local kinds). An error
	// is returned by Commit, and nothing has happened. It must be short and must not block.
	Validate func(lsn table.LSN, time int64) error
	// OnDone is called once by the committing goroutine when the outcome is known and the record,
	// if it was applied, is visible: the place to release locks. It is called before Commit
	// returns, unless Commit was cancelled after the append; then it is called later, by another
	// goroutine. It is not called if the record was not appended.
	OnDone func(error)
	// State is the caller's, for Apply.
	State any

	// LSN, Time and the positions are set by Commit before it calls Apply.
	LSN      table.LSN
	Time     int64
	Pos, End wal.Position

	noRecord bool // appends nothing: waits for what is appended to be durable or, if it joins the apply, visible
	noApply  bool // answered after the write, before apply
	group    *group
	err      error
	signal   chan signal
}

// signal tells a waiting request what to do.
type signal uint8

const (
	signalDone  signal = iota + 1 // the outcome is in Request.err
	signalLead                    // write the open group
	signalApply                   // the group was written by one that does not wait for apply: apply it
)

// UnknownError says that a record was appended but its outcome was not learned: the commit may or
// may not survive. It carries SQLSTATE 08007.
type UnknownError struct {
	LSN  table.LSN
	Time int64
	Err  error // why it is not known
}

// Error says what is not known and why.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("outcome of commit %d is unknown: %v", e.LSN, e.Err)
}

// Token identifies the commit when asking for its outcome later.
func (e *UnknownError) Token() uint64 { return uint64(e.LSN) }

// Unwrap gives the error its SQLSTATE and its cause.
func (e *UnknownError) Unwrap() []error {
	return []error{sqlerr.New(sqlerr.TransactionResolutionUnknown, e.Error()), e.Err}
}

// group is the requests that share one write.
type group struct {
	requests []*Request
	batch    wal.Batch
	bytes    int64
	sync     bool
	applies  int    // requests that wait for apply
	ticket   uint64 // the group's turn to apply, if it applies anything
	lastLSN  table.LSN
	err      error
}
