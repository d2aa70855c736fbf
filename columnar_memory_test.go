package lamina_test

import (
	"context"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// TestOldSnapshotsBoundColumnarTables: what is written while a snapshot is held stays in memory, flushed or not, so that
// writers are refused in the end; the snapshot is still read, and once it is gone they go on.
func TestOldSnapshotsBoundColumnarTables(t *testing.T) {
	db, err := lamina.Open(t.TempDir(), &lamina.Options{MemoryBytes: 48 << 20})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, n int8, c text); INSERT INTO t SELECT i, 0, 'x' FROM generate_series(1, 1000) AS s(i)")
	ctx := context.Background()
	old, err := db.Begin(ctx, table.TxOptions{Isolation: table.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	read := func() int64 {
		rows, err := old.Query(ctx, "SELECT count(*) FROM t")
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for rows.Next() {
			n = rows.Row()[0].I
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := read()
	const batch = "INSERT INTO t SELECT i, $1::int8, repeat('x', 200) FROM generate_series($1::int8 * 2000 + 1, $1::int8 * 2000 + 2000) AS s(i)"
	rounds := int64(1)
	for ; err == nil; rounds++ {
		if rounds == 1000 {
			t.Fatal("2,000,000 rows of 200 bytes were written in 48 MiB beside a snapshot from before")
		}
		_, err = db.Exec(ctx, batch, rounds)
	}
	wantCode(t, err, sqlerr.OutOfMemory, "an insert")
	if now := read(); first != 1000 || now != first || rounds < 10 {
		t.Errorf("%d rounds, %d rows at first and %d now", rounds, first, now)
	}
	if err := old.Rollback(); err != nil {
		t.Fatal(err)
	}
	for i := range int64(20) {
		if _, err := db.Exec(ctx, batch, rounds+1+i); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds", rounds)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
