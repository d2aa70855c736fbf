// Package memory measures the most memory that a process with a database has while many clients write and query it,
// and what happens beyond the limit.
//
// A child fills a database while others sort and group its rows, until writers are refused (53200) or more was written
// than fits into the memory, and goes on for a while: readers are still answered, and what is deleted or flushed makes
// room for what is inserted. Its peak is what the kernel says (VmHWM).
package memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
)

// Part is the name of the child's part, and Load what it does.
const Part = "memory"

// Options say what is measured; all must be set.
type Options struct {
	// Dir is an empty folder.
	Dir string
	// MemoryBytes is the limit of the database.
	MemoryBytes int64
	// More is how long the load goes on after that.
	More     time.Duration
	Progress func(string)
}

// Result is what was measured.
type Result struct {
	MemoryBytes int64
	// BeforeBytes and PeakBytes are the most memory of the process before the database was opened, and at the end.
	BeforeBytes, PeakBytes int64
	// Rows were inserted, Refused writes and RefusedQueries were refused with 53200, Queries were answered,
	// AfterQueries of them after the memory was full.
	Rows, Refused, RefusedQueries, Queries, AfterQueries int64
}

// LimitBytes is what the process may have.
func (r *Result) LimitBytes() int64 { return machine.LimitBytes(r.MemoryBytes) }

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	o.Progress("memory: a child fills a database")
	c, err := child.Command(ctx, Part, o.Dir, strconv.FormatInt(o.MemoryBytes, 10), o.More.String())
	if err != nil {
		return r, err
	}
	out, err := c.Output()
	if err != nil {
		return r, fmt.Errorf("memory: %w", err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, err
	}
	if r.Rows == 0 || r.Refused+r.RefusedQueries == 0 || r.AfterQueries == 0 || r.PeakBytes <= r.BeforeBytes {
		return r, fmt.Errorf("memory: too little was done to prove anything: %+v", r)
	}
	return r, nil
}

// The clients of the load.
const (
	fillers  = 3
	changers = 1
	readers  = 2
	// batchRows is the number of rows of one INSERT.
	batchRows = 1000
	// rowBytes are those of the values of a row, about; more than the memory is overfull times as many.
	rowBytes, overfull = 170, 2
)

// load is what the clients share.
type load struct {
	db   *lamina.DB
	keys atomic.Int64
	// until is when the load ends, in Unix nanoseconds; 0: not before a writer is refused, or there are so many rows.
	until   atomic.Int64
	rowsMax int64
	more    time.Duration

	rows, refused, refusedQueries, queries, after atomic.Int64
}

// Load fills a database in args[0] with args[1] bytes of memory, and goes on for args[2]. It prints a Result.
func Load(ctx context.Context, args []string) (err error) {
	r := Result{BeforeBytes: mem.PeakResident()}
	if r.MemoryBytes, err = strconv.ParseInt(args[1], 10, 64); err != nil {
		return err
	}
	l := &load{rowsMax: overfull * r.MemoryBytes / rowBytes}
	if l.more, err = time.ParseDuration(args[2]); err != nil {
		return err
	}
	mem.LimitHeap(r.MemoryBytes)
	l.db, err = lamina.Open(filepath.Join(args[0], "db"), &lamina.Options{MemoryBytes: r.MemoryBytes})
	if err != nil {
		return err
	}
	if _, err := l.db.Exec(ctx, "CREATE TABLE t (id int8 PRIMARY KEY, g int8, c text)"); err != nil {
		return err
	}
	if err := l.run(ctx); err != nil {
		return err
	}
	r.PeakBytes, r.Rows, r.Refused = mem.PeakResident(), l.rows.Load(), l.refused.Load()
	r.RefusedQueries, r.Queries, r.AfterQueries = l.refusedQueries.Load(), l.queries.Load(), l.after.Load()
	return errors.Join(json.NewEncoder(os.Stdout).Encode(r), l.db.Close())
}

func (l *load) run(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, fillers+changers+readers)
	for i := range errs {
		client := l.fill
		switch {
		case i >= fillers+changers:
			client = l.read
		case i >= fillers:
			client = l.change
		}
		wg.Go(func() {
			for errs[i] == nil && !l.over() {
				errs[i] = l.note(client(ctx))
			}
			if errs[i] != nil {
				l.until.Store(1) // the others end, too
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (l *load) over() bool {
	u := l.until.Load()
	return u != 0 && time.Now().UnixNano() > u
}

// note counts a refusal, after which the load goes on for a while. Another error is returned.
func (l *load) note(err error) error {
	if sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		return err
	}
	l.refused.Add(1)
	l.full()
	return nil
}

// full has the load end after a while.
func (l *load) full() { l.until.CompareAndSwap(0, time.Now().Add(l.more).UnixNano()) }

// fill inserts rows.
func (l *load) fill(ctx context.Context) error {
	last := l.keys.Add(batchRows)
	r, err := l.db.Exec(ctx, "INSERT INTO t SELECT i, i % 1000, repeat('x', 150) || i FROM generate_series($1::int8, $2::int8) AS s(i)",
		last-batchRows+1, last)
	if l.rows.Add(r.RowsAffected) > l.rowsMax {
		l.full()
	}
	return err
}

// change deletes some of the oldest rows, and gives others a new version.
func (l *load) change(ctx context.Context) error {
	if _, err := l.db.Exec(ctx, "UPDATE t SET g = g + 1 WHERE id % 1000 = $1", l.keys.Load()%997); err != nil {
		return err
	}
	_, err := l.db.Exec(ctx, "DELETE FROM t WHERE id < (SELECT min(id) FROM t) + 500")
	return err
}

// narrow has little to remember, wide every row.
const (
	narrow = "SELECT g, count(*), max(c), sum(length(c)) FROM t GROUP BY g ORDER BY 2 DESC, 3 LIMIT 10"
	wide   = "SELECT c, count(*), max(id) FROM t GROUP BY c ORDER BY 3 DESC LIMIT 10"
)

// read runs both queries. One may be refused for its memory; that is no reason to end the load.
func (l *load) read(ctx context.Context) error {
	for _, sql := range []string{narrow, wide} {
		err := l.query(ctx, sql)
		switch {
		case sqlerr.CodeOf(err) == sqlerr.OutOfMemory:
			l.refusedQueries.Add(1)
		case err != nil:
			return err
		default:
			l.queries.Add(1)
			if l.until.Load() > 0 {
				l.after.Add(1)
			}
		}
	}
	return nil
}

func (l *load) query(ctx context.Context, sql string) error {
	rows, err := l.db.Query(ctx, sql)
	if err != nil {
		return err
	}
	for rows.Next() { //nolint:revive // all rows are fetched
	}
	return rows.Close()
}
