package ast

// Expr is a scalar expression.
type Expr interface {
	Pos() int
	expr()
}

// ColumnRef is a possibly qualified column name, or a star.
type ColumnRef struct {
	At
	// Names are the parts: column, table.column, schema.table.column. With Star, the parts before
	// the star.
	Names []string
	Star  bool
}

// Param is $N.
type Param struct {
	At
	N int
}

// LiteralKind is the kind of a literal.
type LiteralKind uint8

// The kinds of literals.
const (
	NullLiteral   LiteralKind = iota
	IntLiteral                // fits int4; Text is decimal
	NumberLiteral             // any other number, as written
	StringLiteral
	BoolLiteral // Text is "true" or "false"
	BitLiteral  // B'…' or X'…', with the letter first
)

// Literal is a constant.
type Literal struct {
	At
	Kind LiteralKind
	Text string
}

// Op applies an operator. L is nil for a prefix operator.
type Op struct {
	At
	Name string
	L, R Expr
}

// OpArray is L op ANY (R) or L op ALL (R), where R is an array.
type OpArray struct {
	At
	Name string
	L, R Expr
	All  bool
}

// And is a conjunction of two or more conditions.
type And struct {
	At
	Args []Expr
}

// Or is a disjunction of two or more conditions.
type Or struct {
	At
	Args []Expr
}

// Not is a negation.
type Not struct {
	At
	Arg Expr
}

// IsNull is Arg IS [NOT] NULL.
type IsNull struct {
	At
	Arg     Expr
	Negated bool
}

// TruthValue is what a BoolTest tests for.
type TruthValue uint8

// The truth values.
const (
	True TruthValue = iota
	False
	UnknownTruth
)

// BoolTest is Arg IS [NOT] TRUE, FALSE or UNKNOWN.
type BoolTest struct {
	At
	Arg     Expr
	Value   TruthValue
	Negated bool
}

// Distinct is L IS [NOT] DISTINCT FROM R.
type Distinct struct {
	At
	L, R    Expr
	Negated bool
}

// NullIf is NULLIF(L, R).
type NullIf struct {
	At
	L, R Expr
}

// In is Arg [NOT] IN (List).
type In struct {
	At
	Arg     Expr
	List    []Expr
	Negated bool
}

// LikeKind is the pattern language of Like.
type LikeKind uint8

// The pattern languages.
const (
	LikePattern LikeKind = iota
	ILikePattern
	SimilarPattern
)

// Like is Arg [NOT] LIKE Pattern [ESCAPE Escape], or ILIKE, or SIMILAR TO.
type Like struct {
	At
	Kind         LikeKind
	Arg, Pattern Expr
	Escape       Expr // nil: none given
	Negated      bool
}

// Between is Arg [NOT] BETWEEN [SYMMETRIC] Lo AND Hi.
type Between struct {
	At
	Arg, Lo, Hi        Expr
	Symmetric, Negated bool
}

// Case is CASE [Arg] WHEN … END.
type Case struct {
	At
	Arg   Expr // nil: searched CASE
	Whens []When
	Else  Expr // nil: none
}

// When is a branch of a Case.
type When struct {
	At
	Cond, Result Expr
}

// Coalesce is COALESCE(Args).
type Coalesce struct {
	At
	Args []Expr
}

// MinMax is GREATEST(Args) or LEAST(Args).
type MinMax struct {
	At
	Least bool
	Args  []Expr
}

// Call is a function call.
type Call struct {
	At
	Schema string // "" if not given
	Name   string
	Args   []Expr
	Star   bool // f(*)
	// Distinct, OrderBy and Filter belong to aggregates.
	Distinct bool
	OrderBy  []SortItem
	Filter   Expr
	// WithinGroup: OrderBy is WITHIN GROUP (ORDER BY …).
	WithinGroup bool
	Over        *Window // of a window function
	// Syntax: written with SQL's own syntax (EXTRACT, SUBSTRING … FROM, AT TIME ZONE …), which
	// PostgreSQL turns into a call.
	Syntax bool
}

// Cast is CAST(Arg AS Type), Arg::Type or Type 'literal'.
type Cast struct {
	At
	Arg  Expr
	Type TypeName
}

// TypeName is the name of a type as written.
type TypeName struct {
	At
	Schema string // "" if not given; the grammar's own names have pg_catalog
	Name   string // pg_type.typname, such as int4
	Mods   []int32
	Array  bool
}

// SubqueryKind says how a subquery is used in an expression.
type SubqueryKind uint8

// The kinds of subqueries.
const (
	ScalarSubquery SubqueryKind = iota
	ExistsSubquery
	AnySubquery // Arg Op ANY (Query); IN is = ANY
	AllSubquery // Arg Op ALL (Query)
	ArraySubquery
)

// Subquery is a query in an expression.
type Subquery struct {
	At
	Kind  SubqueryKind
	Arg   Expr   // Any, All
	Op    string // Any, All
	IsIn  bool   // written IN
	Query *Query
}

// Row is ROW(Args) or (a, b).
type Row struct {
	At
	Args []Expr
}

// Array is ARRAY[Items].
type Array struct {
	At
	Items []Expr
}

// Collate is Arg COLLATE Name.
type Collate struct {
	At
	Arg    Expr
	Schema string
	Name   string
}

// Subscript is Arg[Index].
type Subscript struct {
	At
	Arg, Index Expr
}

// NamedArg is an argument of a call by name: Name => Arg.
type NamedArg struct {
	At
	Name string
	Arg  Expr
}

// ValueFunc is CURRENT_DATE, CURRENT_TIMESTAMP, CURRENT_USER and the like: a function without
// parentheses, named in lower case.
type ValueFunc struct {
	At
	Name      string
	Precision int // -1: none
}

// MergeActionName is MERGE_ACTION().
type MergeActionName struct{ At }

// Grouping is GROUPING(Args).
type Grouping struct {
	At
	Args []Expr
}

// Default is DEFAULT in VALUES or SET.
type Default struct{ At }

func (*ColumnRef) expr()       {}
func (*Param) expr()           {}
func (*Literal) expr()         {}
func (*Op) expr()              {}
func (*OpArray) expr()         {}
func (*And) expr()             {}
func (*Or) expr()              {}
func (*Not) expr()             {}
func (*IsNull) expr()          {}
func (*BoolTest) expr()        {}
func (*Distinct) expr()        {}
func (*NullIf) expr()          {}
func (*In) expr()              {}
func (*Like) expr()            {}
func (*Between) expr()         {}
func (*Case) expr()            {}
func (*Coalesce) expr()        {}
func (*MinMax) expr()          {}
func (*Call) expr()            {}
func (*Cast) expr()            {}
func (*Subquery) expr()        {}
func (*Row) expr()             {}
func (*Array) expr()           {}
func (*Collate) expr()         {}
func (*Subscript) expr()       {}
func (*ValueFunc) expr()       {}
func (*NamedArg) expr()        {}
func (*Default) expr()         {}
func (*MergeActionName) expr() {}
func (*Grouping) expr()        {}
func (*GroupingSet) expr()     {}
