package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
	"github.com/laminadb/lamina/wal/waltest"
)

// damageCase is a database whose files will be damaged.
type damageCase struct {
	o  *oracle
	fs *waltest.CrashFS // of the open store s
	s  *Store
	// image is what the end of the process would leave, early what it would have left before the last checkpoint.
	image, early *waltest.CrashFS
	// proven is how far the log proves itself; files are those of the log.
	proven wal.Position
	files  map[string]wal.FileReport
}

// newDamageCase makes a database with checkpoints, and commits after the last one, in several files.
func newDamageCase(t *testing.T) *damageCase {
	t.Helper()
	f := newFaultRun()
	f.logBytesMax = 1 << 30
	fs := waltest.NewCrashFS()
	must(0, f.fresh(fs))(t)
	s := f.w.s
	fill := func() {
		for from := s.log.End().Epoch(); s.log.End().Epoch() < from+3; {
			must(0, f.clients(5))(t)
		}
	}
	early := fs.Kill()
	fill()
	must(0, s.Checkpoint(t.Context()))(t)
	from := wal.Position(s.checkpoints.position.Load())
	fill()
	must(0, s.pipeline.Sync(t.Context()))(t)
	c := &damageCase{o: f.o, fs: fs, s: s, early: early, proven: s.log.End(), files: map[string]wal.FileReport{}}
	must(0, s.pipeline.Mark(t.Context()))(t)
	c.image = fs.Kill()
	report := must(wal.Scan(c.image, LogDir(fs, "db"), from, nil))(t)
	for _, file := range report.Files {
		c.files[file.Name] = file
	}
	return c
}

// matters reports whether a byte of a log file is part of what the log proves.
func (c *damageCase) matters(name string, off int64) bool {
	f, ok := c.files[name]
	return ok && off < int64(f.End) && wal.NewPosition(f.Epoch, uint32(off)) < c.proven
}

// paths returns the database's files by kind.
func (c *damageCase) paths(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, dir := range []string{"db", "db/" + logName, "db/" + tiersDirName, "db/" + "lsm"} {
		names, err := c.image.List(dir)
		if err != nil && dir != "db/"+"lsm" {
			t.Fatal(err)
		}
		for _, name := range names {
			path := dir + "/" + name
			if info := must(c.image.Stat(path))(t); !info.IsDir() && (info.Size() > 0 || strings.HasPrefix(name, "marker.")) {
				found[fileKind(path)] = append(found[fileKind(path)], path)
			}
		}
	}
	return found
}

// flip changes one bit of a file.
func flip(t *testing.T, fs *waltest.CrashFS, path string, off int64, bit int) {
	t.Helper()
	f := must(fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified))(t)
	defer func() { must(0, f.Close())(t) }()
	b := make([]byte, 1)
	must(f.ReadAt(b, off))(t)
	b[0] ^= 1 << bit
	must(f.WriteAt(b, off))(t)
	must(0, f.Sync())(t)
}

// pickByte chooses a byte of one of the files.
func pickByte(t *testing.T, fs *waltest.CrashFS, rng *rand.Rand, paths []string) (path string, off int64) {
	t.Helper()
	path = paths[rng.IntN(len(paths))]
	return path, rng.Int64N(must(fs.Stat(path))(t).Size())
}

var damageKinds = []string{"log file", "checkpoint", "manifest", "snapshot", "version"}

// wantPlace checks that err is damage of a file at or before an offset.
func wantPlace(err error, path string, off int64) error {
	name := path[strings.LastIndexByte(path, '/')+1:]
	file, at, ok := table.PlaceOf(err)
	if sqlerr.CodeOf(err) != sqlerr.DataCorrupted || !ok || file != name || at > off || !strings.Contains(err.Error(), name) {
		return fmt.Errorf("%s %w does not say that %s is damaged at %d", sqlerr.CodeOf(err), err, name, off)
	}
	return nil
}

// TestFlippedBitsAreSeenAtOpen flips a bit of a file. Opening the database, for writing or reading, says
// which file is damaged; or what was flipped is not part of the database, and all of it is there.
func TestFlippedBitsAreSeenAtOpen(t *testing.T) {
	c := newDamageCase(t)
	paths := c.paths(t)
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for _, kind := range damageKinds {
		for n := 0; n < 200 && seen[kind] < 40; n++ {
			fs := c.image.Kill()
			path, off := pickByte(t, fs, rng, paths[kind])
			flip(t, fs, path, off, rng.IntN(8))
			err := openDamaged(c, fs, n%2 == 0)
			if err == nil {
				if kind == "log file" && !c.matters(path[len("db/wal/"):], off) || kind == "snapshot" {
					continue
				}
				t.Fatalf("%s, byte %d: no damage was seen", path, off)
			}
			if err := wantPlace(err, path, off); err != nil {
				t.Fatalf("%s, byte %d: %v", path, off, err)
			}
			seen[kind]++
		}
	}
	t.Log(seen)
	for _, kind := range damageKinds {
		if seen[kind] < 40 {
			t.Errorf("%s: %d flips were seen", kind, seen[kind])
		}
	}
	must(0, c.s.Close())(t)
}

// TestTornFilesAreSeenAtOpen wipes a sector of a file, or cuts it short. Of the log only the middle is
// taken: that its last file ended earlier is what a power loss does.
func TestTornFilesAreSeenAtOpen(t *testing.T) {
	c := newDamageCase(t)
	paths := c.paths(t)
	rng := rand.New(rand.NewPCG(5, 6))
	seen := map[string]int{}
	for _, kind := range damageKinds {
		for n := 0; n < 300 && seen[kind] < 20; n++ {
			fs := c.image.Kill()
			path, off := pickByte(t, fs, rng, paths[kind])
			off -= off % waltest.SectorBytes
			cut := n%2 == 0 && kind != "log file"
			if kind == "log file" && !c.matters(path[len("db/wal/"):], off+waltest.SectorBytes) {
				continue
			}
			tear(t, fs, path, off, cut)
			err := openDamaged(c, fs, n%4 < 2)
			if err == nil {
				if kind == "snapshot" {
					continue // of a chunk that was written anew since
				}
				t.Fatalf("%s, byte %d, cut %t: no damage was seen", path, off, cut)
			}
			if err := wantPlace(err, path, off+waltest.SectorBytes); err != nil {
				t.Fatalf("%s, byte %d, cut %t: %v", path, off, cut, err)
			}
			seen[kind]++
		}
	}
	t.Log(seen)
	for _, kind := range damageKinds {
		if seen[kind] < 20 {
			t.Errorf("%s: %d cases were seen", kind, seen[kind])
		}
	}
	must(0, c.s.Close())(t)
}

// tear writes a file anew, without what is behind an offset or with zeros in one sector.
func tear(t *testing.T, fs *waltest.CrashFS, path string, off int64, cut bool) {
	t.Helper()
	b := must(readFile(fs, path))(t)
	if cut {
		b = b[:off]
	} else {
		clear(b[off:min(int64(len(b)), off+waltest.SectorBytes)])
	}
	must(0, fs.Remove(path))(t)
	must(0, writeFile(fs, path, b))(t)
}

// openDamaged opens a database. If it opens, it must be whole.
func openDamaged(c *damageCase, fs *waltest.CrashFS, readOnly bool) error {
	st, err := Open(table.Columnar{Dir: "db", Common: table.Common{FS: fs, LogFileBytes: crashLogFileBytes, ReadOnly: readOnly}})
	if err != nil {
		return err
	}
	_, err = sameAsModel(st.(*Store), c.o, c.o.ackedLSN())
	return errors.Join(err, st.Close())
}

// TestVerifySeesFlippedBits flips bits under an open database, which Verify reports with file and offset.
func TestVerifySeesFlippedBits(t *testing.T) {
	c := newDamageCase(t)
	paths := c.paths(t)
	rng := rand.New(rand.NewPCG(3, 4))
	seen := map[string]int{}
	for _, kind := range damageKinds {
		for n := 0; n < 200 && seen[kind] < 25; n++ {
			path, off := pickByte(t, c.image, rng, paths[kind])
			if kind == "log file" && !c.matters(path[len("db/wal/"):], off) {
				continue // and the file may have got another name
			}
			bit := rng.IntN(8)
			flip(t, c.fs, path, off, bit)
			found := verifyAll(t, c.s)
			flip(t, c.fs, path, off, bit)
			if len(found) == 0 {
				if kind == "snapshot" {
					continue // of a chunk that was written anew since
				}
				t.Fatalf("%s, byte %d: no damage was seen", path, off)
			}
			for _, d := range found {
				if err := wantPlace(d.Err, path, off); err != nil {
					t.Fatalf("%s, byte %d: %v", path, off, err)
				}
				if !strings.HasSuffix(path, "/"+d.File) || d.Offset > off {
					t.Fatalf("%s, byte %d: reported as %s, %d", path, off, d.File, d.Offset)
				}
			}
			seen[kind]++
		}
	}
	t.Log(seen)
	for _, kind := range damageKinds {
		if seen[kind] < 25 {
			t.Errorf("%s: %d flips were seen", kind, seen[kind])
		}
	}
	if found := verifyAll(t, c.s); len(found) > 0 {
		t.Errorf("damage of a whole database: %v", found)
	}
	must(0, c.s.Close())(t)
}

func verifyAll(t *testing.T, s *Store) (found []table.Damage) {
	t.Helper()
	must(0, s.Verify(context.Background(), func(d table.Damage) bool {
		found = append(found, d)
		return true
	}))(t)
	return found
}

// TestMissingFiles takes a file away: no database opens without one that it needs, and none that is
// there is removed for it.
func TestMissingFiles(t *testing.T) {
	c := newDamageCase(t)
	refused := map[string]int{}
	for kind, paths := range c.paths(t) {
		for _, path := range paths {
			if c.files[path[strings.LastIndexByte(path, '/')+1:]].Epoch == c.proven.Epoch() {
				continue // nothing proves that there was a last file
			}
			fs := c.image.Kill()
			must(0, fs.Remove(path))(t)
			before := must(fs.List("db/" + tiersDirName))(t)
			err := openDamaged(c, fs, false)
			if err == nil {
				continue // not needed, and the database is whole
			}
			refused[kind]++
			if code := sqlerr.CodeOf(err); code != sqlerr.DataCorrupted && code != sqlerr.ObjectNotInPrerequisiteState {
				t.Errorf("without %s: %s %v", path, code, err)
			}
			if after := must(fs.List("db/" + tiersDirName))(t); len(after) != len(before) {
				t.Errorf("without %s: files were removed: %v instead of %v", path, after, before)
			}
		}
	}
	t.Log(refused)
	for _, kind := range damageKinds {
		if refused[kind] == 0 {
			t.Errorf("no %s is needed", kind)
		}
	}
	must(0, c.s.Close())(t)
}

// TestVerifyMeanwhile verifies a database again and again while clients and checkpoints change it.
func TestVerifyMeanwhile(t *testing.T) {
	w := &workload{o: newOracle(), seed: 11, steps: 150, every: 5}
	w.s = must(openCrash(waltest.NewCrashFS()))(t)
	must(0, w.setUp())(t)
	stop, rounds := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				rounds <- n
				return
			default:
			}
			err := w.s.Verify(context.Background(), func(d table.Damage) bool {
				t.Errorf("damage %+v", d)
				return true
			})
			if err != nil {
				t.Error(err)
			}
		}
	}()
	err := w.run(3)
	close(stop)
	n := <-rounds
	must(0, errors.Join(err, w.s.Close()))(t)
	t.Log(n, "rounds,", w.s.stats.checkpoints.Load(), "checkpoints")
	if n < 10 || w.s.stats.checkpoints.Load() < 10 {
		t.Error("too few rounds or checkpoints")
	}
}
