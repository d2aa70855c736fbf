package backup

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
)

// diskCategory names a backup's writes to the file system's statistics.
const diskCategory vfs.DiskWriteCategory = "lamina-backup"

// copyBytes is how much of a file is copied at once.
const copyBytes = 1 << 20

// Options configure a Target.
type Options struct {
	// Check is asked before each call: an error ends the backup. nil: nothing does.
	Check func() error
	// Progress is told how many bytes there are so far, by one goroutine at a time, not always the same. nil: nobody is.
	Progress func(bytes int64)
}

// Target is a folder that takes files of a backup.
type Target struct {
	r    *run
	root string
	dir  string
}

// run is what all folders of a backup share.
type run struct {
	o      Options
	base   vfs.FS
	fs     vfs.FS
	ended  atomic.Bool
	linked atomic.Int64
	bytes  atomic.Int64
}

// New returns the folder at dir of a file system. It makes nothing.
func New(base vfs.FS, dir string, o Options) *Target {
	r := &run{o: o, base: base}
	r.fs = &files{FS: base, r: r}
	return &Target{r: r, root: dir, dir: dir}
}

// errEnded is the error of calls after the end.
var errEnded = sqlerr.New(sqlerr.QueryCanceled, "the backup has ended")

// check reports why the backup must not go on.
func (r *run) check() error {
	if r.ended.Load() {
		return errEnded
	}
	if r.o.Check == nil {
		return nil
	}
	return r.o.Check()
}

// grew tells that the backup has n bytes more.
func (r *run) grew(n int64) {
	sum := r.bytes.Add(n)
	if r.o.Progress != nil {
		r.o.Progress(sum)
	}
}

// End ends the backup: later calls of the Target, its folders and its file system fail.
func (t *Target) End() { t.r.ended.Store(true) }

// Linked returns how many files are hard links.
func (t *Target) Linked() int64 { return t.r.linked.Load() }

// FS returns the file system of the backup.
func (t *Target) FS() vfs.FS { return t.r.fs }

// Dir returns the path of the folder.
func (t *Target) Dir() string { return t.dir }

// Folder returns a folder in this one. It makes nothing.
func (t *Target) Folder(name string) *Target {
	return &Target{r: t.r, root: t.root, dir: t.r.fs.PathJoin(t.dir, name)}
}

// Path returns the path of a name in the folder.
func (t *Target) Path(name string) string { return t.r.fs.PathJoin(t.dir, name) }

// Within reports whether a path is that of the backup, or of something in it.
func (t *Target) Within(path string) bool {
	for path != t.root {
		above := t.r.fs.PathDir(path)
		if len(above) < len(t.root) || above == path {
			return false
		}
		path = above
	}
	return true
}

// Make makes the folder.
func (t *Target) Make() error {
	return Error("create directory", t.dir, t.r.fs.MkdirAll(t.dir, 0o755))
}

// Link adds a file that never changes again and whose content is durable.
func (t *Target) Link(from, name string) error {
	return Error("link", t.Path(name), t.r.fs.Link(from, t.Path(name)))
}

// Write adds a file with a content, and syncs it.
func (t *Target) Write(name string, content []byte) error {
	f, err := t.r.fs.Create(t.Path(name), diskCategory)
	if err != nil {
		return Error("create", t.Path(name), err)
	}
	_, err = f.Write(append([]byte(nil), content...)) // a vfs.File may overwrite what it was given
	if err == nil {
		err = f.Sync()
	}
	return Error("write", t.Path(name), errors.Join(err, f.Close()))
}

// Copy adds the first n bytes of a file, and syncs them.
func (t *Target) Copy(from, name string, n int64) error {
	src, err := t.r.base.Open(from, vfs.SequentialReadsOption)
	if err != nil {
		return Error("open", from, err)
	}
	defer func() { _ = src.Close() }() // it was only read
	dst, err := t.r.fs.Create(t.Path(name), diskCategory)
	if err != nil {
		return Error("create", t.Path(name), err)
	}
	err = copyTo(dst, src, from, n)
	if err == nil {
		err = dst.Sync()
	}
	return Error("copy to", t.Path(name), errors.Join(err, dst.Close()))
}

// copyTo copies the first n bytes, a piece at a time.
func copyTo(dst io.Writer, src io.ReaderAt, from string, n int64) error {
	buf := make([]byte, min(n, copyBytes))
	for off := int64(0); off < n; {
		b := buf[:min(n-off, copyBytes)]
		got, err := src.ReadAt(b, off)
		if got < len(b) {
			if err == nil || errors.Is(err, io.EOF) {
				return sqlerr.Newf(sqlerr.DataCorrupted, "file %s ends at %d instead of %d", from, off+int64(got), n)
			}
			return Error("read", from, err)
		}
		if _, err := dst.Write(b); err != nil {
			return err
		}
		off += int64(len(b))
	}
	return nil
}

// Sync makes the names in the folder durable.
func (t *Target) Sync() error {
	if invariants.Mutant("backup-skip-folder-sync") {
		return nil
	}
	d, err := t.r.fs.OpenDir(t.dir)
	if err != nil {
		return Error("open directory", t.dir, err)
	}
	return Error("sync directory", t.dir, errors.Join(d.Sync(), d.Close()))
}

// Error gives an error of the file system a SQLSTATE and says what was attempted.
func Error(what, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case sqlerr.CodeOf(err) != sqlerr.InternalError:
		return err
	case vfs.IsNoSpaceError(err):
		return sqlerr.Newf(sqlerr.DiskFull, "%s \"%s\": %w", what, path, err)
	case errors.Is(err, fs.ErrNotExist):
		return sqlerr.Newf(sqlerr.UndefinedFile, "%s \"%s\": %w", what, path, err)
	}
	return sqlerr.Newf(sqlerr.IOError, "%s \"%s\": %w", what, path, err)
}
