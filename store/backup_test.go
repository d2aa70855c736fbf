package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// madeBackup is a backup and what must be in it.
type madeBackup struct {
	dir string
	// acked was acknowledged when it was begun, last the newest LSN when it was there.
	acked, last uint64
	report      table.BackupReport
}

// backUp makes a backup and notes what must be in it.
func backUp(ctx context.Context, s *Store, o *oracle, dir string) (m madeBackup, err error) {
	m.dir, m.acked = dir, o.ackedLSN()
	m.report, err = s.Backup(ctx, dir, table.BackupOptions{})
	lsn, _ := s.log.Last()
	m.last = uint64(lsn)
	return m, err
}

// check opens the backup, verifies it, and compares it with the oracle; with use it is used then.
func (m *madeBackup) check(fs *waltest.CrashFS, o *oracle, use bool) error {
	s, err := openCrashAt(fs, m.dir, table.Common{LogFileBytes: crashLogFileBytes})
	if err != nil {
		return fmt.Errorf("%s: open: %w", m.dir, err)
	}
	lsn := uint64(s.views.LSN())
	model, err := sameAsModel(s, o, m.acked)
	switch {
	case err != nil:
	case lsn != uint64(m.report.LSN) || lsn < m.acked || lsn > m.last:
		err = fmt.Errorf("at LSN %d, reported %d, acknowledged %d, newest %d", lsn, m.report.LSN, m.acked, m.last)
	case m.report.Files == 0 || m.report.Bytes == 0:
		err = fmt.Errorf("report %+v", m.report)
	case use:
		err = errors.Join(worksOn(s, model), sameRows(s, model), s.Checkpoint(context.Background()))
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("%s: %w", m.dir, err)
	}
	return nil
}

func wantLike(t *testing.T, err error, code sqlerr.Code, text string) {
	t.Helper()
	if sqlerr.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Fatalf("got %s %v, want %s %s", sqlerr.CodeOf(err), err, code, text)
	}
}

// TestBackupUnderLoad makes backups beside clients that write to tables of all tiers, define tables and make checkpoints.
// Each is the state at its LSN, with all that was acknowledged before it was begun.
func TestBackupUnderLoad(t *testing.T) {
	withMixed(t)
	rounds := 6
	if testing.Short() || invariants.Enabled {
		rounds = 2
	}
	backups, linked, between := 0, 0, 0
	for round := range rounds {
		fs := waltest.NewCrashFS()
		w := &workload{o: newOracle(), seed: uint64(round), steps: 100, every: 8}
		w.s = must(openCrashWith(fs, crashLogFileBytes, 128<<10))(t)
		must(0, w.setUp())(t)
		fs.SetHook(func(op waltest.Op) error {
			if strings.HasPrefix(op.Path, "backup-") && (op.Kind == waltest.OpCreate || op.Kind == waltest.OpMkdir) {
				w.others()
			}
			return nil
		})
		list, failed := backupsBeside(t, w, fmt.Sprintf("backup-%d", round))
		fs.SetHook(nil)
		must(0, failed)(t)
		must(0, w.s.Close())(t)
		for i := range list {
			m := &list[i]
			must(0, m.check(fs, w.o, i%3 == 0))(t)
			backups, linked = backups+1, linked+m.report.Linked
			between += int(m.last - m.acked)
		}
		must(0, (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, false))(t)
	}
	t.Log(backups, "backups,", linked, "linked files,", between, "commits beside them")
	if backups < 3*rounds || linked < 2*backups || between < 10*backups {
		t.Errorf("%d backups, %d linked files, %d commits beside them", backups, linked, between)
	}
}

// backupsBeside makes backups for as long as the clients of a workload run.
func backupsBeside(t *testing.T, w *workload, name string) (list []madeBackup, failed error) {
	t.Helper()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for n := 0; n < 12; n++ {
			select {
			case <-stop:
				return
			default:
			}
			m, err := backUp(t.Context(), w.s, w.o, fmt.Sprint(name, "-", n))
			if err != nil {
				failed = errors.Join(failed, err)
				return
			}
			list = append(list, m)
		}
	})
	err := w.run(4)
	close(stop)
	wg.Wait()
	return list, errors.Join(err, failed)
}

// TestBackupBesideCheckpoints commits and makes checkpoints at each place where a backup makes a folder: these remove what
// the backup has still to take, if it does not keep it.
func TestBackupBesideCheckpoints(t *testing.T) {
	withMixed(t)
	hits := 0
	for round, place := range []string{"", "/" + tiersDirName, "/" + lsmDirName, "/" + logName} {
		fs := waltest.NewCrashFS()
		w := &workload{o: newOracle(), seed: 3, steps: 12}
		w.s = must(openCrash(fs))(t)
		must(0, w.setUp())(t)
		c, d := w.client(0), w.definer(1)
		must(0, errors.Join(c.run(), d.run(), w.s.Checkpoint(t.Context()), c.run()))(t)
		epoch := w.s.log.End().Epoch()
		dir := fmt.Sprint("backup", round)
		var inner error
		fs.SetHook(func(op waltest.Op) error {
			if op.Kind != waltest.OpMkdir || op.Path != dir+place {
				return nil
			}
			hits++
			for until := w.s.log.End().Epoch() + 4; w.s.log.End().Epoch() < until && inner == nil; {
				inner = errors.Join(c.run(), d.run(), w.s.Checkpoint(t.Context()))
			}
			return nil
		})
		m := must(backUp(t.Context(), w.s, w.o, dir))(t)
		fs.SetHook(nil)
		must(0, inner)(t)
		if w.s.log.End().Epoch() < epoch+4 {
			t.Errorf("%s: the log went from file %d to %d", dir, epoch, w.s.log.End().Epoch())
		}
		must(0, m.check(fs, w.o, true))(t)
		must(0, w.s.Close())(t)
	}
	if hits != 4 {
		t.Errorf("%d places", hits)
	}
}

// TestBackupOfAReader makes a backup of a database that is open for reading: nothing of it changes.
func TestBackupOfAReader(t *testing.T) {
	withMixed(t)
	for round, before := range []func(s *Store) error{
		func(*Store) error { return nil },
		func(s *Store) error { return s.Checkpoint(t.Context()) },
	} {
		fs := waltest.NewCrashFS()
		w := &workload{o: newOracle(), seed: 5, steps: 30}
		w.s = must(openCrash(fs))(t)
		must(0, w.setUp())(t)
		c, d := w.client(0), w.definer(1)
		must(0, errors.Join(c.run(), d.run(), before(w.s), c.run()))(t)
		fs = fs.Kill()
		must(0, w.s.Close())(t)
		s := must(openCrashAt(fs, "db", table.Common{ReadOnly: true}))(t)
		fs.SetHook(func(op waltest.Op) error {
			switch op.Kind {
			case waltest.OpCreate, waltest.OpWrite, waltest.OpRename, waltest.OpRemove, waltest.OpMkdir:
				if !strings.HasPrefix(op.Path, "backup") {
					t.Errorf("%s of %s", op.Kind, op.Path)
				}
			}
			return nil
		})
		report, err := s.Backup(t.Context(), "backup", table.BackupOptions{})
		must(0, err)(t)
		fs.SetHook(nil)
		m := madeBackup{dir: "backup", acked: w.o.ackedLSN(), last: uint64(s.views.LSN()), report: report}
		must(0, m.check(fs, w.o, true))(t)
		must(0, s.Close())(t)
		must(0, (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, round == 0))(t)
	}
}

// TestBackupIsRefused names what a backup cannot be made of, or to.
func TestBackupIsRefused(t *testing.T) {
	mem := open(t, nil)
	_, err := mem.Backup(t.Context(), "backup", table.BackupOptions{})
	wantLike(t, err, sqlerr.FeatureNotSupported, "in memory")
	must(0, mem.Close())(t)
	fs := waltest.NewCrashFS()
	s := must(openCrash(fs))(t)
	must(0, errors.Join(fs.MkdirAll("full", 0o755), writeFile(fs, "full/cat.jpg", []byte("miaow"))))(t)
	must(0, writeFile(fs, "file", nil))(t)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		dir, text string
		ctx       context.Context
		code      sqlerr.Code
	}{
		{"full", `it has "cat.jpg"`, t.Context(), sqlerr.ObjectNotInPrerequisiteState},
		{"db", "not empty", t.Context(), sqlerr.ObjectNotInPrerequisiteState},
		{"db/backup", "inside", t.Context(), sqlerr.InvalidParameterValue},
		{"db/wal/backup", "inside", t.Context(), sqlerr.InvalidParameterValue},
		{"", "no directory", t.Context(), sqlerr.InvalidParameterValue},
		{"file", "file", t.Context(), sqlerr.IOError},
		{"new", "cancel", canceled, sqlerr.QueryCanceled},
	} {
		_, err := s.Backup(c.ctx, c.dir, table.BackupOptions{})
		wantLike(t, err, c.code, c.text)
	}
	for _, name := range []string{"db/backup", "db/wal/backup", "new"} {
		if _, err := fs.Stat(name); !isNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	waited := false
	fs.SetHook(func(op waltest.Op) error {
		if op.Path == "first/"+logName && op.Kind == waltest.OpMkdir { // a second one at the same time waits
			_, err := s.Backup(canceled, "second", table.BackupOptions{})
			wantLike(t, err, sqlerr.QueryCanceled, "")
			waited = true
		}
		return nil
	})
	must(s.Backup(t.Context(), "first", table.BackupOptions{}))(t)
	fs.SetHook(nil)
	must(s.Backup(t.Context(), "second", table.BackupOptions{}))(t)
	must(0, s.Close())(t)
	if !waited {
		t.Error("nothing waited")
	}
	_, err = s.Backup(t.Context(), "new", table.BackupOptions{})
	wantLike(t, err, sqlerr.AdminShutdown, "closed")
}

// TestBackupIsCanceled cancels backups at each of their calls: nothing of them stays, and the database goes on. So it is
// when the database is closed.
func TestBackupIsCanceled(t *testing.T) {
	withMixed(t)
	fs := waltest.NewCrashFS()
	w := &workload{o: newOracle(), seed: 6, steps: 12}
	w.s = must(openCrash(fs))(t)
	must(0, w.setUp())(t)
	c := w.client(0)
	must(0, c.run())(t)
	must(0, fs.MkdirAll("empty", 0o755))(t)
	ended := 0
	for n := 1; ; n++ {
		dir := []string{"new", "empty"}[n%2]
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		fs.SetHook(func(op waltest.Op) error {
			if strings.HasPrefix(op.Path, dir) {
				if calls++; calls == n {
					cancel()
				}
			}
			return nil
		})
		m, err := backUp(ctx, w.s, w.o, dir)
		cancel()
		fs.SetHook(nil)
		if err == nil {
			must(0, m.check(fs, w.o, false))(t)
			if calls < n {
				break
			}
			must(0, errors.Join(fs.RemoveAll("new"), fs.RemoveAll("empty"), fs.MkdirAll("empty", 0o755)))(t)
			continue
		}
		ended++
		wantLike(t, err, sqlerr.QueryCanceled, "")
		if names, err := fs.List(dir); len(names) > 0 || dir == "empty" && err != nil || dir == "new" && !isNotExist(err) {
			t.Fatalf("call %d: %v %v", n, names, err)
		}
	}
	if ended < 20 {
		t.Errorf("%d backups were canceled", ended)
	}
	fs.SetHook(func(op waltest.Op) error {
		if op.Path == "late/"+logName && op.Kind == waltest.OpMkdir {
			must(0, w.s.Close())(t)
		}
		return nil
	})
	_, err := w.s.Backup(t.Context(), "late", table.BackupOptions{})
	wantLike(t, err, sqlerr.AdminShutdown, "closed")
	fs.SetHook(nil)
	if _, err := fs.Stat("late"); !isNotExist(err) {
		t.Error(err)
	}
	must(0, (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, false))(t)
}
