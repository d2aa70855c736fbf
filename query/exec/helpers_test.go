package exec

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// config is one way to run a plan.
type config struct {
	vectorRows, workers int
	forms               bool
	facts               bool
	force               Force
}

func (c config) String() string {
	return fmt.Sprintf("rows=%d/workers=%d/forms=%v/facts=%v/join=%s/agg=%s/nofilters=%v/noruns=%v/ahead=%s", c.vectorRows,
		c.workers, c.forms, c.facts, c.force.Join, c.force.Aggregate, c.force.NoFilters, c.force.NoRuns, c.force.Ahead)
}

// configs are the combinations that every property is tested under.
func configs() []config {
	var out []config
	batches, counts := []int{1, 3, 64, 2048}, []int{1, 4}
	if testing.Short() { // for the race detector, which needs several workers
		batches, counts = []int{3, 2048}, []int{4}
	}
	for _, rows := range batches {
		for _, workers := range counts {
			for i, force := range []Force{{}, {Join: "hash", Aggregate: "hash"}, {Join: "dense", Aggregate: "dense", NoRuns: true},
				{Join: "rank", NoFilters: true}} {
				out = append(out, config{rows, workers, i%2 == 1, i != 1, force})
			}
		}
	}
	return out
}

// atLeast is the least number of rows that a test must have compared if it compares n in all configurations.
func atLeast(n int) int {
	if testing.Short() {
		return n / 4
	}
	return n
}

// world is a set of tables.
type world struct {
	stmt *fakeStatement
	pool *Pool
	rng  *rand.Rand
	runs int
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{stmt: &fakeStatement{tables: map[table.ObjectID]*fakeTable{}}, rng: rand.New(rand.NewPCG(seed, 7))}
	w.pool = NewPool(4)
	t.Cleanup(w.pool.Close)
	return w
}

func (w *world) table(name string, cols []table.Column, rows []types.Row) *fakeTable {
	id := table.FirstObjectID + table.ObjectID(len(w.stmt.tables))
	def := &table.TableDef{Header: table.Header{ID: id, Kind: table.KindTable, Name: name, Version: 1}, Columns: cols}
	t := &fakeTable{def: def, rows: rows, morsel: 100}
	w.stmt.tables[id] = t
	return t
}

// scanOf reads all columns of a table.
func scanOf(t *fakeTable) *plan.Scan {
	n := &plan.Scan{Table: t.def}
	for i, c := range t.def.Columns {
		n.Cols = append(n.Cols, i)
		n.Out = append(n.Out, plan.OutColumn{Name: c.Name, Type: c.Type})
	}
	return n
}

// col is column i of a node's output.
func col(n plan.Node, i int) *expr.Column {
	return &expr.Column{Node: expr.Node{Typ: n.Columns()[i].Type}, ID: i}
}

func intConst(x int64) expr.Expr {
	return expr.NewConst(types.NewInt(types.Int8, x), types.T(types.Int8), 0)
}

func op(t testing.TB, name string, args ...expr.Expr) expr.Expr {
	t.Helper()
	e, err := expr.NewOp(name, 0, args...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func outOf(ts ...types.Type) []plan.OutColumn {
	var out []plan.OutColumn
	for i, t := range ts {
		out = append(out, plan.OutColumn{Name: fmt.Sprintf("c%d", i), Type: t})
	}
	return out
}

// everyWay runs a plan in every configuration, demands the same rows in the same order, and returns how many it has compared.
func (w *world) everyWay(t testing.TB, what string, root plan.Node, want []string) (checked int) {
	t.Helper()
	for _, c := range configs() {
		got, err := w.run(t, &plan.Query{Root: root}, c)
		if err != nil {
			t.Fatalf("%s, %v: %+v", what, c, err)
		}
		same(t, fmt.Sprint(what, ", ", c), got, want, true)
		checked += len(got)
	}
	return checked
}

// run executes a plan and returns its rows as text; every byte must be given back.
func (w *world) run(t testing.TB, q *plan.Query, c config) ([]string, error) {
	t.Helper()
	w.runs++
	for _, tab := range w.stmt.tables {
		tab.facts = c.facts
		tab.forms = nil
		if c.forms {
			tab.forms = rand.New(rand.NewPCG(w.rng.Uint64(), 3))
		}
	}
	if w.runs%3 == 0 {
		c.force.Ahead = "always"
	}
	tr := mem.NewTracker("test", 1<<30)
	env := &Env{Stmt: w.stmt, Expr: &expr.Context{}, Mem: tr, Pool: w.pool, VectorRows: c.vectorRows,
		Workers: c.workers, DebugForms: c.forms, Seed: int64(w.rng.Uint32()), Force: c.force}
	rows, err := collect(q, env)
	if used := tr.Used(); used != 0 {
		t.Fatalf("%v: %d bytes are still in use", c, used)
	}
	return rows, err
}

func collect(p *plan.Query, env *Env) (rows []string, err error) {
	ctx := context.Background()
	q, err := Instantiate(ctx, p, env)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := q.Close(); err == nil {
			err = cerr
		}
	}()
	m := &textMaker{cols: len(p.Root.Columns()), rowsMax: env.VectorRows}
	next := func() (Made, error) { return MakeNext(ctx, q, m) }
	if env.Force.Ahead == "always" {
		next = func() (Made, error) { return q.NextMade(ctx, m) }
	}
	for {
		made, err := next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, made.Value.(*madeTexts).rows...)
		made.Value.Release()
	}
}

// textMaker makes texts of batches, and counts those that are not released.
type textMaker struct {
	cols, rowsMax int
	live          atomic.Int64
	// slow, if not nil, is called before each.
	slow func(worker int)
}

type madeTexts struct {
	rows []string
	m    *textMaker
}

func (x *madeTexts) Release() { x.m.live.Add(-1) }

func (m *textMaker) Make(worker int, b *vec.Batch) (Made, error) {
	if m.slow != nil {
		m.slow(worker)
	}
	if b.N == 0 || b.N > m.rowsMax {
		return Made{}, fmt.Errorf("a batch of %d rows", b.N)
	}
	if b.NumCols() != m.cols {
		return Made{}, fmt.Errorf("a batch of %d columns for a plan of %d", b.NumCols(), m.cols)
	}
	x := &madeTexts{m: m}
	for i := range b.N {
		row := make(types.Row, m.cols)
		for c := range row {
			row[c] = b.BatchDatum(c, i)
		}
		x.rows = append(x.rows, rowText(row))
	}
	m.live.Add(1)
	return Made{Value: x, Rows: b.N}, nil
}

func rowText(row types.Row) string {
	var parts []string
	for _, d := range row {
		if d.IsNull() {
			parts = append(parts, "∅")
			continue
		}
		parts = append(parts, string(types.AppendText(nil, d, types.T(d.K), nil)))
	}
	return strings.Join(parts, "|")
}

func rowTexts(rows []types.Row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, rowText(r))
	}
	return out
}

// same compares rows: in order, or as multisets.
func same(t testing.TB, what any, got, want []string, ordered bool) {
	t.Helper()
	if !ordered {
		got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	}
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		g, w := "(none)", "(none)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%v: %d rows, want %d; row %d is %s, want %s", what, len(got), len(want), i, g, w)
		}
	}
}

// datum returns a random value of a type; small makes equal ones likely.
func (w *world) datum(t types.Type, small bool, nulls float64) types.Datum {
	r := w.rng
	if r.Float64() < nulls {
		return types.NullOf(t.Kind)
	}
	span := int64(1) << 40
	if small {
		span = 12
	}
	k := t.Kind
	switch k.Class() {
	case types.ClassInt:
		x := r.Int64N(span) - span/3
		switch k {
		case types.Bool:
			x = int64(r.IntN(2))
		case types.Int2:
			x %= 30000
		case types.Int4, types.Date:
			x %= 1 << 30
		}
		return types.NewInt(k, x)
	case types.ClassFloat:
		f := float64(r.Int64N(span))/4 - float64(span/8)
		if f == 0 && r.IntN(2) == 0 {
			return types.Datum{K: k, Valid: true, I: -1 << 63} // -0.0
		}
		return types.NewFloat(k, f)
	case types.ClassNumeric:
		if p, s, ok := t.PrecisionScale(); ok && p <= 18 {
			return types.NewDecimal(r.Int64N(span)-span/3, s)
		}
		if r.IntN(30) == 0 {
			return types.NumericNaN()
		}
		scale := r.IntN(3)
		c := r.Int64N(span) - span/3
		for range scale {
			if r.IntN(2) == 0 {
				c *= 10 // equal values of several scales
			}
		}
		return types.NewDecimal(c, scale)
	case types.ClassInterval:
		if r.IntN(2) == 0 {
			return types.NewInterval(int32(r.IntN(3)), 0, int64(r.IntN(3)))
		}
		return types.NewInterval(0, int32(30*r.IntN(3)), int64(r.IntN(3)))
	}
	s := fmt.Sprintf("%d", r.Int64N(span))
	if r.IntN(3) == 0 {
		s += " is the number of this row"
	}
	return types.NewString(k, s)
}

func (w *world) rows(n int, ts []types.Type, small bool, nulls float64) []types.Row {
	rows := make([]types.Row, n)
	for i := range rows {
		rows[i] = make(types.Row, len(ts))
		for c, t := range ts {
			rows[i][c] = w.datum(t, small, nulls)
		}
	}
	return rows
}

func columnsOf(ts ...types.Type) []table.Column {
	var cols []table.Column
	for i, t := range ts {
		cols = append(cols, table.Column{Name: fmt.Sprintf("c%d", i), Type: t})
	}
	return cols
}
