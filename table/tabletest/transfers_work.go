package tabletest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// place is an account as a statement has found it.
type place struct {
	r   table.Reader
	w   table.Writer
	ref table.RowRef
	id  int64
	sum int64
}

// find finds a random account, by whatever name it has.
func (b *bank) find(st table.Statement, rng *rand.Rand) (p place, err error) {
	id := b.tables[rng.IntN(2)]
	if p.r, err = st.Reader(b.ctx, id); err != nil {
		return p, err
	}
	if p.w, err = st.Writer(b.ctx, id); err != nil {
		return p, err
	}
	for _, p.id = range []int64{rng.Int64N(accountsEach), rng.Int64N(accountsEach) + renamed} {
		if p.ref, err = p.r.Ref(b.ctx, idOf(p.id)); !errors.Is(err, table.ErrNotFound) {
			break
		}
	}
	if errors.Is(err, table.ErrNotFound) {
		return p, errNothing
	}
	return p, p.read(b)
}

// read reads the account's number and balance by reference.
func (p *place) read(b *bank) error {
	var rows vec.Batch
	if err := p.r.Fetch(b.ctx, []table.RowRef{p.ref}, []int{0, 1}, &rows); err != nil {
		return err
	}
	p.id, p.sum = rows.BatchDatum(0, 0).I, rows.BatchDatum(1, 0).I
	return nil
}

// lockBoth locks two accounts in this order. One may have got the name of the other meanwhile: then both are one.
func (b *bank) lockBoth(from, to *place, mode, modeTo table.RowLock) error {
	if err := from.lock(b, mode); err != nil {
		return err
	}
	if err := to.lock(b, modeTo); err != nil {
		return err
	}
	if from.ref == to.ref && from.r.Def().ID == to.r.Def().ID {
		return errNothing
	}
	return nil
}

// lock locks an account, and reads what it has become.
func (p *place) lock(b *bank, mode table.RowLock) error {
	out := make([]table.LockResult, 1)
	if err := p.w.Lock(b.ctx, []table.RowRef{p.ref}, mode, table.WaitBlock, out); err != nil {
		return err
	}
	switch out[0].Status {
	case table.Gone:
		return errNothing
	case table.Moved:
		p.ref = out[0].Ref
		return p.read(b)
	}
	return nil
}

// set changes a column of the account.
func (p *place) set(b *bank, col int, value int64) error {
	vals, err := batchOf(p.w.Def(), []int{col}, []types.Row{idOf(value)})
	if err != nil {
		return err
	}
	out, err := p.w.Update(b.ctx, []table.RowRef{p.ref}, []int{col}, vals)
	if err == nil && out.Rows != 1 {
		err = fmt.Errorf("%d accounts were changed", out.Rows)
	}
	return err
}

// pair finds two accounts and hands them to work, in a statement.
func (b *bank) pair(tx table.Tx, rng *rand.Rand, work func(from, to *place) error) error {
	return b.statement(tx, func(st table.Statement) error {
		from, err := b.find(st, rng)
		if err != nil {
			return err
		}
		to, err := b.find(st, rng)
		if err != nil {
			return err
		}
		if from.r.Def().ID == to.r.Def().ID && from.id == to.id {
			return errNothing
		}
		return work(&from, &to)
	})
}

// withLocks is a transfer under READ COMMITTED: after the locks nothing is in its way.
func (b *bank) withLocks(tx table.Tx, rng *rand.Rand) error {
	return b.pair(tx, rng, func(from, to *place) error {
		if err := b.lockBoth(from, to, table.ForNoKeyUpdate, table.ForNoKeyUpdate); err != nil {
			return err
		}
		amount := rng.Int64N(50)
		if err := from.set(b, 1, from.sum-amount); err != nil {
			return err
		}
		return to.set(b, 1, to.sum+amount)
	})
}

// withRetries is a transfer on a snapshot, in two statements, the second of which is undone once.
func (b *bank) withRetries(tx table.Tx, rng *rand.Rand) error {
	sp, err := tx.Savepoint(b.ctx)
	if err != nil {
		return err
	}
	for round := range 2 {
		err := b.pair(tx, rng, func(from, to *place) error {
			amount := rng.Int64N(50)
			if err := from.set(b, 1, from.sum-amount); err != nil {
				return err
			}
			return to.set(b, 1, to.sum+amount)
		})
		if err != nil {
			return err
		}
		if round == 0 && rng.IntN(3) == 0 {
			if err := sp.RollbackTo(b.ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// closeAccount gives all that an account has to another one and deletes it.
func (b *bank) closeAccount(tx table.Tx, rng *rand.Rand) error {
	return b.pair(tx, rng, func(from, to *place) error {
		if err := b.lockBoth(from, to, table.ForUpdate, table.ForNoKeyUpdate); err != nil {
			return err
		}
		if err := to.set(b, 1, to.sum+from.sum); err != nil {
			return err
		}
		out, err := from.w.Delete(b.ctx, []table.RowRef{from.ref})
		if err == nil && out.Rows != 1 {
			err = fmt.Errorf("%d accounts were closed", out.Rows)
		}
		return err
	})
}

// openAccount makes an empty account, or finds that it is there.
func (b *bank) openAccount(tx table.Tx, rng *rand.Rand) error {
	return b.insert(tx, b.tables[rng.IntN(2)], account(rng.Int64N(accountsEach), 0))
}

// rename gives an account another number, or its old one.
func (b *bank) rename(tx table.Tx, rng *rand.Rand) error {
	return b.statement(tx, func(st table.Statement) error {
		p, err := b.find(st, rng)
		if err != nil {
			return err
		}
		if err := p.lock(b, table.ForUpdate); err != nil {
			return err
		}
		return p.set(b, 0, p.id^renamed)
	})
}
