package isolation

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/table"
)

// foreignFile has the schedules about foreign keys. Their directive is FK, with what is said of the constraint: the referenced
// column, and SQL that follows it, words joined by dashes. differs: under SERIALIZABLE PostgreSQL comes to something
// else, as docs/ISOLATION.md explains.

const foreignFile = "foreign"

// familyPlace is where the tables of the schedules are: p, and c that references it.
type familyPlace struct{ name, p, c string }

var familyPlaces = []familyPlace{
	{"memory", "memory", "memory"}, {"columnar", "columnar", "columnar"}, {"across", "columnar", "memory"},
}

// setUpFamily makes the tables: p has the keys 1, 2 and 3, with u ten times as much, c a row that references 3.
func setUpFamily(ctx context.Context, q querier, g familyPlace, d *datadriven.TestData) error {
	column, clause := "id", ""
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "column":
			column = arg.Vals[0]
		case "clause":
			clause = strings.ReplaceAll(strings.ToUpper(arg.Vals[0]), "-", " ")
		}
	}
	using := func(method string) string {
		if method == "" {
			return ""
		}
		return " USING " + method
	}
	last := map[string]string{"id": "3", "u": "30"}[column]
	for _, sql := range []string{
		"DROP TABLE IF EXISTS c", "DROP TABLE IF EXISTS p",
		"CREATE TABLE p (id int4 PRIMARY KEY, u int4 UNIQUE, v int4)" + using(g.p),
		"CREATE TABLE c (id int4 PRIMARY KEY, p int4 REFERENCES p (" + column + ") " + clause + ", v int4)" + using(g.c),
		"INSERT INTO p VALUES (1, 10, 0), (2, 20, 0), (3, 30, 0)", "INSERT INTO c VALUES (1, " + last + ", 0)",
	} {
		if _, err := q.exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// playFamily runs a schedule about foreign keys at each level, and demands that no row references nothing afterwards.
func playFamily(ctx context.Context, s server, g familyPlace, d *datadriven.TestData) (string, error) {
	steps, err := parseSteps(d.Input)
	if err != nil {
		return "", err
	}
	q, err := s.connect(ctx)
	if err != nil {
		return "", err
	}
	defer q.close() //nolint:errcheck // nothing is open in it
	var b strings.Builder
	for _, level := range allLevels {
		if err := setUpFamily(ctx, q, g, d); err != nil {
			return "", err
		}
		lines, _, err := perform(ctx, s, level, steps)
		if err != nil {
			return "", fmt.Errorf("%v: %w", level, err)
		}
		fmt.Fprintf(&b, "%v:\n", level)
		for _, l := range lines {
			fmt.Fprintln(&b, "  "+l)
		}
		column := "id"
		if d.HasArg("column") {
			column = "u"
		}
		orphans, err := q.query(ctx, "SELECT c.id FROM c WHERE c.p IS NOT NULL AND NOT EXISTS (SELECT FROM p WHERE p."+column+" = c.p)")
		if err == nil && len(orphans) > 0 {
			err = fmt.Errorf("%v: rows %v reference nothing:\n%s", level, orphans, &b)
		}
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// TestForeignKeySchedules runs the schedules about foreign keys at each level, in each tier and across them.
func TestForeignKeySchedules(t *testing.T) {
	ran := 0
	datadriven.RunTest(t, filepath.Join("testdata", foreignFile), func(t *testing.T, d *datadriven.TestData) string {
		first := ""
		for i, g := range familyPlaces {
			dir, o := "", &lamina.Options{MemoryBytes: 64 << 20}
			if g.p == "columnar" {
				dir, o.Storage = "db", table.Columnar{Common: table.Common{FS: vfs.NewMem()}}
			}
			db, err := lamina.Open(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := playFamily(ctx(), laminaServer{db}, g, d)
			if err = errors.Join(err, db.Close()); err != nil {
				d.Fatalf(t, "%s: %v", g.name, err)
			}
			if i > 0 && got != first {
				d.Fatalf(t, "%s:\n%s%s:\n%s", familyPlaces[0].name, first, g.name, got)
			}
			first = got
			ran++
		}
		return first
	})
	if ran < 20*len(familyPlaces) {
		t.Errorf("%d schedules ran", ran)
	}
}

// foreignOnPostgres compares the answers in testdata with those of PostgreSQL.
func foreignOnPostgres(t *testing.T) {
	s := newPGServer(t, "isolation_foreign")
	datadriven.RunTest(t, filepath.Join("testdata", foreignFile), func(t *testing.T, d *datadriven.TestData) string {
		got, err := playFamily(ctx(), s, familyPlace{name: "PostgreSQL"}, d)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		if d.HasArg("differs") {
			level := history.Serializable.String() + ":"
			got, _, _ = strings.Cut(got, level)
			_, ours, _ := strings.Cut(d.Expected, level)
			got += level + ours
		}
		return got
	})
}
