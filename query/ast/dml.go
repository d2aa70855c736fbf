package ast

// Insert is INSERT INTO.
type Insert struct {
	With    []CTE
	Table   *TableRef
	Columns []InsertColumn
	Query   *Query // nil: DEFAULT VALUES
	// Overriding is "SYSTEM VALUE" or "USER VALUE" if written.
	Overriding string
	OnConflict *OnConflict
	Returning  []Target
}

// InsertColumn is a target column.
type InsertColumn struct {
	At
	Name string
}

// OnConflict is ON CONFLICT [target] DO NOTHING, or DO UPDATE if it has Set.
type OnConflict struct {
	At
	Columns    []InsertColumn // the conflict target's columns; empty: none or a constraint
	Constraint string
	Set        []Assign
	Where      Expr
}

// Update is UPDATE.
type Update struct {
	With      []CTE
	Table     *TableRef
	Set       []Assign
	From      []TableExpr
	Where     Expr
	Returning []Target
}

// Assign sets Columns to Value; with several columns Value is a Row, a Default is one for each column of a
// Row, or a Subquery with as many columns.
type Assign struct {
	Columns []InsertColumn
	Value   Expr
	// Multi: written (a, …) = ….
	Multi bool
}

// Delete is DELETE FROM.
type Delete struct {
	With      []CTE
	Table     *TableRef
	Using     []TableExpr
	Where     Expr
	Returning []Target
}

// Merge is MERGE INTO.
type Merge struct {
	With      []CTE
	Table     *TableRef
	Source    TableExpr
	On        Expr
	Whens     []MergeWhen
	Returning []Target
}

// MergeMatch says which rows a WHEN clause of MERGE is for.
type MergeMatch uint8

// The kinds of WHEN.
const (
	WhenMatched MergeMatch = iota
	WhenNotMatchedBySource
	WhenNotMatchedByTarget
)

// MergeAction is what a WHEN clause of MERGE does.
type MergeAction uint8

// The actions of MERGE.
const (
	MergeNothing MergeAction = iota
	MergeInsert
	MergeUpdate
	MergeDelete
)

// MergeWhen is a WHEN clause of MERGE.
type MergeWhen struct {
	Match      MergeMatch
	Cond       Expr // nil: always
	Action     MergeAction
	Set        []Assign       // of UPDATE
	Columns    []InsertColumn // of INSERT
	Values     []Expr         // of INSERT; nil: DEFAULT VALUES
	Overriding string         // as that of Insert
}

// Truncate is TRUNCATE.
type Truncate struct {
	Tables          []*TableRef
	RestartIdentity bool
	Cascade         bool
}

// Copy is COPY.
type Copy struct {
	Table   *TableRef // nil: a query
	Columns []string
	Query   Stmt // *Query, or a data change with RETURNING
	From    bool // COPY FROM; else TO
	File    string
	Std     bool // STDIN or STDOUT instead of a file
	Options []Option
	Where   Expr
}

// Option is a named option in parentheses or its older spelling.
type Option struct {
	At
	Name string // lower case
	// Value is the text of the value; HasValue is false if only the name was written.
	Value    string
	HasValue bool
	// Columns is a parenthesised list of names (FORCE_QUOTE (a, b)); Star is FORCE_QUOTE *.
	Columns []string
	Star    bool
}

func (*Insert) stmt()   {}
func (*Update) stmt()   {}
func (*Delete) stmt()   {}
func (*Merge) stmt()    {}
func (*Truncate) stmt() {}
func (*Copy) stmt()     {}
