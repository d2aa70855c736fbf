package exec

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// steadyTable hands out one batch again and again, in one morsel and without allocations of its own.
type steadyTable struct {
	*fakeTable
	batch *vec.Batch
	times int
}

func (t *steadyTable) Scan(context.Context, table.ScanSpec) (table.Scan, error) {
	return &steadyScan{t: t}, nil
}

type steadyScan struct {
	table.Scan
	t       *steadyTable
	claimed bool
}

func (s *steadyScan) Accepted() []table.Pushdown           { return nil }
func (s *steadyScan) Narrow(table.Conjunct) table.Pushdown { return table.None }
func (s *steadyScan) Report() table.ScanReport             { return table.ScanReport{} }
func (s *steadyScan) Close() error                         { return nil }
func (s *steadyScan) NextMorsel(context.Context) (table.Morsel, error) {
	if s.claimed {
		return nil, io.EOF
	}
	s.claimed = true
	return &steadyMorsel{t: s.t}, nil
}

type steadyMorsel struct {
	t  *steadyTable
	at int
}

func (m *steadyMorsel) Rows() int { return m.t.times * m.t.batch.N }
func (m *steadyMorsel) Seq() int  { return 0 }
func (m *steadyMorsel) Close()    {}

func (m *steadyMorsel) Read(_ context.Context, dst *vec.Batch) error {
	if m.at == m.t.times {
		return io.EOF
	}
	m.at++
	dst.Single(m.t.batch.N, m.t.batch.Groups[0].Cols, nil)
	return nil
}

// steady makes the table t one that hands out its rows again and again.
func (w *world) steady(t testing.TB, ft *fakeTable) *steadyTable {
	t.Helper()
	st := &steadyTable{fakeTable: ft}
	var ts []types.Type
	for _, c := range ft.def.Columns {
		ts = append(ts, c.Type)
	}
	bb := vec.NewBatchBuilder(ts, len(ft.rows), nil)
	for _, r := range ft.rows {
		if err := bb.AppendRow(r); err != nil {
			t.Fatal(err)
		}
	}
	st.batch = bb.Batch()
	for i := range st.batch.Groups[0].Cols {
		st.batch.Groups[0].Cols[i].Fact = factOf(ft.rows, i)
	}
	w.stmt.others = map[table.ObjectID]table.Reader{ft.def.ID: st}
	return st
}

// TestNoAllocationsPerBatch runs plans over few and many batches: more of them must not cost one more
// allocation, and every plan must see all of its rows.
func TestNoAllocationsPerBatch(t *testing.T) {
	if invariants.Enabled {
		t.Skip("needs exact allocations: assertions box what they would print")
	}
	w := newWorld(t, 11)
	big := w.table("big", columnsOf(types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Text), types.T(types.Float8)),
		w.rows(vec.Size, []types.Type{types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Text), types.T(types.Float8)}, true, 0.05))
	small := w.table("small", columnsOf(types.T(types.Int8), types.T(types.Text)),
		w.rows(40, []types.Type{types.T(types.Int8), types.T(types.Text)}, true, 0))
	st := w.steady(t, big)
	plans := steadyPlans(t, big, small)
	for name, root := range plans {
		count := func(times int) (allocs float64, rows int) {
			st.times = times
			allocs = testing.AllocsPerRun(3, func() { rows = w.steadyRun(t, root) })
			return allocs, rows
		}
		few, rowsFew := count(40)
		many, rowsMany := count(440)
		if rowsFew == 0 || rowsMany < rowsFew {
			t.Errorf("%s: %d and %d rows", name, rowsFew, rowsMany)
		}
		// The runtime's own few allocations are no batch's.
		if many-few >= 40 {
			t.Errorf("%s: %v allocations for 40 batches, %v for 440", name, few, many)
		}
	}
	if len(plans) < 8 {
		t.Fatalf("%d plans", len(plans))
	}
}

func (w *world) steadyRun(t testing.TB, root plan.Node) (rows int) {
	ctx := context.Background()
	env := &Env{Stmt: w.stmt, Expr: &expr.Context{}, Mem: mem.NewTracker("test", 1<<30), Pool: w.pool, Workers: 1}
	q, err := Instantiate(ctx, &plan.Query{Root: root}, env)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := q.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += b.N
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// steadyPlans are plans whose state does not grow with the number of batches.
func steadyPlans(t testing.TB, big, small *fakeTable) map[string]plan.Node {
	scan := func() *plan.Scan { return scanOf(big) }
	s := scan()
	key, num, text, float := col(s, 0), col(s, 1), col(s, 2), col(s, 3)
	less := op(t, "<", key, intConst(5))
	one := expr.NewConst(types.NewDecimal(1, 2), types.NumericPS(15, 2), 0)
	cond, err := expr.NewAnd(0, less, op(t, ">", num, one))
	if err != nil {
		t.Fatal(err)
	}
	filter := func() *plan.Filter {
		return &plan.Filter{Props: plan.Props{Out: s.Out}, Input: scan(), Cond: cond}
	}
	star := func() *expr.Aggregate { return agg(t, "count", false, nil) }
	sums := []*expr.Aggregate{
		star(), agg(t, "sum", false, nil, num), agg(t, "avg", false, nil, key), agg(t, "max", false, nil, key),
		agg(t, "sum", false, less, num),
	}
	join := func(kind plan.JoinKind) plan.Node {
		right := scanOf(small)
		return joinOf(kind, scan(), right, []expr.Expr{key}, []expr.Expr{col(right, 0)}, nil)
	}
	pushed := scan()
	pushed.Filter = cond
	project := &plan.Project{Input: filter(), Exprs: []expr.Expr{op(t, "*", num, num), text}}
	project.Out = outOf(project.Exprs[0].Type(), text.Type())
	return map[string]plan.Node{
		"scan":             scan(),
		"pushed condition": pushed,
		"filter":           filter(),
		"project":          project,
		"one group":        aggOf(filter(), nil, sums...),
		"integer keys":     aggOf(scan(), []expr.Expr{key}, sums...),
		"text keys":        aggOf(scan(), []expr.Expr{text}, sums...),
		"two keys":         aggOf(scan(), []expr.Expr{key, num}, sums...),
		"float sums":       aggOf(scan(), []expr.Expr{key}, agg(t, "sum", false, nil, float)),
		"distinct":         aggOf(scan(), []expr.Expr{key}, agg(t, "count", true, nil, num)),
		"inner join":       aggOf(join(plan.Inner), nil, star()),
		"left join":        aggOf(join(plan.Left), nil, star()),
		"semi join":        aggOf(join(plan.Semi), nil, star()),
		"anti join":        aggOf(join(plan.Anti), nil, star()),
	}
}

// BenchmarkPlans runs the steady plans over a million rows with one worker.
func BenchmarkPlans(b *testing.B) {
	w := newWorld(b, 11)
	ts := []types.Type{types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Text), types.T(types.Float8)}
	big := w.table("big", columnsOf(ts...), w.rows(vec.Size, ts, true, 0))
	small := w.table("small", columnsOf(ts[0], ts[2]), w.rows(40, []types.Type{ts[0], ts[2]}, true, 0))
	st := w.steady(b, big)
	st.times = 1 << 20 / vec.Size
	for name, root := range steadyPlans(b, big, small) {
		b.Run("plan="+strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w.steadyRun(b, root) == 0 {
					b.Fatal("no rows")
				}
			}
			b.ReportMetric(float64(b.N)*float64(st.times*vec.Size)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
