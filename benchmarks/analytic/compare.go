package analytic

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/tpch"
)

// relativeError is how much two numbers may differ: DuckDB computes averages and quotients in
// floating point.
const relativeError = 1e-9

// compare holds DuckDB's result against Lamina's: as many columns, the same values in the ORDER BY
// columns row by row, and the same rows where those are equal. Trailing blanks, which DuckDB's
// char(n) has not, do not count; neither do the names of columns, which the two systems derive
// differently from expressions.
func compare(query int, got, peer tpch.Result) error {
	if len(got.Columns) != len(peer.Columns) {
		return fmt.Errorf("columns %q and %q", got.Columns, peer.Columns)
	}
	if len(got.Rows) != len(peer.Rows) {
		return fmt.Errorf("%d and %d rows", len(got.Rows), len(peer.Rows))
	}
	keys := tpch.OrderKeys(query)
	left := slices.Clone(peer.Rows)
	for i, row := range got.Rows {
		for _, k := range keys {
			if !equal(row[k], peer.Rows[i][k]) {
				return fmt.Errorf("row %d: %s is %s and %s", i+1, got.Columns[k], row[k], peer.Rows[i][k])
			}
		}
		at := slices.IndexFunc(left, func(p []tpch.Value) bool { return slices.EqualFunc(row, p, equal) })
		if at < 0 {
			return fmt.Errorf("row %d, %s, is in one result only", i+1, row)
		}
		left = slices.Delete(left, at, at+1)
	}
	return nil
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
	return err == nil && perr == nil && math.Abs(f-g) <= relativeError*max(math.Abs(f), math.Abs(g))
}
