package exec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// fakeTemp is a temporary file in memory.
type fakeTemp struct {
	mu   sync.Mutex
	b    bytes.Buffer
	open *atomic.Int32
	room int // bytes that can be written; 0: any number
	err  error
}

func (f *fakeTemp) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room > 0 && f.b.Len()+len(b) > f.room {
		return 0, f.err
	}
	return f.b.Write(b)
}

func (f *fakeTemp) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(p, f.b.Bytes()[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *fakeTemp) Close() error {
	f.open.Add(-1)
	return nil
}

// spilling runs a plan with a memory limit and a place for temporary files, and returns what its operators did.
func (w *world) spilling(t testing.TB, root plan.Node, c config, limit int64) ([]string, []OpReport, error) {
	t.Helper()
	for _, tab := range w.stmt.tables {
		tab.facts, tab.forms = c.facts, nil
	}
	var open atomic.Int32
	tr := mem.NewTracker("test", limit)
	env := &Env{Stmt: w.stmt, Expr: &expr.Context{}, Mem: tr, Pool: w.pool, VectorRows: c.vectorRows, Workers: c.workers,
		Force: c.force, Spill: Spill{Open: func() (TempFile, error) {
			open.Add(1)
			return &fakeTemp{open: &open}, nil
		}}}
	q, err := Instantiate(context.Background(), &plan.Query{Root: root}, env)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := drain(q, root)
	reports := q.Report()
	if cerr := q.Close(); cerr != nil {
		t.Fatal(cerr)
	}
	if used := tr.Used(); used != 0 {
		t.Fatalf("%v: %d bytes are still in use", c, used)
	}
	if n := open.Load(); n != 0 {
		t.Fatalf("%d temporary files are left", n)
	}
	return rows, reports, err
}

func drain(q *Query, root plan.Node) (rows []string, err error) {
	for {
		b, err := q.Next(context.Background())
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		for i := range b.N {
			row := make(types.Row, len(root.Columns()))
			for c := range row {
				row[c] = b.BatchDatum(c, i)
			}
			rows = append(rows, rowText(row))
		}
	}
}

// spillConfigs are the ways in which what spills is run.
func spillConfigs() []config {
	return []config{
		{vectorRows: 2048, workers: 1, facts: true}, {vectorRows: 2048, workers: 3, facts: true},
		{vectorRows: 64, workers: 2, force: Force{Join: "hash", Aggregate: "hash"}},
	}
}

// spillCase is a plan that must spill at the limit, and answer as if it did not.
type spillCase struct {
	root    plan.Node
	ordered bool
	limit   int64
}

// checkSpills runs cases, and demands that the operator of that name has spilled.
func checkSpills(t *testing.T, w *world, name string, cases map[string]spillCase) {
	t.Helper()
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			want, err := w.run(t, &plan.Query{Root: c.root}, config{vectorRows: 2048, workers: 1, facts: true})
			if err != nil || len(want) == 0 {
				t.Fatalf("%d rows, %v", len(want), err)
			}
			for _, cfg := range spillConfigs() {
				rows, reports, err := w.spilling(t, c.root, cfg, c.limit)
				if err != nil {
					t.Fatalf("%v: %v", cfg, err)
				}
				same(t, fmt.Sprintf("%s %v", what, cfg), rows, want, c.ordered)
				bytes, parts := int64(0), int64(0)
				for _, r := range reports {
					if r.Name == name {
						bytes, parts = bytes+r.SpilledBytes, parts+r.Partitions
					}
				}
				if bytes == 0 || parts == 0 {
					t.Errorf("%v: %d bytes in %d partitions were spilled", cfg, bytes, parts)
				}
			}
		})
	}
}

// TestSpillAggregate: groups and values of DISTINCT aggregates that do not fit go to a file; groups keep their order, and
// sums of floats their rounding.
func TestSpillAggregate(t *testing.T) {
	w := newWorld(t, 11)
	w.pool = NewPool(4)
	t.Cleanup(w.pool.Close)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text), types.T(types.Numeric), types.T(types.Float8), types.T(types.Int4),
		types.T(types.Interval), types.T(types.Float8)}
	rows := w.rows(40000, ts, false, 0.1)
	for i := range rows {
		rows[i][4] = types.NewInt(types.Int4, int64(w.rng.IntN(30000)))
	}
	tab := w.table("t", columnsOf(ts...), rows)
	tab.morsel = 1500
	scan := scanOf(tab)
	k := func(i ...int) (keys []expr.Expr) {
		for _, c := range i {
			keys = append(keys, col(scan, c))
		}
		return keys
	}
	count := agg(t, "count", false, nil)
	free := func(n *plan.Aggregate) plan.Node { // the order of its groups is not looked at
		return aggOf(n, []expr.Expr{}, agg(t, "count", false, nil, col(n, 0)), agg(t, "min", false, nil, col(n, 0)))
	}
	ints := []types.Type{types.T(types.Int8), types.T(types.Int4)}
	many := w.table("many", columnsOf(ints...), w.rows(200000, ints, false, 0.01))
	many.morsel = 10000
	wide := scanOf(many)
	exact := aggOf(wide, []expr.Expr{col(wide, 0)}, count, agg(t, "sum", false, nil, col(wide, 1)))
	const limit = 7 << 20
	checkSpills(t, w, "aggregate", map[string]spillCase{
		"integers":  {exact, true, limit},
		"orderless": {free(exact), true, 9 << 20},
		"strings":   {aggOf(scan, k(1, 4), count, agg(t, "sum", false, nil, col(scan, 2)), agg(t, "min", false, nil, col(scan, 1))), true, 8 << 20},
		"numerics":  {aggOf(scan, k(2), count, agg(t, "max", false, nil, col(scan, 2)), agg(t, "var_samp", false, nil, col(scan, 2))), true, 9 << 20},
		"floats": {aggOf(scan, k(4), agg(t, "sum", false, nil, col(scan, 3)), agg(t, "var_pop", false, nil, col(scan, 3)),
			agg(t, "corr", false, nil, col(scan, 3), col(scan, 6))), true, 8 << 20},
		"lists":     {aggOf(scan, k(4), agg(t, "string_agg", false, nil, col(scan, 1), col(scan, 1)), agg(t, "sum", false, nil, col(scan, 5))), true, 8 << 20},
		"distinct":  {aggOf(scan, k(4), agg(t, "count", true, nil, col(scan, 1)), agg(t, "sum", true, nil, col(scan, 2))), true, 8 << 20},
		"in order":  {aggOf(scan, k(4), agg(t, "string_agg", true, nil, col(scan, 1), col(scan, 1))), true, 10 << 20},
		"one group": {aggOf(wide, nil, agg(t, "count", true, nil, col(wide, 1)), agg(t, "sum", true, nil, col(wide, 0))), true, limit},
	})
}

// TestSpillSort: rows that do not fit are sorted in runs, equal ones in their order, and only those that are wanted come.
func TestSpillSort(t *testing.T) {
	w := newWorld(t, 12)
	ts := []types.Type{types.T(types.Int4), types.T(types.Text), types.T(types.Numeric), types.T(types.Float8), types.T(types.Interval)}
	rows := w.rows(30000, ts, false, 0.1)
	for i := range rows {
		rows[i][0] = types.NewInt(types.Int4, int64(w.rng.IntN(20)))
	}
	for i := range rows[:3000] { // the first rows are narrow
		rows[i][2] = types.NewDecimal(int64(i%7), 0)
	}
	tab := w.table("t", columnsOf(ts...), rows)
	tab.morsel = 1500
	scan := scanOf(tab)
	sorted := func(top expr.Expr, keys ...plan.SortKey) *plan.Sort {
		n := sortOf(scan, keys...)
		n.TopN = top
		return n
	}
	last := func(n plan.Node, i int) plan.Node { // sums that depend on the order
		return aggOf(n, nil, agg(t, "sum", false, nil, col(n, 3)), agg(t, "min", false, nil, col(n, 1)), agg(t, "max", false, nil, col(n, 2)))
	}
	const limit = 4500 << 10
	few := sorted(nil, plan.SortKey{Expr: col(scan, 0)})
	checkSpills(t, w, "sort", map[string]spillCase{
		"ties":     {few, true, limit},
		"strings":  {sorted(nil, plan.SortKey{Expr: col(scan, 1), Desc: true, NullsFirst: true}, plan.SortKey{Expr: col(scan, 0)}), true, limit},
		"numerics": {sorted(nil, plan.SortKey{Expr: col(scan, 2)}, plan.SortKey{Expr: col(scan, 4), Desc: true}), true, limit},
		"floats":   {sorted(nil, plan.SortKey{Expr: col(scan, 3)}, plan.SortKey{Expr: col(scan, 0), NullsFirst: true}), true, limit},
		"first":    {sorted(intConst(20000), plan.SortKey{Expr: col(scan, 2), Desc: true}), true, limit},
		"above":    {last(few, 0), true, limit},
	})
}

// TestSpillJoin: build sides that do not fit are joined by partitions, in every kind of join; rows keep their order.
func TestSpillJoin(t *testing.T) {
	w := newWorld(t, 13)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text), types.T(types.Numeric), types.T(types.Float8)}
	table := func(name string, n, keys, nulls int) *plan.Scan {
		rows := w.rows(n, ts, false, 0.1)
		for i := range rows {
			k := int64(w.rng.IntN(keys))
			rows[i][0] = types.NewInt(types.Int8, k<<20)
			rows[i][1] = types.NewString(types.Text, fmt.Sprintf("the key of this row is %d", k))
			if w.rng.IntN(20) < nulls {
				rows[i][0], rows[i][1] = types.NullOf(types.Int8), types.NullOf(types.Text)
			}
		}
		tab := w.table(name, columnsOf(ts...), rows)
		tab.morsel = 1500
		return scanOf(tab)
	}
	l, r, known := table("l", 20000, 30000, 1), table("r", 40000, 25000, 1), table("known", 40000, 25000, 0)
	key := func(n plan.Node, c ...int) (keys []expr.Expr) {
		for _, i := range c {
			keys = append(keys, col(n, i))
		}
		return keys
	}
	less := func() expr.Expr {
		right := *col(r, 3)
		right.ID += len(ts)
		return op(t, "<", col(l, 3), &right)
	}
	const limit = 8 << 20
	cases := map[string]spillCase{}
	for _, k := range []plan.JoinKind{plan.Inner, plan.Left, plan.Right, plan.Full, plan.Semi, plan.Anti, plan.Mark, plan.AntiNull,
		plan.RightSemi, plan.RightAnti} {
		n := joinOf(k, l, r, key(l, 0), key(r, 0), nil)
		switch k {
		case plan.Semi, plan.Anti, plan.Mark:
			n = joinOf(k, l, r, key(l, 1), key(r, 1), nil)
		case plan.AntiNull:
			n = joinOf(k, l, known, key(l, 1), key(known, 1), nil)
		}
		cases[k.String()] = spillCase{n, true, limit}
		if k != plan.Mark && k != plan.AntiNull {
			cases[k.String()+" where"] = spillCase{joinOf(k, l, r, key(l, 1), key(r, 1), less()), true, limit}
		}
	}
	inner := joinOf(plan.Inner, l, r, key(l, 1, 0), key(r, 1, 0), nil)
	cases["orderless"] = spillCase{aggOf(inner, nil, agg(t, "count", false, nil), agg(t, "sum", false, nil, col(inner, 2)), agg(t, "min", false, nil, col(inner, 5))), true, limit}
	cases["floats"] = spillCase{aggOf(inner, nil, agg(t, "sum", false, nil, col(inner, 3)), agg(t, "sum", false, nil, col(inner, 7))), true, limit}
	for name, c := range cases {
		j, ok := c.root.(*plan.Join)
		if !ok {
			j = inner
		}
		checkSpills(t, w, j.Kind.String()+" join", map[string]spillCase{name: c})
	}
}

// TestSpillNullKeys: of two key columns one may be NULL in rows of the build side that are kept. These meet no row in their
// partition, though what stands for NULL in a word is the least value there.
func TestSpillNullKeys(t *testing.T) {
	w := newWorld(t, 14)
	ts := []types.Type{types.T(types.Int4), types.T(types.Int8)}
	table := func(name string, n int) *plan.Scan {
		rows := w.rows(n, ts, false, 0)
		for i := range rows {
			rows[i][0], rows[i][1] = types.NewInt(types.Int4, 1+w.rng.Int64N(3)), types.NewInt(types.Int8, w.rng.Int64N(5000))
			if w.rng.IntN(4) == 0 {
				rows[i][w.rng.IntN(2)] = types.NullOf(ts[0].Kind)
			}
			for c := range rows[i] {
				rows[i][c].K = ts[c].Kind
			}
		}
		tab := w.table(name, columnsOf(ts...), rows)
		tab.morsel = 1500
		return scanOf(tab)
	}
	l, r := table("l", 3000), table("r", 40000)
	for _, k := range []plan.JoinKind{plan.Full, plan.Right, plan.RightAnti} {
		n := joinOf(k, l, r, []expr.Expr{col(l, 0), col(l, 1)}, []expr.Expr{col(r, 0), col(r, 1)}, nil)
		checkSpills(t, w, k.String()+" join", map[string]spillCase{k.String(): {n, true, 3 << 20}})
	}
}
