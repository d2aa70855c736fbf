package vec

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// TestAppendFromRows copies values out of row pages, narrow and with NULLs, and compares them one by one.
func TestAppendFromRows(t *testing.T) {
	const rows, page = 300, 64
	p := &RowPages{Stride: 48, NullOff: 40, PageShift: 6, N: rows, Heap: [][]byte{[]byte("a string longer than twelve bytes")}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range rows/page + 1 {
		p.Pages = append(p.Pages, newBytes(page*p.Stride))
	}
	long := LongView(p.Heap[0], 0, 0)
	for id := range uint32(rows) {
		row := unsafe.Slice((*byte)(p.Row(id)), p.Stride)
		for i := range row {
			row[i] = byte(rng.IntN(256))
		}
		view := InlineView([]byte("short"))
		if id%3 == 0 {
			view = long
		}
		*(*StrView)(unsafe.Pointer(&row[24])) = view
	}
	cols := []Vector{
		{Type: types.T(types.Int8), Width: 8, Off: 0}, {Type: types.T(types.Int8), Width: 2, Base: -5, Off: 8},
		{Type: types.T(types.Int4), Width: 1, Base: 1000, Off: 10}, {Type: types.T(types.Int4), Width: 4, Base: -1 << 31, Off: 12},
		{Type: types.NumericPS(15, 2), Width: 4, Base: 7, Scale: 2, Off: 16}, {Type: types.T(types.Float8), Width: 8, Off: 0},
		{Type: types.NumericPS(30, 2), Width: 8, Scale: 2, Off: 0}, {Type: types.T(types.Bool), Width: 1, Base: 0, Off: 20},
		{Type: types.T(types.Text), Width: 16, Off: 24}, {Type: types.NumericPS(10, 4), Width: 2, Scale: 2, Off: 16},
	}
	for id := range uint32(rows) {
		*(*byte)(unsafe.Add(p.Row(id), 20)) &= 1
	}
	g := &Group{}
	for range Size {
		g.RowIDs = append(g.RowIDs, uint32(rng.IntN(rows)))
	}
	compared, nulls := 0, 0
	for i := range cols {
		for _, nullBit := range []int{-1, i} {
			v := cols[i]
			v.Form, v.Rows, v.NullBit = InRows, p, nullBit
			b := NewBuilder(v.Type, 0, nil)
			for _, n := range []int{0, 1, 70, 500} { // the first values have no NULL before them, the later ones have
				if err := b.AppendColumn(&v, g, n); err != nil {
					t.Fatal(err)
				}
				got := b.Vector()
				for k := range n {
					want := v.RowDatum(g.RowIDs[k])
					if d := got.Datum(b.Len() - n + k); !types.Identical(d, want) {
						t.Fatalf("column %d, row %d of %d: %v, want %v", i, k, n, d, want)
					}
					compared++
					if !want.Valid {
						nulls++
					}
				}
			}
		}
	}
	if compared < 10000 || nulls < 1000 {
		t.Errorf("%d values, %d NULL", compared, nulls)
	}
}
