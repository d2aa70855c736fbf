package sqlparse

import (
	"github.com/laminadb/lamina/query/ast"
)

// selectStmt converts a top-level query, which is a table creation if it has INTO.
func (c *converter) selectStmt(s *pgSelectStmt) ast.Stmt {
	into := leftmost(s).GetIntoClause()
	q := c.queryWithInto(s, into != nil)
	if into == nil {
		return q
	}
	out := c.intoClause(into)
	out.Query = q
	return out
}

// leftmost returns the first SELECT of a set operation, the one place where INTO may stand.
func leftmost(s *pgSelectStmt) *pgSelectStmt {
	for s.GetLarg() != nil {
		s = s.GetLarg()
	}
	return s
}

// subselect converts a query below the top level.
func (c *converter) subselect(n *pgNode) *ast.Query {
	s, ok := n.GetNode().(*nodeSelectStmt)
	if !ok {
		c.unsupported("data-modifying statement in WITH", 0)
		return &ast.Query{}
	}
	return c.query(s.SelectStmt)
}

func (c *converter) query(s *pgSelectStmt) *ast.Query { return c.queryWithInto(s, false) }

func (c *converter) queryWithInto(s *pgSelectStmt, intoAllowed bool) *ast.Query {
	out := &ast.Query{}
	if !c.enter() {
		c.leave()
		return out
	}
	defer c.leave()
	c.refuse(s.GetIntoClause() != nil && !intoAllowed, "INTO below the top level")
	out.With = c.with(s.GetWithClause())
	switch {
	case s.GetOp() > setopNone:
		out.Body = c.setOp(s, intoAllowed)
	case len(s.GetValuesLists()) > 0:
		out.Body = c.values(s.GetValuesLists())
	default:
		out.Body = c.selectBody(s)
	}
	out.OrderBy = c.sortItems(s.GetSortClause())
	out.WithTies = s.GetLimitOption() == limitOptionWithTies
	out.Limit, out.Offset = c.exprOrNil(s.GetLimitCount()), c.exprOrNil(s.GetLimitOffset())
	if l, ok := out.Limit.(*ast.Literal); ok && l != nil && l.Kind == ast.NullLiteral && !out.WithTies {
		out.Limit = nil // LIMIT ALL
	}
	for _, n := range s.GetLockingClause() {
		out.Locks = append(out.Locks, c.locking(n.GetLockingClause()))
	}
	return out
}

func (c *converter) setOp(s *pgSelectStmt, intoAllowed bool) ast.QueryBody {
	out := &ast.SetOp{All: s.GetAll(), L: c.queryWithInto(s.GetLarg(), intoAllowed), R: c.query(s.GetRarg())}
	switch s.GetOp() {
	case setopUnion:
		out.Kind = ast.Union
	case setopIntersect:
		out.Kind = ast.Intersect
	default:
		out.Kind = ast.Except
	}
	return out
}

func (c *converter) values(lists []*pgNode) ast.QueryBody {
	out := &ast.Values{Rows: make([][]ast.Expr, 0, len(lists))}
	for _, l := range lists {
		out.Rows = append(out.Rows, c.exprs(l.GetList().GetItems()))
	}
	return out
}

func (c *converter) selectBody(s *pgSelectStmt) ast.QueryBody {
	out := &ast.Select{Targets: c.targets(s.GetTargetList())}
	if d := s.GetDistinctClause(); len(d) > 0 {
		if d[0].GetNode() == nil {
			out.Distinct = true
		} else {
			out.DistinctOn = c.exprs(d)
		}
	}
	for _, n := range s.GetFromClause() {
		out.From = append(out.From, c.tableExpr(n))
	}
	out.Where = c.exprOrNil(s.GetWhereClause())
	out.GroupDistinct = s.GetGroupDistinct()
	for _, n := range s.GetWindowClause() {
		out.Windows = append(out.Windows, c.window(n.GetWindowDef()))
	}
	for _, n := range s.GetGroupClause() {
		out.GroupBy = append(out.GroupBy, c.groupItem(n))
	}
	out.Having = c.exprOrNil(s.GetHavingClause())
	return out
}

// groupItem converts an item of GROUP BY: an expression, a list of them in parentheses, or grouping sets.
func (c *converter) groupItem(n *pgNode) ast.Expr {
	if !c.enter() {
		c.leave()
		return nil
	}
	defer c.leave()
	switch g := n.GetNode().(type) {
	case *nodeRowExpr:
		if r := g.RowExpr; r.GetRowFormat() == coerceImplicitCast {
			return &ast.GroupingSet{At: c.at(r.GetLocation()), Items: c.groupItems(r.GetArgs())}
		}
	case *nodeGroupingSet:
		s := g.GroupingSet
		out := &ast.GroupingSet{At: c.at(s.GetLocation()), Items: c.groupItems(s.GetContent())}
		switch s.GetKind() {
		case groupingSetRollup:
			out.Kind = ast.Rollup
		case groupingSetCube:
			out.Kind = ast.Cube
		case groupingSetSets:
			out.Kind = ast.GroupingSets
		case groupingSetEmpty:
			c.refuse(len(out.Items) > 0, "grouping set")
		default:
			c.unsupported("grouping set", out.At)
		}
		return out
	}
	return c.expr(n)
}

func (c *converter) groupItems(nodes []*pgNode) []ast.Expr {
	var out []ast.Expr
	for _, n := range nodes {
		out = append(out, c.groupItem(n))
	}
	return out
}

func (c *converter) targets(nodes []*pgNode) []ast.Target {
	var out []ast.Target
	for _, n := range nodes {
		t := n.GetResTarget()
		c.refuse(len(t.GetIndirection()) > 0, "subscript in a select list")
		out = append(out, ast.Target{At: c.at(t.GetLocation()), Expr: c.expr(t.GetVal()), Alias: t.GetName()})
	}
	return out
}

func (c *converter) with(w *pgWithClause) []ast.CTE {
	if w == nil {
		return nil
	}
	var out []ast.CTE
	for _, n := range w.GetCtes() {
		t := n.GetCommonTableExpr()
		c.refuse(t.GetSearchClause() != nil, "SEARCH clause")
		c.refuse(t.GetCycleClause() != nil, "CYCLE clause")
		cte := ast.CTE{
			At: c.at(t.GetLocation()), Name: t.GetCtename(), Columns: c.strings(t.GetAliascolnames()),
			Materialized: t.GetCtematerialized() == cteMaterializeAlways,
			Inlined:      t.GetCtematerialized() == cteMaterializeNever,
			Recursive:    w.GetRecursive(),
		}
		if cte.Change = c.change(t.GetCtequery()); cte.Change == nil {
			cte.Query = c.subselect(t.GetCtequery())
		}
		out = append(out, cte)
	}
	return out
}

// change converts a data change in WITH; nil: it is a query.
func (c *converter) change(n *pgNode) ast.Stmt {
	switch s := n.GetNode().(type) {
	case *nodeInsertStmt:
		return c.insert(s.InsertStmt)
	case *nodeUpdateStmt:
		return c.update(s.UpdateStmt)
	case *nodeDeleteStmt:
		return c.delete(s.DeleteStmt)
	case *nodeMergeStmt:
		return c.merge(s.MergeStmt)
	}
	return nil
}

func (c *converter) sortItems(nodes []*pgNode) []ast.SortItem {
	var out []ast.SortItem
	for _, n := range nodes {
		s := n.GetSortBy()
		item := ast.SortItem{Expr: c.expr(s.GetNode()), Desc: s.GetSortbyDir() == sortbyDesc}
		if s.GetSortbyDir() == sortbyUsing {
			item.Using = c.operatorName(s.GetUseOp(), c.at(s.GetLocation()))
		}
		switch s.GetSortbyNulls() {
		case sortbyNullsFirst:
			item.Nulls = ast.NullsFirst
		case sortbyNullsLast:
			item.Nulls = ast.NullsLast
		}
		out = append(out, item)
	}
	return out
}

func (c *converter) locking(l *pgLockingClause) ast.Locking {
	out := ast.Locking{Of: c.tableRefs(l.GetLockedRels())}
	switch l.GetStrength() {
	case lcsForkeyshare:
		out.Strength = ast.ForKeyShare
	case lcsForshare:
		out.Strength = ast.ForShare
	case lcsFornokeyupdate:
		out.Strength = ast.ForNoKeyUpdate
	default:
		out.Strength = ast.ForUpdate
	}
	switch l.GetWaitPolicy() {
	case lockWaitSkip:
		out.Wait = ast.LockSkip
	case lockWaitError:
		out.Wait = ast.LockNoWait
	}
	return out
}

// tableExpr converts an item of FROM.
func (c *converter) tableExpr(n *pgNode) ast.TableExpr {
	if !c.enter() {
		c.leave()
		return nil
	}
	defer c.leave()
	switch f := n.GetNode().(type) {
	case *nodeRangeVar:
		return c.tableRef(f.RangeVar)
	case *nodeRangeSubselect:
		s := f.RangeSubselect
		return &ast.SubqueryRef{Query: c.subselect(s.GetSubquery()), Alias: c.alias(s.GetAlias()), Lateral: s.GetLateral()}
	case *nodeJoinExpr:
		return c.join(f.JoinExpr)
	case *nodeRangeFunction:
		return c.rangeFunction(f.RangeFunction)
	}
	c.unsupported(grammarNode(n), 0)
	return nil
}

func (c *converter) join(j *pgJoinExpr) ast.TableExpr {
	out := &ast.Join{
		L: c.tableExpr(j.GetLarg()), R: c.tableExpr(j.GetRarg()), Natural: j.GetIsNatural(),
		Using: c.strings(j.GetUsingClause()), On: c.exprOrNil(j.GetQuals()), Alias: c.alias(j.GetAlias()),
	}
	if a := j.GetJoinUsingAlias(); a != nil {
		out.UsingAlias = a.GetAliasname()
		c.refuse(len(a.GetColnames()) > 0, "column aliases of JOIN USING")
	}
	switch j.GetJointype() {
	case joinInner:
	case joinLeft:
		out.Kind = ast.LeftJoin
	case joinRight:
		out.Kind = ast.RightJoin
	case joinFull:
		out.Kind = ast.FullJoin
	default:
		c.unsupported("join kind", 0)
	}
	return out
}

func (c *converter) rangeFunction(f *pgRangeFunction) ast.TableExpr {
	c.refuse(f.GetIsRowsfrom(), "ROWS FROM")
	c.refuse(len(f.GetColdeflist()) > 0, "column definition list of a function in FROM")
	if len(f.GetFunctions()) != 1 {
		c.refuse(true, "ROWS FROM")
		return nil
	}
	items := f.GetFunctions()[0].GetList().GetItems()
	if len(items) == 0 || len(items) > 1 && items[1].GetNode() != nil {
		c.refuse(true, "column definition list of a function in FROM")
		return nil
	}
	call := c.expr(items[0])
	if c.err != nil {
		return nil
	}
	if k, ok := call.(*ast.Call); f.GetOrdinality() && (!ok || k.Name != "pg_partition_ancestors") {
		c.refuse(true, "WITH ORDINALITY")
	}
	return &ast.FuncRef{
		At: ast.At(call.Pos()), Call: call, Alias: c.alias(f.GetAlias()), Lateral: f.GetLateral(), Ordinality: f.GetOrdinality(),
	}
}
