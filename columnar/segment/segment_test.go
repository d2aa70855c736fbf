package segment_test

import (
	"fmt"
	"math"
	"math/big"
	oldrand "math/rand"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// columnTypes are all types that a table can have.
var columnTypes = []types.Type{
	types.T(types.Bool), types.T(types.Int2), types.T(types.Int4), types.T(types.Int8), types.T(types.Float4),
	types.T(types.Float8), types.T(types.Numeric), types.NumericPS(7, 2), types.NumericPS(15, 2), types.NumericPS(18, 0),
	types.NumericPS(30, 6), types.NumericPS(38, 10), types.NumericPS(60, 20), types.NumericPS(3, -2), types.NumericPS(2, 5),
	types.T(types.Text), types.VarcharN(20), types.CharN(9), types.T(types.Bytea), types.T(types.Date),
	types.T(types.Timestamp), types.T(types.TimestampTZ), types.T(types.Interval), types.T(types.Time),
	types.T(types.TimeTZ), types.T(types.OID), types.T(types.Name), types.T(types.Char), types.T(types.UUID),
	types.T(types.Regclass),
}

// generator makes values of one column.
type generator struct {
	rng   *rand.Rand
	typ   types.Type
	pool  []types.Datum // values to repeat; nil: none
	nulls float64
}

func newGenerator(rng *rand.Rand, t types.Type) *generator {
	g := &generator{rng: rng, typ: t}
	switch rng.IntN(4) {
	case 0:
		for range 1 + rng.IntN(40) {
			g.pool = append(g.pool, g.value())
		}
	case 1:
		g.pool = []types.Datum{g.value()}
	}
	g.nulls = []float64{0, 0, 0.1, 0.9, 1}[rng.IntN(5)]
	return g
}

func (g *generator) next() types.Datum {
	if g.rng.Float64() < g.nulls {
		return types.NullOf(g.typ.Kind)
	}
	if g.pool != nil {
		return g.pool[g.rng.IntN(len(g.pool))]
	}
	return g.value()
}

func (g *generator) value() types.Datum {
	r := g.rng
	switch k := g.typ.Kind; k {
	case types.Bool:
		return types.NewInt(k, int64(r.IntN(2)))
	case types.Int2:
		return types.NewInt(k, int64(int16(r.Uint32())))
	case types.Int4:
		return types.NewInt(k, int64(int32(r.Uint32())>>r.IntN(32)))
	case types.OID, types.Regclass:
		return types.NewInt(k, int64(r.Uint32()))
	case types.Float4, types.Float8:
		return types.NewFloat(k, g.float())
	case types.Numeric:
		return g.numeric()
	case types.Date:
		return types.NewInt(k, []int64{math.MinInt32, math.MaxInt32, int64(r.IntN(30000))}[min(r.IntN(40), 2)])
	case types.Timestamp, types.TimestampTZ:
		return types.NewInt(k, []int64{math.MinInt64, math.MaxInt64, r.Int64N(1 << 51)}[min(r.IntN(40), 2)])
	case types.Interval:
		return types.NewInterval(int32(r.Uint32()), int32(r.Uint32()), int64(r.Uint64()))
	case types.Time:
		return types.NewInt(k, r.Int64N(86_400_000_001))
	case types.UUID:
		return types.NewString(k, string(g.bytes(16, 16)))
	case types.Char:
		return types.NewString(k, string(g.bytes(1, 1)))
	case types.Bytea:
		return types.NewString(k, string(g.bytes(0, 40)))
	case types.BpChar:
		return types.NewString(k, strings.TrimRight(g.text(9), " "))
	case types.Varchar:
		return types.NewString(k, g.text(20))
	case types.Text, types.Name:
		return types.NewString(k, g.text(60))
	default:
		return types.NewInt(k, int64(r.Uint64())>>r.IntN(64))
	}
}

func (g *generator) float() float64 {
	switch g.rng.IntN(12) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1 - 2*g.rng.IntN(2))
	case 2:
		return math.Copysign(0, -1)
	case 3:
		return 0
	}
	return g.rng.NormFloat64() * 1000
}

func (g *generator) bytes(from, to int) []byte {
	b := make([]byte, from+g.rng.IntN(to-from+1))
	for i := range b {
		b[i] = byte(g.rng.IntN(256)) & byte(-g.rng.IntN(4)) // zeros among them
	}
	return b
}

func (g *generator) text(n int) string {
	var b strings.Builder
	for range g.rng.IntN(n + 1) {
		b.WriteRune([]rune("abc \x00zäß€")[g.rng.IntN(9)])
	}
	return b.String()
}

func (g *generator) numeric() types.Datum {
	p, s, ok := g.typ.PrecisionScale()
	if g.rng.IntN(60) == 0 {
		if ok || g.rng.IntN(3) == 0 {
			return types.NumericNaN()
		}
		return types.NumericInf(1 - 2*g.rng.IntN(2))
	}
	if !ok {
		p, s = 1+g.rng.IntN(60), g.rng.IntN(12)
	}
	c := new(big.Int).Rand(oldrand.New(g), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(1+g.rng.IntN(p))), nil))
	if g.rng.IntN(2) == 0 {
		c.Neg(c)
	}
	for ; s < 0; s++ {
		c.Mul(c, big.NewInt(10))
	}
	d, err := types.NewBigNumeric(c, s)
	if err != nil {
		panic(err)
	}
	return d
}

// schemaOf makes a schema of the given types with all options left to chance.
func schemaOf(rng *rand.Rand, ts []types.Type) segment.Schema {
	var s segment.Schema
	for i, t := range ts {
		c := segment.Column{Name: fmt.Sprintf("c%d", i), Type: t, FieldID: int32(i + 1)}
		c.Compression = segment.Compression(rng.IntN(4))
		c.Bitmaps = segment.Switch(rng.IntN(3))
		s.Columns = append(s.Columns, c)
	}
	return s
}

// rowsOf are rows of the types, by generators of their own.
func rowsOf(rng *rand.Rand, ts []types.Type, n int) []types.Row {
	gs := make([]*generator, len(ts))
	for i, t := range ts {
		gs[i] = newGenerator(rng, t)
	}
	rows := make([]types.Row, n)
	for i := range rows {
		rows[i] = make(types.Row, len(ts))
		for c := range ts {
			rows[i][c] = gs[c].next()
		}
	}
	return rows
}

// write makes a segment of rows, in batches of random sizes and forms.
func write(t testing.TB, fs vfs.FS, name string, s segment.Schema, o segment.Options, rows []types.Row, rng *rand.Rand) segment.Info {
	t.Helper()
	w, err := segment.NewWriter(fs, "", name, s, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	ts := make([]types.Type, len(s.Columns))
	for i := range ts {
		ts[i] = s.Columns[i].Type
	}
	for len(rows) > 0 {
		n := min(len(rows), 1+rng.IntN(vec.Size))
		bb := vec.NewBatchBuilder(ts, n, nil)
		for _, r := range rows[:n] {
			if err := bb.AppendRow(r); err != nil {
				t.Fatal(err)
			}
		}
		b := bb.Batch()
		if rng.IntN(2) == 0 {
			b = vec.Reencode(rng, b)
		}
		if err := w.Append(b); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	info, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func open(t testing.TB, fs vfs.FS, name string, info segment.Info, cache *segment.Cache) *segment.Segment {
	t.Helper()
	s, err := segment.Open(fs, "", name, &info, cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func all(n int) []int {
	cols := make([]int, n)
	for i := range cols {
		cols[i] = i
	}
	return cols
}

// same reports whether two values are identical, NaNs of floats by their being NaN.
func same(a, b types.Datum) bool {
	if a.Valid != b.Valid {
		return false
	}
	return !a.Valid || types.Identical(a, b)
}

func TestRoundTrip(t *testing.T) {
	values := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		ts := columnTypes
		n := []int{0, 1, 63, 64, 65, 500, 2048, 5000}[rng.IntN(8)]
		o := segment.Options{ZoneRows: 64 << rng.IntN(6), Compression: segment.Compression(rng.IntN(4)), PageBytes: 1 << (6 + rng.IntN(10))}
		o.RowGroupRows = o.ZoneRows * (1 + rng.IntN(8))
		s := schemaOf(rng, ts)
		rows := rowsOf(rng, ts, n)
		fs := vfs.NewMem()
		info := write(t, fs, "a", s, o, rows, rng)
		var cache *segment.Cache
		if rng.IntN(2) == 0 {
			cache = segment.NewCache(1 << 20)
		}
		seg := open(t, fs, "a", info, cache)
		if err := seg.Verify(t.Context()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 2 {
			values += compareAll(t, seg, rows, fmt.Sprintf("seed %d", seed))
		}
	}
	if values < 500_000 {
		t.Fatalf("only %d values were compared", values)
	}
}

// compareAll scans all columns, and checks values and facts.
func compareAll(t *testing.T, seg *segment.Segment, rows []types.Row, what string) (values int) {
	t.Helper()
	cols := all(len(seg.Schema().Columns))
	sc, err := seg.Scan(segment.ScanSpec{Cols: cols})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var b vec.Batch
	for sc.Next() {
		if err := sc.Batch(&b); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if sc.Pos() != seen {
			t.Fatalf("%s: zone at %d after %d rows", what, sc.Pos(), seen)
		}
		for c := range cols {
			for i := range b.N {
				got, want := b.BatchDatum(c, i), rows[seen+i][c]
				if !same(got, want) {
					t.Fatalf("%s: row %d of column %d (%s) is %+v, not %+v", what, seen+i, c, seg.Schema().Columns[c].Type, got, want)
				}
				values++
			}
			checkFact(t, &b, c, what)
		}
		seen += b.N
	}
	if seen != len(rows) {
		t.Fatalf("%s: %d rows of %d", what, seen, len(rows))
	}
	return values
}

// checkFact checks that the fact of a vector is true.
func checkFact(t *testing.T, b *vec.Batch, c int, what string) {
	t.Helper()
	v, _ := b.Col(c)
	f := v.Fact
	if f == nil {
		t.Fatalf("%s: column %d has no fact", what, c)
	}
	var last types.Datum
	for i := range b.N {
		d := b.BatchDatum(c, i)
		if !d.Valid {
			if f.NoNulls || f.Ascending {
				t.Fatalf("%s: column %d has a NULL, its fact is %+v", what, c, *f)
			}
			continue
		}
		if f.Bounded && (d.I < f.Min || d.I > f.Max) {
			t.Fatalf("%s: column %d has %d, its fact is %+v", what, c, d.I, *f)
		}
		if f.Ascending && last.Valid && types.Compare(last, d) > 0 {
			t.Fatalf("%s: column %d does not ascend", what, c)
		}
		if f.LenMax >= 0 && len(d.S) > f.LenMax {
			t.Fatalf("%s: column %d has %d bytes, its fact is %+v", what, c, len(d.S), *f)
		}
		if f.Finite && (d.K == types.Numeric && !d.IsFinite() || d.K.Class() == types.ClassFloat && (math.IsNaN(d.Float()) || math.IsInf(d.Float(), 0))) {
			t.Fatalf("%s: column %d is not finite", what, c)
		}
		last = d
	}
}

// Int63, Uint64 and Seed make the generator a source of the older package, which big.Int asks for.
func (g *generator) Int63() int64   { return g.rng.Int64() }
func (g *generator) Uint64() uint64 { return g.rng.Uint64() }
func (g *generator) Seed(int64)     {}
