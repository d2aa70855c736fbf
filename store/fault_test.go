package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// fileKind says what a path is to the store.
func fileKind(path string) string {
	base := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case strings.HasPrefix(base, "marker."):
		return "LSM marker"
	case strings.HasPrefix(base, "tmp-wal-"):
		return "log file in preparation"
	case strings.HasPrefix(base, "wal-"):
		return "log file"
	case strings.HasSuffix(base, ".snap"):
		return "snapshot"
	case strings.HasSuffix(base, segment.SegmentSuffix):
		return "segment"
	case strings.HasSuffix(base, segment.SidecarSuffix):
		return "sidecar"
	case strings.Contains(base, ".manifest"):
		return "manifest"
	case strings.HasPrefix(base, checkpointName):
		return "checkpoint"
	case strings.HasPrefix(base, versionName):
		return "version"
	case strings.HasSuffix(base, ".sst"):
		return "LSM table"
	case strings.HasPrefix(base, "MANIFEST-"):
		return "LSM manifest"
	case strings.HasPrefix(base, "OPTIONS-"):
		return "LSM options"
	case base == lockName:
		return "lock"
	case base == logName:
		return "log directory"
	case base == tiersDirName:
		return "tier directory"
	case base == "db":
		return "directory"
	}
	return "directory above"
}

// faultPairs are the pairs of call and file that must have failed once, at least.
var faultPairs = []string{
	"mkdir directory", "syncdir directory above", "opendir directory above", "lock lock", "stat version",
	"create version", "write version", "sync version", "close version", "rename version", "open version", "read version",
	"list directory", "opendir directory", "syncdir directory",
	"mkdir tier directory", "list tier directory", "opendir tier directory", "syncdir tier directory",
	"create manifest", "write manifest", "sync manifest", "close manifest", "rename manifest", "open manifest", "stat manifest",
	"read manifest",
	"create snapshot", "write snapshot", "sync snapshot", "close snapshot", "open snapshot", "read snapshot", "remove snapshot",
	"create checkpoint", "write checkpoint", "sync checkpoint", "close checkpoint", "rename checkpoint", "open checkpoint",
	"stat checkpoint", "read checkpoint",
	"mkdir log directory", "list log directory", "opendir log directory", "syncdir log directory",
	"create log file in preparation", "write log file in preparation", "sync log file in preparation",
	"close log file in preparation", "rename log file in preparation",
	"open log file", "stat log file", "read log file", "write log file", "sync log file", "close log file", "rename log file",
	"remove log file",
}

// faultRun is a workload of one goroutine.
type faultRun struct {
	o *oracle
	w *workload
	c *client
	d *definer
	// much is how many times more there is to do.
	much int
	// logBytesMax is when the store makes a checkpoint by itself.
	logBytesMax int64
}

func newFaultRun() *faultRun {
	o := newOracle()
	w := &workload{o: o, seed: 7}
	return &faultRun{o, w, w.client(0), w.definer(2), 1, 128 << 10}
}

func (f *faultRun) clients(n int) error {
	f.w.steps = n * f.much
	return errors.Join(f.c.run(), f.d.run())
}

// fresh makes a new database and uses it.
func (f *faultRun) fresh(fs *waltest.CrashFS) (err error) {
	if f.w.s, err = openCrashWith(fs, crashLogFileBytes, f.logBytesMax); err != nil {
		return err
	}
	ctx := context.Background()
	for _, step := range []func() error{
		f.w.setUp,
		func() error { return f.clients(8) },
		func() error { return f.w.s.Checkpoint(ctx) },
		func() error { return f.clients(12) },
		func() error { return f.w.s.Verify(ctx, func(table.Damage) bool { return true }) },
		func() error { return f.w.s.Checkpoint(ctx) },
		func() error { _, err := f.w.s.Size(ctx); return err },
		func() error { return f.clients(24) },
		f.loads,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// loads has rows go to segments before their commit.
func (f *faultRun) loads() error {
	if !crashSegments {
		return nil
	}
	return f.w.loadAll(1)
}

// again opens what is there, uses it and closes it.
func (f *faultRun) again(fs *waltest.CrashFS) (err error) {
	f.w.s = nil
	s, err := openCrash(fs)
	if err != nil {
		return err
	}
	f.w.s = s
	if err := errors.Join(f.clients(4), s.Checkpoint(context.Background()), f.clients(4)); err != nil {
		return err
	}
	f.w.s = nil
	return s.Close()
}

// faults counts what was made to fail, and with what effect.
type faults struct {
	hits, silent map[string]int
	codes        map[sqlerr.Code]int
}

// TestEveryCallFailsOnce makes one call to the file system fail, each in its turn. What comes back is
// an error with a SQLSTATE, or the call did not matter; readers go on; the store closes; and opened
// again it has everything that was acknowledged, and nothing that was refused.
func TestEveryCallFailsOnce(t *testing.T) {
	fs := &faults{hits: map[string]int{}, silent: map[string]int{}, codes: map[sqlerr.Code]int{}}
	stride, each := int64(2), int64(3)
	if testing.Short() || invariants.Enabled {
		stride, each = 9, 1
	}
	// Goroutines make the order of calls differ from run to run: first a few of each kind, then all.
	for _, what := range faultPairs {
		match := func(op waltest.Op) bool { return string(op.Kind)+" "+fileKind(op.Path) == what }
		for n := range each {
			fs.run(t, match, n+1)
		}
		for range 20 { // some happen only in some runs
			if fs.hits[what] > 0 || fs.run(t, match, 1) {
				break
			}
		}
	}
	for n := int64(1); fs.run(t, func(waltest.Op) bool { return true }, n); {
		n += stride
	}
	total := 0
	for _, what := range slices.Sorted(maps.Keys(fs.hits)) {
		total += fs.hits[what]
		t.Logf("%4d × %s (%d without an effect)", fs.hits[what], what, fs.silent[what])
	}
	t.Log(total, "faults", fs.codes)
	for _, what := range faultPairs {
		if fs.hits[what] == 0 {
			t.Errorf("no %s has failed", what)
		}
	}
	if fs.codes[sqlerr.TransactionResolutionUnknown] == 0 || fs.codes[sqlerr.IOError] < 20 || total < 400/int(stride) {
		t.Errorf("%d faults, codes %v", total, fs.codes)
	}
}

// run runs the workload with the n-th of the calls that match made to fail. It reports false if there
// are fewer.
func (x *faults) run(t *testing.T, match func(waltest.Op) bool, n int64) bool {
	t.Helper()
	var calls atomic.Int64
	var failed atomic.Pointer[waltest.Op]
	hook := func(op waltest.Op) error {
		if match(op) && calls.Add(1) == n {
			failed.Store(&op)
			return syscall.EIO
		}
		return nil
	}
	f := newFaultRun()
	fs := waltest.NewCrashFS()
	fs.SetHook(hook)
	err := f.fresh(fs)
	if failed.Load() == nil {
		if err != nil {
			t.Fatal(err)
		}
		before := f.w.s
		fs.SetHook(nil)
		fs = fs.Kill() // before is lost with its process
		must(0, before.Close())(t)
		fs.SetHook(hook)
		err = f.again(fs)
	}
	op := failed.Load()
	if op == nil {
		must(0, err)(t)
		return false
	}
	what := string(op.Kind) + " " + fileKind(op.Path)
	x.hits[what]++
	if err == nil {
		x.silent[what]++
	}
	x.codes[sqlerr.CodeOf(err)]++
	if err := f.afterFault(fs, err); err != nil {
		t.Fatalf("call %d, %s of %s: %v", n, op.Kind, op.Path, err)
	}
	return true
}

// afterFault checks what the error of a run says, and what is left of the store.
func (f *faultRun) afterFault(fs *waltest.CrashFS, fault error) error {
	switch sqlerr.CodeOf(fault) {
	case "00000", sqlerr.IOError, sqlerr.TransactionResolutionUnknown, sqlerr.DiskFull:
	default:
		return fmt.Errorf("the error was %s %w", sqlerr.CodeOf(fault), fault)
	}
	acked := f.o.ackedLSN()
	if s := f.w.s; s != nil {
		_, err := sameAsModel(s, f.o, acked)
		if refused := s.readable(); refused != nil { // a look-up that cannot report an error met one: nothing is read any more
			if sqlerr.CodeOf(err) != sqlerr.IOError {
				return fmt.Errorf("after %w: readers get %w", refused, err)
			}
		} else if err != nil {
			return fmt.Errorf("after %w: readers: %w", fault, err)
		}
		if fault != nil && s.log.Err() != nil {
			err := writesLate(s)
			if code := sqlerr.CodeOf(err); code != sqlerr.IOError {
				return fmt.Errorf("after %w: a later writer gets %s %w", fault, code, err)
			}
		}
		fs.SetHook(nil)
		_ = s.Close() // may say what has failed; what matters is that it ends
	}
	fs.SetHook(nil)
	for i, im := range []*waltest.CrashFS{fs.Kill(), fs.Crash(rand.New(rand.NewPCG(1, 1)), 50)} {
		image := &crashImage{fs: im, acked: acked}
		if err := image.check(f.o, nil, true); err != nil {
			return fmt.Errorf("after %w: image %d: %w", fault, i, err)
		}
	}
	return nil
}

// writesLate commits to a store that has failed.
func writesLate(s *Store) error {
	tx, err := s.Begin(context.Background(), table.TxOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.Schema().Create(context.Background(), pairs("late")); err != nil {
		return err
	}
	_, err = tx.Commit(context.Background())
	return err
}

// TestStoreOnFullDisk fills disks of many sizes: what is refused is refused with 53100, readers go on,
// and with more space everything works, at once or when the store is opened again.
func TestStoreOnFullDisk(t *testing.T) { onFullDisk(t, 2500) }

// onFullDisk tries disks whose sizes are a step apart, and others between them as long as some stage was met too rarely.
func onFullDisk(t *testing.T, step int) {
	stages := map[string]int{}
	few := func() bool {
		return stages["open"] < max(1, 5*2500/step) || stages["commit"] < 2 || stages["checkpoint"] < 2
	}
	for round := 0; more(round, 1, few()); round++ {
		for space := round * step / 5; fullDisk(t, space, stages); {
			space += step
		}
	}
	t.Log(stages)
	if few() {
		t.Errorf("stages: %v", stages)
	}
}

// fullDisk works on a disk of a size until it is full, and then with more space. It notes at what stage the disk was full; false:
// it was large enough.
func fullDisk(t *testing.T, space int, stages map[string]int) bool {
	t.Helper()
	fs := waltest.NewCrashFS()
	fs.SetSpace(space)
	f := newFaultRun()
	f.much = 8
	err := f.fresh(fs)
	if err == nil {
		must(0, f.w.s.Close())(t)
		return false
	}
	if sqlerr.CodeOf(err) != sqlerr.DiskFull {
		t.Fatalf("%d bytes: %s %v", space, sqlerr.CodeOf(err), err)
	}
	s := f.w.s
	if s == nil {
		stages["open"]++
		fs.SetSpace(-1)
		must(0, (&crashImage{fs: fs}).check(f.o, nil, false))(t)
		return true
	}
	if _, err := sameAsModel(s, f.o, f.o.ackedLSN()); err != nil {
		t.Fatalf("%d bytes: readers: %v", space, err)
	}
	if err := s.log.Err(); err != nil {
		t.Fatalf("%d bytes: the log has failed: %v", space, err)
	}
	stage := "commit"
	if strings.Contains(err.Error(), tiersDirName) || strings.Contains(err.Error(), checkpointName) {
		stage = "checkpoint"
	}
	stages[stage]++
	fs.SetSpace(-1)
	if err := f.clients(4); err != nil {
		t.Fatalf("%d bytes, then more: %v", space, err)
	}
	must(0, s.Close())(t)
	if err := (&crashImage{fs: fs.Kill(), acked: f.o.ackedLSN()}).check(f.o, nil, true); err != nil {
		t.Fatalf("%d bytes: %v", space, err)
	}
	return true
}
