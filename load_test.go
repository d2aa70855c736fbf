package lamina_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var loadFor = flag.Duration("load", 0, "how long TestMixedLoad runs; 0: a number of transactions")

const (
	loadWorkers  = 100
	loadAccounts = 500
	loadEach     = 20 // transactions of a worker without -load
)

// TestMixedLoad runs transfers, reads of all, inserts and deletes in 100 goroutines: no error but those that say "try
// again", no money made or lost.
func TestMixedLoad(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	exec(t, db, "CREATE TABLE account (id int8 PRIMARY KEY, balance int8 NOT NULL CHECK (balance >= 0)); CREATE TABLE history (id int8, n int8)")
	exec(t, db, "INSERT INTO account SELECT i, 1000 FROM generate_series(1, $1::int8) AS s(i)", loadAccounts)
	var wg sync.WaitGroup
	var done, again atomic.Int64
	var times table.Histogram
	until := time.Now().Add(*loadFor)
	for w := range loadWorkers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(3, uint64(w)))
			for i := 0; i < loadEach || *loadFor > 0 && time.Now().Before(until); i++ {
				start := time.Now()
				err := mixed(ctx, db, rng, w, i)
				times.Since(start)
				switch code := sqlerr.CodeOf(err); {
				case err == nil:
					done.Add(1)
				case code == sqlerr.SerializationFailure || code == sqlerr.DeadlockDetected:
					again.Add(1)
				default:
					t.Errorf("worker %d, transaction %d: %s %v", w, i, code, err)
					return
				}
			}
		})
	}
	wg.Wait()
	d := times.Distribution()
	t.Logf("%d transactions, %d to be tried again; half within %v, 99.9 %% within %v", done.Load(), again.Load(),
		time.Duration(d.Quantile(0.5)), time.Duration(d.Quantile(0.999)))
	want(t, db, fmt.Sprint(loadAccounts*1000), "SELECT sum(balance) FROM account")
	if n := done.Load(); n < loadWorkers*loadEach/2 {
		t.Errorf("only %d transactions were committed", n)
	}
}

// mixed runs one transaction.
func mixed(ctx context.Context, db *lamina.DB, rng *rand.Rand, w, i int) error {
	o := table.TxOptions{Isolation: table.Isolation(rng.IntN(2))}
	tx, err := db.Begin(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	run := func(sql string, args ...any) {
		if err == nil {
			_, err = tx.Exec(ctx, sql, args...)
		}
	}
	switch rng.IntN(4) {
	case 0:
		run("SELECT count(*), sum(balance) FROM account")
	case 1:
		run("INSERT INTO history VALUES ($1, $2)", w, i)
		run("DELETE FROM history WHERE id = $1 AND n < $2", w, i-5)
	default:
		from, to := 1+rng.IntN(loadAccounts), 1+rng.IntN(loadAccounts)
		run("UPDATE account SET balance = balance - 1 WHERE id = $1 AND balance > 0 AND id <> $2", from, to)
		var moved int64
		if err == nil {
			err = first(ctx, tx, &moved, "SELECT count(*) FROM account WHERE id = $1 AND balance < 1000000 AND id <> $2", from, to)
		}
		if moved > 0 {
			run("UPDATE account SET balance = balance + 1 WHERE id = $1", to)
		}
	}
	if err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}

// first reads the only value of a query.
func first(ctx context.Context, q lamina.Querier, into any, sql string, args ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err has what there is to say
	if rows.Next() {
		if err := rows.Scan(into); err != nil {
			return err
		}
	}
	return rows.Err()
}

// memoryChild marks the child process of TestMemoryOfTheProcess.
const memoryChild = "LAMINA_TEST_MEMORY"

// memoryLimit is what the child's database may use, memoryMore what its process may need besides a tenth of that.
const (
	memoryLimit = 128 << 20
	memoryMore  = 64 << 20
)

// TestMemoryOfTheProcess fills a database until it refuses more (53200), while queries want all the memory they can get,
// in a process of its own, whose memory stays within bounds at every time; then it answers still.
func TestMemoryOfTheProcess(t *testing.T) {
	if os.Getenv(memoryChild) == "" {
		if runtime.GOOS != "linux" {
			t.Skip("needs linux: the memory of the process is read from /proc")
		}
		c := osexec.Command(os.Args[0], "-test.run=^TestMemoryOfTheProcess$", "-test.v")
		c.Env = append(os.Environ(), memoryChild+"=1")
		out, err := c.CombinedOutput()
		if t.Logf("%s", out); err != nil || !bytes.Contains(out, []byte("filled")) {
			t.Fatalf("%v", err)
		}
		return
	}
	ctx := context.Background()
	db, err := lamina.Open("", &lamina.Options{MemoryBytes: memoryLimit})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the process ends
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, a text)")
	for i := 0; ; i++ {
		_, err = db.Exec(ctx, "INSERT INTO t SELECT i, repeat('x', 200) || i FROM generate_series($1::int8, $2::int8) AS s(i)", i*2000, i*2000+1999)
		if err != nil {
			break
		}
		if i%4 == 3 {
			groupAll(t, db)
		}
	}
	wantCode(t, err, sqlerr.OutOfMemory, "beyond the limit")
	var rows int64
	if err := first(ctx, db, &rows, "SELECT count(*) FROM t WHERE length(a) > 0"); err != nil || rows < 50_000 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	most := int64(memoryLimit*11/10 + memoryMore)
	if invariants.Enabled { // the race detector keeps shadows
		most *= 8
	}
	rss := mem.PeakResident()
	if rss == 0 {
		t.Fatal("the system does not tell how much memory the process had")
	}
	if rss > most {
		t.Errorf("the process had %d MiB", rss>>20)
	} else {
		t.Logf("filled with %d rows: the process had %d MiB", rows, rss>>20)
	}
}

// groupAll runs queries that remember every row, each in slabs of other sizes, until they are refused.
func groupAll(t *testing.T, db *lamina.DB) {
	t.Helper()
	for _, sql := range []string{
		"SELECT max(n) FROM (SELECT a, count(*) AS n FROM t GROUP BY a) AS x",
		"SELECT max(n) FROM (SELECT id, count(*) AS n FROM t GROUP BY id) AS x",
		"SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY a DESC) AS n FROM t) AS x",
		"SELECT count(*) FROM t AS x JOIN t AS y ON x.a = y.a",
	} {
		var n int64
		if err := first(context.Background(), db, &n, sql); err != nil && sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}
