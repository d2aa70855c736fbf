package lamina_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// The sizes of the inserts: memtables and segments are so small that rows are flushed and merged all the time.
const (
	ingestBatch = 1000
	ingestLives = 4
	// ingestDeltas is the number of memtables that the rows fill.
	ingestDeltas = 50
)

// ingestRows is the number of rows with random keys.
func ingestRows() int64 {
	if testing.Short() {
		return 40_000
	}
	return 200_000
}

// ingestKey mixes numbers one to one: keys are new, and lie anywhere among those before.
func ingestKey(i int64) int64 {
	x := uint64(i+1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	return int64(x ^ x>>31)
}

// appendKeys commits rows [from, to).
func appendKeys(ctx context.Context, db *lamina.DB, from, to int64) error {
	app, err := db.Appender(ctx, "t")
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		if err := app.AppendRow(ctx, ingestKey(i), i, fmt.Sprint("row ", i)); err != nil {
			_ = app.Abort() // the first error counts
			return err
		}
	}
	return app.Close(ctx)
}

// TestRandomKeys inserts rows with random keys into a table that is flushed and merged all the time, across restarts. After
// each commit a key that is there somewhere is refused. Then everything is moved to segments, rows are updated and deleted
// by key there, and keys that were deleted come back.
func TestRandomKeys(t *testing.T) {
	dir, ctx, n := t.TempDir(), t.Context(), ingestRows()
	deltaRows := int(n / ingestDeltas)
	o := &lamina.Options{Storage: table.Columnar{DeltaRows: deltaRows, SegmentRows: 8 * deltaRows}}
	random := rand.New(rand.NewPCG(1, 1))
	var sum table.TierMetrics
	refused := 0
	life := func(f func(db *lamina.DB)) {
		t.Helper()
		db, err := lamina.Open(dir, o)
		must(t, err)
		f(db)
		m := columnarMetrics(t, db)
		sum.Flushes, sum.Compactions, sum.BloomChecks = sum.Flushes+m.Flushes, sum.Compactions+m.Compactions, sum.BloomChecks+m.BloomChecks
		must(t, db.Close())
	}
	for i := range int64(ingestLives) {
		life(func(db *lamina.DB) {
			if i == 0 {
				exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, n int8, c text)")
			}
			st, err := db.Prepare(ctx, "INSERT INTO t VALUES ($1, 0, 'twice')")
			must(t, err)
			end := (i + 1) * n / ingestLives
			for from := i * n / ingestLives; from < end; from += ingestBatch {
				must(t, appendKeys(ctx, db, from, from+ingestBatch))
				_, err := st.Exec(ctx, ingestKey(random.Int64N(from+ingestBatch)))
				wantCode(t, err, sqlerr.UniqueViolation, "a key that is there")
				refused++
			}
			want(t, db, fmt.Sprint(end), "SELECT count(*) FROM t")
		})
	}
	life(func(db *lamina.DB) { changeCompacted(t, db, random) })
	life(func(db *lamina.DB) {
		changed := int64(len(changedKeys(0)))
		want(t, db, fmt.Sprintf("%d|%d", n-changed/2, changed), "SELECT count(*), count(*) FILTER (WHERE c LIKE 'changed%') FROM t")
	})
	if sum.Flushes < 20 || sum.Compactions < 2 || sum.BloomChecks < n || int64(refused) != n/ingestBatch {
		t.Errorf("%d flushes, %d compactions, %d keys asked of filters, %d refused", sum.Flushes, sum.Compactions, sum.BloomChecks, refused)
	}
	t.Logf("%d flushes, %d compactions, %d keys asked of filters", sum.Flushes, sum.Compactions, sum.BloomChecks)
}

// changedKeys are rows that are updated (kind 0), and deleted (kind 1), of which half come back.
func changedKeys(kind int64) (list []int64) {
	for i := kind; i < ingestRows(); i += 100 {
		list = append(list, i)
	}
	return list
}

// changeCompacted moves all rows to segments, and changes some by key.
func changeCompacted(t *testing.T, db *lamina.DB, random *rand.Rand) {
	t.Helper()
	ctx := t.Context()
	exec(t, db, "VACUUM FULL t")
	if m := columnarMetrics(t, db); m.DeltaRows != 0 || m.DeletedRows != 0 || m.Segments < 2 {
		t.Fatalf("after a compaction: %+v", m)
	}
	prepare := func(sql string) func(args ...any) {
		st, err := db.Prepare(ctx, sql)
		must(t, err)
		return func(args ...any) {
			t.Helper()
			r, err := st.Exec(ctx, args...)
			must(t, err)
			if r.RowsAffected != 1 {
				t.Fatalf("%s %v: %d rows", sql, args, r.RowsAffected)
			}
		}
	}
	update, remove := prepare("UPDATE t SET c = 'changed ' || n WHERE id = $1"), prepare("DELETE FROM t WHERE id = $1")
	insert := prepare("INSERT INTO t VALUES ($1, $2, 'again')")
	exec(t, db, "SET synchronous_commit = off")
	for _, i := range changedKeys(0) {
		update(ingestKey(i))
	}
	for n, i := range changedKeys(1) {
		remove(ingestKey(i))
		want(t, db, "", "SELECT n FROM t WHERE id = $1", ingestKey(i))
		if n%2 == 0 {
			insert(ingestKey(i), i)
		}
	}
	for range 200 {
		i := random.Int64N(ingestRows())
		text := fmt.Sprintf("%d|row %d", i, i)
		switch i % 100 {
		case 0:
			text = fmt.Sprintf("%d|changed %d", i, i)
		case 1:
			if text = fmt.Sprintf("%d|again", i); i/100%2 == 1 {
				text = ""
			}
		}
		want(t, db, text, "SELECT n, c FROM t WHERE id = $1", ingestKey(i))
	}
	if m := columnarMetrics(t, db); m.DeletedRows < int64(len(changedKeys(0))) {
		t.Errorf("%d rows of segments are deleted", m.DeletedRows)
	}
}

// TestInsertsBesideScans inserts from several clients while one transaction reads its snapshot from the beginning to the
// end, and other queries read the newest one. What is in no segment stays bounded, and each scan sees whole transactions.
func TestInsertsBesideScans(t *testing.T) {
	const clients, batches, batch, deltaRows = 3, 60, 250, 2000
	db, err := lamina.Open(t.TempDir(), &lamina.Options{Storage: table.Columnar{DeltaRows: deltaRows, SegmentRows: 8 * deltaRows}})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, n int8, c text)")
	must(t, appendKeys(t.Context(), db, 0, batch))
	var next, scans, reads, most atomic.Int64
	next.Store(batch)
	var writers, readers sync.WaitGroup
	ended := make(chan struct{})
	errs := make([]error, clients+2)
	for i := range clients {
		writers.Go(func() {
			for range batches {
				to := next.Add(batch)
				if errs[i] = appendKeys(t.Context(), db, to-batch, to); errs[i] != nil {
					return
				}
			}
		})
	}
	readers.Go(func() {
		errs[clients] = scanUntil(t.Context(), db, ended, func(n int64) error {
			scans.Add(1)
			if most.Store(max(most.Load(), columnarMetrics(t, db).DeltaRows)); n%batch != 0 {
				return fmt.Errorf("a scan sees %d rows", n)
			}
			return nil
		})
	})
	readers.Go(func() {
		errs[clients+1] = db.RunTx(t.Context(), table.TxOptions{ReadOnly: true, Isolation: table.RepeatableRead}, func(tx *lamina.Tx) error {
			var first int64
			return scanUntil(t.Context(), tx, ended, func(n int64) error {
				if reads.Add(1) == 1 {
					first = n
				}
				if n != first {
					return fmt.Errorf("a transaction sees %d rows, after %d", n, first)
				}
				return nil
			})
		})
	})
	writers.Wait()
	close(ended)
	readers.Wait()
	for _, err := range errs {
		must(t, err)
	}
	want(t, db, fmt.Sprint((1+clients*batches)*batch), "SELECT count(*) FROM t")
	exec(t, db, "VACUUM FULL t")
	m := columnarMetrics(t, db)
	if m.Flushes < 8 || m.Compactions < 1 || scans.Load() < 2 || reads.Load() < 2 {
		t.Errorf("%d flushes, %d compactions, %d and %d scans", m.Flushes, m.Compactions, scans.Load(), reads.Load())
	}
	// Five memtables make writers wait, and each may be larger than its size by what commits together.
	if limit := int64(5 * (deltaRows + 2*clients*batch)); most.Load() > limit {
		t.Errorf("%d rows were in no segment, more than %d", most.Load(), limit)
	}
	t.Logf("%d flushes, %d compactions, %d and %d scans, at most %d rows in no segment", m.Flushes, m.Compactions, scans.Load(), reads.Load(), most.Load())
}

// scanUntil counts the rows over and over, once more after the channel was closed.
func scanUntil(ctx context.Context, q lamina.Querier, ended <-chan struct{}, seen func(n int64) error) error {
	for last := false; ; {
		rows, err := q.Query(ctx, "SELECT count(*), sum(n), max(c) FROM t")
		if err != nil {
			return err
		}
		n := int64(0)
		for rows.Next() {
			n = rows.Row()[0].I
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if err := seen(n); err != nil || last {
			return err
		}
		select {
		case <-ended:
			last = true
		default:
		}
	}
}
