package tabletest

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// durableRules are about what outlives the process, and the upkeep of the storage.
var durableRules = []rule{
	{"reopen", "Durable", checkReopen},
	{"power loss", "Durable", checkPowerLoss},
	{"checkpoints", "Durable", checkCheckpoints},
	{"rows without key after a restart", "Durable", checkKeylessRestart},
	{"size and damage", "", checkSize},
}

// outlives returns what is left of rows after a restart: those of memory tables end with the process.
func (f *fixture) outlives(id table.ObjectID, rows string) string {
	tx := f.begin(table.TxOptions{ReadOnly: true})
	defer f.rollback(tx)
	d, ok := tx.Schema().ByID(id).(*table.TableDef)
	if !ok {
		f.t.Fatalf("table %d is gone", id)
	}
	if d.Method == "memory" {
		return ""
	}
	return rows
}

func checkReopen(f *fixture) {
	a := f.filled()
	b := f.create(items("b"))
	f.do(func(tx table.Tx) error {
		f.must(f.setV(tx, a, 1, "uno"))
		return f.insert(tx, b, item(1, 1, strings.Repeat("long ", 10)))
	})
	open := f.begin(table.TxOptions{})
	f.must(f.delete(open, a, 1))
	rows := f.committed(b)
	f.rollback(open)
	for range 2 {
		f.reopen(false)
		f.equal("rows of t", f.committed(a), f.outlives(a, "1|10|uno 2|20|two 3|∅|three"))
		f.equal("rows of b", f.committed(b), f.outlives(b, rows))
	}
	if f.outlives(a, "x") != "" {
		tx := f.begin(table.TxOptions{})
		f.code(f.insert(tx, a, item(1, 99, "taken")), "23505", dupKey)
		f.rollback(tx)
	}
	id := f.create(items("c"))
	if id <= b {
		f.t.Errorf("ID %d is given out after %d", id, b)
	}
	f.do(func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, a) })
	f.reopen(false)
	tx := f.begin(table.TxOptions{})
	f.equal("found after DROP and a restart", lookup(tx, "t"), 0)
	f.rollback(tx)
	f.verify()
}

// checkPowerLoss: what was answered is there, and nothing of what was not committed.
func checkPowerLoss(f *fixture) {
	id := f.filled()
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(4, 40, "four")) })
	open := f.begin(table.TxOptions{})
	f.must(f.delete(open, id, 1, 2))
	for range 3 {
		tx := f.begin(table.TxOptions{Async: true})
		f.must(f.setV(tx, id, 3, "may be lost"))
		f.commit(tx)
	}
	f.rollback(open)
	f.reopen(true)
	rows := f.committed(id)
	if want := f.outlives(id, filledRows+" 4|40|four"); rows != want && rows != strings.Replace(want, "three", "may be lost", 1) {
		f.t.Errorf("rows %s", rows)
	}
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(5, 50, "five")) })
	f.reopen(true)
	if rows := f.committed(id); f.outlives(id, "x") != "" && !strings.Contains(rows, "5|50|five") {
		f.t.Errorf("rows %s", rows)
	}
	f.verify()
}

func checkCheckpoints(f *fixture) {
	id := f.many()
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	before := f.rows(old, id)
	for i := range int64(5) {
		f.do(func(tx table.Tx) error {
			f.must(f.delete(tx, id, numbers(i*100+1, i*100+50, nil)...))
			return f.setV(tx, id, manyRows-i, "changed")
		})
		f.must(f.s.Checkpoint(f.ctx))
	}
	f.equal("rows of an older snapshot", f.rows(old, id) == before, true)
	f.rollback(old)
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 999, "after the checkpoint") })
	want := f.committed(id)
	for _, crash := range []bool{false, true} {
		f.reopen(crash)
		f.equal("rows after a restart", f.committed(id), f.outlives(id, want))
		f.verify()
		f.must(f.s.Checkpoint(f.ctx))
	}
	if n := f.s.Metrics().Checkpoints; n == 0 {
		f.t.Error("no checkpoint is counted")
	}
}

// checkKeylessRestart: rows of tables without key are told apart after a restart too.
func checkKeylessRestart(f *fixture) {
	id := f.create(notes("n"))
	var want []string
	for i := range int64(4) {
		f.do(func(tx table.Tx) error {
			return f.insert(tx, id, item(i, 0, "a"), item(i, 0, "a"))
		})
		want = append(want, fmt.Sprintf("%d|∅|a", i), fmt.Sprintf("%d|∅|a", i))
		if i == 1 {
			f.must(f.s.Checkpoint(f.ctx))
		}
		f.reopen(i%2 == 0)
		if f.outlives(id, "x") == "" {
			return
		}
		f.equal("rows", f.committed(id), strings.Join(want, " "))
	}
	f.do(func(tx table.Tx) error {
		return f.statement(tx, func(st table.Statement) error {
			where := []table.Conjunct{{Col: 0, Op: table.OpGe, Value: types.NewInt(types.Int8, 2)}}
			all, err := f.read(st, id, table.ScanSpec{Refs: true, Where: where})
			f.must(err)
			w, err := st.Writer(f.ctx, id)
			f.must(err)
			out, err := w.Delete(f.ctx, all.refs)
			f.equal("rows deleted", out.Rows, 4)
			return err
		})
	})
	f.reopen(false)
	f.equal("rows", f.committed(id), strings.Join(want[:4], " "))
}

func checkSize(f *fixture) {
	id := f.many()
	size, err := f.s.Size(f.ctx)
	f.must(err)
	if durable := f.s.Features().Durable; durable && size.Total() == 0 || !durable && size.Total() != 0 || size.Memory <= 0 {
		f.t.Errorf("size %+v", size)
	}
	f.must(f.s.Analyze(f.ctx, []table.AnalyzeTarget{{Table: id}}))
	f.verify()
	m := f.s.Metrics()
	if m.RowsInserted < manyRows || len(m.Tiers) == 0 || m.MemoryBytes <= 0 {
		f.t.Errorf("metrics %+v", m)
	}
}
