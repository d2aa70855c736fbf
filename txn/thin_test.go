package txn

import (
	"context"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

func TestThin(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l, _, err := wal.Open(fs, "log", wal.Options{FileBytes: 256 << 10}, nil)
	if err != nil {
		t.Fatal(err)
	}
	vs := NewViewSet(0, 0, 0, nil)
	applied := 0
	p := NewPipeline(PipelineOptions{Log: l,
		Apply:   func(*Request) error { applied++; return nil },
		Publish: func(upTo table.LSN, pos wal.Position) { vs.Publish(applied, upTo, pos) }})
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := p.Commit(t.Context(), &Request{Kind: wal.Commit, Payload: make([]byte, 100+g), Async: i%7 == 0}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v := vs.Acquire()
	if v.LSN() != 3200 || v.State != 3200 {
		t.Fatal(v.LSN(), v.State)
	}
	t.Logf("%+v %+v", p.Stats(), l.Stats())
	p.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	if _, err := wal.Scan(fs, "log", 0, func(r *wal.Record) error {
		if r.Kind == wal.Commit {
			n++
		}
		return nil
	}); err != nil || n != 3200 {
		t.Fatal(n, err)
	}
	m := NewLockManager(LockOptions{})
	a, b := NewOwner(1), NewOwner(2)
	k := RowKey(7, []byte("key"))
	if err := m.Lock(context.Background(), a, k, RowMode(table.ForUpdate), LockWait{}); err != nil {
		t.Fatal(err)
	}
	if ok, _ := m.TryLock(b, k, RowMode(table.ForShare)); ok {
		t.Fatal("got")
	}
	wg.Go(func() { t.Log(m.Lock(context.Background(), b, k, RowMode(table.ForShare), LockWait{})) })
	for len(m.BlockedBy(2)) == 0 {
	}
	m.ReleaseAll(a)
	wg.Wait()
	m.ReleaseAll(b)
}
