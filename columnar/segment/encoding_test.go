package segment_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestEncodings: every encoding that a column may ask for, with values that suit it and values that do not.
func TestEncodings(t *testing.T) {
	fs := vfs.NewMem()
	rng := rand.New(rand.NewPCG(51, 51))
	n := 0
	for _, typ := range columnTypes {
		for enc := segment.EncodingAuto; enc <= segment.EncodingDelta; enc++ {
			s := schemaOf(rng, []types.Type{typ})
			s.Columns[0].Encoding = enc
			w, err := segment.NewWriter(fs, "", "a", s, segment.Options{}, nil)
			if err != nil {
				continue // TestRefusals has the reasons
			}
			w.Abort()
			rows := rowsOf(rng, []types.Type{typ}, 3000)
			info := write(t, fs, "a", s, segment.Options{ZoneRows: 128, RowGroupRows: 512}, rows, rng)
			seg := open(t, fs, "a", info, nil)
			if err := seg.Verify(t.Context()); err != nil {
				t.Fatal(err)
			}
			compareAll(t, seg, rows, fmt.Sprintf("%s with encoding %d", typ, enc))
			n++
		}
	}
	if n < 90 {
		t.Fatalf("only %d columns were written", n)
	}
}

// TestDictionariesOverflow: a column that has few values at first, and too many for a dictionary later.
func TestDictionariesOverflow(t *testing.T) {
	s := segment.Schema{Columns: []segment.Column{
		{Name: "text", Type: types.T(types.Text), FieldID: 1},
		{Name: "int", Type: types.T(types.Int8), FieldID: 2},
		{Name: "decimal", Type: types.NumericPS(12, 2), FieldID: 3},
		{Name: "loose", Type: types.T(types.Numeric), FieldID: 4},
	}}
	const rowsFew, rowsAll = 4096, 80_000
	rows := make([]types.Row, rowsAll)
	for i := range rows {
		x := int64(i)
		if i < rowsFew {
			x %= 50
		}
		rows[i] = types.Row{types.NewString(types.Text, fmt.Sprintf("value %d", x)), types.NewInt(types.Int8, x*1000),
			types.NewDecimal(x, 2), types.NewDecimal(x, int(x%3))}
		if i%97 == 0 {
			rows[i][i%4] = types.NullOf(s.Columns[i%4].Type.Kind)
		}
	}
	fs := vfs.NewMem()
	info := write(t, fs, "a", s, segment.Options{ZoneRows: 1024, RowGroupRows: 2048}, rows, rand.New(rand.NewPCG(1, 1)))
	seg := open(t, fs, "a", info, nil)
	if err := seg.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	compareAll(t, seg, rows, "overflow")
	sc, err := seg.Scan(segment.ScanSpec{Cols: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	coded, plain := 0, 0
	for sc.Next() {
		v, err := sc.Column(0)
		if err != nil {
			t.Fatal(err)
		}
		if v.Form == vec.Dict {
			coded++
		} else {
			plain++
		}
	}
	if coded == 0 || plain == 0 || seg.HasBitmaps(0) {
		t.Fatalf("%d zones with codes, %d without", coded, plain)
	}
}
