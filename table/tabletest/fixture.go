package tabletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// fixture is a fresh storage and what the cases of the suite do with it over and over.
type fixture struct {
	t    *testing.T
	ctx  context.Context
	o    *Options
	fs   *vfs.MemFS // nil if the storage is not durable
	s    table.TableStorage
	made int // tables
}

// viewPolls bounds how often it is asked whether the background has given its View up.
const viewPolls = 2000

func newFixture(t *testing.T, o *Options) *fixture {
	f := &fixture{t: t, ctx: context.Background(), o: o}
	if o.Durable {
		f.fs = vfs.NewCrashableMem()
	}
	f.open()
	t.Cleanup(func() {
		m := f.s.Metrics()
		for n := 0; m.OpenViews > 1 && n < viewPolls; n++ { // what moves rows in the background holds one for a moment
			time.Sleep(time.Millisecond)
			m = f.s.Metrics()
		}
		if m.OpenViews > 1 || len(m.LockWaits) > 0 {
			t.Errorf("left open: %d views, waits %v", m.OpenViews, m.LockWaits)
		}
		if err := f.s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	var fs vfs.FS
	if f.fs != nil {
		fs = f.fs
	}
	s, err := f.o.Open(fs)
	f.must(err)
	f.s = s
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatalf("%s %v", sqlerr.CodeOf(err), err)
	}
}

// code checks an error's SQLSTATE, and its text unless that is left out.
func (f *fixture) code(err error, code sqlerr.Code, text ...string) {
	f.t.Helper()
	if sqlerr.CodeOf(err) != code || len(text) > 0 && err.Error() != text[0] {
		f.t.Fatalf("got %s %v, want %s %v", sqlerr.CodeOf(err), err, code, text)
	}
}

func (f *fixture) equal(what string, got, want any) {
	f.t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		f.t.Fatalf("%s:\ngot\n%s\nwant\n%s", what, g, w)
	}
}

// items is the table (id int8 PRIMARY KEY, u int4 UNIQUE, v text NOT NULL).
func items(name string) *table.TableDef {
	d := definition(0, Keyed, "")
	d.Name, d.Columns[2].NotNull = name, true
	d.Keys[0].Name, d.Keys[1].Name = name+"_pkey", name+"_u_key"
	return d
}

// notes is the table (id int8, u int4, v text).
func notes(name string) *table.TableDef {
	d := definition(0, Keyless, "")
	d.Name = name
	return d
}

// item makes a row of items or notes; u 0 and v "" are NULL.
func item(id, u int64, v string) types.Row {
	r := types.Row{types.NewInt(types.Int8, id), types.NullOf(types.Int4), types.NullOf(types.Text)}
	if u != 0 {
		r[1] = types.NewInt(types.Int4, u)
	}
	if v != "" {
		r[2] = types.NewString(types.Text, v)
	}
	return r
}

func idOf(id int64) types.Row { return types.Row{types.NewInt(types.Int8, id)} }

func textRow(v string) types.Row { return types.Row{types.NewString(types.Text, v)} }

var itemCols = []int{0, 1, 2}

func (f *fixture) begin(o table.TxOptions) table.Tx {
	f.t.Helper()
	tx, err := f.s.Begin(f.ctx, o)
	f.must(err)
	return tx
}

func (f *fixture) commit(tx table.Tx) table.Receipt {
	f.t.Helper()
	r, err := tx.Commit(f.ctx)
	f.must(err)
	return r
}

func (f *fixture) rollback(tx table.Tx) {
	f.t.Helper()
	f.must(tx.Rollback())
}

// method gives the tables of a storage that mixes tiers to each of them in turn.
func (f *fixture) method(d *table.TableDef) *table.TableDef {
	d.Method = f.o.Methods[f.made%len(f.o.Methods)]
	f.made++
	return d
}

// create makes a table in a transaction of its own.
func (f *fixture) create(d *table.TableDef) table.ObjectID {
	f.t.Helper()
	tx := f.begin(table.TxOptions{})
	id, err := tx.Schema().Create(f.ctx, f.method(d))
	f.must(err)
	f.commit(tx)
	return id
}

// filled makes the table of items t with the rows (1, 10, one), (2, 20, two), (3, NULL, three).
func (f *fixture) filled() table.ObjectID {
	f.t.Helper()
	id := f.create(items("t"))
	f.do(func(tx table.Tx) error {
		return f.insert(tx, id, item(1, 10, "one"), item(2, 20, "two"), item(3, 0, "three"))
	})
	return id
}

const filledRows = "1|10|one 2|20|two 3|∅|three"

// do runs a transaction and commits it.
func (f *fixture) do(work func(tx table.Tx) error) {
	f.t.Helper()
	tx := f.begin(table.TxOptions{})
	f.must(work(tx))
	f.commit(tx)
}

// statement runs work as a statement.
func (f *fixture) statement(tx table.Tx, work func(st table.Statement) error) error {
	st, err := tx.Statement(f.ctx)
	if err != nil {
		return err
	}
	return st.Close(work(st))
}

func (f *fixture) batch(d *table.TableDef, cols []int, rows ...types.Row) *vec.Batch {
	b, err := batchOf(d, cols, rows)
	f.must(err)
	return b
}

var plainInsert = table.OnConflict{Key: -1}

func (f *fixture) insert(tx table.Tx, id table.ObjectID, rows ...types.Row) error {
	return f.statement(tx, func(st table.Statement) error {
		w, err := st.Writer(f.ctx, id)
		if err != nil {
			return err
		}
		_, err = w.Insert(f.ctx, f.batch(w.Def(), allColumns(w.Def()), rows...), plainInsert)
		return err
	})
}

// update sets columns of the rows with the given ids.
func (f *fixture) update(tx table.Tx, id table.ObjectID, ids []int64, cols []int, vals ...types.Row) error {
	return f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, ids...)
		if err != nil {
			return err
		}
		_, err = w.Update(f.ctx, refs, cols, f.batch(w.Def(), cols, vals...))
		return err
	})
}

// setV sets the column v of one row.
func (f *fixture) setV(tx table.Tx, id table.ObjectID, key int64, v string) error {
	return f.update(tx, id, []int64{key}, []int{2}, textRow(v))
}

func (f *fixture) delete(tx table.Tx, id table.ObjectID, ids ...int64) error {
	return f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, ids...)
		if err != nil {
			return err
		}
		_, err = w.Delete(f.ctx, refs)
		return err
	})
}

// lock locks rows in a statement of their own and returns what became of them.
func (f *fixture) lock(tx table.Tx, id table.ObjectID, mode table.RowLock, wait table.Wait, ids ...int64) (out []table.LockResult, err error) {
	out = make([]table.LockResult, len(ids))
	return out, f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, ids...)
		if err != nil {
			return err
		}
		return w.Lock(f.ctx, refs, mode, wait, out)
	})
}

// refs returns the references of rows, and a writer.
func (f *fixture) refs(st table.Statement, id table.ObjectID, ids ...int64) (refs []table.RowRef, w table.Writer, err error) {
	r, err := st.Reader(f.ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range ids {
		ref, err := r.Ref(f.ctx, idOf(k))
		if err != nil {
			return nil, nil, fmt.Errorf("row %d: %w", k, err)
		}
		refs = append(refs, ref)
	}
	w, err = st.Writer(f.ctx, id)
	return refs, w, err
}

// rows returns what a new statement of a transaction sees of a table: rows in order, with spaces between.
func (f *fixture) rows(tx table.Tx, id table.ObjectID) string {
	f.t.Helper()
	var out scanned
	f.must(f.statement(tx, func(st table.Statement) (err error) {
		out, err = f.read(st, id, table.ScanSpec{})
		return err
	}))
	return joinRows(out)
}

func (f *fixture) read(st table.Statement, id table.ObjectID, spec table.ScanSpec) (scanned, error) {
	r, err := st.Reader(f.ctx, id)
	if err != nil {
		return scanned{}, err
	}
	return scanAll(f.ctx, r, spec)
}

func joinRows(s scanned) string {
	rows := make([]string, len(s.rows))
	for i, row := range s.rows { // by the values of the first column that differs
		rows[i] = strings.ReplaceAll(row, "|", "\x00")
	}
	slices.Sort(rows)
	return strings.ReplaceAll(strings.Join(rows, " "), "\x00", "|")
}

// committed returns the committed rows of a table.
func (f *fixture) committed(id table.ObjectID) string {
	f.t.Helper()
	tx := f.begin(table.TxOptions{ReadOnly: true})
	defer f.rollback(tx)
	return f.rows(tx, id)
}

// waitsMax bounds the wait for something that other goroutines are about to do.
const waitsMax = 20 * time.Second

// pause lets others go on.
func pause() { time.Sleep(20 * time.Microsecond) }

// until waits until a condition holds.
func (f *fixture) until(what string, holds func() bool) {
	f.t.Helper()
	for end := time.Now().Add(waitsMax); !holds(); pause() {
		if time.Now().After(end) {
			f.t.Fatalf("%s: it does not happen", what)
		}
	}
}

// waiting returns once a transaction waits for a lock.
func (f *fixture) waiting(tx table.Tx) {
	f.t.Helper()
	f.until("a wait for a lock", func() bool {
		return slices.ContainsFunc(f.s.Metrics().LockWaits, func(w table.LockWait) bool { return w.Waiter == tx.ID() })
	})
}

// background runs work in another goroutine; the result comes through the channel.
func background(work func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	return done
}

// reopen closes the storage and opens it again, or takes its power away instead of closing it.
func (f *fixture) reopen(crash bool) {
	f.t.Helper()
	if crash {
		clone := f.fs.CrashClone(vfs.CrashCloneCfg{})
		f.must(f.s.Close())
		f.fs = clone
	} else {
		f.must(f.s.Close())
	}
	f.open()
}

// lookup returns the ID of a table by name, 0 if the transaction sees none.
func lookup(tx table.Tx, name string) table.ObjectID {
	if o := tx.Schema().LookupRelation(table.PublicSchema, name); o != nil {
		return o.Head().ID
	}
	return 0
}

var errOnPurpose = errors.New("on purpose")
