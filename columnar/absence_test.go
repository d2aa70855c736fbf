package columnar

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// TestAbsence: what was found of many keys at once holds for the segments of that moment only. Rows that came to memory
// since, and those that were flushed and compacted, are found.
func TestAbsence(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1).(*snapshot).Release()
	d.o.DeltaRows = 1 << 20
	inc := (*d.tables.Load())[20000].inc
	lsn := table.LSN(1)
	insert := func(n int64) {
		lsn++
		d.number(t, lsn, n)
	}
	for n := int64(0); n < 300; n += 2 {
		insert(n)
	}
	inc.seal(lsn)
	must(t, inc.flushSealed(context.Background()))
	first := d.Snapshot(lsn).Table(20000).(*tableSnapshot)
	keys := &table.Keys{}
	for n := range int64(300) {
		keys.Append(keyOf(n))
	}
	given := first.Absent(0, keys)
	if given == nil {
		t.Fatal("nothing is known")
	}
	check := func(want func(n int64) bool) {
		t.Helper()
		ts := d.Snapshot(lsn).Table(20000).(*tableSnapshot)
		for n := range int64(300) {
			for _, i := range []int64{n, (n + 1) % 300} { // the number of its own, or of another
				if _, found := ts.NewestUniqueGiven(0, keyOf(n), given, int(i)); found != want(n) {
					t.Errorf("row %d was found: %t", n, found)
				}
			}
		}
	}
	check(func(n int64) bool { return n%2 == 0 })
	insert(7)
	check(func(n int64) bool { return n%2 == 0 || n == 7 })
	d.remove(t, lsn+1, 8)
	lsn++
	check(func(n int64) bool { return n%2 == 0 && n != 8 || n == 7 })
	inc.seal(lsn)
	must(t, inc.flushSealed(context.Background()))
	check(func(n int64) bool { return n%2 == 0 && n != 8 || n == 7 })
	must(t, inc.compactAll(context.Background()))
	check(func(n int64) bool { return n%2 == 0 && n != 8 || n == 7 })
	absent := 0
	for _, may := range given.(*absence).may {
		if !may {
			absent++
		}
	}
	if absent < 140 || len(inc.cur.Load().segs) != 1 {
		t.Errorf("%d keys are absent, %d segments", absent, len(inc.cur.Load().segs))
	}
}
