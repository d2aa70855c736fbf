package versus_test

import (
	"testing"

	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/tpch"
)

func rowsOf(rows ...[]string) tpch.Result {
	r := tpch.Result{Columns: []string{"a", "b", "c"}}
	for _, row := range rows {
		var values []tpch.Value
		for _, text := range row {
			values = append(values, tpch.Value{Text: text, Null: text == "NULL"})
		}
		r.Rows = append(r.Rows, values)
	}
	return r
}

// TestCompare has a first column that orders.
func TestCompare(t *testing.T) {
	base := [][]string{{"a  ", "1.50", "x"}, {"b", "0.333333333333333333", "NULL"}, {"b", "7", "y"}}
	cases := []struct {
		name  string
		peer  [][]string
		equal bool
	}{
		{"the same", base, true},
		{"blanks, zeros, floating point", [][]string{{"a", "1.5", "x"}, {"b", "0.33333333333333331", "NULL"}, {"b", "7", "y"}}, true},
		{"rows of one key in another order", [][]string{base[0], base[2], base[1]}, true},
		{"another order", [][]string{base[1], base[0], base[2]}, false},
		{"another number", [][]string{base[0], {"b", "0.3333333", "NULL"}, base[2]}, false},
		{"no NULL", [][]string{base[0], {"b", "0.333333333333333333", ""}, base[2]}, false},
		{"fewer rows", base[:2], false},
		{"one row twice", [][]string{base[0], base[1], base[1]}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := versus.Compare([]int{0}, rowsOf(base...), rowsOf(c.peer...)); (err == nil) != c.equal {
				t.Errorf("equal should be %v: %v", c.equal, err)
			}
		})
	}
}
