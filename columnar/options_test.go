package columnar

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestSortKey: segments are sorted by what the table's parameters say when they are written, and those that were sorted
// otherwise are merged all the same.
func TestSortKey(t *testing.T) {
	fs := vfs.NewMem()
	d, err := openDriven(fs, &localLog{}, 1<<30)
	must(t, err)
	defer func() { must(t, d.Close()) }()
	d.o.SegmentRows = 1000
	def := &table.TableDef{
		Header:  table.Header{ID: 20000, Version: 1, Kind: table.KindTable, Name: "t"},
		Columns: []table.Column{{Name: "id", ID: 1, Type: types.T(types.Int8), NotNull: true}, {Name: "g", ID: 2, Type: types.T(types.Int8)}},
		Keys:    []table.Key{{Name: "pk", Primary: true, Columns: []int{0}}},
		Options: map[string]string{table.OptionSortKey: "g"},
	}
	lsn := table.LSN(1)
	insert := func(def *table.TableDef, from, to int64) {
		lsn++
		must(t, d.Define(lsn, def))
		bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Int8)}, 100, nil)
		for i := from; i < to; i++ {
			g := types.NewInt(types.Int8, i*37%101)
			if i%9 == 0 {
				g = types.NullOf(types.Int8)
			}
			must(t, bb.AppendRow(types.Row{types.NewInt(types.Int8, i), g}))
		}
		must(t, d.Apply(lsn, &table.Entry{Table: def.ID, Version: def.Version, Op: table.OpInsertRows, Rows: bb.Batch()}))
		d.Snapshot(lsn)
		must(t, d.drive(lsn))
	}
	insert(def, 0, 300)
	again := def.CloneObject().(*table.TableDef)
	again.Options = nil
	again.Version++
	insert(again, 300, 500)
	inc := (*d.tables.Load())[def.ID].inc
	must(t, inc.compactAll(context.Background()))
	segs := inc.cur.Load().segs
	if len(segs) == 2 {
		must(t, inc.compact(context.Background(), segs, 1))
		segs = inc.cur.Load().segs
	}
	if len(segs) != 1 {
		t.Fatalf("%d segments", len(segs))
	}
	sc, err := segs[0].file.Scan(segment.ScanSpec{Cols: []int{0}})
	must(t, err)
	defer sc.Close()
	n := int64(0)
	for sc.Next() {
		v, err := sc.Column(0)
		must(t, err)
		for i := range v.N {
			if v.Int(i) != n {
				t.Fatalf("row %d is %d", n, v.Int(i))
			}
			n++
		}
	}
	if n != 500 {
		t.Fatalf("%d rows", n)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
