package bind

import (
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// join binds a JOIN. Its items are: the join itself, whose columns may be named alone, and those of both
// sides, whose columns must then be qualified. With an alias the sides are hidden.
func (s *scope) join(f *ast.Join, left []*item) (plan.Rel, []*item, error) {
	l, litems, _, err := s.tableExpr(f.L, left)
	if err != nil {
		return nil, nil, err
	}
	r, ritems, rlat, err := s.tableExpr(f.R, append(left[:len(left):len(left)], litems...))
	if err != nil {
		return nil, nil, err
	}
	used := s.usesOf(r, l)
	if rlat = rlat && used != nil; rlat && (f.Kind == ast.RightJoin || f.Kind == ast.FullJoin) {
		rel, _, _ := strings.Cut(s.g.names[used.ID], ".")
		return nil, nil, sqlerr.Newf(sqlerr.InvalidColumnReference, "invalid reference to FROM-clause entry for table \"%s\"", rel).
			WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.").At(used.Pos())
	}
	if err := checkNames(litems, ritems); err != nil {
		return nil, nil, err
	}
	if f.Kind == ast.LeftJoin || f.Kind == ast.FullJoin {
		setNullable(ritems)
	}
	if f.Kind == ast.RightJoin || f.Kind == ast.FullJoin {
		setNullable(litems)
	}
	using := f.Using
	if f.Natural {
		using = commonColumns(litems, ritems)
	}
	cond, merged, err := s.using(using, litems, ritems, f)
	if err != nil {
		return nil, nil, err
	}
	if f.On != nil {
		both := append(litems[:len(litems):len(litems)], ritems...)
		x := s.part(both).exprs("JOIN conditions")
		if cond, err = x.condition(f.On, "JOIN/ON"); err != nil {
			return nil, nil, err
		}
	}
	rel := makeJoin(f.Kind, l, r, cond, rlat)
	if f.Alias != nil {
		s.home.covered = append(append(s.home.covered, litems...), ritems...)
	}
	items, err := joinItems(f, litems, ritems, merged, using)
	return rel, items, err
}

// usesOf returns the first use in r of a column of the same FROM that l makes; nil if there is none.
func (s *scope) usesOf(r, l plan.Rel) *expr.Column {
	made := plan.Produced(l)
	var first *expr.Column
	for id, c := range plan.Free(r) {
		if s.g.owner[id] == s.home && made[id] && (first == nil || c.Pos() < first.Pos()) {
			first = c
		}
	}
	return first
}

func setNullable(items []*item) {
	for _, it := range items {
		it.nullable = true
	}
}

// makeJoin turns a right join around.
func makeJoin(kind ast.JoinKind, l, r plan.Rel, cond expr.Expr, lateral bool) plan.Rel {
	switch kind {
	case ast.LeftJoin:
		return joinRel(plan.Left, l, r, cond, lateral)
	case ast.RightJoin:
		return joinRel(plan.Left, r, l, cond, false)
	case ast.FullJoin:
		return joinRel(plan.Full, l, r, cond, false)
	}
	return joinRel(plan.Inner, l, r, cond, lateral)
}

// visible returns the columns that may be named alone.
func visible(items []*item) []itemCol {
	var out []itemCol
	for _, it := range items {
		if it.colsVisible {
			out = append(out, it.cols...)
		}
	}
	return out
}

// commonColumns returns the names that both sides of a natural join have, in the left one's order.
func commonColumns(l, r []*item) []string {
	var out []string
	right := visible(r)
	for _, c := range visible(l) {
		for i := range right {
			if right[i].name == c.name {
				out = append(out, c.name)
				break
			}
		}
	}
	return out
}

// usingColumn finds the one column of a side that USING names.
func usingColumn(items []*item, name, side string) (itemCol, error) {
	var found []itemCol
	for _, c := range visible(items) {
		if c.name == name {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return itemCol{}, sqlerr.Newf(sqlerr.UndefinedColumn,
			"column \"%s\" specified in USING clause does not exist in %s table", name, side)
	case 1:
		return found[0], nil
	}
	return itemCol{}, sqlerr.Newf(sqlerr.AmbiguousColumn,
		"common column name \"%s\" appears more than once in %s table", name, side)
}

// using makes the condition of USING, and the merged columns.
func (s *scope) using(names []string, l, r []*item, f *ast.Join) (expr.Expr, []itemCol, error) {
	var conds []expr.Expr
	var merged []itemCol
	for i, name := range names {
		for _, earlier := range names[:i] {
			if earlier == name {
				return nil, nil, sqlerr.Newf(sqlerr.DuplicateColumn,
					"column name \"%s\" appears more than once in USING clause", name)
			}
		}
		lc, err := usingColumn(l, name, "left")
		if err != nil {
			return nil, nil, err
		}
		rc, err := usingColumn(r, name, "right")
		if err != nil {
			return nil, nil, err
		}
		eq, err := expr.NewOp("=", 0, lc.value, rc.value)
		if err != nil {
			return nil, nil, err
		}
		value, err := mergedValue(f.Kind, lc.value, rc.value)
		if err != nil {
			return nil, nil, err
		}
		conds, merged = append(conds, eq), append(merged, itemCol{name, value})
	}
	if len(conds) == 0 {
		return nil, nil, nil
	}
	cond, err := expr.NewAnd(0, conds...)
	return cond, merged, err
}

// mergedValue is the value of a column of USING: that of the side whose rows all survive.
func mergedValue(kind ast.JoinKind, l, r expr.Expr) (expr.Expr, error) {
	both := []expr.Expr{l, r}
	t, err := expr.CommonType(both, "JOIN/USING")
	if err != nil {
		return nil, err
	}
	if both, err = expr.CoerceAll(both, t, "JOIN/USING"); err != nil {
		return nil, err
	}
	switch {
	case kind == ast.RightJoin:
		return both[1], nil
	case kind == ast.FullJoin:
		return expr.NewCoalesce(0, both...)
	}
	return both[0], nil
}

// joinItems makes the items of a join: merged columns first, then the rest of both sides.
func joinItems(f *ast.Join, l, r []*item, merged []itemCol, using []string) ([]*item, error) {
	j := &item{kind: itemJoin, colsVisible: true, cols: merged}
	for _, side := range [][]*item{l, r} {
		for _, c := range visible(side) {
			if !containsName(using, c.name) {
				j.cols = append(j.cols, c)
			}
		}
	}
	if f.Alias != nil {
		j.name, j.nameVisible = f.Alias.Name, true
		j.cols = append([]itemCol(nil), j.cols...)
		return []*item{j}, renameColumns(j, f.Alias)
	}
	out := []*item{j}
	for _, it := range append(l[:len(l):len(l)], r...) {
		if it.nameVisible {
			it.colsVisible = false
			out = append(out, it)
		}
	}
	if f.UsingAlias != "" {
		a := &item{name: f.UsingAlias, kind: itemJoin, nameVisible: true, cols: merged}
		if err := checkNames(out, []*item{a}); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func containsName(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
