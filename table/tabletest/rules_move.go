package tabletest

import (
	"github.com/laminadb/lamina/table"
)

// moveRules are about tables that move to another access method of the storage; one that has a single one changes nothing.
var moveRules = []rule{
	{"a table moves", "", checkMove},
	{"a move is undone", "", checkMoveUndone},
	{"readers of a table that moves", "", checkMoveReaders},
	{"a move outlives a restart", "Durable", checkMoveRestart},
}

// moveTo changes the access method of a table.
func (f *fixture) moveTo(tx table.Tx, id table.ObjectID, method string) {
	f.t.Helper()
	d := altered(tx, id)
	d.Method = method
	f.must(tx.Schema().Alter(f.ctx, d))
}

// moves calls do for a filled table and each method that it can move to.
func (f *fixture) moves(do func(id table.ObjectID, to string)) {
	for from := range f.o.Methods {
		for _, to := range f.o.Methods {
			f.made = from // the next table has this method
			id := f.filled()
			do(id, to)
			f.do(func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, id) })
		}
	}
}

func checkMove(f *fixture) {
	f.moves(func(id table.ObjectID, to string) {
		f.do(func(tx table.Tx) error {
			f.must(f.setV(tx, id, 1, "uno"))
			f.moveTo(tx, id, to)
			f.equal("rows in the transaction", f.rows(tx, id), "1|10|uno 2|20|two 3|∅|three")
			f.must(f.delete(tx, id, 2, 3))
			f.must(f.insert(tx, id, item(2, 20, "again"), item(4, 40, "four")))
			f.must(f.setV(tx, id, 1, "due"))
			f.equal("rows changed after it", f.rows(tx, id), "1|10|due 2|20|again 4|40|four")
			return nil
		})
		f.equal("rows after the commit", f.committed(id), "1|10|due 2|20|again 4|40|four")
		tx := f.begin(table.TxOptions{})
		f.equal("method", tx.Schema().ByID(id).(*table.TableDef).Method, to)
		f.code(f.insert(tx, id, item(1, 99, "taken")), "23505", dupKey)
		f.rollback(tx)
	})
}

func checkMoveUndone(f *fixture) {
	f.moves(func(id table.ObjectID, to string) {
		tx := f.begin(table.TxOptions{})
		f.must(f.setV(tx, id, 1, "uno"))
		sp, err := tx.Savepoint(f.ctx)
		f.must(err)
		f.moveTo(tx, id, to)
		f.must(f.delete(tx, id, 2))
		f.must(f.setV(tx, id, 1, "one more"))
		f.must(sp.RollbackTo(f.ctx))
		f.equal("rows after ROLLBACK TO", f.rows(tx, id), "1|10|uno 2|20|two 3|∅|three")
		f.must(f.setV(tx, id, 3, "tre"))
		f.commit(tx)
		tx = f.begin(table.TxOptions{})
		f.moveTo(tx, id, to)
		f.must(f.delete(tx, id, 1))
		f.rollback(tx)
		f.equal("rows after a rollback", f.committed(id), "1|10|uno 2|20|two 3|∅|tre")
	})
}

// checkMoveReaders: a snapshot from before shows the rows from before, and what is written under it is refused.
func checkMoveReaders(f *fixture) {
	f.moves(func(id table.ObjectID, to string) {
		old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
		other := f.create(items("other"))
		f.equal("nothing", f.rows(old, id), filledRows)
		f.rollback(old) // it held a lock on the table
		old = f.begin(table.TxOptions{Isolation: table.RepeatableRead})
		f.must(f.insert(old, other)) // has its snapshot now
		moved := false
		f.do(func(tx table.Tx) error {
			moved = tx.Schema().ByID(id).(*table.TableDef).Method != to
			f.moveTo(tx, id, to)
			return nil
		})
		f.do(func(tx table.Tx) error { return f.delete(tx, id, 1) })
		f.equal("rows from before", f.rows(old, id), filledRows)
		if moved {
			f.code(f.setV(old, id, 2, "late"), "40001")
		}
		f.rollback(old)
		f.equal("rows", f.committed(id), "2|20|two 3|∅|three")
		f.do(func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, other) })
	})
}

func checkMoveRestart(f *fixture) {
	f.moves(func(id table.ObjectID, to string) {
		f.do(func(tx table.Tx) error {
			f.moveTo(tx, id, to)
			return f.setV(tx, id, 2, "due")
		})
		for _, checkpoint := range []bool{false, true} {
			if checkpoint {
				f.must(f.s.Checkpoint(f.ctx))
			}
			f.reopen(true)
			f.equal("rows", f.committed(id), f.outlives(id, "1|10|one 2|20|due 3|∅|three"))
		}
	})
}
