package lsm

import (
	"context"
	"testing"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestMetrics: of a known workload flushes, files, what was applied, look-ups in filters and repeated reads have exact
// counts. The sizes of files have not: they depend on how blocks are compressed.
func TestMetrics(t *testing.T) {
	const records, rows = 3, 1000
	tier := filled(t, Options{DisableCompaction: true}, 0, 0)
	for lsn := table.LSN(2); lsn < records+2; lsn++ {
		add(t, tier, lsn, int64(lsn-2)*rows, rows)
		if err := tier.Checkpoint(context.Background(), lsn); err != nil {
			t.Fatal(err)
		}
	}
	m := tier.Metrics()
	// A row is 10+8 bytes of key and a value: the head, one byte of NULLs, the integer, the length of the text and 100
	// bytes. Its reference is 10+8 bytes of key and 8 of value.
	ints := int64(0)
	for i := range int64(records * rows) {
		ints += varintBytes(i)
	}
	want := int64(records*rows)*(18+rowHead+1+1+100+26) + ints
	if m.AppliedBytes != want || m.LiveBytes != want || m.Rows != records*rows {
		t.Errorf("%d bytes applied, %d live, want %d", m.AppliedBytes, m.LiveBytes, want)
	}
	if m.Flushes != records || m.Files != records || m.FlushBytes != m.FileBytes || m.Compactions != 0 || m.CompactionWrittenBytes != 0 {
		t.Errorf("%+v", m)
	}
	if w, s := m.WriteAmplification(), m.SpaceAmplification(); w <= 0 || w != s {
		t.Errorf("amplification %v of writes, %v of space", w, s)
	}
	changeRows(t, tier, records+2, 0, 500, table.OpDeleteRows)
	s := tier.Snapshot(records + 2)
	if now := tier.Metrics(); now.AppliedBytes != want || now.Rows != m.Rows-500 || now.LiveBytes >= want || now.DeadRows != 500 {
		t.Errorf("after 500 were deleted: %+v", now)
	}
	key := index.AppendDatum(nil, types.NewInt(types.Int8, 1500), true)
	for range 2 {
		m = tier.Metrics()
		if _, _, ok := s.Table(20000).(table.RowGetter).GetRow(key, nil, nil); !ok {
			t.Fatal("a row is not there")
		}
	}
	if now := tier.Metrics(); now.CacheMisses != m.CacheMisses || now.CacheHits <= m.CacheHits || now.CacheHitRatio() <= 0 {
		t.Errorf("the second read of a row: %+v, before %+v", now, m)
	}
	s.(table.SnapshotReleaser).Release()
	if err := tier.db.Load().Compact(context.Background(), []byte{spaceRows}, []byte{spaceRows + 1}, false); err != nil {
		t.Fatal(err)
	}
	if now := tier.Metrics(); now.Compactions == 0 || now.CompactionReadBytes < m.FileBytes || now.CompactionWrittenBytes == 0 || now.Flushes != records+1 {
		t.Errorf("after a compaction: %+v", now)
	}
	closed(t, tier)
}

// varintBytes is the size of a zigzag LEB128 integer.
func varintBytes(x int64) (n int64) {
	for u := uint64(x) << 1; ; u >>= 7 {
		if n++; u < 0x80 {
			return n
		}
	}
}
