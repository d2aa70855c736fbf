package lsm

import (
	"context"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/table"
)

// twoTables applies records of new rows to two tables in turns, and flushes after some.
func twoTables(t *testing.T, tier *Tier, records, rows int) {
	t.Helper()
	other := loadedDef()
	other.ID, other.Name, other.Keys = 20001, "other", other.Keys[:1]
	if err := tier.Define(1, other); err != nil {
		t.Fatal(err)
	}
	for r := range records {
		lsn := table.LSN(r + 2)
		for _, id := range []table.ObjectID{20000, 20001} {
			e := &table.Entry{Table: id, Version: 1, Op: table.OpInsertRows, Rows: someRows(t, int64(r*rows), rows)}
			if err := tier.Apply(lsn, e); err != nil {
				t.Fatal(err)
			}
		}
		tier.Snapshot(lsn).(table.SnapshotReleaser).Release()
		if r%4 == 3 {
			if err := tier.Checkpoint(context.Background(), lsn); err != nil {
				t.Fatal(err)
			}
		}
	}
	tier.settle()
}

// TestFilesEndWithTables: once tables are large, no file has entries of two kinds of theirs, and compactions do not write
// what has not changed again and again.
func TestFilesEndWithTables(t *testing.T) {
	const records, rows = 400, 100
	tier := filled(t, Options{MemtableBytes: 256 << 10}, 0, 0)
	defer closed(t, tier)
	twoTables(t, tier, records, rows)
	m := tier.Metrics()
	if m.Flushes < records/4 || m.Compactions < 10 {
		t.Errorf("%d flushes and %d compactions", m.Flushes, m.Compactions)
	}
	if w := m.WriteAmplification(); w > 4 {
		t.Errorf("what was applied was written %.1f times", w)
	}
	if err := tier.db.Load().Compact(context.Background(), markKey, []byte{spaceRows + 1}, false); err != nil {
		t.Fatal(err)
	}
	levels, err := tier.db.Load().SSTables()
	if err != nil {
		t.Fatal(err)
	}
	files := slices.Concat(levels...)
	for _, f := range files {
		if a, b := kindOfFile(f.Smallest), kindOfFile(f.Largest); a != b {
			t.Errorf("a file from %q to %q", f.Smallest.UserKey, f.Largest.UserKey)
		}
	}
	if len(files) < 5 {
		t.Errorf("%d files", len(files))
	}
}

// kindOfFile returns the incarnation and the kind of a bound of a file.
func kindOfFile(k pebble.InternalKey) string {
	if len(k.UserKey) < rowPrefixBytes || k.UserKey[0] != spaceRows {
		return ""
	}
	return string(k.UserKey[:rowPrefixBytes])
}

// TestSpans: a file that begins anywhere ends before the next large table, or, in one, before the next kind of entries.
func TestSpans(t *testing.T) {
	large := spans{3, 7}
	row, ref := appendRowKey(nil, 3, []byte("k")), appendRefKey(nil, 3, 9)
	from := func(inc uint64) []byte { b, _ := incarnationRange(inc); return b }
	for _, c := range []struct{ first, end []byte }{
		{markKey, from(3)},
		{tableKey(spaceTable, 9), from(3)},
		{appendRowKey(nil, 1, []byte("k")), from(3)},
		{from(3), appendPrefix(nil, 3, kindRef)}, // a range that is removed
		{row, appendPrefix(nil, 3, kindRef)},
		{ref, appendPrefix(nil, 3, kindUnique)},
		{appendUniqueKey(nil, 3, 1, []byte("k")), from(4)},
		{appendRowKey(nil, 4, []byte("k")), from(7)},
		{appendUniqueKey(nil, 7, 1, nil), from(8)},
		{from(8), nil},
	} {
		if got := large.end(c.first); string(got) != string(c.end) {
			t.Errorf("a file from %q ends before %q, want %q", c.first, got, c.end)
		}
	}
	if end := spans(nil).end(markKey); end != nil {
		t.Errorf("without large tables a file ends before %q", end)
	}
}
