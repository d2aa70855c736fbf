package recovery

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/machine"
)

// Options say what is measured; all must be set.
type Options struct {
	// Dir is an empty folder on a disk.
	Dir string
	// LogBytes is how long the log becomes before the writer is killed.
	LogBytes int64
	// SmallWriters is how many of 64 writers commit one row at a time; the others commit 64.
	SmallWriters int
	Progress     func(string)
}

// Result is what was measured.
type Result struct {
	// LogBytes is the length of the log as the child told it last.
	LogBytes int64
	// Acknowledged rows, in so many transactions, and those that were found.
	Acknowledged, Transactions, Found int64
	// Took is the time that the directory took to open, and Processor how much processor time.
	Took, Processor time.Duration
}

// SecondsPerGiB is what the result comes down to.
func (r *Result) SecondsPerGiB() float64 { return r.perGiB(r.Took) }

// ProcessorPerGiB is the same of the processor time.
func (r *Result) ProcessorPerGiB() float64 { return r.perGiB(r.Processor) }

func (r *Result) perGiB(d time.Duration) float64 {
	return d.Seconds() / (float64(r.LogBytes) / (1 << 30))
}

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	if _, err := machine.FileSystem(o.Dir); err != nil {
		return r, err
	}
	o.Progress("recovery: a child writes")
	var acked [writers]int64
	if r.LogBytes, err = writeAndKill(ctx, o, &acked); err != nil {
		return r, err
	}
	for w, n := range acked {
		r.Acknowledged += n
		r.Transactions += n / rowsOf(w, o.SmallWriters)
	}
	if r.Acknowledged == 0 || r.LogBytes < o.LogBytes {
		return r, fmt.Errorf("recovery: %d rows were acknowledged, the log has %d bytes", r.Acknowledged, r.LogBytes)
	}
	o.Progress("recovery: opening")
	var db *lamina.DB
	var w machine.Stopwatch
	if err := w.Time(func() (err error) { db, err = lamina.Open(filepath.Join(o.Dir, "db"), nil); return err }); err != nil {
		return r, fmt.Errorf("recovery: %w", err)
	}
	r.Took, r.Processor = w.Wall, w.Processor
	defer func() { err = errors.Join(err, db.Close()) }()
	r.Found, err = check(ctx, db, &acked, o.SmallWriters)
	return r, err
}

// writeAndKill runs the child until the log is long enough, and kills it.
func writeAndKill(ctx context.Context, o Options, acked *[writers]int64) (logBytes int64, err error) {
	c, err := child.Command(ctx, Part, o.Dir, strconv.FormatInt(o.LogBytes, 10), strconv.Itoa(o.SmallWriters))
	if err != nil {
		return 0, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := c.Start(); err != nil {
		return 0, err
	}
	logBytes, err = follow(out, acked, func(bytes int64) bool {
		if bytes < o.LogBytes {
			return false
		}
		_ = c.Process.Kill() // SIGKILL; that it has ended is seen below
		return true
	})
	if err != nil {
		_ = c.Process.Kill() // err is what there is to say
	}
	werr := c.Wait()
	if err != nil {
		return 0, err
	}
	if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && (!s.Signaled() || s.Signal() != syscall.SIGKILL) {
		return 0, fmt.Errorf("recovery: the child was not killed: %v", werr)
	}
	return logBytes, nil
}

// follow notes what the child tells until its end. grown is asked after each growth of the log, until it says yes.
func follow(out io.Reader, acked *[writers]int64, grown func(bytes int64) bool) (logBytes int64, err error) {
	in := bufio.NewReaderSize(out, 1<<16)
	killed := false
	for {
		var b [messageBytes]byte
		if _, err := io.ReadFull(in, b[:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return logBytes, err
		}
		w, n := binary.LittleEndian.Uint64(b[:]), int64(binary.LittleEndian.Uint64(b[8:]))
		switch {
		case w < writers:
			acked[w] = n
		case w == logWriter:
			logBytes = n
			killed = killed || grown(n)
		default:
			return 0, fmt.Errorf("recovery: the child told of writer %d", w)
		}
	}
}

// check compares the rows with those that were acknowledged.
func check(ctx context.Context, db *lamina.DB, acked *[writers]int64, small int) (found int64, err error) {
	rows, err := db.Query(ctx, "SELECT id / $1::int8, count(*), min(id % $1::int8), max(id % $1::int8), "+
		"count(*) FILTER (WHERE a = id AND b = 0.5 AND c = $2) FROM t GROUP BY 1", int64(1)<<writerShift, payload)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var seen [writers]int64
	for rows.Next() {
		var w, n, first, last, right int64
		if err := rows.Scan(&w, &n, &first, &last, &right); err != nil {
			return 0, err
		}
		if w < 0 || w >= writers || first != 1 || last != n || right != n {
			return 0, fmt.Errorf("recovery: writer %d has %d rows, of which %d are right, numbered from %d to %d", w, n, right, first, last)
		}
		seen[w] = n
		found += n
	}
	for w, n := range acked {
		if more := seen[w] - n; more != 0 && more != rowsOf(w, small) {
			return 0, fmt.Errorf("recovery: %d rows of writer %d were acknowledged, %d are there", n, w, seen[w])
		}
	}
	return found, rows.Err()
}
