package tpch

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Compare holds a result against the answer of PostgreSQL and returns the first difference in
// columns, values, text or order, or nil. Only rows that are equal in the ORDER BY columns may
// change places. It is an error if there is no answer at the scale factor.
func Compare(scaleFactor float64, query int, got Result) error {
	want, ok := Answer(scaleFactor, query)
	if !ok {
		return fmt.Errorf("query %d at scale factor %v: there is no answer to compare with", query, scaleFactor)
	}
	if err := compare(want, got, OrderKeys(query)); err != nil {
		return fmt.Errorf("query %d at scale factor %v: %w", query, scaleFactor, err)
	}
	return nil
}

// CompareResults holds a result against another one as Compare does; keys are the positions of the ORDER BY columns.
func CompareResults(want, got Result, keys []int) error { return compare(want, got, keys) }

func compare(want, got Result, keys []int) error {
	if !slices.Equal(got.Columns, want.Columns) {
		return fmt.Errorf("columns %q, want %q", got.Columns, want.Columns)
	}
	for i, row := range got.Rows {
		if len(row) != len(want.Columns) {
			return fmt.Errorf("row %d has %d values, want %d", i+1, len(row), len(want.Columns))
		}
	}
	at := 0
	for at < min(len(want.Rows), len(got.Rows)) {
		end := at + 1
		for len(keys) > 0 && end < len(want.Rows) && equalKeys(want.Rows[at], want.Rows[end], keys) {
			end++
		}
		if err := compareTied(want, got, at, end); err != nil {
			return err
		}
		at = end
	}
	if len(got.Rows) != len(want.Rows) {
		return fmt.Errorf("%d rows, want %d; the first %d are right", len(got.Rows), len(want.Rows),
			min(len(got.Rows), len(want.Rows)))
	}
	return nil
}

func equalKeys(a, b []Value, keys []int) bool {
	for _, k := range keys {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

// compareTied compares the rows [from, to), which may come in any order among themselves. The last
// of them may be missing in got.
func compareTied(want, got Result, from, to int) error {
	left := slices.Clone(want.Rows[from:to])
	for i := from; i < min(to, len(got.Rows)); i++ {
		at := slices.IndexFunc(left, func(row []Value) bool { return slices.Equal(row, got.Rows[i]) })
		if at < 0 {
			return difference(want, got, i, left[0])
		}
		left = slices.Delete(left, at, at+1)
	}
	return nil
}

// difference describes how row i of got differs from the row that belongs there.
func difference(want, got Result, i int, row []Value) error {
	if at := slices.IndexFunc(want.Rows, func(r []Value) bool { return slices.Equal(r, got.Rows[i]) }); at >= 0 {
		return fmt.Errorf("row %d: order: this row is expected as row %d", i+1, at+1)
	}
	for k, v := range got.Rows[i] {
		if v != row[k] {
			what := "value"
			if sameNumber(v, row[k]) || sameTrimmed(v, row[k]) {
				what = "text"
			}
			return fmt.Errorf("row %d, column %s: %s: got %s, want %s", i+1, got.Columns[k], what, v, row[k])
		}
	}
	return fmt.Errorf("row %d is not expected", i+1)
}

func sameNumber(a, b Value) bool {
	x, ok := new(big.Rat).SetString(a.Text)
	y, ok2 := new(big.Rat).SetString(b.Text)
	return ok && ok2 && !a.Null && !b.Null && x.Cmp(y) == 0
}

func sameTrimmed(a, b Value) bool {
	return a.Null == b.Null && strings.TrimRight(a.Text, " ") == strings.TrimRight(b.Text, " ")
}

// String returns the text in quotes, or NULL.
func (v Value) String() string {
	if v.Null {
		return "NULL"
	}
	return strconv.Quote(v.Text)
}
