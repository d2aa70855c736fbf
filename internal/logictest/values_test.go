package logictest_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/logictest"
	"github.com/laminadb/lamina/sqlerr"
)

// valuesFolder holds, for each expression, arguments and PostgreSQL's answers:
//
//	zone Europe/Berlin
//	= int4,int4 $1 / $2
//	7	2	int4 3
//	1	0	!22012 division by zero
//
// A line after the = has the texts of the arguments, and the answer: type and text, or code and message of the error.
const valuesFolder = "../../testdata/values"

// Minima of the values: those that answer, those that fail, and rows that a query computed many of at once.
const (
	valuesMin     = 6000
	valueErrsMin  = 1500
	valueBatchMin = 6000
)

var (
	escapeField   = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	unescapeField = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r")
)

func formatValues(groups []valueGroup) string {
	var b strings.Builder
	zone := ""
	for _, g := range groups {
		if g.zone != zone {
			zone = g.zone
			fmt.Fprintf(&b, "zone %s\n", zone)
		}
		fmt.Fprintf(&b, "= %s\t%s\n", strings.Join(g.types, "|"), g.expr)
		for _, c := range g.cases {
			for _, a := range c.args {
				b.WriteString(escapeField.Replace(a) + "\t")
			}
			b.WriteString(escapeField.Replace(c.want) + "\n")
		}
	}
	return b.String()
}

func parseValues(t *testing.T, text string) (groups []valueGroup) {
	t.Helper()
	zone := ""
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if z, ok := strings.CutPrefix(line, "zone "); ok {
			zone = z
			continue
		}
		if head, ok := strings.CutPrefix(line, "= "); ok {
			list, e, _ := strings.Cut(head, "\t")
			g := valueGroup{zone: zone, expr: e}
			if list != "" {
				g.types = strings.Split(list, "|")
			}
			groups = append(groups, g)
			continue
		}
		g := &groups[len(groups)-1]
		f := strings.Split(line, "\t")
		if len(f) != len(g.types)+1 {
			t.Fatalf("%d fields: %s", len(f), line)
		}
		for i := range f {
			f[i] = unescapeField.Replace(f[i])
		}
		g.cases = append(g.cases, valueCase{f[:len(f)-1], f[len(f)-1]})
	}
	return groups
}

// literal writes a text as a value of a type.
func literal(text, typ string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'::" + typ }

// constant is a query of one case, all constant.
func (g *valueGroup) constant(c *valueCase) string {
	e := g.expr
	for i := len(g.types) - 1; i >= 0; i-- {
		e = strings.ReplaceAll(e, "$"+strconv.Itoa(i+1), "("+strings.ReplaceAll(literal(c.args[i], g.types[i]), "$", "\x00")+")")
	}
	return "SELECT " + strings.ReplaceAll(e, "\x00", "$")
}

// batch is a query of cases as rows.
func (g *valueGroup) batch(cases []valueCase) string {
	e := g.expr
	names := []string{"k"}
	for i := len(g.types) - 1; i >= 0; i-- {
		e = strings.ReplaceAll(e, "$"+strconv.Itoa(i+1), "a"+strconv.Itoa(i+1))
	}
	for i := range g.types {
		names = append(names, "a"+strconv.Itoa(i+1))
	}
	var rows []string
	for k, c := range cases {
		row := []string{strconv.Itoa(k)}
		for i, a := range c.args {
			row = append(row, literal(a, g.types[i]))
		}
		rows = append(rows, "("+strings.Join(row, ", ")+")")
	}
	return fmt.Sprintf("SELECT %s FROM (VALUES %s) v(%s) ORDER BY k", e, strings.Join(rows, ", "), strings.Join(names, ", "))
}

// answerOf is the answer's spelling in the files: of a query of one value.
func answerOf(o *logictest.Outcome) string {
	if o.Err != nil {
		return "!" + o.Err.Code + " " + o.Err.Message
	}
	if len(o.Rows) != 1 {
		return fmt.Sprintf("%d rows", len(o.Rows))
	}
	return o.Types[0] + " " + cell(o.Rows[0][0])
}

func cell(v logictest.Value) string {
	if !v.Valid {
		return "NULL"
	}
	if v.Text == "NULL" {
		return `"NULL"`
	}
	return v.Text
}

// sameAnswer compares answers; floats of functions that a mathematical library computes may differ in the last bits.
func sameAnswer(g *valueGroup, got, want string) bool {
	if got == want {
		return true
	}
	a, okA := strings.CutPrefix(got, "float8 ")
	b, okB := strings.CutPrefix(want, "float8 ")
	if !okA || !okB || !libraryFunction(g.expr) {
		return false
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= 1e-14*math.Abs(y)
}

func libraryFunction(e string) bool {
	name, _, ok := strings.Cut(e, "(")
	switch name {
	case "sin", "cos", "tan", "cot", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "ln", "log", "log10",
		"cbrt", "sind", "cosd", "tand", "cotd", "asind", "acosd", "atand", "atan2d", "erf", "erfc", "gamma", "lgamma", "power", "pow":
		return ok
	}
	return strings.HasPrefix(e, "||/") || strings.Contains(e, "^")
}

// runValues asks a connection for the answers of the groups.
type valueRunner struct {
	t    *testing.T
	conn logictest.Conn
	zone string
}

func (r *valueRunner) run(sql string) *logictest.Outcome {
	o, err := r.conn.Run(r.t.Context(), sql, &logictest.Record{})
	if err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return o
}

func (r *valueRunner) enter(g *valueGroup) {
	if g.zone != r.zone {
		r.zone = g.zone
		if o := r.run("SET TimeZone = '" + g.zone + "'"); o.Err != nil {
			r.t.Fatal(o.Err)
		}
	}
}

// valueTotals are what was compared.
type valueTotals struct{ values, errors, batched, differ int }

// compare runs a group on Lamina: case by case, and those that succeed together.
func (r *valueRunner) compare(g *valueGroup, sum *valueTotals) {
	r.enter(g)
	var good []valueCase
	for i := range g.cases {
		c := &g.cases[i]
		if strings.HasPrefix(c.want, "!") {
			sum.errors++
		} else {
			sum.values++
		}
		if got := answerOf(r.run(g.constant(c))); !sameAnswer(g, got, c.want) {
			sum.differ++
			r.t.Errorf("%s: %s\n\tgot  %s\n\twant %s", g.zone, g.constant(c), got, c.want)
		} else if !strings.HasPrefix(c.want, "!") {
			good = append(good, *c)
		}
	}
	if len(good) > 0 && len(g.types) > 0 {
		r.compareBatch(g, good, sum)
	}
}

func (r *valueRunner) compareBatch(g *valueGroup, cases []valueCase, sum *valueTotals) {
	o := r.run(g.batch(cases))
	if o.Err != nil || len(o.Rows) != len(cases) {
		sum.differ++
		r.t.Errorf("%s: as rows: %v, %d rows", g.expr, o.Err, len(o.Rows))
		return
	}
	for i, c := range cases {
		sum.batched++
		if got := o.Types[0] + " " + cell(o.Rows[i][0]); !sameAnswer(g, got, c.want) {
			sum.differ++
			r.t.Errorf("%s: as rows: %s\n\tgot  %s\n\twant %s", g.zone, g.constant(&c), got, c.want)
		}
	}
}

// laminaValues opens a database in memory.
func laminaValues(t *testing.T) *valueRunner {
	t.Helper()
	var n int
	c := logictest.Pairwise()[0]
	c.Tier, c.Forms, c.VectorRows = "memory", true, 3
	db, err := logictest.OpenLamina(c, 1, &n, &n)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &valueRunner{t: t, conn: conn}
}

// TestValues compares operators, functions, casts and the input of types with PostgreSQL's answers.
func TestValues(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(valuesFolder, "*.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var sum valueTotals
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".tsv"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			groups := parseValues(t, string(text))
			r := laminaValues(t)
			for i := range groups {
				r.compare(&groups[i], &sum)
			}
		})
	}
	t.Logf("%d values, %d errors, %d in batches, %d differ", sum.values, sum.errors, sum.batched, sum.differ)
	if !partial() && (sum.values < valuesMin || sum.errors < valueErrsMin || sum.batched < valueBatchMin) {
		t.Errorf("less than %d values, %d errors, %d in batches", valuesMin, valueErrsMin, valueBatchMin)
	}
}

// valuesOracle makes new random values and compares with a PostgreSQL server; -rewrite keeps them in the files.
func valuesOracle(t *testing.T) {
	pg, err := logictest.OpenPostgres(t.Context(), *oracle)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close() //nolint:errcheck // the process ends
	pg.Database = "lamina_values"
	db, err := pg.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the process ends
	files := generateValues(*seed)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	var sum valueTotals
	refused := 0
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			groups := files[name]
			server, ours := &valueRunner{t: t, conn: conn}, laminaValues(t)
			for i := range groups {
				refused += server.answer(&groups[i], ours)
				if !*rewrite {
					ours.compare(&groups[i], &sum)
				}
			}
			if *rewrite {
				if err := os.WriteFile(filepath.Join(valuesFolder, name+".tsv"), []byte(formatValues(groups)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	t.Logf("%d values, %d errors, %d in batches, %d differ, %d left out", sum.values, sum.errors, sum.batched, sum.differ, refused)
}

// answer fills in what the server says. It leaves out cases that Lamina says it does not support.
func (r *valueRunner) answer(g *valueGroup, ours *valueRunner) (refused int) {
	r.enter(g)
	ours.enter(g)
	g.cases = slices.DeleteFunc(g.cases, func(c valueCase) bool {
		o := ours.run(g.constant(&c))
		if o.Err != nil && o.Err.Code == string(sqlerr.FeatureNotSupported) {
			refused++
			return true
		}
		return false
	})
	for i := range g.cases {
		g.cases[i].want = answerOf(r.run(g.constant(&g.cases[i])))
	}
	return refused
}
