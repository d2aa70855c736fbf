package store

import (
	"context"
	"sync"
	"time"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
)

// Limits of a transaction.
const (
	// A write set has by default as much memory as is left for its rows once they are committed: half of the store's,
	// and writeBytesMin in any case. Positions in its keys have 32 bits: beyond writeBytesMax they would not do.
	writeBytesMin = 1 << 30
	writeBytesMax = 4<<30 - 64<<20
	savepointsMax = 1 << 16
	statementsMax = 1 << 16 // open at the same time
)

// Tx is a transaction.
type Tx struct {
	s        *Store
	id       uint64
	o        table.TxOptions
	readOnly bool
	done     bool
	// spare: it has ended in the goroutine that used it, and nothing else refers to it.
	spare bool
	// conflicted: its first 40001 was counted.
	conflicted bool

	owner   *txn.Owner
	view    *view // above READ COMMITTED, from the first look on
	schema  schema
	overlay *catalog.Overlay // nil: no change of the schema was tried
	// command counts the statements: a statement sees what smaller ones wrote.
	command uint32
	// tables are those that the transaction has locked or written, in the order of their first use.
	tables []*txTable
	byID   map[table.ObjectID]*txTable // once there are many
	mem    *mem.Tracker                // of the write sets; nil before the first
	open   []*Statement
	saves  []*savepoint
	marks  uint64 // that were made
	// returns counts the returns to savepoints.
	returns uint64
	// sequences are those that the transaction has changed; reserved is the LSN of the last record by which it took
	// values of others, or set them.
	sequences *localSequence
	reserved  table.LSN
	// deferred are checks of foreign keys that wait for the commit, modes what SET CONSTRAINTS has said of that.
	deferred []refEvent
	modes    *constraintModes
	// holds are what a SERIALIZABLE transaction has found by rows that it locked since a savepoint.
	holds []heldRead
	// reads are what validation looks at; nil unless the transaction is SERIALIZABLE and may write.
	reads *readSet
	// spareSpace is that of a statement that has ended; nil: there is none.
	spareSpace *statementSpace
	// first is room for what a transaction of one statement needs.
	first struct {
		statement  Statement
		reader     Reader
		readerUsed bool
		writer     Writer
		table      txTable
		key        [32]byte
		open       [1]*Statement
		tables     [2]*txTable
	}
}

var (
	_ table.Tx     = (*Tx)(nil)
	_ table.Reuser = (*Store)(nil)
)

var ownerPool = sync.Pool{New: func() any { return txn.NewOwner(0) }}

// Begin starts a transaction.
func (s *Store) Begin(ctx context.Context, o table.TxOptions) (table.Tx, error) {
	return s.BeginIn(ctx, o, nil)
}

// BeginIn starts a transaction in the memory of one that has ended; nil: in new memory.
func (s *Store) BeginIn(ctx context.Context, o table.TxOptions, spare table.Tx) (table.Tx, error) {
	if ctx.Err() != nil {
		return nil, sqlerr.Canceled(ctx)
	}
	switch {
	case o.Isolation > table.Serializable:
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "unknown isolation level %d", o.Isolation)
	case o.AsOf != 0:
		return nil, sqlerr.Unsupported("a transaction that reads the state at an earlier LSN")
	case o.LockWait < 0 || o.WriteBytes < 0:
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "negative limit of a transaction")
	}
	if o.WriteBytes == 0 {
		o.WriteBytes = max(writeBytesMin, s.mem.Limit()/2)
	}
	o.WriteBytes = min(o.WriteBytes, writeBytesMax)
	if err := s.enter(); err != nil {
		return nil, err
	}
	t, ok := spare.(*Tx)
	if ok && t.spare {
		*t = Tx{spareSpace: t.spareSpace}
	} else {
		t = &Tx{}
	}
	t.s, t.id, t.o, t.readOnly = s, s.txIDs.Add(1), o, o.ReadOnly || s.readOnly
	if o.Isolation == table.Serializable && !t.readOnly {
		if err := s.history.join(ctx, s.commits); err != nil {
			s.leave()
			return nil, err
		}
		t.reads = &readSet{}
	}
	t.schema.tx = t
	t.owner = ownerPool.Get().(*txn.Owner)
	t.owner.Reset(t.id)
	return t, nil
}

// ID identifies the transaction among those that are open.
func (t *Tx) ID() uint64 { return t.id }

// Schema returns the schema objects as the transaction sees them.
func (t *Tx) Schema() table.Schema { return &t.schema }

// usable refuses work in a transaction that has ended, or in a store that is closed.
func (t *Tx) usable() error {
	if t.done {
		return errTxEnded
	}
	return t.s.usable()
}

// snapshot returns the View of a transaction above READ COMMITTED.
func (t *Tx) snapshot() *view {
	switch {
	case t.view != nil:
	case t.reads != nil:
		t.view = t.s.history.acquire(t.s.views)
	default:
		t.view = t.s.views.Acquire()
	}
	return t.view
}

// conflict counts the transactions that end with 40001.
func (t *Tx) conflict() {
	if !t.conflicted {
		t.conflicted = true
		t.s.stats.conflicts.Add(1)
	}
}

// Tune sets how commit answers, and how long a lock is waited for from now on.
func (t *Tx) Tune(async bool, lockWait time.Duration) {
	t.o.Async, t.o.LockWait = async, max(lockWait, 0)
}

// LockTable takes a table lock until the transaction ends.
func (t *Tx) LockTable(ctx context.Context, id table.ObjectID, mode table.TableLock, wait table.Wait) error {
	if err := t.usable(); err != nil {
		return err
	}
	if mode < table.AccessShare || mode > table.AccessExclusive || wait == table.SkipLocked {
		return sqlerr.New(sqlerr.InvalidParameterValue, "unknown table lock mode")
	}
	if t.readOnly && mode > table.RowShare {
		return errReadOnly("LOCK TABLE")
	}
	if err := t.lockTable(ctx, id, mode, wait); err != nil {
		return err
	}
	if t.catalog().ByID(id) == nil {
		return catalog.ErrNoObject(id) // dropped while the lock was waited for
	}
	return nil
}

// Rollback ends the transaction and undoes everything. It does nothing if the transaction has ended.
func (t *Tx) Rollback() error {
	if t.done {
		return nil
	}
	t.done = true
	wrote := t.wrote()
	t.end()
	t.spare = true
	if wrote {
		t.s.stats.aborts.Add(1)
	}
	return nil
}

// wrote reports whether a commit of the transaction would change anything.
func (t *Tx) wrote() bool {
	if t.overlay != nil && t.overlay.Mark() > 0 || t.sequences != nil {
		return true
	}
	for _, tt := range t.tables {
		if tt.wrote() {
			return true
		}
	}
	return false
}

// end gives up everything that the transaction, which is done, holds. After a commit that was
// cancelled it runs in another goroutine than the transaction did.
func (t *Tx) end() {
	for _, st := range t.open {
		st.abandon()
	}
	t.open = nil
	for _, tt := range t.tables {
		tt.release()
	}
	t.tables, t.byID, t.saves, t.overlay, t.sequences, t.deferred = nil, nil, nil, nil, nil, nil
	if t.reads != nil {
		t.s.history.leave(t.view, t.s.views.LSN())
		t.reads = nil
	}
	if t.view != nil {
		t.view.Release()
		t.view = nil
	}
	t.s.locks.ReleaseAll(t.owner)
	ownerPool.Put(t.owner)
	t.owner = nil
	t.s.leave()
}

// manyTables is the number of tables from which on they are found by a map.
const manyTables = 16

// table returns what the transaction knows of a table or other object.
func (t *Tx) table(id table.ObjectID) *txTable {
	if t.byID != nil {
		if tt := t.byID[id]; tt != nil {
			return tt
		}
	} else {
		for _, tt := range t.tables {
			if tt.id == id {
				return tt
			}
		}
	}
	var tt *txTable
	if t.first.table.tx == nil {
		tt, t.tables = &t.first.table, t.first.tables[:0]
	} else {
		tt = &txTable{}
	}
	tt.tx, tt.id = t, id
	t.tables = append(t.tables, tt)
	if t.byID == nil && len(t.tables) > manyTables {
		t.byID = make(map[table.ObjectID]*txTable, 2*manyTables)
		for _, x := range t.tables {
			t.byID[x.id] = x
		}
	} else if t.byID != nil {
		t.byID[id] = tt
	}
	return tt
}
