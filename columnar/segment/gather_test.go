package segment_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestGather: rows of a sparse selection that are gathered are those of a row-wise look, in every type, with NULLs, with
// rows that do not live, with limits, and with a cache that keeps all, little, or nothing.
func TestGather(t *testing.T) {
	const rare = 7
	gathered, alone, batches := 0, 0, 0
	for seed := range uint64(36) {
		rng := rand.New(rand.NewPCG(seed, 23))
		ts := append([]types.Type{types.T(types.Int4)}, columnTypes...)
		rows := rowsOf(rng, ts, 3000+rng.IntN(3000))
		dense := rng.IntN(len(rows)) // where rows lie close together
		for i, r := range rows {
			x := int64(rng.IntN(6))
			if rng.IntN(150) == 0 || i >= dense && i < dense+20 {
				x = rare
			}
			if r[0] = types.NewInt(types.Int4, x); seed%3 == 0 { // without NULLs
				for c := range r {
					if !r[c].Valid {
						r[c] = rows[0][c]
					}
				}
			}
		}
		s := schemaOf(rng, ts)
		s.Columns[0].Bitmaps = segment.On
		fs := vfs.NewMem()
		cache := []*segment.Cache{nil, segment.NewCache(100 << 10), segment.NewCache(64 << 20)}[seed%3]
		info := write(t, fs, "a", s, segment.Options{ZoneRows: 64 << rng.IntN(5), RowGroupRows: 2048}, rows, rng)
		seg := open(t, fs, "a", info, cache)
		sel, err := seg.Select([]table.Conjunct{{Col: 0, Op: table.OpEq, Value: types.NewInt(types.Int4, rare)}}, table.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		live := make([]uint64, (len(rows)+63)/64)
		for i := range live {
			live[i] = ^uint64(0) << rng.IntN(20) >> rng.IntN(20)
		}
		var want []uint32
		for p, r := range rows {
			if r[0].I == rare && live[p>>6]>>(p&63)&1 != 0 {
				want = append(want, uint32(p))
			}
		}
		for _, limit := range []int{1, 3, 10, 64, vec.Size} {
			cols := rng.Perm(len(ts))[:1+rng.IntN(len(ts))]
			sc, err := seg.Scan(segment.ScanSpec{Cols: cols, Selection: sel, Live: live})
			if err != nil {
				t.Fatal(err)
			}
			if !sc.Sparse() {
				break
			}
			got, g, a := gatherAll(t, sc, limit, func(b *vec.Batch, i int, p uint32) {
				for k, col := range cols {
					if d := b.BatchDatum(k, i); !same(d, rows[p][col]) {
						t.Fatalf("seed %d, limit %d: row %d, column %d (%s) is %v, not %v", seed, limit, p, col, ts[col], d, rows[p][col])
					}
				}
			})
			gathered, alone, batches = gathered+g, alone+a, batches+1
			if len(got) != len(want) {
				t.Fatalf("seed %d, limit %d: %d rows, not %d", seed, limit, len(got), len(want))
			}
			for i, p := range got {
				if p != want[i] {
					t.Fatalf("seed %d, limit %d: row %d, not %d", seed, limit, p, want[i])
				}
			}
		}
	}
	if gathered < 2000 || alone < 100 || batches < 50 {
		t.Errorf("%d rows were gathered, %d not, in %d scans", gathered, alone, batches)
	}
}

// gatherAll reads a scan by Gather, and by Batch what Gather leaves to it. It shows each row, and counts those of both.
func gatherAll(t *testing.T, sc *segment.Scan, limit int, row func(b *vec.Batch, i int, pos uint32)) (all []uint32, gathered, alone int) {
	t.Helper()
	var b vec.Batch
	var pos []uint32
	for {
		var err error
		if pos, err = sc.Gather(&b, limit, pos); err != nil {
			t.Fatal(err)
		}
		if len(pos) > limit || len(pos) != b.N {
			t.Fatalf("%d rows at %d positions, limit %d", b.N, len(pos), limit)
		}
		for i, p := range pos {
			row(&b, i, p)
		}
		all, gathered = append(all, pos...), gathered+len(pos)
		if len(pos) > 0 {
			continue
		}
		if sc.Zone() < 0 {
			return all, gathered, alone
		}
		if err := sc.Batch(&b); err != nil {
			t.Fatal(err)
		}
		for i := range b.N {
			p := uint32(sc.Pos() + b.Groups[0].Pos(i))
			row(&b, i, p)
			all, alone = append(all, p), alone+1
		}
		sc.Pass()
	}
}
