package segment_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// thousand is a segment with a column of 1,000 values, clustered or not, that has bitmaps, one like it without, and one
// to add up.
func thousand(tb testing.TB, n int, clustered bool, cache *segment.Cache) *segment.Segment {
	tb.Helper()
	s := segment.Schema{Columns: []segment.Column{
		{Name: "bits", Type: types.T(types.Int4), FieldID: 1, NotNull: true, Bitmaps: segment.On},
		{Name: "plain", Type: types.T(types.Int4), FieldID: 2, NotNull: true, Bitmaps: segment.Off},
		{Name: "amount", Type: types.T(types.Int4), FieldID: 3, NotNull: true},
	}}
	rng := rand.New(rand.NewPCG(5, 5))
	fs := vfs.NewMem()
	w, err := segment.NewWriter(fs, "", "a", s, segment.Options{}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	ts := []types.Type{types.T(types.Int4), types.T(types.Int4), types.T(types.Int4)}
	bb := vec.NewBatchBuilder(ts, vec.Size, nil)
	defer bb.Release()
	for i := 0; i < n; {
		bb.Reset()
		for ; i < n && bb.Len() < vec.Size; i++ {
			v := rng.Int64N(1000)
			if clustered {
				v = int64(i) * 1000 / int64(n)
			}
			if err := bb.AppendRow(types.Row{types.NewInt(types.Int4, v), types.NewInt(types.Int4, v), types.NewInt(types.Int4, rng.Int64N(1<<20))}); err != nil {
				tb.Fatal(err)
			}
		}
		if err := w.Append(bb.Batch()); err != nil {
			tb.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	return open(tb, fs, "a", info, cache)
}

// sumWhere adds up amount over the rows where a column has a value, by Select as far as it goes.
func sumWhere(tb testing.TB, seg *segment.Segment, col int, value int64) (sum int64, rows int) {
	tb.Helper()
	sel, err := seg.Select([]table.Conjunct{{Col: col, Op: table.OpEq, Value: types.NewInt(types.Int4, value)}}, table.Avoid{})
	if err != nil {
		tb.Fatal(err)
	}
	spec := segment.ScanSpec{Cols: []int{2, col}, Selection: sel}
	sc, err := seg.Scan(spec)
	if err != nil {
		tb.Fatal(err)
	}
	for sc.Next() {
		picks := sc.Sel()
		if sel.Accepted[0] != table.Exact {
			v, err := sc.Column(1)
			if err != nil {
				tb.Fatal(err)
			}
			picks = equalTo(v, value)
		}
		if len(picks) == 0 {
			continue
		}
		v, err := sc.Column(0)
		if err != nil {
			tb.Fatal(err)
		}
		for _, i := range picks {
			sum += v.Int(int(i))
		}
		rows += len(picks)
	}
	return sum, rows
}

var picked []uint16

// equalTo returns the entries of a column of two bytes an entry that equal a value.
func equalTo(v *vec.Vector, value int64) []uint16 {
	picked = picked[:0]
	want := uint16(value - v.Base)
	for i, x := range vec.Values[uint16](v) {
		if x == want {
			picked = append(picked, uint16(i))
		}
	}
	return picked
}

// TestBitmapsSavePages: equality on a clustered column with bitmaps reads few pages, and on one that is not none of the
// column itself; the rows are those of a scan.
func TestBitmapsSavePages(t *testing.T) {
	const n = 200_000
	for _, clustered := range []bool{true, false} {
		seg := thousand(t, n, clustered, nil)
		pages := int64(seg.NumZones())
		for _, value := range []int64{0, 17, 500, 999} {
			before := seg.Metrics().PagesDecoded
			sum, rows := sumWhere(t, seg, 0, value)
			touched := seg.Metrics().PagesDecoded - before
			if all, m := sumWhere(t, seg, 1, value); all != sum || m != rows || rows < 100 {
				t.Errorf("clustered %v: %d of %d rows, sum %d, not %d", clustered, rows, m, sum, all)
			}
			if limit := pages; touched > limit || clustered && touched > max(pages/50, 2) {
				t.Errorf("clustered %v: %d of %d pages of a column were read", clustered, touched, pages)
			}
		}
	}
}

// BenchmarkEquality finds one row in a thousand: by bitmaps, and by looking at all rows of a column without them.
func BenchmarkEquality(b *testing.B) {
	for _, clustered := range []bool{true, false} {
		for _, cached := range []bool{true, false} {
			var cache *segment.Cache
			if cached {
				cache = segment.NewCache(256 << 20)
			}
			seg := thousand(b, 1_000_000, clustered, cache)
			for col, by := range []string{"bitmaps", "scan"} {
				b.Run(fmt.Sprintf("clustered=%v/cached=%v/by=%s", clustered, cached, by), func(b *testing.B) {
					b.ReportAllocs()
					for i := int64(0); b.Loop(); i++ {
						if _, rows := sumWhere(b, seg, col, i*7%1000); rows == 0 {
							b.Fatal("no row was found")
						}
					}
				})
			}
		}
	}
}
