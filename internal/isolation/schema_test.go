package isolation

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/table"
)

// schemaLevels are the levels under which schedules of schema changes are run.
var schemaLevels = []history.Level{history.ReadCommitted, history.RepeatableRead}

// eachSchemaSchedule calls f for each schedule in which tables change while they are used.
func eachSchemaSchedule(t *testing.T, f func(t *testing.T, d *datadriven.TestData, steps []step) string) {
	t.Helper()
	n := 0
	datadriven.Walk(t, "testdata/schema", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			steps, err := parseSteps(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			n++
			return f(t, d, steps)
		})
	})
	if n < 15 {
		t.Errorf("%d schedules", n)
	}
}

// playSchema runs a schedule at each level: the answers, and at last the rows.
func playSchema(ctx context.Context, s server, g stage, levels []history.Level, steps []step) (string, error) {
	text, _, err := play(ctx, s, g, levels, steps)
	return strings.ReplaceAll(strings.ReplaceAll(text, ": seen", ":"), ": prevented", ":"), err
}

// TestSchemaSchedules runs the schedules in each tier: a statement that names a table that another transaction changes
// waits, and is then planned with what has become of it.
func TestSchemaSchedules(t *testing.T) {
	db, err := lamina.Open("db", &lamina.Options{MemoryBytes: 64 << 20, Storage: table.Columnar{Common: table.Common{FS: vfs.NewMem()}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the answers count
	eachSchemaSchedule(t, func(t *testing.T, d *datadriven.TestData, steps []step) string {
		var first string
		for i, g := range []stage{{"columnar", "columnar", "columnar"}, {"memory", "memory", "memory"}} {
			got, err := playSchema(ctx(), laminaServer{db}, g, schemaLevels, steps)
			if err != nil {
				d.Fatalf(t, "%s: %v", g.name, err)
			}
			if i > 0 && got != first {
				d.Fatalf(t, "columnar:\n%s%s:\n%s", first, g.name, got)
			}
			first = got
		}
		return first
	})
}

// schemaOnPostgres compares the answers in testdata with those of PostgreSQL, under READ COMMITTED: above it, a snapshot of
// PostgreSQL may miss rows of a table that was rewritten, and sees columns that were added later.
func schemaOnPostgres(t *testing.T) {
	s := newPGServer(t, "isolation_schema")
	eachSchemaSchedule(t, func(t *testing.T, d *datadriven.TestData, steps []step) string {
		got, err := playSchema(ctx(), s, stage{"heap", "heap", "heap"}, schemaLevels[:1], steps)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		if strings.HasPrefix(d.Expected, got) {
			return d.Expected
		}
		return got
	})
}
