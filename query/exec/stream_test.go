package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

func filterOf(in plan.Node, cond expr.Expr) *plan.Filter {
	n := &plan.Filter{Input: in, Cond: cond}
	n.Out = in.Columns()
	return n
}

func projectOf(in plan.Node, exprs ...expr.Expr) *plan.Project {
	n := &plan.Project{Input: in, Exprs: exprs}
	for _, e := range exprs {
		n.Out = append(n.Out, plan.OutColumn{Type: e.Type()})
	}
	return n
}

func intRows(vals ...int64) []types.Row {
	var rows []types.Row
	for _, v := range vals {
		rows = append(rows, types.Row{types.NewInt(types.Int8, v)})
	}
	return rows
}

func sequence(n int) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(i)
	}
	return v
}

// TestStreamingKeepsOrder runs filters, projections, limits and concatenations: rows come in the order of
// the morsels in every configuration.
func TestStreamingKeepsOrder(t *testing.T) {
	w := newWorld(t, 3)
	tab := w.table("t", columnsOf(types.T(types.Int8)), intRows(sequence(1000)...))
	scan := scanOf(tab)
	scan.Filter = op(t, ">", col(scan, 0), intConst(99))
	even := filterOf(scan, op(t, "=", op(t, "%", col(scan, 0), intConst(2)), intConst(0)))
	double := projectOf(even, op(t, "*", col(even, 0), intConst(2)), col(even, 0))
	both := &plan.Append{All: []plan.Node{double, limitOf(double, 7, 3)}}
	both.Out = double.Out
	limited := &plan.Append{All: []plan.Node{limitOf(double, 3, 0), limitOf(both, 5, 448), limitOf(double, 2, 1)}}
	limited.Out = double.Out
	cases := []struct {
		name string
		root plan.Node
		want func() []string
	}{
		{"filter and project", double, func() []string { return evens(100, 1000) }},
		{"limit", limitOf(double, 30, 20), func() []string { return evens(140, 200) }},
		{"no limit, offset", limitOf(double, -1, 400), func() []string { return evens(900, 1000) }},
		{"limit 0", limitOf(double, 0, 0), func() []string { return nil }},
		{"append", both, func() []string { return append(evens(100, 1000), evens(106, 120)...) }},
		{"append limits", limited, func() []string {
			return slices.Concat(evens(100, 106), evens(996, 1000), evens(106, 112), evens(102, 106))
		}},
	}
	for _, tc := range cases {
		for _, c := range configs() {
			got, err := w.run(t, &plan.Query{Root: tc.root}, c)
			if err != nil {
				t.Fatal(tc.name, c, err)
			}
			same(t, fmt.Sprint(tc.name, " ", c), got, tc.want(), true)
		}
	}
	if w.runs != len(cases)*len(configs()) {
		t.Fatalf("%d runs", w.runs)
	}
}

func evens(from, to int) []string {
	var out []string
	for i := from; i < to; i += 2 {
		out = append(out, fmt.Sprintf("%d|%d", 2*i, i))
	}
	return out
}

// TestErrorComesAfterTheRowsBeforeIt: a failing row raises only if it is reached, and the rows before it
// are delivered first.
func TestErrorComesAfterTheRowsBeforeIt(t *testing.T) {
	w := newWorld(t, 4)
	vals := sequence(300)
	for i := range vals {
		vals[i]++
	}
	vals[170], vals[200] = 0, 0
	tab := w.table("t", columnsOf(types.T(types.Int8)), intRows(vals...))
	scan := scanOf(tab)
	quotient := projectOf(scan, op(t, "/", intConst(1000), col(scan, 0)))
	cond := scanOf(tab)
	cond.Filter = op(t, ">", op(t, "/", intConst(1000), col(cond, 0)), intConst(-1))
	filtered := filterOf(scan, op(t, ">", op(t, "/", intConst(1000), col(scan, 0)), intConst(-1)))
	for _, n := range []plan.Node{quotient, cond, filtered} {
		for _, c := range configs() {
			got, err := w.run(t, &plan.Query{Root: n}, c)
			if len(got) != 170 || sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
				t.Fatalf("%T %v: %d rows, then %v", n, c, len(got), err)
			}
			if got, err := w.run(t, &plan.Query{Root: limitOf(n, 170, 0)}, c); err != nil || len(got) != 170 {
				t.Fatalf("%T %v: LIMIT 170: %d rows, %v", n, c, len(got), err)
			}
			if _, err := w.run(t, &plan.Query{Root: limitOf(n, 171, 0)}, c); sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
				t.Fatalf("%T %v: LIMIT 171: %v", n, c, err)
			}
		}
	}
}

// TestFirstErrorInRowOrder: with several workers, the error of the earliest row is raised.
func TestFirstErrorInRowOrder(t *testing.T) {
	w := newWorld(t, 5)
	vals := make([]int64, 5000)
	for i := range vals {
		vals[i] = 1
	}
	vals[1010], vals[4000] = 0, 1<<62 // first a division by zero, later an overflow
	tab := w.table("t", columnsOf(types.T(types.Int8)), intRows(vals...))
	scan := scanOf(tab)
	e := op(t, "*", op(t, "/", intConst(1), col(scan, 0)), op(t, "*", col(scan, 0), intConst(4)))
	for _, c := range configs() {
		for range 5 {
			_, err := w.run(t, &plan.Query{Root: aggOf(scan, nil, agg(t, "sum", false, nil, e))}, c)
			if sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
				t.Fatalf("%v: %v", c, err)
			}
			if c.vectorRows == 1 {
				break
			}
		}
	}
}

// TestCancel: a cancelled context ends the query with 57014, and nothing leaks.
func TestCancel(t *testing.T) {
	w := newWorld(t, 6)
	tab := w.table("t", columnsOf(types.T(types.Int8)), intRows(sequence(20000)...))
	scan := scanOf(tab)
	cross := joinOf(plan.Inner, scan, scan, nil, nil, nil)
	for _, root := range []plan.Node{cross, aggOf(cross, nil, agg(t, "count", false, nil)), sortOf(cross, plan.SortKey{Expr: col(cross, 1)})} {
		tr := mem.NewTracker("test", 1<<33)
		ctx, cancel := context.WithCancel(context.Background())
		q, err := Instantiate(ctx, &plan.Query{Root: root}, &Env{Stmt: w.stmt, Mem: tr, Pool: w.pool, Workers: 4})
		if err != nil {
			t.Fatal(err)
		}
		if root == cross {
			if _, err = q.Next(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
		} else {
			tab.onScan = func(n int) {
				if n == 50 {
					cancel()
				}
			}
		}
		_, err = q.Next(ctx)
		if sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
			t.Fatalf("%T: %v", root, err)
		}
		if err := errors.Join(q.Close(), q.Close()); err != nil {
			t.Fatal(err)
		}
		if tr.Used() != 0 {
			t.Fatalf("%T: %d bytes are still in use", root, tr.Used())
		}
		tab.onScan = nil
		cancel()
	}
}

// TestMemoryLimit: every stateful operator fails with 53200 at any limit too small for it, and gives
// everything back.
func TestMemoryLimit(t *testing.T) {
	w := newWorld(t, 7)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text)}
	tab := w.table("t", columnsOf(ts...), w.rows(30000, ts, false, 0.1))
	tab.morsel = 3000
	scan := scanOf(tab)
	set := &plan.SetOp{L: scan, R: scan, Kind: plan.Except}
	set.Out = scan.Out
	roots := map[string]plan.Node{
		"sort":     sortOf(scan, plan.SortKey{Expr: col(scan, 1)}),
		"group":    aggOf(scan, []expr.Expr{col(scan, 1)}, agg(t, "max", false, nil, col(scan, 0)), agg(t, "string_agg", false, nil, col(scan, 1), col(scan, 1))),
		"distinct": aggOf(scan, []expr.Expr{col(scan, 0)}, agg(t, "count", true, nil, col(scan, 1))),
		"join":     joinOf(plan.Full, scan, scan, []expr.Expr{col(scan, 1)}, []expr.Expr{col(scan, 1)}, nil),
		"setop":    set,
	}
	for name, root := range roots {
		failed := 0
		for limit := int64(64 << 10); ; limit = limit * 5 / 4 {
			for _, workers := range []int{1, 4} {
				tr := mem.NewTracker("test", limit)
				_, err := collect(&plan.Query{Root: root}, &Env{Stmt: w.stmt, Mem: tr, Pool: w.pool, Workers: workers, VectorRows: 2048})
				if tr.Used() != 0 {
					t.Fatalf("%s: %d bytes are still in use after %v", name, tr.Used(), err)
				}
				if err == nil {
					continue
				}
				if sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
					t.Fatalf("%s: %v", name, err)
				}
				failed++
			}
			if limit > 1<<28 {
				break
			}
		}
		if failed < 8 {
			t.Errorf("%s failed at %d limits only", name, failed)
		}
	}
}

// TestSetOperations compares INTERSECT and EXCEPT, with and without ALL, to counting.
func TestSetOperations(t *testing.T) {
	checked := 0
	for round := range 8 {
		w := newWorld(t, 300+uint64(round))
		ts := []types.Type{keyTypes[round%len(keyTypes)], types.T(types.Text)}
		l := w.table("l", columnsOf(ts...), w.rows(300, ts[:2], true, 0.2))
		r := w.table("r", columnsOf(ts...), w.rows([]int{200, 0}[round%8/7], ts, true, 0.2))
		for i := range l.rows { // few different rows
			l.rows[i][1] = types.NewString(types.Text, "x")
		}
		for i := range r.rows {
			r.rows[i][1] = types.NewString(types.Text, "x")
		}
		for _, kind := range []plan.SetOpKind{plan.Intersect, plan.Except} {
			for _, all := range []bool{false, true} {
				n := &plan.SetOp{Kind: kind, All: all, L: scanOf(l), R: scanOf(r)}
				n.Out = n.L.Columns()
				want := refSetOp(n, l.rows, r.rows)
				checked += w.everyWay(t, fmt.Sprint("round ", round, " kind ", kind, " all ", all), n, want)
			}
		}
	}
	if checked < atLeast(5000) {
		t.Fatalf("only %d rows were checked", checked)
	}
}

func refSetOp(n *plan.SetOp, left, right []types.Row) []string {
	count := func(rows []types.Row, r types.Row) (c int) {
		for _, x := range rows {
			c += b2i(equalRows(x, r))
		}
		return c
	}
	var seen []types.Row
	var out []string
	for _, l := range left {
		if count(seen, l) > 0 {
			continue
		}
		seen = append(seen, l)
		a, b := count(left, l), count(right, l)
		k := 0
		switch {
		case n.Kind == plan.Intersect && n.All:
			k = min(a, b)
		case n.Kind == plan.Intersect:
			k = b2i(b > 0)
		case n.All:
			k = max(a-b, 0)
		default:
			k = b2i(b == 0)
		}
		for range k {
			out = append(out, rowText(l))
		}
	}
	return out
}

// TestKeyLookup reads rows by primary key.
func TestKeyLookup(t *testing.T) {
	w := newWorld(t, 8)
	tab := w.table("t", columnsOf(types.T(types.Int8), types.T(types.Int8)), nil)
	tab.def.Keys = []table.Key{{Primary: true, Columns: []int{0}}}
	for i := range int64(50) {
		tab.rows = append(tab.rows, types.Row{types.NewInt(types.Int8, i), types.NewInt(types.Int8, i*i)})
	}
	for _, c := range configs() {
		for _, tc := range []struct {
			key    expr.Expr
			filter int64
			want   []string
		}{
			{intConst(7), 0, []string{"7|49"}},
			{intConst(7), 50, nil},
			{intConst(777), 0, nil},
			{expr.NewConst(types.NullOf(types.Int8), types.T(types.Int8), 0), 0, nil},
		} {
			n := scanOf(tab)
			n.Key = []expr.Expr{tc.key}
			n.Filter = op(t, ">", col(n, 1), intConst(tc.filter))
			got, err := w.run(t, &plan.Query{Root: n}, c)
			if err != nil {
				t.Fatal(err)
			}
			same(t, c, got, tc.want, true)
		}
	}
}

// TestValuesSeriesUnique covers the small sources and DISTINCT ON.
func TestValuesSeriesUnique(t *testing.T) {
	w := newWorld(t, 9)
	vals := &plan.Values{}
	vals.Out = outOf(types.T(types.Int8), types.T(types.Int8))
	for i := range int64(100) {
		vals.Tuples = append(vals.Tuples, []expr.Expr{intConst(i / 7), op(t, "+", intConst(i), intConst(1))})
	}
	var wantVals, wantUnique []string
	for i := range 100 {
		wantVals = append(wantVals, fmt.Sprintf("%d|%d", i/7, i+1))
		if i%7 == 0 {
			wantUnique = append(wantUnique, fmt.Sprintf("%d|%d", i/7, i+1))
		}
	}
	unique := &plan.Unique{Input: vals, Keys: []expr.Expr{col(vals, 0)}}
	unique.Out = vals.Out
	series := func(a, b, s int64) *plan.Series {
		n := &plan.Series{Start: intConst(a), Stop: intConst(b), Step: intConst(s)}
		n.Out = outOf(types.T(types.Int8))
		return n
	}
	one := &plan.Values{Tuples: [][]expr.Expr{{}}}
	ints := func(s string) []string { return strings.Fields(s) }
	for _, c := range configs() {
		for _, tc := range []struct {
			root plan.Node
			want []string
		}{
			{vals, wantVals}, {unique, wantUnique}, {one, []string{""}},
			{series(1, 7, 2), ints("1 3 5 7")}, {series(7, 1, -4), ints("7 3")}, {series(2, 1, 1), nil},
			{series(1<<63-2, 1<<63-1, 1), ints("9223372036854775806 9223372036854775807")},
		} {
			got, err := w.run(t, &plan.Query{Root: tc.root}, c)
			if err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprintf("%T %v", tc.root, c), got, tc.want, true)
		}
		if _, err := w.run(t, &plan.Query{Root: series(1, 2, 0)}, c); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
			t.Fatal(err)
		}
		count := aggOf(series(1, 300000, 1), nil, agg(t, "count", false, nil), agg(t, "sum", false, nil, &expr.Column{Node: expr.Node{Typ: types.T(types.Int8)}}))
		if c.vectorRows == 2048 {
			got, err := w.run(t, &plan.Query{Root: count}, c)
			if err != nil || !slices.Equal(got, []string{"300000|45000150000"}) {
				t.Fatal(got, err)
			}
		}
	}
}

// TestSubplans: their values become parameters; a second row is an error; EXISTS needs one row only.
func TestSubplans(t *testing.T) {
	w := newWorld(t, 10)
	tab := w.table("t", columnsOf(types.T(types.Int8)), intRows(sequence(500)...))
	scan := scanOf(tab)
	maxPlan := aggOf(scan, nil, agg(t, "max", false, nil, col(scan, 0)))
	some := scanOf(tab)
	some.Filter = op(t, "=", col(some, 0), intConst(77))
	none := scanOf(tab)
	none.Filter = op(t, "<", col(none, 0), intConst(0))
	p := func(n int, k types.Kind) expr.Expr { return &expr.Param{Node: expr.Node{Typ: types.T(k)}, N: n} }
	one := &plan.Values{Tuples: [][]expr.Expr{{p(1, types.Int8), p(2, types.Bool), p(3, types.Bool), p(4, types.Int8)}}}
	one.Out = outOf(types.T(types.Int8), types.T(types.Bool), types.T(types.Bool), types.T(types.Int8))
	q := &plan.Query{Root: one, Subplans: []plan.Subplan{
		{Param: 1, Root: maxPlan}, {Param: 2, Root: some, Exists: true}, {Param: 3, Root: none, Exists: true}, {Param: 4, Root: none},
	}}
	bad := &plan.Query{Root: one, Subplans: []plan.Subplan{{Param: 1, Root: scan}}}
	for _, c := range configs() {
		got, err := w.run(t, q, c)
		if err != nil || !slices.Equal(got, []string{"499|t|f|∅"}) {
			t.Fatal(c, got, err)
		}
		if _, err := w.run(t, bad, c); sqlerr.CodeOf(err) != sqlerr.CardinalityViolation {
			t.Fatal(c, err)
		}
	}
}
