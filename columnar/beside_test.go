package columnar

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// TestFlushedWhileCompacted: while a compaction runs, a memtable is flushed and its memory given back, rows of the
// segments that are merged are deleted, and the lists of their deletion vectors are folded as far as Views allow. The
// compaction holds no View, and still knows what was deleted since its cut; and all is the same after a power loss, when
// the flush is replayed before the compaction that began earlier.
func TestFlushedWhileCompacted(t *testing.T) {
	fs, log := vfs.NewMem(), &localLog{}
	d := openNumbers(t, fs, log, 1)
	d.Snapshot(1).(*snapshot).Release()
	for n := range int64(6) {
		d.number(t, table.LSN(2+n), n)
	}
	must(t, d.drive(7))
	d.remove(t, 8, 0)
	inc := (*d.tables.Load())[20000].inc
	during := func() {
		d.remove(t, 9, 1)
		d.number(t, 10, 1) // the key comes back
		d.number(t, 11, 7)
		d.Vacuum(20000, 11, 11, 0)
		inc.seal(11)
		must(t, inc.flushSealed(context.Background()))
		d.remove(t, 12, 1)
		d.remove(t, 13, 2)
		d.Vacuum(20000, 13, 13, 0)
		d.jobs.garbage.wg.Wait()
		if n := len(inc.old.Load().mems); n != 0 {
			t.Errorf("%d flushed memtables are kept while a compaction runs", n)
		}
	}
	d.o.BeforeSync = func(table.LSN) error {
		d.o.BeforeSync = nil
		during()
		return nil
	}
	must(t, inc.compactAll(context.Background()))
	if log.flushes != 2 || log.compactions != 1 || log.list[1].kind != FlushRecord {
		t.Fatalf("%d flushes, %d compactions", log.flushes, log.compactions)
	}
	want := map[int64]bool{0: false, 1: false, 2: false, 3: true, 4: true, 5: true, 7: true}
	d.rows(t, 13, want)
	again := openNumbers(t, fs, log, 1)
	for n := range int64(6) {
		again.number(t, table.LSN(2+n), n)
	}
	again.remove(t, 8, 0)
	again.remove(t, 9, 1)
	again.number(t, 10, 1)
	again.number(t, 11, 7)
	again.remove(t, 12, 1)
	again.remove(t, 13, 2)
	again.rows(t, 13, want)
	must(t, again.Checkpoint(context.Background(), 13))
	last := openNumbers(t, fs, log, 13)
	last.rows(t, 13, want)
}

// TestReplacedWhileCompacted: a compaction of rows that are replaced meanwhile comes to nothing, and its segments are
// freed after it.
func TestReplacedWhileCompacted(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1).(*snapshot).Release()
	for n := range int64(6) {
		d.number(t, table.LSN(2+n), n)
	}
	must(t, d.drive(7))
	d.remove(t, 8, 0)
	inc := (*d.tables.Load())[20000].inc
	d.o.BeforeSync = func(table.LSN) error {
		must(t, d.Apply(9, &table.Entry{Table: 20000, Version: 1, Op: table.OpTruncate}))
		d.Tier.Snapshot(9).(*snapshot).Release()
		for _, s := range inc.cur.Load().segs {
			if s.file == nil || d.files.mu.free[s.num] {
				t.Errorf("segment %d is gone", s.num)
			}
		}
		return nil
	}
	segs := inc.cur.Load().segs
	must(t, inc.compactAll(context.Background()))
	d.jobs.garbage.wg.Wait()
	for _, s := range segs {
		d.files.mu.Lock()
		if !d.files.mu.free[s.num] {
			t.Errorf("segment %d is kept", s.num)
		}
		d.files.mu.Unlock()
	}
	if len(segs) == 0 || d.log.compactions != 0 {
		t.Errorf("%d segments, %d compactions", len(segs), d.log.compactions)
	}
	d.rows(t, 9, map[int64]bool{0: false, 5: false})
}

// TestDeletionsWakeCompaction: rows of segments that are deleted, and nothing else, lead to a compaction in the end: those
// who compact are woken when many deletions are folded.
func TestDeletionsWakeCompaction(t *testing.T) {
	const rows = 4 * foldMin
	d, err := openDriven(vfs.NewMem(), &localLog{}, 1<<30)
	must(t, err)
	d.o.DeltaRows, d.o.SegmentRows = rows, rows
	must(t, d.Define(1, numbers()))
	d.Snapshot(1).(*snapshot).Release()
	for n := range int64(rows) {
		d.number(t, 2, n)
	}
	must(t, d.drive(2))
	for class := range d.jobs.due {
		d.jobs.due[class] = make(chan struct{}, 1)
	}
	inc := (*d.tables.Load())[20000].inc
	for n := range int64(2 * foldMin) {
		d.remove(t, table.LSN(3+n), n)
		d.Retire(table.LSN(3+n), table.LSN(3+n))
	}
	for class := range d.jobs.due {
		if len(d.jobs.due[class]) != 1 {
			t.Errorf("nobody compacts class %d", class)
		}
		must(t, inc.compactDue(t.Context(), class))
	}
	if m := d.Metrics(); m.Compactions != 1 || m.DeletedRows != 0 || m.Rows != rows-2*foldMin {
		t.Errorf("%+v", m)
	}
}

// TestAffordable: a compaction takes fewer segments when memory is little, but two.
func TestAffordable(t *testing.T) {
	tier := &Tier{}
	segs := make([]*seg, 6)
	for i := range segs {
		segs[i] = &seg{}
		segs[i].info.Rows = 1000
	}
	for _, x := range []struct{ cache, want int64 }{{1, 2}, {2 * 3 * 1000 * rowMergeBytes, 3}, {1 << 30, 6}} {
		tier.o.CacheBytes = x.cache
		if got := tier.affordable(segs); int64(len(got)) != x.want {
			t.Errorf("with a cache of %d bytes %d segments are merged, want %d", x.cache, len(got), x.want)
		}
	}
}

// TestFlushOfADroppedTable: a table may be dropped after a memtable was chosen to be flushed and before there is a View
// that keeps it. Then its memory is gone, and nobody reads it.
func TestFlushOfADroppedTable(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1).(*snapshot).Release()
	d.number(t, 2, 1)
	inc := (*d.tables.Load())[20000].inc
	inc.seal(2)
	m := inc.cur.Load().mems[1]
	must(t, d.Drop(3, 20000))
	d.Snapshot(3).(*snapshot).Release()
	d.jobs.garbage.wg.Wait()
	if n := len(inc.cur.Load().mems); n != 0 {
		t.Fatalf("%d memtables of a dropped table are kept", n)
	}
	must(t, inc.flush(t.Context(), m))
	if d.log.flushes != 0 {
		t.Errorf("%d flushes of a table that is gone", d.log.flushes)
	}
}
