package lsm

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
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
	case pebble.IsCorruptionError(err):
		if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
			return &table.DamageError{What: "LSM file", File: fileOf(info.Path), Reason: sprintf("%s: %v", what, err)}
		}
		return corruptedf("LSM tree: %s: %w", what, err)
	}
	return ioErrorf("%s: %w", what, err)
}

// ManifestName returns the name of the file that says which files the tier has; of the folder, if there is none.
func (t *Tier) ManifestName() string {
	return cmp.Or(t.newest("MANIFEST-"), fileOf(t.o.Dir))
}

// newest returns the last of the files whose names begin alike; empty if there is none.
func (t *Tier) newest(prefix string) (found string) {
	names, _ := t.o.FS.List(t.o.Dir) // it is only for an error
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			found = max(found, name)
		}
	}
	return found
}

// fileOf returns the name of a file.
func fileOf(path string) string { return path[strings.LastIndexAny(path, `/\\`)+1:] }

// damageSeen counts the damages that Pebble has met, to which it comes back again and again.
type damageSeen struct {
	sync.Mutex
	times map[string]int
}

// damageWaitMax bounds how long Pebble waits before it reads on after one more error of the same file.
const damageWaitMax = 200 * time.Millisecond

// damaged is told of a file that does not read. Whoever reads gets an error; what Pebble does by itself begins anew at once, so
// that it is held up a little.
func (t *Tier) damaged(info pebble.DataCorruptionInfo) {
	file := fileOf(info.Path)
	t.seen.Lock()
	if t.seen.times == nil {
		t.seen.times = map[string]int{}
	}
	t.seen.times[file]++
	n := t.seen.times[file]
	t.seen.Unlock()
	if n == 1 {
		t.o.Logger.Error("lsm", "damaged", file, "err", info.Details)
		return
	}
	time.Sleep(min(time.Duration(n)*time.Millisecond, damageWaitMax))
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
func park() {
	if !invariants.Mutant("lsm-fatal-returns") {
		select {}
	}
}
