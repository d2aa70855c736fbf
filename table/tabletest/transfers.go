package tabletest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// The accounts of the transfers: half of them in each of two tables, which a storage that mixes tiers has in different
// ones.
const (
	accountsEach   = 12
	balanceAtStart = 1000
	balanceTotal   = 2 * accountsEach * balanceAtStart
	renamed        = 1 << 20 // added to the id of an account that has another name for a while
)

// What a run does at least, and at most.
const (
	transferWorkers = 6
	transfersMin    = 400 // of each worker
	transfersMax    = 20_000
	scansMin        = 40
	checkpointsMin  = 4
)

// bank is the state of a run.
type bank struct {
	*fixture
	tables [2]table.ObjectID
	// done counts what was committed, by kind of transfer.
	locked, optimistic, closed, opened, moved atomic.Int64
	retries, scans, sleeps, checkpoints       atomic.Int64
	working                                   atomic.Int64
}

// Transfers runs transfers between accounts in several goroutines, some with row locks under READ COMMITTED, some under
// REPEATABLE READ with retries, while accounts are closed, opened and renamed, others add up all balances, some of them
// twice with a long time in between, and checkpoints are made. The sum never changes.
func Transfers(t *testing.T, o Options) {
	t.Helper()
	b := &bank{fixture: newFixture(t, &o)}
	for i := range b.tables {
		b.tables[i] = b.create(accounts(fmt.Sprintf("accounts%d", i)))
		b.do(func(tx table.Tx) error {
			var rows []types.Row
			for id := range int64(accountsEach) {
				rows = append(rows, account(id, balanceAtStart))
			}
			return b.insert(tx, b.tables[i], rows...)
		})
	}
	var running []<-chan error
	b.working.Store(transferWorkers)
	for i := range transferWorkers {
		running = append(running, background(func() error {
			defer b.working.Add(-1)
			return b.transfers(rand.New(rand.NewPCG(o.Seed, uint64(i))))
		}))
	}
	running = append(running, background(b.scanner), background(b.sleeper), background(b.checkpointer))
	var errs []error
	for _, done := range running {
		errs = append(errs, <-done)
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	b.demand()
	if err := b.addUp(table.ReadCommitted, func() {}); err != nil {
		t.Error(err)
	}
	b.verify()
}

// demand fails a run that did too little of something.
func (b *bank) demand() {
	b.t.Helper()
	for _, w := range []struct {
		what string
		got  *atomic.Int64
		min  int64
	}{
		{"transfers with locks", &b.locked, 100}, {"transfers with retries", &b.optimistic, 50}, {"accounts closed", &b.closed, 5},
		{"accounts opened", &b.opened, 5}, {"accounts renamed", &b.moved, 5}, {"retries", &b.retries, 1}, {"sums", &b.scans, scansMin},
		{"sums added up twice", &b.sleeps, 4}, {"checkpoints", &b.checkpoints, checkpointsMin},
	} {
		b.t.Logf("%d %s", w.got.Load(), w.what)
		if w.got.Load() < w.min && (w.got != &b.checkpoints || b.fs != nil) {
			b.t.Errorf("only %d %s, at least %d are wanted", w.got.Load(), w.what, w.min)
		}
	}
}

// accounts is the table (id int8 PRIMARY KEY, balance int8 NOT NULL, note text).
func accounts(name string) *table.TableDef {
	d := items(name)
	d.Columns[1] = table.Column{Name: "balance", Type: types.T(types.Int8), NotNull: true}
	d.Columns[2].NotNull = false
	d.Keys = d.Keys[:1]
	return d
}

func account(id, balance int64) types.Row {
	return types.Row{types.NewInt(types.Int8, id), types.NewInt(types.Int8, balance), types.NewString(types.Text, "account")}
}

// enough reports whether a worker that has done n transfers may stop.
func (b *bank) enough(n int) bool {
	return n >= transfersMax || n >= transfersMin && b.scans.Load() >= scansMin && b.sleeps.Load() >= 4 &&
		(b.fs == nil || b.checkpoints.Load() >= checkpointsMin)
}

func (b *bank) transfers(rng *rand.Rand) error {
	for n := 0; !b.enough(n); n++ {
		work, done, o := b.withLocks, &b.locked, table.TxOptions{Async: rng.IntN(3) == 0}
		switch rng.IntN(12) {
		case 0:
			work, done = b.closeAccount, &b.closed
		case 1, 2:
			work, done = b.openAccount, &b.opened
		case 3:
			work, done = b.rename, &b.moved
		case 4, 5, 6, 7:
			work, done, o.Isolation = b.withRetries, &b.optimistic, table.RepeatableRead
		}
		if err := b.try(rng, o, work, done); err != nil {
			return err
		}
	}
	return nil
}

// errNothing: there was nothing to do.
var errNothing = errors.New("nothing to do")

// try runs work in a transaction until it is not in the way of others.
func (b *bank) try(rng *rand.Rand, o table.TxOptions, work func(table.Tx, *rand.Rand) error, done *atomic.Int64) error {
	for {
		tx, err := b.s.Begin(b.ctx, o)
		if err != nil {
			return err
		}
		if err = work(tx, rng); err == nil && rng.IntN(20) > 0 {
			if _, err = tx.Commit(b.ctx); err == nil {
				done.Add(1)
				return nil
			}
		}
		if rerr := tx.Rollback(); rerr != nil {
			return rerr
		}
		code := sqlerr.CodeOf(err)
		switch {
		case err == nil, errors.Is(err, errNothing), code == sqlerr.UniqueViolation:
			return nil
		case code == sqlerr.DeadlockDetected, code == sqlerr.SerializationFailure && o.Isolation != table.ReadCommitted:
			b.retries.Add(1)
		default:
			return err
		}
	}
}

// sum adds all balances up, and returns the accounts in order.
func (b *bank) sum(st table.Statement, vectorRows int) (sum int64, all []string, err error) {
	for i, id := range b.tables {
		r, err := st.Reader(b.ctx, id)
		if err != nil {
			return 0, nil, err
		}
		s, err := r.Scan(b.ctx, table.ScanSpec{Cols: []int{0, 1}, VectorRows: vectorRows})
		if err != nil {
			return 0, nil, err
		}
		for {
			m, err := s.NextMorsel(b.ctx)
			if isEOF(err) {
				break
			}
			if err != nil {
				return 0, nil, err
			}
			var rows vec.Batch
			for err = m.Read(b.ctx, &rows); err == nil; err = m.Read(b.ctx, &rows) {
				for j := range rows.N {
					sum += rows.BatchDatum(1, j).I
					all = append(all, fmt.Sprint(i, rows.BatchDatum(0, j).I, rows.BatchDatum(1, j).I))
				}
			}
			m.Close()
			if !isEOF(err) {
				return 0, nil, err
			}
		}
		if err := s.Close(); err != nil {
			return 0, nil, err
		}
	}
	slices.Sort(all)
	return sum, all, nil
}

// addUp adds the balances up twice in one transaction, with something in between. Above READ COMMITTED both see the same.
func (b *bank) addUp(iso table.Isolation, between func()) error {
	tx, err := b.s.Begin(b.ctx, table.TxOptions{Isolation: iso, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // of a transaction that only reads
	var first []string
	for i := range 2 {
		err := b.statement(tx, func(st table.Statement) error {
			sum, all, err := b.sum(st, 1+3*i)
			if err != nil {
				return err
			}
			if sum != balanceTotal {
				return fmt.Errorf("the sum is %d, not %d: %v", sum, balanceTotal, all)
			}
			if i == 1 && iso != table.ReadCommitted && !slices.Equal(all, first) {
				return fmt.Errorf("a snapshot shows %v, and then %v", first, all)
			}
			first = all
			return nil
		})
		if err != nil {
			return err
		}
		if i == 0 {
			between()
		}
	}
	return nil
}

func (b *bank) scanner() error {
	for b.working.Load() > 0 {
		for _, iso := range []table.Isolation{table.ReadCommitted, table.RepeatableRead} {
			if err := b.addUp(iso, func() {}); err != nil {
				return err
			}
			b.scans.Add(1)
		}
	}
	return nil
}

// sleeper keeps a snapshot until many transactions have been committed.
func (b *bank) sleeper() error {
	for b.working.Load() > 0 {
		from := b.s.Metrics().Commits
		err := b.addUp(table.RepeatableRead, func() {
			for b.working.Load() > 0 && b.s.Metrics().Commits < from+100 {
				pause()
			}
		})
		if err != nil {
			return err
		}
		b.sleeps.Add(1)
	}
	return nil
}

func (b *bank) checkpointer() error {
	for b.fs != nil && b.working.Load() > 0 {
		if err := b.s.Checkpoint(b.ctx); err != nil {
			return err
		}
		b.checkpoints.Add(1)
		from := b.s.Metrics().Commits
		for b.working.Load() > 0 && b.s.Metrics().Commits < from+20 {
			pause()
		}
	}
	return nil
}
