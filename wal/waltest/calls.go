package waltest

import (
	"cmp"
	"errors"
	"io"
	iofs "io/fs"
	"maps"
	"slices"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// Create implements vfs.FS.
func (fs *CrashFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.before(OpCreate, name); err != nil {
		return nil, err
	}
	f, err := fs.MemFS.Create(name, category)
	if err != nil {
		return nil, err
	}
	c := &content{}
	fs.mu.Lock()
	fs.files[name] = c
	fs.names = append(fs.names, nameOp{dir: fs.PathDir(name), to: name, file: c})
	fs.mu.Unlock()
	return &file{File: f, fs: fs, name: name, c: c}, nil
}

// Open implements vfs.FS.
func (fs *CrashFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := fs.before(OpOpen, name); err != nil {
		return nil, err
	}
	f, err := fs.MemFS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	return &file{File: f, fs: fs, name: name}, nil
}

// OpenReadWrite implements vfs.FS.
func (fs *CrashFS) OpenReadWrite(
	name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption,
) (vfs.File, error) {
	if _, err := fs.MemFS.Stat(name); err != nil {
		return fs.Create(name, category)
	}
	if err := fs.before(OpOpen, name); err != nil {
		return nil, err
	}
	f, err := fs.MemFS.OpenReadWrite(name, category, opts...)
	if err != nil {
		return nil, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return &file{File: f, fs: fs, name: name, c: fs.files[name]}, nil
}

// OpenDir implements vfs.FS.
func (fs *CrashFS) OpenDir(name string) (vfs.File, error) {
	if err := fs.before(OpOpenDir, name); err != nil {
		return nil, err
	}
	f, err := fs.MemFS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &directory{f, fs, name}, nil
}

// Rename implements vfs.FS.
func (fs *CrashFS) Rename(from, to string) error {
	if err := fs.before(OpRename, from); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := fs.MemFS.Rename(from, to); err != nil {
		return err
	}
	op := nameOp{dir: fs.PathDir(to), from: from, to: to, file: fs.files[from]}
	op.apply(fs.files, fs.folders)
	fs.names = append(fs.names, op)
	return nil
}

// Remove implements vfs.FS.
func (fs *CrashFS) Remove(name string) error {
	if err := fs.before(OpRemove, name); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := fs.MemFS.Remove(name); err != nil {
		return err
	}
	op := nameOp{dir: fs.PathDir(name), from: name}
	op.apply(fs.files, fs.folders)
	fs.names = append(fs.names, op)
	return nil
}

// RemoveAll implements vfs.FS: it removes files and folders one by one.
func (fs *CrashFS) RemoveAll(name string) error {
	info, err := fs.MemFS.Stat(name)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	if err == nil && info.IsDir() {
		var names []string
		names, err = fs.MemFS.List(name)
		slices.Sort(names)
		for _, n := range names {
			err = errors.Join(err, fs.RemoveAll(fs.PathJoin(name, n)))
		}
	}
	return errors.Join(err, fs.Remove(name))
}

// Link implements vfs.FS.
func (fs *CrashFS) Link(from, to string) error {
	if err := fs.before(OpLink, to); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := fs.MemFS.Link(from, to); err != nil {
		return err
	}
	op := nameOp{dir: fs.PathDir(to), to: to, file: fs.files[from]}
	op.apply(fs.files, fs.folders)
	fs.names = append(fs.names, op)
	return nil
}

// MkdirAll implements vfs.FS.
func (fs *CrashFS) MkdirAll(name string, perm iofs.FileMode) error {
	if err := fs.before(OpMkdir, name); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var made []nameOp
	for dir := name; !fs.isRoot(dir); dir = fs.PathDir(dir) {
		if _, err := fs.MemFS.Stat(dir); err == nil {
			break
		}
		made = append(made, nameOp{dir: fs.PathDir(dir), to: dir})
	}
	if err := fs.MemFS.MkdirAll(name, perm); err != nil {
		return err
	}
	slices.Reverse(made)
	fs.names = append(fs.names, made...)
	return nil
}

// List implements vfs.FS.
func (fs *CrashFS) List(name string) ([]string, error) {
	if err := fs.before(OpList, name); err != nil {
		return nil, err
	}
	return fs.MemFS.List(name)
}

// Stat implements vfs.FS.
func (fs *CrashFS) Stat(name string) (vfs.FileInfo, error) {
	if err := fs.before(OpStat, name); err != nil {
		return nil, err
	}
	return fs.MemFS.Stat(name)
}

// Lock implements vfs.FS. Locks end with the process: no image has any.
func (fs *CrashFS) Lock(name string) (io.Closer, error) {
	if err := fs.before(OpLock, name); err != nil {
		return nil, err
	}
	return fs.MemFS.Lock(name)
}

// Unwrap implements vfs.FS.
func (fs *CrashFS) Unwrap() vfs.FS { return nil }

// file notes what is written and synced. Its c is nil when it is open for reading only.
type file struct {
	vfs.File
	fs   *CrashFS
	name string
	c    *content
	pos  int
}

func (f *file) Read(b []byte) (int, error) {
	if err := f.fs.before(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.before(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f *file) Write(b []byte) (int, error) {
	n, err := f.change(b, f.pos, func(b []byte) (int, error) { return f.File.Write(b) })
	f.pos += n
	return n, err
}

func (f *file) WriteAt(b []byte, off int64) (int, error) {
	return f.change(b, int(off), func(b []byte) (int, error) { return f.File.WriteAt(b, off) })
}

// change writes to the file that is read from and to what is known of the disk. A write that is
// made to fail has been done to its first half.
func (f *file) change(b []byte, off int, write func([]byte) (int, error)) (int, error) {
	failed := f.fs.beforeOp(Op{OpWrite, f.name, off, len(b)})
	if failed != nil {
		b = b[:len(b)/2]
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if room := f.fs.roomLocked(f.c, off, len(b)); room < len(b) {
		b, failed = b[:room], syscall.ENOSPC
	}
	f.c.write(b, off)
	n, err := write(append([]byte(nil), b...))
	if failed != nil {
		err = failed
	}
	return n, err
}

func (f *file) Sync() error {
	if err := f.fs.before(OpSync, f.name); err != nil {
		return err
	}
	if f.c != nil {
		f.fs.mu.Lock()
		f.c.sync()
		f.fs.mu.Unlock()
	}
	return nil
}

func (f *file) SyncData() error { return f.Sync() }

func (f *file) Stat() (vfs.FileInfo, error) {
	if err := f.fs.before(OpStat, f.name); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *file) Close() error {
	err := error(nil)
	if f.c != nil {
		err = f.fs.before(OpClose, f.name)
	}
	return errors.Join(err, f.File.Close())
}

// directory makes names durable.
type directory struct {
	vfs.File
	fs   *CrashFS
	name string
}

func (d *directory) Sync() error {
	if err := d.fs.before(OpSyncDir, d.name); err != nil {
		return err
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	kept := d.fs.names[:0]
	for _, op := range d.fs.names {
		if op.dir == d.name {
			op.apply(d.fs.stable, d.fs.folders)
		} else {
			kept = append(kept, op)
		}
	}
	d.fs.names = kept
	return nil
}

func (d *directory) SyncData() error { return d.Sync() }
