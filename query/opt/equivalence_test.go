package opt_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/laminadb/lamina/query/bind/bindtest"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

const fuzzSchema = `
CREATE TABLE t (a int PRIMARY KEY, b int, c int NOT NULL, d text);
CREATE TABLE u (a int PRIMARY KEY, b int, c int NOT NULL, d text);
CREATE TABLE v (a int, b int, c int, d text, PRIMARY KEY (a, b));
CREATE TABLE w (a int, b int, c int, d text);
CREATE VIEW x AS SELECT a, b + c AS b, c, d FROM t WHERE b IS NULL OR c < 3;
`

// fuzzData makes small tables with few values, so that they match often, and NULLs.
func fuzzData(rnd *rand.Rand) data {
	d := data{}
	value := func(nullable bool) types.Datum {
		if nullable && rnd.IntN(4) == 0 {
			return types.NullOf(types.Int4)
		}
		return types.NewInt(types.Int4, int64(rnd.IntN(5)))
	}
	text := func() types.Datum {
		if rnd.IntN(4) == 0 {
			return types.NullOf(types.Text)
		}
		return types.NewString(types.Text, string(rune('p'+rnd.IntN(4))))
	}
	for _, name := range []string{"t", "u", "v", "w"} {
		seen := map[string]bool{}
		for i := range rnd.IntN(7) {
			row := types.Row{value(false), value(true), value(name == "w" || name == "v"), text()}
			switch name {
			case "t", "u":
				row[0] = types.NewInt(types.Int4, int64(i))
			case "v":
				row[1] = value(false)
				k := fmt.Sprint(row[0].I, row[1].I)
				if seen[k] {
					continue
				}
				seen[k] = true
			case "w":
				row[0] = value(true)
			}
			d[name] = append(d[name], row)
		}
	}
	return d
}

// queryGen writes random queries.
type queryGen struct {
	rnd   *rand.Rand
	depth int
	alias int
	// scope are the aliases in sight, innermost last; outer ones too.
	scope []string
}

func (g *queryGen) pick(list ...string) string { return list[g.rnd.IntN(len(list))] }

func (g *queryGen) newAlias() string {
	g.alias++
	return fmt.Sprintf("q%d", g.alias)
}

// column is a column of a table in sight, mostly of the innermost query.
func (g *queryGen) column(inner int) string {
	i := g.rnd.IntN(len(g.scope))
	if inner > 0 && g.rnd.IntN(3) > 0 {
		i = len(g.scope) - 1 - g.rnd.IntN(inner)
	}
	return g.scope[i] + "." + g.pick("a", "b", "c")
}

func (g *queryGen) scalar(inner int) string {
	switch n := g.rnd.IntN(12); {
	case n < 6:
		return g.column(inner)
	case n < 8:
		return fmt.Sprint(g.rnd.IntN(5))
	case n == 8:
		return g.column(inner) + g.pick(" + ", " - ", " * ") + g.column(inner)
	case n == 9:
		return "coalesce(" + g.column(inner) + ", " + g.column(inner) + ")"
	case n == 10 && g.depth < 3:
		return g.scalarSubquery()
	}
	return "CASE WHEN " + g.cond(inner) + " THEN " + g.column(inner) + " ELSE " + g.column(inner) + " END"
}

func (g *queryGen) scalarSubquery() string {
	switch g.rnd.IntN(5) {
	case 0:
		return "(" + g.query("max(%s)", false) + ")"
	case 1:
		return "(" + g.query("sum(%s)", false) + ")"
	case 2:
		return "(" + g.query("count(%s) + 1", false) + ")"
	case 3:
		return "(" + g.query("count(*)", false) + ")"
	}
	return "(" + g.query("%s", true) + " LIMIT 1)"
}

func (g *queryGen) cond(inner int) string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 4 {
		return g.column(inner) + " = " + g.column(inner)
	}
	switch n := g.rnd.IntN(20); {
	case n < 6:
		return g.scalar(inner) + g.pick(" = ", " = ", " < ", " <= ", " > ", " <> ") + g.scalar(inner)
	case n == 6:
		return g.column(inner) + g.pick(" IS NULL", " IS NOT NULL")
	case n == 7:
		return g.column(inner) + g.pick(" IN ", " NOT IN ") + "(1, 2, 3)"
	case n == 8:
		return "(" + g.cond(inner) + " OR " + g.cond(inner) + ")"
	case n == 9:
		return "(" + g.cond(inner) + " AND " + g.cond(inner) + ")"
	case n == 10:
		return "NOT (" + g.cond(inner) + ")"
	case n == 11:
		return g.column(inner) + " IS NOT DISTINCT FROM " + g.column(inner)
	case n == 12:
		return "(" + g.cond(inner) + ") IS " + g.pick("TRUE", "NOT FALSE", "UNKNOWN")
	case n < 15 && g.depth < 4:
		return g.pick("EXISTS", "NOT EXISTS") + " (" + g.query("%s", false) + ")"
	case n < 17 && g.depth < 4:
		return g.scalar(inner) + g.pick(" IN ", " NOT IN ") + "(" + g.query("%s", false) + ")"
	case n == 17 && g.depth < 4:
		return g.column(inner) + g.pick(" < ALL ", " = ALL ", " > ANY ", " <> ANY ") + "(" + g.query("%s", false) + ")"
	case n == 18:
		return g.column(inner) + " BETWEEN 1 AND 3"
	}
	return g.column(inner) + " = " + g.column(inner)
}

// from writes a FROM list and puts its aliases in scope; it returns how many.
func (g *queryGen) from() (string, int) {
	n := 1 + g.rnd.IntN(3)
	var sb strings.Builder
	for i := range n {
		item, alias := g.item()
		if i == 0 {
			sb.WriteString(item)
			g.scope = append(g.scope, alias)
			continue
		}
		join := g.pick(", ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ")
		g.scope = append(g.scope, alias)
		sb.WriteString(join + item)
		switch join {
		case ", ":
			// A comma ends the chain of joins before it.
		case " FULL JOIN ":
			sb.WriteString(" ON " + alias + ".a = " + g.scope[len(g.scope)-2] + "." + g.pick("a", "b"))
		default:
			// ON sees the items of this chain only; the last two always belong to it.
			l := g.scope[len(g.scope)-2]
			sb.WriteString(fmt.Sprintf(" ON %s.%s %s %s.%s", alias, g.pick("a", "b", "c"), g.pick("=", "=", "=", "<"), l,
				g.pick("a", "b", "c")))
			if g.rnd.IntN(3) == 0 {
				sb.WriteString(fmt.Sprintf(" AND %s.%s > %d", g.pick(alias, l), g.pick("a", "b"), g.rnd.IntN(4)))
			}
		}
	}
	return sb.String(), n
}

func (g *queryGen) item() (text, alias string) {
	alias = g.newAlias()
	if g.depth < 3 && g.rnd.IntN(6) == 0 {
		g.depth++
		defer func() { g.depth-- }()
		saved := g.scope
		g.scope = nil
		defer func() { g.scope = saved }()
		from, n := g.from()
		c := func() string { return g.column(n) }
		switch g.rnd.IntN(3) {
		case 0:
			return fmt.Sprintf("(SELECT %s AS a, %s AS b, %s AS c FROM %s WHERE %s) %s", c(), c(), c(), from, g.cond(n), alias), alias
		case 1:
			k := c()
			return fmt.Sprintf("(SELECT %s AS a, count(*)::int AS b, max(%s) AS c FROM %s GROUP BY %s) %s", k, c(), from, k, alias), alias
		}
		return fmt.Sprintf("(SELECT %s AS a, %s AS b, 1 AS c FROM %s UNION %s SELECT a, b, c FROM %s) %s", c(), c(), from,
			g.pick("", "ALL"), g.pick("t", "w"), alias), alias
	}
	return g.pick("t", "u", "v", "w", "w", "x") + " " + alias, alias
}

// query writes a query of one column, of the form given; %s stands for an expression.
func (g *queryGen) query(form string, ordered bool) string {
	g.depth++
	defer func() { g.depth-- }()
	mark := len(g.scope)
	saved := slices.Clone(g.scope)
	defer func() { g.scope = saved }()
	from, n := g.from()
	col := g.column(n)
	target := form
	if strings.Contains(form, "%s") {
		target = fmt.Sprintf(form, col)
	}
	s := "SELECT " + target + " FROM " + from
	if g.rnd.IntN(5) > 0 {
		s += " WHERE " + g.cond(n)
		if mark > 0 && g.rnd.IntN(2) == 0 {
			s += " AND " + g.scope[mark] + "." + g.pick("a", "b") + g.pick(" = ", " = ", " < ") + g.scope[g.rnd.IntN(mark)] + ".a"
		}
	}
	if ordered {
		// A complete order, so that LIMIT is deterministic.
		s += " ORDER BY 1"
	} else if form == "%s" && g.rnd.IntN(6) == 0 {
		s += " GROUP BY " + col
		if g.rnd.IntN(2) == 0 {
			s += " HAVING count(*) > 1"
		}
	}
	return s
}

// statement writes a whole query.
func (g *queryGen) statement() string {
	from, n := g.from()
	switch g.rnd.IntN(7) {
	case 6:
		k := g.scope[len(g.scope)-1-g.rnd.IntN(n)]
		return fmt.Sprintf("SELECT %[1]s.a, %[1]s.b, %[1]s.c, count(*) FROM %[2]s WHERE %[3]s GROUP BY %[1]s.a, %[1]s.b, %[1]s.c",
			k, from, g.cond(n))
	case 0:
		k := g.column(n)
		return fmt.Sprintf("SELECT %s, count(*), sum(%s), min(%s), count(DISTINCT %s) FROM %s WHERE %s GROUP BY %s HAVING %s",
			k, g.column(n), g.column(n), g.column(n), from, g.cond(n), k, g.pick("count(*) > 1", k+" < 3", k+" IS NULL OR "+k+" > 1"))
	case 1:
		return fmt.Sprintf("SELECT DISTINCT %s, %s FROM %s WHERE %s", g.scalar(n), g.column(n), from, g.cond(n))
	case 2:
		return fmt.Sprintf("SELECT %s AS s, %s AS r FROM %s %s SELECT a, b FROM %s", g.column(n), g.column(n), from,
			g.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"), g.pick("t", "w"))
	case 3:
		return fmt.Sprintf("SELECT * FROM (SELECT %s AS s, %s AS r FROM %s) o WHERE s > 1 AND r IS NOT NULL", g.scalar(n), g.scalar(n), from)
	}
	return fmt.Sprintf("SELECT %s, %s, %s FROM %s WHERE %s", g.scalar(n), g.column(n), g.scalar(n), from, g.cond(n))
}

func sortedRows(rows []types.Row, cols []plan.OutColumn) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		parts := make([]string, len(r))
		for j, d := range r {
			parts[j] = canonical(d, cols[j].Type)
		}
		lines[i] = strings.Join(parts, ",")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// equivalent compares a query's bound plan with its optimized one over some data. It returns whether the
// query ran, and the optimizer's refusals.
func equivalent(t *testing.T, e *env, d data, text string, o opt.Options) (ran bool) {
	t.Helper()
	s, err := e.bindOne(text)
	if c := sqlerr.CodeOf(err); c == sqlerr.FeatureNotSupported || c == sqlerr.GroupingError {
		return false // of a sum that belongs to a query around it
	}
	if err != nil {
		t.Fatalf("%s\n%s", text, formatError(err))
	}
	o.Stats = e.statsOf
	q, err := opt.Optimize(s, o)
	if err != nil {
		if sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
			t.Fatalf("%s\n%s", text, formatError(err))
		}
		return false
	}
	want, err := runRel(d, s)
	if err != nil {
		return false // what fails may fail elsewhere, or not at all
	}
	got, err := runNode(d, q)
	if err != nil {
		t.Fatalf("%s\n%v\n%s", text, err, plan.FormatQuery(q, plan.FormatOptions{}))
	}
	if g, w := sortedRows(got, q.Root.Columns()), sortedRows(want, q.Root.Columns()); g != w {
		t.Fatalf("%s\noptions: %v, late %v, share always %v\ndata: %v\ngot:\n%s\nwant:\n%s\nplan:\n%s\nbound:\n%s", text, o.Disabled, o.Late, o.ShareAlways, printData(d), g, w,
			plan.FormatQuery(q, plan.FormatOptions{}), plan.FormatRel(s.Root))
	}
	return true
}

func printData(d data) string {
	var sb strings.Builder
	for _, name := range []string{"t", "u", "v", "w"} {
		fmt.Fprintf(&sb, "\n%s:", name)
		for _, r := range d[name] {
			sb.WriteString(" (")
			for i, v := range r {
				if i > 0 {
					sb.WriteString(",")
				}
				sb.WriteString(canonical(v, types.T(v.K)))
			}
			sb.WriteString(")")
		}
	}
	return sb.String()
}

func fuzzEnv(t testing.TB, rnd *rand.Rand) *env {
	e := &env{schema: bindtest.New(), stats: map[string]*table.Stats{}}
	if err := e.schema.Exec(fuzzSchema); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"t", "u", "v", "w"} {
		e.stats[n] = &table.Stats{Rows: float64(int(1) << rnd.IntN(20))}
	}
	return e
}

// TestRandomQueries compares optimized plans of random queries with their definition, with all rules and
// with each rule off.
func TestRandomQueries(t *testing.T) {
	queries := 1500
	if s := os.Getenv("RANDOM_QUERIES"); s != "" {
		queries, _ = strconv.Atoi(s)
	}
	if testing.Short() {
		queries = 300
	}
	ran, applied := 0, 0
	names := opt.RuleNames()
	for seed := range uint64(queries) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		e := fuzzEnv(t, rnd)
		g := &queryGen{rnd: rnd}
		text := g.statement()
		for range 2 {
			d := fuzzData(rnd)
			if equivalent(t, e, d, text, opt.Options{}) {
				ran++
			}
			off := map[string]bool{names[rnd.IntN(len(names))]: true}
			equivalent(t, e, d, text, opt.Options{Disabled: off, ShareAlways: rnd.IntN(2) == 0})
			equivalent(t, e, d, text, opt.Options{Late: opt.LateAlways, ShareAlways: rnd.IntN(2) == 0})
			if equivalent(t, e, d, text, opt.Options{Disabled: map[string]bool{opt.RuleUnnest: true}, ShareAlways: true}) {
				applied++
			}
		}
	}
	t.Logf("%d of %d executions were compared, %d with Apply alone", ran, 2*queries, applied)
	if min(ran, applied) < queries {
		t.Fatalf("only %d of %d executions were compared", ran, 2*queries)
	}
}
