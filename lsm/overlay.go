package lsm

import (
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// overlay is a file system whose changes stay in memory: a directory that is open for reading only is recovered without
// being changed.
type overlay struct {
	vfs.FS // what is read
	top    *vfs.MemFS
	mu     struct {
		sync.Mutex
		gone map[string]bool // removed or replaced in memory
	}
}

func newOverlay(base vfs.FS) *overlay {
	o := &overlay{FS: base, top: vfs.NewMem()}
	o.mu.gone = make(map[string]bool)
	return o
}

func (o *overlay) inTop(name string) bool {
	_, err := o.top.Stat(name)
	return err == nil
}

func (o *overlay) isGone(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mu.gone[name]
}

// replace hides what is below under a name.
func (o *overlay) replace(name string) error {
	o.mu.Lock()
	o.mu.gone[name] = true
	o.mu.Unlock()
	return o.top.MkdirAll(o.PathDir(name), 0o755)
}

// raise copies a file into memory.
func (o *overlay) raise(name string) error {
	if o.inTop(name) || o.isGone(name) {
		return nil
	}
	f, err := o.FS.Open(name)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = o.replace(name)
	}
	if err != nil {
		return err
	}
	to, err := o.top.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = to.Write(b)
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return err
}

func notExist(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// Create makes a file in memory.
func (o *overlay) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.replace(name); err != nil {
		return nil, err
	}
	return o.top.Create(name, c)
}

// Open opens a file for reading.
func (o *overlay) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	switch {
	case o.inTop(name):
		return o.top.Open(name, opts...)
	case o.isGone(name):
		return nil, notExist("open", name)
	}
	return o.FS.Open(name, opts...)
}

// OpenReadWrite opens a file, in memory.
func (o *overlay) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := o.raise(name); err != nil {
		return nil, err
	}
	if err := o.replace(name); err != nil {
		return nil, err
	}
	return o.top.OpenReadWrite(name, c, opts...)
}

// OpenDir opens a folder, in memory.
func (o *overlay) OpenDir(name string) (vfs.File, error) {
	if err := o.top.MkdirAll(name, 0o755); err != nil {
		return nil, err
	}
	return o.top.OpenDir(name)
}

// Remove removes a file, in memory.
func (o *overlay) Remove(name string) error {
	if _, err := o.Stat(name); err != nil {
		return err
	}
	if err := o.replace(name); err != nil {
		return err
	}
	if o.inTop(name) {
		return o.top.Remove(name)
	}
	return nil
}

// RemoveAll removes a folder, in memory: Pebble removes none that was there before.
func (o *overlay) RemoveAll(name string) error { return o.top.RemoveAll(name) }

// Rename gives a file another name, in memory.
func (o *overlay) Rename(from, to string) error {
	if err := o.raise(from); err != nil {
		return err
	}
	if err := o.replace(to); err != nil {
		return err
	}
	if err := o.replace(from); err != nil {
		return err
	}
	return o.top.Rename(from, to)
}

// Link gives a file a second name, in memory.
func (o *overlay) Link(from, to string) error {
	if err := o.raise(from); err != nil {
		return err
	}
	if err := o.replace(to); err != nil {
		return err
	}
	return o.top.Link(from, to)
}

// ReuseForWrite makes a new file, in memory.
func (o *overlay) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.Remove(from); err != nil {
		return nil, err
	}
	return o.Create(to, c)
}

// MkdirAll makes a folder, in memory.
func (o *overlay) MkdirAll(name string, perm fs.FileMode) error { return o.top.MkdirAll(name, perm) }

// Lock does nothing.
func (o *overlay) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// List returns the names in a folder.
func (o *overlay) List(dir string) ([]string, error) {
	below, err := o.FS.List(dir)
	if err != nil && !isNotExist(err) {
		return nil, err
	}
	names := slices.DeleteFunc(below, func(n string) bool { return o.isGone(o.PathJoin(dir, n)) })
	above, err := o.top.List(dir)
	if err != nil {
		return names, nil // nothing was changed there
	}
	for _, n := range above {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names, nil
}

// Stat describes a file.
func (o *overlay) Stat(name string) (vfs.FileInfo, error) {
	if info, err := o.top.Stat(name); err == nil {
		return info, nil
	}
	if o.isGone(name) {
		return nil, notExist("stat", name)
	}
	return o.FS.Stat(name)
}

// Unwrap returns nothing: what is below is not what is seen.
func (o *overlay) Unwrap() vfs.FS { return nil }
