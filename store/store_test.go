package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// open opens a store on fs, in memory if fs is nil.
func open(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := tryOpen(fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryOpen(fs vfs.FS) (*Store, error) {
	var cfg table.Config = table.Memory{}
	if fs != nil {
		cfg = table.Columnar{Dir: "db", Common: table.Common{FS: fs, LogFileBytes: 64 << 10}}
	}
	s, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	return s.(*Store), nil
}

// pairs is the table (id int8 PRIMARY KEY, u int4 UNIQUE, v text NOT NULL).
func pairs(name string) *table.TableDef {
	d := &table.TableDef{}
	d.Schema, d.Name = table.PublicSchema, name
	d.Columns = []table.Column{
		{Name: "id", Type: types.T(types.Int8)}, {Name: "u", Type: types.T(types.Int4)},
		{Name: "v", Type: types.T(types.Text), NotNull: true},
	}
	d.Keys = []table.Key{{Name: name + "_pkey", Primary: true, Columns: []int{0}}, {Name: name + "_u_key", Columns: []int{1}}}
	return d
}

// keyless is the table (id int8, u int4, v text).
func keyless(name string) *table.TableDef {
	d := pairs(name)
	d.Keys, d.Columns[2].NotNull = nil, false
	return d
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func begin(t testing.TB, s *Store, o table.TxOptions) *Tx {
	t.Helper()
	return must(s.Begin(context.Background(), o))(t).(*Tx)
}

func commitTx(t testing.TB, tx *Tx) table.Receipt {
	t.Helper()
	return must(tx.Commit(context.Background()))(t)
}

func create(t testing.TB, s *Store, def *table.TableDef) table.ObjectID {
	t.Helper()
	tx := begin(t, s, table.TxOptions{})
	id := must(tx.Schema().Create(context.Background(), def))(t)
	commitTx(t, tx)
	return id
}

// row makes (id, u, v); u 0 is NULL, v "" is NULL.
func row(id, u int64, v string) types.Row {
	r := types.Row{types.NewInt(types.Int8, id), types.NewInt(types.Int4, u), types.NewString(types.Text, v)}
	if u == 0 {
		r[1] = types.NullOf(types.Int4)
	}
	if v == "" {
		r[2] = types.NullOf(types.Text)
	}
	return r
}

func batch(t testing.TB, def *table.TableDef, cols []int, rows ...types.Row) *vec.Batch {
	t.Helper()
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = def.Columns[c].Type
	}
	bb := vec.NewBatchBuilder(ts, len(rows), nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			t.Fatal(err)
		}
	}
	return bb.Batch()
}

var allCols = []int{0, 1, 2}

// statement runs f as a statement of tx.
func statement(tx *Tx, f func(st table.Statement) error) error {
	st, err := tx.Statement(context.Background())
	if err != nil {
		return err
	}
	return st.Close(f(st))
}

func insertRows(t testing.TB, tx *Tx, id table.ObjectID, rows ...types.Row) error {
	t.Helper()
	return statement(tx, func(st table.Statement) error {
		w, err := st.Writer(context.Background(), id)
		if err != nil {
			return err
		}
		_, err = w.Insert(context.Background(), batch(t, w.Def(), allCols, rows...), table.OnConflict{Key: -1})
		return err
	})
}

// updateRows sets columns of the rows with the given primary keys.
func updateRows(t testing.TB, tx *Tx, id table.ObjectID, ids []int64, cols []int, vals ...types.Row) error {
	t.Helper()
	return statement(tx, func(st table.Statement) error {
		refs, w, err := refsOf(st, id, ids)
		if err != nil {
			return err
		}
		_, err = w.Update(context.Background(), refs, cols, batch(t, w.Def(), cols, vals...))
		return err
	})
}

func deleteRows(tx *Tx, id table.ObjectID, ids ...int64) error {
	return statement(tx, func(st table.Statement) error {
		refs, w, err := refsOf(st, id, ids)
		if err != nil {
			return err
		}
		_, err = w.Delete(context.Background(), refs)
		return err
	})
}

func refsOf(st table.Statement, id table.ObjectID, ids []int64) ([]table.RowRef, table.Writer, error) {
	r, err := st.Reader(context.Background(), id)
	if err != nil {
		return nil, nil, err
	}
	w, err := st.Writer(context.Background(), id)
	if err != nil {
		return nil, nil, err
	}
	var refs []table.RowRef
	for _, k := range ids {
		ref, err := r.Ref(context.Background(), types.Row{types.NewInt(types.Int8, k)})
		if err != nil {
			return nil, nil, fmt.Errorf("row %d: %w", k, err)
		}
		refs = append(refs, ref)
	}
	return refs, w, nil
}

// contents returns the rows that a new statement of tx sees, as text.
func contents(t testing.TB, tx *Tx, id table.ObjectID) string {
	t.Helper()
	var out string
	err := statement(tx, func(st table.Statement) error {
		r, err := st.Reader(context.Background(), id)
		if err != nil {
			return err
		}
		return scanRows(context.Background(), r, func(c *rowCheck) error {
			out += vec.Format(&c.batch)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// committed returns the rows of a table that are committed now.
func committedRows(t testing.TB, s *Store, name string) string {
	t.Helper()
	tx := begin(t, s, table.TxOptions{ReadOnly: true})
	defer func() { _ = tx.Rollback() }()
	o := tx.Schema().LookupRelation(table.PublicSchema, name)
	if o == nil {
		t.Fatalf("no table %s", name)
	}
	return contents(t, tx, o.Head().ID)
}

func wantCode(t testing.TB, err error, code sqlerr.Code, text string) {
	t.Helper()
	if sqlerr.CodeOf(err) != code || code != "00000" && err.Error() != text {
		t.Fatalf("got %s %v, want %s %s", sqlerr.CodeOf(err), err, code, text)
	}
}

func wantText(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
}

func TestInsertCommitReopen(t *testing.T) {
	for _, fs := range []vfs.FS{nil, vfs.NewMem()} {
		s := open(t, fs)
		id := create(t, s, pairs("t"))
		tx := begin(t, s, table.TxOptions{})
		if err := insertRows(t, tx, id, row(1, 10, "one"), row(2, 0, "two, which is rather long")); err != nil {
			t.Fatal(err)
		}
		const want = "1 | 10 | one\n2 | ∅ | two, which is rather long\n"
		wantText(t, contents(t, tx, id), want)
		wantText(t, committedRows(t, s, "t"), "")
		if r := commitTx(t, tx); r.LSN != 2 || r.Time.IsZero() {
			t.Errorf("receipt %+v", r)
		}
		wantText(t, committedRows(t, s, "t"), want)
		if fs != nil {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, fs)
			wantText(t, committedRows(t, s, "t"), want)
			if err := s.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			tx := begin(t, s, table.TxOptions{})
			if err := deleteRows(tx, id, 1); err != nil {
				t.Fatal(err)
			}
			commitTx(t, tx)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, fs)
			wantText(t, committedRows(t, s, "t"), "2 | ∅ | two, which is rather long\n")
			if err := s.Verify(t.Context(), func(d table.Damage) bool { t.Error(d); return true }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); !errors.Is(err, errClosed) {
			t.Errorf("second close: %v", err)
		}
	}
}
