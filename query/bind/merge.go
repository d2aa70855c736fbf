package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Merge is what MERGE does: see plan.Merge.
type Merge struct {
	Present plan.Col
	On      expr.Expr
	Clauses []plan.MergeClause
	// Action is the column of MERGE_ACTION().
	Action plan.Col
}

// merge binds MERGE: the source joined with the target, and what to do with each row.
func (g *binding) merge(m *ast.Merge, ctes *cteScope) (*Statement, error) {
	ctes, err := g.with(m.With, nil, ctes)
	if err != nil {
		return nil, err
	}
	s := g.newScope(nil, ctes)
	scan, it, err := g.changeTarget(s, m.Table)
	if err != nil {
		return nil, err
	}
	target := s.items
	s.items = nil
	source, err := s.from([]ast.TableExpr{m.Source})
	if err != nil {
		return nil, err
	}
	if err := checkNames(target, s.items); err != nil {
		return nil, err
	}
	b := &merger{g: g, scan: scan, target: it, source: s.items, scope: s}
	s.items = append(s.items[:len(s.items):len(s.items)], target...)
	out := &Merge{Present: g.newCol("present", types.T(types.Bool)), Action: g.newCol("merge_action", types.T(types.Text))}
	if out.On, err = s.exprs("JOIN conditions").condition(m.On, "JOIN/ON"); err != nil {
		return nil, err
	}
	for i := range m.Whens {
		c, err := b.when(&m.Whens[i])
		if err != nil {
			return nil, err
		}
		out.Clauses = append(out.Clauses, c)
	}
	if err := reachable(m.Whens); err != nil {
		return nil, err
	}
	mod := &Modify{Kind: plan.MergeRows, Table: scan.Table, Scan: scan, Merge: out}
	r := g.newScope(nil, ctes)
	r.action = &out.Action
	if err := g.mergeReturning(mod, m, r, it.name, b.source); err != nil {
		return nil, err
	}
	rel := b.join(source, out)
	return &Statement{Root: rel, Out: rel.Cols(), Modify: mod}, nil
}

// mergeReturning binds RETURNING, where the columns of the source come first.
func (g *binding) mergeReturning(mod *Modify, m *ast.Merge, s *scope, name string, source []*item) error {
	s.sourceFirst = true
	return g.returning(mod, m.Returning, s, name, source)
}

// reachable refuses a clause behind one of its kind without a condition.
func reachable(whens []ast.MergeWhen) error {
	var always [ast.WhenNotMatchedByTarget + 1]bool
	for _, w := range whens {
		if always[w.Match] {
			return sqlerr.New(sqlerr.SyntaxError, "unreachable WHEN clause specified after unconditional WHEN clause")
		}
		always[w.Match] = w.Cond == nil
	}
	return nil
}

// merger binds the parts of MERGE.
type merger struct {
	g      *binding
	scope  *scope
	scan   *plan.RelScan
	target *item
	source []*item
	kinds  [3]bool // of the clauses
}

// join joins source and target so that the rows that some clause is for are there.
func (b *merger) join(source plan.Rel, m *Merge) plan.Rel {
	p := &plan.RelProject{Input: source}
	for _, c := range source.Cols() {
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
	}
	p.Exprs = append(p.Exprs, expr.NewConst(types.NewBool(true), types.T(types.Bool), 0))
	p.Out = append(p.Out, m.Present)
	j := &plan.RelJoin{Kind: plan.Inner, L: p, R: b.scan, Cond: m.On}
	bySource, byTarget := b.kinds[plan.NotMatchedBySource], b.kinds[plan.NotMatchedByTarget]
	switch {
	case bySource && byTarget:
		j.Kind = plan.Full
	case byTarget:
		j.Kind = plan.Left
	case bySource:
		j.Kind, j.L, j.R = plan.Left, b.scan, p
	}
	return j
}

// when binds a WHEN clause, which sees the sides that its rows have.
func (b *merger) when(w *ast.MergeWhen) (c plan.MergeClause, err error) {
	c.Match = plan.MergeMatch(w.Match)
	b.kinds[c.Match] = true
	items := b.scope.items
	switch w.Match {
	case ast.WhenNotMatchedBySource:
		items = []*item{b.target}
	case ast.WhenNotMatchedByTarget:
		items = b.source
	}
	s := b.scope.part(items)
	if w.Cond != nil {
		if c.Cond, err = s.exprs("MERGE WHEN conditions").condition(w.Cond, "WHEN"); err != nil {
			return c, err
		}
	}
	switch w.Action {
	case ast.MergeDelete:
		c.Action = plan.Delete
	case ast.MergeUpdate:
		c.Action = plan.Update
		a := &assigner{s: s, m: &Modify{Kind: plan.Update, Table: b.scan.Table}, rel: oneRow(), alias: b.target.name}
		before := a.rel
		for i := range w.Set {
			if err := a.assign(&w.Set[i]); err != nil {
				return c, err
			}
		}
		if a.rel != before {
			return c, sqlerr.Unsupported("assignment of several columns from a subquery in MERGE")
		}
		c.SetCols, c.Set = a.m.SetCols, a.m.Set
	case ast.MergeInsert:
		c.Action = plan.Insert
		c.Values, err = b.insert(w, s)
	}
	return c, err
}

// insert binds the row that WHEN NOT MATCHED inserts.
func (b *merger) insert(w *ast.MergeWhen, s *scope) ([]expr.Expr, error) {
	def := b.scan.Table
	cols, err := insertColumns(def, w.Columns)
	if err != nil {
		return nil, err
	}
	t := &insertTarget{g: b.g, def: def, cols: cols, names: w.Columns, overriding: w.Overriding}
	if w.Values == nil {
		return t.row(nil, nil)
	}
	if err := t.checkCount(len(w.Values), func(i int) int { return ast.Start(w.Values[i]) }); err != nil {
		return nil, err
	}
	return t.row(w.Values, s.exprs("VALUES"))
}

// mergeAction binds MERGE_ACTION().
func (x *exprs) mergeAction(e *ast.MergeActionName) (expr.Expr, error) {
	if x.action == nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "MERGE_ACTION() can only be used in the RETURNING list of a MERGE command").At(e.Pos())
	}
	r := x.action.Ref()
	r.At = e.Pos()
	return r, nil
}
