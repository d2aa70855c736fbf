package columnar

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestScanWithHoles: batches with holes have the rows that batches with selections have, and there are some of each,
// whatever share of a zone is deleted; who bounds the rows of a batch gets no holes.
func TestScanWithHoles(t *testing.T) {
	const rows = 7*vec.Size + 77
	t.Run("many", func(t *testing.T) { testHoles(t, rows, []float64{0, 0.001, 0.01, 0.1, 0.15, 0.5, 1, 0.02}) })
	t.Run("few", func(t *testing.T) { testHoles(t, rows, []float64{0, 0.001, 0.01, 0.14, 0, 0.02, 0.001, 0.02}) })
}

func testHoles(t *testing.T, rows int, shares []float64) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1)
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8)}, rows, nil)
	for n := range int64(rows) {
		must(t, bb.AppendRow(types.Row{types.NewInt(types.Int8, n)}))
	}
	must(t, d.Apply(2, &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}))
	must(t, d.drive(2))
	rng := rand.New(rand.NewPCG(5, 5))
	e := &table.Entry{Table: 20000, Version: 1, Op: table.OpDeleteRows}
	var want []int64
	for n := range int64(rows) {
		if rng.Float64() < shares[n/vec.Size] {
			e.Keys.Append(keyOf(n))
			continue
		}
		want = append(want, n)
	}
	must(t, d.Apply(3, e))
	ts := d.Snapshot(3).Table(20000)
	for _, limit := range []int{0, 100} {
		for _, refs := range []bool{false, true} {
			holes := 0
			got := readAll(t, ts, &table.ScanSpec{Cols: []int{0}, Holes: true, VectorRows: limit, Refs: refs}, &holes)
			if !slices.Equal(got, want) {
				t.Errorf("limit %d: %d rows, want %d", limit, len(got), len(want))
			}
			if plain := readAll(t, ts, &table.ScanSpec{Cols: []int{0}, VectorRows: limit}, nil); !slices.Equal(plain, want) {
				t.Errorf("limit %d: %d rows without holes, want %d", limit, len(plain), len(want))
			}
			if want := [2]bool{limit == 0, holes > 40}; want[0] != want[1] {
				t.Errorf("limit %d: %d holes", limit, holes)
			}
		}
	}
}

// readAll returns the integers of the first column; holes, if not nil, counts them: else there must be none.
func readAll(t *testing.T, ts table.TableSnapshot, spec *table.ScanSpec, holes *int) (got []int64) {
	t.Helper()
	s, err := ts.Scan(spec)
	must(t, err)
	readScan(t, s, func(b *vec.Batch) {
		g := &b.Groups[0]
		if len(g.Holes) > 0 && (holes == nil || g.Sel != nil || !slices.IsSorted(g.Holes)) {
			t.Fatalf("%d holes, %d selected", len(g.Holes), len(g.Sel))
		}
		n := 0
		for i := range b.N + len(g.Holes) {
			if _, hole := slices.BinarySearch(g.Holes, uint16(i)); hole {
				*holes++
				continue
			}
			n++
			got = append(got, g.Cols[0].Int(g.Pos(i)))
		}
		if n != b.N {
			t.Fatalf("%d rows around holes, not %d", n, b.N)
		}
	})
	return got
}
