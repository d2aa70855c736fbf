package vec

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/types"
)

// Row returns live row i of b as values; strings are copied. It appends to dst[:0].
func (b *Batch) Row(i int, dst types.Row) types.Row {
	dst = dst[:0]
	for c := range b.NumCols() {
		dst = append(dst, b.BatchDatum(c, i))
	}
	return dst
}

// Format returns the live rows of b as text for tests and debugging: a line for each row, values
// separated by " | ", NULL as ∅.
func Format(b *Batch) string {
	var s strings.Builder
	for i := range b.N {
		for c := range b.NumCols() {
			if c > 0 {
				s.WriteString(" | ")
			}
			v, _ := b.Col(c)
			if d := b.BatchDatum(c, i); d.IsNull() {
				s.WriteString("∅")
			} else {
				s.WriteString(v.Type.Text(d))
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// Diff returns "" if two batches have the same rows in the same order, with identical values (see
// types.Identical); else a description of the first difference.
func Diff(a, b *Batch) string {
	if a.N != b.N || a.NumCols() != b.NumCols() {
		return fmt.Sprintf("%d rows of %d columns, %d rows of %d columns", a.N, a.NumCols(), b.N, b.NumCols())
	}
	for i := range a.N {
		for c := range a.NumCols() {
			x, y := a.BatchDatum(c, i), b.BatchDatum(c, i)
			if !types.Identical(x, y) {
				v, _ := a.Col(c)
				w, _ := b.Col(c)
				return fmt.Sprintf("row %d column %d: %s, %s", i, c, debugText(v.Type, x), debugText(w.Type, y))
			}
		}
	}
	return ""
}

func debugText(t types.Type, d types.Datum) string {
	if d.IsNull() {
		return "NULL"
	}
	return t.Text(d)
}
