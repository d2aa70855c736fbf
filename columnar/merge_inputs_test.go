package columnar

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// TestMergeOpensFew: a merge of many segments has as many of them open at a time as overlap, and loses no row.
func TestMergeOpensFew(t *testing.T) {
	d, err := openDriven(vfs.NewMem(), &localLog{}, 1<<30)
	must(t, err)
	must(t, d.Define(1, numbers()))
	d.Snapshot(1)
	const rows = 20
	for n := range int64(rows) {
		d.number(t, table.LSN(2+n), n)
		must(t, d.drive(table.LSN(2+n)))
	}
	inc := (*d.tables.Load())[20000].inc
	if n := len(inc.cur.Load().segs); n < rows {
		t.Fatalf("%d segments", n)
	}
	d.remove(t, 2+rows, 4)
	d.remove(t, 3+rows, 11)
	must(t, inc.compactAll(context.Background()))
	want := map[int64]bool{}
	for n := range int64(rows) {
		want[n] = n != 4 && n != 11
	}
	d.rows(t, 3+rows, want)
	if n := d.counts.merged.Load(); n != 1 {
		t.Errorf("%d segments were open at a time", n)
	}
	if n := len(inc.cur.Load().segs); n >= rows {
		t.Errorf("%d segments after the merge", n)
	}
}
