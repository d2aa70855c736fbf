package wal

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// crashOptions have small files, so that a short run rotates, recycles and removes many.
func crashOptions() Options {
	o := testOptions()
	o.FileBytes = 16 << 10
	return o
}

// image is what a power loss left, and what must be found in it.
type image struct {
	fs       *waltest.CrashFS
	acked    table.LSN // at least this is there
	appended table.LSN // at most this is
	from     Position  // of the last checkpoint
	fromLSN  table.LSN
	at       string // the call before which power was lost
}

// crashRun is a workload that loses power at some of its calls to the file system.
type crashRun struct {
	rng    *rand.Rand
	w      *writer
	from   Position
	lsn    table.LSN
	images []image
	budget int // images before writes and syncs
	rare   int // images before other calls
}

// arm takes an image before a call with a probability of one in n; six times as often before the
// calls that are rare.
func (c *crashRun) arm(fs *waltest.CrashFS, n int, state func() (acked, appended table.LSN)) {
	fs.SetHook(func(op waltest.Op) error {
		if op.Kind == waltest.OpRead || op.Kind == waltest.OpOpen {
			return nil
		}
		budget, odds := &c.budget, n
		if op.Kind != waltest.OpWrite && op.Kind != waltest.OpSync {
			budget, odds = &c.rare, max(1, n/6)
		}
		if op.Kind != waltest.OpRemove { // the rarest: always
			if *budget == 0 || c.rng.IntN(odds) != 0 {
				return nil
			}
			*budget--
		}
		percent := []int{0, 10, 50, 90, 100}[c.rng.IntN(5)]
		acked, appended := state()
		c.images = append(c.images, image{fs.Crash(c.rng, percent), acked, appended, c.from, c.lsn, string(op.Kind)})
		return nil
	})
}

func (c *crashRun) state() (acked, appended table.LSN) { return c.w.acked, c.w.next - 1 }

// work runs groups, marks and checkpoints.
func (c *crashRun) work(steps int) error {
	for range steps {
		var err error
		switch n := c.rng.IntN(20); {
		case n < 12:
			err = c.w.group(1+c.rng.IntN(8), true)
		case n < 16:
			err = c.w.group(1+c.rng.IntN(8), false)
		case n < 18:
			if err = c.w.flush(true); err == nil {
				err = c.w.add(&Entry{Kind: Mark})
			}
		default:
			err = c.checkpoint()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkpoint makes the state durable outside of the log, and truncates the log.
func (c *crashRun) checkpoint() error {
	if err := c.w.flush(true); err != nil {
		return err
	}
	c.from, c.lsn = c.w.End(), c.w.acked
	if err := c.w.Truncate(c.from); err != nil {
		return err
	}
	c.w.settled()
	return nil
}

// recovered opens an image and checks it. With a run, recovery itself loses power too.
func recovered(im *image, c *crashRun) (*writer, error) {
	if c != nil {
		c.from, c.lsn = im.from, im.fromLSN
		c.arm(im.fs, 4, func() (table.LSN, table.LSN) { return im.acked, im.appended })
	}
	o := crashOptions()
	o.From = im.from
	w, info, err := open(im.fs, o, im.fromLSN)
	im.fs.SetHook(nil)
	if err != nil {
		return nil, err
	}
	if info.LastLSN < im.acked || info.LastLSN > im.appended {
		return nil, fmt.Errorf("recovered up to LSN %d; acknowledged %d, appended %d", info.LastLSN, im.acked, im.appended)
	}
	return w, nil
}

// survives checks that what one recovery has shown is still there after the next power loss, which
// loses all that is not synced, and that the log goes on from there.
func survives(im *image, w *writer, rng *rand.Rand) error {
	shown, _ := w.Last()
	again := image{im.fs.Crash(rng, 0), shown, shown, im.from, im.fromLSN, ""}
	w2, err := recovered(&again, nil)
	if err != nil {
		return fmt.Errorf("second recovery: %w", err)
	}
	if err := w2.group(3, true); err != nil {
		return err
	}
	last, _ := w2.Last()
	third := image{again.fs.Crash(rng, 50), last, last, im.from, im.fromLSN, ""}
	w3, err := recovered(&third, nil)
	if err != nil {
		return fmt.Errorf("third recovery: %w", err)
	}
	return w3.Close()
}

// TestCrashAnywhere loses power before calls of every kind, in normal work and in recovery, keeps a
// random part of what was not synced, in sectors, and checks every image.
func TestCrashAnywhere(t *testing.T) {
	seeds, perSeed := 24, 16
	if testing.Short() || invariants.Enabled {
		seeds = 6
	}
	hits := map[string]int{}
	images := 0
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		c := &crashRun{rng: rng, budget: perSeed, rare: perSeed}
		fs := waltest.NewCrashFS()
		w, _ := mustOpen(t, fs, crashOptions())
		c.w = w
		c.arm(fs, 30, c.state)
		if err := c.work(200); err != nil {
			t.Fatal(seed, err)
		}
		fs.SetHook(nil)
		must(t, w.Close())
		inner := &crashRun{rng: rng, budget: perSeed, rare: perSeed}
		for i := range c.images {
			im := &c.images[i]
			hits[im.at]++
			images++
			check(t, seed, im, inner, rng)
		}
		for i := range inner.images {
			hits["recovery: "+inner.images[i].at]++
			images++
			check(t, seed, &inner.images[i], nil, rng)
		}
	}
	t.Log(images, "images", hits)
	for _, kind := range []waltest.OpKind{
		waltest.OpWrite, waltest.OpSync, waltest.OpCreate, waltest.OpRename, waltest.OpSyncDir,
	} {
		if hits[string(kind)] == 0 || hits["recovery: "+string(kind)] == 0 {
			t.Errorf("no power loss before a %s, in work or in recovery", kind)
		}
	}
	if hits[string(waltest.OpRemove)] == 0 {
		t.Error("no power loss before a remove")
	}
	if images < seeds*perSeed {
		t.Errorf("only %d images", images)
	}
}

func check(t *testing.T, seed int, im *image, inner *crashRun, rng *rand.Rand) {
	t.Helper()
	w, err := recovered(im, inner)
	if err == nil {
		err = survives(im, w, rng)
		_ = w.Close()
	}
	if err != nil {
		t.Fatalf("seed %d, power lost before a %s at LSN %d of %d: %v", seed, im.at, im.acked, im.appended, err)
	}
}

// TestTornGroup cuts one large group at every sector: what is before the first lost sector is
// recovered, whatever survived after it, and nothing is called damage.
func TestTornGroup(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(5, true))
	must(t, w.group(60, false))
	begin, end := w.acked, w.next-1
	first, last := 1<<30, 0
	for s := 0; s < testFileBytes/waltest.SectorBytes; s++ {
		if fs.Dirty(testDir+"/"+fileName(1), s) {
			first, last = min(first, s), max(last, s)
		}
	}
	if last-first < 20 {
		t.Fatalf("the group covers sectors %d to %d only", first, last)
	}
	cut := 0
	prev := begin
	for s := first; s <= last; s++ {
		im := fs.CrashLosing(testDir+"/"+fileName(1), s)
		w, info, err := open(im, testOptions(), 0)
		if err != nil {
			t.Fatalf("sector %d lost: %v", s, err)
		}
		if info.LastLSN < prev || info.LastLSN >= end {
			t.Fatalf("sector %d lost: recovered up to LSN %d, before it %d", s, info.LastLSN, prev)
		}
		prev = info.LastLSN
		if info.Cut {
			cut++
		}
		must(t, w.Close())
	}
	if cut < 10 {
		t.Errorf("intact records followed the torn one in %d cases only", cut)
	}
}

// TestKillKeepsWhatWasShown ends the process, not the machine, with records in the file system's
// cache alone. Recovery shows them, so a power loss right after it must not take them back.
func TestKillKeepsWhatWasShown(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(5, true))
	must(t, w.group(20, false))
	killed := fs.Kill()
	o := testOptions()
	w2, info := mustOpen(t, killed, o)
	if info.LastLSN != 25 {
		t.Fatalf("recovered up to LSN %d", info.LastLSN)
	}
	w3, info, err := open(killed.Crash(rand.New(rand.NewPCG(1, 1)), 0), o, 0)
	if err != nil || info.LastLSN != 25 {
		t.Fatalf("after the power loss: LSN %d, %v", info.LastLSN, err)
	}
	must(t, w3.Close())
	must(t, w2.Close())
	must(t, w.Close())
}

// TestRecoveredFileIsSealed checks that new records go to a new file of a new epoch, and that what a
// recovered file holds behind its end is left as it is and never comes back.
func TestRecoveredFileIsSealed(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(5, true))
	must(t, w.group(30, false))
	im := fs.CrashLosing(testDir+"/"+fileName(1), int(w.Durable().Offset())/waltest.SectorBytes+4)
	before := readAll(t, im, fileName(1))
	if _, info := mustOpen(t, im.Kill(), testOptions()); !info.Cut {
		t.Fatal("no intact record lies behind the end of the recovered file")
	}
	for round := range 3 {
		w, info := mustOpen(t, im, testOptions())
		if info.End.Epoch() >= w.End().Epoch() {
			t.Fatalf("round %d: log continues at %v in the recovered file, which ended at %v", round, w.End(), info.End)
		}
		must(t, w.group(4, true))
		if got := readAll(t, im, fileName(1)); string(got) != string(before) {
			t.Fatalf("round %d: the recovered file was changed", round)
		}
		must(t, w.Close())
	}
}

// TestManyRestarts opens and closes one log many times, cleanly and not.
func TestManyRestarts(t *testing.T) {
	fs := waltest.NewCrashFS()
	rng := rand.New(rand.NewPCG(5, 5))
	total := table.LSN(0)
	for round := range 30 {
		w, info := mustOpen(t, fs, testOptions())
		if info.LastLSN != total {
			t.Fatalf("round %d: LSN %d, want %d", round, info.LastLSN, total)
		}
		must(t, w.group(1+rng.IntN(60), true))
		total = w.acked
		if round%2 == 0 {
			must(t, w.Close())
		}
		fs = fs.Crash(rng, 100)
		if round%2 == 0 {
			report, err := Scan(fs, testDir, 0, nil)
			must(t, err)
			if !report.Sealed {
				t.Fatalf("round %d: no mark after a clean close", round)
			}
		}
	}
}

// TestLostBeginningOfAFile begins a file without syncing it and loses its first sector: the file
// before it, which was synced, ends the log, and the records that survive prove nothing else.
func TestLostBeginningOfAFile(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	var before table.LSN // the last in the first file
	for w.End().Epoch() == 1 {
		before = w.next - 1
		must(t, w.group(1, false))
	}
	must(t, w.group(30, false))
	im := fs.CrashLosing(testDir+"/"+fileName(2), 0)
	w2, info := mustOpen(t, im, testOptions())
	if info.LastLSN != before || info.End.Epoch() != 1 {
		t.Fatalf("recovered up to LSN %d at %v, want %d", info.LastLSN, info.End, before)
	}
	must(t, w2.Close())
	must(t, w.Close())
}
