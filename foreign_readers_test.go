//go:build lamina_foreign

package lamina_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// foreignType is a type of foreignTables: values that columns have, and the sum of a column in SQL, as docs/format/segments.py has
// it; empty: there is none.
type foreignType struct{ name, sum, values string }

const (
	sumOfNumbers = "sum(%s) FILTER (WHERE %[1]s NOT IN ('NaN', 'Infinity', '-Infinity'))"
	sumOfInts    = "sum(%s)"
	sumOfLengths = "sum(octet_length(%s::text))"
	sumOfSeconds = "trim_scale(sum(extract(epoch FROM %s) * 1000000) FILTER (WHERE isfinite(%[1]s)))"
	sumOfBlocks  = "count(%s) * 16"
)

// foreignTypes are the types that columns may have, some with more than one form in Parquet. Values are separated by |.
var foreignTypes = []foreignType{
	{"bool", "sum(%s::int4)", "t|f"},
	{"int2", sumOfInts, "0|1|-1|32767|-32768|77"},
	{"int4", sumOfInts, "0|1|-1|2147483647|-2147483648|100000"},
	{"int8", sumOfInts, "0|1|-1|9223372036854775807|-9223372036854775808|123456789012"},
	{"oid", "sum(%s::int8)", "0|1|4294967295|16384"},
	{"float4", "sum(%s::float8) FILTER (WHERE %[1]s NOT IN ('NaN', 'Infinity', '-Infinity'))", "0|-0|1.5|-2.25|0.1|NaN|Infinity|-Infinity|1e20"},
	{"float8", sumOfNumbers, "0|-0|1.5|-2.25|0.1|NaN|Infinity|-Infinity|1e-300|5e-324"},
	{"numeric", sumOfNumbers, "0|0.00|1.50|-1.5|NaN|Infinity|-Infinity|12345678901234567890123456789012345678901234567890.5|1e-40|-7"},
	{"numeric(9,2)", sumOfNumbers, "0|1.5|-1.25|9999999.99|-9999999.99|NaN"},
	{"numeric(18,4)", sumOfNumbers, "0|1.5|-1.25|99999999999999.9999|NaN|-0.0001"},
	{"numeric(38,10)", sumOfNumbers, "0|1.5|-9999999999999999999999999999.9999999999|NaN|0.0000000001"},
	{"numeric(50,3)", sumOfNumbers, "0|1.5|99999999999999999999999999999999999999999999999.999|NaN"},
	{"numeric(5,-2)", sumOfNumbers, "0|100|-1200|9999900"},
	{"text", sumOfLengths, "|a|ä€😀|tab\ttab|back\\slash|a value that is longer than what a view holds inline, by far|new\nline"},
	{"varchar(8)", sumOfLengths, "|a|12345678|äöüßäöüß"},
	{"char(6)", sumOfLengths, "|a|123456|ab cd"},
	{"name", sumOfLengths, "|a|pg_class"},
	{`"char"`, sumOfLengths, "|a|Z"},
	{"bytea", "sum(octet_length(%s))", `\x|\x00|\x00ff10|\x6162|\xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef`},
	{"uuid", sumOfBlocks, "00000000-0000-0000-0000-000000000000|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|ffffffff-ffff-ffff-ffff-ffffffffffff"},
	{"date", "sum(%s - date '1970-01-01') FILTER (WHERE isfinite(%[1]s))", "1970-01-01|2024-02-29|infinity|-infinity|0001-01-01|4713-01-01 BC|9999-12-31"},
	{"time", "trim_scale(sum(extract(epoch FROM %s) * 1000000))", "00:00|12:34:56.789012|24:00:00|23:59:59.999999"},
	{"timetz", "", "00:00+00|12:34:56.789012-03:30|24:00:00+01"},
	{"timestamp", sumOfSeconds, "1970-01-01 00:00|2024-02-29 12:34:56.789012|infinity|-infinity|1969-12-31 23:59:59.999999|0001-01-01 00:00"},
	{"timestamptz", sumOfSeconds, "1970-01-01 00:00+00|2024-02-29 12:34:56.789012+02|infinity|-infinity|9999-12-31 00:00+00"},
	{"interval", sumOfBlocks, "0|1 month|-3 days|1 year 2 mons 3 days 04:05:06.789|-00:00:00.000001"},
}

// foreignNulls are the patterns of NULLs, by the number of the row.
var foreignNulls = []struct {
	name string
	null func(rng *rand.Rand, i int) bool
}{
	{"no", func(*rand.Rand, int) bool { return false }},
	{"every", func(*rand.Rand, int) bool { return true }},
	{"second", func(_ *rand.Rand, i int) bool { return i%2 == 0 }},
	{"long", func(_ *rand.Rand, i int) bool { return i/160%2 == 0 }},
	{"rare", func(rng *rand.Rand, _ int) bool { return rng.IntN(50) == 0 }},
	{"random", func(rng *rand.Rand, _ int) bool { return rng.IntN(3) == 0 }},
}

// foreignRows is the number of rows that a table begins with.
const foreignRows = 600

// foreignTables makes a table with all types for each pattern of NULLs, the last one without a primary key.
func foreignTables(t *testing.T, db *lamina.DB, rng *rand.Rand) (names []string) {
	t.Helper()
	for n, pattern := range foreignNulls {
		name := pattern.name + "_nulls"
		key := "PRIMARY KEY"
		if n == len(foreignNulls)-1 {
			key = "UNIQUE"
		}
		columns := []string{"id int8 " + key}
		for c, typ := range foreignTypes {
			null := ""
			if pattern.name == "no" && c%2 == 0 {
				null = " NOT NULL"
			}
			columns = append(columns, fmt.Sprintf("c%d %s%s", c, typ.name, null))
		}
		exec(t, db, fmt.Sprintf("CREATE TABLE %s (%s) WITH (compression = %s)", name, strings.Join(columns, ", "), []string{"none", "snappy", "zstd"}[n%3]))
		for from := 0; from < foreignRows; from += 100 {
			foreignInsert(t, db, rng, n, from, from+100)
		}
		names = append(names, name)
	}
	return names
}

// foreignInsert inserts rows with random values.
func foreignInsert(t *testing.T, db *lamina.DB, rng *rand.Rand, pattern, from, to int) {
	t.Helper()
	var rows []string
	for i := from; i < to; i++ {
		cells := []string{strconv.Itoa(i)}
		for _, typ := range foreignTypes {
			values := strings.Split(typ.values, "|")
			v := values[rng.IntN(len(values))]
			if foreignNulls[pattern].null(rng, i) {
				cells = append(cells, "NULL")
			} else {
				cells = append(cells, "'"+strings.ReplaceAll(v, "'", "''")+"'")
			}
		}
		rows = append(rows, "("+strings.Join(cells, ", ")+")")
	}
	exec(t, db, fmt.Sprintf("INSERT INTO %s_nulls VALUES %s", foreignNulls[pattern].name, strings.Join(rows, ", ")))
}

// TestForeignReaders has pyarrow and DuckDB read the segments of tables of all types and patterns of NULLs, after changes, by
// docs/format/segments.py: rows and column sums are those that SQL sees. LAMINA_PYTHON is a Python that has both.
func TestForeignReaders(t *testing.T) {
	python := os.Getenv("LAMINA_PYTHON")
	if python == "" {
		t.Fatal("LAMINA_PYTHON does not say which Python has pyarrow and duckdb")
	}
	for _, automatic := range []bool{false, true} {
		t.Run(map[bool]string{false: "on demand", true: "in the background"}[automatic], func(t *testing.T) {
			f := &foreignCase{t: t, python: python, dir: filepath.Join(t.TempDir(), "db"), rng: rand.New(rand.NewPCG(4, 2))}
			f.run(automatic)
		})
	}
}

type foreignCase struct {
	t           *testing.T
	python, dir string
	rng         *rand.Rand
	tables      []string
	rows, sums  int // compared
	deleted     int // of segments that are listed
	segments    int
	pending     int // deletions that the log has
}

func (f *foreignCase) run(automatic bool) {
	t := f.t
	o := table.Columnar{Dir: f.dir, Common: table.Common{LogFileBytes: 256 << 10}, DisableCompaction: true}
	o.SegmentRows, o.DeltaRows = 250, 4000 // nothing is flushed by itself, and few rows are a load
	if automatic {
		o.DeltaRows, o.DisableCompaction = 150, false
	}
	db, err := lamina.Open("", &lamina.Options{Storage: o})
	must(t, err)
	f.tables = foreignTables(t, db, f.rng)
	for round := range 3 {
		for n, name := range f.tables {
			if round < 2 {
				exec(t, db, "VACUUM FULL "+name)
			}
			exec(t, db, fmt.Sprintf("DELETE FROM %s WHERE id %% 7 = %d", name, round))
			exec(t, db, fmt.Sprintf("UPDATE %s SET c2 = c2 / 2, id = id + 1000000 WHERE id %% 11 = %d", name, round))
			foreignInsert(t, db, f.rng, n, foreignRows+round*30, foreignRows+round*30+30)
		}
		if round == 0 {
			must(t, db.Checkpoint(t.Context()))
		}
	}
	deletedMin, segmentsMin := 300, 12
	if automatic { // many deletions are an occasion to compact
		deletedMin, segmentsMin = 30, 7
		for _, name := range f.tables {
			exec(t, db, "VACUUM FULL "+name)
			exec(t, db, fmt.Sprintf("DELETE FROM %s WHERE id %% 41 = 3", name))
		}
	}
	exec(t, db, "CREATE TABLE moved USING lsm AS SELECT * FROM rare_nulls") // its move is a load
	exec(t, db, "ALTER TABLE moved SET ACCESS METHOD columnar; DELETE FROM moved WHERE id % 9 = 0")
	f.tables = append(f.tables, "moved")
	if loads(db) == 0 {
		t.Error("no rows were loaded into segments")
	}
	rows, sums := f.answers(db)
	if !automatic { // the log has a flush, a compaction and deletions after the checkpoint, and nothing works in the background
		open := filepath.Join(t.TempDir(), "copy")
		must(t, os.CopyFS(open, os.DirFS(f.dir)))
		f.compare("open", open, rows, sums)
		if f.pending < 100 {
			t.Errorf("the log had %d deletions of rows in segments", f.pending)
		}
	}
	must(t, db.Checkpoint(t.Context()))
	must(t, db.Close())
	f.compare("closed", f.dir, rows, sums)
	t.Logf("%d rows, %d sums, %d segments, %d deleted rows, %d deletions in the log", f.rows, f.sums, f.segments, f.deleted, f.pending)
	if f.rows < 2500 || f.sums < 300 || f.segments < segmentsMin || f.deleted < deletedMin {
		t.Error("too little was compared")
	}
}

// compare has each reader read a directory.
func (f *foreignCase) compare(what, dir string, rows []string, sums map[string]string) {
	t := f.t
	t.Helper()
	for line := range strings.Lines(f.script(dir)) {
		_, deleted, segment := strings.Cut(line, "deleted:")
		if segment {
			f.segments++
			f.deleted += len(strings.Fields(deleted))
			continue
		}
		var memory, pending int
		_, rest, _ := strings.Cut(line, ": ")
		if _, err := fmt.Sscanf(rest, "%d rows in memtables, %d deletions in the log", &memory, &pending); err != nil {
			t.Errorf("segments.py prints %q", line)
		}
		f.pending += pending
	}
	for _, reader := range []string{"pyarrow", "duckdb"} {
		got := strings.Split(strings.TrimSpace(f.script(dir, reader, "rows")), "\n")
		slices.Sort(got)
		if !slices.Equal(got, rows) {
			t.Errorf("%s, %s: %d rows, SQL has %d%s", what, reader, len(got), len(rows), differences(got, rows))
		}
		f.rows += len(got)
		seen := map[string]string{}
		for line := range strings.Lines(f.script(dir, reader)) {
			cells := strings.Split(strings.TrimSpace(line), "\t")
			seen[cells[0]+"."+cells[1]] = cells[2] + " " + cells[3]
		}
		for column, want := range sums {
			if got := seen[column]; !sameSums(got, want) {
				t.Errorf("%s, %s, column %s: count and sum are %q, SQL has %q", what, reader, column, got, want)
			}
			f.sums++
		}
	}
}

// differences shows some of the rows that one side has alone.
func differences(got, want []string) string {
	var b strings.Builder
	for _, side := range []struct {
		name        string
		list, other []string
	}{{"reader", got, want}, {"SQL", want, got}} {
		n := 0
		for _, row := range side.list {
			if _, found := slices.BinarySearch(side.other, row); !found && n < 2 {
				fmt.Fprintf(&b, "\n%s alone has %s", side.name, row)
				n++
			}
		}
	}
	return b.String()
}

// sameSums compares a count and a sum; those of floats, in whatever order they are added.
func sameSums(got, want string) bool {
	a, b, ok := strings.Cut(want, " ~")
	if !ok {
		return got == want
	}
	n, sum, _ := strings.Cut(got, " ")
	x, err1 := strconv.ParseFloat(sum, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return n == a && err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*math.Abs(y)
}

func (f *foreignCase) script(args ...string) string {
	f.t.Helper()
	out, err := osexec.Command(f.python, append([]string{filepath.Join("docs", "format", "segments.py")}, args...)...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("segments.py %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// answers returns the rows of all tables, as segments.py prints them, and by column what SQL says of it.
func (f *foreignCase) answers(db *lamina.DB) (rows []string, sums map[string]string) {
	t := f.t
	t.Helper()
	sums = map[string]string{}
	for _, name := range f.tables {
		r, err := db.Query(t.Context(), "SELECT * FROM "+name)
		must(t, err)
		for r.Next() {
			cells := []string{"public." + name}
			for _, d := range r.Row() {
				cells = append(cells, physical(d))
			}
			rows = append(rows, strings.Join(cells, "\t"))
		}
		must(t, r.Close())
		for c, typ := range foreignTypes {
			if typ.sum == "" {
				continue
			}
			mark := ""
			if strings.HasPrefix(typ.name, "float") {
				mark = "~"
			}
			column := fmt.Sprintf("c%d", c)
			sum := fmt.Sprintf(typ.sum, column)
			if strings.HasPrefix(typ.name, "numeric") {
				sum = "trim_scale(" + sum + ")"
			}
			sums[fmt.Sprintf("public.%s.%d", name, c+2)] = text(t, db, fmt.Sprintf("SELECT count(%s) || ' %s' || coalesce(%s, 0) FROM %s", column, mark, sum, name))
		}
	}
	slices.Sort(rows)
	return rows, sums
}

// physical is a value as segments.py shows it.
func physical(d types.Datum) string {
	if !d.Valid {
		return `\N`
	}
	switch types.T(d.K).Class() {
	case types.ClassInt:
		return strconv.FormatInt(d.I, 10)
	case types.ClassFloat:
		return fmt.Sprintf("x%016x", uint64(d.I))
	case types.ClassNumeric:
		return types.T(types.Numeric).Text(d)
	case types.ClassInterval:
		months, days, micros := d.IntervalParts()
		b := make([]byte, 16)
		for i := range 8 {
			b[i] = byte(micros >> (8 * i))
		}
		for i := range 4 {
			b[8+i], b[12+i] = byte(months>>(8*i)), byte(days>>(8*i))
		}
		return "x" + hex.EncodeToString(b)
	}
	return "x" + hex.EncodeToString([]byte(d.S))
}
