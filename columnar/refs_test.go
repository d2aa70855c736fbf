package columnar

import (
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// TestRowsOfARecordBeingApplied: a record's rows are in the indexes before the memtable counts them. Who looks for a key at
// that moment gets a reference to such a row, and must find its memtable, and no other rows of sealed ones.
func TestRowsOfARecordBeingApplied(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1)
	inc := (*d.tables.Load())[20000].inc
	m := inc.cur.Load().mems[0]
	d.number(t, 2, 1)
	_, next := m.Rows() // what the next row will have
	if inc.memtableOf(next-1) != m || inc.memtableOf(next) != m {
		t.Error("a row that is being applied is in no memtable")
	}
	inc.seal(2)
	second := inc.cur.Load().mems[0]
	first, _ := second.Rows()
	if second == m || inc.memtableOf(next-1) != m || inc.memtableOf(first) != second {
		t.Error("rows of a sealed memtable and of the next one")
	}
	if x := inc.memtableOf(next); x != nil {
		t.Error("a sealed memtable has a row that nobody made")
	}
}

// TestLives: a version lives until it ends, wherever that is; of one that has moved nothing is said.
func TestLives(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1)
	d.number(t, 2, 1)
	d.number(t, 3, 2)
	d.number(t, 4, 3)
	inc := (*d.tables.Load())[20000].inc
	before := d.Tier.Snapshot(4).(*snapshot)
	defer before.Release()
	lives := func(what string, s *snapshot, ref table.RowRef, want bool) {
		t.Helper()
		if s.Table(20000).Lives(ref) != want {
			t.Errorf("%s: it is said to live: %t", what, !want)
		}
	}
	refOf := func(s *snapshot, n int64) table.RowRef {
		ref, _ := s.Table(20000).Get(keyOf(n))
		return ref
	}
	kept, first, second := refOf(before, 1), refOf(before, 2), refOf(before, 3)
	lives("in a memtable", before, first, true)
	d.remove(t, 5, 2)
	lives("ended in a memtable", before, first, false)
	inc.seal(5)
	must(t, inc.flushSealed(t.Context()))
	after := d.Tier.Snapshot(5).(*snapshot)
	defer after.Release()
	moved := refOf(after, 3)
	lives("in a segment", after, moved, true)
	lives("where it was", before, kept, false)
	d.remove(t, 6, 3)
	lives("ended in a segment", after, moved, false)
	lives("ended after it has moved", before, second, false)
}

// TestOldPartsAreReadBesideTheirRelease: who looks for a key in old parts, with a View that is younger than these, reads
// memory that nobody frees, though the last View that they were kept for ends meanwhile.
func TestOldPartsAreReadBesideTheirRelease(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	older := d.Snapshot(1).(*snapshot)
	d.number(t, 2, 1)
	d.number(t, 3, 2)
	d.remove(t, 4, 1)
	inc := (*d.tables.Load())[20000].inc
	inc.seal(4)
	must(t, inc.flushSealed(t.Context()))
	young := d.Tier.Snapshot(4).(*snapshot)
	if ref, last, live, found := young.Table(20000).Newest(keyOf(1)); !found || live || last != 4 {
		t.Fatalf("the row that has ended is %#x, last written at %d, live: %t, found: %t", ref, last, live, found)
	}
	old, done := inc.readOld()
	m := old.mems[0]
	older.Release()
	for inc.readers.TryRLock() { // until the memtable is about to be freed
		inc.readers.RUnlock()
		if len(inc.old.Load().mems) == 0 {
			d.jobs.garbage.wg.Wait()
			break
		}
		runtime.Gosched()
	}
	if v, ok := m.Newest(-1, keyOf(1)); !ok || v.Begin != 2 || v.End != 4 {
		t.Errorf("the row is %+v, %t", v, ok)
	}
	done()
	d.jobs.garbage.wg.Wait()
	if len(inc.old.Load().mems) != 0 {
		t.Error("the memtable is kept")
	}
	if _, _, _, found := young.Table(20000).Newest(keyOf(1)); found {
		t.Error("a row was found in a memtable that was freed")
	}
	young.Release()
}
