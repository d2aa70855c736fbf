package fresh_test

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/internal/cli/workload"
	"github.com/laminadb/lamina/tpch"
)

var (
	oracle  = flag.String("oracle", "", "connection string of a PostgreSQL that is asked for the answers")
	rewrite = flag.Bool("rewrite", false, "write the answers of the oracle to testdata")
	scale   = flag.Float64("sf", 0.01, "scale factor; another one than 0.01 needs the oracle")
	sets    = flag.Int("sets", 20, "sets of parameters")
)

// nullSets is how many sets of parameters, beside those of the validation runs, are asked of the rows with NULLs.
const nullSets = 4

// TestFreshParameters asks every query with 20 sets of random parameters.
func TestFreshParameters(t *testing.T) {
	w, err := workload.TPCH(*scale)
	if err != nil {
		t.Fatal(err)
	}
	w.Queries = nil
	for seed := 1; seed <= *sets; seed++ {
		for n := 1; n <= tpch.NumQueries; n++ {
			w.Queries = append(w.Queries, versus.Query{
				Name: fmt.Sprintf("set %d, Q%d", seed, n), Text: tpch.RandomQuery(n, *scale, uint64(seed)), Keys: tpch.OrderKeys(n),
			})
		}
	}
	rows, _ := check(t, w, "parameters")
	if rows < 100*len(w.Queries)/10 {
		t.Errorf("%d queries have only %d rows", len(w.Queries), rows)
	}
}

// TestNulls asks every query of rows with NULLs, with the parameters of the validation runs and with others.
func TestNulls(t *testing.T) {
	w, err := workload.Nulls(*scale, 1)
	if err != nil {
		t.Fatal(err)
	}
	plain := w.Queries
	for seed := 1; seed <= nullSets; seed++ {
		for n, q := range plain {
			q.Name = fmt.Sprintf("set %d, Q%d", seed, n+1)
			q.Text = workload.Unlimited(tpch.RandomQuery(n+1, *scale, uint64(seed)))
			w.Queries = append(w.Queries, q)
		}
	}
	rows, nulls := check(t, w, "nulls")
	if rows < 100*len(w.Queries)/10 || nulls < 50 {
		t.Errorf("%d queries have only %d rows with %d NULLs", len(w.Queries), rows, nulls)
	}
}

// check loads the tables and holds the answers to all queries against PostgreSQL's.
func check(t *testing.T, w *versus.Workload, name string) (rows, nulls int) {
	t.Helper()
	ctx := context.Background()
	want := answers(ctx, t, w, name)
	l := load(ctx, t, w)
	for _, q := range w.Queries {
		a, err := l.Run(ctx, q.Text, true)
		if err != nil {
			t.Errorf("%s: %v\n%s", q.Name, err, q.Text)
			continue
		}
		expected, ok := want[q.Name]
		if !ok {
			t.Errorf("%s: there is no answer of PostgreSQL", q.Name)
		} else if err := tpch.CompareResults(expected, a.Result, q.Keys); err != nil {
			t.Errorf("%s: %v\n%s", q.Name, err, q.Text)
		}
		rows += len(a.Rows)
		for _, row := range a.Rows {
			for _, v := range row {
				if v.Null {
					nulls++
				}
			}
		}
	}
	t.Logf("%d queries, %d rows, %d NULLs", len(w.Queries), rows, nulls)
	return rows, nulls
}

func load(ctx context.Context, t *testing.T, w *versus.Workload) *versus.Lamina {
	t.Helper()
	l := versus.NewLamina(versus.Settings{Dir: t.TempDir(), Threads: 2, MemoryBytes: 1 << 30})
	if _, err := l.Open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := versus.Fill(ctx, l, w, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return l
}
