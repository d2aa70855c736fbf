package store

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
)

// namesIndex stands for the name space of schemas in locks on names; relations use the ID of their
// schema, which is no index's.
const namesIndex table.ObjectID = 1

// lockTable takes a table lock until the transaction ends.
func (t *Tx) lockTable(ctx context.Context, id table.ObjectID, mode table.TableLock, wait table.Wait) error {
	bit := uint16(1) << mode
	tt := t.table(id)
	if tt.locked&bit != 0 {
		return nil
	}
	if err := t.lock(ctx, txn.TableKey(id), txn.TableMode(mode), wait); err != nil {
		if errors.Is(err, errBusy) {
			name := t.nameOf(id)
			return sqlerr.Newf(sqlerr.LockNotAvailable, "could not obtain lock on relation \"%s\"", name)
		}
		return err
	}
	tt.locked |= bit
	return nil
}

// nameOf returns the name of an object for messages.
func (t *Tx) nameOf(id table.ObjectID) string {
	if o := t.s.newest().ByID(id); o != nil {
		return o.Head().Name
	}
	return "?"
}

// lockName keeps others from creating, renaming or dropping an object of this name.
func (t *Tx) lockName(ctx context.Context, space table.ObjectID, name string) error {
	return t.lock(ctx, txn.UniqueKey(space, []byte(name)), txn.RowMode(table.ForUpdate), table.WaitBlock)
}

// errBusy is the answer to a lock that must not be waited for.
var errBusy = sqlerr.New(sqlerr.LockNotAvailable, "could not obtain lock")

func (t *Tx) lock(ctx context.Context, key txn.Key, mode txn.Mode, wait table.Wait) error {
	if wait != table.WaitBlock {
		ok, err := t.s.locks.TryLock(t.owner, key, mode)
		if err == nil && !ok {
			err = errBusy
		}
		return err
	}
	return t.s.locks.Lock(ctx, t.owner, key, mode, txn.LockWait{Timeout: t.o.LockWait})
}
