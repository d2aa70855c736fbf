package txn

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

const benchRecordBytes = 200

// BenchmarkBareAppend is what the file system allows: one record, one write, one sync, into a file
// whose blocks were written before. BenchmarkDurableCommit is measured against it.
func BenchmarkBareAppend(b *testing.B) {
	fs, path := vfs.Default, vfs.Default.PathJoin(b.TempDir(), "bare")
	const size = 16 << 20
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		b.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range size / len(zeros) {
		if _, err := f.Write(zeros); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	_ = f.Close()
	f, err = fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rec := make([]byte, benchRecordBytes)
	off := int64(0)
	for b.Loop() {
		if off+benchRecordBytes > size {
			off = 0
		}
		if _, err := f.WriteAt(rec, off); err != nil {
			b.Fatal(err)
		}
		if err := f.SyncData(); err != nil {
			b.Fatal(err)
		}
		off += benchRecordBytes
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkDurableCommit commits records of one size from several clients to a log on disk.
func BenchmarkDurableCommit(b *testing.B) {
	for _, clients := range []int{1, 64} {
		for _, async := range []bool{false, true} {
			b.Run(fmt.Sprintf("clients=%d/async=%t", clients, async), func(b *testing.B) {
				l, _, err := wal.Open(vfs.Default, b.TempDir(), wal.Options{}, nil)
				if err != nil {
					b.Fatal(err)
				}
				views := NewViewSet(0, 0, 0, nil)
				p := NewPipeline(PipelineOptions{
					Log:     l,
					Apply:   func(*Request) error { return nil },
					Publish: func(lsn table.LSN, pos wal.Position) { views.Publish(0, lsn, pos) },
				})
				for l.Stats().ReadyFiles < wal.ReadyFilesMin {
					yield() // the steady state: files are zeroed ahead of use
				}
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for c := range clients {
					n := b.N / clients
					if c < b.N%clients {
						n++
					}
					wg.Go(func() {
						r := Request{Kind: wal.Commit, Payload: make([]byte, benchRecordBytes-56), Async: async}
						for range n {
							if _, err := p.Commit(context.Background(), &r); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
				b.ReportMetric(float64(b.N)/float64(max(1, p.Stats().Groups)), "commits/group")
				p.Close()
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func BenchmarkViewAcquire(b *testing.B) {
	views := NewViewSet(0, 0, 0, nil)
	b.Run("goroutines=1", func(b *testing.B) {
		for b.Loop() {
			views.Acquire().Release()
		}
	})
	b.Run("goroutines=all", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				views.Acquire().Release()
			}
		})
	})
}

func BenchmarkRowLock(b *testing.B) {
	for _, keyBytes := range []int{8, 24} {
		b.Run(fmt.Sprintf("key=%d", keyBytes), func(b *testing.B) {
			m := NewLockManager(LockOptions{})
			o := NewOwner(1)
			key := make([]byte, keyBytes)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key[0], key[1], key[2] = byte(i), byte(i>>8), byte(i>>16)
				if err := m.Lock(context.Background(), o, RowKey(1, key), RowMode(table.ForUpdate), LockWait{}); err != nil {
					b.Fatal(err)
				}
				m.ReleaseAll(o)
			}
		})
		b.Run(fmt.Sprintf("key=%d/rows=1000", keyBytes), func(b *testing.B) {
			m := NewLockManager(LockOptions{})
			o := NewOwner(1)
			key := make([]byte, keyBytes)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key[0], key[1], key[2] = byte(i), byte(i>>8), byte(i>>16)
				if err := m.Lock(context.Background(), o, RowKey(1, key), RowMode(table.ForUpdate), LockWait{}); err != nil {
					b.Fatal(err)
				}
				if o.Len() == 1000 {
					m.ReleaseAll(o)
				}
			}
		})
	}
}
