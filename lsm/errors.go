package lsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func corruptedf(format string, args ...any) error {
	return sqlerr.Newf(sqlerr.DataCorrupted, format, args...)
}

func ioErrorf(format string, args ...any) error {
	return sqlerr.Newf(sqlerr.IOError, "LSM tree: "+format, args...)
}

// pebbleError gives an error of Pebble a SQLSTATE.
func pebbleError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case sqlerr.CodeOf(err) != sqlerr.InternalError:
		return err
	case vfs.IsNoSpaceError(err):
		return sqlerr.Newf(sqlerr.DiskFull, "LSM tree: %s: %w", what, err)
	case errors.Is(err, pebble.ErrCorruption):
		return corruptedf("LSM tree: %s: %w", what, err)
	}
	return ioErrorf("%s: %w", what, err)
}

// failures are the errors after which the tier does not go on.
type failures struct {
	writes, reads atomic.Pointer[error]
	// ended is closed with the first error of a write.
	ended chan struct{}
	once  sync.Once
	tell  func(err error, reads bool)
}

func newFailures(tell func(error, bool)) failures {
	if tell == nil {
		tell = func(error, bool) {}
	}
	return failures{ended: make(chan struct{}), tell: tell}
}

// write notes that nothing more is written.
func (f *failures) write(err error) {
	f.once.Do(func() {
		f.writes.Store(&err)
		close(f.ended)
		f.tell(err, false)
	})
}

// read notes that what was read may not be what is there.
func (f *failures) read(err error) {
	if f.reads.CompareAndSwap(nil, &err) {
		f.tell(err, true)
	}
}

// writeError returns the error that ended writing, nil if none did.
func (f *failures) writeError() error {
	if p := f.writes.Load(); p != nil {
		return *p
	}
	return nil
}

// park never returns: what Pebble would do next would be wrong.
func park() { select {} }
