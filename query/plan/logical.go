package plan

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Rel is an operator of a logical plan. Columns have IDs that are unique in the statement: an operator
// that passes a column on keeps its ID, one that computes a value gives it a new one. An expression names
// the columns of its operator's inputs, and, inside a subquery, those of the queries around it.
type Rel interface {
	// Cols returns the output columns. Their order matters only where they are matched by position.
	Cols() []Col
	// Children returns the operators below.
	Children() []Rel
}

// Col is a column of a logical plan.
type Col struct {
	ID   int
	Name string
	Type types.Type
	// Table and Attribute are the table column that it is, unchanged; 0 if it is computed.
	// Attributes count from 1.
	Table     table.ObjectID
	Attribute int
}

// Ref returns an expression that names the column.
func (c Col) Ref() *expr.Column {
	return &expr.Column{Node: expr.Node{Typ: c.Type}, ID: c.ID, Name: c.Name}
}

// RelScan reads a table. Out[i] is the table's column Attrs[i]; Ref, if its ID is not 0, holds row
// references.
type RelScan struct {
	Table *table.TableDef
	Alias string
	Out   []Col
	Attrs []int
	Ref   Col
}

// RelValues yields literal rows.
type RelValues struct {
	Out    []Col
	Tuples [][]expr.Expr
}

// RelFilter keeps the rows for which Cond is true.
type RelFilter struct {
	Input Rel
	Cond  expr.Expr
}

// RelProject computes Exprs[i] as column Out[i], and outputs nothing else. A column that it passes on is
// a reference to it under the same ID.
type RelProject struct {
	Input Rel
	Exprs []expr.Expr
	Out   []Col
}

// RelJoin joins L and R. Semi, Anti and AntiNull output L's columns, Mark adds Mark to them.
//
//   - AntiNull is Anti that also drops a row of L for which Cond is NULL with some row of R (NOT IN).
//   - Mark adds the disjunction of Cond over R's rows: true, NULL or false (no row: false).
//   - Single is Left that fails with 21000 if more than one row of R matches.
//
// Right occurs in physical plans only.
type RelJoin struct {
	Kind JoinKind
	L, R Rel
	Cond expr.Expr // nil: true
	Mark Col
}

// RelApply is a join whose right side uses columns of the left one; the optimizer makes it a RelJoin, or a
// RelDependent.
type RelApply struct {
	Kind JoinKind
	L, R Rel
	Cond expr.Expr
	Mark Col
	// When is that of RelDependent.
	When expr.Expr
}

// RelAggregate groups by Keys; without any the whole input is one group, even if it is empty. Out has
// the keys, then the aggregates. A key that is a column keeps its ID.
type RelAggregate struct {
	Input Rel
	Keys  []expr.Expr
	Aggs  []*expr.Aggregate
	Out   []Col
}

// RelDistinctOn keeps the first row of each group of equal On values, in the order of Order (which
// begins with them).
type RelDistinctOn struct {
	Input Rel
	On    []expr.Expr
	Order []SortKey
}

// RelSort orders its input.
type RelSort struct {
	Input Rel
	Keys  []SortKey
}

// RelLimit passes Count rows after Offset rows; nil: no limit, no offset.
type RelLimit struct {
	Input         Rel
	Count, Offset expr.Expr
}

// RelUnion is UNION ALL: column In[i][j] of input i becomes column Out[j].
type RelUnion struct {
	All []Rel
	In  [][]int
	Out []Col
}

// RelSetOp is INTERSECT or EXCEPT. LIn and RIn are the IDs of the inputs' columns, by position.
type RelSetOp struct {
	Kind     SetOpKind
	All      bool
	L, R     Rel
	LIn, RIn []int
	Out      []Col
}

// RelLock locks the rows of its input (FOR UPDATE …). Recheck is the condition that a row that changed
// meanwhile must meet again (nil: none); Rerun says that it is not the whole condition.
type RelLock struct {
	Input   Rel
	Items   []RelLockItem
	Recheck expr.Expr
	Rerun   bool
}

// RelLockItem is one table of FOR UPDATE; Ref is the column of its row references.
type RelLockItem struct {
	Scan *RelScan
	Mode table.RowLock
	Wait table.Wait
}

// RelSeries yields Start, Start + Step, … up to Stop: generate_series in FROM.
type RelSeries struct {
	Start, Stop, Step expr.Expr
	Out               Col
}

// Cols returns the output columns.
func (r *RelScan) Cols() []Col {
	if r.Ref.ID == 0 {
		return r.Out
	}
	return append(append(make([]Col, 0, len(r.Out)+1), r.Out...), r.Ref)
}

// Cols returns the output columns.
func (r *RelValues) Cols() []Col { return r.Out }

// Cols returns the output columns.
func (r *RelFilter) Cols() []Col { return r.Input.Cols() }

// Cols returns the output columns.
func (r *RelProject) Cols() []Col { return r.Out }

// Cols returns the output columns.
func (r *RelJoin) Cols() []Col { return joinCols(r.Kind, r.L, r.R, r.Mark) }

// Cols returns the output columns.
func (r *RelApply) Cols() []Col { return joinCols(r.Kind, r.L, r.R, r.Mark) }

func joinCols(kind JoinKind, l, r Rel, mark Col) []Col {
	left := l.Cols()
	switch kind {
	case Semi, Anti, AntiNull:
		return left
	case Mark:
		return append(append(make([]Col, 0, len(left)+1), left...), mark)
	}
	right := r.Cols()
	return append(append(make([]Col, 0, len(left)+len(right)), left...), right...)
}

// Cols returns the output columns.
func (r *RelAggregate) Cols() []Col { return r.Out }

// Cols returns the output columns.
func (r *RelDistinctOn) Cols() []Col { return r.Input.Cols() }

// Cols returns the output columns.
func (r *RelSort) Cols() []Col { return r.Input.Cols() }

// Cols returns the output columns.
func (r *RelLimit) Cols() []Col { return r.Input.Cols() }

// Cols returns the output columns.
func (r *RelUnion) Cols() []Col { return r.Out }

// Cols returns the output columns.
func (r *RelSetOp) Cols() []Col { return r.Out }

// Cols returns the output columns.
func (r *RelLock) Cols() []Col { return r.Input.Cols() }

// Cols returns the output column.
func (r *RelSeries) Cols() []Col { return []Col{r.Out} }

// Children returns nothing.
func (r *RelScan) Children() []Rel { return nil }

// Children returns nothing.
func (r *RelValues) Children() []Rel { return nil }

// Children returns the input.
func (r *RelFilter) Children() []Rel { return []Rel{r.Input} }

// Children returns the input.
func (r *RelProject) Children() []Rel { return []Rel{r.Input} }

// Children returns both sides.
func (r *RelJoin) Children() []Rel { return []Rel{r.L, r.R} }

// Children returns both sides.
func (r *RelApply) Children() []Rel { return []Rel{r.L, r.R} }

// Children returns the input.
func (r *RelAggregate) Children() []Rel { return []Rel{r.Input} }

// Children returns the input.
func (r *RelDistinctOn) Children() []Rel { return []Rel{r.Input} }

// Children returns the input.
func (r *RelSort) Children() []Rel { return []Rel{r.Input} }

// Children returns the input.
func (r *RelLimit) Children() []Rel { return []Rel{r.Input} }

// Children returns all inputs.
func (r *RelUnion) Children() []Rel { return r.All }

// Children returns both inputs.
func (r *RelSetOp) Children() []Rel { return []Rel{r.L, r.R} }

// Children returns the input.
func (r *RelLock) Children() []Rel { return []Rel{r.Input} }

// Children returns nothing.
func (r *RelSeries) Children() []Rel { return nil }
