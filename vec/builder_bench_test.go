package vec

import (
	"testing"

	"github.com/laminadb/lamina/types"
)

// reportRows reports the rows a second of a benchmark whose every round handles Size rows.
func reportRows(b *testing.B) {
	b.ReportMetric(Size*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkAppendRow(b *testing.B) {
	ts := []types.Type{types.T(types.Int8), types.T(types.Int4), types.NumericPS(15, 2), types.T(types.Text), types.T(types.Date)}
	bb := NewBatchBuilder(ts, 0, nil)
	row := types.Row{
		types.NewInt(types.Int8, 5), types.NewInt(types.Int4, 7), types.NewDecimal(12345, 2),
		types.NewString(types.Text, "a string of some length"), types.NewInt(types.Date, 10000),
	}
	b.ReportAllocs()
	for b.Loop() {
		bb.Reset()
		for range Size {
			if err := bb.AppendRow(row); err != nil {
				b.Fatal(err)
			}
		}
	}
	reportRows(b)
}

func BenchmarkAppendBatch(b *testing.B) {
	for _, c := range []struct {
		name  string
		typ   types.Type
		value types.Datum
		nulls bool
	}{
		{"int4", types.T(types.Int4), types.NewInt(types.Int4, 7), false},
		{"int4_nulls", types.T(types.Int4), types.NewInt(types.Int4, 7), true},
		{"numeric", types.NumericPS(15, 2), types.NewDecimal(12345, 2), false},
		{"text_short", types.T(types.Text), types.NewString(types.Text, "short"), false},
		{"text_long", types.T(types.Text), types.NewString(types.Text, "a string of some length"), false},
	} {
		b.Run("col="+c.name, func(b *testing.B) {
			src := NewBatchBuilder([]types.Type{c.typ}, 0, nil)
			for i := range Size {
				d := c.value
				if c.nulls && i%10 == 0 {
					d = types.Null()
				}
				if err := src.AppendRow(types.Row{d}); err != nil {
					b.Fatal(err)
				}
			}
			sel := make([]uint16, Size/2)
			for i := range sel {
				sel[i] = uint16(2 * i)
			}
			in := *src.Batch()
			in.Single(len(sel), in.Groups[0].Cols, sel)
			dst := NewBatchBuilder([]types.Type{c.typ}, 0, nil)
			b.ReportAllocs()
			for b.Loop() {
				dst.Reset()
				for range 2 {
					if err := dst.AppendBatch(&in); err != nil {
						b.Fatal(err)
					}
				}
			}
			reportRows(b)
		})
	}
}
