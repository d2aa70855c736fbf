package exec

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// numbers is a table of the numbers from 0 on.
func (w *world) numbers(n int) *fakeTable {
	rows := make([]types.Row, n)
	for i := range rows {
		rows[i] = types.Row{types.NewInt(types.Int8, int64(i))}
	}
	return w.table("n", []table.Column{{Name: "a", Type: types.T(types.Int8)}}, rows)
}

// aheadQuery begins a query for NextMade. Everything must be given back by the end of the test.
func (w *world) aheadQuery(t *testing.T, root plan.Node, force Force) *Query {
	tr := mem.NewTracker("test", 1<<30)
	q, err := Instantiate(t.Context(), &plan.Query{Root: root}, &Env{Stmt: w.stmt, Mem: tr, Pool: w.pool, VectorRows: 3, Workers: 4, Force: force})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil || tr.Used() != 0 {
			t.Errorf("at the end: %v, %d bytes", err, tr.Used())
		}
	})
	return q
}

func projected(in plan.Node, e expr.Expr) *plan.Project {
	return &plan.Project{Props: plan.Props{Out: outOf(e.Type())}, Input: in, Exprs: []expr.Expr{e}}
}

func filtered(in plan.Node, cond expr.Expr) *plan.Filter {
	return &plan.Filter{Props: plan.Props{Out: in.Columns()}, Input: in, Cond: cond}
}

// TestAhead: results come in order, whichever worker makes them and however long that takes, no more of them wait than may,
// and those that nobody reads are released.
func TestAhead(t *testing.T) {
	w := newWorld(t, 5)
	tab := w.numbers(4000)
	for seed := range uint64(30) {
		tab.morsel = []int{1, 7, 100, 3000}[seed%4]
		force := Force{Ahead: []string{"", "always"}[seed/4%2]}
		rng, mu := rand.New(rand.NewPCG(seed, 1)), sync.Mutex{}
		m := &textMaker{cols: 1, rowsMax: 3, slow: func(int) {
			mu.Lock()
			n := rng.IntN(8)
			mu.Unlock()
			for range n {
				runtime.Gosched()
			}
		}}
		q := w.aheadQuery(t, scanOf(tab), force)
		stopAt := len(tab.rows)
		if seed%3 == 2 {
			stopAt = int(seed) * 100
		}
		at := 0
		for at < stopAt {
			made, err := q.NextMade(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range made.Value.(*madeTexts).rows {
				if r != fmt.Sprint(at) {
					t.Fatalf("seed %d: row %d is %s", seed, at, r)
				}
				at++
			}
			made.Value.Release()
			if most := int64(3*aheadTurn*4 + 4); m.live.Load() > most || force.Ahead == "always" && m.live.Load() > 3*4+4 {
				t.Fatalf("%d results wait", m.live.Load())
			}
		}
		if stopAt == len(tab.rows) {
			for range 2 {
				if _, err := q.NextMade(t.Context(), m); err != io.EOF {
					t.Fatalf("at the end: %v", err)
				}
			}
		}
		if err := q.Close(); err != nil || m.live.Load() != 0 {
			t.Fatalf("%v, %d results are not released", err, m.live.Load())
		}
	}
}

// TestAheadHasHelpers: a worker waits in the making of a result until another one has made one, too.
func TestAheadHasHelpers(t *testing.T) {
	w := newWorld(t, 6)
	tab := w.numbers(4000)
	helped := make(chan struct{})
	var once sync.Once
	var first sync.Once
	m := &textMaker{cols: 1, rowsMax: 3, slow: func(int) {
		waits := false
		first.Do(func() { waits = true })
		if waits {
			<-helped
		} else {
			once.Do(func() { close(helped) })
		}
	}}
	q := w.aheadQuery(t, scanOf(tab), Force{Ahead: "always"})
	made, err := q.NextMade(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	made.Value.Release()
}

// TestAheadErrors: an error comes after the rows before it, be it of the query or of the making of a result.
func TestAheadErrors(t *testing.T) {
	w := newWorld(t, 7)
	tab := w.numbers(3000)
	for seed := range uint64(40) {
		tab.morsel = []int{1, 7, 100, 1000}[seed%4]
		bad := rand.New(rand.NewPCG(seed, 2)).Int64N(3000)
		in := scanOf(tab)
		root := projected(in, op(t, "/", intConst(1), op(t, "-", col(in, 0), intConst(bad))))
		q := w.aheadQuery(t, root, Force{Ahead: []string{"", "always"}[seed/4%2]})
		m := &textMaker{cols: 1, rowsMax: 3}
		rows := 0
		for {
			made, err := q.NextMade(t.Context(), m)
			if err != nil {
				if sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
					t.Fatal(err)
				}
				break
			}
			rows += made.Rows
			made.Value.Release()
		}
		if rows != int(bad) {
			t.Fatalf("seed %d: %d rows before the error of row %d", seed, rows, bad)
		}
		if _, err := q.NextMade(t.Context(), m); sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
			t.Fatalf("again: %v", err)
		}
	}
}

// TestNotAhead: who would notice is served by one worker.
func TestNotAhead(t *testing.T) {
	w := newWorld(t, 8)
	in := scanOf(w.numbers(1000))
	random, err := expr.NewFunc("random", 0)
	if err != nil {
		t.Fatal(err)
	}
	less := op(t, "<", random, expr.NewConst(types.NewFloat(types.Float8, 2), types.T(types.Float8), 0))
	sifted := scanOf(w.numbers(1000))
	sifted.Filter = less
	for what, c := range map[string]struct {
		root  plan.Node
		force Force
		ahead bool
	}{
		"a scan":                 {in, Force{}, true},
		"switched off":           {in, Force{Ahead: "off"}, false},
		"a volatile output":      {projected(in, random), Force{}, false},
		"a volatile condition":   {filtered(in, less), Force{}, false},
		"a volatile scan":        {sifted, Force{}, false},
		"as many rows as wanted": {&plan.Limit{Props: plan.Props{Out: in.Columns()}, Input: in, Count: intConst(10)}, Force{}, false},
	} {
		if got := w.aheadQuery(t, c.root, c.force).mayRunAhead(); got != c.ahead {
			t.Errorf("%s: %v", what, got)
		}
	}
}
