package store

import (
	"testing"

	"github.com/laminadb/lamina/table"
)

// TestWriteSetDefault: a write set may have half of the store's memory, within bounds, unless its transaction says
// otherwise.
func TestWriteSetDefault(t *testing.T) {
	for _, c := range []struct{ memory, asked, want int64 }{
		{256 << 20, 0, 1 << 30},
		{6 << 30, 0, 3 << 30},
		{64 << 30, 0, 4<<30 - 64<<20},
		{64 << 30, 5 << 20, 5 << 20},
		{64 << 30, 1 << 40, 4<<30 - 64<<20},
	} {
		s, err := Open(table.Memory{Common: table.Common{MemoryBytes: c.memory}})
		if err != nil {
			t.Fatal(err)
		}
		tx, err := s.Begin(t.Context(), table.TxOptions{WriteBytes: c.asked})
		if err != nil {
			t.Fatal(err)
		}
		if got := tx.(*Tx).tracker().Limit(); got != c.want {
			t.Errorf("of %d bytes, %d asked for: %d, want %d", c.memory, c.asked, got, c.want)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
