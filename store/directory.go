package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Names in a directory; see docs/format/directory.md.
const (
	lockName       = "LOCK"
	versionName    = "VERSION"
	checkpointName = "CHECKPOINT"
	logName        = "wal"
	tempSuffix     = ".tmp"
)

// The formats of directories: a program that knows readers up to formatReader may read a directory,
// one that knows writers up to formatWriter may change it.
const (
	formatReader = 1
	formatWriter = 1
)

// fileBytesMax bounds what is read of a file that is kept in memory as a whole.
const fileBytesMax = 1 << 30

// diskCategory names the store's writes to the file system's statistics.
const diskCategory vfs.DiskWriteCategory = "lamina-store"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// directory is the locked directory of a database.
type directory struct {
	fs   vfs.FS
	path string
	lock io.Closer
	// created: there was no database before.
	created bool
}

// openDirectory locks the directory at path, makes it if it is not there, and checks that this
// program may read it, and change it unless readOnly.
func openDirectory(fsys vfs.FS, path string, readOnly bool) (*directory, error) {
	if path == "" {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "no directory given")
	}
	d := &directory{fs: fsys, path: path}
	if !readOnly {
		if err := d.make(); err != nil {
			return nil, err
		}
	} else if _, err := fsys.Stat(path); isNotExist(err) {
		return nil, sqlerr.Newf(sqlerr.UndefinedFile, "directory \"%s\" does not exist", path)
	} else if err != nil {
		return nil, fileError("open", path, err)
	}
	if err := d.checkForeign(readOnly); err != nil {
		return nil, err
	}
	lock, err := fsys.Lock(d.join(lockName))
	if readOnly && cannotOpen(err) {
		if shared, serr := lockShared(fsys, d.join(lockName)); serr == nil || errors.Is(serr, syscall.EAGAIN) {
			lock, err = shared, serr
		}
	}
	switch {
	case errors.Is(err, syscall.EIO), isNotExist(err), vfs.IsNoSpaceError(err), cannotOpen(err):
		return nil, fileError("lock", d.join(lockName), err)
	case err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EACCES):
		return nil, sqlerr.Newf(sqlerr.ObjectInUse, "directory \"%s\" is in use: %w", path, err)
	case err != nil:
		return nil, sqlerr.Newf(sqlerr.ObjectInUse, "directory \"%s\" is in use by another program", path).WithCause(err)
	}
	d.lock = lock
	if err := d.checkVersion(readOnly); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// cannotOpen reports whether the error of a lock is that its file cannot be opened, rather than that another has it.
func cannotOpen(err error) bool {
	e, ok := errors.AsType[*fs.PathError](err)
	return ok && e.Op == "open" && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EROFS))
}

// checkForeign refuses a directory that no database has ever been in, so that nothing is left in it.
func (d *directory) checkForeign(readOnly bool) error {
	if err := d.checkComplete(); err != nil {
		return err
	}
	for _, name := range []string{lockName, versionName} {
		if _, err := d.fs.Stat(d.join(name)); !isNotExist(err) {
			return nil // or it is made just now: the lock will tell
		}
	}
	if readOnly {
		return d.noDatabase()
	}
	return d.checkEmpty()
}

func (d *directory) noDatabase() error {
	return sqlerr.Newf(sqlerr.UndefinedFile, "directory \"%s\" holds no database: there is no %s", d.path, versionName)
}

func (d *directory) join(name string) string { return d.fs.PathJoin(d.path, name) }

func (d *directory) close() error { return d.lock.Close() }

// make creates the directory. It and its parents that were created with it get names that survive a
// power loss: not only if it has just been created, for whoever did that may have been interrupted.
func (d *directory) make() error {
	if _, err := d.fs.Stat(d.join(versionName)); err == nil {
		return nil
	}
	above := []string{d.fs.PathDir(d.path)}
	for dir := above[0]; ; dir = d.fs.PathDir(dir) {
		if _, err := d.fs.Stat(dir); !isNotExist(err) || dir == d.fs.PathDir(dir) {
			break
		}
		above = append(above, d.fs.PathDir(dir))
	}
	if err := d.fs.MkdirAll(d.path, 0o755); err != nil {
		return fileError("create directory", d.path, err)
	}
	for _, dir := range above {
		if err := syncDir(d.fs, dir); err != nil {
			return err
		}
	}
	return nil
}

// checkVersion reads the version file, and writes it if the directory is new.
func (d *directory) checkVersion(readOnly bool) error {
	b, err := readFile(d.fs, d.join(versionName))
	switch {
	case isNotExist(err) && readOnly:
		return d.noDatabase()
	case isNotExist(err):
		if err := d.checkEmpty(); err != nil {
			return err
		}
		d.created = true
		return d.replace(versionName, versionText(formatReader, formatWriter))
	case err != nil:
		return err
	}
	reader, writer, ok := parseVersion(b)
	switch {
	case !ok:
		return damaged(versionName, 0, "not a version file")
	case reader > formatReader:
		return sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState,
			"directory \"%s\" needs a program that reads format %d; this one reads up to %d", d.path, reader, formatReader)
	case writer > formatWriter && !readOnly:
		return sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState,
			"directory \"%s\" needs a program that writes format %d; this one writes up to %d", d.path, writer, formatWriter)
	case readOnly, invariants.Mutant("store-trust-renames"):
		return nil
	}
	// What is here may have been renamed by a process that ended before it made that durable.
	return syncDir(d.fs, d.path)
}

// checkEmpty refuses to make a database among files of something else, or where the version file of
// one was lost.
func (d *directory) checkEmpty() error {
	names, err := d.fs.List(d.path)
	if err != nil {
		return fileError("list", d.path, err)
	}
	for _, name := range names {
		if name != lockName && name != versionName+tempSuffix {
			return sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState,
				"directory \"%s\" holds no database, but is not empty: it has \"%s\" and no %s", d.path, name, versionName)
		}
	}
	return nil
}

// replace writes a file whole or not at all: as a new file that takes the name once it is on disk.
func (d *directory) replace(name string, content []byte) error {
	temp := d.join(name + tempSuffix)
	if err := writeFile(d.fs, temp, content); err != nil {
		return err
	}
	if err := d.fs.Rename(temp, d.join(name)); err != nil {
		return fileError("rename to", d.join(name), err)
	}
	if invariants.Mutant("store-skip-directory-sync") {
		return nil
	}
	return syncDir(d.fs, d.path)
}

func versionText(reader, writer int) []byte {
	text := fmt.Sprintf("lamina directory\nreader %d\nwriter %d\n", reader, writer)
	return fmt.Appendf(nil, "%schecksum %08x\n", text, crc32.Checksum([]byte(text), castagnoli))
}

func parseVersion(b []byte) (reader, writer int, ok bool) {
	text, sum, found := bytes.Cut(b, []byte("checksum "))
	if !found || string(sum) != fmt.Sprintf("%08x\n", crc32.Checksum(text, castagnoli)) {
		return 0, 0, false
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 3 || lines[0] != "lamina directory" {
		return 0, 0, false
	}
	number := func(line, key string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(line, key+" "))
		if err != nil || n < 1 {
			ok = false
		}
		return n
	}
	ok = true
	reader, writer = number(lines[1], "reader"), number(lines[2], "writer")
	return reader, writer, ok
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// fileError gives an error of the file system a SQLSTATE and says what was attempted.
func fileError(what, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case sqlerr.CodeOf(err) != sqlerr.InternalError:
		return err
	case vfs.IsNoSpaceError(err):
		return sqlerr.Newf(sqlerr.DiskFull, "%s \"%s\": %w", what, path, err)
	case isNotExist(err):
		return sqlerr.Newf(sqlerr.UndefinedFile, "%s \"%s\": %w", what, path, err)
	}
	return sqlerr.Newf(sqlerr.IOError, "%s \"%s\": %w", what, path, err)
}

func damaged(path string, offset int64, format string, args ...any) error {
	return &table.DamageError{What: "file", File: path, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

func readFile(fs vfs.FS, path string) (b []byte, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, fileError("open", path, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = fileError("close", path, cerr)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, fileError("stat", path, err)
	}
	if info.Size() > fileBytesMax {
		return nil, damaged(path, 0, "%d bytes", info.Size())
	}
	b = make([]byte, info.Size())
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, fileError("read", path, err)
	}
	return b, nil
}

func writeFile(fs vfs.FS, path string, content []byte) (err error) {
	f, err := fs.Create(path, diskCategory)
	if err != nil {
		return fileError("create", path, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = fileError("close", path, cerr)
		}
	}()
	if _, err := f.Write(bytes.Clone(content)); err != nil { // a vfs.File may overwrite what it was given
		return fileError("write", path, err)
	}
	return fileError("sync", path, f.Sync())
}

// syncDir makes the names in a directory durable.
func syncDir(fs vfs.FS, path string) error {
	d, err := fs.OpenDir(path)
	if err != nil {
		return fileError("open directory", path, err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return fileError("sync directory", path, err)
}
