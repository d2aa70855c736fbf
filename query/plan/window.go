package plan

import (
	"strconv"
	"strings"

	"github.com/laminadb/lamina/query/expr"
)

// RelWindow adds to its input the columns Out: window functions, all with the same partitions and order.
type RelWindow struct {
	Input Rel
	Funcs []*expr.Window
	Out   []Col
	// Top: only the rows are wanted that are the first in the order of their partition; nil: all are.
	Top *WindowTop
}

// WindowTop says which rows of a partition are wanted of those that a window function numbers: those with less than Rows
// rows before them that the first key of the order puts there, or, if Distinct, less than Rows values of it.
type WindowTop struct {
	Rows     int
	Distinct bool
}

// String says how many rows are wanted.
func (t *WindowTop) String() string {
	s := strconv.Itoa(t.Rows)
	if t.Distinct {
		s += " distinct"
	}
	return s
}

// Cols returns the output columns.
func (r *RelWindow) Cols() []Col {
	in := r.Input.Cols()
	return append(append(make([]Col, 0, len(in)+len(r.Out)), in...), r.Out...)
}

// Children returns the input.
func (r *RelWindow) Children() []Rel { return []Rel{r.Input} }

// Window adds the values of window functions to its input, which is sorted by their partitions, and in
// them by their order.
type Window struct {
	Props
	Input Node
	Funcs []*expr.Window
}

// Inputs returns the input.
func (n *Window) Inputs() []Node { return []Node{n.Input} }

// WindowKeys returns the order that the input of a window function needs.
func WindowKeys(w *expr.Window) []SortKey {
	var keys []SortKey
	for _, p := range w.Partition {
		keys = append(keys, SortKey{Expr: p})
	}
	for i, o := range w.Order {
		keys = append(keys, SortKey{Expr: o, Desc: w.Desc[i], NullsFirst: w.NullsFirst[i]})
	}
	return keys
}

func windowList(funcs []*expr.Window, text func(expr.Expr) string) string {
	parts := make([]string, len(funcs))
	for i, w := range funcs {
		parts[i] = text(w)
	}
	return strings.Join(parts, ", ")
}
