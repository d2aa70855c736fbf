package lsm

import (
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func withProperties() []pebble.SSTablesOption {
	return []pebble.SSTablesOption{pebble.WithProperties()}
}

// settle waits until no flush and no compaction runs.
func (t *Tier) settle() {
	for {
		m := t.db.Load().Metrics()
		if m.Compact.NumInProgress == 0 && m.Flush.NumInProgress == 0 && m.MemTable.Count == 1 {
			return
		}
		runtime.Gosched()
	}
}

// heldFS holds back whoever makes a table file while held.
type heldFS struct {
	vfs.FS
	held atomic.Bool
	hold chan struct{}
}

func (fs *heldFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if fs.held.Load() && strings.HasSuffix(name, ".sst") {
		<-fs.hold
	}
	return fs.FS.Create(name, c)
}
