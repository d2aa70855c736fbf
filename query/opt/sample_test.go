package opt_test

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/bind/bindtest"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestConditionsOverSamples: the estimate of a condition is the part of the sample for which it is true, whatever its operators, and
// however many batches the sample has; one that fails for a row is estimated otherwise.
func TestConditionsOverSamples(t *testing.T) {
	e := &env{schema: bindtest.New()}
	if err := e.schema.Exec("CREATE TABLE t (a int, b text, c numeric(10,2))"); err != nil {
		t.Fatal(err)
	}
	const rows = 1e6
	for _, n := range []int{60, 2048, 2049, 5000} {
		stats := table.Stats{Rows: rows, Columns: make([]table.ColumnStats, 3)}
		for c := range stats.Columns {
			stats.Columns[c] = table.ColumnStats{Distinct: float64(n)}
		}
		for i := range int64(n) {
			b := types.NewString(types.Text, fmt.Sprintf("x%dy", i%7))
			if i%5 == 0 {
				b = types.Null()
			}
			for c, d := range []types.Datum{types.NewInt(types.Int4, i%97), b, types.NewDecimal(i%50, 2)} {
				stats.Columns[c].Sample = append(stats.Columns[c].Sample, d)
			}
		}
		for _, c := range []struct {
			cond string
			want func(i int) bool
		}{
			{"a < 30", func(i int) bool { return i%97 < 30 }},
			{"a BETWEEN 10 AND 50 AND b LIKE '%3y'", func(i int) bool { return i%97 >= 10 && i%97 <= 50 && i%5 != 0 && i%7 == 3 }},
			{"NOT (a < 30 AND b = 'x1y') AND b IS NOT NULL", func(i int) bool { return i%5 != 0 && (i%97 >= 30 || i%7 != 1) }},
			{"c IN (0.01, 0.02, 0.4) OR a * 2 > 150", func(i int) bool { return i%50 == 1 || i%50 == 2 || i%50 == 40 || 2*(i%97) > 150 }},
			{"CASE WHEN b IS NULL THEN a > 10 ELSE c > 0.2 END", func(i int) bool {
				return i%5 == 0 && i%97 > 10 || i%5 != 0 && i%50 > 20
			}},
		} {
			matched := 0
			for i := range n {
				if c.want(i) {
					matched++
				}
			}
			if got, want := e.estimated(t, stats, c.cond), rows*float64(matched)/float64(n); got < want*0.999 || got > want*1.001 {
				t.Errorf("%d rows, %s: %.0f rows estimated, want %.0f", n, c.cond, got, want)
			}
		}
		if got := e.estimated(t, stats, "1 / a > 0"); got <= 0 || got > rows {
			t.Errorf("a condition that fails: %v rows estimated", got)
		}
	}
}

// estimated returns how many rows of t satisfy a condition.
func (e *env) estimated(t *testing.T, stats table.Stats, cond string) float64 {
	t.Helper()
	s, err := e.bindOne("SELECT a FROM t WHERE " + cond)
	if err != nil {
		t.Fatal(err)
	}
	p, err := opt.Optimize(s, opt.Options{Stats: func(*table.TableDef) table.Stats { return stats }})
	if err != nil {
		t.Fatal(err)
	}
	return p.Root.(interface{ Estimated() float64 }).Estimated()
}
