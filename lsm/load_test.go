package lsm

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestLoadThenChange: in one record many new rows come, which are looked up and changed by what follows them, and power is
// lost before and after.
func TestLoadThenChange(t *testing.T) {
	const rows, pieces = 3000, 8
	fs := vfs.NewCrashableMem()
	tier := filled(t, Options{FS: fs}, 1, 10)
	def := (*tier.tables.Load())[20000].def
	work := func(tier *Tier, lsn table.LSN) {
		t.Helper()
		for i := range pieces {
			addPart(t, tier, lsn, int64(1000+i*rows), rows)
		}
		changeRows(t, tier, lsn, 1000, rows, table.OpUpdateRows)
		changeRows(t, tier, lsn, 1000+rows, rows/2, table.OpDeleteRows)
	}
	check := func(tier *Tier, lsn table.LSN) {
		t.Helper()
		s := tier.Snapshot(lsn)
		if n := s.Table(20000).Stats().Rows; n != 10+rows*pieces-rows/2 {
			t.Errorf("%v rows", n)
		}
		if n, err := tier.Verify(context.Background(), func(d table.Damage) bool {
			t.Errorf("%+v", d)
			return true
		}); err != nil || n < 2*rows*(pieces-1) {
			t.Errorf("%d entries, %v", n, err)
		}
		s.(table.SnapshotReleaser).Release()
	}
	work(tier, 3)
	if err := tier.db.Load().Flush(); err != nil {
		t.Fatal(err)
	}
	half, err := Open(Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Dir: "tier"})
	if err != nil {
		t.Fatal(err)
	}
	check(tier, 3)
	if err := half.Define(2, def); err != nil {
		t.Fatal(err)
	}
	work(half, 3) // again, over what is there of it
	check(half, 3)
	if err := half.Recovered(); err != nil {
		t.Error(err)
	}
	closed(t, half)
	closed(t, tier)
}

// changeRows updates or deletes rows from first on.
func changeRows(t *testing.T, tier *Tier, lsn table.LSN, first int64, rows int, op table.EntryOp) {
	t.Helper()
	e := &table.Entry{Table: 20000, Version: 1, Op: op}
	d := (*tier.tables.Load())[20000].d
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Text)}, rows, nil)
	for i := range rows {
		if err := bb.AppendRow(types.Row{types.NewInt(types.Int8, first+int64(i)), types.NewString(types.Text, "changed")}); err != nil {
			t.Fatal(err)
		}
		key, _ := d.rowKeyOf(nil, bb.Batch(), i)
		e.Keys.Append(key)
	}
	if op == table.OpUpdateRows {
		e.Rows = bb.Batch()
	}
	if err := tier.Apply(lsn, e); err != nil {
		t.Fatal(err)
	}
}

// TestLoadIsBounded: a record of any size waits for flushes once there are many memtables, whoever holds them up.
func TestLoadIsBounded(t *testing.T) {
	const most, rows, parts = 2, 500, 600 // too few rows each to become files at once
	fs := &heldFS{FS: vfs.NewMem(), hold: make(chan struct{})}
	tier := filled(t, Options{FS: fs, MemtableBytes: 1 << 20, MemtablesMax: most}, 0, 0)
	fs.held.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range parts {
			addPart(t, tier, 2, int64(i*rows), rows)
		}
	}()
	for tier.counts.held.Load() == 0 {
		select {
		case <-done:
			t.Fatal("all of it was applied while nothing could be flushed")
		case <-time.After(time.Millisecond):
		}
	}
	// Each batch may be of several memtables' size, and is one of its own then.
	if n := tier.db.Load().Metrics().MemTable.Count; n > applyMemtables*most+2 {
		t.Errorf("%d memtables", n)
	}
	close(fs.hold)
	<-done
	tier.Snapshot(2).(table.SnapshotReleaser).Release()
	if n := tier.Metrics().Rows; n != parts*rows {
		t.Errorf("%d rows", n)
	}
	closed(t, tier)
}
