package lamina_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/tpch"
)

// skewed makes a table of 50,000 rows: unique keys, a third of g is 7, a tenth of n is NULL, s has 1,000 values that follow v.
const skewed = `CREATE TABLE %[1]s (id int PRIMARY KEY, g int, v int, s text, n numeric(10, 2)) USING %[2]s;
	INSERT INTO %[1]s SELECT i, CASE WHEN i %% 3 = 0 THEN 7 ELSE i %% 100 END, i::int8 * i %% 1000003 / 10, 'v' || i::int8 * i %% 1000003 / 1000,
	CASE WHEN i %% 10 = 0 THEN NULL ELSE i / 8.0 END FROM generate_series(1, 50000) AS x(i)`

var analyzedTiers = []string{"columnar", "lsm", "memory"}

// TestAnalyze: what ANALYZE finds is near to the truth in every tier, and is still known when the database is opened again, also from a
// backup.
func TestAnalyze(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, filepath.Join(dir, "db"), nil)
	for _, tier := range analyzedTiers {
		exec(t, db, fmt.Sprintf(skewed, "t_"+tier, tier))
	}
	exec(t, db, "VACUUM (FULL) t_columnar; UPDATE t_columnar SET v = v WHERE id <= 5000; ANALYZE")
	for _, tier := range analyzedTiers {
		checkStatistics(t, db, "t_"+tier)
	}
	const exact = "SELECT tablename, attname, null_frac, n_distinct, most_common_vals, most_common_freqs, histogram_bounds FROM pg_stats " +
		"WHERE tablename <> 't_memory' ORDER BY 1, 2"
	was := text(t, db, exact)
	if _, err := db.Backup(context.Background(), filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"db", "copy"} {
		db := openDir(t, filepath.Join(dir, name), nil)
		if now := text(t, db, exact); now != was {
			t.Errorf("%s, opened again:\n%s\nit was\n%s", name, now, was)
		}
		if err := db.Verify(context.Background(), func(d table.Damage) bool { t.Error(d); return true }); err != nil {
			t.Error(err)
		}
		exec(t, db, "DROP TABLE t_lsm; ANALYZE t_columnar (v)")
		checkStatistics(t, db, "t_columnar")
	}
}

// checkStatistics compares pg_stats and pg_class with counts.
func checkStatistics(t *testing.T, db *lamina.DB, name string) {
	t.Helper()
	want(t, db, "50000|t", "SELECT reltuples, relpages > 0 FROM pg_class WHERE relname = $1", name)
	distinct := "SELECT abs(CASE WHEN n_distinct < 0 THEN -n_distinct * 50000 ELSE n_distinct END / (SELECT count(DISTINCT %[2]s) FROM %[1]s) - 1) < 0.07 " +
		"FROM pg_stats WHERE tablename = '%[1]s' AND attname = '%[2]s'"
	for _, col := range []string{"id", "g", "v", "s", "n"} {
		want(t, db, "t", fmt.Sprintf(distinct, name, col))
	}
	want(t, db, "g|0|7|t\nn|0.1|∅|∅", `SELECT attname, null_frac, (most_common_vals::text[])[1], (most_common_freqs::text[])[1]::float8 BETWEEN 0.31 AND 0.37
		FROM pg_stats WHERE tablename = $1 AND attname IN ('g', 'n') ORDER BY 1`, name)
	want(t, db, "t", "SELECT histogram_bounds[101] IS NOT NULL FROM pg_stats WHERE tablename = $1 AND attname = 'id'", name)
	for _, q := range []string{"g = 7", "g = 8", "id BETWEEN 100 AND 20000", "n IS NULL", "n < 1000", "g IN (7, 9, 11)", "v < 30000", "g <> 7", "s > 'v5'"} {
		if e := rootError(t, db, fmt.Sprintf("SELECT * FROM %s WHERE %s", name, q)); e > 2 {
			t.Errorf("%s, %s: the estimate is wrong by %.2f times", name, q, e)
		}
	}
	for _, other := range []string{"g", "v", "s"} {
		q := fmt.Sprintf("SELECT * FROM %[1]s AS a JOIN %[1]s AS b ON a.%[2]s = b.%[2]s AND a.id < 1000 AND a.g <> 7", name, other)
		if e := rootError(t, db, q); e > 4 {
			t.Errorf("%s: the estimate is wrong by %.2f times", q, e)
		}
	}
}

// TestAnalyzeDamage: a damaged file of statistics leads to other estimates at most, and Verify names it.
func TestAnalyzeDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	exec(t, db, "CREATE TABLE t (id int PRIMARY KEY, g int) USING lsm; INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 200) AS x(i)")
	exec(t, db, "ANALYZE t")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "STATISTICS")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		b := slices.Clone(whole)
		if i%4 == 0 {
			b = b[:rng.IntN(len(b))]
		} else {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := lamina.Open(dir, &lamina.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		if err := db.Verify(context.Background(), func(d table.Damage) bool { found = append(found, d.File); return true }); err != nil {
			t.Error(err)
		}
		if !slices.Equal(found, []string{"STATISTICS"}) {
			t.Errorf("change %d: damage in %q", i, found)
		}
		want(t, db, "28", "SELECT count(*) FROM t WHERE g = 5")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// explainedJSON runs a query and returns its operators.
func explainedJSON(t *testing.T, q lamina.Querier, sql string) planned {
	t.Helper()
	var whole []struct{ Plan planned }
	text := explained(t, q, "EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) "+sql)
	if err := json.Unmarshal([]byte(text), &whole); err != nil || len(whole) != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	return whole[0].Plan
}

// errorOf is how many times more or less rows came than were estimated.
func errorOf(p *planned) float64 {
	if p.Rows == nil || p.Actual == nil {
		return 0
	}
	a, b := math.Max(*p.Rows, 1), math.Max(float64(*p.Actual), 1)
	return math.Max(a/b, b/a)
}

func rootError(t *testing.T, q lamina.Querier, sql string) float64 {
	t.Helper()
	p := explainedJSON(t, q, sql)
	for errorOf(&p) == 0 && len(p.Plans) == 1 {
		p = p.Plans[0]
	}
	return errorOf(&p)
}

// errorsOf appends the errors of an operator and of those below it.
func errorsOf(list []float64, p *planned) []float64 {
	if e := errorOf(p); e > 0 {
		list = append(list, e)
	}
	for i := range p.Plans {
		list = errorsOf(list, &p.Plans[i])
	}
	return list
}

// quantile returns a quantile of a list, which it sorts.
func quantile(list []float64, q float64) float64 {
	slices.Sort(list)
	return list[min(len(list)-1, int(q*float64(len(list))))]
}

// TestEstimatesTPCH prints how wrong the estimates of all operators of the TPC-H queries are, without ANALYZE and after it. Joins do
// not filter scans meanwhile: that is not estimated.
func TestEstimatesTPCH(t *testing.T) {
	g, err := tpch.New(0.01)
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range []string{"columnar", "lsm"} {
		db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
		if _, err := tpchload.Load(context.Background(), db, g, tpchload.Options{Tier: tier}); err != nil {
			t.Fatal(err)
		}
		for _, analyze := range []bool{false, true} {
			if !analyze && tier != "columnar" {
				continue
			}
			if analyze {
				exec(t, db, "ANALYZE")
			}
			all, roots := tpchErrors(t, db, tier)
			half, most := quantile(all, 0.5), quantile(all, 0.9)
			t.Logf("%s, analyzed %v: %d operators, wrong by %.2f times in the median, %.1f at 90 %%, %.0f at worst; the root by %.2f in the median",
				tier, analyze, len(all), half, most, quantile(all, 1), quantile(roots, 0.5))
			if len(all) < 200 || half > 1.2 || most > 20 || quantile(roots, 0.5) > 1.6 {
				t.Errorf("%s, analyzed %v: %d operators, wrong by %.2f in the median, %.1f at 90 %%, the root by %.2f", tier, analyze, len(all), half, most, quantile(roots, 0.5))
			}
		}
	}
}

// tpchErrors returns the errors of the estimates for all operators of all queries, and those of their roots.
func tpchErrors(t *testing.T, db *lamina.DB, tier string) (all, roots []float64) {
	t.Helper()
	tx, err := db.Begin(context.Background(), table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	exec(t, tx, "SET LOCAL debug_join_filters = off")
	for n := 1; n <= 22; n++ {
		p := explainedJSON(t, tx, tpch.Query(n))
		list := errorsOf(nil, &p)
		all, roots = append(all, list...), append(roots, errorOf(&p))
		t.Logf("%s Q%d: root %.1f, median %.2f, worst %.0f", tier, n, errorOf(&p), quantile(list, 0.5), quantile(list, 1))
	}
	return all, roots
}

// TestEstimatesRandom prints how wrong estimates of random conditions and joins are.
func TestEstimatesRandom(t *testing.T) {
	db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
	for _, tier := range analyzedTiers {
		exec(t, db, fmt.Sprintf(skewed, "t_"+tier, tier))
	}
	exec(t, db, "ANALYZE")
	rng := rand.New(rand.NewPCG(5, 5))
	byKind := map[string][]float64{}
	for range 160 {
		kind, sql := randomEstimate(rng)
		byKind[kind] = append(byKind[kind], rootError(t, db, sql))
	}
	most := map[string]float64{"=": 1.6, "range": 1.3, "IN": 1.6, "NULL": 1.2, "AND": 2, "OR": 1.6, "join": 3, "group": 2}
	for kind, list := range byKind {
		half := quantile(list, 0.5)
		t.Logf("%-6s %3d queries, wrong by %.2f times in the median, %.2f at 90 %%, %.1f at worst", kind, len(list), half, quantile(list, 0.9), quantile(list, 1))
		if half > most[kind] {
			t.Errorf("%s: wrong by %.2f times in the median", kind, half)
		}
	}
	if len(byKind) != len(most) {
		t.Errorf("%d kinds of queries, of %d", len(byKind), len(most))
	}
}

// randomEstimate makes a query whose rows are to be estimated.
func randomEstimate(rng *rand.Rand) (kind, sql string) {
	name := func() string { return "t_" + analyzedTiers[rng.IntN(len(analyzedTiers))] }
	g := func() int { return rng.IntN(100) }
	id := func() int { return rng.IntN(50000) }
	between := func() string {
		a, b := id(), id()
		return fmt.Sprintf("id BETWEEN %d AND %d", min(a, b), max(a, b))
	}
	equal := func() string {
		return []string{fmt.Sprintf("g = %d", g()), "g = 7", fmt.Sprintf("s = 'v%d'", rng.IntN(1000))}[rng.IntN(3)]
	}
	const from = "SELECT * FROM %s WHERE "
	switch rng.IntN(8) {
	case 0:
		return "=", fmt.Sprintf(from, name()) + equal()
	case 1:
		return "range", fmt.Sprintf(from, name()) + []string{between(), fmt.Sprintf("v < %d", 2*id()), fmt.Sprintf("n >= %d", id()/8)}[rng.IntN(3)]
	case 2:
		return "IN", fmt.Sprintf(from+"g IN (%d, %d, %d)", name(), g(), g(), g())
	case 3:
		return "NULL", fmt.Sprintf(from+"n IS %sNULL", name(), []string{"", "NOT "}[rng.IntN(2)])
	case 4:
		return "AND", fmt.Sprintf(from, name()) + strings.Join([]string{equal(), between(), "n IS NOT NULL"}[rng.IntN(2):], " AND ")
	case 5:
		return "OR", fmt.Sprintf(from, name()) + equal() + " OR " + between()
	case 6:
		return "join", fmt.Sprintf("SELECT * FROM %s AS a JOIN %s AS b ON a.s = b.s WHERE a.id < %d AND b.g = %d", name(), name(), 100+id()/50, g())
	}
	return "group", fmt.Sprintf("SELECT %s, count(*) FROM %s GROUP BY 1", []string{"g", "s", "v", "n"}[rng.IntN(4)], name())
}
