package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// SustainedPart is the name of the part of a child that Sustained starts, which is FillSustained.
const SustainedPart = "ingest-sustained"

// SustainedOptions say what is measured; all must be set.
type SustainedOptions struct {
	// Dir is an empty folder on a disk.
	Dir string
	// MemoryBytes is the limit of the database.
	MemoryBytes int64
	Time        time.Duration
	// Clients insert, Batch rows a commit.
	Clients, Batch int64
	Progress       func(string)
}

// SustainedResult is what was measured.
type SustainedResult struct {
	Rows, Commits, Scans int64
	Seconds              float64
	// Commit and Insert are of commits, and of all that a client waits for to insert its rows, in nanoseconds: the
	// medians, the times that one in a hundred and one in a thousand took longer than, and the longest ones.
	Commit, Insert [4]int64
	// DeltaMax is the most rows that were in no segment.
	DeltaMax int64
	Life
}

// Sustained measures inserts beside scans.
func Sustained(ctx context.Context, o SustainedOptions) (r SustainedResult, err error) {
	o.Progress("inserts beside scans")
	err = inChild(ctx, &r, SustainedPart, o.Dir, o.MemoryBytes, int64(o.Time), o.Clients, o.Batch)
	if err == nil && (r.Commits == 0 || r.Scans == 0 || r.DeltaMax == 0) {
		err = fmt.Errorf("inserts beside scans: too little was done to prove anything: %+v", r)
	}
	return r, err
}

// sustained is what clients share.
type sustained struct {
	db      *lamina.DB
	batch   int64
	until   time.Time
	next    atomic.Int64 // row
	scans   atomic.Int64
	inserts *table.Histogram
	deltas  atomic.Int64 // the most rows in no segment
	failed  atomic.Bool
}

// FillSustained inserts rows in the database in a folder, beside scans. Its arguments are the folder, the memory, the
// time, the clients and the rows of a commit. It prints a SustainedResult.
func FillSustained(ctx context.Context, args []string) (err error) {
	r := SustainedResult{Life: Life{BeforeBytes: mem.PeakResident()}}
	var memoryBytes, duration, clients, batch int64
	if err := numbers(args, &memoryBytes, &duration, &clients, &batch); err != nil {
		return err
	}
	mem.LimitHeap(memoryBytes) // the process is nothing but a database
	s := &sustained{batch: batch, inserts: &table.Histogram{}}
	if s.db, err = lamina.Open(filepath.Join(args[0], "db"), &lamina.Options{MemoryBytes: memoryBytes}); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, definition); err != nil {
		return err
	}
	if err := insert(ctx, s.db, 0, batch); err != nil { // the scan that goes on from the beginning has something to read
		return err
	}
	s.next.Store(batch)
	start := time.Now()
	s.until = start.Add(time.Duration(duration))
	if err := s.run(ctx, clients); err != nil {
		m := s.db.Metrics()
		return errors.Join(fmt.Errorf("%w; memory: %+v, tables: %+v", err, m.Memory, m.Tables), s.db.Close())
	}
	r.Seconds = time.Since(start).Seconds()
	r.Rows, r.Scans, r.DeltaMax = s.next.Load(), s.scans.Load(), s.deltas.Load()
	m := s.db.Metrics()
	r.Commits, r.Commit, r.Insert = m.Commits, quantiles(m.CommitTimes), quantiles(s.inserts.Distribution())
	r.read(s.db)
	if err := check(ctx, s.db, r.Rows); err != nil {
		return errors.Join(err, s.db.Close())
	}
	r.PeakBytes = mem.PeakResident()
	if err := s.db.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func quantiles(d table.Distribution) [4]int64 {
	return [4]int64{d.Quantile(0.5), d.Quantile(0.99), d.Quantile(0.999), d.Max()}
}

// run inserts, scans, and holds a snapshot all the time.
func (s *sustained) run(ctx context.Context, clients int64) error {
	tasks := []func(context.Context) error{s.scan, s.watch, s.hold}
	for range clients {
		tasks = append(tasks, s.insert)
	}
	errs := make([]error, len(tasks))
	var wg sync.WaitGroup
	for i, f := range tasks {
		wg.Go(func() {
			if errs[i] = f(ctx); errs[i] != nil {
				s.failed.Store(true)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *sustained) over() bool { return s.failed.Load() || time.Now().After(s.until) }

// insert is a client.
func (s *sustained) insert(ctx context.Context) error {
	for !s.over() {
		start := time.Now()
		to := s.next.Add(s.batch)
		if err := insert(ctx, s.db, to-s.batch, to); err != nil {
			return err
		}
		s.inserts.Add(int64(time.Since(start)))
	}
	return nil
}

// scan runs one analytic query after another. Each sees whole transactions only.
func (s *sustained) scan(ctx context.Context) error {
	for !s.over() {
		rows, err := s.db.Query(ctx, "SELECT count(*), a % 10, sum(b), max(c) FROM t GROUP BY 2")
		if err != nil {
			return err
		}
		n := int64(0)
		for rows.Next() {
			n += rows.Row()[0].I
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if n == 0 || n%s.batch != 0 {
			return fmt.Errorf("a scan has seen %d rows, which are no whole transactions", n)
		}
		s.scans.Add(1)
	}
	return nil
}

// watch notes how much is in no segment.
func (s *sustained) watch(context.Context) error {
	for !s.over() {
		m := s.db.Metrics()
		s.deltas.Store(max(s.deltas.Load(), columnar(&m).DeltaRows))
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// held is how long a transaction reads its snapshot.
const held = time.Second

// hold reads the rows of its snapshot again and again, in one transaction after the other: one is always open.
func (s *sustained) hold(ctx context.Context) error {
	for !s.over() {
		err := s.db.RunTx(ctx, table.TxOptions{ReadOnly: true, Isolation: table.RepeatableRead}, func(tx *lamina.Tx) error {
			first := int64(0)
			for start := time.Now(); !s.over() && time.Since(start) < held; {
				n, err := s.count(ctx, tx)
				if err != nil {
					return err
				}
				if first == 0 {
					first = n
				}
				if n != first || n%s.batch != 0 {
					return fmt.Errorf("a transaction sees %d rows, after %d", n, first)
				}
				time.Sleep(held / 10)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sustained) count(ctx context.Context, tx *lamina.Tx) (n int64, err error) {
	rows, err := tx.Query(ctx, "SELECT count(*), sum(a) FROM t")
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		n = rows.Row()[0].I
	}
	return n, rows.Close()
}
