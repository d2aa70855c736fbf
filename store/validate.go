package store

import (
	"errors"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// errBehind says that more was committed since a transaction validated than may be looked at in the commit queue.
var errBehind = errors.New("more to validate than the commit queue waits for")

// Bounds of what is looked at in the commit queue, in rows and predicates, and of how often a transaction validates
// outside of it to get below.
const (
	queueWorkMax  = 1 << 14
	queueTriesMax = 4
)

// validates reports whether what the transaction has read must still be true when it commits. One that has only read
// the state of its View has its place in the serial order right after that View, whatever was committed since.
func (t *Tx) validates() bool {
	return t.reads != nil && (t.wrote() || t.reads.probed)
}

// validate fails if a commit that has an LSN by now, visible or not, changed what the transaction has read.
func (t *Tx) validate() error {
	r := t.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	work, upTo, err := t.work()
	if err == nil {
		err = t.check(work)
	}
	if err == nil {
		r.settle(upTo)
	}
	return err
}

// validateLast is validate in the commit queue: it looks at what has come since, if that is little.
func (t *Tx) validateLast() error {
	t.reads.mu.Lock()
	defer t.reads.mu.Unlock()
	work, _, err := t.work()
	if err != nil {
		return err
	}
	size := 0
	for i := range work {
		for _, x := range work[i].changes {
			size += 1 + x.n*(1+len(work[i].reads.scans))
		}
	}
	if size > queueWorkMax {
		return errBehind
	}
	return t.check(work)
}

// readCheck is reads and what was committed to their table since they were known to be valid.
type readCheck struct {
	id      table.ObjectID
	reads   *reads
	changes []*tableImages
}

// work returns what a validation must look at, and up to which LSN it goes.
func (t *Tx) work() (list []readCheck, upTo table.LSN, err error) {
	h, r := &t.s.history, t.reads
	if t.view == nil {
		return nil, 0, nil // nothing was read
	}
	view := t.view.LSN()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known && h.err != nil {
		return nil, 0, h.err
	}
	if !h.known || h.since > view {
		return nil, 0, errHistoryLost
	}
	for id, tr := range r.tables {
		if changes := h.after(id, max(r.checked, view)); len(changes) > 0 && !tr.old.empty() {
			list = append(list, readCheck{id, &tr.old, t.visible(changes)})
		}
		if changes := h.after(id, view); len(changes) > 0 && !tr.fresh.empty() {
			list = append(list, readCheck{id, &tr.fresh, t.visible(changes)})
		}
	}
	return list, max(r.checked, view, h.last), nil
}

// visible leaves the changes as they are, unless the rule that those count that are not visible yet is broken on purpose.
func (t *Tx) visible(changes []*tableImages) []*tableImages {
	if invariants.Mutant("store-skip-unpublished") {
		for len(changes) > 0 && changes[len(changes)-1].lsn > t.s.views.LSN() {
			changes = changes[:len(changes)-1]
		}
	}
	return changes
}

func (t *Tx) check(work []readCheck) error {
	for i := range work {
		w := &work[i]
		for _, x := range w.changes {
			if x.touches(w.reads) {
				t.conflict()
				return errReadChanged.WithDetail("Rows of table \"%s\" that this transaction has read, or looked for, were changed by commit %d.",
					t.nameOf(w.id), x.lsn)
			}
		}
	}
	return nil
}

const serializeHint = "The transaction might succeed if retried."

var (
	errReadChanged = sqlerr.New(sqlerr.SerializationFailure,
		"could not serialize access due to read/write dependencies among transactions").WithHint(serializeHint)
	errHistoryLost = errReadChanged.WithDetail("What was committed since the transaction began is no longer known.")
)
