package columnar

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestSpareColumns: a column that only conditions read is handed out unless all of these are accepted exactly, and then
// its pages are not read.
func TestSpareColumns(t *testing.T) {
	d, err := openDriven(vfs.NewMem(), &localLog{}, 1<<30)
	must(t, err)
	def := numbers()
	def.Columns = append(def.Columns, table.Column{Name: "rare", ID: 2, Type: types.T(types.Int4)}, table.Column{Name: "plain", ID: 3, Type: types.T(types.Int4)})
	def.Options = map[string]string{"bitmap": "rare"}
	must(t, d.Define(1, def))
	d.Snapshot(1)
	const rows, values = 5*vec.Size + 7, 200
	ts := []types.Type{types.T(types.Int8), types.T(types.Int4), types.T(types.Int4)}
	bb := vec.NewBatchBuilder(ts, rows, nil)
	for n := range int64(rows) {
		x := types.NewInt(types.Int4, n%values)
		must(t, bb.AppendRow(types.Row{types.NewInt(types.Int8, n), x, x}))
	}
	must(t, d.Apply(2, &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}))
	must(t, d.drive(2))
	ts2 := d.Snapshot(2).Table(20000)
	for _, c := range []struct {
		col          int
		spare, blank bool
		op           table.Op
	}{{1, true, true, table.OpEq}, {1, false, false, table.OpEq}, {2, true, false, table.OpEq}, {1, true, false, table.OpNe}} {
		s, err := ts2.Scan(&table.ScanSpec{
			Cols: []int{c.col, 0}, Spare: []bool{c.spare, false}, Refs: true,
			Where: []table.Conjunct{{Col: c.col, Op: c.op, Value: types.NewInt(types.Int4, 17)}},
		})
		must(t, err)
		if exact := s.Accepted()[0] == table.Exact; exact != (c.col == 1 && c.op == table.OpEq) {
			t.Fatalf("%+v: accepted %v", c, s.Accepted())
		}
		found := 0
		readScan(t, s, func(b *vec.Batch) {
			if len(b.Groups[0].Cols) != 3 {
				t.Fatalf("%+v: %d columns", c, len(b.Groups[0].Cols))
			}
			for i := range b.N {
				x, id := b.BatchDatum(0, i), b.BatchDatum(1, i).I
				if meets := id%values == 17; meets == (c.op == table.OpEq) {
					found++
				}
				if x.Valid == c.blank || x.Valid && x.I != id%values {
					t.Fatalf("%+v: %v in row %d", c, x, id)
				}
			}
		})
		want := 0
		for n := range rows {
			if (n%values == 17) == (c.op == table.OpEq) {
				want++
			}
		}
		if found != want {
			t.Errorf("%+v: %d rows, want %d", c, found, want)
		}
	}
}

// readScan shows each batch of a scan, and closes it.
func readScan(t *testing.T, s table.Scan, show func(b *vec.Batch)) {
	t.Helper()
	ctx := context.Background()
	for {
		m, err := s.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			must(t, s.Close())
			return
		}
		must(t, err)
		var b vec.Batch
		for err = m.Read(ctx, &b); err == nil; err = m.Read(ctx, &b) {
			show(&b)
		}
		m.Close()
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}
