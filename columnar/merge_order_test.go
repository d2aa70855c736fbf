package columnar

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestMergeOrder: segments whose ranges of keys lie apart, touch or lie over each other become segments in the order of
// their keys, with every row, whether the first bytes of keys tell them apart or not.
func TestMergeOrder(t *testing.T) {
	shapes := map[string]func(i int) types.Datum{
		"numbers":       func(i int) types.Datum { return types.NewInt(types.Int8, int64(i)-1000) },
		"short strings": func(i int) types.Datum { return types.NewString(types.Text, fmt.Sprint(i)) },
		"long strings":  func(i int) types.Datum { return types.NewString(types.Text, fmt.Sprintf("customer/%d", i)) },
	}
	merged := 0
	for name, key := range shapes {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) { merged += testMergeOrder(t, key, rand.New(rand.NewPCG(seed, 3))) })
		}
	}
	if merged < 60_000 {
		t.Errorf("only %d rows were merged", merged)
	}
}

func testMergeOrder(t *testing.T, key func(i int) types.Datum, rng *rand.Rand) int {
	d, err := openDriven(vfs.NewMem(), &localLog{}, 1<<30)
	must(t, err)
	def, kind := numbers(), key(0).K
	def.Columns[0].Type = types.T(kind)
	def.Columns = append(def.Columns, table.Column{Name: "few", ID: 2, Type: types.T(types.Int8)}, table.Column{Name: "text", ID: 3, Type: types.T(types.Text)})
	must(t, d.Define(1, def))
	d.Snapshot(1).(*snapshot).Release()
	d.o.DeltaRows, d.o.SegmentRows = 1<<20, 3000
	inc := (*d.tables.Load())[20000].inc
	want := map[string]types.Row{}
	lsn := table.LSN(1)
	for from := range 7 {
		bb := vec.NewBatchBuilder(inc.types, 0, nil)
		for range 500 + rng.IntN(1500) {
			row := types.Row{key(from*1000 + rng.IntN(2500)), types.NewInt(types.Int8, rng.Int64N(300)), types.NewString(types.Text, fmt.Sprint("text of number ", rng.Int64N(1000)))}
			if rng.IntN(9) == 0 {
				c := 1 + rng.IntN(2)
				row[c] = types.NullOf(inc.types[c].Kind)
			}
			if enc := string(index.AppendDatum(nil, row[0], true)); want[enc] == nil {
				want[enc] = row
				must(t, bb.AppendRow(row))
			}
		}
		lsn++
		must(t, d.Apply(lsn, &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}))
		inc.seal(lsn)
		must(t, inc.flushSealed(context.Background()))
	}
	before := len(inc.cur.Load().segs)
	must(t, inc.compactAll(context.Background()))
	segs := inc.cur.Load().segs
	if before < 7 || len(segs) >= before+3 || inc.cur.Load().segs[0].level == 0 {
		t.Fatalf("%d segments became %d", before, len(segs))
	}
	got := 0
	var last []byte
	readScan(t, scanAll(t, d.Snapshot(lsn).Table(20000)), func(b *vec.Batch) {
		for i := range b.N {
			row := b.Row(i, nil)
			enc := index.AppendDatum(nil, row[0], true)
			if slices.Compare(enc, last) <= 0 {
				t.Fatalf("%v comes after a greater key", row)
			}
			last = enc
			for c, x := range want[string(enc)] {
				if !types.Identical(row[c], x) {
					t.Fatalf("%v, want %v", row, want[string(enc)])
				}
			}
			got++
		}
	})
	if got != len(want) {
		t.Errorf("%d rows, want %d", got, len(want))
	}
	return got
}

func scanAll(t *testing.T, ts table.TableSnapshot) table.Scan {
	s, err := ts.Scan(&table.ScanSpec{Cols: []int{0, 1, 2}})
	must(t, err)
	return s
}

// TestDue: of segments whose ranges of keys are about the same, those are merged that may have a key in common, and not
// those beside them that only reach into the range.
func TestDue(t *testing.T) {
	d := openNumbers(t, vfs.NewMem(), &localLog{}, 1)
	d.Snapshot(1).(*snapshot).Release()
	d.o.DeltaRows = 1 << 20
	inc := (*d.tables.Load())[20000].inc
	lsn := table.LSN(1)
	for set := range int64(fanOut) {
		border := 500 + 20*set
		for _, r := range [][2]int64{{0, border}, {border, 1000}} {
			if n := len(inc.cur.Load().segs); n < 2*fanOut-1 {
				if segs, _ := inc.due(0); set < fanOut-1 && len(segs) > 0 {
					t.Fatalf("%d of %d segments are due", len(segs), n)
				}
			}
			for n := r[0]; n < r[1]; n++ {
				if n%fanOut == set {
					lsn++
					d.number(t, lsn, n)
				}
			}
			inc.seal(lsn)
			must(t, inc.flushSealed(context.Background()))
		}
	}
	if segs, level := inc.due(0); len(segs) != fanOut || level != 1 {
		t.Errorf("%d segments are due, for level %d", len(segs), level)
	}
}

// TestPieceRows: what is merged becomes segments of about the same size, of which as many as fan out can be merged again.
func TestPieceRows(t *testing.T) {
	for _, cache := range []int64{1, 16 << 20, 64 << 20, 1 << 30} {
		for _, limit := range []int{7, 3 * vec.Size, 1 << 20} {
			tier := &Tier{o: Options{CacheBytes: cache, SegmentRows: limit}}
			for _, rows := range []int{1, vec.Size, 100_000, 1<<20 + 1, 2_500_000} {
				n := tier.pieceRows(rows)
				if n < 1 || n > limit || fanOut*n*rowMergeBytes > int(max(cache/2, fanOut*2*vec.Size*rowMergeBytes))+fanOut*vec.Size*rowMergeBytes {
					t.Errorf("%d rows of each segment, of %d in all, with %d bytes and a limit of %d", n, rows, cache, limit)
				}
				if pieces := (rows + n - 1) / n; pieces > 1 && limit > vec.Size && rows-(pieces-1)*n < n-pieces*vec.Size {
					t.Errorf("the last of %d segments has %d rows, the others %d", pieces, rows-(pieces-1)*n, n)
				}
			}
		}
	}
}
