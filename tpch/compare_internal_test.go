package tpch

import (
	"slices"
	"strings"
	"testing"
)

// result makes a result from rows of blank-separated values; "-" is NULL.
func result(columns string, rows ...string) Result {
	r := Result{Columns: strings.Fields(columns)}
	for _, row := range rows {
		var values []Value
		for _, text := range strings.Fields(row) {
			values = append(values, Value{Text: strings.TrimPrefix(text, "-"), Null: text == "-"})
		}
		r.Rows = append(r.Rows, values)
	}
	return r
}

func TestCompareDifferences(t *testing.T) {
	want := result("k v", "1 a", "2 b", "2 c", "2 c", "3 1.50", "4 -")
	cases := []struct {
		name string
		got  Result
		err  string // part of the message, "" if equal
	}{
		{"same", result("k v", "1 a", "2 b", "2 c", "2 c", "3 1.50", "4 -"), ""},
		{"tied rows in another order", result("k v", "1 a", "2 c", "2 b", "2 c", "3 1.50", "4 -"), ""},
		{"order", result("k v", "2 b", "1 a", "2 c", "2 c", "3 1.50", "4 -"), "row 1: order"},
		{"tied row twice", result("k v", "1 a", "2 b", "2 b", "2 c", "3 1.50", "4 -"), "row 3: order"},
		{"value", result("k v", "1 x", "2 b", "2 c", "2 c", "3 1.50", "4 -"), `row 1, column v: value: got "x", want "a"`},
		{"value of a tied row", result("k v", "1 a", "2 c", "2 x", "2 c", "3 1.50", "4 -"), "row 3, column v: value"},
		{"digits", result("k v", "1 a", "2 b", "2 c", "2 c", "3 1.5", "4 -"), "row 5, column v: text"},
		{"null", result("k v", "1 a", "2 b", "2 c", "2 c", "3 1.50", "4 0"), `row 6, column v: value: got "0", want NULL`},
		{"names", result("k w", "1 a", "2 b", "2 c", "2 c", "3 1.50", "4 -"), "columns"},
		{"no rows", result("k v"), "0 rows, want 6"},
		{"rows missing", result("k v", "1 a", "2 b"), "2 rows, want 6"},
		{"tied rows missing", result("k v", "1 a", "2 b", "2 c", "3 1.50", "4 -"), "row 4"},
		{"rows added", result("k v", "1 a", "2 b", "2 c", "2 c", "3 1.50", "4 -", "5 z"), "7 rows, want 6"},
		{"columns missing", result("k v", "1 a", "2"), "row 2 has 1 values"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := compare(want, c.got, []int{0})
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
	swapped := result("k v", "1 a", "2 c", "2 b", "2 c", "3 1.50", "4 -")
	if err := compare(want, swapped, nil); err == nil {
		t.Error("without ORDER BY columns rows change places")
	}
	if slices.Equal(want.Rows[1], want.Rows[2]) {
		t.Error("compare changed the answer")
	}
}

func TestPaddingIsADifferenceInText(t *testing.T) {
	want := Result{Columns: []string{"c"}, Rows: [][]Value{{{Text: "FRANCE   "}}}}
	got := Result{Columns: []string{"c"}, Rows: [][]Value{{{Text: "FRANCE"}}}}
	if err := compare(want, got, nil); err == nil || !strings.Contains(err.Error(), "text") {
		t.Errorf("got %v", err)
	}
}
