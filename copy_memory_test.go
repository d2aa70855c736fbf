package lamina_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// copySlack is what slabs of tables and indexes may take beyond what was reserved for a commit.
const copySlack = 2 << 20

// TestCopiesAreReserved: the room for the rows of a large transaction is found before it is committed, so that memory never
// exceeds its limit by what tables copy; if it is not there the commit is refused, with nothing done.
func TestCopiesAreReserved(t *testing.T) {
	refused := 0
	for _, each := range []int{5_000, 12_000, 19_000, 26_000} {
		db, err := lamina.Open(t.TempDir(), &lamina.Options{MemoryBytes: roomBytes})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, g int4, c text) USING memory")
		rows := 0
		for ; rows < 1_000_000; rows += each {
			err = appendFrom(context.Background(), db, "t", rows, each)
			if err != nil {
				break
			}
		}
		wantCode(t, err, sqlerr.OutOfMemory, "a transaction")
		refused++
		want(t, db, fmt.Sprint(rows), "SELECT count(*) FROM t")
		m := db.Metrics()
		if m.MemoryPeakBytes > m.MemoryLimit+copySlack || m.MemoryPeakBytes < m.MemoryLimit/2 {
			t.Errorf("transactions of %d rows: at most %d bytes of %d", each, m.MemoryPeakBytes, m.MemoryLimit)
		}
		t.Logf("transactions of %d rows: %d rows, at most %d bytes of %d", each, rows, m.MemoryPeakBytes, m.MemoryLimit)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if refused != 4 {
		t.Errorf("%d databases were filled", refused)
	}
}
