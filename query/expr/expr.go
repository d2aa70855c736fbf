package expr

import (
	"github.com/laminadb/lamina/types"
)

// Expr is a bound, typed scalar expression: an immutable tree. Rewrites copy what they change.
type Expr interface {
	Type() types.Type
	// Pos is the 1-based character position in the statement that the expression came from; 0 if
	// unknown.
	Pos() int
}

// Node holds what all expressions have.
type Node struct {
	Typ types.Type
	At  int
}

// Type returns the expression's type.
func (n *Node) Type() types.Type { return n.Typ }

// Pos returns the expression's position in the statement text.
func (n *Node) Pos() int { return n.At }

// Const is a constant. A constant of kind Unknown is an untyped literal (or NULL) that has not met a
// context yet.
type Const struct {
	Node
	Value types.Datum
}

// Column is a column of the input. In logical plans ID is unique in the whole statement; in physical
// plans it is the position in the operator's input (for joins: left columns, then right ones).
type Column struct {
	Node
	ID   int
	Name string
}

// Param is a statement parameter $N (1-based), or the result of a subplan that is run once before the
// plan it occurs in (see plan.Subplan), numbered above the parameters.
type Param struct {
	Node
	N int
}

// Call applies a function of the catalogue; operators and casts are functions.
type Call struct {
	Node
	Func *Func
	Args []Expr
}

// And is the conjunction of two or more conditions.
type And struct {
	Node
	Args []Expr
}

// Or is the disjunction of two or more conditions.
type Or struct {
	Node
	Args []Expr
}

// Not negates a condition.
type Not struct {
	Node
	Arg Expr
}

// IsNull is Arg IS NULL, or IS NOT NULL if Negated.
type IsNull struct {
	Node
	Arg     Expr
	Negated bool
}

// BoolTest is Arg IS [NOT] TRUE, FALSE (Value); IS UNKNOWN is IsNull. It is never NULL.
type BoolTest struct {
	Node
	Arg     Expr
	Value   bool
	Negated bool
}

// Distinct is L IS DISTINCT FROM R, or IS NOT DISTINCT FROM if Negated. Eq is the equality of their
// common type.
type Distinct struct {
	Node
	L, R    Expr
	Eq      *Func
	Negated bool
}

// Case is CASE WHEN … END; the simple form has been turned into conditions.
type Case struct {
	Node
	Whens []When
	Else  Expr // never nil: a NULL Const if absent
}

// When is a branch of a Case.
type When struct{ Cond, Result Expr }

// Coalesce is the first argument that is not NULL.
type Coalesce struct {
	Node
	Args []Expr
}

// In is Arg = ANY of the list, or <> ALL if Negated, with SQL's NULL rules. All have one type and Eq is
// its equality.
type In struct {
	Node
	Arg     Expr
	List    []Expr
	Eq      *Func
	Negated bool
}

// SubqueryKind says what a Subquery yields.
type SubqueryKind uint8

// The kinds of subqueries in expressions.
const (
	Scalar SubqueryKind = iota // its one value, NULL if no row, 21000 if several
	Exists                     // boolean
	Any                        // Test holds for some row (IN is = ANY)
	All                        // Test holds for all rows
)

// Subquery is a query inside an expression. The optimizer turns each into a join or a subplan; none
// reaches execution. Plan is a logical plan (package plan), opaque here.
type Subquery struct {
	Node
	Kind SubqueryKind
	Plan any
	// Test compares, for Any and All, the outer value with the subquery's column Columns[0…], which
	// it names by their IDs.
	Test    Expr
	Columns []Column
}

// Aggregate is a call of an aggregate function. It occurs only in aggregation operators' lists.
type Aggregate struct {
	Node
	Func     *AggFunc
	Args     []Expr // none for count(*)
	Distinct bool
	Filter   Expr // nil: none
	// Order is that of the rows, with Desc and NullsFirst for each; the binder turns it into that of the
	// aggregation's input, so that no plan has it.
	Order            []Expr
	Desc, NullsFirst []bool
	// InOrder: the values of DISTINCT come in the order of the input, not in their own.
	InOrder bool
}
