package segment_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestScansThroughSmallCache: several goroutines read two segments of all types through a cache that is too small for
// them, and look at what they were handed until they go on.
func TestScansThroughSmallCache(t *testing.T) {
	for _, onHeap := range []bool{false, true} {
		mem.SetOnHeap(onHeap)
		t.Cleanup(func() { mem.SetOnHeap(false) })
		tracker := mem.NewTracker("test", 3<<20)
		cache := segment.NewCacheIn(tracker)
		fs := vfs.NewMem()
		var segs []*segment.Segment
		var tables [][]types.Row
		for i, name := range []string{"a", "b"} {
			rng := rand.New(rand.NewPCG(uint64(i), 71))
			rows := rowsOf(rng, columnTypes, 6000)
			o := segment.Options{ZoneRows: 1024, RowGroupRows: 2048}
			info := write(t, fs, name, schemaOf(rng, columnTypes), o, rows, rng)
			seg, err := segment.Open(fs, "", name, &info, cache)
			if err != nil {
				t.Fatal(err)
			}
			segs, tables = append(segs, seg), append(tables, rows)
		}
		var wg sync.WaitGroup
		for w := range uint64(4) {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(w, 72))
				for range 12 {
					k := rng.IntN(2)
					compareScan(t, rng, segs[k], tables[k])
					compareRows(t, rng, segs[k], tables[k])
				}
			})
		}
		wg.Wait()
		m := cache.Metrics()
		if m.Hits < 500 || m.Evictions < 100 || m.Bytes > 3<<20 || tracker.Used() > 3<<20 {
			t.Errorf("%+v, %d bytes charged", m, tracker.Used())
		}
		for _, seg := range segs {
			if err := seg.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if cache.Bytes() != 0 {
			t.Errorf("%d bytes are kept of segments that are closed", cache.Bytes())
		}
		runtime.GC() // scans that were not read to their end
		cache.Close()
		if tracker.Used() != 0 {
			t.Errorf("%d bytes are charged after the end", tracker.Used())
		}
	}
}

// TestScansTakeBuffers: a scan that was closed and begins again reads into no memory that another one has taken from it.
func TestScansTakeBuffers(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 73))
	fs := vfs.NewMem()
	ts := []types.Type{types.T(types.Int8)}
	rows := make([]types.Row, 4096)
	for i := range rows {
		rows[i] = types.Row{types.NewInt(types.Int8, rng.Int64())}
	}
	info := write(t, fs, "a", segment.Schema{Columns: []segment.Column{{Name: "c", Type: ts[0], FieldID: 1}}}, segment.Options{ZoneRows: 64}, rows, rng)
	seg, err := segment.Open(fs, "", "a", &info, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = seg.Close() })
	spec := segment.ScanSpec{Cols: []int{0}}
	later := roaring.New()
	later.AddRange(2048, 4096)
	next := func(sc *segment.Scan) {
		t.Helper()
		if !sc.Next() {
			t.Fatal("no zone")
		}
		v, err := sc.Column(0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sc.Rows() {
			if got, want := v.Datum(i), rows[sc.Pos()+i][0]; got != want {
				t.Fatalf("row %d: %v, not %v", sc.Pos()+i, got, want)
			}
		}
	}
	for range 20 { // a pool may lose what it is given
		first, err := seg.Scan(spec)
		if err != nil {
			t.Fatal(err)
		}
		next(first)
		next(first)
		first.Close()
		second, err := seg.Scan(spec)
		if err != nil {
			t.Fatal(err)
		}
		next(second)
		next(second) // reads ahead
		first.Again(segment.ScanSpec{Rows: later})
		next(first)
		next(first)
		next(second)
		first.Close()
		second.Close()
	}
}

// TestFirstScanIsNotKept: what a scan comes by is kept when another statement misses it, or one does often; what is looked up at
// once.
func TestFirstScanIsNotKept(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 74))
	cache := segment.NewCacheIn(mem.NewTracker("test", 64<<20))
	defer cache.Close()
	fs := vfs.NewMem()
	rows := orderRows(rng, 9000)
	seg := open(t, fs, "a", write(t, fs, "a", orders, segment.Options{}, rows, rng), cache)
	// In each step a statement reads other columns, or the same ones, and finds them in the cache or not.
	for step, x := range []struct {
		execution uint32
		cols      []int
		kept      bool
	}{
		{5, []int{0, 4}, false}, {5, []int{0, 4}, false}, {6, []int{0, 4}, false}, {6, []int{0, 4}, true}, {7, []int{0, 4}, true},
		{8, []int{3}, false}, {8, []int{3}, false}, {8, []int{3}, false}, {8, []int{3}, false}, {8, []int{3}, true},
		{0, []int{6}, false}, {0, []int{6}, false}, {0, []int{6}, true},
	} {
		sc, err := seg.Scan(segment.ScanSpec{Cols: x.cols, Execution: x.execution})
		if err != nil {
			t.Fatal(err)
		}
		var b vec.Batch
		for sc.Next() {
			if err := sc.Batch(&b); err != nil {
				t.Fatal(err)
			}
		}
		vectors := seg.NumZones() * len(x.cols)
		if st := sc.Stats(); st.CachedVectors != 0 && !x.kept || st.CachedVectors != vectors && x.kept {
			t.Fatalf("step %d: %+v of %d vectors", step, st, vectors)
		}
	}
	kept := cache.Bytes()
	if _, err := seg.Row(nil, []int{1}, 5000); err != nil {
		t.Fatal(err)
	}
	if cache.Bytes() == kept {
		t.Fatal("what a row was looked up in is not kept")
	}
	if err := seg.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestForgottenScans: what a scan that nobody closed has of the cache goes with the scan.
func TestForgottenScans(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 73))
	tracker := mem.NewTracker("test", 64<<20)
	cache := segment.NewCacheIn(tracker)
	fs := vfs.NewMem()
	rows := orderRows(rng, 3000)
	seg := open(t, fs, "a", write(t, fs, "a", orders, segment.Options{}, rows, rng), cache)
	for range 4 {
		sc, err := seg.Scan(segment.ScanSpec{Cols: []int{0, 4, 6}})
		if err != nil {
			t.Fatal(err)
		}
		sc.Next()
		for i := range 3 {
			if _, err := sc.Column(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cache.Metrics().Hits != 6 {
		t.Fatalf("%+v", cache.Metrics())
	}
	for range 1000 {
		runtime.GC()
		if cache.Trim(); tracker.Used() == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d bytes are charged", tracker.Used())
}

func compareScan(t *testing.T, rng *rand.Rand, seg *segment.Segment, rows []types.Row) {
	cols := rng.Perm(len(columnTypes))[:1+rng.IntN(8)]
	sc, err := seg.Scan(segment.ScanSpec{Cols: cols})
	if err != nil {
		t.Error(err)
		return
	}
	defer sc.Close()
	var b vec.Batch
	for sc.Next() {
		if rng.IntN(6) == 0 {
			return
		}
		if err := sc.Batch(&b); err != nil {
			t.Error(err)
			return
		}
		runtime.Gosched()
		for range 200 {
			i := rng.IntN(b.N)
			for k, c := range cols {
				if d := b.BatchDatum(k, i); !same(d, rows[sc.Pos()+i][c]) {
					t.Errorf("row %d, column %d (%s): %+v, not %+v", sc.Pos()+i, c, columnTypes[c], d, rows[sc.Pos()+i][c])
					return
				}
			}
		}
	}
}

func compareRows(t *testing.T, rng *rand.Rand, seg *segment.Segment, rows []types.Row) {
	g, err := seg.Getter(all(len(columnTypes)))
	if err != nil {
		t.Error(err)
		return
	}
	defer g.Close()
	var row types.Row
	for range 30 {
		pos := rng.IntN(len(rows))
		if row, err = g.Row(row[:0], pos); err != nil {
			t.Error(err)
			return
		}
		for c := range row {
			if !same(row[c], rows[pos][c]) {
				t.Errorf("row %d, column %d (%s): %+v, not %+v", pos, c, columnTypes[c], row[c], rows[pos][c])
				return
			}
		}
	}
}
