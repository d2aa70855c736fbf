package store

import (
	"context"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestForeignKeyMemory: what a statement notes of keys that were lost counts as memory of its transaction, and is given back
// when it has been checked.
func TestForeignKeyMemory(t *testing.T) {
	ctx := context.Background()
	s, err := Open(table.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the answers count
	begin := func(bytes int64) *Tx {
		tx, err := s.Begin(ctx, table.TxOptions{WriteBytes: bytes})
		if err != nil {
			t.Fatal(err)
		}
		return tx.(*Tx)
	}
	const rows = 20 * vec.Size
	parent := &table.TableDef{
		Header: table.Header{Schema: table.PublicSchema, Name: "p"}, Columns: []table.Column{{Name: "id", Type: types.T(types.Int8)}},
		Keys: []table.Key{{Name: "p_pkey", Primary: true, Columns: []int{0}}},
	}
	tx := begin(0)
	p, err := tx.Schema().Create(ctx, parent)
	if err != nil {
		t.Fatal(err)
	}
	child := &table.TableDef{
		Header: table.Header{Schema: table.PublicSchema, Name: "c"}, Columns: []table.Column{{Name: "p", Type: types.T(types.Int8)}},
		Foreign: []table.ForeignKey{{Name: "fk", Columns: []int{0}, Table: p, RefColumns: []uint32{1}, OnDelete: table.Cascade}},
	}
	c, err := tx.Schema().Create(ctx, child)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []table.ObjectID{p, c} {
		insertNumbers(ctx, t, tx, id, rows)
	}
	if _, err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}

	tx = begin(4 << 20)
	if err := deleteAll(ctx, tx, p); sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		t.Errorf("%v, want 53200", err)
	}
	if w := tx.table(p).w; w.noted != 0 {
		t.Errorf("%d bytes are still charged", w.noted)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	tx = begin(0)
	if err := deleteAll(ctx, tx, p); err != nil {
		t.Fatal(err)
	}
	if a, b := tx.table(p).w, tx.table(c).w; a.noted != 0 || b.noted != 0 || b.deleted != rows {
		t.Errorf("%d and %d bytes are still charged, %d rows deleted", a.noted, b.noted, b.deleted)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

// insertNumbers inserts the rows 0 … n-1.
func insertNumbers(ctx context.Context, t *testing.T, tx *Tx, id table.ObjectID, n int) {
	t.Helper()
	st, err := tx.Statement(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w, err := st.Writer(ctx, id)
	for i := 0; err == nil && i < n; i += vec.Size {
		b := vec.NewBatchBuilder([]types.Type{types.T(types.Int8)}, vec.Size, nil)
		for j := i; err == nil && j < min(n, i+vec.Size); j++ {
			err = b.AppendRow(types.Row{types.NewInt(types.Int8, int64(j))})
		}
		if err == nil {
			_, err = w.Insert(ctx, b.Batch(), table.OnConflict{Key: -1})
		}
	}
	if err := st.Close(err); err != nil {
		t.Fatal(err)
	}
}

// deleteAll deletes all rows of a table in one statement.
func deleteAll(ctx context.Context, tx *Tx, id table.ObjectID) error {
	st, err := tx.Statement(ctx)
	if err != nil {
		return err
	}
	return st.Close(func() error {
		r, err := st.Reader(ctx, id)
		if err != nil {
			return err
		}
		s, err := r.Scan(ctx, table.ScanSpec{Refs: true})
		if err != nil {
			return err
		}
		var refs []table.RowRef
		if err := scanAll(ctx, s, func(c *rowCheck) error {
			for i := range c.batch.N {
				refs = append(refs, table.RowRef(c.batch.BatchDatum(c.batch.NumCols()-1, i).I))
			}
			return nil
		}); err != nil {
			return err
		}
		w, err := st.Writer(ctx, id)
		if err != nil {
			return err
		}
		_, err = w.Delete(ctx, refs)
		return err
	}())
}
