package veccodec_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

var columnTypes = []types.Type{
	types.T(types.Bool), types.T(types.Int2), types.T(types.Int4), types.T(types.Int8), types.T(types.Float8), types.NumericPS(15, 2),
	types.NumericPS(30, 4), types.T(types.Numeric), types.T(types.Text), types.CharN(5), types.T(types.Date), types.T(types.TimestampTZ), types.T(types.Interval),
}

// randomDatum draws a value of a type, extremes among them.
func randomDatum(rng *rand.Rand, t types.Type) types.Datum {
	if rng.IntN(8) == 0 {
		return types.NullOf(t.Kind)
	}
	wide := rng.IntN(2) == 0
	n := rng.Int64N(100)
	switch t.Class() {
	case types.ClassFloat:
		return types.NewFloat(t.Kind, []float64{0, -1.5, math.Inf(1), math.NaN(), 1e300}[rng.IntN(5)])
	case types.ClassInterval:
		return types.NewInterval(int32(n), int32(-n), math.MinInt64+n)
	case types.ClassString:
		return types.NewString(t.Kind, strings.Repeat("é", rng.IntN(4))+strings.Repeat("x", rng.IntN(3)*int(n)))
	case types.ClassNumeric:
		if t.Mod < 0 {
			return []types.Datum{types.NewDecimal(n, int(n)%20), types.NewInt128(n, 7, 3), types.NumericNaN(), types.NumericInf(-1)}[rng.IntN(4)]
		}
		_, s, _ := t.PrecisionScale()
		return types.NewDecimal(n*1_000_003, s)
	}
	switch {
	case t.Kind == types.Bool:
		return types.NewBool(n%2 == 0)
	case wide && t.Kind == types.Int2:
		n = math.MinInt16 + n
	case wide && (t.Kind == types.Int4 || t.Kind == types.Date):
		n = math.MaxInt32 - n
	case wide:
		n = math.MinInt64 + n
	}
	return types.NewInt(t.Kind, n)
}

func randomBatch(t testing.TB, rng *rand.Rand, rows int) *vec.Batch {
	bb := vec.NewBatchBuilder(columnTypes, rows, nil)
	for range rows {
		var row types.Row
		for _, ct := range columnTypes {
			row = append(row, randomDatum(rng, ct))
		}
		if err := bb.AppendRow(row); err != nil {
			t.Fatal(err)
		}
	}
	return bb.Batch()
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	rows := 0
	var again veccodec.Decoder
	for i := range 60 {
		b := randomBatch(t, rng, []int{0, 1, 3, 64, 500}[i%5])
		if i%2 == 1 {
			b = vec.Reencode(rng, b)
		}
		enc := veccodec.Append([]byte("head"), b)
		var got vec.Batch
		rest, err := veccodec.Decode(append(enc[4:], "tail"...), columnTypes, &got)
		if err != nil {
			t.Fatal(err)
		}
		if string(rest) != "tail" {
			t.Fatalf("%q is left", rest)
		}
		if d := vec.Diff(b, &got); d != "" {
			t.Fatalf("batch %d: %s", i, d)
		}
		compareColumns(t, b, append(enc[4:], "tail"...))
		if _, err := again.Decode(enc[4:], columnTypes, &got); err != nil {
			t.Fatal(err)
		}
		if d := vec.Diff(b, &got); d != "" {
			t.Fatalf("batch %d, in memory of the one before: %s", i, d)
		}
		rows += b.N
	}
	if rows < 5000 {
		t.Fatalf("only %d rows", rows)
	}
}

// compareColumns decodes each column alone.
func compareColumns(t *testing.T, want *vec.Batch, enc []byte) {
	t.Helper()
	cols, rest, err := veccodec.Split(enc, columnTypes)
	if err != nil {
		t.Fatal(err)
	}
	if string(rest) != "tail" || cols.N != want.N || cols.NumCols() != len(columnTypes) {
		t.Fatalf("%q is left of %d rows, %d columns", rest, cols.N, cols.NumCols())
	}
	vecs := make([]vec.Vector, cols.NumCols())
	for i := len(vecs) - 1; i >= 0; i-- {
		if vecs[i], err = cols.Column(i); err != nil {
			t.Fatal(err)
		}
	}
	var got vec.Batch
	got.Single(cols.N, vecs, nil)
	if d := vec.Diff(want, &got); d != "" {
		t.Fatalf("columns alone: %s", d)
	}
}

// TestDamage cuts and flips encoded rows: the decoder answers XX001 or other rows, and never panics.
func TestDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	enc := veccodec.Append(nil, randomBatch(t, rng, 40))
	refused := 0
	for i := range enc {
		for _, x := range [][]byte{enc[:i], append(append(append([]byte{}, enc[:i]...), enc[i]^byte(1+rng.IntN(255))), enc[i+1:]...)} {
			var b vec.Batch
			splitDamaged(t, x)
			if _, err := veccodec.Decode(x, columnTypes, &b); err != nil {
				if sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
					t.Fatalf("byte %d: %v", i, err)
				}
				refused++
				continue
			}
			_ = vec.Format(&b)
		}
	}
	if refused < len(enc) {
		t.Fatalf("only %d of %d damaged texts were refused", refused, 2*len(enc))
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	f.Add(veccodec.Append(nil, randomBatch(f, rng, 3)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, src []byte) {
		var b vec.Batch
		if _, err := veccodec.Decode(src, columnTypes, &b); err == nil {
			_ = vec.Format(&b)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	batch := randomBatch(b, rng, 2048)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = veccodec.Append(buf[:0], batch)
	}
	b.ReportMetric(float64(len(buf))/2048, "B/row")
	b.ReportMetric(2048*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// splitDamaged: what Split finds is refused like the whole.
func splitDamaged(t *testing.T, enc []byte) {
	t.Helper()
	cols, _, err := veccodec.Split(enc, columnTypes)
	for i := 0; err == nil && i < cols.NumCols(); i++ {
		_, err = cols.Column(i)
	}
	var b vec.Batch
	_, whole := veccodec.Decode(enc, columnTypes, &b)
	if (err == nil) != (whole == nil) || err != nil && sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
		t.Fatalf("by columns: %v; whole: %v", err, whole)
	}
}
