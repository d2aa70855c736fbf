package sqlparse

import (
	"strconv"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

func itoa(v int32) string { return strconv.Itoa(int(v)) }

// exprOrNil converts an optional expression.
func (c *converter) exprOrNil(n *pgNode) ast.Expr {
	if n.GetNode() == nil {
		return nil
	}
	return c.expr(n)
}

func (c *converter) exprs(nodes []*pgNode) []ast.Expr {
	if len(nodes) == 0 {
		return nil
	}
	out := make([]ast.Expr, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, c.expr(n))
	}
	return out
}

// expr converts an expression.
func (c *converter) expr(n *pgNode) ast.Expr {
	if !c.enter() {
		c.leave()
		return nil
	}
	defer c.leave()
	switch e := n.GetNode().(type) {
	case *nodeColumnRef:
		return c.columnRef(e.ColumnRef)
	case *nodeAConst:
		return c.literal(e.AConst)
	case *nodeParamRef:
		return &ast.Param{At: c.at(e.ParamRef.GetLocation()), N: int(e.ParamRef.GetNumber())}
	case *nodeAExpr:
		return c.operator(e.AExpr)
	case *nodeBoolExpr:
		return c.boolExpr(e.BoolExpr)
	case *nodeFuncCall:
		return c.call(e.FuncCall)
	case *nodeNamedArgExpr:
		a := e.NamedArgExpr
		return &ast.NamedArg{At: c.at(a.GetLocation()), Name: a.GetName(), Arg: c.expr(a.GetArg())}
	case *nodeTypeCast:
		t := e.TypeCast
		return &ast.Cast{At: c.at(t.GetLocation()), Arg: c.expr(t.GetArg()), Type: c.typeName(t.GetTypeName())}
	case *nodeSubLink:
		return c.subquery(e.SubLink)
	case *nodeNullTest:
		t := e.NullTest
		return &ast.IsNull{At: c.at(t.GetLocation()), Arg: c.expr(t.GetArg()), Negated: t.GetNulltesttype() == isNotNull}
	case *nodeBooleanTest:
		return c.boolTest(e.BooleanTest)
	case *nodeCaseExpr:
		return c.caseExpr(e.CaseExpr)
	case *nodeCoalesceExpr:
		return &ast.Coalesce{At: c.at(e.CoalesceExpr.GetLocation()), Args: c.exprs(e.CoalesceExpr.GetArgs())}
	}
	return c.rareExpr(n)
}

func (c *converter) rareExpr(n *pgNode) ast.Expr {
	switch e := n.GetNode().(type) {
	case *nodeMinMaxExpr:
		m := e.MinMaxExpr
		return &ast.MinMax{At: c.at(m.GetLocation()), Least: m.GetOp() == isLeast, Args: c.exprs(m.GetArgs())}
	case *nodeSQLValueFunction:
		return c.valueFunc(e.SqlvalueFunction)
	case *nodeMergeSupportFunc:
		return &ast.MergeActionName{At: c.at(e.MergeSupportFunc.GetLocation())}
	case *nodeGroupingFunc:
		return &ast.Grouping{At: c.at(e.GroupingFunc.GetLocation()), Args: c.exprs(e.GroupingFunc.GetArgs())}
	case *nodeRowExpr:
		return &ast.Row{At: c.at(e.RowExpr.GetLocation()), Args: c.exprs(e.RowExpr.GetArgs())}
	case *nodeAArrayExpr:
		return &ast.Array{At: c.at(e.AArrayExpr.GetLocation()), Items: c.exprs(e.AArrayExpr.GetElements())}
	case *nodeCollateClause:
		return c.collate(e.CollateClause)
	case *nodeSetToDefault:
		return &ast.Default{At: c.at(e.SetToDefault.GetLocation())}
	case *nodeAIndirection:
		return c.indirection(e.AIndirection.GetArg(), e.AIndirection.GetIndirection())
	}
	c.unsupported(grammarNode(n), 0)
	return nil
}

// indirection is one subscript; slices, several subscripts and fields are not supported.
func (c *converter) indirection(arg *pgNode, list []*pgNode) ast.Expr {
	if len(list) == 1 {
		if i := list[0].GetAIndices(); i != nil && !i.GetIsSlice() {
			x := c.expr(arg)
			if x == nil {
				return nil
			}
			return &ast.Subscript{At: ast.At(x.Pos()), Arg: x, Index: c.expr(i.GetUidx())}
		}
	}
	construct := "field selection"
	for _, i := range list {
		if i.GetAIndices() != nil {
			construct = "array subscript"
		}
	}
	c.unsupported(construct, 0)
	return nil
}

func (c *converter) columnRef(r *pgColumnRef) ast.Expr {
	out := &ast.ColumnRef{At: c.at(r.GetLocation())}
	for _, f := range r.GetFields() {
		switch f := f.GetNode().(type) {
		case *nodeString:
			out.Names = append(out.Names, f.String_.GetSval())
		case *nodeAStar:
			out.Star = true
		}
	}
	return out
}

func (c *converter) literal(k *pgAConst) *ast.Literal {
	out := &ast.Literal{At: c.at(k.GetLocation())}
	switch {
	case k.GetIsnull():
		out.Kind = ast.NullLiteral
	case k.GetIval() != nil:
		out.Kind, out.Text = ast.IntLiteral, itoa(k.GetIval().GetIval())
	case k.GetFval() != nil:
		out.Kind, out.Text = ast.NumberLiteral, k.GetFval().GetFval()
	case k.GetBoolval() != nil:
		out.Kind, out.Text = ast.BoolLiteral, strconv.FormatBool(k.GetBoolval().GetBoolval())
	case k.GetSval() != nil:
		out.Kind, out.Text = ast.StringLiteral, k.GetSval().GetSval()
	case k.GetBsval() != nil:
		out.Kind, out.Text = ast.BitLiteral, k.GetBsval().GetBsval()
	}
	return out
}

// operatorName returns the name of an operator, which may be qualified with pg_catalog.
func (c *converter) operatorName(nodes []*pgNode, at ast.At) string {
	parts := c.strings(nodes)
	switch {
	case len(parts) == 1:
		return parts[0]
	case len(parts) == 2 && parts[0] == "pg_catalog":
		return parts[1]
	}
	c.unsupported("operator "+strings.Join(parts, "."), at)
	return ""
}

func (c *converter) operator(e *pgAExpr) ast.Expr {
	at := c.at(e.GetLocation())
	name := c.operatorName(e.GetName(), at)
	switch e.GetKind() {
	case aexprOp:
		return &ast.Op{At: at, Name: name, L: c.exprOrNil(e.GetLexpr()), R: c.expr(e.GetRexpr())}
	case aexprOpAny, aexprOpAll:
		return &ast.OpArray{
			At: at, Name: name, L: c.expr(e.GetLexpr()), R: c.expr(e.GetRexpr()), All: e.GetKind() == aexprOpAll,
		}
	case aexprDistinct, aexprNotDistinct:
		return &ast.Distinct{
			At: at, L: c.expr(e.GetLexpr()), R: c.expr(e.GetRexpr()), Negated: e.GetKind() == aexprNotDistinct,
		}
	case aexprNullif:
		return &ast.NullIf{At: at, L: c.expr(e.GetLexpr()), R: c.expr(e.GetRexpr())}
	case aexprIn:
		list := c.exprs(e.GetRexpr().GetList().GetItems())
		return &ast.In{At: at, Arg: c.expr(e.GetLexpr()), List: list, Negated: name == "<>"}
	case aexprLike, aexprIlike, aexprSimilar:
		return c.like(e, at, strings.HasPrefix(name, "!"))
	case aexprBetween, aexprNotBetween, aexprBetweenSym, aexprNotBetweenSym:
		return c.between(e, at)
	}
	c.unsupported("operator "+name, at)
	return nil
}

func (c *converter) between(e *pgAExpr, at ast.At) ast.Expr {
	bounds := e.GetRexpr().GetList().GetItems()
	if len(bounds) != 2 {
		c.unsupported("BETWEEN", at)
		return nil
	}
	return &ast.Between{
		At: at, Arg: c.expr(e.GetLexpr()), Lo: c.expr(bounds[0]), Hi: c.expr(bounds[1]),
		Symmetric: e.GetKind() == aexprBetweenSym || e.GetKind() == aexprNotBetweenSym,
		Negated:   e.GetKind() == aexprNotBetween || e.GetKind() == aexprNotBetweenSym,
	}
}

// like converts LIKE, ILIKE and SIMILAR TO; the grammar hides ESCAPE in calls of internal functions.
func (c *converter) like(e *pgAExpr, at ast.At, negated bool) ast.Expr {
	out := &ast.Like{At: at, Arg: c.expr(e.GetLexpr()), Negated: negated}
	escapeFunc := "like_escape"
	switch e.GetKind() {
	case aexprIlike:
		out.Kind = ast.ILikePattern
	case aexprSimilar:
		out.Kind, escapeFunc = ast.SimilarPattern, "similar_to_escape"
	}
	f := e.GetRexpr().GetFuncCall()
	names := f.GetFuncname()
	if len(names) != 2 || names[0].GetString_().GetSval() != "pg_catalog" ||
		names[1].GetString_().GetSval() != escapeFunc || len(f.GetArgs()) == 0 || len(f.GetArgs()) > 2 {
		out.Pattern = c.expr(e.GetRexpr())
		return out
	}
	out.Pattern = c.expr(f.GetArgs()[0])
	if len(f.GetArgs()) == 2 {
		out.Escape = c.expr(f.GetArgs()[1])
	}
	return out
}

func (c *converter) boolExpr(b *pgBoolExpr) ast.Expr {
	at := c.at(b.GetLocation())
	args := c.exprs(b.GetArgs())
	switch {
	case b.GetBoolop() == andExpr:
		return &ast.And{At: at, Args: args}
	case b.GetBoolop() == orExpr:
		return &ast.Or{At: at, Args: args}
	case b.GetBoolop() == notExpr && len(args) == 1:
		return &ast.Not{At: at, Arg: args[0]}
	}
	c.unsupported("boolean expression", at)
	return nil
}

func (c *converter) boolTest(b *pgBooleanTest) ast.Expr {
	out := &ast.BoolTest{At: c.at(b.GetLocation()), Arg: c.expr(b.GetArg())}
	switch b.GetBooltesttype() {
	case isTrue:
	case isNotTrue:
		out.Negated = true
	case isFalse:
		out.Value = ast.False
	case isNotFalse:
		out.Value, out.Negated = ast.False, true
	case isUnknown:
		out.Value = ast.UnknownTruth
	case isNotUnknown:
		out.Value, out.Negated = ast.UnknownTruth, true
	default:
		c.unsupported("boolean test", out.At)
	}
	return out
}

func (c *converter) caseExpr(e *pgCaseExpr) ast.Expr {
	out := &ast.Case{At: c.at(e.GetLocation()), Arg: c.exprOrNil(e.GetArg()), Else: c.exprOrNil(e.GetDefresult())}
	for _, n := range e.GetArgs() {
		w := n.GetCaseWhen()
		out.Whens = append(out.Whens, ast.When{
			At: c.at(w.GetLocation()), Cond: c.expr(w.GetExpr()), Result: c.expr(w.GetResult()),
		})
	}
	return out
}

func (c *converter) call(f *pgFuncCall) ast.Expr {
	out := &ast.Call{
		At: c.at(f.GetLocation()), Star: f.GetAggStar(), Distinct: f.GetAggDistinct(),
		Syntax: f.GetFuncformat() == coerceSQLSyntax,
	}
	name := c.nameOf(f.GetFuncname())
	out.Schema, out.Name = name.Schema, name.Name
	if name.Catalog != "" {
		c.unsupported("function name with a catalog", out.At)
	}
	if f.GetFuncVariadic() {
		c.unsupported("VARIADIC argument", out.At)
	}
	out.WithinGroup = f.GetAggWithinGroup()
	out.Args = c.exprs(f.GetArgs())
	out.OrderBy = c.sortItems(f.GetAggOrder())
	out.Filter = c.exprOrNil(f.GetAggFilter())
	if w := f.GetOver(); w != nil {
		over := c.window(w)
		out.Over = &over
	}
	return out
}

var valueFuncs = map[int32]string{
	int32(svfopCurrentDate): "current_date", int32(svfopCurrentTime): "current_time",
	int32(svfopCurrentTimeN): "current_time", int32(svfopCurrentTimestamp): "current_timestamp",
	int32(svfopCurrentTimestampN): "current_timestamp", int32(svfopLocaltime): "localtime",
	int32(svfopLocaltimeN): "localtime", int32(svfopLocaltimestamp): "localtimestamp",
	int32(svfopLocaltimestampN): "localtimestamp", int32(svfopCurrentRole): "current_role",
	int32(svfopCurrentUser): "current_user", int32(svfopUser): "user", int32(svfopSessionUser): "session_user",
	int32(svfopCurrentCatalog): "current_catalog", int32(svfopCurrentSchema): "current_schema",
}

func (c *converter) valueFunc(f *pgSQLValueFunction) ast.Expr {
	out := &ast.ValueFunc{At: c.at(f.GetLocation()), Name: valueFuncs[int32(f.GetOp())], Precision: -1}
	switch f.GetOp() {
	case svfopCurrentTimeN, svfopCurrentTimestampN, svfopLocaltimeN, svfopLocaltimestampN:
		out.Precision = int(f.GetTypmod())
	}
	if out.Name == "" {
		c.unsupported("SQL value function", out.At)
	}
	return out
}

func (c *converter) collate(k *pgCollateClause) ast.Expr {
	name := c.nameOf(k.GetCollname())
	return &ast.Collate{At: c.at(k.GetLocation()), Arg: c.expr(k.GetArg()), Schema: name.Schema, Name: name.Name}
}

func (c *converter) subquery(s *pgSubLink) ast.Expr {
	out := &ast.Subquery{At: c.at(s.GetLocation()), Query: c.subselect(s.GetSubselect())}
	switch s.GetSubLinkType() {
	case exprSublink:
		out.Kind = ast.ScalarSubquery
	case existsSublink:
		out.Kind = ast.ExistsSubquery
	case arraySublink:
		out.Kind = ast.ArraySubquery
	case anySublink, allSublink:
		out.Kind, out.Op = ast.AnySubquery, "="
		if s.GetSubLinkType() == allSublink {
			out.Kind = ast.AllSubquery
		}
		out.Arg = c.expr(s.GetTestexpr())
		out.IsIn = len(s.GetOperName()) == 0
		if !out.IsIn {
			out.Op = c.operatorName(s.GetOperName(), out.At)
		}
	default:
		c.unsupported("subquery kind", out.At)
	}
	return out
}

func (c *converter) typeName(t *pgTypeName) ast.TypeName {
	out := ast.TypeName{At: c.at(t.GetLocation()), Array: len(t.GetArrayBounds()) > 0}
	name := c.nameOf(t.GetNames())
	out.Schema, out.Name = name.Schema, name.Name
	switch {
	case name.Catalog != "":
		c.unsupported("type name with a catalog", out.At)
	case t.GetSetof():
		c.unsupported("SETOF", out.At)
	case t.GetPctType():
		c.unsupported("%TYPE", out.At)
	}
	for _, m := range t.GetTypmods() {
		k := m.GetAConst()
		if k.GetIval() == nil || k.GetIsnull() {
			c.fail(sqlerr.New(sqlerr.SyntaxError, "type modifiers must be simple constants or identifiers").At(int(out.At)))
			return out
		}
		out.Mods = append(out.Mods, k.GetIval().GetIval())
	}
	return out
}
