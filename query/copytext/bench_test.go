package copytext

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// BenchmarkRead reads rows like those of TPC-H's lineitem, without storing them.
func BenchmarkRead(b *testing.B) {
	money := types.NumericPS(15, 2)
	o := Options{Table: "lineitem", Format: CSV(), Workers: 1}
	for i, t := range []types.Type{
		types.T(types.Int8), types.T(types.Int8), types.T(types.Int8), types.T(types.Int4), money, money, money, money, types.CharN(1), types.CharN(1),
		types.T(types.Date), types.T(types.Date), types.T(types.Date), types.CharN(25), types.CharN(10), types.VarcharN(44),
	} {
		o.Names, o.Types = append(o.Names, "c"+strconv.Itoa(i)), append(o.Types, t)
	}
	var in bytes.Buffer
	const rows = 50_000
	for i := range rows {
		comment := "egular courts above the"
		if i%8 == 0 {
			comment = `"final, pending deposits"`
		}
		fmt.Fprintf(&in, "%d,%d,%d,%d,%d.00,%d.%02d,0.0%d,0.0%d,N,O,199%d-03-1%d,199%d-1%d-12,199%d-03-2%d,DELIVER IN PERSON,TRUCK,%s\n",
			i/4, i*31%200_000, i*7%10_000, i%7, i%50, i*97%90_000+900, i%100, i%10, i%8, i%10, i%10, i%9, i%3, i%8, i%9, comment)
	}
	b.SetBytes(int64(in.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := Read(context.Background(), bytes.NewReader(in.Bytes()), o, func(_ []vec.Vector, rows int) error { n += rows; return nil })
		if err != nil || n != rows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
