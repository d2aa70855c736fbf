package vec

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// TestCopyFixed copies integers of every width, in every form, with and without an index, and compares them one by one.
func TestCopyFixed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const rows, codes = 300, 100
	data := newBytes(rows * 16)
	for i := range data {
		data[i] = byte(rng.IntN(256))
	}
	number := newBytes(rows * 4)
	for i := range rows {
		number[i*4] = byte(rng.IntN(codes)) // codes of 1, 2 and 4 bytes: the first of four
	}
	pages := &RowPages{Stride: 24, NullOff: 16, PageShift: 5, N: rows}
	for range rows/32 + 1 {
		pages.Pages = append(pages.Pages, newBytes(32*pages.Stride))
	}
	for id := range uint32(rows) {
		row := unsafe.Slice((*byte)(pages.Row(id)), pages.Stride)
		copy(row, data[id*16:][:16])
		row[16] = byte(rng.IntN(4))
	}
	groups := []*Group{{}, {}}
	for range rows {
		groups[0].RowIDs = append(groups[0].RowIDs, uint32(rng.IntN(rows)))
		groups[1].Sel = append(groups[1].Sel, uint16(rng.IntN(rows)))
	}
	groups[1].RowIDs = groups[0].RowIDs
	valid := make([]uint64, BitmapWords(rows))
	for i := range valid {
		valid[i] = rng.Uint64()
	}
	compared := 0
	for _, width := range []uint8{1, 2, 4, 8} {
		values := Vector{Type: types.T(types.Int8), Width: width, Base: -7, N: rows, Data: DataOf(data), NullBit: -1}
		vs := []Vector{values}
		for _, codeWidth := range []uint8{1, 4} {
			d := values
			d.Form, d.Width, d.Data, d.Dictionary = Dict, codeWidth, DataOf(number), &Dictionary{Values: values}
			vs = append(vs, d)
		}
		one := values
		one.Form, one.N = Const, 1
		inRows := values
		inRows.Form, inRows.Rows, inRows.Off, inRows.NullBit = InRows, pages, 8, 1
		vs = append(vs, one, inRows)
		for _, v := range vs {
			for _, nullable := range []bool{false, true} {
				if nullable && v.Form != InRows {
					v.Valid = valid
				}
				for _, g := range groups {
					compared += compareCopies(t, &v, g, rows)
				}
			}
		}
	}
	if compared < 20000 {
		t.Errorf("%d values", compared)
	}
}

func compareCopies(t *testing.T, v *Vector, g *Group, rows int) (compared int) {
	for _, n := range []int{0, 1, 63, 64, 65, rows} {
		long, short := make([]int64, rows), make([]int32, rows)
		v.CopyFixed(DataOf(long), 8, g, n)
		v.CopyFixed(DataOf(short), 4, g, n)
		bits := make([]byte, (rows+7)/8)
		nulls := v.CopyValid(bits, g, n)
		for i := range n {
			d := types.Datum{}
			if v.Form == InRows {
				d = v.RowDatum(g.RowIDs[i])
			} else {
				d = v.Datum(g.Pos(i))
			}
			if bit := bits[i>>3]>>(i&7)&1 != 0; bit != d.Valid {
				t.Fatalf("form %d, width %d: row %d of %d is valid: %v, want %v", v.Form, v.Width, i, n, bit, d.Valid)
			}
			if !d.Valid {
				nulls--
				continue
			}
			if long[i] != d.I || short[i] != int32(d.I) {
				t.Fatalf("form %d, width %d: row %d of %d is %d and %d, want %d", v.Form, v.Width, i, n, long[i], short[i], d.I)
			}
			compared++
		}
		if nulls != 0 || n > 0 && nulls > 0 && !v.AnyNull(g, n) {
			t.Fatalf("form %d: NULLs are miscounted by %d", v.Form, nulls)
		}
		for _, b := range bits[(n+7)/8:] {
			if b != 0 {
				t.Fatal("bits behind the rows are set")
			}
		}
	}
	return compared
}
