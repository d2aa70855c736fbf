package opt_test

import (
	"slices"
	"testing"

	"github.com/laminadb/lamina/query/bind/bindtest"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/table"
)

// TestColumnsNobodyAsksFor: estimates are made about columns that a decision depends on, and about no others. The width of strings
// decides where they are fetched.
func TestColumnsNobodyAsksFor(t *testing.T) {
	e := &env{schema: bindtest.New()}
	if err := e.schema.Exec("CREATE TABLE t (a int, b int, c int, d text); CREATE TABLE u (e int, f text)"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"SELECT sum(a), max(a) FROM t WHERE b > 1 ORDER BY 1", []string{"b"}},
		{"SELECT a, d FROM t", nil},
		{"SELECT c, sum(a) FROM (SELECT a, c + 1 AS c, d FROM t) x GROUP BY c", []string{"c"}},
		{"SELECT t.c FROM t, u WHERE t.a = u.e", []string{"a", "e"}},
	} {
		var made []string
		s, err := e.bindOne(c.query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = opt.Optimize(s, opt.Options{Stats: func(def *table.TableDef) table.Stats {
			return table.Stats{Rows: 1000, Lazy: table.NewLazyColumns(len(def.Columns), func(col int) table.ColumnStats {
				made = append(made, def.Columns[col].Name)
				return table.ColumnStats{Distinct: 10}
			})}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if slices.Sort(made); !slices.Equal(made, c.want) {
			t.Errorf("%s: estimates about %v, not %v", c.query, made, c.want)
		}
	}
}
