package index_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// extremes are values of each kind that are easily put in the wrong order.
func extremes(k types.Kind) []types.Datum {
	var out []types.Datum
	ints := func(vs ...int64) {
		for _, v := range vs {
			out = append(out, types.NewInt(k, v))
		}
	}
	switch k {
	case types.Bool:
		ints(0, 1)
	case types.Int2:
		ints(math.MinInt16, -1, 0, 1, math.MaxInt16)
	case types.Int4, types.Date:
		ints(math.MinInt32, -1, 0, 1, 255, 256, math.MaxInt32)
	case types.OID:
		ints(0, 1, math.MaxUint32)
	case types.Int8, types.Timestamp, types.TimestampTZ:
		ints(math.MinInt64, -1<<32, -1, 0, 1, 1<<32, math.MaxInt64)
	case types.Float8:
		for _, f := range []float64{math.Inf(-1), -1e300, -1, -5e-324, math.Copysign(0, -1), 0, 5e-324, 1, 1e300, math.Inf(1), math.NaN()} {
			out = append(out, types.NewFloat(k, f))
		}
	case types.Numeric:
		for _, s := range []string{"-Infinity", "-1e40", "-100", "-99.5", "-10", "-1.01", "-1.0", "-1", "-0.001", "0", "0.00", "0.0009", "0.001", "0.01", "1", "1.00",
			"1.01", "9", "10", "10.0", "11", "99", "99.5", "100", "123456789012345678901234567890", "1e40", "Infinity", "NaN"} {
			d, err := types.Parse(types.T(k), s)
			if err != nil {
				panic(err)
			}
			out = append(out, d)
		}
	case types.Interval:
		for _, p := range [][3]int64{{0, 0, 0}, {1, 0, 0}, {0, 30, 0}, {0, 31, 0}, {0, 29, 86400e6}, {-1, 0, 0}, {0, -30, -1}, {math.MaxInt32, 0, 0}, {math.MinInt32, math.MinInt32, math.MinInt64}, {0, 0, -1}} {
			out = append(out, types.NewInterval(int32(p[0]), int32(p[1]), p[2]))
		}
	default:
		for _, s := range []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "a", "a\x00", "a\x00b", "a\x01", "aa", "ab", "b", "\xff", strings.Repeat("x", 40)} {
			out = append(out, types.NewString(k, s))
		}
	}
	return out
}

var kinds = []types.Kind{types.Bool, types.Int2, types.Int4, types.Int8, types.Date, types.OID, types.Timestamp, types.TimestampTZ, types.Float8,
	types.Numeric, types.Interval, types.Text, types.Bytea}

// compareRows orders rows as SQL does.
func compareRows(a, b types.Row) int {
	for i := range a {
		if c := types.Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func sign(n int) int { return min(1, max(-1, n)) }

func TestKeysOrderAsValuesDo(t *testing.T) {
	compared := 0
	for _, k := range kinds {
		for _, a := range extremes(k) {
			for _, b := range extremes(k) {
				for _, last := range []bool{true, false} {
					x, y := index.AppendDatum(nil, a, last), index.AppendDatum(nil, b, last)
					if got, want := bytes.Compare(x, y), sign(types.Compare(a, b)); got != want {
						t.Errorf("%v: %s and %s order as %d, their keys %x and %x as %d", types.T(k), types.T(k).Text(a), types.T(k).Text(b), want, x, y, got)
					}
					compared++
				}
			}
		}
	}
	if compared < 500 {
		t.Fatalf("only %d pairs were compared", compared)
	}
}

func TestTuplesOrderAsRowsDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	compared, equal := 0, 0
	for range 3000 {
		var ks [3]types.Kind
		var a, b types.Row
		for i := range ks {
			ks[i] = kinds[rng.IntN(len(kinds))]
			e := extremes(ks[i])
			a = append(a, e[rng.IntN(len(e))])
			if rng.IntN(2) == 0 {
				b = append(b, a[i])
			} else {
				b = append(b, e[rng.IntN(len(e))])
			}
		}
		x, _ := index.AppendValues(nil, a)
		y, _ := index.AppendValues(nil, b)
		if got, want := bytes.Compare(x, y), sign(compareRows(a, b)); got != want {
			t.Fatalf("%v and %v order as %d, keys %x and %x as %d", a, b, want, x, y, got)
		}
		compared++
		if compareRows(a, b) == 0 {
			equal++
		}
		if w, v := index.Word(x), index.Word(y); bytes.Compare(x, y) < 0 && w > v {
			t.Fatalf("words %x and %x do not order as keys %x and %x", w, v, x, y)
		}
	}
	if compared < 3000 || equal < 100 {
		t.Fatalf("%d rows compared, %d equal", compared, equal)
	}
}

func TestBatchKeysEqualRowKeys(t *testing.T) {
	for _, k := range kinds {
		bb := vec.NewBatchBuilder([]types.Type{types.T(k), types.T(types.Int4)}, 0, nil)
		var rows []types.Row
		for i, d := range append(extremes(k), types.NullOf(k)) {
			row := types.Row{d, types.NewInt(types.Int4, int64(i))}
			rows = append(rows, row)
			if err := bb.AppendRow(row); err != nil {
				t.Fatal(err)
			}
		}
		for i, row := range rows {
			for _, cols := range [][]int{{0}, {1, 0}, {0, 1}} {
				x, okx := index.AppendBatch(nil, bb.Batch(), cols, i)
				y, oky := index.AppendRow(nil, row, cols)
				if okx != oky || okx && !bytes.Equal(x, y) {
					t.Errorf("%v row %d: %x %v from the batch, %x %v from the row", types.T(k), i, x, okx, y, oky)
				}
			}
		}
	}
}

func FuzzKeyOrder(f *testing.F) {
	f.Add("a", "b", int64(1), int64(-1))
	f.Add("a\x00", "a", int64(0), int64(0))
	f.Fuzz(func(t *testing.T, a, b string, m, n int64) {
		x := types.Row{types.NewString(types.Text, a), types.NewDecimal(m, int(uint64(n)%7)), types.NewInt(types.Int8, n)}
		y := types.Row{types.NewString(types.Text, b), types.NewDecimal(n, int(uint64(m)%7)), types.NewInt(types.Int8, m)}
		kx, _ := index.AppendValues(nil, x)
		ky, _ := index.AppendValues(nil, y)
		if got, want := bytes.Compare(kx, ky), sign(compareRows(x, y)); got != want {
			t.Fatalf("rows order as %d, keys as %d", want, got)
		}
	})
}

// TestInt: an integer is read back from its key, and from no key of another length.
func TestInt(t *testing.T) {
	read := 0
	for _, k := range kinds {
		if k.Class() != types.ClassInt {
			if _, ok := index.Int(make([]byte, 8), k); ok {
				t.Errorf("%v is no integer", types.T(k))
			}
			continue
		}
		for _, d := range extremes(k) {
			key := index.AppendDatum(nil, d, true)
			if x, ok := index.Int(key, k); !ok || x != d.I {
				t.Errorf("%v %d is read back as %d, %v", types.T(k), d.I, x, ok)
			}
			if _, ok := index.Int(append(key, 0), k); ok {
				t.Errorf("%v: a key of %d bytes", types.T(k), len(key)+1)
			}
			read++
		}
	}
	if read < 30 {
		t.Fatalf("only %d integers were read", read)
	}
}
