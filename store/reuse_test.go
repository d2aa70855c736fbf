package store

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// TestBeginInMemoryOfAnother: a transaction that has ended gives its memory to the next one, once; an open one keeps it.
func TestBeginInMemoryOfAnother(t *testing.T) {
	for name, fs := range map[string]vfs.FS{"memory": nil, "directory": vfs.NewMem()} {
		t.Run(name, func(t *testing.T) { beginInMemoryOfAnother(t, open(t, fs)) })
	}
}

func beginInMemoryOfAnother(t *testing.T, s *Store) {
	id := create(t, s, pairs("t"))
	beginIn := func(spare table.Tx, o table.TxOptions) *Tx {
		return must(s.BeginIn(context.Background(), o, spare))(t).(*Tx)
	}
	reused, rows := 0, int64(0)
	var last *Tx
	for i := range 40 {
		var spare table.Tx
		if last != nil {
			spare = last
		}
		tx := beginIn(spare, table.TxOptions{ReadOnly: i%4 == 3, Isolation: table.Isolation(i % 3)})
		if tx == last {
			reused++
		}
		other := beginIn(tx, table.TxOptions{})
		if other == tx {
			t.Fatal("an open transaction lost its memory")
		}
		if other.ID() == tx.ID() {
			t.Fatal("two transactions of one number")
		}
		if err := other.Rollback(); err != nil {
			t.Fatal(err)
		}
		if tx.ID() == 0 || tx.done || len(tx.tables) > 0 {
			t.Fatal("a transaction begins with something")
		}
		switch i % 4 {
		case 3:
			contents(t, tx, id)
		default:
			if err := insertRows(t, tx, id, row(int64(i+1), int64(i+1), "v")); err != nil {
				t.Fatal(err)
			}
		}
		if i%4 == 2 {
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		} else {
			commitTx(t, tx)
			rows += int64(1 - i%4/3)
		}
		last = tx
	}
	if reused != 39 {
		t.Errorf("%d of 39 transactions in the memory of the one before", reused)
	}
	if n := s.Metrics().RowsInserted; n != rows || rows != 20 {
		t.Errorf("%d rows inserted, %d committed, want 20", n, rows)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
