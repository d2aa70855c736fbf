package isolation

import (
	"errors"
	"slices"
	"sync"

	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/sqlerr"
)

// recorder notes what clients see, outside of whatever loses power.
type recorder struct {
	mu     sync.Mutex
	now    int64
	epoch  int // counts the power losses
	values int64
	h      history.History
}

// errLost: the power went; nothing of what the database still says counts.
var errLost = errors.New("the power was lost")

// powerLoss notes that everything that was not answered yet never will be, and takes an image of the disk.
func (r *recorder) powerLoss(image func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
	image()
}

// value returns a value that no other append has.
func (r *recorder) value() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values++
	return r.values
}

func (r *recorder) appended() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.values
}

// record is a transaction under way.
type record struct {
	r     *recorder
	tx    history.Tx
	epoch int
	asked bool
}

// begin begins a transaction of a client that came in an epoch, on the database that was there then.
func (r *recorder) begin(process, epoch int) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now++
	return &record{r: r, tx: history.Tx{Process: process, Begin: r.now}, epoch: epoch}
}

// did notes operations that were answered.
func (x *record) did(ops ...history.Op) error {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	if x.epoch != x.r.epoch {
		return errLost
	}
	x.tx.Ops = append(x.tx.Ops, ops...)
	return nil
}

// ask notes that the commit is about to be asked for.
func (x *record) ask() error {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	if x.epoch != x.r.epoch {
		return errLost
	}
	x.asked = true
	return nil
}

// end notes the answer to the commit, or that there was none.
func (x *record) end(o history.Outcome) {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	switch {
	case !x.asked:
		o = history.Aborted
	case x.epoch != x.r.epoch:
		o = history.Unknown
	}
	if x.tx.Outcome = o; o != history.Unknown {
		x.r.now++
		x.tx.End = x.r.now
	}
	x.r.h.Txs = append(x.r.h.Txs, x.tx)
}

// refusals are the codes of what a client may be told at any time: nothing has happened.
var refusals = []sqlerr.Code{
	sqlerr.SerializationFailure, sqlerr.DeadlockDetected, sqlerr.UniqueViolation, sqlerr.QueryCanceled, sqlerr.InFailedSQLTransaction,
}

// outcome tells from the error of a commit what has become of the transaction. An error that should not be is returned.
func outcome(err error) (history.Outcome, error) {
	switch {
	case err == nil:
		return history.Committed, nil
	case codeOf(err) == sqlerr.TransactionResolutionUnknown:
		return history.Unknown, nil
	case slices.Contains(refusals, codeOf(err)):
		return history.Aborted, nil
	}
	return history.Unknown, err
}
