package store

import (
	"context"
	"strings"

	"github.com/laminadb/lamina/table"
)

// Size returns what the database occupies.
func (s *Store) Size(context.Context) (size table.Size, err error) {
	if err := s.usable(); err != nil {
		return size, err
	}
	size.Memory = s.mem.Used()
	if s.dir == nil {
		return size, nil
	}
	sums := map[string]*int64{
		s.dir.join(logName): &size.Log, s.dir.join(tiersDirName): &size.Segments, s.dir.join(lsmDirName): &size.LSM,
	}
	err = s.dir.walk(s.dir.path, func(path string, bytes int64) {
		if isSnapshot(path) {
			size.Snapshots += bytes
			return
		}
		for up := ""; ; path = up { // the directory's own path may be written in another way
			if sum := sums[path]; sum != nil {
				*sum += bytes
				return
			}
			if up = s.dir.fs.PathDir(path); up == path {
				break
			}
		}
		size.Other += bytes
	})
	return size, err
}

// isSnapshot reports whether a file is of a checkpoint of columnar tables, and not a segment.
func isSnapshot(path string) bool {
	return strings.HasSuffix(path, ".snap") || strings.Contains(path, ".manifest") && !strings.Contains(path, "marker.")
}

// count returns the number and size of the files in a folder and those below.
func (d *directory) count(path string) (files int, bytes int64, err error) {
	err = d.walk(path, func(_ string, n int64) { files, bytes = files+1, bytes+n })
	return files, bytes, err
}

// walk calls f for the files in a folder and those below, with their sizes. Files come and go meanwhile.
func (d *directory) walk(path string, f func(path string, bytes int64)) error {
	names, err := d.fs.List(path)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fileError("list", path, err)
	}
	for _, name := range names {
		name = d.fs.PathJoin(path, name)
		info, err := d.fs.Stat(name)
		switch {
		case isNotExist(err):
		case err != nil:
			return fileError("stat", name, err)
		case info.IsDir():
			if err := d.walk(name, f); err != nil {
				return err
			}
		default:
			f(name, info.Size())
		}
	}
	return nil
}
