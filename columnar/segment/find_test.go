package segment_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// orders is a table with a composite key, a unique text and some columns of few values.
var orders = segment.Schema{
	Columns: []segment.Column{
		{Name: "customer", Type: types.T(types.Int8), FieldID: 1, NotNull: true},
		{Name: "number", Type: types.T(types.Int4), FieldID: 2, NotNull: true},
		{Name: "code", Type: types.T(types.Text), FieldID: 3},
		{Name: "state", Type: types.CharN(10), FieldID: 4},
		{Name: "price", Type: types.NumericPS(15, 2), FieldID: 5},
		{Name: "day", Type: types.T(types.Date), FieldID: 6},
		{Name: "remark", Type: types.T(types.Text), FieldID: 7},
	},
	Keys: []segment.Key{{Name: "orders_pkey", Cols: []int{0, 1}}, {Name: "orders_code_key", Cols: []int{2}}},
	Sort: []int{0, 1},
}

// orderRows returns n rows in the order of their key.
func orderRows(rng *rand.Rand, n int) []types.Row {
	rows := make([]types.Row, n)
	customer, number := int64(-50), int64(0)
	codes := rng.Perm(4 * n)
	for i := range rows {
		if number++; rng.IntN(4) == 0 {
			customer, number = customer+1+rng.Int64N(9), 1
		}
		code := types.NewString(types.Text, fmt.Sprintf("code-%d-%d", codes[i]%10, codes[i]))
		if rng.IntN(10) == 0 {
			code = types.NullOf(types.Text)
		}
		day := types.NewInt(types.Date, int64(9000+i/50))
		if rng.IntN(50) == 0 {
			day = types.NullOf(types.Date)
		}
		rows[i] = types.Row{
			types.NewInt(types.Int8, customer), types.NewInt(types.Int4, number), code,
			types.NewString(types.BpChar, []string{"new", "sent", "paid", "lost"}[min(rng.IntN(40), 3)]),
			types.NewDecimal(rng.Int64N(1_000_000), 2), day,
			types.NewString(types.Text, string(make([]byte, rng.IntN(80)))),
		}
	}
	return rows
}

// TestLookups finds every key that is there, and none that is not.
func TestLookups(t *testing.T) {
	found, missed := 0, 0
	for seed, n := range []int{0, 1, 300, 9000} {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		rows := orderRows(rng, n)
		fs := vfs.NewMem()
		info := write(t, fs, "orders", orders, segment.Options{ZoneRows: 128, RowGroupRows: 1024}, rows, rng)
		for _, cache := range []*segment.Cache{nil, segment.NewCache(64 << 10)} {
			seg := open(t, fs, "orders", info, cache)
			for k, key := range orders.Keys {
				for i, r := range rows {
					enc, ok := index.AppendRow(nil, r, key.Cols)
					if !ok {
						continue
					}
					pos, err := seg.Lookup(nil, k, enc)
					if err != nil || !slices.Equal(pos, []uint32{uint32(i)}) {
						t.Fatalf("row %d of key %d is found at %v: %v", i, k, pos, err)
					}
					found++
				}
			}
			before := seg.Metrics().IndexProbes
			for range 3 * n {
				r := types.Row{types.NewInt(types.Int8, int64(rng.IntN(5*n))), types.NewInt(types.Int4, -3)}
				enc, _ := index.AppendRow(nil, r, []int{0, 1})
				if pos, err := seg.Lookup(nil, 0, enc); err != nil || len(pos) > 0 {
					t.Fatalf("%v is found at %v: %v", r, pos, err)
				}
				missed++
			}
			if probes := seg.Metrics().IndexProbes - before; probes > int64(3*n)/50 {
				t.Errorf("%d of %d absent keys passed the bloom filter", probes, 3*n)
			}
		}
	}
	if found < 30_000 || missed < 50_000 {
		t.Fatalf("%d keys found, %d missed", found, missed)
	}
}

// TestEqualKeys: all positions of a key that several rows have, over blocks of the index.
func TestEqualKeys(t *testing.T) {
	s := segment.Schema{Columns: []segment.Column{{Name: "a", Type: types.T(types.Int4), FieldID: 1}}, Keys: []segment.Key{{Name: "k", Cols: []int{0}}}}
	var rows []types.Row
	want := map[int64][]uint32{}
	for i := range 4000 {
		x := int64(i / 700)
		rows = append(rows, types.Row{types.NewInt(types.Int4, x)})
		want[x] = append(want[x], uint32(i))
	}
	fs := vfs.NewMem()
	seg := open(t, fs, "a", write(t, fs, "a", s, segment.Options{}, rows, rand.New(rand.NewPCG(1, 1))), nil)
	for x, pos := range want {
		key, _ := index.AppendRow(nil, types.Row{types.NewInt(types.Int4, x)}, []int{0})
		got, err := seg.Lookup(nil, 0, key)
		if err != nil || !slices.Equal(got, pos) {
			t.Fatalf("%d is found at %d rows, not %d: %v", x, len(got), len(pos), err)
		}
	}
}

// TestRowsByPosition reads single rows, with and without a cache.
func TestRowsByPosition(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	rows := rowsOf(rng, columnTypes, 3000)
	fs := vfs.NewMem()
	info := write(t, fs, "a", schemaOf(rng, columnTypes), segment.Options{ZoneRows: 256, RowGroupRows: 512, PageBytes: 700}, rows, rng)
	for _, cache := range []*segment.Cache{nil, segment.NewCache(8 << 20)} {
		seg := open(t, fs, "a", info, cache)
		g, err := seg.Getter(all(len(columnTypes)))
		if err != nil {
			t.Fatal(err)
		}
		for range 600 {
			pos := rng.IntN(len(rows))
			row, err := g.Row(nil, pos)
			if err != nil {
				t.Fatal(err)
			}
			for c := range row {
				if !same(row[c], rows[pos][c]) {
					t.Fatalf("row %d, column %d (%s): %+v, not %+v", pos, c, columnTypes[c], row[c], rows[pos][c])
				}
			}
			cols := rng.Perm(len(columnTypes))[:rng.IntN(5)]
			some, err := seg.Row(row[:1], cols, pos)
			if err != nil || len(some) != 1+len(cols) {
				t.Fatal(len(some), err)
			}
			for i, c := range cols {
				if !same(some[1+i], rows[pos][c]) {
					t.Fatalf("row %d, column %d (%s): %+v, not %+v", pos, c, columnTypes[c], some[1+i], rows[pos][c])
				}
			}
		}
	}
}

// TestBitmaps: the bitmaps of a column are its rows by value.
func TestBitmaps(t *testing.T) {
	columns, bits := 0, 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 9))
		rows := rowsOf(rng, columnTypes, 3000)
		s := schemaOf(rng, columnTypes)
		fs := vfs.NewMem()
		seg := open(t, fs, "a", write(t, fs, "a", s, segment.Options{ZoneRows: 64, RowGroupRows: 640, BitmapValues: 500}, rows, rng), nil)
		for c := range s.Columns {
			if s.Columns[c].Bitmaps == segment.Off && seg.HasBitmaps(c) {
				t.Fatalf("column %d has bitmaps", c)
			}
			if !seg.HasBitmaps(c) {
				continue
			}
			columns++
			bits += checkBitmaps(t, seg, c, rows)
		}
	}
	if columns < 60 || bits < 100_000 {
		t.Fatalf("%d columns with %d rows had bitmaps", columns, bits)
	}
}

func checkBitmaps(t *testing.T, seg *segment.Segment, c int, rows []types.Row) (bits int) {
	t.Helper()
	d, err := seg.Dictionary(c)
	if err != nil || d == nil {
		t.Fatalf("column %d has bitmaps and no dictionary: %v", c, err)
	}
	for code := -1; code < d.Values.N; code++ {
		b, err := seg.Bitmap(c, code)
		if err != nil {
			t.Fatal(err)
		}
		value := types.Datum{}
		if code >= 0 {
			value = d.Values.Datum(code)
		}
		if code > 0 && types.Compare(d.Values.Datum(code-1), value) > 0 {
			t.Fatalf("the dictionary of column %d is not sorted", c)
		}
		it := b.Iterator()
		for it.HasNext() {
			if pos := it.Next(); !same(rows[pos][c], value) {
				t.Fatalf("row %d of column %d is %+v, not %+v", pos, c, rows[pos][c], value)
			}
			bits++
		}
		if n, err := seg.BitmapRows(c, code); err != nil || n != int(b.GetCardinality()) {
			t.Fatalf("%d rows of %d: %v", n, b.GetCardinality(), err)
		}
	}
	if bits != len(rows) {
		t.Fatalf("the bitmaps of column %d have %d rows of %d", c, bits, len(rows))
	}
	return bits
}

// TestBitmapsThatPay: without being asked, a column gets bitmaps if its values come in runs or all but one are rare.
func TestBitmapsThatPay(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 14))
	s := segment.Schema{}
	for i, name := range []string{"runs", "rare", "two", "many", "asked"} {
		s.Columns = append(s.Columns, segment.Column{Name: name, Type: types.T(types.Int4), FieldID: int32(i + 1)})
	}
	s.Columns[4].Bitmaps = segment.On
	rows := make([]types.Row, 40_000)
	for i := range rows {
		rows[i] = types.Row{types.NewInt(types.Int4, int64(i/300)), types.NewInt(types.Int4, int64(max(rng.IntN(100)-98, 0))),
			types.NewInt(types.Int4, rng.Int64N(2)), types.NewInt(types.Int4, rng.Int64N(1000)), types.NewInt(types.Int4, rng.Int64N(1000))}
		if rng.IntN(200) == 0 {
			rows[i][1] = types.NullOf(types.Int4)
		}
	}
	fs := vfs.NewMem()
	seg := open(t, fs, "a", write(t, fs, "a", s, segment.Options{}, rows, rng), nil)
	for c, want := range []bool{true, true, false, false, true} {
		if seg.HasBitmaps(c) != want {
			t.Errorf("column %q has bitmaps: %v", s.Columns[c].Name, !want)
		}
		if want {
			checkBitmaps(t, seg, c, rows)
		}
	}
	if _, auto := seg.ColumnBytes(1); auto > int64(len(rows))/4 {
		t.Errorf("%d bytes of bitmaps that nobody asked for", auto)
	}
}

// TestScanTouchesFewPages: positions and zone maps decide which pages are read, and no column that is not asked for is.
func TestScanTouchesFewPages(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	rows := orderRows(rng, 20_000)
	fs := vfs.NewMem()
	s := orders
	s.Columns = slices.Clone(orders.Columns)
	s.Columns[3].Bitmaps = segment.On
	info := write(t, fs, "a", s, segment.Options{ZoneRows: 256, RowGroupRows: 4096}, rows, rng)
	seg := open(t, fs, "a", info, nil)

	pages := func(spec segment.ScanSpec) segment.ScanStats {
		sc, err := seg.Scan(spec)
		if err != nil {
			t.Fatal(err)
		}
		var b vec.Batch
		for sc.Next() {
			if err := sc.Batch(&b); err != nil {
				t.Fatal(err)
			}
		}
		return sc.Stats()
	}
	zones := seg.NumZones()
	if st := pages(segment.ScanSpec{Cols: []int{0, 4}}); st.Pages != 2*zones || st.Zones != zones {
		t.Errorf("a scan of 2 columns of %d zones: %+v", zones, st)
	}
	if st := pages(segment.ScanSpec{Cols: []int{1}, Rows: roaring.BitmapOf(0, 255, 256*7, 19_999)}); st.Pages != 3 {
		t.Errorf("a scan of 4 rows in 3 zones: %+v", st)
	}
	day := []segment.Condition{{Col: 5, Op: segment.Eq, Value: types.NewInt(types.Date, 9100)}}
	if st := pages(segment.ScanSpec{Cols: []int{4, 5}, Where: day}); st.Pages > 4 || st.Pages == 0 {
		t.Errorf("a scan of one day: %+v", st)
	}
	lost, err := bitmapOf(seg, 3, types.NewString(types.BpChar, "sent"))
	if err != nil {
		t.Fatal(err)
	}
	day100 := roaring.New()
	day100.AddRange(5000, 5050)
	lost.And(day100)
	if st := pages(segment.ScanSpec{Cols: []int{6}, Rows: lost}); st.Pages > 1 {
		t.Errorf("a scan of the rows of a bitmap in one zone: %+v", st)
	}
	sc, err := seg.Scan(segment.ScanSpec{Cols: []int{0, 6}})
	if err != nil {
		t.Fatal(err)
	}
	for sc.Next() {
		if _, err := sc.Column(0); err != nil {
			t.Fatal(err)
		}
	}
	if st := sc.Stats(); st.Pages != zones {
		t.Errorf("a scan that asks for one of two columns: %+v", st)
	}
}

func bitmapOf(seg *segment.Segment, col int, value types.Datum) (*roaring.Bitmap, error) {
	d, err := seg.Dictionary(col)
	if err != nil {
		return nil, err
	}
	for code := range d.Values.N {
		if types.Compare(d.Values.Datum(code), value) == 0 {
			b, err := seg.Bitmap(col, code)
			if err != nil {
				return nil, err
			}
			return b.Clone(), nil
		}
	}
	return roaring.New(), nil
}

// TestScansOfPositions: a scan of any positions gives exactly these rows.
func TestScansOfPositions(t *testing.T) {
	total := 0
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 11))
		rows := orderRows(rng, 1+rng.IntN(6000))
		fs := vfs.NewMem()
		o := segment.Options{ZoneRows: 64 << rng.IntN(4), PageBytes: 256 << rng.IntN(6)}
		o.RowGroupRows = o.ZoneRows * (1 + rng.IntN(6))
		seg := open(t, fs, "a", write(t, fs, "a", orders, o, rows, rng), nil)
		want := roaring.New()
		for range rng.IntN(12) {
			from := rng.IntN(len(rows))
			want.AddRange(uint64(from), uint64(min(len(rows), from+1+rng.IntN(1<<rng.IntN(11)))))
		}
		sc, err := seg.Scan(segment.ScanSpec{Cols: all(len(orders.Columns)), Rows: want})
		if err != nil {
			t.Fatal(err)
		}
		it := want.Iterator()
		var b vec.Batch
		for sc.Next() {
			if err := sc.Batch(&b); err != nil {
				t.Fatal(err)
			}
			for i := range b.N {
				pos := it.Next()
				for c := range orders.Columns {
					if !same(b.BatchDatum(c, i), rows[pos][c]) {
						t.Fatalf("seed %d: row %d, column %d: %+v, not %+v", seed, pos, c, b.BatchDatum(c, i), rows[pos][c])
					}
				}
				total++
			}
		}
		if it.HasNext() {
			t.Fatalf("seed %d: the scan ends before row %d", seed, it.Next())
		}
	}
	if total < 8_000 {
		t.Fatalf("only %d rows were read", total)
	}
}

// TestZoneMapsDropNoMatch: a zone that conditions exclude has no row that meets them.
func TestZoneMapsDropNoMatch(t *testing.T) {
	excluded, kept := 0, 0
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 13))
		rows := rowsOf(rng, columnTypes, 1500)
		slices.SortFunc(rows, func(a, b types.Row) int { // narrow bounds for some columns
			c := int(seed) % len(columnTypes)
			if !a[c].Valid || !b[c].Valid {
				return 0
			}
			return types.Compare(a[c], b[c])
		})
		fs := vfs.NewMem()
		seg := open(t, fs, "a", write(t, fs, "a", schemaOf(rng, columnTypes), segment.Options{ZoneRows: 64, RowGroupRows: 256}, rows, rng), nil)
		for c, typ := range columnTypes {
			g := newGenerator(rng, typ)
			for range 30 {
				w := segment.Condition{Col: c, Op: segment.Compare(rng.IntN(7)), Value: g.value()}
				if other := rows[rng.IntN(len(rows))][c]; rng.IntN(2) == 0 && other.Valid {
					w.Value = other
				}
				for z := range seg.NumZones() {
					if seg.MayMatch(z, []segment.Condition{w}) {
						kept++
						continue
					}
					excluded++
					for pos := z * 64; pos < min(z*64+64, len(rows)); pos++ {
						if meets(rows[pos][c], &w) {
							t.Fatalf("zone %d is left out for %+v, row %d is %+v", z, w, pos, rows[pos][c])
						}
					}
				}
			}
		}
	}
	if excluded < 20_000 || kept < 20_000 {
		t.Fatalf("%d zones were left out, %d kept", excluded, kept)
	}
}

func meets(d types.Datum, w *segment.Condition) bool {
	switch w.Op {
	case segment.IsNull:
		return !d.Valid
	case segment.IsNotNull:
		return d.Valid
	}
	if !d.Valid || !w.Value.Valid {
		return false
	}
	c := types.Compare(d, w.Value)
	return [...]bool{segment.Eq: c == 0, segment.Lt: c < 0, segment.Le: c <= 0, segment.Gt: c > 0, segment.Ge: c >= 0}[w.Op]
}

// TestStatistics: sketches and samples are near what they describe.
func TestStatistics(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	rows := orderRows(rng, 30_000)
	fs := vfs.NewMem()
	seg := open(t, fs, "a", write(t, fs, "a", orders, segment.Options{MinLSN: 7, MaxLSN: 99}, rows, rng), nil)
	for c := range orders.Columns {
		distinct := map[string]bool{}
		for _, r := range rows {
			if r[c].Valid {
				distinct[string(index.AppendDatum(nil, r[c], true))] = true
			}
		}
		sk, err := seg.Sketch(c)
		if err != nil {
			t.Fatal(err)
		}
		twice := sk
		twice.Merge(sk)
		if e := sk.Estimate(); math.Abs(e-float64(len(distinct))) > 0.08*float64(len(distinct))+1 || twice.Estimate() != e {
			t.Errorf("column %d has %d distinct values, the sketch says %.0f", c, len(distinct), e)
		}
	}
	b, err := seg.Sample()
	if err != nil || b.N != 1024 {
		t.Fatalf("a sample of %d rows: %v", b.N, err)
	}
	early := 0
	for i := range b.N {
		if b.BatchDatum(5, i).I < 9000+15_000/50 {
			early++
		}
	}
	if early < 400 || early > 624 {
		t.Errorf("%d of 1024 rows of the sample are from the first half", early)
	}
	if lo, hi := seg.LSNs(); lo != 7 || hi != 99 {
		t.Errorf("LSNs from %d to %d", lo, hi)
	}
}

// TestLookupsOfIntegers: keys of one column of integers are found among entries in the cache as in the file, at all widths
// of these, and rows are read from the cache as they were.
func TestLookupsOfIntegers(t *testing.T) {
	found, missed := 0, 0
	for seed, k := range []types.Kind{types.Int2, types.Int4, types.Int8, types.Date, types.OID, types.TimestampTZ} {
		for _, spread := range []int64{1, 7, 300, 70_000, 1 << 40} {
			if spread > 7 && (k == types.Int2 || k != types.Int8 && k != types.TimestampTZ && spread > 70_000) {
				continue
			}
			rng := rand.New(rand.NewPCG(uint64(seed), uint64(spread)))
			s := segment.Schema{
				Columns: []segment.Column{{Name: "k", Type: types.T(k), FieldID: 1, NotNull: true}, {Name: "v", Type: types.T(types.Text), FieldID: 2}},
				Keys:    []segment.Key{{Name: "pkey", Cols: []int{0}}}, Sort: []int{0},
			}
			x, rows := int64(10), []types.Row(nil)
			if k != types.OID {
				x = -20 * spread
			}
			at := map[int64][]uint32{}
			for i := range 1000 {
				if x += rng.Int64N(spread + 1); i%10 == 0 {
					x += 2
				}
				at[x] = append(at[x], uint32(i))
				v := types.NewString(types.Text, fmt.Sprintf("value %d, which is long", i))
				if i%7 == 0 {
					v = types.NullOf(types.Text)
				}
				rows = append(rows, types.Row{types.NewInt(k, x), v})
			}
			fs := vfs.NewMem()
			seg := open(t, fs, "a", write(t, fs, "a", s, segment.Options{ZoneRows: 64}, rows, rng), segment.NewCache(4<<20))
			for range 2 { // the second time all is in the cache
				for i, r := range rows {
					for d := int64(-1); d <= 1; d++ {
						y := r[0].I + d
						pos, err := seg.Lookup(nil, 0, index.AppendDatum(nil, types.NewInt(k, y), true))
						if err != nil || !slices.Equal(pos, at[y]) {
							t.Fatalf("%v %d is at %v, not %v: %v", types.T(k), y, pos, at[y], err)
						}
						if found += len(pos); len(pos) == 0 {
							missed++
						}
					}
					got, err := seg.Row(nil, []int{1, 0}, i)
					if err != nil || len(got) != 2 || got[0] != r[1] || got[1] != r[0] {
						t.Fatalf("row %d is %v, not %v: %v", i, got, r, err)
					}
				}
			}
			if _, err := seg.Row(nil, []int{0}, len(rows)); err == nil {
				t.Fatal("a row beyond the last was read")
			}
		}
	}
	if found < 10_000 || missed < 1000 {
		t.Errorf("%d found, %d missed", found, missed)
	}
}
