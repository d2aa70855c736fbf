package lsm

import (
	"context"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/backup"
)

// Backup adds what is in the tables' files to a backup, in a folder that is not there yet: a prefix of what was applied, up
// to the last flush at least. One backup is made at a time.
func (t *Tier) Backup(_ context.Context, to *backup.Target) error {
	db := t.db.Load()
	switch {
	case t.o.ReadOnly:
		return t.copyFiles(to)
	case db == nil:
		return nil
	}
	if err := t.failed.writeError(); err != nil {
		return err
	}
	err := t.files(func() error {
		t.backup.Store(to)
		defer t.backup.Store(nil)
		return db.Checkpoint(to.Dir())
	})
	if err != nil {
		return pebbleError("backup", err)
	}
	return to.Sync()
}

// copyFiles adds the files of a tier that nobody changes.
func (t *Tier) copyFiles(to *backup.Target) error {
	names, err := t.o.FS.List(t.o.Dir)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return pebbleError("list", err)
	}
	if err := to.Make(); err != nil {
		return err
	}
	for _, name := range names {
		if name == "LOCK" || strings.HasSuffix(name, ".dbtmp") {
			continue
		}
		if err := t.copyFile(to, name); err != nil {
			return err
		}
	}
	return to.Sync()
}

func (t *Tier) copyFile(to *backup.Target, name string) error {
	from := t.o.FS.PathJoin(t.o.Dir, name)
	if strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob") {
		return to.Link(from, name)
	}
	info, err := t.o.FS.Stat(from)
	if err != nil || info.IsDir() {
		return pebbleError("stat", err)
	}
	return to.Copy(from, name, info.Size())
}

// backupFS is the file system that Pebble works on: what belongs to a backup goes to the backup's own file system, whose
// errors end the backup and nothing else.
type backupFS struct {
	vfs.FS // the guarded one
	t      *Tier
}

// of returns the file system for a path.
func (s *backupFS) of(path string) vfs.FS {
	if to := s.t.backup.Load(); to != nil && to.Within(path) {
		return to.FS()
	}
	return s.FS
}

// Create makes a file.
func (s *backupFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return s.of(name).Create(name, c)
}

// Link makes a second name.
func (s *backupFS) Link(from, to string) error { return s.of(to).Link(from, to) }

// Open opens a file for reading.
func (s *backupFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	return s.of(name).Open(name, o...)
}

// OpenReadWrite opens a file for changes.
func (s *backupFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return s.of(name).OpenReadWrite(name, c, o...)
}

// OpenDir opens a folder, to sync it.
func (s *backupFS) OpenDir(name string) (vfs.File, error) {
	fs := s.of(name)
	f, err := fs.OpenDir(name)
	if err == nil && fs != s.FS {
		f = backupDir{f}
	}
	return f, err
}

// backupDir is a folder of a backup, which is synced once Pebble is done: that a marker's folder cannot be synced makes
// Pebble panic.
type backupDir struct{ vfs.File }

// Sync does nothing.
func (backupDir) Sync() error { return nil }

// Remove removes a file.
func (s *backupFS) Remove(name string) error { return s.of(name).Remove(name) }

// RemoveAll removes a folder.
func (s *backupFS) RemoveAll(name string) error { return s.of(name).RemoveAll(name) }

// Rename gives a file another name.
func (s *backupFS) Rename(from, to string) error { return s.of(to).Rename(from, to) }

// MkdirAll makes a folder.
func (s *backupFS) MkdirAll(name string, perm fs.FileMode) error {
	return s.of(name).MkdirAll(name, perm)
}

// List returns the names in a folder.
func (s *backupFS) List(name string) ([]string, error) { return s.of(name).List(name) }

// Stat describes a file.
func (s *backupFS) Stat(name string) (vfs.FileInfo, error) { return s.of(name).Stat(name) }

// Unwrap returns the file system below.
func (s *backupFS) Unwrap() vfs.FS { return s.FS }
