package isolation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/table"
)

// laminaServer runs schedules on a database.
type laminaServer struct{ db *lamina.DB }

func (s laminaServer) connect(ctx context.Context) (querier, error) {
	c, err := s.db.Conn(ctx)
	return laminaConn{c}, err
}

func (s laminaServer) waiting(context.Context) (int, error) {
	waiters := map[uint64]bool{}
	for _, w := range s.db.Metrics().LockWaits {
		waiters[w.Waiter] = true
	}
	return len(waiters), nil
}

// stage is where the tables of the schedules are: x and y, which may be one table.
type stage struct {
	name, x, y string // access methods; y "": y is x
}

var stages = []stage{
	{"memory", "memory", ""}, {"memory, two tables", "memory", "memory"},
	{"columnar", "columnar", ""}, {"columnar, two tables", "columnar", "columnar"},
	{"across", "columnar", "memory"}, {"across, the other way", "memory", "columnar"},
	{"lsm", "lsm", ""}, {"lsm, two tables", "lsm", "lsm"}, {"lsm across", "lsm", "columnar"},
}

// setUp makes the tables: (1, 10) and (2, 20) are in each.
func (g stage) setUp(ctx context.Context, q querier) error {
	for name, method := range map[string]string{"x": g.x, "y": g.y} {
		using := ""
		if method != "" && method != "heap" {
			using = " USING " + method
		}
		if _, err := q.exec(ctx, "DROP TABLE IF EXISTS "+name); err != nil {
			return err
		}
		if method == "" {
			continue
		}
		if _, err := q.exec(ctx, "CREATE TABLE "+name+" (id int4 PRIMARY KEY, v int4)"+using); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "INSERT INTO "+name+" VALUES (1, 10), (2, 20)"); err != nil {
			return err
		}
	}
	return nil
}

// steps returns the steps with the names of the tables.
func (g stage) steps(steps []step) []step {
	if g.y != "" {
		return steps
	}
	one := slices.Clone(steps)
	for i := range one {
		one[i].sql = strings.NewReplacer("FROM y", "FROM x", "UPDATE y", "UPDATE x", "INTO y", "INTO x").Replace(one[i].sql)
	}
	return one
}

// play runs a schedule at each level and describes what came of it. Under SERIALIZABLE it says only whether the anomaly
// was seen: which transaction fails, and when, is left to the database.
func play(ctx context.Context, s server, g stage, levels []history.Level, steps []step) (string, []history.Level, error) {
	q, err := s.connect(ctx)
	if err != nil {
		return "", nil, err
	}
	defer q.close() //nolint:errcheck // nothing is open in it
	var b strings.Builder
	var permit []history.Level
	for _, level := range levels {
		if err := g.setUp(ctx, q); err != nil {
			return "", nil, err
		}
		lines, seen, err := perform(ctx, s, level, g.steps(steps))
		if err != nil {
			return "", nil, fmt.Errorf("%v: %w", level, err)
		}
		if seen {
			permit = append(permit, level)
		}
		fmt.Fprintf(&b, "%v: %s\n", level, map[bool]string{true: "seen", false: "prevented"}[seen])
		for _, l := range lines {
			if level != history.Serializable {
				fmt.Fprintln(&b, "  "+l)
			}
		}
	}
	return b.String(), permit, nil
}

// permitted parses the argument of a schedule: the levels that permit its anomaly.
func permitted(d *datadriven.TestData) (list []history.Level) {
	for _, arg := range d.CmdArgs {
		for _, v := range arg.Vals {
			i := slices.Index([]string{"rc", "rr", "ser"}, v)
			if arg.Key == "permitted" && i >= 0 {
				list = append(list, history.Level(i))
			}
		}
	}
	return list
}

// namedAnomalies are those that have at least one schedule.
var namedAnomalies = []string{
	"G0", "G1a", "G1b", "G1c", "OTV", "PMP", "P4", "G-single", "G-nonadjacent", "G2-item", "G2", "read-only",
}

// eachSchedule calls f for each schedule in testdata, and demands that there is one for each anomaly.
func eachSchedule(t *testing.T, f func(t *testing.T, d *datadriven.TestData, steps []step, permit []history.Level) string) {
	t.Helper()
	seen := map[string]bool{}
	n := 0
	datadriven.Walk(t, "testdata/anomalies", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			steps, err := parseSteps(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			name := strings.SplitN(d.Cmd, ":", 2)[0]
			seen[name] = true
			n++
			return f(t, d, steps, permitted(d))
		})
	})
	for _, name := range namedAnomalies {
		if !seen[name] {
			t.Errorf("%s has no schedule", name)
		}
	}
	if n < 20 {
		t.Errorf("%d schedules", n)
	}
}

// TestAnomalies runs the schedules of testdata at each level, in each tier and across them. Each must come to the same
// everywhere, and the anomaly must be seen at exactly the levels that permit it.
func TestAnomalies(t *testing.T) {
	have := allLevels
	var servers []laminaServer
	for _, g := range stages {
		dir, o := "", &lamina.Options{MemoryBytes: 64 << 20}
		if g.x != "memory" || g.y != "memory" && g.y != "" {
			// Rows move to segments all the time.
			dir, o.Storage = "db", table.Columnar{Common: table.Common{FS: vfs.NewMem()}, DeltaRows: 1, SegmentRows: 4}
		}
		db, err := lamina.Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // the answers count
		servers = append(servers, laminaServer{db})
	}
	performances := 0
	eachSchedule(t, func(t *testing.T, d *datadriven.TestData, steps []step, permit []history.Level) string {
		var first string
		if d.HasArg("stricter") { // than PostgreSQL under SERIALIZABLE
			permit = slices.DeleteFunc(permit, func(l history.Level) bool { return l == history.Serializable })
		}
		for i, g := range stages {
			got, seen, err := play(ctx(), servers[i], g, have, steps)
			if err != nil {
				d.Fatalf(t, "%s: %v", g.name, err)
			}
			performances += len(have)
			if !slices.Equal(seen, permit) {
				d.Fatalf(t, "%s: the anomaly is seen under %v, permitted under %v:\n%s", g.name, seen, permit, got)
			}
			if i > 0 && got != first {
				d.Fatalf(t, "%s:\n%s%s:\n%s", stages[0].name, first, g.name, got)
			}
			first = got
		}
		if d.HasArg("stricter") {
			first = strings.Replace(first, "serializable: prevented", "serializable: seen", 1)
		}
		return first
	})
	var flushes, compactions int64
	for _, s := range servers {
		for _, m := range s.db.Metrics().Tiers {
			flushes, compactions = flushes+m.Flushes, compactions+m.Compactions
		}
	}
	t.Log(flushes, "flushes,", compactions, "compactions")
	if flushes < 100 || compactions < 10 {
		t.Errorf("%d flushes and %d compactions", flushes, compactions)
	}
	if performances < 20*len(stages)*len(have) {
		t.Errorf("%d performances", performances)
	}
}
