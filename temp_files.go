package lamina

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/sqlerr"
)

// tempName is the folder of temporary files in a database's directory.
const tempName = "temp"

// tempFiles makes temporary files. They lose their names at once, so that nothing is left of them, however the program
// ends; where files cannot lose their names while they are open, when they are closed.
type tempFiles struct {
	dir  string
	fs   vfs.FS
	next atomic.Uint64
}

// tempFile is a file whose name may be there still.
type tempFile struct {
	vfs.File
	fs   vfs.FS
	name string // empty: it has none any more
}

// Close closes the file, which is gone then.
func (f *tempFile) Close() error {
	err := f.File.Close()
	if f.name != "" {
		err = errors.Join(err, f.fs.Remove(f.name))
	}
	return err
}

func (t *tempFiles) open() (exec.TempFile, error) {
	fs, dir := t.fs, t.dir
	if fs == nil {
		fs = vfs.Default
	}
	if dir == "" {
		dir = os.TempDir()
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := fs.PathJoin(dir, fmt.Sprintf("lamina-%d-%d.temp", os.Getpid(), t.next.Add(1)))
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	x := &tempFile{File: f, fs: fs, name: name}
	if fs.Remove(name) == nil {
		x.name = ""
	}
	return x, nil
}

// clearTemp removes the temporary files that a program left which ended between making one and taking its name.
func clearTemp(o *Options) error {
	fs := o.tempFS
	if fs == nil {
		fs = vfs.Default
	}
	if _, err := fs.Stat(o.TempDir); err != nil {
		return nil //nolint:nilerr // it is made when it is needed
	}
	if err := fs.RemoveAll(o.TempDir); err != nil {
		return sqlerr.Newf(sqlerr.IOError, "remove %s: %w", filepath.Base(o.TempDir), err)
	}
	return nil
}
