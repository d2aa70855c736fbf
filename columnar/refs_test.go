package columnar

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
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
