package lsm

import (
	"testing"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestEndedKeysAreCharged: what is remembered of versions above the watermark counts as the tier's memory until the
// watermark passes them.
func TestEndedKeysAreCharged(t *testing.T) {
	const rows = 2000
	tracker := mem.NewTracker("lsm", 0)
	tier := filled(t, Options{Tracker: tracker}, 1, rows)
	charged := func() int64 { return tracker.Used() - tier.counts.charged.Load() }
	if n := charged(); n != 0 {
		t.Errorf("%d bytes charged before any version ended", n)
	}
	for lsn := table.LSN(3); lsn < 13; lsn++ {
		changeRows(t, tier, lsn, 0, rows, table.OpUpdateRows)
		tier.Snapshot(lsn).(table.SnapshotReleaser).Release()
	}
	if n, m := charged(), tier.Metrics(); n < 10*rows*endedBytes || m.DeadRows != 10*rows || m.MemoryBytes < n {
		t.Errorf("%d bytes charged, %+v", n, m)
	}
	all := charged()
	tier.Retire(12, 7)
	if n := charged(); n < 5*rows*endedBytes || n > all*4/5 || tier.Metrics().DeadRows != 5*rows {
		t.Errorf("%d bytes charged for half of them, %d for all", n, all)
	}
	ts := tier.Snapshot(12).Table(20000).(*tableSnapshot)
	if _, ok := ts.Get(index.AppendDatum(nil, types.NewInt(types.Int8, 5), true)); !ok || tier.recent.bytes.Load() == 0 {
		t.Error("a row that is read by key is not kept, or not charged")
	}
	closed(t, tier)
	if n := tracker.Used(); n != 0 {
		t.Errorf("%d bytes charged after the end", n)
	}
}
