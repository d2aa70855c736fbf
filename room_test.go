package lamina_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// roomBytes is the memory of the databases that are filled with many times as much.
const roomBytes = 64 << 20

// TestLoadsWaitForMemory fills tables with several times the memory of the database, by transactions of all sizes at once:
// whoever writes waits until memtables are in files, and nobody is refused.
func TestLoadsWaitForMemory(t *testing.T) {
	for _, method := range []string{"columnar", "lsm"} {
		t.Run(method, func(t *testing.T) {
			db, err := lamina.Open(t.TempDir(), &lamina.Options{MemoryBytes: roomBytes})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			for i := range 3 {
				exec(t, db, fmt.Sprintf("CREATE TABLE t%d (id int8 PRIMARY KEY, g int4, c text) USING %s", i, method))
			}
			fillBeside(t, db)
			want(t, db, "100000|100000|25000", "SELECT (SELECT count(*) FROM t0), (SELECT count(*) FROM t1), (SELECT count(*) FROM t2)")
			want(t, db, "4999950000|3863890", "SELECT (SELECT sum(id) FROM t1), (SELECT sum(length(c)) FROM t2)")
			checkRoom(t, db.Metrics(), method)
		})
	}
}

// checkRoom demands that memory was short, and was made.
func checkRoom(t *testing.T, m table.Metrics, method string) {
	t.Helper()
	for _, tier := range m.Tiers {
		if tier.Name == method && (tier.Flushes < 4 || tier.Stalls < 5 && method == "columnar") {
			t.Errorf("%d flushes, %d waits", tier.Flushes, tier.Stalls)
		}
	}
	if method == "columnar" && m.MemoryPeakBytes < m.MemoryLimit*3/4 {
		t.Errorf("memory was not short: at most %d of %d bytes", m.MemoryPeakBytes, m.MemoryLimit)
	}
}

// fillBeside writes to three tables at once.
func fillBeside(t *testing.T, db *lamina.DB) {
	t.Helper()
	ctx := context.Background()
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i, rows := range []int{10_000, 2_500, 250} {
		wg.Go(func() { errs[i] = appendRows(ctx, db, fmt.Sprintf("t%d", i), rows, min(100_000, 100*rows)) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
}

// appendRows appends rows 0 … total-1 in transactions of a number of rows.
func appendRows(ctx context.Context, db *lamina.DB, name string, each, total int) error {
	for from := 0; from < total; from += each {
		if err := appendFrom(ctx, db, name, from, each); err != nil {
			return err
		}
	}
	return nil
}

// appendFrom appends rows from one on in a transaction.
func appendFrom(ctx context.Context, db *lamina.DB, name string, from, rows int) error {
	app, err := db.Appender(ctx, name)
	if err != nil {
		return err
	}
	for i := from; i < from+rows; i++ {
		if err := app.AppendRow(ctx, i, i%7, strings.Repeat("x", 150)+fmt.Sprint(i)); err != nil {
			return err // the appender has rolled back
		}
	}
	return app.Close(ctx)
}

// gatedFS makes segments wait, or fail, as long as it is told to.
type gatedFS struct {
	vfs.FS
	// reached is told of segments that are to be made; gate lets them go on.
	reached chan struct{}
	gate    atomic.Pointer[chan struct{}]
	fail    atomic.Bool
}

func (f *gatedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasSuffix(name, ".parquet") {
		select {
		case f.reached <- struct{}{}:
		default:
		}
		if c := f.gate.Load(); c != nil {
			<-*c
		}
		if f.fail.Load() {
			return nil, fmt.Errorf("make %s: the disk does not answer", name)
		}
	}
	return f.FS.Create(name, category)
}

const (
	roomTable  = "CREATE TABLE t (id int8 PRIMARY KEY, c text) USING columnar"
	roomInsert = "INSERT INTO t SELECT i, repeat('x', 150) || i FROM generate_series($1::int8, $2::int8) AS s(i)"
	// roomStep is the number of rows of a statement of fillRoom.
	roomStep = 1000
)

// fillRoom inserts rows from a key on until it is refused, and returns the next key.
func fillRoom(ctx context.Context, db *lamina.DB, from, max int) (int, error) {
	for ; from < max; from += roomStep {
		if _, err := db.Exec(ctx, roomInsert, from, from+roomStep-1); err != nil {
			return from, err
		}
	}
	return from, nil
}

// TestWaitForMemoryEnds: a writer that waits for a flush stops when it is cancelled, and when the flush fails; after that
// writers go on.
func TestWaitForMemoryEnds(t *testing.T) {
	fs := &gatedFS{FS: vfs.Default, reached: make(chan struct{}, 1)}
	db := openDir(t, t.TempDir(), &lamina.Options{MemoryBytes: roomBytes / 2, FS: fs})
	exec(t, db, roomTable)
	gate := make(chan struct{})
	fs.gate.Store(&gate)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	next := 0
	go func() {
		var err error
		next, err = fillRoom(ctx, db, 0, 1<<20)
		ended <- err
	}()
	<-fs.reached
	stalls := func() (n int64) {
		for _, tier := range db.Metrics().Tiers {
			n += tier.Stalls
		}
		return n
	}
	for stalls() == 0 { // a flush is on its way: somebody will wait for it
		time.Sleep(time.Millisecond)
		select {
		case err := <-ended:
			t.Fatalf("with a flush that does not end: %v", err)
		default:
		}
	}
	cancel()
	wantCode(t, <-ended, sqlerr.QueryCanceled, "cancelled")
	fs.fail.Store(true)
	close(gate)
	next, err := fillRoom(t.Context(), db, next, 1<<20)
	wantCode(t, err, sqlerr.IOError, "while flushes fail")
	fs.fail.Store(false)
	fs.gate.Store(nil)
	if next, err = fillRoom(t.Context(), db, next, next+100*roomStep); err != nil {
		t.Fatal(err)
	}
	want(t, db, fmt.Sprint(next), "SELECT count(*) FROM t")
}

// TestWhatDoesNotFit: what memory cannot be made for is refused, with the limit: a statement whose rows are more, and what
// a snapshot keeps. Afterwards there is room again.
func TestWhatDoesNotFit(t *testing.T) {
	ctx := t.Context()
	db := openDir(t, t.TempDir(), &lamina.Options{MemoryBytes: roomBytes / 2})
	exec(t, db, roomTable)
	limit := fmt.Sprintf("limit of %d bytes", roomBytes/4)
	refused := func(err error, what string) {
		t.Helper()
		wantCode(t, err, sqlerr.OutOfMemory, what)
		if e := sqlerr.From(err); !strings.Contains(e.Detail, limit) {
			t.Errorf("%s: detail %q", what, e.Detail)
		}
	}
	_, err := db.Exec(ctx, roomInsert, 0, 1<<20)
	refused(err, "more rows than memory in one statement")
	want(t, db, "0", "SELECT count(*) FROM t")
	tx, err := db.Begin(ctx, table.TxOptions{Isolation: table.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	want(t, tx, "0", "SELECT count(*) FROM t")
	next, err := fillRoom(ctx, db, 0, 1<<20)
	refused(err, "beside a snapshot")
	want(t, tx, "0", "SELECT count(*) FROM t")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if next, err = fillRoom(ctx, db, next, next+200*roomStep); err != nil {
		t.Fatal(err)
	}
	want(t, db, fmt.Sprint(next), "SELECT count(*) FROM t")
}
