package columnar

import (
	"context"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// numbers is a table of one column.
func numbers() *table.TableDef {
	return &table.TableDef{
		Header:  table.Header{ID: 20000, Version: 1, Kind: table.KindTable, Name: "t"},
		Columns: []table.Column{{Name: "id", ID: 1, Type: types.T(types.Int8), NotNull: true}},
		Keys:    []table.Key{{Name: "pk", Primary: true, Columns: []int{0}}},
	}
}

// openNumbers opens a tier of its own log and defines the table at an LSN.
func openNumbers(t *testing.T, fs vfs.FS, log *localLog, lsn table.LSN) *driven {
	t.Helper()
	d, err := openDriven(fs, log, 1<<30)
	must(t, err)
	must(t, d.Define(lsn, numbers()))
	return d
}

func keyOf(n int64) []byte { return encodeKey(types.Row{types.NewInt(types.Int8, n)}) }

// number applies the insertion of a row.
func (d *driven) number(t *testing.T, lsn table.LSN, n int64) {
	t.Helper()
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8)}, 1, nil)
	must(t, bb.AppendRow(types.Row{types.NewInt(types.Int8, n)}))
	must(t, d.Apply(lsn, &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}))
}

// beforeLog is a host that does something before a record is logged.
type beforeLog struct {
	*driven
	kind RecordKind
	f    func()
}

func (h *beforeLog) Log(ctx context.Context, kind RecordKind, payload []byte, apply func(table.LSN) error) error {
	if kind == h.kind {
		h.f()
	}
	return h.driven.Log(ctx, kind, payload, apply)
}

// TestEndedWhileFlushed: a row ends after the cut of a flush, a checkpoint is made, and only then the flush is logged. The
// chunk in the checkpoint is without the row, the segment has it: who opens the tier must not see it.
func TestEndedWhileFlushed(t *testing.T) {
	fs, log := vfs.NewMem(), &localLog{}
	d := openNumbers(t, fs, log, 1)
	d.Snapshot(1)
	d.number(t, 2, 1)
	d.number(t, 3, 2)
	inc := (*d.tables.Load())[20000].inc
	inc.seal(3)
	d.jobs.host = &beforeLog{d, FlushRecord, func() {
		e := &table.Entry{Table: 20000, Version: 1, Op: table.OpDeleteRows}
		e.Keys.Append(keyOf(1))
		must(t, d.Apply(4, e))
		must(t, d.Checkpoint(context.Background(), 4))
	}}
	must(t, inc.flushSealed(context.Background()))
	if log.flushes != 1 {
		t.Fatalf("%d flushes", log.flushes)
	}
	check := func(d *driven) {
		t.Helper()
		ts := d.Snapshot(4).Table(20000)
		for n, want := range map[int64]bool{1: false, 2: true} {
			if _, there := ts.Get(keyOf(n)); there != want {
				t.Errorf("row %d is there: %t", n, there)
			}
		}
	}
	check(d)
	d = openNumbers(t, fs, log, 4) // power was lost
	check(d)
}

// TestAdmit: writers wait while more memtables are sealed than were flushed, and until then only.
func TestAdmit(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1)
	d.jobs.live.Store(true)
	d.jobs.note(nil)
	inc := (*d.tables.Load())[20000].inc
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for lsn := table.LSN(2); len(inc.cur.Load().mems) <= sealedMax; lsn++ { // each row seals the memtable before
		must(t, d.Admit(ctx))
		d.number(t, lsn, int64(lsn))
	}
	if err := d.Admit(ctx); sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
		t.Errorf("%d memtables: %v", len(inc.cur.Load().mems), err)
	}
	must(t, inc.flushSealed(context.Background()))
	must(t, d.Admit(ctx))
	d.jobs.live.Store(false)
}

// remove applies the deletion of a row.
func (d *driven) remove(t *testing.T, lsn table.LSN, n int64) {
	t.Helper()
	e := &table.Entry{Table: 20000, Version: 1, Op: table.OpDeleteRows}
	e.Keys.Append(keyOf(n))
	must(t, d.Apply(lsn, e))
}

// rows demands which rows a tier has.
func (d *driven) rows(t *testing.T, lsn table.LSN, want map[int64]bool) {
	t.Helper()
	ts := d.Snapshot(lsn).Table(20000)
	for n, there := range want {
		if _, got := ts.Get(keyOf(n)); got != there {
			t.Errorf("row %d is there: %t", n, got)
		}
	}
}

// TestEndedWhileCompacted: a row that is deleted while its segment is compacted is deleted in the new one, at once and
// after a power loss; and what a manifest has of this is not done again.
func TestEndedWhileCompacted(t *testing.T) {
	fs, log := vfs.NewMem(), &localLog{}
	d := openNumbers(t, fs, log, 1)
	d.Snapshot(1)
	for n := range int64(3) {
		d.number(t, table.LSN(2+n), n)
	}
	must(t, d.drive(4))
	d.remove(t, 5, 0)
	inc := (*d.tables.Load())[20000].inc
	d.jobs.host = &beforeLog{d, CompactRecord, func() { d.remove(t, 6, 1) }}
	must(t, inc.compactAll(context.Background()))
	if log.flushes != 1 || log.compactions != 1 {
		t.Fatalf("%d flushes, %d compactions", log.flushes, log.compactions)
	}
	want := map[int64]bool{0: false, 1: false, 2: true}
	d.rows(t, 6, want)
	again := openNumbers(t, fs, log, 1) // there was no checkpoint: all is replayed
	for n := range int64(3) {
		again.number(t, table.LSN(2+n), n)
	}
	again.remove(t, 5, 0)
	again.remove(t, 6, 1)
	again.rows(t, 6, want)
	must(t, again.Checkpoint(context.Background(), 6))
	last := openNumbers(t, fs, log, 6)
	last.rows(t, 6, want)
}

// TestFlushedWhileEnded: a row that ended after the cut of a flush is deleted in the segment when that is published.
func TestFlushedWhileEnded(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1)
	d.number(t, 2, 1)
	d.number(t, 3, 2)
	inc := (*d.tables.Load())[20000].inc
	inc.seal(3)
	d.jobs.host = &beforeLog{d, FlushRecord, func() { d.remove(t, 4, 1) }}
	must(t, inc.flushSealed(context.Background()))
	d.rows(t, 4, map[int64]bool{1: false, 2: true})
}

// TestDeletionOfAnEarlierVersion: replay finds the segment that a deletion concerns by its cut: one that has the key again,
// in a row that came later, is another.
func TestDeletionOfAnEarlierVersion(t *testing.T) {
	fs, log := vfs.NewMem(), &localLog{}
	run := func(d *driven, live bool) {
		t.Helper()
		step := func() {
			if live {
				must(t, d.drive(d.space.Applied()))
			}
		}
		must(t, d.Define(1, numbers()))
		if live {
			d.Snapshot(1)
		}
		d.number(t, 2, 1)
		d.number(t, 3, 2)
		step()
		d.remove(t, 4, 1)
		step() // half of the rows are deleted: the segment is written anew
		d.number(t, 5, 1)
		step()
		d.rows(t, 5, map[int64]bool{1: true, 2: true})
	}
	for _, live := range []bool{true, false} {
		d, err := openDriven(fs, log, 1<<30) // the second time power was lost, and all is replayed
		must(t, err)
		run(d, live)
	}
	if log.flushes != 2 || log.compactions != 1 {
		t.Fatalf("%d flushes, %d compactions", log.flushes, log.compactions)
	}
}

// refusing is a host that logs no records of a kind.
type refusing struct {
	*driven
	kind  RecordKind
	asked int
}

func (h *refusing) Log(ctx context.Context, kind RecordKind, payload []byte, apply func(table.LSN) error) error {
	if kind != h.kind {
		return h.driven.Log(ctx, kind, payload, apply)
	}
	h.asked++
	return sqlerr.New(sqlerr.IOError, "the log is full")
}

// TestNothingMovesBeforeItsRecord: a flush or a compaction whose record does not get into the log changes nothing. All rows
// are where they were, and can be moved later.
func TestNothingMovesBeforeItsRecord(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1)
	for n := range int64(4) {
		d.number(t, table.LSN(2+n), n)
	}
	inc := (*d.tables.Load())[20000].inc
	inc.seal(5)
	want := map[int64]bool{0: true, 1: true, 2: true, 3: true}
	refuse := func(kind RecordKind, job func(context.Context) error) {
		t.Helper()
		before, old := inc.cur.Load(), inc.old.Load()
		h := &refusing{driven: d, kind: kind}
		d.jobs.host = h
		if err := job(t.Context()); sqlerr.CodeOf(err) != sqlerr.IOError || h.asked != 1 {
			t.Errorf("asked %d times: %v", h.asked, err)
		}
		if now := inc.cur.Load(); !slices.Equal(now.mems, before.mems) || !slices.Equal(now.segs, before.segs) {
			t.Errorf("%d memtables and %d segments have become %d and %d", len(before.mems), len(before.segs), len(now.mems), len(now.segs))
		}
		if inc.old.Load() != old {
			t.Error("there are other old parts")
		}
		d.rows(t, d.space.Applied(), want)
		d.jobs.host = d
		must(t, job(t.Context()))
		if inc.cur.Load() == before {
			t.Error("nothing has moved later")
		}
		d.rows(t, d.space.Applied(), want)
	}
	refuse(FlushRecord, inc.flushSealed)
	d.remove(t, 6, 1)
	want[1] = false
	refuse(CompactRecord, inc.compactAll)
}
