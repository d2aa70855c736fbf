package vec

import (
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/types"
)

func TestReencodeKeepsRows(t *testing.T) {
	forms := map[Form]int{}
	widths := map[uint8]int{}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rows := testRows(t, []int{0, 1, 2, 65, 300}[seed%5])
		if seed%3 == 0 { // few distinct values
			for i := range rows {
				rows[i] = rows[i%2]
			}
		}
		bb := NewBatchBuilder(testTypes, 0, nil)
		for _, r := range rows {
			if err := bb.AppendRow(r); err != nil {
				t.Fatal(err)
			}
		}
		b := bb.Batch()
		for range 4 { // encodings of encodings
			b = Reencode(rng, b)
			checkRows(t, b, rows)
			for c := range b.NumCols() {
				v, _ := b.Col(c)
				forms[v.Form]++
				widths[v.Width]++
			}
		}
		c, err := Copy(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkRows(t, c.Batch(), rows)
	}
	for _, f := range []Form{Flat, Const, Dict, Str} {
		if forms[f] < 20 {
			t.Errorf("form %d was chosen %d times", f, forms[f])
		}
	}
	for _, w := range []uint8{1, 2, 4, 8, 16} {
		if widths[w] < 20 {
			t.Errorf("width %d was chosen %d times", w, widths[w])
		}
	}
}

func TestReencodeKeepsOrderOfJoins(t *testing.T) {
	rows := testRows(t, 50)
	bb := NewBatchBuilder(testTypes, 0, nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			t.Fatal(err)
		}
	}
	b := bb.Batch()
	sel := []uint16{7, 3, 3, 49, 0}
	b.Single(len(sel), b.Groups[0].Cols, sel)
	var want []types.Row
	for _, s := range sel {
		want = append(want, rows[s])
	}
	for seed := range uint64(20) {
		checkRows(t, Reencode(rand.New(rand.NewPCG(seed, 2)), b), want)
	}
}
