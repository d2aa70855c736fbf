package lamina_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// statementCounts are the statements counted so far, by kind; zeros are left out.
func statementCounts(m table.Metrics) string {
	var sb strings.Builder
	for _, s := range m.Statements {
		if s.Times.Count != 0 {
			fmt.Fprintf(&sb, "%s=%d ", s.Name, s.Times.Count)
		}
	}
	return strings.TrimSpace(sb.String())
}

func errorCounts(m table.Metrics) string {
	var sb strings.Builder
	for _, e := range m.Errors {
		fmt.Fprintf(&sb, "%s=%d ", e.Class, e.Count)
	}
	return strings.TrimSpace(sb.String())
}

// metricsWorkload is a known workload: each statement, how often, and the class of error it fails with.
var metricsWorkload = []struct {
	sql   string
	times int
	class string
}{
	{"CREATE TABLE t (id int8 PRIMARY KEY, a int8)", 1, ""},
	{"CREATE VIEW v AS SELECT a FROM t", 1, ""},
	{"INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS s(i)", 1, ""},
	{"SELECT a FROM t WHERE id = 7", 11, ""},
	{"SELECT count(*) FROM t", 5, ""},
	{"UPDATE t SET a = a + 1 WHERE id <= 10", 3, ""},
	{"DELETE FROM t WHERE id = 100", 2, ""},
	{"EXPLAIN SELECT 1", 2, ""},
	{"PREPARE p AS SELECT a FROM t", 1, ""},
	{"EXECUTE p", 4, ""},
	{"BEGIN", 2, ""},
	{"COMMIT", 1, ""},
	{"ROLLBACK", 1, ""},
	{"SELECT 1 / (a - a) FROM t WHERE id = 7", 3, "22"},
	{"SELECT 1 / (a - a) FROM t", 2, "22"},
	{"SELECT nothing FROM t", 4, "42"},
	{"SELEC", 2, "42"},
	{"INSERT INTO t VALUES (1, 1)", 5, "23"},
	{"CREATE TABLE t (a int)", 1, "42"},
}

// TestMetricsExact runs a known workload and demands exact counts of everything that it determines.
func TestMetricsExact(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	before := db.Metrics()
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	for _, w := range metricsWorkload {
		for range w.times {
			_, err := c.Exec(ctx, w.sql)
			if class := string(sqlerr.CodeOf(err))[:2]; class != w.class && (err != nil || w.class != "") {
				t.Fatalf("%s: %v", w.sql, err)
			}
		}
	}
	m := db.Metrics()
	equal := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	// What fails before it can run is an error and no statement: SELECT nothing, SELEC.
	equal("statements", statementCounts(m), "get=14 select=11 insert=6 update=3 delete=2 ddl=3 transaction=4 other=3")
	equal("errors", errorCounts(m), "22=5 23=5 42=7")
	equal("commits", m.Commits-before.Commits, 2+1+3+1)
	equal("commit times", m.CommitTimes.Count, m.Commits-before.Commits)
	equal("transactions in groups", m.GroupSizes.Count, m.Commits-before.Commits)
	equal("largest group", m.GroupSizes.Max(), 1)
	equal("rows", []int64{m.RowsInserted, m.RowsUpdated, m.RowsDeleted}, []int64{100, 30, 1})
	equal("sync times", m.SyncTimes.Count, m.LogSyncs)
	if m.LogSyncs == 0 || m.LogBytes <= before.LogBytes {
		t.Errorf("%d syncs, %d bytes of log", m.LogSyncs, m.LogBytes)
	}
	if len(m.Tables) != 1 || m.Tables[0].Rows != 99 || m.Tables[0].Tier != "columnar" {
		t.Errorf("tables: %+v", m.Tables)
	}
	for _, s := range m.Statements {
		if d := s.Times; d.Count > 0 && (d.Quantile(0.5) <= 0 || d.Quantile(0.999) < d.Quantile(0.5)) {
			t.Errorf("%s: half within %d ns, all but a thousandth within %d", s.Name, d.Quantile(0.5), d.Quantile(0.999))
		}
	}
	checkpointed(t, db)
}

// checkpointed checks what a checkpoint shows in the metrics, and the kinds of memory and files.
func checkpointed(t *testing.T, db *lamina.DB) {
	t.Helper()
	before := db.Metrics()
	if err := db.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	m := db.Metrics()
	if n := m.Checkpoints - before.Checkpoints; n != 1 || m.CheckpointTimes.Count != m.Checkpoints {
		t.Errorf("%d checkpoints, %d times", n, m.CheckpointTimes.Count)
	}
	var memory, disk []string
	sum := int64(0)
	for _, x := range m.Memory {
		memory = append(memory, x.Name)
		if x.Name != "queries" {
			sum += x.Bytes
		}
	}
	if got := fmt.Sprint(memory); got != "[write sets remembered commits memory tables columnar tables LSM tables queries]" || sum != m.MemoryBytes {
		t.Errorf("memory: %s, %d of %d bytes", got, sum, m.MemoryBytes)
	}
	for _, x := range m.Disk {
		if x.Bytes <= 0 {
			t.Errorf("%s: %d bytes", x.Name, x.Bytes)
		}
		disk = append(disk, x.Name)
	}
	if got := fmt.Sprint(disk); got != "[log snapshots other]" {
		t.Errorf("disk: %s", got)
	}
}

// TestMetricsLocks makes one transaction wait for another.
func TestMetricsLocks(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.Exec(ctx, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin(ctx, table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM t"); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() {
		_, err := db.Exec(ctx, "DELETE FROM t")
		waited <- err
	}()
	for len(db.Metrics().LockWaits) == 0 {
		runtime.Gosched()
	}
	m := db.Metrics()
	if len(m.LockWaits) != 1 || m.LockWaited != 1 || m.LockWaitTimes.Count != 0 {
		t.Errorf("while one waits: %d edges, %d waits, %d of them ended", len(m.LockWaits), m.LockWaited, m.LockWaitTimes.Count)
	}
	if len(m.Views) == 0 || m.OldestViewLSN != m.Views[0].LSN {
		t.Errorf("views: %+v", m.Views)
	}
	if _, err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if m := db.Metrics(); len(m.LockWaits) != 0 || m.LockWaited != 1 || m.LockWaitTimes.Count != 1 {
		t.Errorf("after it: %d edges, %d waits, %d of them ended", len(m.LockWaits), m.LockWaited, m.LockWaitTimes.Count)
	}
}
