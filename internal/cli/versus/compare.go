package versus

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/tpch"
)

// relativeError is how much two numbers may differ: other systems compute averages and quotients in floating point.
const relativeError = 1e-9

// absoluteError is how much they may differ in any case: what ought to be 0 is not quite.
const absoluteError = 1e-15

// Compare holds the result of another system against Lamina's: as many columns, the same values in the ORDER BY columns row by row,
// and the same rows, in whichever order those come that are equal there. Trailing blanks, which char(n) of others has not, do not
// count; neither do the names of columns, which systems derive differently from expressions.
func Compare(keys []int, got, peer tpch.Result) error {
	if len(got.Columns) != len(peer.Columns) {
		return fmt.Errorf("columns %q and %q", got.Columns, peer.Columns)
	}
	if len(got.Rows) != len(peer.Rows) {
		return fmt.Errorf("%d and %d rows", len(got.Rows), len(peer.Rows))
	}
	for i, row := range got.Rows {
		for _, k := range keys {
			if !equal(row[k], peer.Rows[i][k]) {
				return fmt.Errorf("row %d: %s is %s and %s", i+1, got.Columns[k], shown(row[k]), shown(peer.Rows[i][k]))
			}
		}
	}
	f := fractions(got, peer)
	a, b := sorted(got, f), sorted(peer, f)
	for i := range a {
		if !slices.EqualFunc(a[i], b[i], equal) {
			return fmt.Errorf("rows %v and %v differ", a[i], b[i])
		}
	}
	return nil
}

func shown(v tpch.Value) string {
	if v.Null {
		return "NULL"
	}
	return v.Text
}

// fractions tells which columns have numbers with a fraction in one of the results.
func fractions(results ...tpch.Result) []bool {
	has := make([]bool, len(results[0].Columns))
	for _, r := range results {
		for _, row := range r.Rows {
			for c, v := range row {
				if !has[c] && !v.Null && strings.ContainsAny(v.Text, ".e") {
					_, err := strconv.ParseFloat(v.Text, 64)
					has[c] = err == nil
				}
			}
		}
	}
	return has
}

// sorted returns the rows in the order of their exact columns, then of those with fractions, which may differ in their last digits.
func sorted(r tpch.Result, fraction []bool) [][]tpch.Value {
	type keyed struct {
		exact, rounded string
		row            []tpch.Value
	}
	rows := make([]keyed, len(r.Rows))
	for i, row := range r.Rows {
		var exact, rounded strings.Builder
		for c, v := range row {
			text := strings.TrimRight(v.Text, " ")
			if f, err := strconv.ParseFloat(text, 64); fraction[c] && err == nil && !v.Null {
				fmt.Fprintf(&rounded, "%.6g|", f)
				continue
			}
			fmt.Fprintf(&exact, "%v %s|", v.Null, text)
		}
		rows[i] = keyed{exact.String(), rounded.String(), row}
	}
	slices.SortFunc(rows, func(a, b keyed) int {
		return cmp.Or(strings.Compare(a.exact, b.exact), strings.Compare(a.rounded, b.rounded))
	})
	out := make([][]tpch.Value, len(rows))
	for i := range rows {
		out[i] = rows[i].row
	}
	return out
}

func equal(a, b tpch.Value) bool {
	if a.Null || b.Null {
		return a.Null == b.Null
	}
	x, y := strings.TrimRight(a.Text, " "), strings.TrimRight(b.Text, " ")
	if x == y {
		return true
	}
	f, err := strconv.ParseFloat(x, 64)
	g, perr := strconv.ParseFloat(y, 64)
	return err == nil && perr == nil && math.Abs(f-g) <= max(absoluteError, relativeError*max(math.Abs(f), math.Abs(g)))
}
