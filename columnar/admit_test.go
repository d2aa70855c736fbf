package columnar

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestWritersWait: a memtable ends at DeltaRows, and statements that write wait while too many were not flushed.
func TestWritersWait(t *testing.T) {
	d, err := openDriven(vfs.NewMem(), &localLog{}, 1<<30)
	must(t, err)
	must(t, d.Recovered())
	j := &d.jobs
	j.progress.c, j.retry = make(chan struct{}), make(chan struct{}, 1)
	j.live.Store(true) // but nobody flushes
	defer func() {
		j.live.Store(false)
		must(t, d.Close())
	}()
	d.o.DeltaRows = 10
	def := &table.TableDef{
		Header:  table.Header{ID: 20000, Version: 1, Kind: table.KindTable, Name: "t"},
		Columns: []table.Column{{Name: "id", ID: 1, Type: types.T(types.Int8), NotNull: true}},
		Keys:    []table.Key{{Name: "pk", Primary: true, Columns: []int{0}}},
	}
	must(t, d.Tier.Define(1, def))
	inc := (*d.tables.Load())[def.ID].inc
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	ended := 0
	for lsn := table.LSN(2); len(inc.cur.Load().mems) <= sealedMax; lsn++ {
		must(t, d.Admit(canceled))
		bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8)}, 5, nil)
		for i := range int64(5) {
			must(t, bb.AppendRow(types.Row{types.NewInt(types.Int8, int64(lsn)*5+i)}))
		}
		must(t, d.Tier.Apply(lsn, &table.Entry{Table: def.ID, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}))
		p := inc.cur.Load()
		for _, m := range p.mems[1:] {
			if m.Live() != 10 {
				t.Fatalf("a memtable ended with %d rows", m.Live())
			}
			ended++
		}
		if lsn > 100 {
			t.Fatal("no memtable ends")
		}
	}
	if err := d.Admit(canceled); sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
		t.Errorf("with %d memtables: %v", len(inc.cur.Load().mems), err)
	}
	failure := errors.New("the disk is full")
	j.note(failure)
	go func() { // what is tried again fails again
		<-j.retry
		j.note(failure)
	}()
	if err := d.Admit(t.Context()); !errors.Is(err, failure) {
		t.Errorf("after a failure: %v", err)
	}
	must(t, inc.flushSealed(t.Context()))
	must(t, d.Admit(canceled))
	if m := d.Metrics(); m.Stalls != 2 || m.Flushes != sealedMax || m.DeltaRows != 5 || ended < sealedMax {
		t.Errorf("%+v", m)
	}
}
