package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// PostgreSQL's limits of grouping sets.
const (
	groupingSetsMax = 4096
	cubeItemsMax    = 12
	groupingArgsMax = 31
)

// groupingSets returns the sets of keys that an item of GROUP BY stands for.
func (b *selection) groupingSets(e ast.Expr) ([][]int, error) {
	g, ok := e.(*ast.GroupingSet)
	if !ok {
		k, err := b.groupKey(e)
		return [][]int{{k}}, err
	}
	var items [][][]int
	for _, i := range g.Items {
		sets, err := b.groupingSets(i)
		if err != nil {
			return nil, err
		}
		items = append(items, sets)
	}
	switch g.Kind {
	case ast.GroupingSets:
		return slices.Concat(items...), nil
	case ast.Cube:
		if len(items) > cubeItemsMax {
			return nil, sqlerr.Newf(sqlerr.TooManyColumns, "CUBE is limited to %d elements", cubeItemsMax).At(g.Pos())
		}
	}
	// The items are lists: one set each.
	join := func(has func(i int) bool) (set []int) {
		for i := range items {
			if has(i) {
				set = append(set, items[i][0]...)
			}
		}
		return set
	}
	var sets [][]int
	switch g.Kind {
	case ast.GroupingList:
		sets = append(sets, join(func(int) bool { return true }))
	case ast.Rollup:
		for n := len(items); n >= 0; n-- {
			sets = append(sets, join(func(i int) bool { return i < n }))
		}
	case ast.Cube:
		for m := 1<<len(items) - 1; m >= 0; m-- {
			sets = append(sets, join(func(i int) bool { return m>>(len(items)-1-i)&1 != 0 }))
		}
	}
	return sets, nil
}

// crossSets returns all unions of a set of l with one of r.
func crossSets(l, r [][]int) ([][]int, error) {
	if len(l)*len(r) > groupingSetsMax {
		return nil, sqlerr.Newf(sqlerr.StatementTooComplex, "too many grouping sets present (maximum %d)", groupingSetsMax)
	}
	var out [][]int
	for _, a := range l {
		for _, b := range r {
			set := slices.Concat(a, b)
			slices.Sort(set)
			out = append(out, slices.Compact(set))
		}
	}
	return out, nil
}

func distinctSets(sets [][]int) [][]int {
	var out [][]int
	for _, s := range sets {
		if !slices.ContainsFunc(out, func(o []int) bool { return slices.Equal(o, s) }) {
			out = append(out, s)
		}
	}
	return out
}

// groupingFunc stands for GROUPING until the keys are known.
var groupingFunc = &expr.Func{Name: "grouping", Ret: types.Int4}

// grouping binds GROUPING(…).
func (x *exprs) grouping(e *ast.Grouping) (expr.Expr, error) {
	switch {
	case len(e.Args) > groupingArgsMax:
		return nil, sqlerr.Newf(sqlerr.TooManyArguments, "GROUPING must have fewer than %d arguments", groupingArgsMax+1).At(e.Pos())
	case x.inAggregate && x.clause == "FILTER":
		return nil, sqlerr.New(sqlerr.GroupingError, "grouping operations are not allowed in FILTER").At(e.Pos())
	case x.inAggregate && x.clause == "window":
		return nil, sqlerr.Unsupported("GROUPING in the argument of a window function").At(e.Pos())
	case x.inAggregate:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot be nested").At(e.Pos())
	case !x.aggregates:
		return nil, sqlerr.Newf(sqlerr.GroupingError, "grouping operations are not allowed in %s", x.clause).At(e.Pos())
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		for id := range plan.FreeOf(a) {
			if x.s.g.owner[id] != x.s.home {
				return nil, sqlerr.Unsupported("GROUPING of an outer query").At(a.Pos())
			}
		}
	}
	return &expr.Call{Node: expr.Node{Typ: types.T(types.Int4), At: e.Pos()}, Func: groupingFunc, Args: args}, nil
}

func findGrouping(e expr.Expr) *expr.Call {
	var found *expr.Call
	expr.Walk(e, func(e expr.Expr) bool {
		if c, ok := e.(*expr.Call); ok && c.Func == groupingFunc && found == nil {
			found = c
		}
		return found == nil
	})
	return found
}

// grouping returns the column of a call of GROUPING. With one grouping set it is 0.
func (a *grouper) grouping(e *expr.Call) expr.Expr {
	for _, arg := range e.Args {
		if !containsExpr(a.b.groups, arg) {
			if a.err == nil {
				a.err = sqlerr.New(sqlerr.GroupingError,
					"arguments to GROUPING must be grouping expressions of the associated query level").At(arg.Pos())
			}
			return e
		}
	}
	if len(a.b.sets) <= 1 {
		return expr.NewConst(types.NewInt(types.Int4, 0), e.Typ, e.At)
	}
	i := slices.IndexFunc(a.groupings, func(o *expr.Call) bool { return expr.Equal(o, e) })
	if i < 0 {
		i = len(a.groupings)
		a.groupings = append(a.groupings, e)
		a.groupingCols = append(a.groupingCols, a.g.newCol("grouping", e.Typ))
		a.g.owner[a.groupingCols[i].ID] = a.b.s.home
	}
	return a.groupingCols[i].Ref()
}

// groupingValue is what GROUPING says of a set: a bit for each argument, 1 if the set does not have it.
func (a *grouper) groupingValue(e *expr.Call, set []int) (v int64) {
	for _, arg := range e.Args {
		k := slices.IndexFunc(a.b.groups, func(o expr.Expr) bool { return expr.Equal(o, arg) })
		v <<= 1
		if !slices.Contains(set, k) {
			v |= 1
		}
	}
	return v
}

// inAllSets reports whether all grouping sets have a key; those that a primary key determines are in all.
func (a *grouper) inAllSets(key int) bool {
	return key >= len(a.b.groups) || !slices.ContainsFunc(a.b.sets, func(s []int) bool { return !slices.Contains(s, key) })
}

// ofGroup returns a subquery that names the keys of the group, where it named columns of FROM.
func (a *grouper) ofGroup(e *expr.Subquery) expr.Expr {
	with := map[int]expr.Expr{}
	for i, k := range a.agg.Keys {
		if c, ok := k.(*expr.Column); ok {
			with[c.ID] = a.agg.Out[i].Ref()
		}
	}
	c := *e
	c.Plan = plan.Substitute(plan.SubqueryPlan(e), with)
	return &c
}
