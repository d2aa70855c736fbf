package logictest

import (
	"fmt"
	"regexp"
	"strings"
)

// exact are the columns whose equal values are identical, so that it does not matter which of them a query shows.
var exact = []string{"i", "b", "s", "c", "d", "p"}

// Form returns a query of one of the rarer forms, with only one right answer whatever the order of the rows.
func (g *Generator) Form() string {
	forms := []func(a, b string) string{
		g.lateral, g.outerOn, g.scalarList, g.window, g.ordered, g.recursive, g.distinctOn, g.nested, g.limited, g.distinctOf,
		g.series, g.rows, g.casting, g.combined, g.shared,
	}
	return forms[g.rnd.IntN(len(forms))](g.pick(tables...), g.pick(tables...))
}

// ties is a condition that makes a subquery over z depend on x.
func (g *Generator) ties() string {
	c := columns[g.rnd.IntN(len(columns))].name
	switch g.rnd.IntN(4) {
	case 0:
		return "z.id " + g.pick("<", "<=", ">", "<>") + " x.id"
	case 1:
		return fmt.Sprintf("(z.%s = x.%s OR z.id = x.id)", c, c)
	}
	return fmt.Sprintf("z.%s %s x.%s", c, g.pick("=", "=", "=", "<=", "IS NOT DISTINCT FROM"), c)
}

// first are the first rows of something ordered.
func (g *Generator) first() string {
	return "LIMIT " + g.pick("1", "1", "2", "3") + g.pick("", "", " OFFSET 1", " OFFSET 2")
}

func (g *Generator) exact() string { return g.pick(exact...) }

// lateral joins each row with the first rows of a query about it.
func (g *Generator) lateral(a, b string) string {
	c := g.exact()
	on := g.pick("true", "true", "l.zid > x.id", "l.v IS NOT NULL", g.Predicate([]string{"x"}))
	return fmt.Sprintf("SELECT x.id, l.zid, l.v FROM %s x %s JOIN LATERAL (SELECT z.id AS zid, z.%s AS v FROM %s z WHERE %s ORDER BY z.id%s %s) l ON %s",
		a, g.pick("LEFT", "INNER"), c, b, g.ties(), g.pick("", " DESC"), g.first(), on)
}

// outerOn has a subquery in the condition of an outer join.
func (g *Generator) outerOn(a, b string) string {
	t := g.pick(tables...)
	sub := g.pick(
		fmt.Sprintf("EXISTS (SELECT 1 FROM %s z WHERE %s AND z.id >= y.id)", t, g.ties()),
		fmt.Sprintf("y.id IN (SELECT z.id + 1 FROM %s z WHERE %s)", t, g.ties()),
		fmt.Sprintf("(SELECT count(*) FROM %s z WHERE %s) > y.id", t, g.ties()),
		fmt.Sprintf("x.id NOT IN (SELECT z.i FROM %s z WHERE z.id > y.id)", t),
	)
	if g.rnd.IntN(2) == 0 {
		sub += " AND " + g.equality()
	}
	return fmt.Sprintf("SELECT x.id, y.id FROM %s x %s JOIN %s y ON %s", a, g.pick("LEFT", "RIGHT", "INNER"), b, sub)
}

// scalarList has subqueries in the select list, in CASE and as arguments.
func (g *Generator) scalarList(a, b string) string {
	c := g.exact()
	one := func() string {
		return g.pick(
			fmt.Sprintf("(SELECT z.%s FROM %s z WHERE %s ORDER BY z.id %s)", c, b, g.ties(), g.pick("LIMIT 1", "DESC LIMIT 1", "LIMIT 1 OFFSET 1")),
			fmt.Sprintf("(SELECT count(*) FROM %s z WHERE %s)", b, g.ties()),
			fmt.Sprintf("(SELECT count(z.%s) + x.id FROM %s z WHERE %s)", c, b, g.ties()),
			fmt.Sprintf("(SELECT sum(z.i::bigint) FROM %s z WHERE %s HAVING count(*) > 1)", b, g.ties()),
			fmt.Sprintf("EXISTS (SELECT 1 FROM %s z WHERE %s OFFSET %s)", b, g.ties(), g.pick("0", "1", "2")),
			fmt.Sprintf("x.%s %s (SELECT z.%s FROM %s z WHERE %s ORDER BY z.id LIMIT 3)", c, g.pick("IN", "NOT IN", "= ANY", "<> ALL"), c, b, g.ties()),
			fmt.Sprintf("(SELECT count(*) FROM (SELECT %sz.%s FROM %s z WHERE %s) q)", g.pick("", "DISTINCT "), c, b, g.ties()),
		)
	}
	return fmt.Sprintf("SELECT x.id, %s, CASE WHEN %s THEN (%s)::text ELSE (%s)::text END FROM %s x", one(), g.Predicate([]string{"x"}), one(), one(), a)
}

// window has window functions whose order leaves nothing open.
func (g *Generator) window(a, _ string) string {
	frame := g.pick("", "", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
		"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
		"ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW", "RANGE BETWEEN 2 PRECEDING AND 3 FOLLOWING")
	part := g.pick("", "PARTITION BY x.p ", "PARTITION BY x."+g.exact()+" ")
	return fmt.Sprintf("SELECT x.id, row_number() OVER w, rank() OVER (%sORDER BY x.%s), lag(x.%s) OVER w, sum(x.b) OVER w, count(x.%s) OVER w, "+
		"min(x.s) FILTER (WHERE x.p) OVER w FROM %s x WHERE %s WINDOW w AS (%sORDER BY x.id%s %s)",
		part, g.exact(), g.exact(), g.exact(), a, g.Predicate([]string{"x"}), part, g.pick("", " DESC"), frame)
}

// ordered has ordered and filtered aggregates.
func (g *Generator) ordered(a, _ string) string {
	return fmt.Sprintf("SELECT x.p, string_agg(x.s, ',' ORDER BY x.id), string_agg(x.c, ';' ORDER BY x.id DESC), count(DISTINCT x.%s) FILTER (WHERE %s), "+
		"max(x.d) FILTER (WHERE x.p) FROM %s x WHERE %s GROUP BY x.p", g.exact(), g.Predicate([]string{"x"}), a, g.Predicate([]string{"x"}))
}

// recursive follows rows from round to round.
func (g *Generator) recursive(a, b string) string {
	return fmt.Sprintf("WITH RECURSIVE r(n, d, v) AS (SELECT x.id, 0, x.%s FROM %s x WHERE %s UNION %s SELECT y.id, r.d + 1, r.v FROM r JOIN %s y ON y.id = r.n + 1 "+
		"WHERE r.d < 3) SELECT n, d, v FROM r", g.exact(), a, g.Predicate([]string{"x"}), g.pick("", "ALL"), b)
}

func (g *Generator) distinctOn(a, b string) string {
	c := g.exact()
	return fmt.Sprintf("SELECT DISTINCT ON (x.%s) x.%s, x.id, y.id FROM %s x JOIN %s y ON %s ORDER BY x.%s%s, x.id, y.id%s",
		c, c, a, b, g.equality(), c, g.pick("", " DESC"), g.pick("", " DESC"))
}

// nested is correlated over two levels.
func (g *Generator) nested(a, b string) string {
	t := g.pick(tables...)
	return fmt.Sprintf("SELECT x.id FROM %s x WHERE %s (SELECT 1 FROM %s z WHERE %s AND %s (SELECT 1 FROM %s w WHERE w.id %s x.id AND w.i %s z.i))",
		a, g.pick("EXISTS", "NOT EXISTS"), b, g.ties(), g.pick("EXISTS", "NOT EXISTS"), t, g.pick("=", "<", "<>"), g.pick("=", "<=", "<>"))
}

// limited filters the first rows, or takes the first of what is filtered.
func (g *Generator) limited(a, _ string) string {
	p := g.Predicate([]string{"x"})
	if g.rnd.IntN(2) == 0 {
		return fmt.Sprintf("SELECT x.id FROM (SELECT * FROM %s x ORDER BY id LIMIT 9) x WHERE %s", a, p)
	}
	return fmt.Sprintf("SELECT count(*) FROM (SELECT x.id FROM %s x WHERE %s LIMIT 4) q", a, p)
}

// distinctOf removes duplicates of few values.
func (g *Generator) distinctOf(a, b string) string {
	c, d := g.exact(), g.exact()
	return fmt.Sprintf("SELECT DISTINCT x.%s, y.%s FROM %s x, %s y WHERE x.%s IS NOT DISTINCT FROM y.%s AND %s", c, d, a, b, c, c, g.Predicate([]string{"y"}))
}

func (g *Generator) series(a, _ string) string {
	return fmt.Sprintf("SELECT x.id, q.k FROM %s x, generate_series(%s, x.id %% 4) q(k) WHERE %s", a, g.pick("0", "1", "x.id % 3"), g.Predicate([]string{"x"}))
}

// rows compares rows.
func (g *Generator) rows(a, b string) string {
	c, d := g.exact(), g.exact()
	return fmt.Sprintf("SELECT x.id FROM %s x WHERE (x.%s, x.%s) %s (SELECT z.%s, z.%s FROM %s z WHERE %s)", a, c, d, g.pick("IN", "NOT IN", "= ANY", "<> ALL"), c, d, b, g.ties())
}

// constructs are what the histogram of random queries counts.
var constructs = map[string]*regexp.Regexp{}

func init() {
	for _, w := range []string{
		"LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "INNER JOIN", "LATERAL", "NOT EXISTS", "EXISTS", "NOT IN \\(SELECT", "IN \\(SELECT", "ANY \\(SELECT",
		"ALL \\(SELECT", "CASE", "coalesce", "BETWEEN", "LIKE", "IS NOT DISTINCT FROM", "IS DISTINCT FROM", "GROUP BY", "HAVING", "SELECT DISTINCT",
		"DISTINCT ON", "count\\(DISTINCT", "FILTER", "OVER", "WINDOW w AS", "ROWS BETWEEN", "RECURSIVE", "UNION", "INTERSECT", "EXCEPT", "LIMIT", "OFFSET",
		"generate_series", "string_agg", "IS UNKNOWN|IS NULL", "NOT ", "::", "WITH q", "RETURNING", "^INSERT", "^UPDATE", "^DELETE", "ON CONFLICT", "DO UPDATE",
		"USING", "NATURAL", "CROSS JOIN", "USING \\(", "ROLLUP", "CUBE", "GROUPING SETS", "sum\\(", "avg\\(", "min\\(", "max\\(", "bool_and", "bool_or", "every", "bit_and",
		"bit_or", "bit_xor", "stddev\\(", "stddev_pop", "variance", "var_pop", "regr_count", "string_agg\\(DISTINCT", "sum\\(DISTINCT", "ORDER BY \\(SELECT|, \\(SELECT",
		"LIMIT \\(SELECT", "HAVING [^ ]+ [^ ]+ \\(SELECT|HAVING (NOT )?EXISTS", "NULLS FIRST", "NULLS LAST", "rank\\(\\)", "ntile", "nth_value", "cume_dist", "lead\\(",
		"GROUPS BETWEEN", "RANGE BETWEEN", "MATERIALIZED", "UNION ALL", "INTERSECT ALL", "EXCEPT ALL", "< ALL|> ALL", "<> ALL", "= ANY",
		"JOIN e |JOIN f ", "LATERAL \\(SELECT z[.][a-z] AS k",
	} {
		constructs[strings.ReplaceAll(w, "\\", "")] = regexp.MustCompile(w)
	}
}

// Count adds the constructs of a query to a histogram.
func Count(histogram map[string]int, sql string) {
	for name, r := range constructs {
		if r.MatchString(sql) {
			histogram[name]++
		}
	}
}

// Constructs is the number of constructs that are counted.
func Constructs() int { return len(constructs) }
