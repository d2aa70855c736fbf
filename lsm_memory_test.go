package lamina_test

import (
	"context"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// TestOldSnapshotsBoundLSMTables: a snapshot that is held for ever makes writers of LSM tables run out of memory, not the
// process; once it is gone they go on.
func TestOldSnapshotsBoundLSMTables(t *testing.T) {
	db, err := lamina.Open(t.TempDir(), &lamina.Options{MemoryBytes: 24 << 20, Storage: table.LSM{MemtablesMax: 2}})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, n int8); INSERT INTO t SELECT i, 0 FROM generate_series(1, 5000) AS s(i)")
	ctx := context.Background()
	old, err := db.Begin(ctx, table.TxOptions{Isolation: table.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(ctx, "SELECT count(*) FROM t"); err != nil {
		t.Fatal(err)
	}
	rounds := 0
	for ; err == nil; rounds++ {
		if rounds == 100 {
			t.Fatal("100 versions of each row are remembered in 24 MiB")
		}
		_, err = db.Exec(ctx, "UPDATE t SET n = n + 1")
	}
	wantCode(t, err, sqlerr.OutOfMemory, "an update")
	if rounds < 3 {
		t.Errorf("%d rounds", rounds)
	}
	if err := old.Rollback(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE t SET n = n + 1")
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
