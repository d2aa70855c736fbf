package logictest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/logictest"
)

// Minima of the random queries: comparisons made, and rows in them.
const (
	randomDatabases = 30
	randomQueries   = 25
	comparisonsMin  = 5000
	randomRowsMin   = 80000
)

// world is a database with random tables.
type world struct {
	t    *testing.T
	db   logictest.Database
	c    logictest.Conn
	name string
	// rows counts what was read, failed the queries that failed.
	rows, failed int
}

func newWorld(t *testing.T, db logictest.Database, name string, g *logictest.Generator) *world {
	t.Helper()
	c, err := db.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, c: c, name: name}
	for _, sql := range g.Tables() {
		if o := w.run(sql); o.Err != nil {
			t.Fatalf("%s: %s: %s", name, sql, o.Err)
		}
	}
	return w
}

func (w *world) close() {
	w.t.Helper()
	if err := w.c.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) run(sql string) *logictest.Outcome {
	w.t.Helper()
	o, err := w.c.Run(w.t.Context(), sql, &logictest.Record{})
	if err != nil {
		w.t.Fatalf("%s: %s: %v", w.name, sql, err)
	}
	return o
}

// query returns the rows of a query, sorted; false if it fails.
func (w *world) query(sql string) ([]string, bool) {
	w.t.Helper()
	o := w.run(sql)
	if o.Err != nil {
		if o.Err.Code == "XX000" {
			w.t.Errorf("%s: %s\n  %s", w.name, sql, o.Err)
		}
		w.failed++
		return nil, false
	}
	var rows []string
	for _, r := range o.Rows {
		rows = append(rows, fmt.Sprint(r))
	}
	slices.Sort(rows)
	w.rows += len(rows)
	return rows, true
}

// same compares the rows of two queries, the second of which may be several whose rows belong together.
func (w *world) same(what, sql string, parts ...string) bool {
	w.t.Helper()
	whole, ok := w.query(sql)
	if !ok {
		return false
	}
	var all []string
	for _, p := range parts {
		rows, ok := w.query(p)
		if !ok {
			return false
		}
		all = append(all, rows...)
	}
	slices.Sort(all)
	if !slices.Equal(whole, all) {
		w.t.Errorf("%s: %s\n  %s\n  answers %d rows\n    %s\n  but\n  %s\n  answers %d\n    %s", w.name, what, sql, len(whole), strings.Join(whole, "\n    "),
			strings.Join(parts, "\n  "), len(all), strings.Join(all, "\n    "))
	}
	return true
}

// TestRandomQueries compares random queries with other forms of themselves: a condition splits the rows of a query
// into those for which it is true, false and unknown (TLP); counting the rows of WHERE is counting the true values
// of the condition (NoREC); a query answers the same without the optimizer's rules, and row by row.
func TestRandomQueries(t *testing.T) {
	configs := logictest.Pairwise()
	compared, rows, failed := 0, 0, 0
	for seed := range uint64(randomDatabases) {
		c := configs[int(seed)%len(configs)]
		checkpoints, reopens := 0, 0
		db, err := logictest.OpenLamina(c, seed, &checkpoints, &reopens)
		if err != nil {
			t.Fatal(err)
		}
		g := logictest.NewGenerator(seed)
		w := newWorld(t, db, fmt.Sprintf("seed %d, %s", seed, c), g)
		for range randomQueries {
			compared += w.compare(g)
		}
		rows, failed = rows+w.rows, failed+w.failed
		w.close()
		if t.Failed() {
			break
		}
	}
	t.Logf("%d comparisons, %d rows, %d queries failed", compared, rows, failed)
	if !t.Failed() && (compared < comparisonsMin || rows < randomRowsMin) {
		t.Errorf("less than %d comparisons or %d rows", comparisonsMin, randomRowsMin)
	}
}

// compare makes the comparisons of one random query and returns their number.
func (w *world) compare(g *logictest.Generator) int {
	w.t.Helper()
	n := 0
	count := func(ok bool) {
		if ok {
			n++
		}
	}
	from, items := g.From()
	p, list := g.Predicate(items), g.Columns(items)
	all := fmt.Sprintf("SELECT %s FROM %s", list, from)
	count(w.same("TLP", all, all+" WHERE "+p, all+" WHERE NOT ("+p+")", all+" WHERE ("+p+") IS NULL"))
	count(w.same("NoREC", fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", from, p),
		fmt.Sprintf("SELECT coalesce(sum(CASE WHEN c THEN 1 ELSE 0 END), 0) FROM (SELECT (%s) AS c FROM %s) q", p, from)))
	for _, sql := range []string{all + " WHERE " + p, g.Grouped(from, items, p)} {
		want, ok := w.query(sql)
		if !ok {
			continue
		}
		for _, setting := range []string{"debug_disabled_rules = 'all'", "debug_row_evaluator = on", "debug_vector_rows = 1"} {
			name, _, _ := strings.Cut(setting, " ")
			w.run("SET " + setting)
			got, ok := w.query(sql)
			w.run("RESET " + name)
			if ok && !slices.Equal(got, want) {
				w.t.Errorf("%s: %s\n  %s\n  answers\n    %s\n  instead of\n    %s", w.name, setting, sql, strings.Join(got, "\n    "), strings.Join(want, "\n    "))
			}
			count(ok)
		}
	}
	return n
}

// TestRandomOracle compares random queries with PostgreSQL. A query that PostgreSQL fails may succeed, if it is about a
// row that need not be evaluated.
func TestRandomOracle(t *testing.T) {
	if *oracle == "" {
		t.Skip("needs PostgreSQL: -oracle names a server")
	}
	pg, err := logictest.OpenPostgres(t.Context(), *oracle)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close() //nolint:errcheck // the process ends
	compared, less, refused := 0, 0, 0
	for s := range uint64(randomDatabases) {
		seed := *seed*1000 + s
		checkpoints, reopens := 0, 0
		configs := logictest.Pairwise()
		lamina, err := logictest.OpenLamina(configs[int(s)%len(configs)], seed, &checkpoints, &reopens)
		if err != nil {
			t.Fatal(err)
		}
		postgres, err := pg.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		g := logictest.NewGenerator(seed)
		ours := newWorld(t, lamina, fmt.Sprintf("seed %d, Lamina", seed), logictest.NewGenerator(seed))
		theirs := newWorld(t, postgres, fmt.Sprintf("seed %d, PostgreSQL", seed), g)
		for range randomQueries {
			from, items := g.From()
			p := g.Predicate(items)
			for _, sql := range []string{fmt.Sprintf("SELECT %s FROM %s WHERE %s", g.Columns(items), from, p), g.Grouped(from, items, p)} {
				want, wok := theirs.query(sql)
				got, gok := ours.query(sql)
				switch {
				case wok && !gok && ours.run(sql).Err.Code == "0A000":
					refused++
				case wok && !gok:
					t.Errorf("seed %d: fails, with PostgreSQL it does not: %s\n  %v", seed, sql, ours.run(sql).Err)
				case !wok && gok:
					less++
				case wok && !slices.Equal(got, want):
					t.Errorf("seed %d: %s\n  answers\n    %s\n  instead of\n    %s", seed, sql, strings.Join(got, "\n    "), strings.Join(want, "\n    "))
				}
				compared++
			}
		}
		ours.close()
		theirs.close()
	}
	t.Logf("%d queries compared, %d of them fail with PostgreSQL only, %d are not supported", compared, less, refused)
	if refused*50 > compared {
		t.Errorf("too many are not supported")
	}
}
