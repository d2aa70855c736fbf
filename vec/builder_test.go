package vec

import (
	"math"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
)

var testTypes = []types.Type{
	types.T(types.Bool), types.T(types.Int2), types.T(types.Int4), types.T(types.Int8), types.T(types.OID),
	types.T(types.Float4), types.T(types.Float8), types.NumericPS(15, 2), types.NumericPS(30, 4),
	types.NumericPS(60, 1), types.T(types.Numeric), types.T(types.Text), types.VarcharN(20), types.T(types.Bytea),
	types.T(types.Date), types.T(types.Timestamp), types.T(types.Interval), types.T(types.UUID),
}

func mustParse(t *testing.T, typ types.Type, s string) types.Datum {
	t.Helper()
	d, err := types.Parse(typ, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// testRows returns rows of testTypes that reach the ends of each kind, with NULLs in every column.
func testRows(t *testing.T, n int) []types.Row {
	rows := make([]types.Row, n)
	for i := range rows {
		r := types.Row{
			types.NewBool(i%2 == 0),
			types.NewInt(types.Int2, []int64{math.MinInt16, math.MaxInt16, 0, int64(i % 30000)}[i%4]),
			types.NewInt(types.Int4, []int64{math.MinInt32, math.MaxInt32, -1, int64(i)}[i%4]),
			types.NewInt(types.Int8, []int64{math.MinInt64, math.MaxInt64, -1, int64(i)}[i%4]),
			types.NewInt(types.OID, []int64{0, math.MaxUint32, int64(i)}[i%3]),
			types.NewFloat(types.Float4, float64(i)/3),
			types.NewFloat(types.Float8, []float64{math.NaN(), math.Inf(-1), math.Copysign(0, -1), float64(i)}[i%4]),
			types.NewDecimal(int64(i*i-500), 2),
			mustParse(t, types.NumericPS(30, 4), []string{"12345678901234567890123456.7891", "-1", "0"}[i%3]),
			mustParse(t, types.NumericPS(60, 1), []string{"1234567890123456789012345678901234567890123456.5", "2"}[i%2]),
			mustParse(t, types.T(types.Numeric), []string{"1.5", "1.50", "NaN", "-Infinity", "1e30", "1e60"}[i%6]),
			types.NewString(types.Text, []string{"", "short", "a string longer than twelve bytes"}[i%3]),
			types.NewString(types.Varchar, []string{"twelve bytes", "thirteen byte"}[i%2]),
			types.NewString(types.Bytea, string([]byte{0, byte(i), 255})),
			types.NewInt(types.Date, []int64{types.DateInfinity, types.DateNegInfinity, int64(i)}[i%3]),
			types.NewInt(types.Timestamp, int64(i)*1e9),
			types.NewInterval(int32(i), int32(-i), int64(i)*1e6),
			types.NewString(types.UUID, "0123456789abcde"+string(rune('a'+i%26))),
		}
		if i%5 == 3 {
			r[i%len(r)] = types.NullOf(testTypes[i%len(r)].Kind)
		}
		rows[i] = r
	}
	return rows
}

func checkRows(t *testing.T, b *Batch, rows []types.Row) {
	t.Helper()
	if b.N != len(rows) {
		t.Fatalf("%d rows, want %d", b.N, len(rows))
	}
	var got types.Row
	for i, want := range rows {
		got = b.Row(i, got)
		for c := range want {
			if !types.Identical(got[c], want[c]) {
				t.Fatalf("row %d column %d (%s): %+v, want %+v", i, c, testTypes[c], got[c], want[c])
			}
		}
	}
}

func TestBatchBuilderRoundTrip(t *testing.T) {
	for _, tracker := range []*mem.Tracker{nil, mem.NewTracker("test", 0)} {
		bb := NewBatchBuilder(testTypes, 10, tracker)
		for _, n := range []int{0, 1, 63, 64, 65, 1000, 7} {
			rows := testRows(t, n)
			bb.Reset()
			for _, r := range rows {
				if err := bb.AppendRow(r); err != nil {
					t.Fatal(err)
				}
			}
			checkRows(t, bb.Batch(), rows)
			c, err := Copy(bb.Batch(), tracker)
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, c.Batch(), rows)
			if d := Diff(c.Batch(), bb.Batch()); d != "" {
				t.Fatal(d)
			}
			c.Release()
		}
		bb.Release()
		if tracker != nil && tracker.Used() != 0 {
			t.Errorf("%d bytes leaked", tracker.Used())
		}
	}
}

func TestCopyThroughSelection(t *testing.T) {
	rows := testRows(t, 300)
	bb := NewBatchBuilder(testTypes, 0, nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			t.Fatal(err)
		}
	}
	b := bb.Batch()
	sel := []uint16{0, 3, 7, 8, 64, 200, 299}
	b.Single(len(sel), b.Groups[0].Cols, sel)
	var want []types.Row
	for _, s := range sel {
		want = append(want, rows[s])
	}
	c, err := Copy(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, c.Batch(), want)
	if err := c.AppendBatch(b); err != nil {
		t.Fatal(err)
	}
	checkRows(t, c.Batch(), append(want, want...))
}

func TestBuilderOutOfMemory(t *testing.T) {
	tracker := mem.NewTracker("small", 64<<10)
	bb := NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Text)}, 16, tracker)
	var n int
	for ; n < 1e6; n++ {
		if err := bb.AppendRow(types.Row{types.NewInt(types.Int8, int64(n)), types.NewString(types.Text, "x")}); err != nil {
			break
		}
	}
	if n == 0 || n == 1e6 || bb.Len() != n {
		t.Fatalf("stopped after %d rows, length %d", n, bb.Len())
	}
	if d := bb.Batch().BatchDatum(0, n-1); d.I != int64(n-1) {
		t.Errorf("last row is %v", d)
	}
	bb.Release()
	if tracker.Used() != 0 {
		t.Errorf("%d bytes leaked", tracker.Used())
	}
}

func TestNumericLayouts(t *testing.T) {
	for _, c := range []struct {
		typ   types.Type
		vals  []string
		width uint8
		enc   bool
	}{
		{types.NumericPS(15, 2), []string{"1.25", "-9999999999999.99"}, 8, false},
		{types.NumericPS(15, 2), []string{"1.25", "NaN"}, 16, true},
		{types.NumericPS(38, 2), []string{"1.25", "123456789012345678901234567890.12"}, 16, false},
		{types.T(types.Numeric), []string{"1.5", "2.5"}, 8, false},
		{types.T(types.Numeric), []string{"1.5", "12345678901234567890123.5"}, 16, false},
		{types.T(types.Numeric), []string{"1.5", "2.50"}, 16, true},
	} {
		b := NewBuilder(c.typ, 1, nil)
		for _, s := range c.vals {
			if err := b.Append(mustParse(t, c.typ, s)); err != nil {
				t.Fatal(err)
			}
		}
		v := b.Vector()
		if v.Width != c.width || v.VarNumeric != c.enc {
			t.Errorf("%s %v: width %d, encoded %v", c.typ, c.vals, v.Width, v.VarNumeric)
		}
		for i, s := range c.vals {
			if got := c.typ.Text(v.Datum(i)); got != s {
				t.Errorf("%s: entry %d is %s, want %s", c.typ, i, got, s)
			}
		}
	}
}
