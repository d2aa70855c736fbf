package workload_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/internal/cli/workload"
	"github.com/laminadb/lamina/tpch"
)

func must(t *testing.T) func(w *versus.Workload, err error) *versus.Workload {
	return func(w *versus.Workload, err error) *versus.Workload {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
}

// TestTables: rows are as many as a table says, have as many values as columns, and are the same each time.
func TestTables(t *testing.T) {
	ctx, ok := context.Background(), must(t)
	tables := 0
	for _, again := range []func() *versus.Workload{
		func() *versus.Workload { return ok(workload.Disguised(0.01, 7)) },
		func() *versus.Workload { return ok(workload.SSB(0.01, 7)) },
		func() *versus.Workload { return ok(workload.GroupBy(20_000, 7)) },
		func() *versus.Workload { return ok(workload.Join(20_000, 7)) },
	} {
		a, b := again(), again()
		for i := range a.Tables {
			var x, y bytes.Buffer
			if err := a.Tables[i].Write(ctx, &x); err != nil {
				t.Fatal(err)
			}
			if err := b.Tables[i].Write(ctx, &y); err != nil {
				t.Fatal(err)
			}
			name := a.Name + " " + a.Tables[i].Name
			if !bytes.Equal(x.Bytes(), y.Bytes()) {
				t.Errorf("%s: other rows the second time", name)
			}
			if n := bytes.Count(x.Bytes(), []byte("\n")); int64(n) != a.Tables[i].Rows {
				t.Errorf("%s: %d rows, not %d", name, n, a.Tables[i].Rows)
			}
			line, _, _ := strings.Cut(x.String(), "\n")
			if n := strings.Count(line, "|") + 1; n != len(a.Tables[i].Columns) {
				t.Errorf("%s: %d values in %q", name, n, line)
			}
			tables++
		}
	}
	if tables != 18 {
		t.Errorf("%d tables", tables)
	}
}

// load returns Lamina with the tables of a workload, which it has from files.
func load(t *testing.T, w *versus.Workload) *versus.Result {
	t.Helper()
	w.Load = nil
	r, err := versus.Run(context.Background(), w, nil, versus.Options{
		Settings: versus.Settings{Dir: t.TempDir(), Threads: 2, MemoryBytes: 512 << 20}, Runs: 1, Progress: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDisguised: the names of TPC-H are gone, and the answers are its own where no key is in them.
func TestDisguised(t *testing.T) {
	ok := must(t)
	answers := map[string]tpch.Result{}
	plain := ok(workload.TPCH(0.01))
	for i := range plain.Queries {
		q := &plain.Queries[i]
		q.Text = tpch.RandomQuery(i+1, 0.01, 3)
		q.Check = func(r tpch.Result) error { answers[q.Name] = r; return nil }
	}
	if wrong := load(t, plain).Wrong(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	compared, rows := 0, 0
	disguised := ok(workload.Disguised(0.01, 3))
	for i := range disguised.Queries {
		q := &disguised.Queries[i]
		for _, table := range tpch.Tables() {
			if regexp.MustCompile(`\b(` + table.Name() + "|" + table.Columns()[0].Name + `)\b`).MatchString(q.Text) {
				t.Errorf("%s: %s is in it", table, q.Text)
			}
		}
		q.Check = func(r tpch.Result) error {
			want := answers[q.Name]
			if slices.ContainsFunc(want.Columns, func(c string) bool { return strings.HasSuffix(c, "key") }) {
				return nil
			}
			compared, rows = compared+1, rows+len(want.Rows)
			return versus.Compare(q.Keys, r, want)
		}
	}
	if wrong := load(t, disguised).Wrong(); len(wrong) > 0 {
		t.Error(wrong)
	}
	if compared < 16 || rows < 200 {
		t.Errorf("only %d answers of %d rows were compared", compared, rows)
	}
	for i := range disguised.Tables {
		for _, c := range disguised.Tables[i].Columns {
			if key := slices.Contains(disguised.Tables[i].Key, c.Name); c.Nullable == key {
				t.Errorf("%s: key %v, nullable %v", c.Name, key, c.Nullable)
			}
		}
	}
}

// TestQuestions runs what is not TPC-H once: every query has an answer.
func TestQuestions(t *testing.T) {
	ok := must(t)
	queries := 0
	for _, w := range []*versus.Workload{ok(workload.SSB(0.01, 1)), ok(workload.GroupBy(5000, 1)), ok(workload.Join(5000, 1))} {
		digests := 0
		for i := range w.Queries {
			q := &w.Queries[i]
			q.Check = func(r tpch.Result) error {
				if digests++; len(r.Columns) == 0 {
					return fmt.Errorf("no columns")
				}
				return nil
			}
		}
		r := load(t, w)
		if wrong := r.Wrong(); len(wrong) > 0 {
			t.Errorf("%s: %q", w.Name, wrong)
		}
		queries += digests
	}
	if queries != 13+10+5 {
		t.Errorf("%d queries", queries)
	}
}
