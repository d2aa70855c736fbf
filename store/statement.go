package store

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Statement is the unit of atomicity within a transaction.
type Statement struct {
	tx      *Tx
	view    *view
	command uint32
	closed  atomic.Bool
	// used: something was read at the view, so that it stays what it is.
	used bool
	// read: readers were handed out, or rows are found through the view. writers counts the writers.
	read    bool
	writers int
	// wrote: a writer was handed out; at is the place before it.
	wrote bool
	at    mark
	// newest is the View at which rows were found that are newer than view; nil: none were.
	newest *view
	// touched are the tables that were read or written.
	touched []table.ObjectID
	few     [2]table.ObjectID // room for touched
	// aside: what it reads is locked as a whole and need not be validated.
	aside bool
	// checks are unique keys that two rows had at some time; at the end none may have.
	checks []uniqueCheck
	// refs is what is to be checked of foreign keys at the end, refsDone how much of it was; ctx is for waiting then, that of
	// the call that opened the newest writer. outer is the statement whose end the checks of this one wait for; nil: its own.
	// deferring: nothing is put off any longer. truncated are tables that were emptied.
	refs      []refEvent
	refsDone  int
	ctx       context.Context
	outer     *Statement
	deferring bool
	truncated []table.ObjectID
	// space is room for what most statements need, nil if they find it in their transaction.
	space *statementSpace
}

// statementSpace is a statement with its readers and its writer, made as one.
type statementSpace struct {
	statement Statement
	readers   [3]Reader
	used      int
	writer    Writer
	marks     [2]tableMark
	key, wkey [32]byte
}

var (
	_ table.Statement = (*Statement)(nil)
	_ table.Recycler  = (*Statement)(nil)
)

// Statement begins a statement with a snapshot of its own under READ COMMITTED, and with that of the
// transaction above it.
func (t *Tx) Statement(ctx context.Context) (table.Statement, error) {
	if err := t.usable(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, sqlerr.Canceled(ctx)
	}
	if len(t.open) >= statementsMax || t.command >= 1<<31 {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "too many statements in a transaction")
	}
	t.command++
	var st *Statement
	if t.command == 1 {
		st, t.open = &t.first.statement, t.first.open[:0]
	} else {
		space := t.spareSpace
		if space == nil {
			space = &statementSpace{}
		} else {
			t.spareSpace = nil
			*space = statementSpace{}
		}
		st = &space.statement
		st.space = space
	}
	st.tx, st.command = t, t.command
	if t.o.Isolation == table.ReadCommitted || invariants.Mutant("store-newest-view") {
		st.view = t.s.views.Acquire()
	} else {
		st.view = t.snapshot().Retain()
	}
	t.open = append(t.open, st)
	return st, nil
}

// reads returns what notes the statement's reads; nil: nothing does.
func (st *Statement) reads() *readSet {
	if st.aside {
		return nil
	}
	return st.tx.reads
}

// sees returns the command whose predecessors' writes the statement sees: its own.
func (st *Statement) sees() uint32 {
	if invariants.Mutant("store-see-own-statement") {
		return st.command + 1
	}
	return st.command
}

// usable refuses work in a statement that has ended.
func (st *Statement) usable() error {
	if st.closed.Load() {
		return errStatementEnded
	}
	return st.tx.usable()
}

// open locks a table and returns its definition and its snapshot, nil if the View does not have it.
func (st *Statement) table(ctx context.Context, id table.ObjectID, mode table.TableLock) (*table.TableDef, table.TableSnapshot, error) {
	if err := st.usable(); err != nil {
		return nil, nil, err
	}
	t := st.tx
	if err := t.lockTable(ctx, id, mode, table.WaitBlock); err != nil {
		return nil, nil, err
	}
	st.touch(id)
	obj := t.catalog().ByID(id)
	def, ok := obj.(*table.TableDef)
	if !ok {
		if obj != nil {
			return nil, nil, sqlerr.Newf(sqlerr.WrongObjectType, "\"%s\" is not a table", obj.Head().Name)
		}
		return nil, nil, catalog.ErrNoObject(id)
	}
	ts := t.committed(st.view.State, def)
	if t.table(id).created {
		return def, nil, nil
	}
	if ts != nil && sameLayout(ts.Def(), def) {
		if t.o.Isolation == table.ReadCommitted && !st.used && st.emptied(def, ts) {
			return st.renew(def)
		}
		return def, ts, nil
	}
	if t.altered(def, ts) {
		return def, nil, nil
	}
	return st.renew(def)
}

// emptied reports whether a table, which is locked, was truncated after the snapshot that the statement has of it: then
// references to its rows mean others, or none, in newer snapshots.
func (st *Statement) emptied(def *table.TableDef, ts table.TableSnapshot) bool {
	if ts == nil || st.view.LSN() == st.tx.s.views.LSN() || invariants.Mutant("store-ignore-truncation") {
		return false
	}
	now := st.current(def)
	return now == nil || !now.SameRows(ts)
}

// touch notes that the statement uses a table.
func (st *Statement) touch(id table.ObjectID) {
	if slices.Contains(st.touched, id) {
		return
	}
	if st.touched == nil {
		st.touched = st.few[:0]
	}
	st.touched = append(st.touched, id)
}

// altered reports whether the transaction itself has changed the layout of a table, which ts, nil if the table has moved to
// another tier, shows as it was. The table is locked, and all its rows have become the transaction's own.
func (t *Tx) altered(def *table.TableDef, ts table.TableSnapshot) bool {
	if t.overlay == nil {
		return false
	}
	base := t.overlay.Base().Table(def.ID)
	if base == nil || sameLayout(base, def) {
		return false
	}
	return ts == nil && base.Method != def.Method || ts != nil && sameLayout(ts.Def(), base)
}

// renew takes a newer View, because the one of the statement is older than the definition of a table
// that it is about to use, and the table was not locked in between.
func (st *Statement) renew(def *table.TableDef) (*table.TableDef, table.TableSnapshot, error) {
	t := st.tx
	if t.o.Isolation != table.ReadCommitted || st.used {
		return nil, nil, errConcurrentUpdate
	}
	fresh := t.s.views.Acquire()
	ts := t.committed(fresh.State, def)
	if ts == nil || !sameLayout(ts.Def(), def) {
		fresh.Release()
		return nil, nil, errConcurrentUpdate
	}
	st.view.Release()
	st.view = fresh
	return def, ts, nil
}

// sameLayout reports whether rows of one definition are rows of the other.
func sameLayout(a, b *table.TableDef) bool {
	if a == b || a.Version == b.Version && a.ID == b.ID {
		return true
	}
	return equalLayout(a, b)
}

// equalLayout compares the layouts' numbers, the columns' types and the keys' columns. A definition that is about to replace another one
// still has its version, so versions say nothing here.
func equalLayout(a, b *table.TableDef) bool {
	if a.Layout != b.Layout || len(a.Columns) != len(b.Columns) || len(a.Keys) != len(b.Keys) {
		return false
	}
	for i := range a.Columns {
		if a.Columns[i].Type != b.Columns[i].Type {
			return false
		}
	}
	for i := range a.Keys {
		if a.Keys[i].Primary != b.Keys[i].Primary || !slices.Equal(a.Keys[i].Columns, b.Keys[i].Columns) {
			return false
		}
	}
	return true
}

// current returns a snapshot of a table that shows every commit whose locks have been released: what
// is checked after a lock was granted. It is valid until the statement ends or asks again.
func (st *Statement) current(def *table.TableDef) table.TableSnapshot {
	if st.newest == nil || st.newest.LSN() != st.tx.s.views.LSN() {
		fresh := st.tx.s.views.Acquire()
		if st.newest != nil {
			st.newest.Release()
		}
		st.newest = fresh
	}
	return st.tx.committed(st.newest.State, def)
}

// Close ends the statement. With an error, or if a unique key was violated, what it wrote is undone.
func (st *Statement) Close(err error) error {
	if st.closed.Load() {
		return errStatementEnded
	}
	t := st.tx
	switch refused := t.s.readable(); {
	case err == nil && !t.done:
		err = st.check()
	case err != nil && refused != nil:
		err = refused // what was not found may be there
	}
	if sqlerr.CodeOf(err) == sqlerr.SerializationFailure {
		t.conflict()
	}
	if st.wrote && !t.done {
		if err != nil && !invariants.Mutant("store-lose-statement-undo") {
			t.undo(st.at)
		}
	}
	if err != nil && !t.done {
		st.dropRefs()
	}
	st.abandon()
	if i := slices.Index(t.open, st); i >= 0 {
		t.open = slices.Delete(t.open, i, i+1)
	}
	return err
}

// check looks at what is checked at the end: first what the transaction has read, because a key that turned up since
// makes it fail for that reason.
func (st *Statement) check() error {
	if err := st.tx.s.readable(); err != nil {
		return err
	}
	if st.tx.validates() && !(invariants.Mutant("store-duplicate-before-validation") && st.checkUnique() != nil) {
		if err := st.tx.validate(); err != nil {
			return err
		}
	}
	if err := st.finishLoads(); err != nil {
		return err
	}
	if err := st.checkUnique(); err != nil {
		return err
	}
	return st.checkForeign()
}

// Recycle gives the statement's memory to a later one.
func (st *Statement) Recycle() {
	if st.closed.Load() && st.space != nil {
		st.tx.spareSpace = st.space
	}
}

// abandon gives up what the statement holds.
func (st *Statement) abandon() {
	if st.closed.Swap(true) {
		return
	}
	st.view.Release()
	if st.newest != nil {
		st.newest.Release()
	}
	st.checks, st.refs = nil, nil
}
