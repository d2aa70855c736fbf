package lamina_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// TestExplainAnalyze: the plan says of each scan in which tier its rows are, and how many there were.
func TestExplainAnalyze(t *testing.T) {
	db, err := lamina.Open(filepath.Join(t.TempDir(), "db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	exec(t, db, `CREATE TABLE a (id int4 PRIMARY KEY); CREATE TABLE b (id int4 PRIMARY KEY) USING lsm; CREATE TABLE c (id int4) USING memory;
		INSERT INTO a SELECT generate_series(1, 10); INSERT INTO b SELECT generate_series(1, 20); INSERT INTO c SELECT generate_series(1, 30)`)
	plan := explained(t, db, "EXPLAIN (ANALYZE) SELECT count(*) FROM (SELECT id FROM a UNION ALL SELECT id FROM b WHERE id = 7 UNION ALL SELECT id FROM c) AS x")
	at := plan
	for _, want := range []string{"(actual rows=1 time=", "Seq Scan on a", "(actual rows=10 time=", "Tier: columnar\n", "Key Lookup on b",
		"(actual rows=1 time=", "Tier: lsm\n", "Seq Scan on c", "(actual rows=30 time=", "Tier: memory\n", "Planning Time: ", "Execution Time: "} {
		_, after, ok := strings.Cut(at, want)
		if !ok {
			t.Fatalf("no %q where it is expected:\n%s", want, plan)
		}
		at = after
	}
}

// explained returns the lines of a plan without what they begin with.
func explained(t *testing.T, db lamina.Querier, sql string) string {
	t.Helper()
	rows, err := db.Query(context.Background(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err has what there is to say
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(strings.TrimSpace(line) + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestExplainRules: the rules that fired are shown, and what each has made, unless they are disabled.
func TestExplainRules(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE a (id int4, v int4)")
	const sql = "EXPLAIN (RULES) SELECT * FROM a AS x LEFT JOIN a AS y ON x.id = y.id WHERE y.v > 4"
	with := explained(t, db, sql)
	if !strings.Contains(with, "Rule Fired: OuterToInner (times=1)\n") || !strings.Contains(with, "Rule Fired: PushFilterIntoJoin (times=") {
		t.Errorf("no summary of the rules:\n%s", with)
	}
	rule, made, plan := strings.Index(with, "Rule: OuterToInner\n"), strings.Index(with, "inner join on ("), strings.Index(with, "Hash Join")
	if rule < 0 || made < rule || plan < made {
		t.Errorf("the rule, what it made and the plan are at %d, %d and %d of\n%s", rule, made, plan, with)
	}
	other, err := db.Begin(context.Background(), table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback() //nolint:errcheck // the test is over
	if _, err := other.Exec(context.Background(), "SET LOCAL debug_disabled_rules = 'OuterToInner'"); err != nil {
		t.Fatal(err)
	}
	if without := explained(t, other, sql); strings.Contains(without, "OuterToInner") || !strings.Contains(without, "Hash Left Join") {
		t.Errorf("the rule is disabled:\n%s", without)
	}
}

// planned is a part of an operator in EXPLAIN (FORMAT JSON).
type planned struct {
	Kind     string   `json:"Node Type"`
	Relation string   `json:"Relation Name"`
	Rows     *float64 `json:"Plan Rows"`
	Actual   *int64   `json:"Actual Rows"`
	Time     *float64 `json:"Actual Time"`
	Tier     string
	Output   []string
	Filter   string
	Plans    []planned
}

// TestExplainJSON: options decide what the document has, which says the same as the text.
func TestExplainJSON(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE a (id int4, v text); INSERT INTO a VALUES (1, 'x'), (2, '<&>'), (3, 'z')")
	parse := func(options, sql string) (plan planned, planning, execution *float64) {
		t.Helper()
		var whole []struct {
			Plan      planned
			Planning  *float64 `json:"Planning Time"`
			Execution *float64 `json:"Execution Time"`
		}
		text := explained(t, db, "EXPLAIN ("+options+"FORMAT JSON) "+sql)
		if err := json.Unmarshal([]byte(text), &whole); err != nil || len(whole) != 1 {
			t.Fatalf("%v\n%s", err, text)
		}
		return whole[0].Plan, whole[0].Planning, whole[0].Execution
	}
	const sql = "SELECT id FROM a WHERE v >= '<&>' ORDER BY id"
	p, planning, execution := parse("", sql)
	if p.Kind != "Project" || len(p.Plans) != 1 || p.Plans[0].Kind != "Sort" || p.Rows == nil || p.Actual != nil || p.Output != nil || planning != nil || execution != nil {
		t.Errorf("without options: %+v", p)
	}
	p, planning, execution = parse("ANALYZE, COSTS off, VERBOSE, ", sql)
	if p.Rows != nil || p.Actual == nil || *p.Actual != 3 || p.Time == nil || !slices.Equal(p.Output, []string{"id"}) || planning == nil || execution == nil {
		t.Errorf("with all options: %+v", p)
	}
	for len(p.Plans) > 0 {
		p = p.Plans[0]
	}
	if p.Kind != "Seq Scan" || p.Relation != "a" || p.Tier != "memory" || p.Filter != "(a.v >= '<&>'::text)" && p.Filter != "(v >= '<&>'::text)" {
		t.Errorf("the scan: %+v", p)
	}
	p, planning, execution = parse("ANALYZE, TIMING off, SUMMARY off, ", "UPDATE a SET v = v || (SELECT max(v) FROM a) WHERE id > 1")
	if p.Kind != "Update" || p.Relation != "a" || len(p.Plans) != 1 || p.Plans[0].Actual == nil || *p.Plans[0].Actual != 2 || p.Plans[0].Time != nil ||
		planning != nil || execution != nil {
		t.Errorf("an update: %+v", p)
	}
}

// TestExplainSpills: the plan says which operators used temporary files, how much of them, and nothing of the sort else.
func TestExplainSpills(t *testing.T) {
	c := connect(t, open(t, nil))
	const sql = `SELECT a, count(*) FROM generate_series(1, 20000) AS x(a) JOIN generate_series(1, 20000) AS y(b) ON a = b GROUP BY 1 ORDER BY 2, 1`
	if plan := explained(t, c, "EXPLAIN (ANALYZE) "+sql); strings.Contains(plan, "Disk Usage") {
		t.Errorf("something left memory:\n%s", plan)
	}
	if _, err := c.Exec(t.Context(), "SET debug_spill = on"); err != nil {
		t.Fatal(err)
	}
	plan := explained(t, c, "EXPLAIN (ANALYZE) "+sql)
	if n := strings.Count(plan, "Batches: "); n != 3 || strings.Count(plan, " kB") < n || strings.Contains(plan, "Disk Usage: 0 kB") {
		t.Errorf("a sort, an aggregation and a join, not %d operators:\n%s", n, plan)
	}
	t.Log("\n" + plan)
	if text := explained(t, c, "EXPLAIN (ANALYZE, FORMAT JSON) "+sql); strings.Count(text, `"Disk Usage": `) != 3 {
		t.Errorf("%s", text)
	}
}
