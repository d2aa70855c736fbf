package rowstore

import (
	"context"
	"io"
	"testing"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// small is a store with one table, whose first column is its key.
type small struct {
	t   *testing.T
	s   *Store
	def *table.TableDef
}

func newSmall(t *testing.T, cols ...types.Type) *small {
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	def := &table.TableDef{Header: table.Header{ID: 20000, Name: "t", Version: 1},
		Keys: []table.Key{{Name: "t_pkey", Primary: true, Columns: []int{0}}}}
	for _, c := range cols {
		def.Columns = append(def.Columns, table.Column{Name: "c", Type: c})
	}
	x := &small{t, s, def}
	x.define(1, def)
	return x
}

func (x *small) define(lsn table.LSN, def *table.TableDef) {
	x.t.Helper()
	if err := x.s.Define(lsn, def); err != nil {
		x.t.Fatal(err)
	}
	x.def = def
}

// apply applies an entry that ends the rows with the given keys and adds rows.
func (x *small) apply(lsn table.LSN, keys []int64, rows ...types.Row) {
	x.t.Helper()
	ts := make([]types.Type, len(x.def.Columns))
	for i := range ts {
		ts[i] = x.def.Columns[i].Type
	}
	bb := vec.NewBatchBuilder(ts, 0, nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			x.t.Fatal(err)
		}
	}
	e := &table.Entry{Table: x.def.ID, Version: x.def.Version, Op: table.OpInsertRows, Rows: bb.Batch()}
	for _, k := range keys {
		e.Op = table.OpUpdateRows
		e.Keys.Append(index.AppendDatum(nil, types.NewInt(types.Int8, k), true))
	}
	if err := x.s.Apply(lsn, e); err != nil {
		x.t.Fatal(err)
	}
}

// want compares what a scan at lsn yields, in arrival order.
func (x *small) want(lsn table.LSN, want ...types.Row) {
	x.t.Helper()
	ts := x.s.Snapshot(lsn).Table(x.def.ID)
	spec := &table.ScanSpec{}
	for i := range x.def.Columns {
		spec.Cols = append(spec.Cols, i)
	}
	sc, err := ts.Scan(spec)
	if err != nil {
		x.t.Fatal(err)
	}
	var got []types.Row
	for {
		m, err := sc.NextMorsel(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			x.t.Fatal(err)
		}
		var b vec.Batch
		for m.Read(context.Background(), &b) == nil {
			for i := range b.N {
				got = append(got, b.Row(i, nil))
			}
		}
	}
	if len(got) != len(want) {
		x.t.Fatalf("LSN %d: %v, want %v", lsn, got, want)
	}
	for i := range got {
		for c := range got[i] {
			if !types.Identical(got[i][c], want[i][c]) {
				x.t.Fatalf("LSN %d row %d: %v, want %v", lsn, i, got[i], want[i])
			}
		}
		ref, ok := ts.Get(index.AppendDatum(nil, want[i][0], true))
		if !ok || !types.Identical(ts.AppendRow(nil, ref, spec.Cols)[len(spec.Cols)-1], want[i][len(want[i])-1]) {
			x.t.Fatalf("LSN %d: Get of %v finds %v", lsn, want[i][0], ok)
		}
	}
}

func id(k int64) types.Datum { return types.NewInt(types.Int8, k) }

// TestNumericsOfAnyForm mixes numerics that one layout does not hold.
func TestNumericsOfAnyForm(t *testing.T) {
	values := []types.Datum{types.NewDecimal(5, 1), types.NewDecimal(-12345, 3), types.NullOf(types.Numeric), types.NumericNaN(), types.NewDecimal(100, 2),
		types.NewInt128(1<<40, 7, 2), types.NumericInf(-1), types.NewDecimal(0, 0)}
	for _, typ := range []types.Type{types.T(types.Numeric), types.NumericPS(15, 2), types.NumericPS(30, 2), types.NumericPS(60, 2)} {
		x := newSmall(t, types.T(types.Int8), typ)
		var want []types.Row
		lsn := table.LSN(1)
		for i, v := range values { // one by one
			lsn++
			want = append(want, types.Row{id(int64(i)), v})
			x.apply(lsn, nil, want[i])
		}
		x.want(lsn, want...)
		same := []types.Row{{id(100), types.NewDecimal(7, 2)}, {id(101), types.NewDecimal(8, 2)}}
		x.apply(lsn+1, nil, same...) // a batch of one scale
		x.want(lsn+1, append(want[:len(want):len(want)], same...)...)
		x.want(lsn, want...)
	}
}

// TestKeysMoveInOneRecord shifts keys in two entries: the second ends the row that had the key before the record, not
// the one that the first entry moved there.
func TestKeysMoveInOneRecord(t *testing.T) {
	x := newSmall(t, types.T(types.Int8), types.T(types.Text))
	text := func(s string) types.Datum { return types.NewString(types.Text, s) }
	x.apply(2, nil, types.Row{id(1), text("a")}, types.Row{id(2), text("b")})
	x.apply(3, []int64{1}, types.Row{id(2), text("a")})
	x.apply(3, []int64{2}, types.Row{id(3), text("b")})
	x.want(3, types.Row{id(2), text("a")}, types.Row{id(3), text("b")})
	x.want(2, types.Row{id(1), text("a")}, types.Row{id(2), text("b")})
}

// TestAlterOfAnEmptyTable changes the columns of a table without rows; earlier snapshots keep the old ones.
func TestAlterOfAnEmptyTable(t *testing.T) {
	x := newSmall(t, types.T(types.Int8))
	x.apply(2, nil, types.Row{id(1)})
	x.apply(3, []int64{1})
	before := x.s.Snapshot(2)
	def := x.def.CloneObject().(*table.TableDef)
	def.Version, def.Columns = 2, append(def.Columns, table.Column{Name: "b", Type: types.T(types.Text)})
	x.define(4, def)
	x.apply(5, nil, types.Row{id(1), types.NewString(types.Text, "new")})
	x.want(5, types.Row{id(1), types.NewString(types.Text, "new")})
	if n := len(before.Table(def.ID).Def().Columns); n != 1 {
		t.Errorf("an earlier snapshot has %d columns", n)
	}
	if _, ok := before.Table(def.ID).Get(index.AppendDatum(nil, id(1), true)); !ok {
		t.Error("an earlier snapshot has lost its row")
	}
}
