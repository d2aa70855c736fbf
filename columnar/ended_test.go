package columnar

import (
	"context"
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
	f func()
}

func (h *beforeLog) Log(ctx context.Context, kind RecordKind, payload []byte, apply func(table.LSN) error) error {
	if kind == FlushRecord {
		h.f()
	}
	return h.driven.Log(ctx, kind, payload, apply)
}

// TestEndedWhileFlushed: a row ends after the cut of a flush, a checkpoint is made, and only then the flush is logged. The
// chunk in the checkpoint is without the row, the segment has it: who opens the tier must not see it.
func TestEndedWhileFlushed(t *testing.T) {
	fs, log := vfs.NewMem(), &localLog{}
	d, err := openDriven(fs, log, 1<<30)
	must(t, err)
	must(t, d.Define(1, numbers()))
	d.Snapshot(1)
	d.number(t, 2, 1)
	d.number(t, 3, 2)
	inc := (*d.tables.Load())[20000].inc
	inc.seal(3)
	d.jobs.host = &beforeLog{d, func() {
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
	d, err = openDriven(fs, log, 1<<30) // power was lost
	must(t, err)
	must(t, d.Define(4, numbers()))
	check(d)
}

// TestAdmit: writers wait while more memtables are sealed than were flushed, and until then only.
func TestAdmit(t *testing.T) {
	d, err := openDriven(vfs.NewMem(), &localLog{}, 1<<30)
	must(t, err)
	must(t, d.Define(1, numbers()))
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
