package lamina_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// longStatements run for seconds unless they are canceled.
var longStatements = []string{
	"SELECT count(*) FROM generate_series(1, 1000000000) AS s(i)",
	"SELECT count(*) FROM t AS a, t AS b, t AS c WHERE a.v + b.v + c.v = -1",
	"SELECT max(s) FROM (SELECT string_agg(a.p, '') AS s FROM t AS a, t AS b, generate_series(1, 50) AS g(i) GROUP BY a.id) AS x",
	"SELECT count(*) FROM (SELECT a.p, b.v FROM t AS a, t AS b, generate_series(1, 20) AS g(i) ORDER BY a.p || b.p, b.v) AS x",
	"SELECT count(DISTINCT a.p || b.p) FROM t AS a, t AS b, generate_series(1, 20) AS g(i)",
	"INSERT INTO sink SELECT a.v, b.p FROM t AS a, t AS b, generate_series(1, 100) AS g(i)",
	"UPDATE t SET v = (SELECT count(*) FROM t AS o, t AS p WHERE o.v + p.v < t.v)",
	"DELETE FROM t WHERE EXISTS (SELECT 1 FROM t AS o, t AS p WHERE o.v + p.v + t.v = -1)",
}

// TestCancelAnywhere cancels long statements at random moments: each ends with 57014, and nothing of it is left.
func TestCancelAnywhere(t *testing.T) {
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, v int8, p text); CREATE TABLE sink (v int8, p text)")
	exec(t, db, "INSERT INTO t SELECT i, i % 1000, 'text ' || i FROM generate_series(1, 3000) AS s(i)")
	rng := rand.New(rand.NewPCG(5, 6))
	var late table.Histogram
	canceled := 0
	for _, sql := range longStatements {
		for range 5 {
			ctx, cancel := context.WithCancel(context.Background())
			var at time.Time
			timer := time.AfterFunc(time.Duration(1+rng.IntN(60))*time.Millisecond, func() {
				at = time.Now()
				cancel()
			})
			_, err := db.Exec(ctx, sql)
			ended := time.Now()
			timer.Stop()
			cancel()
			if sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
				t.Errorf("%s: %s %v", sql, sqlerr.CodeOf(err), err)
				continue
			}
			canceled++
			late.Add(int64(ended.Sub(at)))
		}
	}
	d := late.Distribution()
	t.Logf("%d statements canceled; half ended within %v, the last within %v", canceled, time.Duration(d.Quantile(0.5)), time.Duration(d.Max()))
	if want(t, db, "3000|0", "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM sink)"); canceled < 35 {
		t.Errorf("only %d statements were canceled", canceled)
	}
}
