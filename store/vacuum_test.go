package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/wal/waltest"
)

// vacuumRows is more rows than one call of the tiers looks at.
const vacuumRows = 200_000

// TestVacuum frees what no View shows of a table, and nothing that one shows.
func TestVacuum(t *testing.T) {
	for _, method := range []string{"memory", "columnar"} {
		s := openVacuumed(t, table.Columnar{DeltaBytes: 1 << 30})
		def := pairs("t")
		def.Method = method
		id := create(t, s, def)
		write := func(f func(tx *Tx) error) {
			t.Helper()
			tx := begin(t, s, table.TxOptions{})
			must(0, f(tx))(t)
			commitTx(t, tx)
		}
		ids := make([]int64, vacuumRows)
		for i := range ids {
			ids[i] = int64(i)
		}
		insert := func(ids []int64) {
			t.Helper()
			for part := range slices.Chunk(ids, 2000) {
				write(func(tx *Tx) error {
					rows := make([]types.Row, len(part))
					for i, id := range part {
						rows[i] = row(id, 0, "value")
					}
					return insertRows(t, tx, id, rows...)
				})
			}
		}
		insert(ids)
		report := func() string {
			t.Helper()
			r := must(s.Vacuum(t.Context(), id))(t)
			return fmt.Sprint(r.Freed > 0, " ", r.Left < 2*2048)
		}
		if got := report(); got != "false true" {
			t.Errorf("%s: nothing has ended: %s", method, got)
		}
		full := s.mem.Used()
		old := begin(t, s, table.TxOptions{Isolation: table.RepeatableRead, ReadOnly: true})
		st := must(old.Statement(t.Context()))(t)
		r := must(st.Reader(t.Context(), id))(t)
		// One row lives on: TRUNCATE is another way to be rid of all.
		write(func(tx *Tx) error {
			for part := range slices.Chunk(ids[:vacuumRows-1], 2000) {
				if err := deleteRows(tx, id, part...); err != nil {
					return err
				}
			}
			return nil
		})
		if got := report(); got != "false false" {
			t.Errorf("%s: an old View shows all: %s", method, got)
		}
		if _, err := r.Get(t.Context(), types.Row{types.NewInt(types.Int8, 7)}, []int{0}, nil); err != nil {
			t.Errorf("%s: what the View shows: %v", method, err)
		}
		must(0, st.Close(nil))(t)
		must(0, old.Rollback())(t)
		if got := report(); got != "true true" {
			t.Errorf("%s: the View is gone: %s", method, got)
		}
		wantRowCount(t, s, id, 1)
		now := s.mem.Used()
		insert(ids[:vacuumRows-1])
		if again := s.mem.Used(); again > now+full*4/5 { // keys are of other places than before
			t.Errorf("%s: the rows took %d bytes; with others in the place of those that were freed it is %d after %d", method, full, again, now)
		}
		wantRowCount(t, s, id, vacuumRows)
		_, err := s.Vacuum(t.Context(), id+100)
		wantLike(t, err, sqlerr.UndefinedTable, "does not exist")
		must(0, s.Checkpoint(t.Context()))(t)
		must(0, s.Close())(t)
	}
}

func openVacuumed(t *testing.T, c table.Columnar) *Store {
	t.Helper()
	c.Dir, c.Common = "db", table.Common{FS: waltest.NewCrashFS(), MemoryBytes: 64 << 20}
	return must(Open(c))(t).(*Store)
}

func wantRowCount(t *testing.T, s *Store, id table.ObjectID, want int64) {
	t.Helper()
	for _, m := range s.Metrics().Tables {
		if m.ID == id && m.Rows != want {
			t.Errorf("%d rows, want %d", m.Rows, want)
		}
	}
}
