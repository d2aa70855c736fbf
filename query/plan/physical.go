// Package plan holds query plans as printable data: logical plans, which the binder makes and the
// optimizer rewrites, and physical plans, which the executor instantiates. Plans are immutable and know
// nothing of execution; one plan serves many executions.
package plan

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Node is an operator of a physical plan. Expressions inside it name the columns of its input by
// position; a join's columns are those of Left, then those of Right.
type Node interface {
	// Columns describes the output.
	Columns() []OutColumn
	// Inputs returns the operators below.
	Inputs() []Node
	// Estimated returns the optimizer's guess of the number of rows.
	Estimated() float64
}

// OutColumn is a column of an operator's output.
type OutColumn struct {
	Name string
	Type types.Type
	// Table and Attribute name the table column it comes from unchanged, for row descriptions; 0 if
	// it is computed.
	Table     table.ObjectID
	Attribute int
}

// Props are the properties common to all operators.
type Props struct {
	Out  []OutColumn
	Rows float64 // estimate
	ID   int     // number of the operator in its plan, in print order
}

// Columns returns the output columns.
func (p *Props) Columns() []OutColumn { return p.Out }

// Estimated returns the estimated number of rows.
func (p *Props) Estimated() float64 { return p.Rows }

// Scan reads a table. Its output is Cols, then the row references if Refs.
type Scan struct {
	Props
	Table *table.TableDef
	Alias string
	Cols  []int // positions in Table.Columns
	Refs  bool
	// Filter is the whole condition on the scan's output (nil: none): what the storage does not
	// take over exactly is evaluated here.
	Filter expr.Expr
	// Key, if set, has one expression without columns for each primary key column: at most one
	// row, found by key. Filter holds the rest of the condition.
	Key []expr.Expr
}

// Values yields literal rows; the expressions have no columns. No rows and no columns: "SELECT 1"
// without FROM is Values with one empty row.
type Values struct {
	Props
	Tuples [][]expr.Expr
}

// Filter keeps the rows for which Cond is true.
type Filter struct {
	Props
	Input Node
	Cond  expr.Expr
}

// Project computes Exprs.
type Project struct {
	Props
	Input Node
	Exprs []expr.Expr
}

// JoinKind is the kind of a join.
type JoinKind uint8

// The join kinds. Semi and Anti output only Left's columns. AntiNull is NOT IN: no row if any key of Right
// is NULL, and a NULL key of Left survives only an empty Right. Mark adds a boolean column to Left's: the
// three-valued result of "key = ANY (Right)". Single is Left that fails with 21000 on a second match. RightSemi and
// RightAnti are Semi and Anti of the other side: they output only Right's columns, in the order of Right, and
// are made when physical plans are, never by rules.
const (
	Inner JoinKind = iota
	Left
	Right
	Full
	Semi
	Anti
	AntiNull
	Mark
	Single
	RightSemi
	RightAnti
)

var joinNames = [...]string{"inner", "left", "right", "full", "semi", "anti", "anti (null-aware)", "mark", "single",
	"right semi", "right anti"}

// String returns the kind as plans print it.
func (k JoinKind) String() string { return joinNames[k] }

// Join joins by equality of keys, with an optional further condition. Right is the build side, Left
// the probe side. Without keys it is a nested loop. Cond sees Left's columns, then Right's (for Semi,
// Anti and Mark too); for outer joins it is part of the join condition.
//
// Where the kind is three-valued, what counts is the conjunction of all key comparisons and Cond, over
// each row of Right: AntiNull drops a row of Left if it is true or NULL for some row, Mark yields its
// disjunction over all rows.
type Join struct {
	Props
	Kind                JoinKind
	Left, Right         Node
	LeftKeys, RightKeys []expr.Expr // over Left's and Right's columns; pairwise of one type
	// NullEqual[i]: key i matches by IS NOT DISTINCT FROM.
	NullEqual []bool
	Cond      expr.Expr
}

// Aggregate groups by Keys (none: one group even of no rows) and outputs the keys, then the aggregates.
// No aggregates: DISTINCT.
type Aggregate struct {
	Props
	Input Node
	Keys  []expr.Expr
	Aggs  []*expr.Aggregate
	// Determined[i], if not nil: key i is a function of the keys that are not determined (they contain
	// the primary key of its table), so grouping need not compare it; all rows of a group have the
	// same, identical value.
	Determined []bool
}

// SortKey is an item of ORDER BY.
type SortKey struct {
	Expr       expr.Expr
	Desc       bool
	NullsFirst bool
}

// Sort orders its input. Limit, if not nil, is the number of rows that are wanted at most (Top-N); a
// Limit operator above still applies count and offset.
type Sort struct {
	Props
	Input Node
	Keys  []SortKey
	TopN  expr.Expr
	// Groups: only the first rows of each group are wanted, more may be passed.
	Groups *SortGroups
}

// SortGroups are the groups of rows that agree in the first Keys keys of a sort, and the rows that are wanted of each.
type SortGroups struct {
	Keys int
	WindowTop
}

// Limit passes Count rows after Offset rows; nil expressions: no limit, no offset. They have no columns;
// NULL is as absent; negative is 2201W or 2201X.
type Limit struct {
	Props
	Input         Node
	Count, Offset expr.Expr
}

// Append yields the rows of its inputs one after the other (UNION ALL).
type Append struct {
	Props
	All []Node
}

// SetOpKind is INTERSECT or EXCEPT.
type SetOpKind uint8

// The set operations that are not unions.
const (
	Intersect SetOpKind = iota
	Except
)

// SetOp is INTERSECT or EXCEPT, with ALL if All.
type SetOp struct {
	Props
	Kind SetOpKind
	All  bool
	L, R Node
}

// LockRows locks the rows of its input before it passes them on (FOR UPDATE …), row by row, under a
// LIMIT. Each item names the input column that holds row references. The references are not output.
type LockRows struct {
	Props
	Input Node
	Items []LockItem
	// Recheck is the condition of the query's WHERE over the input's columns, evaluated again on a
	// row that changed meanwhile (READ COMMITTED); nil: none.
	Recheck expr.Expr
	// Rerun: the condition has parts (subqueries) that Recheck leaves out; see Modify.Rerun.
	Rerun bool
}

// LockItem is one table of FOR UPDATE.
type LockItem struct {
	Table  *table.TableDef
	RefCol int
	// Cols maps table columns to input columns that hold them: refreshed when the row has moved.
	Cols []ColMap
	Mode table.RowLock
	Wait table.Wait
}

// ColMap says that input column Input holds table column Column.
type ColMap struct{ Column, Input int }

// Subplan is a query that is run once before its user; its single value (NULL if it yields no row) becomes
// parameter Param, or, if Exists, the boolean whether it yields a row.
type Subplan struct {
	Param  int
	Root   Node
	Exists bool
	// Volatile: it does something, or may give another result another time.
	Volatile bool
}

// Type returns the type of the parameter.
func (s *Subplan) Type() types.Type {
	if s.Exists {
		return types.T(types.Bool)
	}
	return s.Root.Columns()[0].Type
}

// Query is a complete physical plan.
type Query struct {
	Root     Node
	Subplans []Subplan // in the order in which they must run
	// Shared are plans that run once for all of their readers, which may be in Root, in Subplans, and in each other: one
	// reads those before it.
	Shared []SharedPlan
	// Params are the types of the parameters $1 ….
	Params []types.Type
	// Tables are all tables that the plan reads or writes, with their versions.
	Tables []*table.TableDef
	// Ordered: the rows have a defined order.
	Ordered bool
	// Sequential: rows must be computed one after the other, because they take values of sequences.
	Sequential bool
	Modify     *Modify // INSERT, UPDATE, DELETE; nil for SELECT
	// Changes are the data changes in WITH, which run before Root, in order; those that nothing is Used of after it if
	// it is a data change, too. Held is the number by which plan.Held names the rows that one returns.
	Changes []*Query
	Held    int
	Used    bool
	// Fresh: the plan holds rows of system relations, so it is good for one run.
	Fresh bool
}

// ModifyKind is the kind of a data change.
type ModifyKind uint8

// The data changes.
const (
	Insert ModifyKind = iota + 1
	Update
	Delete
	MergeRows // MERGE
)

// Modify says how the rows of Query.Root change a table. Root is materialised before the first write.
type Modify struct {
	Kind  ModifyKind
	Table *table.TableDef
	// Insert: Root yields all columns of the table in order, defaults included.
	OnConflict *table.OnConflict // nil: error
	Upsert     *Upsert           // of DO UPDATE; nil: none
	// Update and Delete: Root yields a row reference in column RefCol. Update: column SetFrom+i of
	// Root is the new value of table column SetCols[i].
	RefCol  int
	SetCols []int
	SetFrom int
	// For the re-check after a lock wait (READ COMMITTED): Cols says which columns of Root are columns
	// of the target table, Recheck is the WHERE condition over Root's columns, and Set the new
	// values over Root's columns, all to be evaluated on the refreshed row.
	Cols    []ColMap
	Recheck expr.Expr
	Set     []expr.Expr
	// Rerun: the WHERE condition has parts (subqueries) that Recheck leaves out. If a row has changed
	// since the snapshot, the whole statement must run again with a new one.
	Rerun bool
	// Returning are expressions over the table's columns (new row; for Delete the old one), then
	// Root's columns.
	Returning []expr.Expr
	Out       []OutColumn // of RETURNING
	Merge     *Merge      // of MergeRows
}

// Merge is what MERGE does with the rows of Root: a row reference in column RefCol of Modify, NULL if no row of the target
// matches, and column Present, which is true if a row of the source does. On is the join condition, to be evaluated again
// on a row that has changed. The first clause for such a row whose condition is true counts. Returning sees a last
// column, the name of the action.
type Merge struct {
	Present int
	On      expr.Expr
	Clauses []MergeClause
}

// MergeMatch says which rows a clause of MERGE is for.
type MergeMatch uint8

// The kinds of rows.
const (
	Matched MergeMatch = iota
	NotMatchedBySource
	NotMatchedByTarget
)

// MergeClause is WHEN … THEN. All expressions are over Root's columns.
type MergeClause struct {
	Match   MergeMatch
	Cond    expr.Expr  // nil: always
	Action  ModifyKind // Insert, Update, Delete; 0: nothing
	SetCols []int      // of Update
	Set     []expr.Expr
	Values  []expr.Expr // of Insert: all columns
}

// Upsert is what ON CONFLICT DO UPDATE does with a row that is there already: its columns SetCols become Set.
// The expressions are over the columns of that row, then those of the row that is not inserted.
type Upsert struct {
	SetCols []int
	Set     []expr.Expr
	Where   expr.Expr // nil: always
}

// Inputs returns nothing.
func (*Scan) Inputs() []Node { return nil }

// Inputs returns nothing.
func (*Values) Inputs() []Node { return nil }

// Inputs returns the input.
func (n *Filter) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Project) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the probe side, then the build side.
func (n *Join) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns the input.
func (n *Aggregate) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Sort) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Limit) Inputs() []Node { return []Node{n.Input} }

// Inputs returns all inputs.
func (n *Append) Inputs() []Node { return n.All }

// Inputs returns both inputs.
func (n *SetOp) Inputs() []Node { return []Node{n.L, n.R} }

// Inputs returns the input.
func (n *LockRows) Inputs() []Node { return []Node{n.Input} }

// Unique passes the first row of each run of rows that are equal (NULLs equal too) in Keys; its input is
// sorted by them (DISTINCT ON).
type Unique struct {
	Props
	Input Node
	Keys  []expr.Expr
}

// Series yields one column: Start, Start + Step, … while it has not passed Stop (generate_series). All are
// of the column's type, int4 or int8, and have no columns; with a NULL there are no rows, Step 0 is 22023.
type Series struct {
	Props
	Start, Stop, Step expr.Expr
}

// Inputs returns the input.
func (n *Unique) Inputs() []Node { return []Node{n.Input} }

// Inputs returns nothing.
func (*Series) Inputs() []Node { return nil }
