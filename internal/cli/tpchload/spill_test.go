package tpchload_test

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
)

// spillScale is the scale factor at which so little memory makes operators use temporary files: less than what gives a query a second
// worker, so that what spills does not depend on how two keep step. What is in spillLess has less still.
const (
	spillScale  = 0.1
	spillMemory = "7MB"
)

var spillLess = map[int]string{7: "6MB", 16: "5MB", 18: "5MB", 21: "6MB"}

// TestSpills runs all queries with so little memory that operators of each kind use temporary files of their own accord: the
// answers are those of PostgreSQL.
func TestSpills(t *testing.T) {
	g, err := tpch.New(spillScale)
	if err != nil {
		t.Fatal(err)
	}
	db, err := lamina.Open(filepath.Join(t.TempDir(), "db"), &lamina.Options{MemoryBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := tpchload.Load(t.Context(), db, g, tpchload.Options{Tier: "columnar"}); err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	spilled := map[string]int64{}
	for n := 1; n <= tpch.NumQueries; n++ {
		memory := spillMemory
		if less, ok := spillLess[n]; ok {
			memory = less
		}
		if _, err := c.Exec(t.Context(), "SET query_memory = '"+memory+"'"); err != nil {
			t.Fatal(err)
		}
		answer, err := tpchload.Fetch(t.Context(), c, tpch.Query(n))
		if err == nil {
			err = tpch.Compare(spillScale, n, answer)
		}
		if err != nil {
			t.Errorf("query %d: %v", n, err)
			continue
		}
		plan, err := tpchload.Fetch(t.Context(), c, "EXPLAIN (ANALYZE) "+tpch.Query(n))
		if err != nil {
			t.Errorf("query %d: %v", n, err)
		}
		addSpilled(spilled, plan)
	}
	for _, kind := range []string{"Join", "Aggregate", "Sort"} {
		if spilled[kind] == 0 {
			t.Errorf("no %s of the %d queries has spilled", kind, tpch.NumQueries)
		}
	}
	t.Log(spilled)
}

var (
	operatorLine = regexp.MustCompile(`(Join|Aggregate|Sort)\b.*actual`)
	spilledLine  = regexp.MustCompile(`Disk Usage: (\d+) kB`)
)

// addSpilled adds the kilobytes that the operators of a plan have written, by their kinds.
func addSpilled(spilled map[string]int64, plan tpch.Result) {
	kind := ""
	for _, row := range plan.Rows {
		line := row[0].Text
		if strings.Contains(line, "actual") {
			kind = "other"
			if m := operatorLine.FindStringSubmatch(line); m != nil {
				kind = m[1]
			}
		}
		if m := spilledLine.FindStringSubmatch(line); m != nil {
			kb, _ := strconv.ParseInt(m[1], 10, 64)
			spilled[kind] += kb
		}
	}
}
