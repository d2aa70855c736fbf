package lsm

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// guardedFS is the file system that Pebble works on. It makes the log durable before it syncs anything, and once it is
// armed, the first error of a change is the last that Pebble does: that goroutine and all that change something later are
// parked, before Pebble takes a lock again. Until then, while Pebble is being opened, errors are Pebble's to report.
type guardedFS struct {
	vfs.FS
	t     *Tier
	armed atomic.Bool
}

// enter parks whoever would change files after a failure.
func (g *guardedFS) enter() {
	if g.armed.Load() && g.t.failed.writeError() != nil {
		park()
	}
}

// left looks at the outcome of a change.
func (g *guardedFS) left(what string, err error) error {
	if err == nil || !g.armed.Load() {
		return err
	}
	if vfs.IsNoSpaceError(err) {
		err = sqlerr.Newf(sqlerr.DiskFull, "LSM tree: %s: %w", what, err)
	}
	g.t.failed.write(pebbleError(what, err))
	park()
	return err
}

// beforeSync makes the log durable up to what a file may contain.
func (g *guardedFS) beforeSync() error {
	upTo := table.LSN(g.t.handed.Load())
	if g.t.o.BeforeSync == nil || g.t.o.ReadOnly || upTo <= max(g.t.opened.lsn, g.t.opened.partial) || invariants.Mutant("lsm-skip-log-before-data") {
		return nil
	}
	return g.t.o.BeforeSync(upTo)
}

// Create makes a file.
func (g *guardedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	g.enter()
	f, err := g.FS.Create(name, c)
	return g.file(f, g.left("create", err))
}

// OpenReadWrite opens a file for changes.
func (g *guardedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	g.enter()
	f, err := g.FS.OpenReadWrite(name, c, o...)
	return g.file(f, g.left("open", err))
}

// ReuseForWrite makes a file of an old one.
func (g *guardedFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	g.enter()
	f, err := g.FS.ReuseForWrite(from, to, c)
	return g.file(f, g.left("reuse", err))
}

// OpenDir opens a folder, to sync it.
func (g *guardedFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	return g.file(f, g.left("open directory", err))
}

func (g *guardedFS) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &guardedFile{f, g}, nil
}

// Link makes a second name.
func (g *guardedFS) Link(from, to string) error {
	g.enter()
	return g.left("link", g.FS.Link(from, to))
}

// Rename gives a file another name.
func (g *guardedFS) Rename(from, to string) error {
	g.enter()
	return g.left("rename", g.FS.Rename(from, to))
}

// Remove removes a file that nothing refers to any more: if that fails, nothing is lost.
func (g *guardedFS) Remove(name string) error {
	g.enter()
	return g.FS.Remove(name)
}

// RemoveAll removes a folder.
func (g *guardedFS) RemoveAll(name string) error {
	g.enter()
	return g.FS.RemoveAll(name)
}

// MkdirAll makes a folder.
func (g *guardedFS) MkdirAll(name string, perm fs.FileMode) error {
	g.enter()
	return g.left("create directory", g.FS.MkdirAll(name, perm))
}

// Lock does nothing: the directory of the database is locked, and a failed Pebble is never closed.
func (g *guardedFS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap returns the file system below.
func (g *guardedFS) Unwrap() vfs.FS { return g.FS }

// guardedFile is a file, or a folder, that is changed.
type guardedFile struct {
	vfs.File
	g *guardedFS
}

// Write appends to the file.
func (f *guardedFile) Write(b []byte) (int, error) {
	f.g.enter()
	n, err := f.File.Write(b)
	return n, f.g.left("write", err)
}

// WriteAt writes into the file.
func (f *guardedFile) WriteAt(b []byte, off int64) (int, error) {
	f.g.enter()
	n, err := f.File.WriteAt(b, off)
	return n, f.g.left("write", err)
}

// Sync makes the file durable, after the log.
func (f *guardedFile) Sync() error { return f.sync(f.File.Sync) }

// SyncData makes the content of the file durable, after the log.
func (f *guardedFile) SyncData() error { return f.sync(f.File.SyncData) }

// SyncTo begins to make a part of the file durable, after the log.
func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	err = f.sync(func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

func (f *guardedFile) sync(do func() error) error {
	f.g.enter()
	err := f.g.beforeSync()
	if err == nil {
		err = do()
	}
	return f.g.left("sync", err)
}

// Close closes the file. What was to be durable was synced.
func (f *guardedFile) Close() error { return f.File.Close() }

// isNotExist reports whether an error says that there is no such file.
func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
