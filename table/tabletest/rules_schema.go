package tabletest

import (
	"fmt"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// schemaRules are about schema objects inside transactions.
var schemaRules = []rule{
	{"create in a transaction", "", checkCreate},
	{"names", "", checkNames},
	{"names among transactions", "", checkNamesAcross},
	{"alter", "", checkAlter},
	{"drop", "", checkDrop},
	{"schemas and settings", "", checkOtherObjects},
	{"the schema of a snapshot", "", checkSchemaSnapshot},
	{"a definition that changed meanwhile", "", checkSchemaChanged},
}

func checkCreate(f *fixture) {
	tx := f.begin(table.TxOptions{})
	before := tx.Schema().Version()
	id, err := tx.Schema().Create(f.ctx, f.method(items("t")))
	f.must(err)
	if tx.Schema().Version() == before {
		f.t.Error("the version of the schema is as before")
	}
	def, ok := tx.Schema().ByID(id).(*table.TableDef)
	if !ok || def.ID != id || def.Version == 0 || def.Name != "t" || id < table.FirstObjectID {
		f.t.Fatalf("definition %+v", def)
	}
	f.must(f.insert(tx, id, item(1, 10, "one")))
	f.equal("own rows", f.rows(tx, id), "1|10|one")
	other := f.begin(table.TxOptions{})
	f.equal("what others see", lookup(other, "t"), 0)
	f.rollback(tx)
	f.equal("after a rollback", lookup(other, "t"), 0)
	tx = f.begin(table.TxOptions{})
	id, err = tx.Schema().Create(f.ctx, items("t"))
	f.must(err)
	f.must(f.insert(tx, id, item(1, 10, "one"), item(2, 20, "two")))
	f.commit(tx)
	f.equal("after the commit", lookup(other, "t"), id)
	f.equal("rows", f.rows(other, id), "1|10|one 2|20|two")
	f.must(f.setV(other, id, 1, "uno"))
	f.commit(other)
	o := f.begin(table.TxOptions{}).Schema().LookupRelation(table.PublicSchema, "t_u_key")
	if index, ok := o.(*table.IndexDef); !ok || index.Table != id || index.Key != 1 {
		f.t.Errorf("index of the UNIQUE constraint: %+v", o)
	}
}

func checkNames(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	_, err := tx.Schema().Create(f.ctx, items("t"))
	f.code(err, sqlerr.DuplicateTable, `relation "t" already exists`)
	_, err = tx.Schema().Create(f.ctx, items("t_pkey")) // the index behind the primary key
	f.code(err, sqlerr.DuplicateTable)
	f.rollback(tx)
	tx = f.begin(table.TxOptions{})
	f.must(tx.Schema().Drop(f.ctx, id))
	f.equal("after DROP", lookup(tx, "t"), 0)
	again, err := tx.Schema().Create(f.ctx, items("t"))
	f.must(err)
	if again == id {
		f.t.Error("an ID is used twice")
	}
	f.equal("rows", f.rows(tx, again), "")
	f.commit(tx)
	f.equal("rows", f.committed(again), "")
	tx = f.begin(table.TxOptions{})
	f.equal("tables", len(tx.Schema().List(table.KindTable)), 1)
	f.rollback(tx)
}

// checkNamesAcross: of two transactions that create the same table, the second waits for the first.
func checkNamesAcross(f *fixture) {
	for i, commit := range []bool{false, true} {
		name := fmt.Sprintf("t%d", i)
		a, b := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
		_, err := a.Schema().Create(f.ctx, items(name))
		f.must(err)
		done := background(func() error { _, err := b.Schema().Create(f.ctx, items(name)); return err })
		f.waiting(b)
		if commit {
			f.commit(a)
			f.code(<-done, sqlerr.DuplicateTable)
			f.rollback(b)
		} else {
			f.rollback(a)
			f.must(<-done)
			f.commit(b)
		}
	}
}

// altered returns a copy of a table's definition to be changed.
func altered(tx table.Tx, id table.ObjectID) *table.TableDef {
	return tx.Schema().ByID(id).CloneObject().(*table.TableDef)
}

func checkAlter(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	d := altered(tx, id)
	d.Name, d.Columns[2].Name = "renamed", "w"
	f.must(tx.Schema().Alter(f.ctx, d))
	f.equal("old and new name", []table.ObjectID{lookup(tx, "t"), lookup(tx, "renamed")}, []table.ObjectID{0, id})
	f.equal("rows", f.rows(tx, id), filledRows)
	f.must(f.insert(tx, id, item(4, 40, "four")))
	f.commit(tx)
	f.equal("rows", f.committed(id), filledRows+" 4|40|four")
	tx = f.begin(table.TxOptions{})
	d = altered(tx, id)
	f.equal("name of the column", d.Columns[2].Name, "w")
	d.Columns[1].NotNull = true
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.NotNullViolation, `column "u" of relation "renamed" contains null values`)
	f.must(f.update(tx, id, []int64{3}, []int{1}, item(0, 30, "")[1:2]))
	f.must(tx.Schema().Alter(f.ctx, d))
	f.code(f.insert(tx, id, item(5, 0, "five")), sqlerr.NotNullViolation)
	f.rollback(tx)
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(5, 0, "five")) })
	tx = f.begin(table.TxOptions{})
	d = altered(tx, id)
	d.Version--
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.SerializationFailure) // made from an older definition
	d = altered(tx, id)
	d.ID += 1000
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.UndefinedTable)
	f.rollback(tx)
}

func checkDrop(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, item(4, 40, "four")))
	f.must(tx.Schema().Drop(f.ctx, id))
	f.equal("found after DROP", lookup(tx, "t"), 0)
	_, err := tx.Statement(f.ctx)
	f.must(err)
	f.code(f.insert(tx, id, item(5, 50, "five")), sqlerr.UndefinedTable)
	f.code(tx.Schema().Drop(f.ctx, id), sqlerr.UndefinedTable)
	f.rollback(tx)
	f.equal("rows after a rollback", f.committed(id), filledRows)
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	view, err := old.Statement(f.ctx)
	f.must(err)
	f.do(func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, id) })
	tx = f.begin(table.TxOptions{})
	f.equal("found after the commit", lookup(tx, "t"), 0)
	f.code(tx.LockTable(f.ctx, id, table.Share, table.WaitBlock), sqlerr.UndefinedTable)
	f.rollback(tx)
	f.must(view.Close(nil))
	f.rollback(old)
}

func checkOtherObjects(f *fixture) {
	tx := f.begin(table.TxOptions{})
	s := &table.SchemaDef{Header: table.Header{Kind: table.KindSchema, Name: "app"}}
	_, err := tx.Schema().Create(f.ctx, s)
	f.must(err)
	_, err = tx.Schema().Create(f.ctx, s)
	f.code(err, sqlerr.DuplicateSchema)
	f.rollback(tx)
	tx = f.begin(table.TxOptions{})
	app, err := tx.Schema().Create(f.ctx, s)
	f.must(err)
	d := f.method(items("t"))
	d.Schema = app
	id, err := tx.Schema().Create(f.ctx, d)
	f.must(err)
	setting := &table.SettingDef{Header: table.Header{Kind: table.KindSetting, Name: "work_mem"}, Value: "1MB"}
	_, err = tx.Schema().Create(f.ctx, setting)
	f.must(err)
	setting.Value = "2MB" // settings are replaced
	_, err = tx.Schema().Create(f.ctx, setting)
	f.must(err)
	f.commit(tx)
	tx = f.begin(table.TxOptions{})
	f.equal("the table in public, and in its schema", []bool{lookup(tx, "t") != 0, tx.Schema().LookupRelation(app, "t") != nil}, "[false true]")
	if got, ok := tx.Schema().Lookup(table.KindSetting, 0, "work_mem").(*table.SettingDef); !ok || got.Value != "2MB" {
		f.t.Errorf("setting %+v", got)
	}
	f.code(tx.Schema().Drop(f.ctx, app), sqlerr.DependentObjectsStillExist)
	f.must(tx.Schema().Drop(f.ctx, id))
	f.must(tx.Schema().Drop(f.ctx, app))
	f.commit(tx)
	tx = f.begin(table.TxOptions{})
	if o := tx.Schema().Lookup(table.KindSchema, 0, "app"); o != nil {
		f.t.Errorf("a dropped schema is there: %+v", o)
	}
	f.rollback(tx)
}

// checkSchemaSnapshot: above READ COMMITTED the schema is that of the snapshot.
func checkSchemaSnapshot(f *fixture) {
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	old.Schema().Version()
	now := f.begin(table.TxOptions{})
	id := f.filled()
	f.equal("what a snapshot and the present show", []table.ObjectID{lookup(old, "t"), lookup(now, "t")}, []table.ObjectID{0, id})
	_, err := old.Schema().Create(f.ctx, items("t"))
	if err == nil {
		_, err = old.Commit(f.ctx)
	}
	f.code(err, sqlerr.SerializationFailure)
	f.rollback(old)
	f.rollback(now)
}

// checkSchemaChanged: a statement that began before a table changed, and uses it afterwards.
func checkSchemaChanged(f *fixture) {
	id := f.filled()
	early, strict := f.begin(table.TxOptions{}), f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	a, err := early.Statement(f.ctx)
	f.must(err)
	strict.Schema().Version()
	f.do(func(tx table.Tx) error {
		d := altered(tx, id)
		d.Columns[2].Name = "w"
		return tx.Schema().Alter(f.ctx, d)
	})
	r, err := a.Reader(f.ctx, id)
	f.must(err)
	f.equal("column", r.Def().Columns[2].Name, "w")
	f.must(a.Close(nil))
	f.rollback(early)
	if err = f.insert(strict, id, item(9, 9, "nine")); err == nil {
		_, err = strict.Commit(f.ctx)
	}
	f.code(err, sqlerr.SerializationFailure)
	f.rollback(strict)
}
