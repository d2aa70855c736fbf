package opt_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// The interpreter in this file runs physical plans, operator by operator as their contract says.

type nodeInterp struct {
	data data
	ctx  *expr.Context
	q    *plan.Query
	// shared are the rows of the shared plans that have been read.
	shared map[int][]types.Row
}

// runNode returns the rows of a physical plan.
func runNode(d data, q *plan.Query) (rows []types.Row, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(interpError)
			if !ok {
				panic(r)
			}
			err = e.err
		}
	}()
	in := nodeInterp{d, &expr.Context{}, q, map[int][]types.Row{}}
	in.subplans(q.Subplans)
	return in.node(q.Root), nil
}

func (in nodeInterp) subplans(list []plan.Subplan) {
	for _, s := range list {
		rows := in.node(s.Root)
		v := types.Null()
		switch {
		case s.Exists:
			v = types.NewBool(len(rows) > 0)
		case len(rows) > 1:
			check(sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression"))
		case len(rows) == 1:
			v = rows[0][0]
		}
		in.set(s.Param, v)
	}
}

// sharedRows runs a shared plan for its first reader.
func (in nodeInterp) sharedRows(n *plan.Shared) []types.Row {
	if _, ok := in.shared[n.Of]; !ok {
		for i := range in.q.Shared {
			if p := &in.q.Shared[i]; p.Of == n.Of {
				in.subplans(p.Subplans)
				in.shared[n.Of] = in.node(p.Root)
			}
		}
	}
	out := make([]types.Row, len(in.shared[n.Of]))
	for i, r := range in.shared[n.Of] {
		for _, c := range n.Cols {
			out[i] = append(out[i], r[c])
		}
	}
	return out
}

func (in nodeInterp) set(param int, v types.Datum) {
	for len(in.ctx.Params) < param {
		in.ctx.Params = append(in.ctx.Params, types.Null())
	}
	in.ctx.Params[param-1] = v
}

// apply runs the inner plan for each row anew.
func (in nodeInterp) apply(n *plan.Apply) []types.Row {
	var out []types.Row
	for _, l := range in.node(n.Left) {
		j := &plan.Join{Kind: n.Kind, Right: n.Root}
		var right []types.Row
		if in.holds(n.When, l) {
			for i, a := range n.Args {
				in.set(n.Params[i], in.eval(a, l))
			}
			in.subplans(n.Subplans)
			right = in.node(n.Root)
		}
		if n.Kind == plan.Mark {
			j.Cond = &expr.Column{Node: expr.Node{Typ: types.T(types.Bool)}, ID: len(l)}
		}
		out = append(out, in.joined(j, []types.Row{l}, right)...)
	}
	return out
}

func (in nodeInterp) eval(e expr.Expr, row types.Row) types.Datum {
	d, err := expr.EvalRow(in.ctx, e, row)
	check(err)
	return d
}

func (in nodeInterp) holds(e expr.Expr, row types.Row) bool {
	if e == nil {
		return true
	}
	d := in.eval(e, row)
	return !d.IsNull() && d.Bool()
}

func (in nodeInterp) node(n plan.Node) []types.Row {
	rows := in.rows(n)
	for _, r := range rows {
		if len(r) != len(n.Columns()) {
			panic(fmt.Sprintf("%T yields %d columns and declares %d", n, len(r), len(n.Columns())))
		}
	}
	return rows
}

func (in nodeInterp) rows(n plan.Node) []types.Row {
	switch n := n.(type) {
	case *plan.Scan:
		return in.scan(n)
	case *plan.Values:
		var out []types.Row
		for _, t := range n.Tuples {
			out = append(out, in.project(t, nil))
		}
		return out
	case *plan.Filter:
		return slices.DeleteFunc(in.node(n.Input), func(r types.Row) bool { return !in.holds(n.Cond, r) })
	case *plan.Project:
		var out []types.Row
		for _, r := range in.node(n.Input) {
			out = append(out, in.project(n.Exprs, r))
		}
		return out
	case *plan.Join:
		return in.joined(n, in.node(n.Left), in.node(n.Right))
	case *plan.Apply:
		return in.apply(n)
	case *plan.Shared:
		return in.sharedRows(n)
	case *plan.Aggregate:
		return in.aggregate(n)
	case *plan.Sort:
		return in.sort(n)
	case *plan.Unique:
		var out []types.Row
		last := "none"
		for _, r := range in.node(n.Input) {
			if k := in.key(n.Keys, r); k != last {
				out, last = append(out, r), k
			}
		}
		return out
	case *plan.Fetch:
		var out []types.Row
		for _, r := range in.node(n.Input) {
			out = append(out, in.fetch(n, r))
		}
		return out
	case *plan.Limit:
		rows := in.node(n.Input)
		if n.Offset != nil {
			rows = rows[min(int(in.eval(n.Offset, nil).I), len(rows)):]
		}
		if n.Count != nil {
			rows = rows[:min(int(in.eval(n.Count, nil).I), len(rows))]
		}
		return rows
	case *plan.Append:
		var out []types.Row
		for _, c := range n.All {
			out = append(out, in.node(c)...)
		}
		return out
	case *plan.SetOp:
		return in.setOp(n)
	case *plan.Series:
		var out []types.Row
		from, to, by := in.eval(n.Start, nil), in.eval(n.Stop, nil), in.eval(n.Step, nil)
		for i := from.I; by.I > 0 && i <= to.I || by.I < 0 && i >= to.I; i += by.I {
			out = append(out, types.Row{types.NewInt(n.Out[0].Type.Kind, i)})
		}
		return out
	}
	panic(fmt.Sprintf("%T", n))
}

func (in nodeInterp) project(list []expr.Expr, row types.Row) types.Row {
	out := make(types.Row, len(list))
	for i, e := range list {
		out[i] = in.eval(e, row)
	}
	return out
}

// fetch adds the columns of the row at a position.
func (in nodeInterp) fetch(n *plan.Fetch, r types.Row) types.Row {
	r = slices.Clone(r)
	for _, c := range n.Cols {
		d := types.NullOf(n.Table.Columns[c].Type.Kind)
		if ref := r[n.RefCol]; !ref.IsNull() {
			d = in.data[n.Table.Name][ref.I][c]
		}
		r = append(r, d)
	}
	return r
}

func (in nodeInterp) scan(n *plan.Scan) []types.Row {
	var out []types.Row
	for i, row := range in.data[n.Table.Name] {
		r := make(types.Row, 0, len(n.Cols)+1)
		for _, c := range n.Cols {
			r = append(r, row[c])
		}
		if n.Refs {
			r = append(r, types.NewInt(types.Int8, int64(i)))
		}
		found := true
		for k, e := range n.Key {
			v := in.eval(e, nil)
			have := row[n.Table.PrimaryKey()[k]]
			if v.K != have.K && !v.IsNull() {
				panic(fmt.Sprintf("key of kind %s for a column of kind %s", v.K, have.K))
			}
			found = found && !v.IsNull() && types.Compare(v, have) == 0
		}
		if found && in.holds(n.Filter, r) {
			out = append(out, r)
		}
	}
	return out
}

// match returns the three-valued conjunction of a join's keys and condition.
func (in nodeInterp) match(n *plan.Join, l, r types.Row) types.Datum {
	result := types.NewBool(true)
	for i := range n.LeftKeys {
		a, b := in.eval(n.LeftKeys[i], l), in.eval(n.RightKeys[i], r)
		switch {
		case !a.IsNull() && !b.IsNull() && a.K != b.K:
			panic(fmt.Sprintf("join keys of kinds %s and %s", a.K, b.K))
		case n.NullEqual[i] && a.IsNull() && b.IsNull():
		case n.NullEqual[i] && (a.IsNull() || b.IsNull()):
			return types.NewBool(false)
		case a.IsNull() || b.IsNull():
			result = types.NullOf(types.Bool)
		case types.Compare(a, b) != 0:
			return types.NewBool(false)
		}
	}
	if n.Cond == nil {
		return result
	}
	c := in.eval(n.Cond, append(slices.Clone(l), r...))
	if c.IsNull() || !c.Bool() {
		if result.IsNull() && c.IsNull() {
			return result
		}
		return c
	}
	return result
}

func (in nodeInterp) joined(n *plan.Join, left, right []types.Row) []types.Row {
	var out []types.Row
	matchedRight := make([]bool, len(right))
	nullsOf := func(cols []plan.OutColumn) types.Row {
		r := make(types.Row, len(cols))
		for i, c := range cols {
			r[i] = types.NullOf(c.Type.Kind)
		}
		return r
	}
	for _, l := range left {
		matches, unknown := 0, false
		for i, r := range right {
			m := in.match(n, l, r)
			unknown = unknown || m.IsNull()
			if m.IsNull() || !m.Bool() {
				continue
			}
			matches++
			matchedRight[i] = true
			switch n.Kind {
			case plan.Inner, plan.Left, plan.Right, plan.Full, plan.Single:
				out = append(out, append(slices.Clone(l), r...))
			}
		}
		switch {
		case n.Kind == plan.Single && matches > 1:
			check(sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression"))
		case matches == 0 && (n.Kind == plan.Left || n.Kind == plan.Full || n.Kind == plan.Single):
			out = append(out, append(slices.Clone(l), nullsOf(n.Right.Columns())...))
		case n.Kind == plan.Semi && matches > 0, n.Kind == plan.Anti && matches == 0,
			n.Kind == plan.AntiNull && matches == 0 && !unknown:
			out = append(out, l)
		case n.Kind == plan.Mark:
			m := types.NewBool(matches > 0)
			if matches == 0 && unknown {
				m = types.NullOf(types.Bool)
			}
			out = append(out, append(slices.Clone(l), m))
		}
	}
	for i, r := range right {
		if n.Kind == plan.RightSemi && matchedRight[i] || n.Kind == plan.RightAnti && !matchedRight[i] {
			out = append(out, r)
		}
	}
	if n.Kind == plan.Right || n.Kind == plan.Full {
		for i, r := range right {
			if !matchedRight[i] {
				out = append(out, append(nullsOf(n.Left.Columns()), r...))
			}
		}
	}
	return out
}

func (in nodeInterp) key(list []expr.Expr, row types.Row) string {
	var sb strings.Builder
	for _, e := range list {
		sb.WriteString(canonical(in.eval(e, row), e.Type()) + "|")
	}
	return sb.String()
}

func (in nodeInterp) aggregate(n *plan.Aggregate) []types.Row {
	groups := map[string][]types.Row{}
	var order []string
	if len(n.Keys) == 0 {
		groups[""], order = nil, []string{""}
	}
	var grouping []expr.Expr
	for i, k := range n.Keys {
		if n.Determined == nil || !n.Determined[i] {
			grouping = append(grouping, k)
		}
	}
	for _, r := range in.node(n.Input) {
		k := in.key(grouping, r)
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		} else if g := groups[k]; len(g) > 0 && in.key(n.Keys, r) != in.key(n.Keys, g[0]) {
			panic(interpError{fmt.Errorf("a determined key differs within a group: %v %v", r, groups[k][0])})
		}
		groups[k] = append(groups[k], r)
	}
	var out []types.Row
	for _, k := range order {
		rows := groups[k]
		var o types.Row
		for _, key := range n.Keys {
			o = append(o, in.eval(key, rows[0]))
		}
		for _, a := range n.Aggs {
			var vals []types.Datum
			seen := map[string]bool{}
			for _, row := range rows {
				if !in.holds(a.Filter, row) {
					continue
				}
				v := types.NewBool(true)
				if len(a.Args) > 0 {
					v = in.eval(a.Args[0], row)
					c := canonical(v, a.Args[0].Type())
					if v.IsNull() || a.Distinct && seen[c] {
						continue
					}
					seen[c] = true
				}
				vals = append(vals, v)
			}
			o = append(o, aggregateOf(a, vals))
		}
		out = append(out, o)
	}
	return out
}

func (in nodeInterp) sort(n *plan.Sort) []types.Row {
	rows := in.node(n.Input)
	sort.SliceStable(rows, func(i, j int) bool {
		for _, k := range n.Keys {
			if c := compareKeys(in.eval(k.Expr, rows[i]), in.eval(k.Expr, rows[j]), k); c != 0 {
				return c < 0
			}
		}
		return false
	})
	if n.TopN != nil {
		rows = rows[:min(len(rows), int(in.eval(n.TopN, nil).I))]
	}
	return rows
}

func (in nodeInterp) setOp(n *plan.SetOp) []types.Row {
	keyOf := func(r types.Row) string {
		var sb strings.Builder
		for i, d := range r {
			sb.WriteString(canonical(d, n.Out[i].Type) + "|")
		}
		return sb.String()
	}
	counts := map[string]int{}
	for _, r := range in.node(n.R) {
		counts[keyOf(r)]++
	}
	var out []types.Row
	seen := map[string]int{}
	for _, r := range in.node(n.L) {
		k := keyOf(r)
		seen[k]++
		keep := false
		switch {
		case n.Kind == plan.Intersect && n.All:
			keep = seen[k] <= counts[k]
		case n.Kind == plan.Intersect:
			keep = seen[k] == 1 && counts[k] > 0
		case n.All:
			keep = seen[k] > counts[k]
		default:
			keep = seen[k] == 1 && counts[k] == 0
		}
		if keep {
			out = append(out, r)
		}
	}
	return out
}
