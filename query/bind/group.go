package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

type tableID = table.ObjectID

// group adds the aggregation, if the query has one, and lets select list, HAVING and ORDER BY name its
// output.
func (b *selection) group() error {
	below := b.s.home.below
	grouped := len(b.sets) > 0 || b.having != nil || len(below) > 0
	for _, t := range b.targets {
		grouped = grouped || findAggregate(t.value) != nil || findGrouping(t.value) != nil
	}
	if !grouped {
		return nil
	}
	a := &grouper{b: b, g: b.s.g, agg: &plan.RelAggregate{Input: b.rel}}
	if len(below) > 0 && len(b.sets) > 1 {
		return sqlerr.Unsupported("aggregate function in a subquery of a query with several grouping sets").At(below[0].agg.At)
	}
	for _, k := range b.groups {
		a.addKey(k)
	}
	for _, o := range below {
		a.agg.Aggs, a.aggCols = append(a.agg.Aggs, o.agg), append(a.aggCols, o.col)
	}
	for _, t := range b.targets {
		t.value = a.rewrite(t.value)
	}
	if b.having != nil {
		b.having = a.rewrite(b.having)
	}
	if a.err != nil {
		return a.err
	}
	for i, o := range b.order {
		b.order[i].key.Expr = o.t.value
	}
	a.agg.Out = append(a.agg.Out, a.aggCols...)
	if a.below != nil {
		a.agg.Input = a.below.over(a.agg.Input)
	}
	rel, err := a.expand()
	if err != nil {
		return err
	}
	if err := a.orderInput(); err != nil {
		return err
	}
	b.rel = rel
	if b.having != nil {
		b.rel = &plan.RelFilter{Input: b.rel, Cond: b.having}
	}
	return nil
}

// grouper makes an aggregation and rewrites the expressions above it.
type grouper struct {
	b       *selection
	g       *binding
	agg     *plan.RelAggregate
	aggCols []plan.Col
	// groupings are the calls of GROUPING, and the columns that hold them, if there are several grouping sets.
	groupings    []*expr.Call
	groupingCols []plan.Col
	// below are windows of the input that ordered-set aggregates take their values from.
	below *windows
	err   error
}

// addKey adds a grouping key. A column keeps its ID, so that subqueries above may still name it, unless there are
// several grouping sets: then it is not the same column.
func (a *grouper) addKey(k expr.Expr) plan.Col {
	c := a.g.newCol("group", k.Type())
	if col, ok := k.(*expr.Column); ok && a.g.owner[col.ID] == a.b.s.home && len(a.b.sets) <= 1 {
		c.ID, c.Name = col.ID, col.Name
		c.Table, c.Attribute = a.g.origin(col.ID)
	}
	a.g.owner[c.ID] = a.b.s.home
	a.agg.Keys, a.agg.Out = append(a.agg.Keys, k), append(a.agg.Out, c)
	return c
}

// rewrite replaces grouping keys and aggregates by the columns that hold them, and checks that nothing
// else of FROM is used.
func (a *grouper) rewrite(e expr.Expr) expr.Expr {
	for i, k := range a.agg.Keys {
		if expr.Equal(k, e) {
			ref := a.agg.Out[i].Ref()
			ref.At = e.Pos()
			return ref
		}
	}
	switch e := e.(type) {
	case *expr.Call:
		if e.Func == groupingFunc {
			return a.grouping(e)
		}
	case *expr.Aggregate:
		return a.aggregate(e)
	case *expr.Column:
		if a.g.owner[e.ID] == a.b.s.home && !a.isAggregate(e.ID) {
			return a.ungrouped(e, "column \"%s\" must appear in the GROUP BY clause or be used in an aggregate function")
		}
		return e
	case *expr.Subquery:
		for id, c := range plan.Free(plan.SubqueryPlan(e)) {
			if a.g.owner[id] == a.b.s.home && a.keyOf(id) < 0 && !a.isAggregate(id) {
				a.ungrouped(c, "subquery uses ungrouped column \"%s\" from outer query")
			}
		}
		if len(a.b.sets) > 1 {
			return expr.MapChildren(a.ofGroup(e), a.rewrite)
		}
	}
	return expr.MapChildren(e, a.rewrite)
}

func (a *grouper) isAggregate(id int) bool {
	for _, c := range a.aggCols {
		if c.ID == id {
			return true
		}
	}
	return false
}

// keyOf returns which key is a column of FROM; -1: none.
func (a *grouper) keyOf(id int) int {
	return slices.IndexFunc(a.agg.Keys, func(k expr.Expr) bool {
		c, ok := k.(*expr.Column)
		return ok && c.ID == id
	})
}

// aggregate returns the column of an aggregate, which is computed once however often it is written.
func (a *grouper) aggregate(e *expr.Aggregate) expr.Expr {
	if kind, ok := orderedSetOf(e); ok {
		return a.orderedSet(e, kind)
	}
	for i, o := range a.agg.Aggs {
		if expr.Equal(o, e) && !expr.IsVolatile(e) {
			return a.aggCols[i].Ref()
		}
	}
	c := a.g.newCol(e.Func.Name, e.Type())
	a.g.owner[c.ID] = a.b.s.home
	a.agg.Aggs, a.aggCols = append(a.agg.Aggs, e), append(a.aggCols, c)
	ref := c.Ref()
	ref.At = e.Pos()
	return ref
}

// ungrouped allows a column that the primary key of its table determines, and makes it a key; others are
// an error.
func (a *grouper) ungrouped(c *expr.Column, message string) expr.Expr {
	if scan := a.g.scans[c.ID]; scan != nil && a.keyGrouped(scan) {
		k := a.addKey(c).Ref()
		k.At = c.At
		return k
	}
	if a.err == nil {
		a.err = sqlerr.Newf(sqlerr.GroupingError, message, a.g.names[c.ID]).At(c.Pos())
	}
	return c
}

// keyGrouped reports whether all primary key columns of a scan are grouping keys.
func (a *grouper) keyGrouped(scan *plan.RelScan) bool {
	if !a.b.s.hasTable(scan) {
		return false
	}
	key := scan.Table.PrimaryKey()
	for _, k := range key {
		if i := a.keyOf(scan.Out[k].ID); i < 0 || !a.inAllSets(i) {
			return false
		}
	}
	return len(key) > 0
}

// hasTable reports whether a table stands in this query's own FROM.
func (s *scope) hasTable(scan *plan.RelScan) bool {
	for _, it := range s.items {
		if it.scan == scan {
			return true
		}
	}
	return false
}
