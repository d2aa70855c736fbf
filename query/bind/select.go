package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// target is an item of the select list, or a hidden one that ORDER BY or DISTINCT ON adds.
type target struct {
	name   string
	value  expr.Expr
	hidden bool
	// pos is where the item begins in the text.
	pos int
	// text is the item as written; nil for what * stands for.
	text ast.Expr
	// col is the output column, once the select list is projected.
	col plan.Col
}

// selection is a SELECT while it is bound.
type selection struct {
	s       *scope
	q       *ast.Query
	sel     *ast.Select
	rel     plan.Rel
	targets []*target
	groups  []expr.Expr
	// sets are the grouping sets: which of groups each has. One set alone is all of them.
	sets   [][]int
	having expr.Expr
	order  []orderItem
	on     []*target // of DISTINCT ON
}

// orderItem is an item of ORDER BY: a target and how to sort by it.
type orderItem struct {
	t   *target
	key plan.SortKey
}

// selectQuery binds a SELECT with its ORDER BY, LIMIT and row locks.
func (s *scope) selectQuery(q *ast.Query, sel *ast.Select, u unknowns) (query, error) {
	b := &selection{s: s, q: q, sel: withoutAncestors(sel)}
	for _, step := range []func() error{
		b.bindFrom, func() error { return b.bindTargets(u) }, b.bindWhere, b.bindHaving, b.bindOrder, b.bindGroups,
		b.bindDistinct, b.group,
	} {
		if err := step(); err != nil {
			return query{}, err
		}
	}
	r, err := b.build()
	if err != nil {
		return query{}, err
	}
	return s.limit(q, r)
}

func (b *selection) bindFrom() (err error) {
	b.rel, err = b.s.from(b.sel.From)
	return err
}

func (b *selection) bindTargets(u unknowns) error {
	b.s.windows.defs = b.sel.Windows
	list, err := b.s.targets(b.sel.Targets, "SELECT", u)
	b.targets = list
	return err
}

// windowed returns a binder of expressions that may contain aggregates and window functions.
func (s *scope) windowed(clause string) *exprs {
	x := s.exprs(clause)
	x.aggregates, x.windows, x.sets = true, &s.windows, true
	return x
}

// targets binds a select list or RETURNING.
func (s *scope) targets(list []ast.Target, clause string, u unknowns) ([]*target, error) {
	x := s.exprs(clause)
	if clause == "SELECT" {
		x = s.windowed(clause)
	}
	x.action = s.action
	var out []*target
	for i := range list {
		t := &list[i]
		if c, ok := t.Expr.(*ast.ColumnRef); ok && c.Star {
			cols, err := s.star(c)
			if err != nil {
				return nil, err
			}
			s.g.noteStar(s, c)
			for j := range cols {
				out = append(out, &target{name: cols[j].name, value: cols[j].refer(c.Pos()), pos: c.Pos()})
			}
			continue
		}
		e, err := x.bind(t.Expr)
		if err == nil {
			err = checkSeries(e)
		}
		if err != nil {
			return nil, err
		}
		if isUnknown(e) && u == resolveUnknown {
			if e, err = expr.NewCast(e, types.T(types.Text), expr.Implicit, e.Pos()); err != nil {
				return nil, err
			}
		}
		name := t.Alias
		if name == "" {
			name = columnName(t.Expr)
		}
		out = append(out, &target{name: name, value: e, pos: t.Expr.Pos(), text: t.Expr})
	}
	if len(out) > columnsMax {
		return nil, sqlerr.Newf(sqlerr.TooManyColumns, "target lists can have at most %d entries", columnsMax)
	}
	return out, nil
}

func (b *selection) bindWhere() error {
	if b.sel.Where == nil {
		return nil
	}
	cond, err := b.s.exprs("WHERE").condition(b.sel.Where, "WHERE")
	if err == nil {
		b.rel = &plan.RelFilter{Input: b.rel, Cond: cond}
	}
	return err
}

func (b *selection) bindHaving() (err error) {
	if b.sel.Having == nil {
		return nil
	}
	x := b.s.exprs("HAVING")
	x.aggregates = true
	b.having, err = x.condition(b.sel.Having, "HAVING")
	return err
}

// findTarget resolves an item of ORDER BY, GROUP BY or DISTINCT ON by the rules of SQL92: an integer is a
// position, a bare name an output column. GROUP BY prefers columns of FROM.
func (b *selection) findTarget(e ast.Expr, clause string) (*target, error) {
	visible := 0
	for _, t := range b.targets {
		if !t.hidden {
			visible++
		}
	}
	if i, ok, err := ordinal(e, visible, clause); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return b.targets[i], nil
	}
	c, ok := e.(*ast.ColumnRef)
	if !ok || len(c.Names) != 1 || c.Star {
		return b.sameQuery(e), nil
	}
	if clause == "GROUP BY" {
		if col, err := b.s.localColumn(c.Names[0], c.Pos()); col != nil || err != nil {
			return nil, nil //nolint:nilerr // the expression is bound next, with the same error
		}
	}
	var found *target
	for _, t := range b.targets[:visible] {
		if t.name != c.Names[0] {
			continue
		}
		if found != nil && !expr.Equal(found.value, t.value) {
			return nil, sqlerr.Newf(sqlerr.AmbiguousColumn, "%s \"%s\" is ambiguous", clause, c.Names[0]).At(c.Pos())
		}
		if found == nil {
			found = t
		}
	}
	return found, nil
}

// sameQuery returns the target that is written like e, if there is a subquery in it: two bound subqueries are
// never equal.
func (b *selection) sameQuery(e ast.Expr) *target {
	for _, t := range b.targets {
		if t.text != nil && plan.HasSubquery(t.value) && !plan.VolatileExpr(t.value) && ast.Equal(t.text, e) {
			return t
		}
	}
	return nil
}

// targetFor returns the target with the value of an expression, a new hidden one if there is none.
func (b *selection) targetFor(e ast.Expr, clause string) (*target, error) {
	t, err := b.findTarget(e, clause)
	if t != nil || err != nil {
		return t, err
	}
	v, err := b.s.windowed(clause).bind(e)
	if err == nil {
		err = checkSeries(v)
	}
	if err != nil {
		return nil, err
	}
	if isUnknown(v) {
		if v, err = expr.NewCast(v, types.T(types.Text), expr.Implicit, v.Pos()); err != nil {
			return nil, err
		}
	}
	for _, t := range b.targets {
		if expr.Equal(t.value, v) && !plan.VolatileExpr(v) {
			return t, nil
		}
	}
	t = &target{name: "?column?", value: v, hidden: true, pos: e.Pos(), text: e}
	b.targets = append(b.targets, t)
	return t, nil
}

func (b *selection) bindOrder() error {
	for _, item := range b.q.OrderBy {
		t, err := b.targetFor(item.Expr, "ORDER BY")
		if err != nil {
			return err
		}
		if isUnknown(t.value) {
			if t.value, err = expr.NewCast(t.value, types.T(types.Text), expr.Implicit, t.pos); err != nil {
				return err
			}
		}
		key, err := sortKey(item, t.value)
		if err != nil {
			return err
		}
		b.order = append(b.order, orderItem{t, key})
	}
	return nil
}

func (b *selection) bindGroups() error {
	if len(b.sel.GroupBy) == 0 {
		return nil
	}
	b.sets = [][]int{{}}
	for _, e := range b.sel.GroupBy {
		sets, err := b.groupingSets(e)
		if err == nil {
			b.sets, err = crossSets(b.sets, sets)
		}
		if err != nil {
			return err
		}
	}
	if b.sel.GroupDistinct {
		b.sets = distinctSets(b.sets)
	}
	return nil
}

// groupKey returns which of groups an expression of GROUP BY is, a new one if it has not been written before.
func (b *selection) groupKey(e ast.Expr) (int, error) {
	t, err := b.findTarget(e, "GROUP BY")
	if err != nil {
		return 0, err
	}
	var v expr.Expr
	if t != nil {
		if agg := findAggregate(t.value); agg != nil {
			return 0, sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in GROUP BY").At(agg.Pos())
		}
		if g := findGrouping(t.value); g != nil {
			return 0, sqlerr.New(sqlerr.GroupingError, "grouping operations are not allowed in GROUP BY").At(g.Pos())
		}
		if w := findWindow(t.value); w != nil {
			return 0, sqlerr.New(sqlerr.WindowingError, "window functions are not allowed in GROUP BY").At(w.At)
		}
		if f := findSeries(t.value); f != nil {
			return 0, sqlerr.Unsupported("set-returning function in GROUP BY").At(f.At)
		}
		v = t.value
	} else if v, err = b.s.exprs("GROUP BY").bind(e); err != nil {
		return 0, err
	}
	if isUnknown(v) {
		if v, err = expr.NewCast(v, types.T(types.Text), expr.Implicit, v.Pos()); err != nil {
			return 0, err
		}
		if t != nil {
			t.value = v
		}
	}
	if err := checkGroupable(v); err != nil {
		return 0, err
	}
	for i, k := range b.groups {
		if expr.Equal(k, v) {
			return i, nil
		}
	}
	b.groups = append(b.groups, v)
	return len(b.groups) - 1, nil
}

// checkGroupable refuses types without equality.
func checkGroupable(e expr.Expr) error {
	if _, err := expr.NewOp("=", e.Pos(), e, e); err != nil {
		return sqlerr.Newf(sqlerr.UndefinedFunction, "could not identify an equality operator for type %s", e.Type().Kind).
			At(e.Pos())
	}
	return nil
}

func containsExpr(list []expr.Expr, e expr.Expr) bool {
	for _, x := range list {
		if expr.Equal(x, e) {
			return true
		}
	}
	return false
}

func findAggregate(e expr.Expr) *expr.Aggregate {
	var found *expr.Aggregate
	expr.Walk(e, func(e expr.Expr) bool {
		if a, ok := e.(*expr.Aggregate); ok && found == nil {
			found = a
		}
		return found == nil
	})
	return found
}

func (b *selection) bindDistinct() error {
	if b.sel.Distinct {
		for _, o := range b.order {
			if o.t.hidden {
				return sqlerr.New(sqlerr.InvalidColumnReference,
					"for SELECT DISTINCT, ORDER BY expressions must appear in select list").At(o.t.value.Pos())
			}
		}
		for _, t := range b.targets {
			if isUnknown(t.value) {
				var err error
				if t.value, err = expr.NewCast(t.value, types.T(types.Text), expr.Implicit, t.pos); err != nil {
					return err
				}
			}
			if err := checkGroupable(t.value); err != nil {
				return err
			}
		}
		return nil
	}
	for _, e := range b.sel.DistinctOn {
		t, err := b.targetFor(e, "DISTINCT ON")
		if err != nil {
			return err
		}
		if err := checkGroupable(t.value); err != nil {
			return err
		}
		if !containsTarget(b.on, t) {
			b.on = append(b.on, t)
		}
	}
	return b.checkDistinctOn()
}

func containsTarget(list []*target, t *target) bool {
	for _, o := range list {
		if o == t {
			return true
		}
	}
	return false
}

// checkDistinctOn: the first items of ORDER BY must be those of DISTINCT ON, in any order.
func (b *selection) checkDistinctOn() error {
	matched := 0
	for _, o := range b.order {
		if matched >= len(b.on) {
			break
		}
		if !containsTarget(b.on, o.t) {
			return sqlerr.New(sqlerr.InvalidColumnReference,
				"SELECT DISTINCT ON expressions must match initial ORDER BY expressions").At(b.on[0].value.Pos())
		}
		matched++
	}
	return nil
}

// build makes the plan above FROM, WHERE, GROUP BY and HAVING.
func (b *selection) build() (query, error) {
	if len(b.q.Locks) > 0 {
		return b.buildLocked()
	}
	b.addWindows()
	if err := b.addSeries(); err != nil {
		return query{}, err
	}
	b.projectTargets(nil)
	r := query{rel: b.rel, ordered: len(b.order) > 0}
	for _, t := range b.targets {
		if !t.hidden {
			r.out = append(r.out, t.col)
		}
	}
	switch {
	case b.sel.Distinct:
		r.rel = distinct(r.rel, r.out)
	case len(b.on) > 0:
		r.rel = b.distinctOn(r.rel)
		r.ordered = false
		if len(b.order) > 0 {
			r.rel, r.ordered = b.sort(r.rel), true
		}
		return r, nil
	}
	if len(b.order) > 0 {
		r.rel = b.sort(r.rel)
	}
	return r, nil
}

// projectTargets computes the select list, hidden items included, and passes extra columns on.
func (b *selection) projectTargets(extra []plan.Col) {
	p := &plan.RelProject{Input: b.rel}
	passed := map[int]bool{}
	for _, t := range b.targets {
		t.col = b.s.g.newCol(t.name, t.value.Type())
		if c, ok := t.value.(*expr.Column); ok {
			t.col.Table, t.col.Attribute = b.s.g.origin(c.ID)
			if !passed[c.ID] && b.s.g.owner[c.ID] == b.s.home {
				t.col.ID = c.ID
				passed[c.ID] = true
			}
		}
		p.Exprs, p.Out = append(p.Exprs, t.value), append(p.Out, t.col)
	}
	for _, c := range extra {
		if !passed[c.ID] {
			p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
		}
	}
	b.rel = p
}

// origin returns the table column that a column is, if it is one.
func (g *binding) origin(id int) (table tableID, attribute int) {
	if scan := g.scans[id]; scan != nil {
		for _, c := range scan.Out {
			if c.ID == id {
				return c.Table, c.Attribute
			}
		}
	}
	return 0, 0
}

func (b *selection) sort(r plan.Rel) plan.Rel {
	return &plan.RelSort{Input: r, Keys: b.sortKeys()}
}

// sortKeys returns the sort keys over the projected targets.
func (b *selection) sortKeys() []plan.SortKey {
	keys := make([]plan.SortKey, len(b.order))
	for i, o := range b.order {
		keys[i] = o.key
		keys[i].Expr = o.t.col.Ref()
	}
	return keys
}

func (b *selection) distinctOn(r plan.Rel) plan.Rel {
	d := &plan.RelDistinctOn{Input: r, Order: b.sortKeys()}
	for _, t := range b.on {
		d.On = append(d.On, t.col.Ref())
		ordered := false
		for _, o := range b.order {
			ordered = ordered || o.t == t
		}
		if !ordered {
			d.Order = append(d.Order, plan.SortKey{Expr: t.col.Ref()})
		}
	}
	return d
}
