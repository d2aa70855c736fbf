package isolation

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

var (
	seeds = flag.Int("seeds", 0, "number of runs for each level, tier and interface; 0: few")
	seed  = flag.Uint64("seed", 1, "seed of the first run")
	// The race detector does not see what is in mappings.
	onHeap = flag.Bool("onheap", false, "rows in Go's heap")
)

func TestMain(m *testing.M) {
	flag.Parse()
	mem.SetOnHeap(*onHeap)
	os.Exit(m.Run())
}

// run is a run of clients on a database, until it has seen enough transactions and power losses.
type run struct {
	level    history.Level
	tables   []*listTable
	rec      *recorder
	rng      *rand.Rand
	crashing bool
	patient  bool // no commit is canceled
	// txs is the number of transactions of a client before each power loss, or before the end.
	txs     int
	clients int
	connect func(*lamina.DB) (session, error)
	fs      *waltest.CrashFS // nil: memory
	losses  int
	// flushes and compactions are those of columnar tables.
	flushes, compactions int64
	// defining: the tables are changed meanwhile; defined counts the changes.
	defining bool
	defined  int
	// asleep bounds what a client does between two operations: it lets others run up to so many times.
	asleep int
}

func (r *run) pause() {
	for range r.asleep {
		runtime.Gosched()
	}
}

// open opens the database and makes the tables that are not there.
func (r *run) open() (*lamina.DB, error) {
	o, dir := &lamina.Options{MemoryBytes: 256 << 20}, ""
	if r.fs != nil {
		dir = "db"
		c := table.Columnar{Common: table.Common{FS: r.fs, LogFileBytes: 16 << 10, LogBytesMax: 64 << 10}}
		if r.losses%2 == 0 { // rows move to segments all the time, every other time
			c.DeltaRows, c.SegmentRows = 10, 40
		}
		o.Storage = c
	}
	db, err := lamina.Open(dir, o)
	if err != nil {
		return nil, err
	}
	for _, t := range r.tables {
		if _, err := db.Exec(ctx(), "CREATE TABLE IF NOT EXISTS "+t.name+" ("+t.columns()+") USING "+t.method); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

// count adds what a database has done with segments.
func (r *run) count(db *lamina.DB) {
	for _, m := range db.Metrics().Tiers {
		if m.Name == "columnar" {
			r.flushes += m.Flushes
			r.compactions += m.Compactions
		}
	}
}

// stage runs the clients once, up to a power loss or the end.
func (r *run) stage(lose bool) error {
	db, err := r.open()
	if err != nil {
		return err
	}
	var image *waltest.CrashFS
	if lose {
		r.arm(func(fs *waltest.CrashFS) { image = fs })
	}
	connect := func() (session, error) { return r.connect(db) }
	errs := make([]error, r.clients)
	var wg sync.WaitGroup
	for i := range r.clients {
		c := &client{run: r, rng: rand.New(rand.NewPCG(r.rng.Uint64(), uint64(i))), process: i, epoch: r.losses}
		wg.Go(func() { errs[i] = c.work(connect, db.Checkpoint, r.txs) })
	}
	defined := make(chan error, 1)
	stop := make(chan struct{})
	go func() { defined <- r.define(db, stop) }()
	wg.Wait()
	close(stop)
	errs = append(errs, <-defined)
	if lose && image == nil { // it was to come later than there was to do
		image = r.lose()
	}
	if !lose {
		errs = append(errs, r.readAll(connect))
	}
	r.count(db)
	err = errors.Join(append(errs, db.Close())...)
	if image != nil {
		r.fs.SetHook(nil)
		r.fs = image
		r.losses++
	}
	return err
}

// definitions are changes of a table that leave its lists as they are, one after the other.
var definitions = []string{
	"ADD w int4 DEFAULT 1", "ALTER w TYPE text", "ADD CONSTRAINT w_check CHECK (w <> '')", "ALTER w SET DEFAULT 'x'", "RENAME w TO x",
	"DROP CONSTRAINT w_check", "ALTER x DROP DEFAULT", "ALTER x TYPE int8 USING length(x)", "DROP x",
}

// define changes the tables until it is stopped, if it is to. A change may lose to the clients.
func (r *run) define(db *lamina.DB, stop chan struct{}) error {
	for i := 0; r.defining; {
		select {
		case <-stop:
			return nil
		default:
		}
		for _, t := range r.tables {
			_, err := db.Exec(ctx(), "ALTER TABLE "+t.name+" "+definitions[i%len(definitions)])
			switch sqlerr.CodeOf(err) {
			case sqlerr.SuccessfulCompletion:
				r.defined++
			case sqlerr.SerializationFailure, sqlerr.DeadlockDetected, sqlerr.DuplicateColumn, sqlerr.UndefinedColumn, sqlerr.UndefinedObject,
				sqlerr.DuplicateObject, sqlerr.InvalidTableDefinition, sqlerr.DatatypeMismatch:
			default:
				return err
			}
			r.pause()
		}
		i++
	}
	return nil
}

// lose takes the power.
func (r *run) lose() (image *waltest.CrashFS) {
	r.rec.powerLoss(func() {
		if keep := []int{0, 10, 50, 90, 100, -1}[r.rng.IntN(6)]; keep < 0 {
			image = r.fs.Kill()
		} else {
			image = r.fs.Crash(r.rng, keep)
		}
	})
	return image
}

// arm loses power at a random one of the next calls that change the disk.
func (r *run) arm(lost func(*waltest.CrashFS)) {
	var mu sync.Mutex
	left := 20 + r.rng.IntN(r.txs*r.clients/4)
	r.fs.SetHook(func(op waltest.Op) error {
		switch op.Kind {
		case waltest.OpRead, waltest.OpOpen, waltest.OpOpenDir, waltest.OpList, waltest.OpStat, waltest.OpLock, waltest.OpClose:
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if left--; left == 0 {
			time.Sleep(time.Millisecond) // others go on: they must not see what is not on the disk
			lost(r.lose())
		}
		return nil
	})
}

// work runs transactions until there were enough or the power is gone. The first client makes checkpoints in between.
func (c *client) work(connect func() (session, error), checkpoint func(context.Context) error, txs int) error {
	s, err := connect()
	if err != nil {
		return err
	}
	c.s = s
	for i := range txs {
		err := c.transaction(ctx())
		if errors.Is(err, errLost) {
			break
		}
		if err != nil {
			return errors.Join(fmt.Errorf("client %d, transaction %d: %w", c.process, i, err), s.close())
		}
		if c.fs != nil && c.process%processes == 0 && i%20 == 10 {
			if err := checkpoint(ctx()); err != nil {
				return errors.Join(err, s.close())
			}
		}
	}
	return s.close()
}

// readAll reads all lists at last.
func (r *run) readAll(connect func() (session, error)) error {
	s, err := connect()
	if err != nil {
		return err
	}
	c := &client{run: r, s: s, process: processes - 1}
	ctx := ctx()
	x := r.rec.begin(c.process, r.losses)
	if err := s.begin(ctx, options{level: r.level}); err != nil {
		return errors.Join(err, s.close())
	}
	for key := range r.rec.appended()/listValues + listsActive {
		t := r.table(key)
		if t.volatile && x.epoch > 0 && key < r.rec.appended()/listValues {
			continue // perhaps of an earlier life
		}
		values, err := s.read(ctx, t, key)
		if err == nil {
			err = x.did(history.Read(r.listName(key, x.epoch), values...))
		}
		if err != nil {
			return errors.Join(err, s.close())
		}
	}
	err = errors.Join(x.ask(), s.commit(ctx))
	o, _ := outcome(err)
	x.end(o)
	return errors.Join(err, s.close())
}

// sum adds up what runs have done.
type sum struct {
	history.Stats
	runs, losses int
	unknown      int // outcomes, of which some were learned from what others saw
	seen         map[history.Anomaly]int
	// flushes and compactions of columnar tables; flushed counts the runs with flushes.
	flushed              int
	flushes, compactions int64
}

func (s *sum) add(r *run, res *history.Result) {
	st := res.Stats
	s.Txs, s.Committed, s.Aborted, s.Unknown = s.Txs+st.Txs, s.Committed+st.Committed, s.Aborted+st.Aborted, s.Unknown+st.Unknown
	s.Appends, s.Reads, s.Edges, s.Longest = s.Appends+st.Appends, s.Reads+st.Reads, s.Edges+st.Edges, max(s.Longest, st.Longest)
	s.runs, s.losses = s.runs+1, s.losses+r.losses
	for i := range r.rec.h.Txs {
		if r.rec.h.Txs[i].Outcome == history.Unknown {
			s.unknown++
		}
	}
	for _, f := range res.Findings {
		s.seen[f.Anomaly]++
	}
}

// check judges the history of a run, and keeps it if it is wrong.
func (r *run) check(t *testing.T, total *sum) {
	t.Helper()
	res := history.Check(&r.rec.h)
	total.add(r, res)
	if err := res.Against(r.level); err != nil {
		path := filepath.Join(t.ArtifactDir(), "history.txt")
		var b strings.Builder
		_, werr := r.rec.h.WriteTo(&b)
		if werr = errors.Join(werr, os.WriteFile(path, []byte(b.String()), 0o600)); werr != nil {
			t.Error(werr)
		}
		t.Fatalf("the history in %s (go test -artifacts keeps it): %v", path, err)
	}
}
