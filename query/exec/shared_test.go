package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// sharedReaders returns a query whose rows are those of readers of one shared plan, one after the other: the given
// number of rows of each, all if it is negative.
func sharedReaders(root plan.Node, cols []int, counts ...int64) *plan.Query {
	var out []plan.OutColumn
	for _, c := range cols {
		out = append(out, root.Columns()[c])
	}
	all := &plan.Append{Props: plan.Props{Out: out}}
	for _, n := range counts {
		var r plan.Node = &plan.Shared{Props: plan.Props{Out: out}, Of: 1, Cols: cols}
		if n >= 0 {
			r = &plan.Limit{Props: plan.Props{Out: out}, Input: r, Count: intConst(n)}
		}
		all.All = append(all.All, r)
	}
	q := &plan.Query{Root: all, Shared: []plan.SharedPlan{{Of: 1, Root: root}}}
	plan.Number(q)
	return q
}

// runShared runs a query with a place for temporary files and returns the rows of the shared plan's root, too.
func (w *world) runShared(t *testing.T, q *plan.Query, c config, limit int64) (rows []string, root, reader OpReport, err error) {
	t.Helper()
	for _, tab := range w.stmt.tables {
		tab.facts, tab.forms = c.facts, nil
	}
	var open atomic.Int32
	tr := mem.NewTracker("test", limit)
	env := &Env{Stmt: w.stmt, Mem: tr, Pool: w.pool, VectorRows: c.vectorRows, Workers: c.workers, DebugForms: c.forms,
		Force: c.force, Spill: Spill{Open: func() (TempFile, error) {
			open.Add(1)
			return &fakeTemp{open: &open}, nil
		}}}
	x, err := Instantiate(context.Background(), q, env)
	if err != nil {
		t.Fatal(err)
	}
	rows, err = drain(x, q.Root)
	x.env.shared.plans[0].stop()
	for _, r := range x.Report() {
		if r.ID == plan.ID(q.Shared[0].Root) {
			root = r
		}
		if r.Name == "shared" && (r.MemoryBytes > 0 || r.SpilledBytes > 0) {
			reader = r
		}
	}
	if cerr := x.Close(); cerr != nil {
		t.Fatal(cerr)
	}
	if used := tr.Used(); used != 0 || open.Load() != 0 {
		t.Fatalf("%v: %d bytes are in use, %d files open", c, used, open.Load())
	}
	return rows, root, reader, err
}

func TestSharedRunsOnce(t *testing.T) {
	w := newWorld(t, 41)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text), types.T(types.Numeric)}
	tab := w.table("t", columnsOf(ts...), w.rows(5000, ts, false, 0.1))
	var want []string
	for range 3 {
		for _, r := range tab.rows {
			want = append(want, rowText(types.Row{r[1], r[0], r[2]}))
		}
	}
	spilled := 0
	for i, c := range configs() {
		c.force.Spill = i%3 == 0
		got, root, reader, err := w.runShared(t, sharedReaders(scanOf(tab), []int{1, 0, 2}, -1, -1, -1), c, 1<<30)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		same(t, c, got, want, true)
		if root.Rows != 5000 {
			t.Fatalf("%v: the shared plan has made %d rows", c, root.Rows)
		}
		if reader.SpilledBytes > 0 {
			spilled++
		}
	}
	if spilled == 0 {
		t.Fatal("nothing was spilled")
	}
}

func TestSharedLeavesMemory(t *testing.T) {
	w := newWorld(t, 42)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text)}
	tab := w.table("t", columnsOf(ts...), w.rows(100_000, ts, false, 0))
	want := append(rowTexts(tab.rows), rowTexts(tab.rows)...)
	for _, workers := range []int{1, 4} {
		c := config{vectorRows: 2048, workers: workers}
		got, _, reader, err := w.runShared(t, sharedReaders(scanOf(tab), []int{0, 1}, -1, -1), c, 6<<20)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		same(t, c, got, want, true)
		if reader.SpilledBytes == 0 || reader.MemoryBytes == 0 {
			t.Fatalf("%v: %d bytes spilled, %d in memory", c, reader.SpilledBytes, reader.MemoryBytes)
		}
	}
}

// seriesOf yields the numbers 1 to n.
func seriesOf(n int64) *plan.Series {
	return &plan.Series{Props: plan.Props{Out: outOf(types.T(types.Int8))}, Start: intConst(1), Stop: intConst(n), Step: intConst(1)}
}

// A shared plan runs as far as its readers get.
func TestSharedIsLazy(t *testing.T) {
	w := newWorld(t, 43)
	for _, c := range configs() {
		got, root, _, err := w.runShared(t, sharedReaders(seriesOf(1<<40), []int{0}, 2, 4, 1), c, 1<<30)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		same(t, c, got, []string{"1", "2", "1", "2", "3", "4", "1"}, true)
		if root.Rows > int64(max(4*c.vectorRows, 16)) {
			t.Fatalf("%v: %d rows were made for four", c, root.Rows)
		}
	}
	if _, root, _, err := w.runShared(t, sharedReaders(seriesOf(1<<40), []int{0}, 0), config{vectorRows: 64, workers: 4}, 1<<30); err != nil ||
		root.Rows > 64 {
		t.Fatalf("%d rows were made for none: %v", root.Rows, err)
	}
}

// An error comes to every reader that gets to its row, after the rows before it, and to no other.
func TestSharedErrors(t *testing.T) {
	w := newWorld(t, 44)
	s := seriesOf(10_000)
	failing := &plan.Project{Props: plan.Props{Out: s.Out}, Input: s, Exprs: []expr.Expr{
		op(t, "+", op(t, "/", intConst(0), op(t, "-", col(s, 0), intConst(5001))), col(s, 0)),
	}}
	for _, c := range configs() {
		got, _, _, err := w.runShared(t, sharedReaders(failing, []int{0}, 5000, 5000), c, 1<<30)
		if err != nil || len(got) != 10_000 {
			t.Fatalf("%v: %d rows before the error: %v", c, len(got), err)
		}
		got, _, _, err = w.runShared(t, sharedReaders(failing, []int{0}, 10, -1, 10), c, 1<<30)
		if sqlerr.CodeOf(err) != sqlerr.DivisionByZero || len(got) != 5010 {
			t.Fatalf("%v: %d rows, then %v", c, len(got), err)
		}
	}
}

func TestSharedIsCanceled(t *testing.T) {
	w := newWorld(t, 45)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := sharedReaders(seriesOf(1<<40), []int{0}, -1)
	tr := mem.NewTracker("test", 1<<30)
	x, err := Instantiate(ctx, q, &Env{Stmt: w.stmt, Mem: tr, Pool: w.pool, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; err == nil; i++ {
		if i == 3 {
			cancel()
		}
		_, err = x.Next(ctx)
	}
	if errors.Is(err, io.EOF) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil || tr.Used() != 0 {
		t.Fatal(err, tr.Used())
	}
}

// Readers in inner plans, which run once for each row of another, read what the query has.
func TestSharedInsideOfApply(t *testing.T) {
	w := newWorld(t, 46)
	for _, c := range configs() {
		outer := seriesOf(200)
		inner := &plan.Shared{Props: plan.Props{Out: outOf(types.T(types.Int8))}, Of: 1, Cols: []int{0}}
		param := &expr.Param{Node: expr.Node{Typ: types.T(types.Int8)}, N: 1}
		root := &plan.Apply{Props: plan.Props{Out: outOf(types.T(types.Int8), types.T(types.Int8))}, Kind: plan.Inner, Left: outer,
			Root: &plan.Filter{Props: plan.Props{Out: inner.Out}, Input: inner, Cond: op(t, "=", col(inner, 0), op(t, "*", param, param))},
			Args: []expr.Expr{col(outer, 0)}, Params: []int{1}}
		q := &plan.Query{Root: root, Shared: []plan.SharedPlan{{Of: 1, Root: seriesOf(1000)}}}
		plan.Number(q)
		got, made, _, err := w.runShared(t, q, c, 1<<30)
		if err != nil || made.Rows != 1000 {
			t.Fatalf("%v: %d rows were made: %v", c, made.Rows, err)
		}
		var want []string
		for i := range 31 {
			want = append(want, fmt.Sprintf("%d|%d", i+1, (i+1)*(i+1)))
		}
		same(t, c, got, want, true)
	}
}
