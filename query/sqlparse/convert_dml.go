package sqlparse

import (
	"github.com/laminadb/lamina/query/ast"
)

func (c *converter) insert(s *pgInsertStmt) ast.Stmt {
	out := &ast.Insert{
		With: c.with(s.GetWithClause()), Table: c.tableRef(s.GetRelation()),
		Columns: c.targetColumns(s.GetCols()), Returning: c.returning(s.GetReturningClause()),
	}
	out.Overriding = c.overriding(s.GetOverride())
	if s.GetSelectStmt().GetNode() != nil {
		out.Query = c.subselect(s.GetSelectStmt())
	}
	if oc := s.GetOnConflictClause(); oc != nil {
		out.OnConflict = c.onConflict(oc)
	}
	return out
}

func (c *converter) overriding(k pgOverridingKind) string {
	switch k {
	case overridingSystemValue:
		return "SYSTEM VALUE"
	case overridingUserValue:
		return "USER VALUE"
	}
	return ""
}

// targetColumns converts a list of column names to assign to.
func (c *converter) targetColumns(nodes []*pgNode) []ast.InsertColumn {
	var out []ast.InsertColumn
	for _, n := range nodes {
		t := n.GetResTarget()
		at := c.at(t.GetLocation())
		if len(t.GetIndirection()) > 0 {
			c.unsupported("assignment to a part of a column", at)
		}
		out = append(out, ast.InsertColumn{At: at, Name: t.GetName()})
	}
	return out
}

func (c *converter) onConflict(oc *pgOnConflictClause) *ast.OnConflict {
	out := &ast.OnConflict{At: c.at(oc.GetLocation())}
	if oc.GetAction() != onconflictNothing {
		out.Set, out.Where = c.assigns(oc.GetTargetList()), c.exprOrNil(oc.GetWhereClause())
	}
	infer := oc.GetInfer()
	if infer == nil {
		return out
	}
	out.Constraint = infer.GetConname()
	c.refuse(infer.GetWhereClause() != nil, "WHERE in a conflict target")
	for _, n := range infer.GetIndexElems() {
		e := n.GetIndexElem()
		c.refuse(e.GetExpr() != nil, "expression in a conflict target")
		c.refuse(len(e.GetCollation()) > 0, "COLLATE in a conflict target")
		c.refuse(len(e.GetOpclass()) > 0 || len(e.GetOpclassopts()) > 0, "operator class in a conflict target")
		c.refuse(e.GetOrdering() > sortbyDefault || e.GetNullsOrdering() > sortbyNullsDefault, "order in a conflict target")
		out.Columns = append(out.Columns, ast.InsertColumn{At: c.at(infer.GetLocation()), Name: e.GetName()})
	}
	return out
}

func (c *converter) returning(r *pgReturningClause) []ast.Target {
	c.refuse(len(r.GetOptions()) > 0, "RETURNING WITH")
	return c.targets(r.GetExprs())
}

func (c *converter) update(s *pgUpdateStmt) ast.Stmt {
	out := &ast.Update{With: c.with(s.GetWithClause()), Table: c.tableRef(s.GetRelation())}
	out.Set = c.assigns(s.GetTargetList())
	for _, n := range s.GetFromClause() {
		out.From = append(out.From, c.tableExpr(n))
	}
	out.Where = c.exprOrNil(s.GetWhereClause())
	out.Returning = c.returning(s.GetReturningClause())
	return out
}

// assigns converts SET. The grammar repeats the source of (a, b) = source for each column.
func (c *converter) assigns(nodes []*pgNode) []ast.Assign {
	var out []ast.Assign
	for i := 0; i < len(nodes); {
		val := nodes[i].GetResTarget().GetVal()
		m := val.GetMultiAssignRef()
		if m == nil {
			out = append(out, ast.Assign{Columns: c.targetColumns(nodes[i : i+1]), Value: c.expr(val)})
			i++
			continue
		}
		n := max(1, min(int(m.GetNcolumns()), len(nodes)-i))
		out = append(out, ast.Assign{
			Columns: c.targetColumns(nodes[i : i+n]), Value: c.expr(m.GetSource()), Multi: true,
		})
		i += n
	}
	return out
}

func (c *converter) delete(s *pgDeleteStmt) ast.Stmt {
	out := &ast.Delete{With: c.with(s.GetWithClause()), Table: c.tableRef(s.GetRelation())}
	for _, n := range s.GetUsingClause() {
		out.Using = append(out.Using, c.tableExpr(n))
	}
	out.Where = c.exprOrNil(s.GetWhereClause())
	out.Returning = c.returning(s.GetReturningClause())
	return out
}

func (c *converter) merge(s *pgMergeStmt) ast.Stmt {
	out := &ast.Merge{
		With: c.with(s.GetWithClause()), Table: c.tableRef(s.GetRelation()), Source: c.tableExpr(s.GetSourceRelation()),
		On: c.expr(s.GetJoinCondition()), Returning: c.returning(s.GetReturningClause()),
	}
	for _, n := range s.GetMergeWhenClauses() {
		w := n.GetMergeWhenClause()
		when := ast.MergeWhen{Cond: c.exprOrNil(w.GetCondition())}
		switch w.GetMatchKind() {
		case mergeNotMatchedBySource:
			when.Match = ast.WhenNotMatchedBySource
		case mergeNotMatchedByTarget:
			when.Match = ast.WhenNotMatchedByTarget
		}
		switch w.GetCommandType() {
		case cmdInsert:
			when.Action, when.Overriding = ast.MergeInsert, c.overriding(w.GetOverride())
			when.Columns, when.Values = c.targetColumns(w.GetTargetList()), c.exprs(w.GetValues())
		case cmdUpdate:
			when.Action, when.Set = ast.MergeUpdate, c.assigns(w.GetTargetList())
		case cmdDelete:
			when.Action = ast.MergeDelete
		case cmdNothing:
		default:
			c.unsupported("action of MERGE", 0)
		}
		out.Whens = append(out.Whens, when)
	}
	return out
}

func (c *converter) truncate(s *pgTruncateStmt) ast.Stmt {
	return &ast.Truncate{
		Tables: c.tableRefs(s.GetRelations()), RestartIdentity: s.GetRestartSeqs(),
		Cascade: s.GetBehavior() == dropCascade,
	}
}

func (c *converter) copy(s *pgCopyStmt) ast.Stmt {
	out := &ast.Copy{
		Columns: c.strings(s.GetAttlist()), From: s.GetIsFrom(), File: s.GetFilename(),
		Options: c.options(s.GetOptions()), Where: c.exprOrNil(s.GetWhereClause()),
	}
	c.refuse(s.GetIsProgram(), "COPY PROGRAM")
	if s.GetRelation() != nil {
		out.Table = c.tableRef(s.GetRelation())
	} else {
		out.Query = c.stmt(s.GetQuery())
	}
	// The grammar gives STDIN, STDOUT and '' the same empty name.
	out.Std = out.File == "" && !c.hasEmptyString()
	return out
}

// hasEmptyString reports whether the statement has the token ”.
func (c *converter) hasEmptyString() bool {
	lx := c.lexer(c.start)
	depth := 0
	for prev := (token{}); ; {
		t := lx.next()
		switch {
		case t.kind == tokEnd:
			return false
		case lx.punct(t, '('):
			depth++
		case lx.punct(t, ')'):
			depth--
		case depth == 0 && (lx.is(prev, "from") || lx.is(prev, "to")):
			return lx.source(t) == "''"
		}
		prev = t
	}
}
