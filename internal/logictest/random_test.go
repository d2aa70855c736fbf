package logictest_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/internal/logictest"
)

// Minima of the random queries: comparisons made, and rows in them.
const (
	randomDatabases = 30
	randomQueries   = 25
	comparisonsMin  = 10000
	randomRowsMin   = 200000
	constructMin    = 5 // queries with each construct
)

var (
	campaign     = flag.Duration("campaign", 0, "how long to go on with random queries of new seeds")
	campaignSeed = flag.Uint64("campaign-seed", 1_000_000, "of the first database of a campaign")
)

// world is a database with random tables.
type world struct {
	t    *testing.T
	db   logictest.Database
	c    logictest.Conn
	name string
	tally
}

func newWorld(t *testing.T, db logictest.Database, name string, g *logictest.Generator) *world {
	t.Helper()
	c, err := db.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, c: c, name: name, tally: tally{histogram: map[string]int{}}}
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
		if w.failed <= 3 {
			w.t.Logf("%s: %s\n  %s", w.name, sql, o.Err)
		}
		return nil, false
	}
	var rows []string
	for _, r := range o.Rows {
		rows = append(rows, fmt.Sprint(r))
	}
	if !strings.HasPrefix(sql, logictest.Sorted) {
		slices.Sort(rows)
	}
	w.rows += len(rows)
	w.queries++
	if len(rows) > 0 {
		w.some++
	}
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
// of the condition (NoREC); a row for which a condition holds by itself is among those of the query (PQS); a query
// answers the same without the optimizer's rules, and row by row.
func TestRandomQueries(t *testing.T) {
	configs := logictest.Pairwise()
	total := &tally{histogram: map[string]int{}}
	began, seed := time.Now(), uint64(0)
	if *campaign > 0 {
		seed = *campaignSeed
	}
	for n := 0; n < randomDatabases || time.Since(began) < *campaign; n++ {
		c := configs[n%len(configs)]
		checkpoints, reopens := 0, 0
		db, err := logictest.OpenLamina(c, seed, &checkpoints, &reopens)
		if err != nil {
			t.Fatal(err)
		}
		g := logictest.NewGenerator(seed)
		w := newWorld(t, db, fmt.Sprintf("seed %d, %s", seed, c), g)
		for range randomQueries {
			w.compare(g)
			w.pivot(g)
			w.sameInAllWays(g.Form())
			w.sameInAllWays(g.Deep())
			w.changeInAllWays(g.Change())
		}
		total.add(&w.tally)
		w.close()
		if t.Failed() {
			break
		}
		seed++
	}
	total.report(t)
}

// tally counts what random queries did.
type tally struct {
	// compared counts comparisons, rows what was read, failed the queries that failed, some those with rows.
	compared, rows, queries, failed, some int
	histogram                             map[string]int
}

func (a *tally) add(b *tally) {
	a.compared, a.rows, a.failed = a.compared+b.compared, a.rows+b.rows, a.failed+b.failed
	a.queries, a.some = a.queries+b.queries, a.some+b.some
	for k, n := range b.histogram {
		a.histogram[k] += n
	}
}

// report prints the histogram, and demands the minima.
func (a *tally) report(t *testing.T) {
	t.Logf("%d comparisons, %d queries, %d of them with rows, %d rows, %d failed", a.compared, a.queries, a.some, a.rows, a.failed)
	a.checkConstructs(t)
	if t.Failed() {
		return
	}
	if a.failed > 0 {
		t.Errorf("%d queries failed", a.failed)
	}
	if a.compared < comparisonsMin || a.rows < randomRowsMin || a.some*2 < a.queries {
		t.Errorf("less than %d comparisons, %d rows, or half of the queries with rows", comparisonsMin, randomRowsMin)
	}
}

// checkConstructs prints the histogram, and demands some queries with each construct.
func (a *tally) checkConstructs(t *testing.T) {
	t.Helper()
	names := slices.Sorted(maps.Keys(a.histogram))
	var line strings.Builder
	for _, k := range names {
		fmt.Fprintf(&line, " %s: %d,", k, a.histogram[k])
		if a.histogram[k] < constructMin && !t.Failed() {
			t.Errorf("only %d queries with %s", a.histogram[k], k)
		}
	}
	t.Log("constructs:" + line.String())
	if len(names) < logictest.Constructs() && !t.Failed() {
		t.Errorf("less than %d constructs", logictest.Constructs())
	}
}

// ways are the ways in which a query must answer the same.
var ways = []string{"debug_disabled_rules = 'all'", "debug_row_evaluator = on", "debug_vector_rows = 1"}

// sameInAllWays runs a query in all ways.
func (w *world) sameInAllWays(sql string) {
	w.t.Helper()
	logictest.Count(w.histogram, sql)
	want, ok := w.query(sql)
	if !ok {
		return
	}
	for _, setting := range ways {
		name, _, _ := strings.Cut(setting, " ")
		w.run("SET " + setting)
		got, ok := w.query(sql)
		w.run("RESET " + name)
		if !ok {
			w.t.Errorf("%s: %s\n  %s\n  fails", w.name, setting, sql)
			continue
		}
		if !slices.Equal(got, want) {
			w.t.Errorf("%s: %s\n  %s\n  answers\n    %s\n  instead of\n    %s", w.name, setting, sql, strings.Join(got, "\n    "), strings.Join(want, "\n    "))
		}
		w.compared++
	}
}

// change runs a change and takes it back: what it returns, and what the table is then.
func (w *world) change(sql, changed string) (returned, rows []string, ok bool) {
	w.t.Helper()
	w.run("BEGIN")
	defer w.run("ROLLBACK")
	if returned, ok = w.query(sql); !ok {
		return nil, nil, false
	}
	rows, ok = w.query("SELECT * FROM " + changed)
	return returned, rows, ok
}

// changeInAllWays runs a change in all ways.
func (w *world) changeInAllWays(sql, changed string) {
	w.t.Helper()
	logictest.Count(w.histogram, sql)
	returned, rows, ok := w.change(sql, changed)
	if !ok {
		return
	}
	for _, setting := range ways {
		name, _, _ := strings.Cut(setting, " ")
		w.run("SET " + setting)
		r, got, ok := w.change(sql, changed)
		w.run("RESET " + name)
		if !ok || !slices.Equal(got, rows) || !slices.Equal(r, returned) {
			w.t.Errorf("%s: %s\n  %s\n  returns\n    %s\n  instead of\n    %s", w.name, setting, sql, strings.Join(r, "\n    "), strings.Join(returned, "\n    "))
		}
		w.compared++
	}
}

// pivot takes a row, makes a condition that holds for it, and looks for it among the rows of the condition.
func (w *world) pivot(g *logictest.Generator) {
	w.t.Helper()
	from, items := g.From()
	key := strings.Join(ids(items), ", ")
	rows, ok := w.query(fmt.Sprintf("SELECT %s FROM %s", key, from))
	if !ok || len(rows) == 0 {
		return
	}
	at := rows[g.Below(len(rows))]
	where := make([]string, len(items))
	for i, v := range strings.Fields(strings.Trim(at, "[]")) {
		if where[i] = items[i] + ".id = " + v; v == "NULL" {
			where[i] = items[i] + ".id IS NULL"
		}
	}
	p := g.Predicate(items)
	logictest.Count(w.histogram, from+" WHERE "+p)
	w.run("SET debug_row_evaluator = on")
	truth, ok := w.query(fmt.Sprintf("SELECT DISTINCT (q.c)::text FROM (SELECT (%s) AS c, %s FROM %s) q(c, %s) WHERE %s", p, key, from,
		strings.Join(places(items), ", "), strings.Join(renamed(where), " AND ")))
	w.run("RESET debug_row_evaluator")
	if !ok || len(truth) != 1 {
		return // the row is there several times, with other values
	}
	switch truth[0] {
	case "[NULL]":
		p = "(" + p + ") IS NULL"
	case "[false]":
		p = "NOT (" + p + ")"
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s", key, from, p)
	got, ok := w.query(sql)
	if ok && !slices.Contains(got, at) {
		w.t.Errorf("%s: PQS: %s\n  lacks %s, for which the condition is %s", w.name, sql, at, truth[0])
	}
	w.compared++
}

func ids(items []string) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it + ".id"
	}
	return out
}

func places(items []string) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it + "_id"
	}
	return out
}

func renamed(where []string) []string {
	out := make([]string, len(where))
	for i, c := range where {
		out[i] = "q." + strings.Replace(c, ".id", "_id", 1)
	}
	return out
}

// compare makes the comparisons of one random query with a condition.
func (w *world) compare(g *logictest.Generator) {
	w.t.Helper()
	count := func(ok bool) {
		if ok {
			w.compared++
		}
	}
	from, items := g.From()
	p, list := g.Predicate(items), g.Columns(items)
	all := fmt.Sprintf("SELECT %s FROM %s", list, from)
	count(w.same("TLP", all, all+" WHERE "+p, all+" WHERE NOT ("+p+")", all+" WHERE ("+p+") IS NULL"))
	count(w.same("NoREC", fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", from, p),
		fmt.Sprintf("SELECT coalesce(sum(CASE WHEN c THEN 1 ELSE 0 END), 0) FROM (SELECT (%s) AS c FROM %s) q", p, from)))
	w.sameInAllWays(all + " WHERE " + p)
	w.sameInAllWays(g.Grouped(from, items, p))
}

// TestRandomOracle compares random queries with PostgreSQL, until a database gave another answer. A query that PostgreSQL
// fails may succeed, if it is about a row that need not be evaluated.
func TestRandomOracle(t *testing.T) {
	if *oracle == "" {
		t.Skip("needs PostgreSQL: -oracle names a server")
	}
	pg, err := logictest.OpenPostgres(t.Context(), *oracle)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close() //nolint:errcheck // the process ends
	pg.Database = fmt.Sprintf("lamina_random_%d", os.Getpid())
	defer pg.Drop(context.WithoutCancel(t.Context())) //nolint:errcheck // the server is a tester's
	a := &against{t: t, total: tally{histogram: map[string]int{}}}
	began := time.Now()
	for s := uint64(0); (s < randomDatabases || time.Since(began) < *campaign) && !t.Failed(); s++ {
		a.database(pg, *seed*1000+s, int(s))
	}
	t.Logf("%d queries compared, %d of them fail with PostgreSQL only, %d are not supported", a.compared, a.less, a.refused)
	if t.Failed() {
		t.Logf("a difference after %.1f s", time.Since(began).Seconds())
		return
	}
	if a.refused*50 > a.compared {
		t.Errorf("too many are not supported")
	}
	t.Logf("%d queries of PostgreSQL, %d of them with rows, %d rows, %d failed", a.total.queries, a.total.some, a.total.rows, a.total.failed)
	a.total.checkConstructs(t)
	if a.total.some*2 < a.total.queries {
		t.Errorf("less than half of the queries have rows")
	}
}

// against compares Lamina with PostgreSQL.
type against struct {
	t                       *testing.T
	ours, theirs            *world
	seed                    uint64
	total                   tally // of PostgreSQL
	compared, less, refused int
}

func (a *against) database(pg *logictest.Postgres, seed uint64, n int) {
	checkpoints, reopens := 0, 0
	configs := logictest.Pairwise()
	lamina, err := logictest.OpenLamina(configs[n%len(configs)], seed, &checkpoints, &reopens)
	if err != nil {
		a.t.Fatal(err)
	}
	postgres, err := pg.Open(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	g := logictest.NewGenerator(seed)
	a.seed = seed
	a.ours = newWorld(a.t, lamina, fmt.Sprintf("seed %d, Lamina", seed), logictest.NewGenerator(seed))
	a.theirs = newWorld(a.t, postgres, fmt.Sprintf("seed %d, PostgreSQL", seed), g)
	for range randomQueries {
		from, items := g.From()
		p := g.Predicate(items)
		for _, sql := range []string{
			fmt.Sprintf("SELECT %s FROM %s WHERE %s", g.Columns(items), from, p), g.Grouped(from, items, p), g.Form(), g.Form(), g.Deep(), g.Deep(), g.Deep(),
		} {
			a.query(sql)
		}
		a.change(g.Change())
	}
	a.total.add(&a.theirs.tally)
	a.ours.close()
	a.theirs.close()
}

func (a *against) query(sql string) {
	a.t.Helper()
	logictest.Count(a.theirs.histogram, sql)
	want, wok := a.theirs.query(sql)
	got, gok := a.ours.query(sql)
	switch {
	case wok && !gok && a.ours.run(sql).Err.Code == "0A000":
		a.refused++
	case wok && !gok:
		a.t.Errorf("seed %d: fails, with PostgreSQL it does not: %s\n  %v", a.seed, sql, a.ours.run(sql).Err)
	case !wok && gok:
		a.less++
	case wok && !slices.Equal(got, want):
		a.t.Errorf("seed %d: %s\n  answers\n    %s\n  instead of\n    %s", a.seed, sql, strings.Join(got, "\n    "), strings.Join(want, "\n    "))
	}
	a.compared++
}

func (a *against) change(sql, changed string) {
	a.t.Helper()
	logictest.Count(a.theirs.histogram, sql)
	want, wrows, wok := a.theirs.change(sql, changed)
	got, grows, gok := a.ours.change(sql, changed)
	if wok && (!gok || !slices.Equal(got, want) || !slices.Equal(grows, wrows)) {
		a.t.Errorf("seed %d: %s\n  returns\n    %s\n  instead of\n    %s\n  table:\n    %s\n  instead of\n    %s", a.seed, sql,
			strings.Join(got, "\n    "), strings.Join(want, "\n    "), strings.Join(grows, "\n    "), strings.Join(wrows, "\n    "))
	}
	a.compared++
}
