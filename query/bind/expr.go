package bind

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// exprs binds the expressions of one clause.
type exprs struct {
	s      *scope
	clause string // for messages: "WHERE", "JOIN conditions", …
	// aggregates: the clause may contain them.
	aggregates bool
	// inAggregate: inside the arguments of one.
	inAggregate bool
	// windows are the named windows that the clause may use, nil if it may contain no window functions.
	windows *windowClause
	// sets: the clause may contain set-returning functions.
	sets bool
	// action is the column of MERGE_ACTION() in RETURNING of MERGE; nil elsewhere.
	action *plan.Col
	// stored: the expression is kept in the catalog, so it may not depend on the statement.
	stored bool
	depth  int
}

// Clauses of stored expressions, as messages name them.
const (
	clauseCheck   = "check constraints"
	clauseDefault = "DEFAULT expressions"
	// clauseGenerated is GENERATED ALWAYS AS (…).
	clauseGenerated = "column generation expressions"
	// clauseTransform is USING of ALTER COLUMN TYPE.
	clauseTransform = "transform expressions"
	// clauseCopy is WHERE of COPY FROM, which is not stored.
	clauseCopy = "COPY FROM WHERE conditions"
)

// exprDepthMax bounds the depth of an expression.
const exprDepthMax = 6000

func (s *scope) exprs(clause string) *exprs { return &exprs{s: s, clause: clause} }

// condition binds a boolean expression.
func (x *exprs) condition(e ast.Expr, clause string) (expr.Expr, error) {
	b, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return expr.RequireBool(b, clause)
}

func (x *exprs) list(list []ast.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = x.bind(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (x *exprs) pair(l, r ast.Expr) (a, b expr.Expr, err error) {
	if a, err = x.bind(l); err == nil {
		b, err = x.bind(r)
	}
	return a, b, err
}

// bind binds an expression.
func (x *exprs) bind(e ast.Expr) (expr.Expr, error) {
	x.depth++
	defer func() { x.depth-- }()
	if x.depth > exprDepthMax {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded")
	}
	if err := x.s.g.opts.Interrupt.Err(); err != nil {
		return nil, err
	}
	b, err := x.node(e)
	if err != nil {
		return nil, err
	}
	return settled(b), nil
}

// settled moves the position of an operator to where its first operand begins: while it is resolved an
// operator is reported at its symbol, later the whole expression at its beginning.
func settled(e expr.Expr) expr.Expr {
	var node *expr.Node
	var first expr.Expr
	switch e := e.(type) {
	case *expr.Call:
		if len(e.Args) > 0 {
			node, first = &e.Node, e.Args[0]
		}
	case *expr.And:
		node, first = &e.Node, e.Args[0]
	case *expr.Or:
		node, first = &e.Node, e.Args[0]
	case *expr.IsNull:
		node, first = &e.Node, e.Arg
	case *expr.BoolTest:
		node, first = &e.Node, e.Arg
	case *expr.Distinct:
		node, first = &e.Node, e.L
	case *expr.In:
		node, first = &e.Node, e.Arg
	}
	if node != nil && first.Pos() > 0 && first.Pos() < node.At {
		node.At = first.Pos() // the node has just been made, nothing shares it yet
	}
	return e
}

// newOp applies an operator to bound operands.
func newOp(op string, pos int, args ...expr.Expr) (expr.Expr, error) {
	e, err := expr.NewOp(op, pos, args...)
	if err != nil {
		return nil, err
	}
	return settled(e), nil
}

// node binds an expression whose position may still be that of its operator.
func (x *exprs) node(e ast.Expr) (expr.Expr, error) {
	switch e := e.(type) {
	case *ast.ColumnRef:
		return x.columnRef(e)
	case *ast.Literal:
		return literal(e)
	case *ast.Param:
		if x.stored {
			return nil, sqlerr.Newf(sqlerr.UndefinedParameter, "there is no parameter $%d", e.N).At(e.Pos())
		}
		return x.s.g.param(e.N, e.Pos())
	case *ast.Op:
		return x.op(e)
	case *ast.And:
		return x.junction(e.Args, e.Pos(), "AND", expr.NewAnd)
	case *ast.Or:
		return x.junction(e.Args, e.Pos(), "OR", expr.NewOr)
	case *ast.Not:
		return x.not(e)
	case *ast.Call:
		return x.call(e)
	case *ast.Cast:
		return x.cast(e)
	case *ast.Subquery:
		return x.subquery(e)
	case *ast.In:
		return x.in(e)
	case *ast.Between:
		return x.between(e)
	case *ast.Like:
		return x.like(e)
	case *ast.Case:
		return x.caseExpr(e)
	}
	return x.rare(e)
}

func (x *exprs) rare(e ast.Expr) (expr.Expr, error) {
	switch e := e.(type) {
	case *ast.IsNull:
		return x.isNull(e)
	case *ast.BoolTest:
		a, err := x.bind(e.Arg)
		if err != nil {
			return nil, err
		}
		test := [...]expr.BoolTestKind{expr.IsTrue, expr.IsFalse, expr.IsUnknown}[e.Value]
		return expr.NewBoolTest(e.Pos(), a, test, e.Negated)
	case *ast.Distinct:
		return x.distinct(e)
	case *ast.NullIf:
		l, r, err := x.pair(e.L, e.R)
		if err != nil {
			return nil, err
		}
		return expr.NewNullIf(e.Pos(), l, r)
	case *ast.Coalesce:
		args, err := x.list(e.Args)
		if err != nil {
			return nil, err
		}
		return expr.NewCoalesce(e.Pos(), args...)
	case *ast.MinMax:
		args, err := x.list(e.Args)
		if err != nil {
			return nil, err
		}
		return expr.NewGreatest(e.Least, e.Pos(), args...)
	case *ast.NamedArg:
		return nil, sqlerr.Unsupported("named argument notation").At(e.Pos())
	case *ast.ValueFunc:
		return x.valueFunc(e)
	case *ast.OpArray:
		return x.opArray(e)
	case *ast.Collate:
		return x.collate(e)
	case *ast.Subscript:
		return x.subscript(e)
	case *ast.MergeActionName:
		return x.mergeAction(e)
	case *ast.Grouping:
		return x.grouping(e)
	case *ast.Row:
		return nil, sqlerr.Unsupported("row value").At(e.Pos())
	case *ast.Array:
		return nil, sqlerr.Unsupported("array").At(e.Pos())
	case *ast.Default:
		return nil, sqlerr.New(sqlerr.SyntaxError, "DEFAULT is not allowed in this context").At(e.Pos())
	}
	return nil, sqlerr.Unsupported("expression").At(e.Pos())
}

func (x *exprs) columnRef(e *ast.ColumnRef) (expr.Expr, error) {
	if e.Star {
		return nil, sqlerr.Unsupported("whole-row reference").At(e.Pos())
	}
	if x.clause == clauseDefault {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use column reference in DEFAULT expression").At(e.Pos())
	}
	return x.s.column(e)
}

// literal makes a constant: integers are int4, int8 or numeric, whichever fits first.
func literal(e *ast.Literal) (expr.Expr, error) {
	pos := e.Pos()
	switch e.Kind {
	case ast.NullLiteral:
		return expr.NewNull(pos), nil
	case ast.StringLiteral:
		return expr.NewLiteral(e.Text, pos), nil
	case ast.BoolLiteral:
		return expr.NewConst(types.NewBool(e.Text == "true"), types.T(types.Bool), pos), nil
	case ast.BitLiteral:
		return nil, sqlerr.Unsupported("bit string").At(pos)
	}
	// The grammar gives what does not fit int4 as a number; 0x…, 0o… and 0b… too.
	if n, err := strconv.ParseInt(e.Text, 0, 64); err == nil && plainInteger(e.Text) {
		k := types.Int8
		if types.IntInRange(types.Int4, n) {
			k = types.Int4
		}
		return expr.NewConst(types.NewInt(k, n), types.T(k), pos), nil
	}
	d, err := types.Parse(types.T(types.Numeric), e.Text)
	if err != nil {
		return nil, expr.At(err, pos)
	}
	return expr.NewConst(d, types.T(types.Numeric), pos), nil
}

// plainInteger refuses what Go reads as an integer and SQL does not: a leading 0 does not mean octal.
func plainInteger(s string) bool {
	if s[0] == '-' {
		s = s[1:]
	}
	return len(s) < 2 || s[0] != '0' || s[1] < '0' || s[1] > '9'
}

func (x *exprs) junction(
	args []ast.Expr, pos int, clause string, make func(int, ...expr.Expr) (expr.Expr, error),
) (expr.Expr, error) {
	out, err := x.list(args)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i], err = expr.RequireBool(out[i], clause); err != nil {
			return nil, err
		}
	}
	return make(pos, out...)
}

func (x *exprs) not(e *ast.Not) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	// NOT x IN (SELECT …) is one construct: the optimizer looks for it below Not.
	return expr.NewNot(e.Pos(), a)
}

func (x *exprs) op(e *ast.Op) (expr.Expr, error) {
	if row, ok := e.L.(*ast.Row); ok {
		return x.rowCompare(e, row)
	}
	if lit, ok := e.R.(*ast.Literal); ok && e.L == nil && e.Name == "-" && (lit.Kind == ast.IntLiteral || lit.Kind == ast.NumberLiteral) {
		return literal(&ast.Literal{At: e.At, Kind: lit.Kind, Text: "-" + lit.Text})
	}
	r, err := x.bind(e.R)
	if e.L == nil {
		if err != nil {
			return nil, err
		}
		return newOp(e.Name, e.Pos(), r)
	}
	l, lerr := x.bind(e.L)
	if lerr != nil {
		return nil, lerr
	}
	if err != nil {
		return nil, err
	}
	return newOp(e.Name, e.Pos(), l, r)
}

// rowCompare binds a comparison of rows: equality by columns, order by the first that differs.
func (x *exprs) rowCompare(e *ast.Op, l *ast.Row) (expr.Expr, error) {
	if q, ok := e.R.(*ast.Subquery); ok && q.Kind == ast.ScalarSubquery {
		return x.rowSubquery(e, l, q)
	}
	r, ok := e.R.(*ast.Row)
	if !ok {
		return nil, sqlerr.Unsupported("row value").At(e.Pos())
	}
	if len(l.Args) != len(r.Args) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "unequal number of entries in row expressions").At(e.Pos())
	}
	if len(l.Args) == 0 {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot compare rows of zero length").At(e.Pos())
	}
	ls, err := x.list(l.Args)
	if err != nil {
		return nil, err
	}
	rs, err := x.list(r.Args)
	if err != nil {
		return nil, err
	}
	return compareRows(e.Name, e.Pos(), ls, rs)
}

func compareRows(op string, pos int, l, r []expr.Expr) (expr.Expr, error) {
	switch op {
	case "=", "<>", "!=":
		parts := make([]expr.Expr, len(l))
		for i := range l {
			var err error
			if parts[i], err = newOp(op, pos, l[i], r[i]); err != nil {
				return nil, err
			}
		}
		if op == "=" {
			return expr.NewAnd(pos, parts...)
		}
		return expr.NewOr(pos, parts...)
	case "<", "<=", ">", ">=":
		// a < b OR a = b AND (rest), from the last column on
		strict := op[:1]
		cond, err := newOp(op, pos, l[len(l)-1], r[len(l)-1])
		for i := len(l) - 2; i >= 0 && err == nil; i-- {
			var first, equal expr.Expr
			if first, err = newOp(strict, pos, l[i], r[i]); err != nil {
				return nil, err
			}
			if equal, err = newOp("=", pos, l[i], r[i]); err != nil {
				return nil, err
			}
			if cond, err = expr.NewAnd(pos, equal, cond); err == nil {
				cond, err = expr.NewOr(pos, first, cond)
			}
		}
		return cond, err
	}
	return nil, sqlerr.Unsupported("operator " + op + " on rows").At(pos)
}

func (x *exprs) isNull(e *ast.IsNull) (expr.Expr, error) {
	if row, ok := e.Arg.(*ast.Row); ok {
		// (a, b) IS NULL: all are; IS NOT NULL: all are not.
		args, err := x.list(row.Args)
		if err != nil {
			return nil, err
		}
		for i := range args {
			args[i] = expr.NewIsNull(e.Pos(), args[i], e.Negated)
		}
		return expr.NewAnd(e.Pos(), args...)
	}
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	return expr.NewIsNull(e.Pos(), a, e.Negated), nil
}

func (x *exprs) distinct(e *ast.Distinct) (expr.Expr, error) {
	lrow, lok := e.L.(*ast.Row)
	rrow, rok := e.R.(*ast.Row)
	if !lok && !rok {
		l, r, err := x.pair(e.L, e.R)
		if err != nil {
			return nil, err
		}
		return expr.NewDistinct(e.Pos(), l, r, e.Negated)
	}
	if !lok || !rok || len(lrow.Args) != len(rrow.Args) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "unequal number of entries in row expressions").At(e.Pos())
	}
	parts := make([]expr.Expr, len(lrow.Args))
	for i := range parts {
		l, r, err := x.pair(lrow.Args[i], rrow.Args[i])
		if err != nil {
			return nil, err
		}
		if parts[i], err = expr.NewDistinct(e.Pos(), l, r, e.Negated); err != nil {
			return nil, err
		}
	}
	if e.Negated {
		return expr.NewAnd(e.Pos(), parts...)
	}
	return expr.NewOr(e.Pos(), parts...)
}

func (x *exprs) in(e *ast.In) (expr.Expr, error) {
	if row, ok := e.Arg.(*ast.Row); ok {
		return x.inRows(e, row)
	}
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	list, err := x.list(e.List)
	if err != nil {
		return nil, err
	}
	return expr.NewIn(e.Pos(), a, list, e.Negated)
}

// inRows binds (a, b) IN ((1, 2), …).
func (x *exprs) inRows(e *ast.In, row *ast.Row) (expr.Expr, error) {
	conds := make([]expr.Expr, len(e.List))
	op := "="
	if e.Negated {
		op = "<>"
	}
	for i, r := range e.List {
		var err error
		if conds[i], err = x.rowCompare(&ast.Op{At: e.At, Name: op, L: row, R: r}, row); err != nil {
			return nil, err
		}
	}
	if e.Negated {
		return expr.NewAnd(e.Pos(), conds...)
	}
	return expr.NewOr(e.Pos(), conds...)
}

// between binds BETWEEN as two comparisons, as PostgreSQL does.
func (x *exprs) between(e *ast.Between) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	lo, hi, err := x.pair(e.Lo, e.Hi)
	if err != nil {
		return nil, err
	}
	cond, err := within(e.Pos(), a, lo, hi, e.Negated)
	if err != nil || !e.Symmetric {
		return cond, err
	}
	other, err := within(e.Pos(), a, hi, lo, e.Negated)
	if err != nil {
		return nil, err
	}
	if e.Negated {
		return expr.NewAnd(e.Pos(), cond, other)
	}
	return expr.NewOr(e.Pos(), cond, other)
}

func within(pos int, a, lo, hi expr.Expr, negated bool) (expr.Expr, error) {
	ge, le, combine := ">=", "<=", expr.NewAnd
	if negated {
		ge, le, combine = "<", ">", expr.NewOr
	}
	l, err := newOp(ge, pos, a, lo)
	if err != nil {
		return nil, err
	}
	h, err := newOp(le, pos, a, hi)
	if err != nil {
		return nil, err
	}
	return combine(pos, l, h)
}

// likeEscape are the functions that bring a pattern with another escape character to its usual form, or to a
// regular expression.
var likeEscape = [...]string{
	ast.LikePattern: "like_escape", ast.ILikePattern: "like_escape", ast.SimilarPattern: "similar_to_escape",
}

func (x *exprs) like(e *ast.Like) (expr.Expr, error) {
	a, p, err := x.pair(e.Arg, e.Pattern)
	if err != nil {
		return nil, err
	}
	if e.Escape != nil {
		esc, err := x.bind(e.Escape)
		if err != nil {
			return nil, err
		}
		if p, err = expr.NewFunc(likeEscape[e.Kind], e.Pos(), p, esc); err != nil {
			return nil, err
		}
	} else if e.Kind == ast.SimilarPattern {
		if p, err = expr.NewFunc(likeEscape[e.Kind], e.Pos(), p); err != nil {
			return nil, err
		}
	}
	op := [...]string{ast.LikePattern: "~~", ast.ILikePattern: "~~*", ast.SimilarPattern: "~"}[e.Kind]
	if e.Negated {
		op = "!" + op
	}
	return newOp(op, e.Pos(), a, p)
}

func (x *exprs) caseExpr(e *ast.Case) (expr.Expr, error) {
	var arg, els expr.Expr
	var err error
	if e.Arg != nil {
		if arg, err = x.bind(e.Arg); err != nil {
			return nil, err
		}
		if isUnknown(arg) {
			if arg, err = expr.NewCast(arg, types.T(types.Text), expr.Implicit, arg.Pos()); err != nil {
				return nil, err
			}
		}
	}
	whens := make([]expr.When, len(e.Whens))
	for i, w := range e.Whens {
		if whens[i].Cond, whens[i].Result, err = x.pair(w.Cond, w.Result); err != nil {
			return nil, err
		}
	}
	if e.Else != nil {
		if els, err = x.bind(e.Else); err != nil {
			return nil, err
		}
	}
	return expr.NewCase(e.Pos(), arg, whens, els)
}

// subscript binds an element of an array.
func (x *exprs) subscript(e *ast.Subscript) (expr.Expr, error) {
	args, err := x.list([]ast.Expr{e.Arg, e.Index})
	if err != nil {
		return nil, err
	}
	return expr.NewElement(e.Pos(), args[0], args[1])
}

// collate accepts the collations that order by code point, which is how text is always ordered.
func (x *exprs) collate(e *ast.Collate) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	if !CodePointCollation(e.Name) {
		return nil, CollationError(e.Name).At(e.Pos())
	}
	switch a.Type().Kind {
	case types.Unknown:
		return expr.NewCast(a, types.T(types.Text), expr.Implicit, a.Pos())
	case types.Text, types.Varchar, types.BpChar, types.Name:
		return a, nil
	}
	return nil, sqlerr.Newf(sqlerr.DatatypeMismatch, "collations are not supported by type %s", a.Type().Kind).At(e.Pos())
}

// CollationError is the error for a collation that does not order by code points.
func CollationError(name string) *sqlerr.Error {
	if name == "unicode" || name == "pg_unicode_fast" || strings.HasSuffix(name, "-x-icu") || localeName.MatchString(name) {
		return sqlerr.Unsupported("collation \"" + name + "\"")
	}
	return sqlerr.Newf(sqlerr.UndefinedObject, "collation \"%s\" for encoding \"UTF8\" does not exist", name)
}

// localeName matches the names of an operating system's collations, such as de_DE.utf8.
var localeName = regexp.MustCompile(`^[a-z]{2,3}_[A-Z]{2}([.@].*)?$`)

// CodePointCollation reports whether a collation orders text by code points.
func CodePointCollation(name string) bool {
	switch name {
	case "C", "POSIX", "default", "ucs_basic", "C.UTF-8", "C.utf8", "pg_c_utf8":
		return true
	}
	return false
}

// opArray binds x op ANY (array) and x op ALL (array) where the array is written out.
func (x *exprs) opArray(e *ast.OpArray) (expr.Expr, error) {
	l, err := x.bind(e.L)
	if err != nil {
		return nil, err
	}
	items, err := arrayItems(e.R)
	if err != nil {
		if _, ok := e.R.(*ast.Literal); ok || e.All || e.Name != "=" {
			return nil, err
		}
		r, berr := x.bind(e.R)
		if berr != nil {
			return nil, berr
		}
		if !r.Type().Kind.IsArray() {
			return nil, err
		}
		return expr.NewAnyElement(e.Pos(), l, r)
	}
	list, err := x.list(items)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return expr.NewConst(types.NewBool(e.All), types.T(types.Bool), e.Pos()), nil
	}
	t, err := expr.CommonType(list, "ARRAY")
	if err != nil {
		return nil, err
	}
	if list, err = expr.CoerceAll(list, t, "ARRAY"); err != nil {
		return nil, err
	}
	switch {
	case e.Name == "=" && !e.All:
		return expr.NewIn(e.Pos(), l, list, false)
	case (e.Name == "<>" || e.Name == "!=") && e.All:
		return expr.NewIn(e.Pos(), l, list, true)
	}
	conds := make([]expr.Expr, len(list))
	for i, r := range list {
		if conds[i], err = newOp(e.Name, e.Pos(), l, r); err != nil {
			return nil, err
		}
	}
	if e.All {
		return expr.NewAnd(e.Pos(), conds...)
	}
	return expr.NewOr(e.Pos(), conds...)
}

// arrayItems returns the items of ARRAY[…], cast or not.
func arrayItems(e ast.Expr) ([]ast.Expr, error) {
	switch a := e.(type) {
	case *ast.Array:
		return a.Items, nil
	case *ast.Cast:
		inner, ok := a.Arg.(*ast.Array)
		if !ok || !a.Type.Array {
			break
		}
		item := a.Type
		item.Array = false
		out := make([]ast.Expr, len(inner.Items))
		for i, x := range inner.Items {
			out[i] = &ast.Cast{At: a.At, Arg: x, Type: item}
		}
		return out, nil
	}
	return nil, sqlerr.Unsupported("array").At(e.Pos())
}
