package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// backupKind says what a call has to do with a backup in the directory "backup".
func backupKind(op waltest.Op) string {
	rest, ok := strings.CutPrefix(op.Path, "backup")
	if !ok {
		return "source"
	}
	folder, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch folder {
	case "":
		return "directory"
	case versionName + tempSuffix:
		return versionName
	}
	return folder
}

// backupKinds are the parts of a backup that a power loss must have met.
var backupKinds = []string{"source", "directory", lockName, incompleteName, checkpointName, versionName, logName, tiersDirName, lsmDirName}

// orNothing opens what is left of a backup: the whole of it, or nothing that can be opened. It reports which.
func (m *madeBackup) orNothing(fs *waltest.CrashFS, o *oracle) (whole bool, err error) {
	s, err := openCrashAt(fs, m.dir, table.Common{ReadOnly: true})
	if err == nil {
		_, err = sameAsModel(s, o, m.acked)
		return true, errors.Join(err, s.Close())
	}
	switch sqlerr.CodeOf(err) {
	case sqlerr.UndefinedFile, sqlerr.ObjectNotInPrerequisiteState:
	default:
		return false, fmt.Errorf("an incomplete backup: %s %w", sqlerr.CodeOf(err), err)
	}
	// Nor may it be taken for a new database, unless nothing of it is there.
	names, _ := fs.List(m.dir)
	empty := len(names) == 0 || len(names) == 1 && names[0] == lockName
	s, err = openCrashAt(fs, m.dir, table.Common{})
	switch {
	case err == nil && !empty:
		return false, errors.Join(fmt.Errorf("a database was made of %v", names), s.Close())
	case err == nil:
		return false, s.Close()
	case sqlerr.CodeOf(err) != sqlerr.ObjectNotInPrerequisiteState:
		return false, fmt.Errorf("an incomplete backup: %s %w", sqlerr.CodeOf(err), err)
	}
	return false, nil
}

// mixedStore returns a store with tables of all tiers, that has been used, and a client that uses it on.
func mixedStore(t *testing.T, fs *waltest.CrashFS, seed uint64) (*workload, *client) {
	t.Helper()
	w := &workload{o: newOracle(), seed: seed, steps: 16}
	w.s = must(openCrash(fs))(t)
	must(0, w.setUp())(t)
	c, d := w.client(0), w.definer(1)
	must(0, errors.Join(c.run(), d.run(), w.s.Checkpoint(t.Context()), c.run(), d.run()))(t)
	return w, c
}

// TestBackupSurvivesPowerLoss loses power at calls of backups and of the clients beside them: the database is what it was,
// and of the backup there is all, or nothing that can be opened. Once Backup has returned, there is all.
func TestBackupSurvivesPowerLoss(t *testing.T) {
	withMixed(t)
	rounds, least, sum := 3, 3, 2*crashPointsMin
	if reduced() {
		rounds, least, sum = 2, 2, crashPointsMin
	}
	hits, inside, whole := map[string]int{}, 0, 0
	few := func() bool {
		return inside < sum || slices.ContainsFunc(backupKinds, func(kind string) bool { return hits[kind] < least })
	}
	for round := 0; more(round, rounds, few()); round++ {
		seed := crashSeed(round)
		rng := rand.New(rand.NewPCG(seed, 11))
		fs := waltest.NewCrashFS()
		w, c := mixedStore(t, fs, seed)
		m := madeBackup{dir: "backup", acked: w.o.ackedLSN()}
		var images []*crashImage
		taken := map[string]int{}
		armed := true
		fs.SetHook(func(op waltest.Op) error {
			switch op.Kind {
			case waltest.OpRead, waltest.OpOpen, waltest.OpOpenDir, waltest.OpList, waltest.OpStat, waltest.OpClose:
				return nil // nothing of the disk changes
			}
			kind := backupKind(op)
			if !armed || kind == "source" && rng.IntN(8) > 0 || taken[kind] > 12 {
				return nil
			}
			taken[kind]++
			im := &crashImage{kind: crashKind(kind), at: op, acked: w.o.ackedLSN(), keep: []int{0, 50, 100, -1}[rng.IntN(4)]}
			if im.keep < 0 {
				im.fs = fs.Kill()
			} else {
				im.fs = fs.Crash(rng, im.keep)
			}
			images = append(images, im)
			if kind != "source" && op.Kind == waltest.OpMkdir {
				armed = false // what the clients do is another test's
				must(0, c.run())(t)
				armed = true
			}
			return nil
		})
		made, err := backUp(t.Context(), w.s, w.o, m.dir)
		fs.SetHook(nil)
		must(0, err)(t)
		for range 3 {
			must(0, made.check(fs.Crash(rng, 0), w.o, true))(t)
		}
		must(0, made.check(fs.Kill(), w.o, true))(t)
		for i, im := range images {
			if hits[string(im.kind)]++; im.kind != "source" {
				inside++
			}
			ok, err := m.orNothing(im.fs, w.o)
			if err == nil {
				err = im.check(w.o, nil, i%8 == 0)
			}
			if err != nil {
				t.Fatalf("round %d, %v: %v", round, im, err)
			}
			if ok {
				whole++
			}
		}
		must(0, w.s.Close())(t)
	}
	t.Log(hits, inside, "of them of the backup;", whole, "were whole")
	for _, kind := range backupKinds {
		if hits[kind] < least {
			t.Errorf("%s: %d power losses, at least %d are wanted", kind, hits[kind], least)
		}
	}
	if inside < sum {
		t.Errorf("%d power losses", inside)
	}
}

// TestEveryCallOfBackupFailsOnce makes each call of a backup fail, in its turn: the error is told, nothing is left of the
// backup that could be opened, the database goes on, and so does the next backup.
func TestEveryCallOfBackupFailsOnce(t *testing.T) {
	withMixed(t)
	hits, silent, codes := map[string]int{}, 0, map[sqlerr.Code]int{}
	stride := 1
	if testing.Short() || invariants.Enabled {
		stride = 5
	}
	for n := 1; ; n += stride {
		fs := waltest.NewCrashFS()
		w, c := mixedStore(t, fs, 9)
		must(0, w.s.Checkpoint(t.Context()))(t)
		calls, what := 0, ""
		fs.SetHook(func(op waltest.Op) error {
			kind := backupKind(op)
			if kind == "source" {
				switch op.Kind {
				case waltest.OpOpen, waltest.OpRead, waltest.OpStat, waltest.OpList:
				default:
					return nil // what a checkpoint changes is another test's
				}
			}
			if calls++; calls == n {
				what = fmt.Sprint(op.Kind, " ", kind)
				return syscall.EIO
			}
			return nil
		})
		made, err := backUp(t.Context(), w.s, w.o, "backup")
		fs.SetHook(nil)
		if what == "" {
			must(0, errors.Join(err, w.s.Close()))(t)
			break
		}
		hits[what]++
		codes[sqlerr.CodeOf(err)]++
		goesOn := func() error {
			if err := errors.Join(c.run(), w.s.Checkpoint(t.Context())); err != nil {
				return err
			}
			next, err := backUp(t.Context(), w.s, w.o, "next")
			return errors.Join(err, w.s.Close(), next.check(fs, w.o, true))
		}
		switch {
		case err == nil:
			silent++
			err = errors.Join(made.check(fs, w.o, true), goesOn())
		case sqlerr.CodeOf(err) != sqlerr.IOError:
			t.Fatalf("call %d, %s: %s %v", n, what, sqlerr.CodeOf(err), err)
		default:
			err = errors.Join(nothingOf(fs, made.dir), goesOn())
		}
		if err == nil {
			err = (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, false)
		}
		if err != nil {
			t.Fatalf("call %d, %s: %v", n, what, err)
		}
	}
	t.Log(hits, silent, "without an effect", codes)
	if len(hits) < 40/stride || codes[sqlerr.IOError] < 60/stride {
		t.Errorf("%d kinds of calls, codes %v", len(hits), codes)
	}
}

// nothingOf returns an error if a directory is there.
func nothingOf(fs *waltest.CrashFS, dir string) error {
	if names, err := fs.List(dir); !isNotExist(err) {
		return fmt.Errorf("%s has %v, %w", dir, names, err)
	}
	return nil
}

// TestBackupOnFullDisk fills the disk at every place of a backup: it is refused with 53100, it gives its space back, and the
// database goes on with what there is.
func TestBackupOnFullDisk(t *testing.T) {
	withMixed(t)
	fs := waltest.NewCrashFS()
	w, c := mixedStore(t, fs, 4)
	must(0, w.s.Checkpoint(t.Context()))(t)
	full := 0
	for room := 0; ; room += 500 {
		// The backup may write so many bytes.
		left := room
		fs.SetHook(func(op waltest.Op) error {
			if backupKind(op) == "source" || op.Kind != waltest.OpWrite && op.Kind != waltest.OpCreate && op.Kind != waltest.OpLink && op.Kind != waltest.OpMkdir {
				return nil
			}
			if left -= op.Len + 100; left < 0 {
				return syscall.ENOSPC
			}
			return nil
		})
		made, err := backUp(t.Context(), w.s, w.o, "backup")
		fs.SetHook(nil)
		if err == nil {
			must(0, errors.Join(made.check(fs, w.o, true), fs.RemoveAll("backup")))(t)
			break
		}
		full++
		if sqlerr.CodeOf(err) != sqlerr.DiskFull {
			t.Fatalf("%d bytes: %s %v", room, sqlerr.CodeOf(err), err)
		}
		must(0, nothingOf(fs, "backup"))(t)
		if full%4 == 0 {
			must(0, errors.Join(c.run(), w.s.Checkpoint(t.Context())))(t)
		}
	}
	must(0, w.s.Close())(t)
	must(0, (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, false))(t)
	// The same where database and backup share a disk. Pebble would not survive that its own compactions meet a full one.
	crashMixed = false
	fs = waltest.NewCrashFS()
	w, c = mixedStore(t, fs, 5)
	must(0, w.s.Checkpoint(t.Context()))(t)
	shared := 0
	for room := 12 << 10; room > 0; room -= 1 << 9 {
		fs.SetSpace(fs.Used() + room)
		made, err := backUp(t.Context(), w.s, w.o, "backup")
		fs.SetSpace(-1)
		if err == nil {
			must(0, errors.Join(made.check(fs, w.o, false), fs.RemoveAll("backup")))(t)
			continue
		}
		shared++
		wantLike(t, err, sqlerr.DiskFull, "")
		must(0, errors.Join(nothingOf(fs, "backup"), c.run(), w.s.Checkpoint(t.Context())))(t)
	}
	must(0, w.s.Close())(t)
	must(0, (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, false))(t)
	t.Log(full, "and", shared, "full disks")
	if full < 10 || shared < 3 {
		t.Errorf("%d and %d full disks", full, shared)
	}
}
