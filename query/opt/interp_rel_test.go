package opt_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// The interpreter in this file evaluates logical plans as the binder made them, by definition: subqueries
// once for each row, joins as filtered products. Optimized plans must give the same rows.

// data holds the rows of tables by name.
type data map[string][]types.Row

// env is a row with what surrounds it: values by column ID.
type rowEnv map[int]types.Datum

func (e rowEnv) with(o rowEnv) rowEnv {
	out := make(rowEnv, len(e)+len(o))
	for k, v := range e {
		out[k] = v
	}
	for k, v := range o {
		out[k] = v
	}
	return out
}

type relInterp struct{ data data }

// interpError carries an error of the query through the interpreter.
type interpError struct{ err error }

// runRel returns the rows of a bound query.
func runRel(d data, s *bind.Statement) (rows []types.Row, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(interpError)
			if !ok {
				panic(r)
			}
			err = e.err
		}
	}()
	in := relInterp{d}
	for _, e := range in.rel(s.Root, nil) {
		row := make(types.Row, len(s.Out))
		for i, c := range s.Out {
			row[i] = e[c.ID]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func check(err error) {
	if err != nil {
		panic(interpError{err})
	}
}

// eval evaluates an expression over a row: columns and subqueries become constants first.
func (in relInterp) eval(e expr.Expr, env rowEnv) types.Datum {
	var lower func(expr.Expr) expr.Expr
	lower = func(e expr.Expr) expr.Expr {
		switch e := e.(type) {
		case *expr.Column:
			d, ok := env[e.ID]
			if !ok {
				panic(fmt.Sprintf("column %s:%d is not in scope", e.Name, e.ID))
			}
			return expr.NewConst(d, e.Typ, 0)
		case *expr.Subquery:
			return expr.NewConst(in.subquery(e, env), e.Typ, 0)
		case *expr.Case:
			// Only the branch that is taken is evaluated.
			for _, w := range e.Whens {
				if d := in.eval(w.Cond, env); !d.IsNull() && d.Bool() {
					return lower(w.Result)
				}
			}
			return lower(e.Else)
		}
		return expr.MapChildren(e, lower)
	}
	d, err := expr.EvalRow(&expr.Context{}, lower(e), nil)
	check(err)
	return d
}

func (in relInterp) holds(e expr.Expr, env rowEnv) bool {
	if e == nil {
		return true
	}
	d := in.eval(e, env)
	return !d.IsNull() && d.Bool()
}

func (in relInterp) subquery(s *expr.Subquery, env rowEnv) types.Datum {
	rows := in.rel(plan.SubqueryPlan(s), env)
	switch s.Kind {
	case expr.Exists:
		return types.NewBool(len(rows) > 0)
	case expr.Scalar:
		if len(rows) > 1 {
			check(sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression"))
		}
		if len(rows) == 0 {
			return types.NullOf(s.Typ.Kind)
		}
		return rows[0][s.Columns[0].ID]
	}
	any := types.NewBool(false)
	all := types.NewBool(true)
	for _, r := range rows {
		d := in.eval(s.Test, env.with(r))
		switch {
		case d.IsNull():
			if any.IsNull() || !any.Bool() {
				any = types.NullOf(types.Bool)
			}
			if all.IsNull() || all.Bool() {
				all = types.NullOf(types.Bool)
			}
		case d.Bool():
			any = d
		default:
			all = d
		}
	}
	if s.Kind == expr.Any {
		return any
	}
	return all
}

func (in relInterp) rel(r plan.Rel, env rowEnv) []rowEnv {
	switch r := r.(type) {
	case *plan.RelScan:
		var out []rowEnv
		for n, row := range in.data[r.Table.Name] {
			e := rowEnv{}
			for i, c := range r.Out {
				e[c.ID] = row[r.Attrs[i]]
			}
			if r.Ref.ID != 0 {
				e[r.Ref.ID] = types.NewInt(types.Int8, int64(n))
			}
			out = append(out, e)
		}
		return out
	case *plan.RelValues:
		var out []rowEnv
		for _, t := range r.Tuples {
			e := rowEnv{}
			for i, c := range r.Out {
				e[c.ID] = in.eval(t[i], env)
			}
			out = append(out, e)
		}
		return out
	case *plan.RelFilter:
		var out []rowEnv
		for _, e := range in.rel(r.Input, env) {
			if in.holds(r.Cond, env.with(e)) {
				out = append(out, e)
			}
		}
		return out
	case *plan.RelProject:
		var out []rowEnv
		for _, e := range in.rel(r.Input, env) {
			n := rowEnv{}
			for i, c := range r.Out {
				n[c.ID] = in.eval(r.Exprs[i], env.with(e))
			}
			out = append(out, n)
		}
		return out
	case *plan.RelJoin:
		rows := in.rel(r.R, env)
		return in.join(r.Kind, r.L, r.R, r.Cond, env, func(rowEnv) []rowEnv { return rows })
	case *plan.RelApply:
		return in.join(r.Kind, r.L, r.R, r.Cond, env, func(l rowEnv) []rowEnv { return in.rel(r.R, env.with(l)) })
	case *plan.RelAggregate:
		return in.aggregate(r, env)
	case *plan.RelSort:
		return in.sorted(in.rel(r.Input, env), r.Keys, env)
	case *plan.RelDistinctOn:
		var out []rowEnv
		seen := map[string]bool{}
		for _, e := range in.sorted(in.rel(r.Input, env), r.Order, env) {
			if k := in.key(r.On, env.with(e)); !seen[k] {
				seen[k] = true
				out = append(out, e)
			}
		}
		return out
	case *plan.RelLimit:
		return in.limit(r, env)
	case *plan.RelUnion:
		var out []rowEnv
		for i, c := range r.All {
			for _, e := range in.rel(c, env) {
				out = append(out, renameRow(e, r.In[i], r.Out))
			}
		}
		return out
	case *plan.RelSetOp:
		return in.setOp(r, env)
	case *plan.RelSeries:
		var out []rowEnv
		from, to, by := in.eval(r.Start, env), in.eval(r.Stop, env), in.eval(r.Step, env)
		for i := from.I; by.I > 0 && i <= to.I || by.I < 0 && i >= to.I; i += by.I {
			out = append(out, rowEnv{r.Out.ID: types.NewInt(r.Out.Type.Kind, i)})
		}
		return out
	case *plan.RelShared:
		var out []rowEnv
		ids := make([]int, len(r.Attrs))
		for i, a := range r.Attrs {
			ids[i] = r.Def.Out[a].ID
		}
		for _, e := range in.rel(r.Def.Root, rowEnv{}) {
			out = append(out, renameRow(e, ids, r.Out))
		}
		return out
	case *plan.RelLock:
		return in.rel(r.Input, env)
	}
	panic(fmt.Sprintf("%T", r))
}

func renameRow(e rowEnv, in []int, out []plan.Col) rowEnv {
	n := rowEnv{}
	for j, c := range out {
		n[c.ID] = e[in[j]]
	}
	return n
}

func (in relInterp) join(
	kind plan.JoinKind, lr, rr plan.Rel, cond expr.Expr, env rowEnv, right func(rowEnv) []rowEnv,
) []rowEnv {
	var out []rowEnv
	nulls := func(r plan.Rel) rowEnv {
		e := rowEnv{}
		for _, c := range r.Cols() {
			e[c.ID] = types.NullOf(c.Type.Kind)
		}
		return e
	}
	matchedRight := map[int]bool{}
	for _, l := range in.rel(lr, env) {
		matches := 0
		for i, r := range right(l) {
			if in.holds(cond, env.with(l).with(r)) {
				matches++
				matchedRight[i] = true
				if kind != plan.Semi && kind != plan.Anti {
					out = append(out, l.with(r))
				}
			}
		}
		switch {
		case kind == plan.Single && matches > 1:
			check(sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression"))
		case matches == 0 && (kind == plan.Left || kind == plan.Full || kind == plan.Single):
			out = append(out, l.with(nulls(rr)))
		}
	}
	if kind == plan.Full {
		for i, r := range right(nil) {
			if !matchedRight[i] {
				out = append(out, nulls(lr).with(r))
			}
		}
	}
	return out
}

func (in relInterp) key(list []expr.Expr, env rowEnv) string {
	var sb strings.Builder
	for _, e := range list {
		d := in.eval(e, env)
		fmt.Fprintf(&sb, "%s|", canonical(d, e.Type()))
	}
	return sb.String()
}

// canonical prints a value such that equal values print the same.
func canonical(d types.Datum, t types.Type) string {
	if d.IsNull() {
		return "NULL"
	}
	if t.Kind == types.Numeric {
		s := t.Text(d)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	return t.Text(d)
}

func (in relInterp) aggregate(r *plan.RelAggregate, env rowEnv) []rowEnv {
	groups := map[string][]rowEnv{}
	var order []string
	if len(r.Keys) == 0 {
		groups[""], order = nil, []string{""}
	}
	for _, e := range in.rel(r.Input, env) {
		k := in.key(r.Keys, env.with(e))
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], e)
	}
	var out []rowEnv
	for _, k := range order {
		rows := groups[k]
		e := rowEnv{}
		for i, key := range r.Keys {
			e[r.Out[i].ID] = in.eval(key, env.with(rows[0]))
		}
		for i, a := range r.Aggs {
			var vals []types.Datum
			seen := map[string]bool{}
			for _, row := range rows {
				full := env.with(row)
				if a.Filter != nil && !in.holds(a.Filter, full) {
					continue
				}
				v := types.NewBool(true)
				if len(a.Args) > 0 {
					v = in.eval(a.Args[0], full)
					if v.IsNull() {
						continue
					}
					if c := canonical(v, a.Args[0].Type()); a.Distinct && seen[c] {
						continue
					} else {
						seen[c] = true
					}
				}
				vals = append(vals, v)
			}
			e[r.Out[len(r.Keys)+i].ID] = aggregateOf(a, vals)
		}
		out = append(out, e)
	}
	return out
}

// aggregateOf computes the aggregates that the tests use.
func aggregateOf(a *expr.Aggregate, vals []types.Datum) types.Datum {
	switch a.Func.Op {
	case expr.AggCount, expr.AggCountStar:
		return types.NewInt(types.Int8, int64(len(vals)))
	}
	if len(vals) == 0 {
		return types.NullOf(a.Typ.Kind)
	}
	switch a.Func.Op {
	case expr.AggMin:
		return slices.MinFunc(vals, types.Compare)
	case expr.AggMax:
		return slices.MaxFunc(vals, types.Compare)
	case expr.AggSum, expr.AggAvg:
		sum := 0.0
		for _, v := range vals {
			f, err := expr.EvalRow(&expr.Context{}, mustCast(expr.NewConst(v, a.Args[0].Type(), 0), types.Float8), nil)
			check(err)
			sum += f.Float()
		}
		if a.Func.Op == expr.AggAvg {
			sum /= float64(len(vals))
		}
		d, err := expr.EvalRow(&expr.Context{}, mustCast(expr.NewConst(types.NewFloat(types.Float8, sum), types.T(types.Float8), 0),
			a.Typ.Kind), nil)
		check(err)
		return d
	}
	panic("aggregate " + a.Func.Name)
}

func mustCast(e expr.Expr, k types.Kind) expr.Expr {
	c, err := expr.NewCast(e, types.T(k), expr.Explicit, 0)
	check(err)
	return c
}

func (in relInterp) sorted(rows []rowEnv, keys []plan.SortKey, env rowEnv) []rowEnv {
	sort.SliceStable(rows, func(i, j int) bool {
		for _, k := range keys {
			a, b := in.eval(k.Expr, env.with(rows[i])), in.eval(k.Expr, env.with(rows[j]))
			if c := compareKeys(a, b, k); c != 0 {
				return c < 0
			}
		}
		return false
	})
	return rows
}

func compareKeys(a, b types.Datum, k plan.SortKey) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull() || b.IsNull():
		if a.IsNull() == k.NullsFirst {
			return -1
		}
		return 1
	}
	c := types.Compare(a, b)
	if k.Desc {
		return -c
	}
	return c
}

func (in relInterp) limit(r *plan.RelLimit, env rowEnv) []rowEnv {
	rows := in.rel(r.Input, env)
	if r.Offset != nil {
		if d := in.eval(r.Offset, env); !d.IsNull() {
			rows = rows[min(int(d.I), len(rows)):]
		}
	}
	if r.Count != nil {
		if d := in.eval(r.Count, env); !d.IsNull() {
			rows = rows[:min(int(d.I), len(rows))]
		}
	}
	return rows
}

func (in relInterp) setOp(r *plan.RelSetOp, env rowEnv) []rowEnv {
	side := func(c plan.Rel, ids []int) (list []rowEnv, counts map[string]int, keys []string) {
		counts = map[string]int{}
		for _, e := range in.rel(c, env) {
			n := renameRow(e, ids, r.Out)
			var sb strings.Builder
			for _, c := range r.Out {
				sb.WriteString(canonical(n[c.ID], c.Type) + "|")
			}
			list, keys = append(list, n), append(keys, sb.String())
			counts[sb.String()]++
		}
		return list, counts, keys
	}
	l, _, lk := side(r.L, r.LIn)
	_, rc, _ := side(r.R, r.RIn)
	var out []rowEnv
	seen := map[string]int{}
	for i, e := range l {
		k := lk[i]
		seen[k]++
		keep := false
		switch {
		case r.Kind == plan.Intersect && r.All:
			keep = seen[k] <= rc[k]
		case r.Kind == plan.Intersect:
			keep = seen[k] == 1 && rc[k] > 0
		case r.All:
			keep = seen[k] > rc[k]
		default:
			keep = seen[k] == 1 && rc[k] == 0
		}
		if keep {
			out = append(out, e)
		}
	}
	return out
}

var _ = table.Stats{}
