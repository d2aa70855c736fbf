package lamina_test

import (
	"regexp"
	"slices"
	"testing"
)

// spillKinds are queries by what of them must leave memory at a limit: the name that its operator has in the plan.
var spillKinds = map[string]struct{ operator, limit, query string }{
	"window over partitions": {"WindowAgg", "8MB", `SELECT k, row_number() OVER w, sum(v) OVER w, lag(v, 3000, -1) OVER w, first_value(s) OVER w,
		max(s) OVER (PARTITION BY p ORDER BY k ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM t WINDOW w AS (PARTITION BY p ORDER BY k)`},
	"window over one partition": {"WindowAgg", "8MB", `SELECT k, ntile(7) OVER (ORDER BY v, k), cume_dist() OVER (ORDER BY v, k), lead(s, 9000) OVER (ORDER BY v, k),
		count(*) OVER (ORDER BY v, k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM t`},
	"window by values": {"WindowAgg", "8MB", `SELECT v, s, count(*) OVER (ORDER BY v RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING),
		sum(k) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE GROUP) FROM t WHERE k % 4 = 0`},
	"EXCEPT ALL":    {"SetOp", "8MB", `SELECT s, p FROM t EXCEPT ALL SELECT s, p FROM t WHERE k % 3 > 0`},
	"EXCEPT":        {"SetOp", "8MB", `SELECT s, v FROM t EXCEPT SELECT s, v FROM t WHERE k % 5 = 0`},
	"INTERSECT":     {"SetOp", "8MB", `SELECT s, k FROM t INTERSECT SELECT s, k FROM t WHERE k % 2 = 0`},
	"INTERSECT ALL": {"SetOp", "8MB", `SELECT k / 2, s FROM (SELECT * FROM t UNION ALL SELECT * FROM t WHERE k % 2 = 0) x INTERSECT ALL SELECT k / 2, s FROM t`},
	"UNION":         {"HashAggregate", "8MB", `SELECT s, p FROM t UNION SELECT s, p FROM t WHERE k % 3 > 0`},
	"recursion": {"Recursive Union", "5MB", `WITH RECURSIVE r AS (SELECT k, s, 1 AS n FROM t UNION ALL SELECT k + 1, s, n + 1 FROM r WHERE n < 3 AND k % 3 > 0)
		SELECT n, k, s FROM r`},
}

// TestSpillKinds: what does not fit leaves memory in every kind of operator, and answers and their order stay.
func TestSpillKinds(t *testing.T) {
	c := connect(t, open(t, nil))
	exec(t, c, `CREATE TABLE t AS SELECT g AS k, g % 3 AS p, g * 7919 % 1000 AS v,
		CASE WHEN g % 17 > 0 THEN 'a string that is longer than a view ' || g END AS s FROM generate_series(1, 60000) g`)
	for name, x := range spillKinds {
		t.Run(name, func(t *testing.T) {
			want := texts(t, c, x.query)
			exec(t, c, "SET query_memory = '"+x.limit+"'")
			defer exec(t, c, "RESET query_memory")
			if got := texts(t, c, x.query); !slices.Equal(got, want) {
				t.Errorf("%d rows that differ from the %d without a limit", len(got), len(want))
			}
			plan := explained(t, c, "EXPLAIN (ANALYZE) "+x.query)
			if !regexp.MustCompile(x.operator + `[^\n]*\n([^>]*\n)?[^>]*Disk Usage: [1-9]`).MatchString(plan) {
				t.Errorf("nothing was spilled:\n%s", plan)
			}
		})
	}
}
