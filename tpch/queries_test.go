package tpch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/tpch"
)

func TestQueries(t *testing.T) {
	for n := 1; n <= tpch.NumQueries; n++ {
		q := tpch.Query(n)
		if len(q) < 100 || strings.Contains(q, ";") || strings.TrimSpace(q) != q {
			t.Errorf("query %d: %q", n, q)
		}
		// The position of the last ORDER BY outside of parentheses tells whether rows are ordered.
		at := strings.LastIndex(q, "\norder by ")
		if ordered := at >= 0; ordered != (len(tpch.OrderKeys(n)) > 0) {
			t.Errorf("query %d: ordered is %v, keys are %v", n, ordered, tpch.OrderKeys(n))
		}
		if at >= 0 {
			list, _, _ := strings.Cut(q[at+len("\norder by "):], "\n")
			if got := strings.Count(list, ",") + 1; got != len(tpch.OrderKeys(n)) {
				t.Errorf("query %d: %d keys in %q, want %d", n, got, list, len(tpch.OrderKeys(n)))
			}
		}
	}
	for _, n := range []int{-1, 0, tpch.NumQueries + 1} {
		if tpch.Query(n) != "" || tpch.OrderKeys(n) != nil {
			t.Errorf("there is a query %d", n)
		}
	}
	if len(tpch.Spine()) != 10 || !slices.IsSorted(tpch.Spine()) {
		t.Errorf("spine %v", tpch.Spine())
	}
}

// The ORDER BY columns name result columns in all answers, and the answers are in their order.
func TestAnswers(t *testing.T) {
	rows := map[float64]int{0.01: 933, 0.1: 5684, 1: 20086}
	for _, sf := range tpch.AnswerScaleFactors() {
		total := 0
		for n := 1; n <= tpch.NumQueries; n++ {
			r, ok := tpch.Answer(sf, n)
			if !ok || len(r.Rows) == 0 {
				t.Fatalf("scale factor %v, query %d: no answer", sf, n)
			}
			total += len(r.Rows)
			if len(tpch.OrderKeys(n)) == 0 && len(r.Rows) != 1 {
				t.Errorf("scale factor %v, query %d: %d rows without an order", sf, n, len(r.Rows))
			}
			if err := tpch.Compare(sf, n, r); err != nil {
				t.Error(err)
			}
			changed := tpch.Result{Columns: r.Columns, Rows: slices.Clone(r.Rows)}
			changed.Rows[0] = slices.Clone(changed.Rows[0])
			changed.Rows[0][0].Text += "1"
			if err := tpch.Compare(sf, n, changed); err == nil {
				t.Errorf("scale factor %v, query %d: a changed value is not noticed", sf, n)
			}
			checkOrderColumns(t, n, r)
		}
		if total != rows[sf] {
			t.Errorf("scale factor %v: %d rows, want %d", sf, total, rows[sf])
		}
	}
	if _, ok := tpch.Answer(2, 1); ok {
		t.Error("there is an answer at scale factor 2")
	}
	if _, ok := tpch.Answer(0.01, 23); ok {
		t.Error("there is an answer of query 23")
	}
	if err := tpch.Compare(2, 1, tpch.Result{}); err == nil {
		t.Error("a comparison without an answer succeeds")
	}
}

func checkOrderColumns(t *testing.T, n int, r tpch.Result) {
	t.Helper()
	q := tpch.Query(n)
	at := strings.LastIndex(q, "\norder by ")
	if at < 0 {
		return
	}
	list, _, _ := strings.Cut(q[at+len("\norder by "):], "\n")
	for i, item := range strings.Split(list, ", ") {
		name := strings.TrimSuffix(item, " desc")
		if got := r.Columns[tpch.OrderKeys(n)[i]]; got != name {
			t.Errorf("query %d: order column %d is %s, want %s", n, i, got, name)
		}
	}
}

func TestDDL(t *testing.T) {
	const want = `CREATE TABLE partsupp (
    ps_partkey bigint NOT NULL,
    ps_suppkey bigint NOT NULL,
    ps_availqty integer NOT NULL,
    ps_supplycost numeric(15,2) NOT NULL,
    ps_comment varchar(199) NOT NULL,
    PRIMARY KEY (ps_partkey, ps_suppkey)
)`
	if got := tpch.DDL(tpch.PartSupp); got != want {
		t.Errorf("got %s", got)
	}
	if got := tpch.DDL(tpch.LineItem); !strings.Contains(got, "PRIMARY KEY (l_orderkey, l_linenumber)") {
		t.Errorf("got %s", got)
	}
	for _, table := range tpch.Tables() {
		if same, ok := tpch.TableNamed(table.Name()); !ok || same != table {
			t.Errorf("table %s is not found by its name", table)
		}
	}
	if _, ok := tpch.TableNamed("nope"); ok {
		t.Error("table nope is found")
	}
}
