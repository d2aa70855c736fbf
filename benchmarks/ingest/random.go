package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// RandomPart is the name of the part of a child that Random starts, which is FillRandom.
const RandomPart = "ingest-random"

// RandomOptions say what is measured; all must be set.
type RandomOptions struct {
	// Dir is an empty folder on a disk.
	Dir string
	// MemoryBytes is the limit of the database.
	MemoryBytes int64
	// Rows are inserted, Batch of them a commit, and timed in Parts of the same size; after half of these the process
	// ends, and another one goes on.
	Rows, Batch int64
	Parts       int
	Progress    func(string)
}

// RandomResult is what was measured.
type RandomResult struct {
	MemoryBytes, Rows, Batch int64
	// Seconds are of the parts, and Processor what they took of processors.
	Seconds, Processor []float64
	Work               []Work
	Lives              []Life
}

// Life is what one process did.
type Life struct {
	// Seconds are of the parts, Processor what they took of processors, and Work what was done meanwhile.
	Seconds, Processor []float64
	Work               []Work
	// OpenSeconds is how long it took to open the database.
	OpenSeconds float64
	// BeforeBytes and PeakBytes are the most memory of the process before the database was opened, and at the end.
	BeforeBytes, PeakBytes int64
	// AppliedBytes is what commits have brought. LogBytes, TierBytes and CheckpointBytes were written to the log, by
	// flushes and compactions, and by checkpoints.
	AppliedBytes, LogBytes, TierBytes, CheckpointBytes int64
	Flushes, Compactions, Stalls                       int64
	BloomChecks, BloomHits                             int64
	Segments, DeltaRows                                int64
	FileBytes                                          int64
}

// Work is what the columnar tables of a database have done.
type Work struct {
	// FlushBytes and CompactionBytes were written to segments.
	FlushBytes, CompactionBytes int64
	// FilterChecks are questions whether a segment may have a key, IndexMisses those that were answered yes where it has
	// none: a page with keys was read for nothing.
	FilterChecks, IndexMisses int64
	PagesRead                 int64
	// Segments are those at the end.
	Segments int64
}

func workOf(t *table.TierMetrics) Work {
	return Work{
		FlushBytes: t.FlushBytes, CompactionBytes: t.CompactionWrittenBytes, FilterChecks: t.BloomChecks, IndexMisses: t.KeyMisses,
		PagesRead: t.PagesRead, Segments: t.Segments,
	}
}

// less returns what was done since.
func (w Work) less(before Work) Work {
	return Work{
		FlushBytes: w.FlushBytes - before.FlushBytes, CompactionBytes: w.CompactionBytes - before.CompactionBytes,
		FilterChecks: w.FilterChecks - before.FilterChecks, IndexMisses: w.IndexMisses - before.IndexMisses,
		PagesRead: w.PagesRead - before.PagesRead, Segments: w.Segments,
	}
}

// Random measures inserts of random keys.
func Random(ctx context.Context, o RandomOptions) (r RandomResult, err error) {
	r = RandomResult{MemoryBytes: o.MemoryBytes, Rows: o.Rows, Batch: o.Batch}
	size := o.Rows / int64(o.Parts)
	for life := range 2 {
		from, to := life*o.Parts/2, (life+1)*o.Parts/2
		o.Progress(fmt.Sprintf("random keys: rows %d to %d", int64(from)*size, int64(to)*size))
		var l Life
		if err := inChild(ctx, &l, RandomPart, o.Dir, o.MemoryBytes, o.Batch, size, int64(from), int64(to)); err != nil {
			return r, err
		}
		r.Seconds, r.Processor = append(r.Seconds, l.Seconds...), append(r.Processor, l.Processor...)
		r.Work, r.Lives = append(r.Work, l.Work...), append(r.Lives, l)
	}
	if len(r.Seconds) != o.Parts || r.Lives[0].AppliedBytes == 0 {
		return r, fmt.Errorf("random keys: too little was done to prove anything: %+v", r)
	}
	return r, nil
}

// Slowdown is how many times the last part took as long as the first one after the one in which everything warmed up.
func (r *RandomResult) Slowdown() float64 { return r.Seconds[len(r.Seconds)-1] / r.Seconds[1] }

// Total is what all parts took, in seconds.
func (r *RandomResult) Total() (s float64) {
	for _, t := range r.Seconds {
		s += t
	}
	return s
}

// PeakBytes is the most memory that a process had.
func (r *RandomResult) PeakBytes() (n int64) {
	for _, l := range r.Lives {
		n = max(n, l.PeakBytes)
	}
	return n
}

// WriteAmplification is what was written for each byte that commits brought: to segments, to the log, and by checkpoints.
func (r *RandomResult) WriteAmplification() (segments, log, checkpoints float64) {
	var applied float64
	for _, l := range r.Lives {
		applied += float64(l.AppliedBytes)
		segments, log, checkpoints = segments+float64(l.TierBytes), log+float64(l.LogBytes), checkpoints+float64(l.CheckpointBytes)
	}
	return segments / applied, log / applied, checkpoints / applied
}

// inChild runs a part, whose arguments are a folder and numbers, and reads its result.
func inChild(ctx context.Context, result any, part, dir string, numbers ...int64) error {
	args := []string{dir}
	for _, n := range numbers {
		args = append(args, strconv.FormatInt(n, 10))
	}
	c, err := child.Command(ctx, part, args...)
	if err != nil {
		return err
	}
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return json.Unmarshal(out, result)
}

// numbers reads the arguments of inChild.
func numbers(args []string, to ...*int64) (err error) {
	if len(args) != 1+len(to) {
		return fmt.Errorf("%d arguments", len(args))
	}
	for i, p := range to {
		if *p, err = strconv.ParseInt(args[1+i], 10, 64); err != nil {
			return err
		}
	}
	return nil
}

// FillRandom inserts parts [from, to) of a number of rows into the database in a folder. Its arguments are the folder,
// the memory, the rows of a commit, those of a part, from and to. It prints a Life.
func FillRandom(ctx context.Context, args []string) (err error) {
	l := Life{BeforeBytes: mem.PeakResident()}
	var memoryBytes, batch, size, from, to int64
	if err := numbers(args, &memoryBytes, &batch, &size, &from, &to); err != nil {
		return err
	}
	mem.LimitHeap(memoryBytes) // the process is nothing but a database
	start := time.Now()
	db, err := lamina.Open(filepath.Join(args[0], "db"), &lamina.Options{MemoryBytes: memoryBytes})
	if err != nil {
		return err
	}
	l.OpenSeconds = time.Since(start).Seconds()
	if from == 0 {
		if _, err := db.Exec(ctx, definition); err != nil {
			return err
		}
	}
	var done Work
	for part := from; part < to; part++ {
		var clock machine.Stopwatch
		err := clock.Time(func() error {
			for i := part * size; i < (part+1)*size; i += batch {
				if err := insert(ctx, db, i, min(i+batch, (part+1)*size)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			m := db.Metrics()
			return errors.Join(fmt.Errorf("%w; in part %d, memory: %+v, tables: %+v", err, part, m.Memory, m.Tables), db.Close())
		}
		l.Seconds, l.Processor = append(l.Seconds, clock.Wall.Seconds()), append(l.Processor, clock.Processor.Seconds())
		m := db.Metrics()
		t := columnar(&m)
		now := workOf(&t)
		l.Work, done = append(l.Work, now.less(done)), now
	}
	l.read(db)
	if from > 0 {
		if err := check(ctx, db, to*size); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	l.PeakBytes = mem.PeakResident()
	if err := db.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l)
}

// read takes what was counted.
func (l *Life) read(db *lamina.DB) {
	m := db.Metrics()
	t := columnar(&m)
	l.AppliedBytes, l.TierBytes = t.AppliedBytes, t.FlushBytes+t.CompactionWrittenBytes
	l.LogBytes, l.CheckpointBytes = m.LogBytes, m.CheckpointBytes
	l.Flushes, l.Compactions, l.Stalls = t.Flushes, t.Compactions, t.Stalls
	l.BloomChecks, l.BloomHits = t.BloomChecks, t.BloomHits
	l.Segments, l.DeltaRows, l.FileBytes = t.Segments, t.DeltaRows, t.FileBytes
}
