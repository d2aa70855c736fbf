package lsm

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// guardedFS is the file system that Pebble works on. It makes the log durable before it syncs anything, and the first error
// of a change is the last that Pebble does: that goroutine and all that change something later are parked, before Pebble
// takes a lock again, or panics.
type guardedFS struct {
	vfs.FS
	t *Tier
	// opening: Pebble is being opened. If that fails it closes what its own compactions are using, so that an error of a
	// read is not handed to it either.
	opening atomic.Bool
}

// read looks at the outcome of a call whose failure loses nothing, such as a read that was tried often enough.
func (g *guardedFS) read(what string, err error) error {
	if err == nil || !g.opening.Load() || isNotExist(err) || errors.Is(err, io.EOF) {
		return err
	}
	return g.left(what, err)
}

// enter parks whoever would change files after a failure.
func (g *guardedFS) enter() {
	if g.t.failed.writeError() != nil {
		park()
	}
}

// left looks at the outcome of a change.
func (g *guardedFS) left(what string, err error) error {
	if err == nil {
		return nil
	}
	g.t.failed.write(pebbleError(what, err))
	park()
	return err
}

// beforeSync makes the log durable up to what a file may contain.
func (g *guardedFS) beforeSync() error {
	upTo := g.t.handed.Load()
	if g.t.o.BeforeSync == nil || g.t.o.ReadOnly || upTo <= g.t.openedTo.Load() || invariants.Mutant("lsm-skip-log-before-data") {
		return nil
	}
	return g.t.o.BeforeSync(table.LSN(upTo))
}

// markerPrefix begins the names of the files that say which manifest counts.
const markerPrefix = "marker."

// orderMarkers syncs the folder before a marker is made or removed: one that survives a power loss names a file that must
// survive, too, and the one before may go only when its successor stays. Pebble syncs it after all three, which is enough
// where a file system keeps their order.
func (g *guardedFS) orderMarkers(name string) error {
	if !strings.HasPrefix(g.FS.PathBase(name), markerPrefix) || invariants.Mutant("lsm-skip-marker-sync") {
		return nil
	}
	dir, err := g.OpenDir(g.FS.PathDir(name))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	return err
}

// Create makes a file.
func (g *guardedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	g.enter()
	if err := g.orderMarkers(name); err != nil {
		return nil, err
	}
	f, err := g.FS.Create(name, c)
	return g.file(f, g.left("create", err))
}

// readTries is how often a read is tried: one that fails for good ends all reading.
const readTries = 3

// Open opens a file for reading.
func (g *guardedFS) Open(name string, o ...vfs.OpenOption) (f vfs.File, err error) {
	for range readTries {
		if f, err = g.FS.Open(name, o...); err == nil {
			return &readFile{f, g}, nil
		}
		if isNotExist(err) {
			break
		}
	}
	return nil, g.read("open", err)
}

// Stat describes a file.
func (g *guardedFS) Stat(name string) (info vfs.FileInfo, err error) {
	for range readTries {
		if info, err = g.FS.Stat(name); err == nil || isNotExist(err) {
			break
		}
	}
	return info, g.read("stat", err)
}

// List returns the names in a folder.
func (g *guardedFS) List(name string) (names []string, err error) {
	for range readTries {
		if names, err = g.FS.List(name); err == nil || isNotExist(err) {
			break
		}
	}
	return names, g.read("list", err)
}

// readFile is a file that is only read.
type readFile struct {
	vfs.File
	g *guardedFS
}

// ReadAt reads from a place.
func (f *readFile) ReadAt(b []byte, off int64) (n int, err error) {
	for range readTries {
		if n, err = f.File.ReadAt(b, off); err == nil || errors.Is(err, io.EOF) {
			break
		}
	}
	return n, f.g.read("read", err)
}

// Read reads on.
func (f *readFile) Read(b []byte) (n int, err error) {
	for range readTries {
		if n, err = f.File.Read(b); n > 0 || err == nil || errors.Is(err, io.EOF) {
			break
		}
	}
	return n, f.g.read("read", err)
}

// Stat describes the file.
func (f *readFile) Stat() (info vfs.FileInfo, err error) {
	for range readTries {
		if info, err = f.File.Stat(); err == nil {
			break
		}
	}
	return info, f.g.read("stat", err)
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
	if err := g.orderMarkers(name); err != nil {
		return err
	}
	return g.read("remove", g.FS.Remove(name))
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
func (f *guardedFile) Close() error { return f.g.read("close", f.File.Close()) }

// isNotExist reports whether an error says that there is no such file.
func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
