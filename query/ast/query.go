package ast

// Query is a query expression: a body with what may stand around it. As a statement it is SELECT,
// VALUES or a set operation.
type Query struct {
	With          []CTE
	Body          QueryBody
	OrderBy       []SortItem
	Limit, Offset Expr // nil: none (LIMIT ALL too)
	WithTies      bool // of FETCH FIRST: rows that are equal to the last one, too
	Locks         []Locking
}

// QueryBody is *Select, *Values or *SetOp.
type QueryBody interface{ body() }

// CTE is a common table expression of WITH.
type CTE struct {
	At
	Name    string
	Columns []string
	Query   *Query
	Change  Stmt // *Insert, *Update or *Delete instead of Query
	// Materialized is set by AS MATERIALIZED, Inlined by AS NOT MATERIALIZED.
	Materialized, Inlined bool
	// Recursive: the query may name itself (WITH RECURSIVE).
	Recursive bool
}

// Select is SELECT … FROM … WHERE … GROUP BY … HAVING.
type Select struct {
	Distinct   bool
	DistinctOn []Expr // DISTINCT ON (…)
	Targets    []Target
	From       []TableExpr
	Where      Expr
	GroupBy    []Expr // a *GroupingSet may stand here
	// GroupDistinct is GROUP BY DISTINCT: equal grouping sets count once.
	GroupDistinct bool
	Having        Expr
	Windows       []Window // of WINDOW, with names
}

// GroupingKind is the form of a grouping set.
type GroupingKind uint8

// The forms of grouping sets.
const (
	GroupingList GroupingKind = iota // (a, b), () too
	Rollup
	Cube
	GroupingSets
)

// GroupingSet is (a, b), ROLLUP, CUBE or GROUPING SETS in GROUP BY.
type GroupingSet struct {
	At
	Kind  GroupingKind
	Items []Expr // those of GROUPING SETS may be grouping sets of all kinds, those of the others lists
}

// Window is a window definition: in OVER, or with a name in WINDOW.
type Window struct {
	At
	// Name is the window's own name; in OVER, the name of a window that is used as it is.
	Name string
	// Base is the window that this one extends; "" if none.
	Base        string
	PartitionBy []Expr
	OrderBy     []SortItem
	// Framed: a frame is written.
	Framed bool
	Frame  Frame
}

// Frame is a frame clause. Without one it is RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW.
type Frame struct {
	Mode       FrameMode
	Start, End FrameBound
	Exclude    FrameExclusion
}

// FrameBound is an end of a frame; Offset stands before PRECEDING or FOLLOWING.
type FrameBound struct {
	Kind   FrameBoundKind
	Offset Expr
}

// FrameMode is the unit of a frame.
type FrameMode uint8

// The units of frames.
const (
	FrameRange FrameMode = iota
	FrameRows
	FrameGroups
)

// FrameBoundKind says what a bound of a frame is relative to.
type FrameBoundKind uint8

// The bounds of frames, in their order.
const (
	UnboundedPreceding FrameBoundKind = iota
	OffsetPreceding
	CurrentRow
	OffsetFollowing
	UnboundedFollowing
)

// FrameExclusion is EXCLUDE.
type FrameExclusion uint8

// The exclusions of frames.
const (
	ExcludeNoOthers FrameExclusion = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

// Target is an item of the select list or of RETURNING.
type Target struct {
	At
	Expr  Expr
	Alias string // "" if none
}

// Values is VALUES (…), (…).
type Values struct{ Rows [][]Expr }

// SetOpKind is a set operation.
type SetOpKind uint8

// The set operations.
const (
	Union SetOpKind = iota
	Intersect
	Except
)

// String returns the keyword.
func (k SetOpKind) String() string { return [...]string{"UNION", "INTERSECT", "EXCEPT"}[k] }

// SetOp is L UNION, INTERSECT or EXCEPT [ALL] R.
type SetOp struct {
	Kind SetOpKind
	All  bool
	L, R *Query
}

// SortItem is an item of ORDER BY.
type SortItem struct {
	Expr Expr
	Desc bool
	// Nulls is NullsFirst or NullsLast if written.
	Nulls NullsOrder
	Using string // operator of USING, "" if none
}

// NullsOrder says where NULLs sort.
type NullsOrder uint8

// The orders of NULLs.
const (
	NullsDefault NullsOrder = iota
	NullsFirst
	NullsLast
)

// LockStrength is the row lock of FOR ….
type LockStrength uint8

// The row locks, weakest first.
const (
	ForKeyShare LockStrength = iota
	ForShare
	ForNoKeyUpdate
	ForUpdate
)

// String returns the clause.
func (s LockStrength) String() string {
	return [...]string{"FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[s]
}

// LockWait says what to do when a lock is not free.
type LockWait uint8

// The wait policies.
const (
	LockBlock LockWait = iota
	LockNoWait
	LockSkip
)

// Locking is a FOR UPDATE, FOR SHARE … clause.
type Locking struct {
	Strength LockStrength
	Of       []*TableRef // empty: all tables of FROM
	Wait     LockWait
}

// TableExpr is an item of FROM.
type TableExpr interface {
	Pos() int
	from()
}

// RelName is a possibly qualified name of a relation.
type RelName struct {
	At
	Catalog, Schema, Name string // "" if not given
}

// Alias renames a FROM item and its columns.
type Alias struct {
	Name    string
	Columns []string
}

// TableRef is a table, view or CTE in FROM.
type TableRef struct {
	RelName
	Alias *Alias
}

// SubqueryRef is a query in FROM.
type SubqueryRef struct {
	At
	Query   *Query
	Alias   *Alias
	Lateral bool
}

// FuncRef is a function in FROM.
type FuncRef struct {
	At
	Call       Expr
	Alias      *Alias
	Lateral    bool
	Ordinality bool // WITH ORDINALITY
}

// JoinKind is the kind of a join.
type JoinKind uint8

// The join kinds.
const (
	InnerJoin JoinKind = iota // CROSS JOIN too: no condition
	LeftJoin
	RightJoin
	FullJoin
)

// String returns the keyword.
func (k JoinKind) String() string { return [...]string{"INNER", "LEFT", "RIGHT", "FULL"}[k] }

// Join joins two FROM items.
type Join struct {
	At
	Kind       JoinKind
	L, R       TableExpr
	Natural    bool
	Using      []string
	UsingAlias string // JOIN … USING (…) AS alias
	On         Expr
	Alias      *Alias // (a JOIN b) AS alias
}

func (*Query) stmt() {}

func (*Select) body() {}
func (*Values) body() {}
func (*SetOp) body()  {}

func (*TableRef) from()    {}
func (*SubqueryRef) from() {}
func (*FuncRef) from()     {}
func (*Join) from()        {}
