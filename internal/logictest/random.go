package logictest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generator writes random tables and queries over them, with NULLs and the ends of the types' ranges.
type Generator struct {
	rnd   *rand.Rand
	depth int
}

// NewGenerator returns a generator; the same seed writes the same.
func NewGenerator(seed uint64) *Generator { return &Generator{rnd: rand.New(rand.NewPCG(seed, 3))} }

// columns are those of every table: a name, a type, and values.
var columns = []struct {
	name, typ string
	values    []string
}{
	{"i", "int", []string{"0", "1", "2", "3", "-1", "2147483647", "-2147483648"}},
	{"b", "bigint", []string{"0", "1", "2", "9223372036854775807", "-9223372036854775808", "4294967296"}},
	{"n", "numeric", []string{"0", "1.0", "1.00", "2.5", "-0.01", "99999999999999999999.5", "'NaN'"}},
	{"f", "float8", []string{"0", "'-0'", "1", "2.5", "'NaN'", "'Infinity'", "1e308"}},
	{"s", "text", []string{"''", "'a'", "'b'", "'ab'", "'a%'", "'ä'", "'a long text that does not stand in a view'"}},
	{"c", "char(4)", []string{"''", "'a'", "'b'", "'ab'"}},
	{"d", "date", []string{"'2024-02-29'", "'1970-01-01'", "'infinity'", "'-infinity'", "'2024-03-01'"}},
	{"p", "bool", []string{"true", "false"}},
}

// tables are the names of the tables.
var tables = []string{"t", "u", "v"}

// Below returns a number from 0 to n-1.
func (g *Generator) Below(n int) int { return g.rnd.IntN(n) }

func (g *Generator) pick(list ...string) string { return list[g.rnd.IntN(len(list))] }

// Tables returns statements that make the tables and fill them: one has a primary key, one may be empty.
func (g *Generator) Tables() []string {
	var list []string
	for _, t := range tables {
		defs := []string{"id int NOT NULL"}
		for _, c := range columns {
			defs = append(defs, c.name+" "+c.typ)
		}
		if t == "t" {
			defs[0] = "id int PRIMARY KEY"
		}
		list = append(list, fmt.Sprintf("CREATE TABLE %s (%s)", t, strings.Join(defs, ", ")))
		rows := make([]string, g.rnd.IntN(25))
		for i := range rows {
			row := []string{fmt.Sprint(i)}
			for _, c := range columns {
				v := "NULL"
				if g.rnd.IntN(4) > 0 {
					v = g.pick(c.values...)
				}
				row = append(row, v)
			}
			rows[i] = "(" + strings.Join(row, ", ") + ")"
		}
		if len(rows) > 0 {
			list = append(list, "INSERT INTO "+t+" VALUES "+strings.Join(rows, ", "))
		}
	}
	return append(list, g.referring()...)
}

// From returns a FROM list over x and y (or x alone), and the names of its items.
func (g *Generator) From() (from string, items []string) {
	a, b := g.pick(tables...), g.pick(tables...)
	both := []string{"x", "y"}
	switch g.rnd.IntN(6) {
	case 0, 1:
		return a + " x", both[:1]
	case 2:
		return a + " x, " + b + " y", both
	default:
		kind := g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
		on := g.equality()
		if kind == "FULL JOIN" { // PostgreSQL wants a condition it can hash
			return fmt.Sprintf("%s x %s %s y ON %s", a, kind, b, on), both
		}
		if g.rnd.IntN(3) == 0 {
			on += " AND " + g.Predicate(both)
		}
		return fmt.Sprintf("%s x %s %s y ON %s", a, kind, b, on), both
	}
}

func (g *Generator) equality() string {
	c := columns[g.rnd.IntN(len(columns))].name
	if g.rnd.IntN(3) == 0 {
		return "x.id = y.id"
	}
	return fmt.Sprintf("x.%s = y.%s", c, c)
}

// Predicate returns a condition over the items. Most never fail.
func (g *Generator) Predicate(items []string) string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth < 4 {
		switch g.rnd.IntN(9) {
		case 0, 1:
			return "(" + g.Predicate(items) + " AND " + g.Predicate(items) + ")"
		case 2, 3:
			return "(" + g.Predicate(items) + " OR " + g.Predicate(items) + ")"
		case 4:
			return "NOT " + g.Predicate(items)
		case 5:
			return "(" + g.Predicate(items) + ") IS " + g.pick("TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN")
		}
	}
	return g.comparison(items)
}

func (g *Generator) comparison(items []string) string {
	it := items[g.rnd.IntN(len(items))]
	k := g.rnd.IntN(len(columns))
	c := columns[k]
	col, other := it+"."+c.name, items[g.rnd.IntN(len(items))]+"."+c.name
	op := g.pick("=", "<>", "<", "<=", ">", ">=")
	value := func() string {
		return "(" + g.pick(append(c.values[:len(c.values):len(c.values)], "NULL")...) + ")::" + c.typ
	}
	switch g.rnd.IntN(14) {
	case 0, 1, 2:
		return col + " " + op + " " + value()
	case 3:
		return col + " " + op + " " + other
	case 4:
		return col + g.pick(" IS NULL", " IS NOT NULL")
	case 5:
		return fmt.Sprintf("%s %s (%s, %s)", col, g.pick("IN", "NOT IN"), value(), value())
	case 6:
		return fmt.Sprintf("%s %s %s AND %s", col, g.pick("BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC"), value(), value())
	case 7:
		return fmt.Sprintf("%s IS %sDISTINCT FROM %s", col, g.pick("", "NOT "), g.pick(other, value()))
	case 8:
		return it + ".s" + g.pick(" LIKE ", " NOT LIKE ", " ILIKE ") + g.pick("'a%'", "'%b'", "'_'", "'%long%'", "'a\\%'", "''", "'Ä'")
	case 9:
		return fmt.Sprintf("coalesce(%s, %s) %s %s", col, value(), op, other)
	case 10:
		return fmt.Sprintf("CASE WHEN %s.p THEN %s %s %s ELSE %s IS NULL END", it, col, op, value(), other)
	case 11:
		return it + ".p"
	case 12:
		return g.subquery(it, c.name, op)
	}
	return fmt.Sprintf("%s.i %s %s.b / 2", it, op, it)
}

func (g *Generator) subquery(it, col, op string) string {
	if g.depth > 3 {
		return it + "." + col + " IS NULL"
	}
	t := g.pick(tables...)
	where := ""
	if g.rnd.IntN(2) == 0 {
		where = " WHERE " + g.Predicate([]string{"z"})
	}
	corr := " WHERE z." + col + " " + op + " " + it + "." + col
	if where != "" {
		corr += " AND " + strings.TrimPrefix(where, " WHERE ")
	}
	switch g.rnd.IntN(5) {
	case 0:
		return fmt.Sprintf("%s.%s %s (SELECT z.%s FROM %s z%s)", it, col, g.pick("IN", "NOT IN"), col, t, where)
	case 1:
		return fmt.Sprintf("%s (SELECT 1 FROM %s z%s)", g.pick("EXISTS", "NOT EXISTS"), t, corr)
	case 2:
		return fmt.Sprintf("%s.%s %s %s (SELECT z.%s FROM %s z%s)", it, col, op, g.pick("ANY", "ALL"), col, t, where)
	case 3:
		return fmt.Sprintf("(SELECT count(*) FROM %s z%s) %s %s.id", t, corr, op, it)
	}
	return fmt.Sprintf("%s.id %s (SELECT max(z.id) FROM %s z%s)", it, op, t, corr)
}

// Columns returns a select list over the items.
func (g *Generator) Columns(items []string) string {
	var list []string
	for _, it := range items {
		list = append(list, it+".id", it+"."+columns[g.rnd.IntN(len(columns))].name)
	}
	return strings.Join(list, ", ")
}

// Grouped returns a query with a condition that groups or orders what it finds, with the only right order if it has a LIMIT.
func (g *Generator) Grouped(from string, items []string, where string) string {
	it := items[len(items)-1]
	k, m := columns[g.rnd.IntN(len(columns))].name, columns[g.rnd.IntN(len(columns))].name
	if m == "p" {
		m = "id"
	}
	switch g.rnd.IntN(6) {
	case 0:
		return fmt.Sprintf("SELECT DISTINCT %s.i, %s.p FROM %s WHERE %s", it, it, from, where)
	case 1:
		return fmt.Sprintf("SELECT %s.p, count(*), count(%s.%s), sum(%s.i), count(DISTINCT %s.%s) FROM %s WHERE %s GROUP BY %s.p",
			it, it, m, it, it, k, from, where, it)
	case 2:
		return fmt.Sprintf("SELECT %s.i, %s.d, count(*) FROM %s WHERE %s GROUP BY %s.i, %s.d HAVING count(*) > 1", it, it, from, where, it, it)
	case 3:
		return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT 7 OFFSET 1", strings.Join(ids(items), ", "), from, where, strings.Join(ids(items), ", "))
	}
	if g.rnd.IntN(2) == 0 {
		return g.groupingSets(from, it, m, where)
	}
	return fmt.Sprintf("SELECT %s.i FROM %s WHERE %s %s SELECT z.i FROM %s z", it, from, where,
		g.pick("UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"), g.pick(tables...))
}

// groupingSets returns a query that groups by several sets of keys.
func (g *Generator) groupingSets(from, it, m, where string) string {
	a, b := it+"."+g.pick("p", "i", "d"), it+"."+g.pick("b", "s", "c")
	sets := g.pick("ROLLUP (%[1]s, %[2]s)", "CUBE (%[1]s, %[2]s)", "GROUPING SETS (%[1]s, %[2]s)", "GROUPING SETS ((%[1]s, %[2]s), %[2]s, ())",
		"%[1]s, ROLLUP (%[2]s)", "GROUPING SETS ((), (), %[1]s), (%[2]s)", "DISTINCT ROLLUP (%[1]s), CUBE (%[2]s, %[1]s)")
	having := g.pick("", "", " HAVING count(*) > 1", " HAVING grouping(%[1]s) = 1 OR %[1]s IS NOT NULL")
	return fmt.Sprintf("SELECT %[1]s, %[2]s, count(*), count(%[3]s.%[4]s), sum(%[3]s.i), max(%[3]s.id), count(DISTINCT %[3]s.%[4]s) FILTER (WHERE %[3]s.i > 0), "+
		"grouping(%[1]s, %[2]s) FROM %[5]s WHERE %[6]s GROUP BY "+sets+having, a, b, it, m, from, where)
}

func ids(items []string) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it + ".id"
	}
	return out
}
