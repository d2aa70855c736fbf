package lamina_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// longKind is a statement that spends its time in one way.
type longKind struct {
	name, sql string
	// short: it may end before it is canceled.
	short bool
}

// list joins what f makes of 0 to n-1.
func list(n int, sep string, f func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = f(i)
	}
	return strings.Join(parts, sep)
}

// longKinds returns statements that are long in every way there is. They run on the tables big and t.
func longKinds() []longKind {
	from := func(n int) string {
		return " FROM " + list(n, ", ", func(i int) string { return fmt.Sprintf("t AS t%d", i) })
	}
	constant := func(i int) string { return fmt.Sprint(i) }
	return []longKind{
		{"parse values", "SELECT count(*) FROM (VALUES " + list(100000, ", ", func(i int) string { return fmt.Sprintf("(%d, 'text', 1.5)", i) }) + ") AS x", true},
		{"parse operators", "SELECT 1 WHERE 1 IN (" + list(100000, ", ", func(i int) string { return fmt.Sprintf("%d + 2 * 3", i) }) + ")", true},
		{"parse statements", list(100000, ";", func(int) string { return "SELECT 1" }), true},
		{"bind", "SELECT " + list(1600, ", ", func(i int) string {
			return fmt.Sprintf("(SELECT count(*) FROM t AS x JOIN t AS y USING (id) WHERE x.v = %d)", i)
		}), true},
		{"plan a cross join", "EXPLAIN SELECT count(*)" + from(100), true},
		{"plan an order of joins", "EXPLAIN SELECT count(*)" + from(60) + " WHERE " + list(59, " AND ", func(i int) string { return fmt.Sprintf("t%d.v = t%d.id", i, i+1) }), true},
		{"plan subqueries", "EXPLAIN SELECT " + list(500, ", ", func(i int) string { return fmt.Sprintf("(SELECT max(v) FROM t AS x WHERE x.id = t.v + %d)", i) }) + " FROM t", false},
		{"plan conditions", "EXPLAIN SELECT count(*) FROM t WHERE " + list(20000, " OR ", func(i int) string { return fmt.Sprintf("(id = %d AND v <> %d)", i, i) }), true},
		{"long conditions", "SELECT count(*) FROM t AS a, t AS b WHERE " + list(2000, " AND ", func(i int) string { return fmt.Sprintf("a.id <> b.v + %d", i) }), false},
		{"scan", "SELECT count(*) FROM big AS a, generate_series(1, 1000) AS g(i) WHERE a.p LIKE '%x%y%' || g.i", false},
		{"series", "SELECT count(*) FROM generate_series(1, 1000000000) AS s(i)", false},
		{"nested loop", "SELECT count(*) FROM t AS a, t AS b, t AS c WHERE a.v + b.v + c.v = -1", false},
		{"hash join", "SELECT count(*) FROM big AS a JOIN big AS b ON a.v = b.v JOIN big AS c ON b.v = c.v WHERE a.p <> c.p", false},
		{"sort", "SELECT count(*) FROM (SELECT a.p FROM big AS a, generate_series(1, 20) AS g(i) ORDER BY a.p || g.i DESC OFFSET 1) AS x", false},
		{"aggregate", "SELECT count(DISTINCT a.p || b.p) FROM t AS a, t AS b, generate_series(1, 20) AS g(i)", false},
		{"window", "SELECT max(r) FROM (SELECT rank() OVER (PARTITION BY g.i ORDER BY a.p, a.id) AS r FROM big AS a, generate_series(1, 20) AS g(i)) AS x", false},
		{"moving window", "SELECT max(r) FROM (SELECT string_agg(p, '') OVER (ORDER BY id ROWS BETWEEN 3000 PRECEDING AND CURRENT ROW) AS r FROM big) AS x", false},
		{"recursion", "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r", false},
		{"correlated", "SELECT count(*) FROM t WHERE (SELECT count(*) FROM t AS o, t AS p WHERE o.v + p.v < t.v) > 3", false},
		{"set operation", "SELECT a.p || g.i FROM big AS a, generate_series(1, 30) AS g(i) EXCEPT SELECT b.p || h.i FROM big AS b, generate_series(1, 30) AS h(i)", false},
		{"one long value", "SELECT length(string_agg(repeat('x', 1000), '')) FROM generate_series(1, 100000000)", false},
		{"insert", "INSERT INTO sink SELECT a.v, b.p FROM t AS a, t AS b, generate_series(1, 100) AS g(i)", false},
		{"insert values", "INSERT INTO sink VALUES " + list(100000, ", ", func(i int) string { return fmt.Sprintf("(%d, 'text')", i) }), true},
		{"upsert", "INSERT INTO big SELECT b.id, 1, 'y' FROM big AS b, generate_series(1, 100) AS g(i) ON CONFLICT (id) DO NOTHING", false},
		{"update", "UPDATE big SET v = v + 1, p = p || 'x'", true},
		{"delete", "DELETE FROM big WHERE EXISTS (SELECT 1 FROM t AS o, t AS p WHERE o.v + p.v + big.v = -1)", false},
		{"copy out", "COPY (SELECT i, 'text' FROM generate_series(1, 1000000000) AS s(i)) TO 'null'", false},
		{"copy in", "COPY sink FROM 'endless'", false},
		{"create table as", "CREATE TABLE made AS SELECT a.v, b.p FROM t AS a, t AS b, generate_series(1, 100) AS g(i)", false},
		{"alter", "ALTER TABLE big ALTER v TYPE numeric USING v * 1.5", true},
		{"add constraint", "ALTER TABLE big ADD CHECK (p || 'x' LIKE 'text%" + constant(1) + "%x' OR v >= 0)", true},
		{"add key", "ALTER TABLE big ADD UNIQUE (p, id)", true},
		{"truncate", "TRUNCATE big; SELECT count(*) FROM generate_series(1, 1000000000)", false},
		{"vacuum", "VACUUM big", true},
		{"analyze", "ANALYZE big", true},
		{"checkpoint", "CHECKPOINT", true},
		{"row lock", "UPDATE locked SET v = 2 WHERE id = 1", false},
		{"for update", "SELECT * FROM locked FOR UPDATE", false},
		{"unique key", "INSERT INTO locked VALUES (2, 2)", false},
		{"table lock", "LOCK TABLE locked IN ACCESS EXCLUSIVE MODE", false},
		{"lock of alter", "ALTER TABLE locked ADD x int4", false},
		{"lock of drop", "DROP TABLE locked", false},
	}
}

// copyFiles gives COPY a file without end, and one that keeps nothing.
type copyFiles struct{}

func (copyFiles) Open(string) (io.ReadCloser, error)    { return io.NopCloser(endless{}), nil }
func (copyFiles) Create(string) (io.WriteCloser, error) { return nowhere{}, nil }

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	const line = "1\tx\n"
	n := 0
	for n+len(line) <= len(b) {
		n += copy(b[n:], line)
	}
	return n, nil
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Close() error                { return nil }

// TestCancelEveryKind cancels statements of every kind at random moments: each ends with 57014 (or had ended), changes
// nothing, and neither goroutines nor files are left of it.
func TestCancelEveryKind(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), openFiles()
	db, err := lamina.Open(filepath.Join(t.TempDir(), "db"), &lamina.Options{Files: copyFiles{}})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, v int8, p text); CREATE TABLE sink (v int8, p text)")
	exec(t, db, "INSERT INTO t SELECT i, i % 1000, 'text ' || i FROM generate_series(1, 3000) AS s(i)")
	exec(t, db, "CREATE TABLE big (id int8 PRIMARY KEY, v int8, p text); CREATE TABLE locked (id int8 PRIMARY KEY, v int8); INSERT INTO locked VALUES (1, 1)")
	exec(t, db, "INSERT INTO big SELECT i, i % 100, 'text ' || i FROM generate_series(1, 30000) AS s(i)")
	holder, err := db.Begin(context.Background(), table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, holder, "UPDATE locked SET v = 3; INSERT INTO locked VALUES (2, 1)")
	c := canceler{t: t, db: db, rng: rand.New(rand.NewPCG(7, 8))}
	looks := interrupt.Looks()
	kinds := longKinds()
	for _, k := range kinds {
		c.cancel(k)
	}
	if n := interrupt.Looks() - looks; n < 1000 {
		t.Errorf("planning looked only %d times whether to go on", n)
	}
	d := c.late.Distribution()
	t.Logf("%d kinds, %d statements canceled, %d ended before; half ended within %v, the last within %v (%s)", len(kinds), c.canceled, c.ended,
		time.Duration(d.Quantile(0.5)), time.Duration(d.Max()), c.latest)
	if c.canceled < 100 {
		t.Errorf("only %d statements were canceled", c.canceled)
	}
	if err := holder.Rollback(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	goroutinesBack(t, goroutines)
	if n := openFiles(); n > files {
		t.Errorf("%d files are open, %d before", n, files)
	}
}

// canceler cancels statements and counts how they end.
type canceler struct {
	t               *testing.T
	db              *lamina.DB
	rng             *rand.Rand
	late            table.Histogram
	longest         time.Duration
	latest          string
	canceled, ended int
}

// cancel runs a statement a few times in a transaction block, canceled at a random moment.
func (c *canceler) cancel(k longKind) {
	const rounds = 3
	if k.name == "vacuum" || k.name == "checkpoint" { // not in a transaction block
		c.outside(k)
		return
	}
	for range rounds {
		tx, err := c.db.Begin(context.Background(), table.TxOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
		c.run(k, func(ctx context.Context) error {
			_, err := tx.Exec(ctx, k.sql)
			return err
		})
		if err := tx.Rollback(); err != nil {
			c.t.Errorf("%s: %v", k.name, err)
		}
	}
	want(c.t, c.db, "3000|30000|0|0", "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM big WHERE v = id % 100 AND p LIKE 'text%'), "+
		"(SELECT count(*) FROM sink), (SELECT count(*) FROM pg_class WHERE relname = 'made')")
}

func (c *canceler) outside(k longKind) {
	for range 3 {
		c.run(k, func(ctx context.Context) error {
			_, err := c.db.Exec(ctx, k.sql)
			return err
		})
	}
}

// run calls f with a context that is canceled at a random moment.
func (c *canceler) run(k longKind, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	moment := time.Duration(c.rng.IntN(40)) * time.Millisecond
	if k.short {
		moment /= 4
	}
	canceled := make(chan time.Time, 1)
	timer := time.AfterFunc(moment, func() {
		canceled <- time.Now()
		cancel()
	})
	err := f(ctx)
	ended := time.Now()
	switch {
	case err == nil && k.short:
		c.ended++
		timer.Stop()
	case sqlerr.CodeOf(err) == sqlerr.QueryCanceled:
		c.canceled++
		late := ended.Sub(<-canceled)
		c.late.Add(int64(late))
		if late > c.longest {
			c.longest, c.latest = late, k.name
		}
		if testing.Verbose() {
			c.t.Logf("%-24s canceled after %v, ended %v later", k.name, moment, late)
		}
	default:
		c.t.Errorf("%s: %s %v", k.name, sqlerr.CodeOf(err), err)
	}
}

// TestCancelCommit cancels commits at random moments: what is told of them is so.
func TestCancelCommit(t *testing.T) {
	db, err := lamina.Open(filepath.Join(t.TempDir(), "db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is about its commits
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY)")
	rng := rand.New(rand.NewPCG(9, 10))
	committed, canceled, unknown := map[int]bool{}, map[int]bool{}, 0
	const commits = 200
	for i := range commits {
		tx, err := db.Begin(context.Background(), table.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, tx, "INSERT INTO t VALUES ($1)", i)
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(time.Duration(rng.IntN(400))*time.Microsecond, cancel)
		_, err = tx.Exec(ctx, "COMMIT")
		timer.Stop()
		cancel()
		switch code := sqlerr.CodeOf(err); {
		case err == nil:
			committed[i] = true
		case code == sqlerr.QueryCanceled:
			canceled[i] = true
		case code == sqlerr.TransactionResolutionUnknown:
			unknown++
		default:
			t.Fatalf("commit %d: %v", i, err)
		}
		_ = tx.Rollback() // nothing is left to roll back unless the commit was canceled
	}
	for i := range commits {
		there := text(t, db, "SELECT count(*) FROM t WHERE id = $1", i) == "1"
		if there && canceled[i] || !there && committed[i] {
			t.Errorf("commit %d: there %v, committed %v, canceled %v", i, there, committed[i], canceled[i])
		}
	}
	t.Logf("%d committed, %d canceled, of %d the outcome was not known", len(committed), len(canceled), unknown)
	if len(committed)+len(canceled)+unknown < commits {
		t.Error("not all commits ended")
	}
}
