package plan

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

// RelFetch adds columns of a table to rows that carry the position of one of its rows in Ref: Out[i] is the table's column
// Attrs[i] of that row, NULL where Ref is. The rows are those that Scan has read in the same statement.
type RelFetch struct {
	Input Rel
	Scan  *RelScan
	Ref   Col
	Out   []Col
	Attrs []int
	// Copies is the estimated number of rows in which operators below would have kept the columns.
	Copies float64
}

// Cols returns the output columns.
func (r *RelFetch) Cols() []Col { return append(append([]Col(nil), r.Input.Cols()...), r.Out...) }

// Children returns the input.
func (r *RelFetch) Children() []Rel { return []Rel{r.Input} }

// Fetch adds columns Cols of a table to the rows of its input: those of the row whose position, as the statement reads the
// table, is in input column RefCol; NULLs where that is NULL. Its output is the input's, then Cols.
type Fetch struct {
	Props
	Input  Node
	Table  *table.TableDef
	Alias  string
	RefCol int
	Cols   []int
	Copies float64
}

// Inputs returns the input.
func (n *Fetch) Inputs() []Node { return []Node{n.Input} }

func fetchTitle(n *Fetch) (string, []detail) {
	s := "Fetch from " + n.Table.Name
	if n.Alias != "" && n.Alias != n.Table.Name {
		s += " " + n.Alias
	}
	names := make([]string, len(n.Cols))
	for i, c := range n.Cols {
		names[i] = n.Table.Columns[c].Name
	}
	return s, []detail{
		{"Columns", strings.Join(names, ", ")},
		{"Position", expr.String(&expr.Column{Name: n.Input.Columns()[n.RefCol].Name})},
		{"Late", fmt.Sprintf("not kept in about %.0f rows below", n.Copies)},
	}
}
