package tabletest

import (
	"math"
	"slices"
	"sync"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// sequenceRules are about the values of sequences.
var sequenceRules = []rule{
	{"values of a sequence", "", checkSequence},
	{"ends of a sequence", "", checkSequenceEnds},
	{"sequences and transactions", "", checkSequenceTx},
	{"sequences of columns", "", checkSequenceOwner},
	{"values for many", "", checkSequenceMany},
	{"sequences after a restart", "Durable", checkSequenceRestart},
	{"values taken without writing", "Durable", checkSequenceSync},
}

func counter(name string) *table.SequenceDef {
	d := &table.SequenceDef{Type: types.Int8, Start: 1, Increment: 1, Min: 1, Max: math.MaxInt64, Cache: 1}
	d.Schema, d.Name = table.PublicSchema, name
	return d
}

func (f *fixture) sequence(d *table.SequenceDef) (id table.ObjectID) {
	f.t.Helper()
	f.do(func(tx table.Tx) (err error) {
		id, err = tx.Schema().Create(f.ctx, d)
		return err
	})
	return id
}

// next takes n values in tx.
func (f *fixture) next(tx table.Tx, id table.ObjectID, n int) []int64 {
	f.t.Helper()
	list := make([]int64, n)
	for i := range list {
		var err error
		list[i], err = tx.Sequences().Next(f.ctx, id)
		f.must(err)
	}
	return list
}

// take takes n values in a transaction of its own.
func (f *fixture) take(id table.ObjectID, n int) (list []int64) {
	f.t.Helper()
	f.do(func(tx table.Tx) error { list = f.next(tx, id, n); return nil })
	return list
}

func checkSequence(f *fixture) {
	id := f.sequence(counter("s"))
	f.equal("values", f.take(id, 3), "[1 2 3]")
	tx := f.begin(table.TxOptions{})
	f.equal("values that are not used", f.next(tx, id, 2), "[4 5]")
	other := f.begin(table.TxOptions{})
	f.equal("a value for another transaction", f.next(other, id, 1), "[6]")
	f.rollback(tx)
	f.commit(other)
	f.equal("values after a rollback", f.take(id, 2), "[7 8]")
	f.do(func(tx table.Tx) error {
		f.must(tx.Sequences().Set(f.ctx, id, table.SequenceValue{Last: 50}))
		v, err := tx.Sequences().Value(f.ctx, id)
		f.must(err)
		f.equal("where it stands", v, "{50 false}")
		f.equal("value", f.next(tx, id, 1), "[50]")
		return tx.Sequences().Set(f.ctx, id, table.SequenceValue{Last: 60, Called: true})
	})
	f.equal("value", f.take(id, 1), "[61]")
	tx = f.begin(table.TxOptions{})
	f.code(tx.Sequences().Set(f.ctx, id, table.SequenceValue{}), sqlerr.NumericValueOutOfRange,
		`setval: value 0 is out of bounds for sequence "s" (1..9223372036854775807)`)
	_, err := tx.Sequences().Next(f.ctx, f.create(items("t")))
	f.code(err, sqlerr.WrongObjectType)
	_, err = tx.Sequences().Next(f.ctx, id+1000)
	f.code(err, sqlerr.UndefinedTable)
	f.rollback(tx)
	tx = f.begin(table.TxOptions{ReadOnly: true})
	_, err = tx.Sequences().Next(f.ctx, id)
	f.code(err, sqlerr.ReadOnlySQLTransaction, "cannot execute nextval() in a read-only transaction")
	f.rollback(tx)
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	old.Schema().Version()
	f.equal("value", f.take(id, 1), "[62]")
	f.equal("sequences have no snapshots", f.next(old, id, 1), "[63]")
	f.rollback(old)
}

func checkSequenceEnds(f *fixture) {
	d := counter("up")
	d.Max, d.Increment = 100, 40
	up := f.sequence(d)
	f.equal("values", f.take(up, 3), "[1 41 81]")
	tx := f.begin(table.TxOptions{})
	_, err := tx.Sequences().Next(f.ctx, up)
	f.code(err, sqlerr.SequenceGeneratorLimitExceeded, `nextval: reached maximum value of sequence "up" (100)`)
	f.rollback(tx)
	d = counter("down")
	d.Type, d.Min, d.Max, d.Start, d.Increment = types.Int8, math.MinInt64, -1, math.MinInt64+2, -2
	down := f.sequence(d)
	f.equal("values", f.take(down, 2), "[-9223372036854775806 -9223372036854775808]")
	tx = f.begin(table.TxOptions{})
	_, err = tx.Sequences().Next(f.ctx, down)
	f.code(err, sqlerr.SequenceGeneratorLimitExceeded, `nextval: reached minimum value of sequence "down" (-9223372036854775808)`)
	f.rollback(tx)
	d = counter("round")
	d.Max, d.Cycle = 3, true
	f.equal("values", f.take(f.sequence(d), 7), "[1 2 3 1 2 3 1]")
	d = counter("most")
	d.Start = math.MaxInt64
	most := f.sequence(d)
	f.equal("the last value", f.take(most, 1), "[9223372036854775807]")
	tx = f.begin(table.TxOptions{})
	_, err = tx.Sequences().Next(f.ctx, most)
	f.code(err, sqlerr.SequenceGeneratorLimitExceeded)
	d.Name, d.Increment = "none", 0
	_, err = tx.Schema().Create(f.ctx, d)
	f.code(err, sqlerr.InvalidParameterValue, "INCREMENT must not be zero")
	f.rollback(tx)
}

func checkSequenceTx(f *fixture) {
	id := f.sequence(counter("s"))
	f.take(id, 2)
	tx := f.begin(table.TxOptions{})
	f.must(tx.Sequences().Restart(f.ctx, id, table.SequenceValue{Last: 100}))
	f.equal("values after a restart", f.next(tx, id, 2), "[100 101]")
	sp, err := tx.Savepoint(f.ctx)
	f.must(err)
	f.must(tx.Sequences().Restart(f.ctx, id, table.SequenceValue{Last: 200}))
	f.equal("value", f.next(tx, id, 1), "[200]")
	f.must(sp.RollbackTo(f.ctx))
	f.equal("value after ROLLBACK TO", f.next(tx, id, 1), "[102]")
	other := f.begin(table.TxOptions{})
	done := background(func() error { _, err := other.Sequences().Next(f.ctx, id); return err })
	f.waiting(other)
	f.rollback(tx)
	f.must(<-done) // it is 3
	f.commit(other)
	f.equal("values after a rollback", f.take(id, 2), "[4 5]")
	f.do(func(tx table.Tx) error { return tx.Sequences().Restart(f.ctx, id, table.SequenceValue{Last: 300}) })
	f.equal("values after the commit", f.take(id, 2), "[300 301]")
	f.do(func(tx table.Tx) error {
		d := tx.Schema().ByID(id).CloneObject().(*table.SequenceDef)
		d.Increment = 10
		return tx.Schema().Alter(f.ctx, d)
	})
	f.equal("values of the new definition", f.take(id, 2), "[311 321]")
	tx = f.begin(table.TxOptions{})
	own, err := tx.Schema().Create(f.ctx, counter("own"))
	f.must(err)
	f.equal("values of an own sequence", f.next(tx, own, 3), "[1 2 3]")
	f.commit(tx)
	f.equal("values of what was an own sequence", f.take(own, 2), "[4 5]")
	tx = f.begin(table.TxOptions{})
	f.must(tx.Schema().Drop(f.ctx, own))
	_, err = tx.Sequences().Next(f.ctx, own)
	f.code(err, sqlerr.UndefinedTable)
	f.rollback(tx)
	f.equal("values after DROP was undone", f.take(own, 1), "[6]")
}

func checkSequenceOwner(f *fixture) {
	id := f.create(items("t"))
	d := counter("s")
	var ids []table.ObjectID
	f.do(func(tx table.Tx) error {
		def := tx.Schema().ByID(id).(*table.TableDef)
		for i, name := range []string{"a", "b"} {
			d = counter(name)
			d.Owner, d.OwnerColumn = id, def.Columns[i+1].ID
			q, err := tx.Schema().Create(f.ctx, d)
			f.must(err)
			ids = append(ids, q)
		}
		return nil
	})
	there := func(tx table.Tx) []bool {
		return []bool{tx.Schema().ByID(ids[0]) != nil, tx.Schema().ByID(ids[1]) != nil}
	}
	tx := f.begin(table.TxOptions{})
	c := altered(tx, id)
	c.Columns = slices.Delete(c.Columns, 2, 3)
	f.must(tx.Schema().Alter(f.ctx, c))
	f.equal("sequences after a column was dropped", there(tx), "[true false]")
	f.must(tx.Schema().Drop(f.ctx, id))
	f.equal("sequences after the table was dropped", there(tx), "[false false]")
	f.rollback(tx)
	tx = f.begin(table.TxOptions{})
	f.equal("sequences after a rollback", there(tx), "[true true]")
	f.rollback(tx)
}

// checkSequenceMany: whoever takes values at the same time gets different ones, without gaps.
func checkSequenceMany(f *fixture) {
	id := f.sequence(counter("s"))
	const clients, each = 4, 100
	got := make([][]int64, clients)
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := 0; i < each && errs[c] == nil; i += 10 {
				var tx table.Tx
				if tx, errs[c] = f.s.Begin(f.ctx, table.TxOptions{}); errs[c] != nil {
					return
				}
				for range 10 {
					v, err := tx.Sequences().Next(f.ctx, id)
					got[c], errs[c] = append(got[c], v), err
				}
				if i%20 == 0 {
					_, errs[c] = tx.Commit(f.ctx)
				} else {
					errs[c] = tx.Rollback()
				}
			}
		})
	}
	wg.Wait()
	var all []int64
	for c := range clients {
		f.must(errs[c])
		if !slices.IsSorted(got[c]) {
			f.t.Error("a client got values out of order")
		}
		all = append(all, got[c]...)
	}
	slices.Sort(all)
	f.equal("first, last and number of values", []int64{all[0], all[len(all)-1], int64(len(slices.Compact(all)))}, "[1 400 400]")
}

func checkSequenceRestart(f *fixture) {
	id, set := f.sequence(counter("s")), f.sequence(counter("set"))
	f.take(id, 5)
	f.do(func(tx table.Tx) error {
		return tx.Sequences().Set(f.ctx, set, table.SequenceValue{Last: 70, Called: true})
	})
	f.reopen(false)
	f.equal("values after an orderly restart", f.take(id, 2), "[6 7]")
	f.equal("value after an orderly restart", f.take(set, 1), "[71]")
	last := int64(7)
	for round := range 6 {
		if round%2 == 0 {
			f.must(f.s.Checkpoint(f.ctx))
		}
		if round%3 == 0 {
			last = f.take(id, 40)[39]
		}
		f.reopen(true)
		v := f.take(id, 1)[0]
		if v <= last || v > last+100 {
			f.t.Fatalf("round %d: %d after %d", round, v, last)
		}
		last = v
	}
	f.do(func(tx table.Tx) error { return tx.Sequences().Restart(f.ctx, id, table.SequenceValue{Last: 3}) })
	f.reopen(true)
	f.equal("value after a restart of the sequence", f.take(id, 1), "[3]")
	f.do(func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, id) })
	f.reopen(false)
	tx := f.begin(table.TxOptions{})
	_, err := tx.Sequences().Next(f.ctx, id)
	f.code(err, sqlerr.UndefinedTable)
	f.rollback(tx)
	f.must(f.s.Checkpoint(f.ctx))
}

// checkSequenceSync: who has committed will not see another get the same value after a power loss, though it has
// written nothing but what reserves values.
func checkSequenceSync(f *fixture) {
	id := f.sequence(counter("s"))
	for range 3 {
		v := f.take(id, 1)[0]
		f.reopen(true)
		if again := f.take(id, 1)[0]; again <= v {
			f.t.Fatalf("%d after %d", again, v)
		}
	}
}
