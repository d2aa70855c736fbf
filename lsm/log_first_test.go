package lsm

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// syncFS reports what is synced.
type syncFS struct {
	vfs.FS
	synced func(what string)
}

type syncFile struct {
	vfs.File
	what string
	fs   *syncFS
}

func (fs *syncFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	what := "manifest"
	if strings.HasSuffix(name, ".sst") {
		what = "table"
	}
	return &syncFile{f, what, fs}, err
}

func (fs *syncFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	return &syncFile{f, "folder", fs}, err
}

func (f *syncFile) Sync() error {
	f.fs.synced(f.what)
	return f.File.Sync()
}

func (f *syncFile) SyncData() error {
	f.fs.synced(f.what)
	return f.File.SyncData()
}

// TestLogBeforeData: whatever is synced, the log is durable up to the newest LSN in it.
func TestLogBeforeData(t *testing.T) {
	var log atomic.Uint64 // how far it is durable
	var handed func() uint64
	var mu sync.Mutex
	counts := map[string]int{}
	fs := &syncFS{FS: vfs.NewMem()}
	fs.synced = func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if handed == nil {
			return // nothing was written yet
		}
		counts[what]++
		if at, upTo := log.Load(), handed(); at < upTo {
			t.Errorf("a %s is synced with what LSN %d wrote, but the log is durable up to %d", what, upTo, at)
		}
	}
	tier := filled(t, Options{FS: fs, BeforeSync: func(upTo table.LSN) error {
		log.Store(uint64(upTo))
		return nil
	}}, 0, 0)
	mu.Lock()
	handed = func() uint64 { return tier.handed.Load() }
	mu.Unlock()
	for lsn := table.LSN(2); lsn < 10; lsn++ {
		add(t, tier, lsn, int64(lsn)*1000, 1000)
		if err := tier.Checkpoint(context.Background(), lsn); err != nil {
			t.Fatal(err)
		}
		tier.settle()
	}
	closed(t, tier)
	if counts["table"] < 8 || counts["manifest"] < 8 || counts["folder"] < 8 {
		t.Errorf("synced: %v", counts)
	}
}
