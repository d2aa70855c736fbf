package tabletest

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// foreignRules are about FOREIGN KEY constraints, which the storage enforces: who writes without SQL obeys them too.
var foreignRules = []rule{
	{"references", "", checkReferences},
	{"actions of references", "", checkReferenceActions},
	{"deferred references", "", checkDeferredReferences},
	{"definitions with references", "", checkReferenceDefinitions},
	{"references among transactions", "RowLocks", checkReferencesAcross},
	{"a table that becomes referenced", "", checkBecomesReferenced},
	{"rows that are only locked", "RowLocks", checkLocker},
	{"references and checkpoints", "", checkReferenceRestart},
}

// family makes the filled table of items p, and c whose u references the id of p.
func (f *fixture) family(change func(*table.ForeignKey)) (p, c table.ObjectID) {
	method := f.o.Methods[0]
	f.do(func(tx table.Tx) error {
		d := items("p")
		d.Method = method
		var err error
		if p, err = tx.Schema().Create(f.ctx, d); err != nil {
			return err
		}
		f.must(f.insert(tx, p, item(1, 10, "one"), item(2, 20, "two"), item(3, 0, "three")))
		d = items("c")
		d.Method, d.Foreign = method, []table.ForeignKey{{Name: "fk", Columns: []int{1}, Table: p, RefColumns: []uint32{1}}}
		if change != nil {
			change(&d.Foreign[0])
		}
		c, err = tx.Schema().Create(f.ctx, d)
		return err
	})
	return p, c
}

const (
	noParent   = `insert or update on table "c" violates foreign key constraint "fk"`
	hasChild   = `update or delete on table "p" violates foreign key constraint "fk" on table "c"`
	restricted = `update or delete on table "p" violates RESTRICT setting of foreign key constraint "fk" on table "c"`
)

func checkReferences(f *fixture) {
	p, c := f.family(nil)
	tx := f.begin(table.TxOptions{})
	err := f.insert(tx, c, item(1, 1, "a"), item(2, 7, "b"))
	f.code(err, sqlerr.ForeignKeyViolation, noParent)
	e := sqlerr.From(err)
	f.equal("details", []string{e.Detail, e.Constraint, e.Table, e.Schema}, []string{`Key (u)=(7) is not present in table "p".`, "fk", "c", "public"})
	f.must(f.insert(tx, c, item(1, 1, "a"), item(2, 0, "b")))
	f.code(f.update(tx, c, []int64{2}, []int{1}, types.Row{types.NewInt(types.Int4, 9)}), sqlerr.ForeignKeyViolation, noParent)
	f.must(f.update(tx, c, []int64{2}, []int{1}, types.Row{types.NewInt(types.Int4, 2)}))
	err = f.delete(tx, p, 3, 1)
	f.code(err, sqlerr.ForeignKeyViolation, hasChild)
	f.equal("detail", sqlerr.From(err).Detail, `Key (id)=(1) is still referenced from table "c".`)
	f.code(f.update(tx, p, []int64{2}, []int{0}, idOf(5)), sqlerr.ForeignKeyViolation, hasChild)
	f.must(f.setV(tx, p, 2, "changed"))
	f.must(f.delete(tx, p, 3))
	f.equal("rows", f.rows(tx, p), "1|10|one 2|20|changed")
	f.must(f.delete(tx, c, 1))
	f.must(f.delete(tx, p, 1))
	f.commit(tx)
	f.equal("rows", f.committed(c), "2|2|b")
}

func checkReferenceActions(f *fixture) {
	for action, want := range map[table.RefAction][2]string{
		table.Cascade: {"2|5|b 3|∅|c", "2|5|b 3|∅|c"}, table.SetNull: {"1|∅|a 2|∅|b 3|∅|c", "1|∅|a 2|∅|b 3|∅|c"},
		table.SetDefault: {"1|∅|a 2|∅|b 3|∅|c", "1|∅|a 2|∅|b 3|∅|c"},
	} {
		p, c := f.family(func(k *table.ForeignKey) { k.OnDelete, k.OnUpdate = action, action })
		tx := f.begin(table.TxOptions{})
		f.must(f.insert(tx, c, item(1, 1, "a"), item(2, 2, "b"), item(3, 0, "c")))
		f.must(f.delete(tx, p, 1))
		f.must(f.update(tx, p, []int64{2}, []int{0}, idOf(5)))
		f.equal(action.String(), f.rows(tx, c), want[0])
		f.commit(tx)
		f.equal(action.String(), f.committed(c), want[1])
		f.do(func(tx table.Tx) error {
			f.must(tx.Schema().Drop(f.ctx, c))
			return tx.Schema().Drop(f.ctx, p)
		})
	}
	p, c := f.family(func(k *table.ForeignKey) { k.OnDelete = table.Restrict })
	f.do(func(tx table.Tx) error { return f.insert(tx, c, item(1, 1, "a")) })
	tx := f.begin(table.TxOptions{})
	f.code(f.delete(tx, p, 1), sqlerr.RestrictViolation, restricted)
	f.rollback(tx)
}

func checkDeferredReferences(f *fixture) {
	p, c := f.family(func(k *table.ForeignKey) { k.Deferrable, k.Deferred = true, true })
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, c, item(1, 7, "a")))
	f.must(f.insert(tx, p, item(7, 70, "late")))
	f.commit(tx)
	tx = f.begin(table.TxOptions{})
	f.must(f.delete(tx, p, 7))
	_, err := tx.Commit(f.ctx)
	f.code(err, sqlerr.ForeignKeyViolation, hasChild)
	f.equal("rows", f.committed(p), "1|10|one 2|20|two 3|∅|three 7|70|late")
	tx = f.begin(table.TxOptions{})
	f.must(f.insert(tx, c, item(2, 8, "b")))
	f.code(tx.SetConstraints(f.ctx, nil, false), sqlerr.ForeignKeyViolation, noParent)
	f.rollback(tx)
	tx = f.begin(table.TxOptions{})
	f.must(tx.SetConstraints(f.ctx, nil, false))
	f.code(f.insert(tx, c, item(2, 8, "b")), sqlerr.ForeignKeyViolation, noParent)
	f.commit(tx)
	f.equal("rows", f.committed(c), "1|7|a")
}

func checkReferenceDefinitions(f *fixture) {
	p, c := f.family(nil)
	f.do(func(tx table.Tx) error { return f.insert(tx, c, item(1, 1, "a")) })
	tx := f.begin(table.TxOptions{})
	f.code(tx.Schema().Drop(f.ctx, p), sqlerr.DependentObjectsStillExist)
	d := tx.Schema().ByID(p).CloneObject().(*table.TableDef)
	d.Keys = d.Keys[1:]
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.DependentObjectsStillExist)
	d = tx.Schema().ByID(c).CloneObject().(*table.TableDef)
	d.Foreign = append(d.Foreign, table.ForeignKey{Name: "more", Columns: []int{2}, Table: p, RefColumns: []uint32{3}})
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.InvalidForeignKey)
	d.Foreign[1].RefColumns[0] = 2
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.DatatypeMismatch)
	d.Foreign[1].Columns[0] = 1
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.ForeignKeyViolation) // no row of p has u = 1
	f.must(f.update(tx, p, []int64{1}, []int{1}, types.Row{types.NewInt(types.Int4, 1)}))
	f.must(tx.Schema().Alter(f.ctx, d))
	f.code(f.insert(tx, c, item(2, 2, "b")), sqlerr.ForeignKeyViolation)
	d = tx.Schema().ByID(c).CloneObject().(*table.TableDef)
	d.Foreign = nil
	f.must(tx.Schema().Alter(f.ctx, d))
	f.must(f.insert(tx, c, item(2, 99, "b")))
	f.must(f.delete(tx, p, 1))
	f.must(tx.Schema().Drop(f.ctx, p))
	f.commit(tx)
}

func checkReferencesAcross(f *fixture) {
	p, c := f.family(nil)
	for _, commit := range []bool{true, false} {
		first, second := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
		f.must(f.delete(first, p, 3))
		done := make(chan error, 1)
		go func() { done <- f.insert(second, c, item(9, 3, "late")) }()
		f.waiting(second)
		if commit {
			f.commit(first)
			f.code(<-done, sqlerr.ForeignKeyViolation, noParent)
			f.rollback(second)
			f.do(func(tx table.Tx) error { return f.insert(tx, p, item(3, 0, "three")) })
			continue
		}
		f.rollback(first)
		f.must(<-done)
		third := f.begin(table.TxOptions{})
		go func() { done <- f.delete(third, p, 3) }()
		f.waiting(third)
		f.must(f.setV(second, p, 2, "beside"))
		f.commit(second)
		f.code(<-done, sqlerr.ForeignKeyViolation, hasChild)
		f.rollback(third)
	}
	f.equal("rows", f.committed(c), "9|3|late")
}

// checkBecomesReferenced: a transaction that does not know that a table is referenced must not remove what is.
func checkBecomesReferenced(f *fixture) {
	p, c := f.family(nil)
	f.do(func(tx table.Tx) error {
		d := tx.Schema().ByID(c).CloneObject().(*table.TableDef)
		d.Foreign = nil
		f.must(f.insert(tx, c, item(1, 1, "a")))
		return tx.Schema().Alter(f.ctx, d)
	})
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	f.equal("rows", f.rows(old, c), "1|1|a")
	f.do(func(tx table.Tx) error {
		d := tx.Schema().ByID(c).CloneObject().(*table.TableDef)
		d.Foreign = []table.ForeignKey{{Name: "fk", Columns: []int{1}, Table: p, RefColumns: []uint32{1}}}
		return tx.Schema().Alter(f.ctx, d)
	})
	err := f.delete(old, p, 1)
	if err == nil {
		_, err = old.Commit(f.ctx)
	}
	f.code(err, sqlerr.SerializationFailure)
	f.rollback(old)
	f.equal("rows", f.committed(p), filledRows)
}

// checkLocker: what Locker returns locks rows beside a constraint being added, and writes nothing.
func checkLocker(f *fixture) {
	p, c := f.family(nil)
	adder, tx := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(adder.LockTable(f.ctx, p, table.ShareRowExclusive, table.WaitBlock))
	f.must(f.statement(tx, func(st table.Statement) error {
		refs, err := refsOf(f, st, p, 1)
		f.must(err)
		w, err := st.Locker(f.ctx, p)
		f.must(err)
		var out [1]table.LockResult
		f.must(w.Lock(f.ctx, refs, table.ForUpdate, table.NoWait, out[:]))
		_, err = w.Delete(f.ctx, refs)
		f.code(err, sqlerr.InternalError)
		return nil
	}))
	f.rollback(adder)
	other := f.begin(table.TxOptions{})
	_, err := f.lock(other, p, table.ForKeyShare, table.NoWait, 1)
	f.code(err, sqlerr.LockNotAvailable)
	f.rollback(other)
	f.must(f.insert(tx, c, item(5, 1, "own")))
	f.commit(tx)
}

// refsOf returns the references of rows by their keys.
func refsOf(f *fixture, st table.Statement, id table.ObjectID, keys ...int64) (refs []table.RowRef, err error) {
	r, err := st.Reader(f.ctx, id)
	for i := 0; err == nil && i < len(keys); i++ {
		var ref table.RowRef
		ref, err = r.Ref(f.ctx, idOf(keys[i]))
		refs = append(refs, ref)
	}
	return refs, err
}

// checkReferenceRestart: constraints hold after checkpoints, and after restarts where the storage outlives them.
func checkReferenceRestart(f *fixture) {
	p, c := f.family(func(k *table.ForeignKey) { k.OnDelete = table.Cascade })
	f.do(func(tx table.Tx) error { return f.insert(tx, c, item(1, 1, "a"), item(2, 2, "b")) })
	f.must(f.s.Checkpoint(f.ctx))
	f.do(func(tx table.Tx) error { return f.delete(tx, p, 1) })
	for _, crash := range []bool{true, false} {
		want := "2|2|b"
		if f.fs != nil {
			f.reopen(crash)
			want = f.outlives(c, want)
		}
		f.equal("rows", f.committed(c), want)
		tx := f.begin(table.TxOptions{})
		f.code(f.insert(tx, c, item(3, 1, "c")), sqlerr.ForeignKeyViolation, noParent)
		f.rollback(tx)
		f.must(f.s.Checkpoint(f.ctx))
	}
	f.verify()
}
