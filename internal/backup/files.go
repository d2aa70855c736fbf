package backup

import (
	"errors"
	iofs "io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// files is the file system of a backup: it asks before each change whether to go on, and counts bytes.
type files struct {
	vfs.FS
	r *run
}

// Create makes a file.
func (s *files) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.r.check(); err != nil {
		return nil, err
	}
	f, err := s.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	return &file{f, s.r}, nil
}

// OpenReadWrite opens a file for changes.
func (s *files) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := s.r.check(); err != nil {
		return nil, err
	}
	f, err := s.FS.OpenReadWrite(name, c, o...)
	if err != nil {
		return nil, err
	}
	return &file{f, s.r}, nil
}

// Link gives a file that does not change any more a second name, or copies it where that cannot be done: between file
// systems, or where there are no hard links, or no more for this file, or none for this user.
func (s *files) Link(from, to string) error {
	if err := s.r.check(); err != nil {
		return err
	}
	err := s.FS.Link(from, to)
	switch {
	case errors.Is(err, iofs.ErrExist), errors.Is(err, iofs.ErrNotExist):
		return err
	case err != nil:
		return s.copy(from, to)
	}
	s.r.linked.Add(1)
	if info, err := s.FS.Stat(to); err == nil {
		s.r.grew(info.Size())
	}
	return nil
}

// copy copies a whole file.
func (s *files) copy(from, to string) error {
	info, err := s.FS.Stat(from)
	if err != nil {
		return err
	}
	t := &Target{r: s.r, dir: s.PathDir(to)}
	return t.Copy(from, s.PathBase(to), info.Size())
}

// Rename gives a file another name.
func (s *files) Rename(from, to string) error {
	if err := s.r.check(); err != nil {
		return err
	}
	return s.FS.Rename(from, to)
}

// ReuseForWrite makes a file of an old one.
func (s *files) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.r.check(); err != nil {
		return nil, err
	}
	f, err := s.FS.ReuseForWrite(from, to, c)
	if err != nil {
		return nil, err
	}
	return &file{f, s.r}, nil
}

// MkdirAll makes a folder, and those above.
func (s *files) MkdirAll(name string, perm iofs.FileMode) error {
	if err := s.r.check(); err != nil {
		return err
	}
	return s.FS.MkdirAll(name, perm)
}

// Unwrap returns the file system below.
func (s *files) Unwrap() vfs.FS { return s.FS }

// file is a file that is written.
type file struct {
	vfs.File
	r *run
}

// Write appends to the file.
func (f *file) Write(b []byte) (int, error) {
	if err := f.r.check(); err != nil {
		return 0, err
	}
	n, err := f.File.Write(b)
	f.r.grew(int64(n))
	return n, err
}

// WriteAt writes into the file.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	if err := f.r.check(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}
