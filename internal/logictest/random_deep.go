package logictest

import (
	"fmt"
	"strings"
)

// Sorted marks a query whose rows come in one order only: it is compared with it.
const Sorted = "/* sorted */ "

// referring are tables with keys: e is referenced by f in two ways.
func (g *Generator) referring() []string {
	list := []string{
		"CREATE TABLE e (id int PRIMARY KEY, a int NOT NULL UNIQUE, k int NOT NULL, s text)",
		"CREATE TABLE f (id int PRIMARY KEY, e int REFERENCES e, w int NOT NULL REFERENCES e (a), v int, k int, UNIQUE (w, id))",
	}
	n := 3 + g.rnd.IntN(6)
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, %d, %d, %s)", i, n-i, g.rnd.IntN(3), g.pick("NULL", "'a'", "'b'", "''"))
	}
	list = append(list, "INSERT INTO e VALUES "+strings.Join(rows, ", "))
	rows = make([]string, 4+g.rnd.IntN(20))
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, %s, %d, %s, %s)", i, g.pick("NULL", fmt.Sprint(g.rnd.IntN(n)), fmt.Sprint(g.rnd.IntN(n))), 1+g.rnd.IntN(n),
			g.pick("NULL", "0", "1", "2"), g.pick("NULL", "0", "1", "2", "3"))
	}
	return append(list, "INSERT INTO f VALUES "+strings.Join(rows, ", "))
}

// Deep returns a query that nests or combines what the other forms have alone, with only one right answer.
func (g *Generator) Deep() string {
	forms := []func() string{
		g.chain, g.chain, g.natural, g.joinedGroups, g.joinedGroups, g.aggregates, g.aggregates, g.aggregates, g.having, g.having, g.sorted, g.sorted, g.depthTwo, g.lateralGroups,
		g.references, g.references, g.windows, g.common, g.distinctJoin, g.groupedIn, g.unions, g.rounds,
	}
	return forms[g.rnd.IntN(len(forms))]()
}

func (g *Generator) table() string { return g.pick(tables...) }

// on compares a column of two items, as few conditions as PostgreSQL's full joins can have.
func (g *Generator) on(l, r string) string {
	if g.rnd.IntN(3) == 0 {
		return l + ".id = " + r + ".id"
	}
	c := columns[g.rnd.IntN(len(columns))].name
	return fmt.Sprintf("%s.%s = %s.%s", l, c, r, c)
}

// chain joins three items by any kinds, in either nesting.
func (g *Generator) chain() string {
	kinds := []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN", "CROSS JOIN"}
	join := func(l, from, kind, r, right string) string {
		if kind == "CROSS JOIN" {
			return fmt.Sprintf("%s CROSS JOIN %s", from, right)
		}
		on := g.on(l, r)
		if kind != "FULL JOIN" && g.rnd.IntN(3) == 0 {
			on += " AND " + g.comparison([]string{l, r})
		}
		return fmt.Sprintf("%s %s %s ON %s", from, kind, right, on)
	}
	a, b, c := g.table()+" x", g.table()+" y", g.table()+" z0"
	if g.rnd.IntN(3) == 0 {
		b = fmt.Sprintf("(SELECT * FROM %s q WHERE %s) y", g.table(), g.Predicate([]string{"q"}))
	}
	var from string
	if g.rnd.IntN(2) == 0 {
		from = join(g.pick("x", "y"), join("x", a, g.pick(kinds...), "y", b), g.pick(kinds...), "z0", c)
	} else {
		from = join("x", a, g.pick(kinds...), g.pick("y", "z0"), "("+join("y", b, g.pick(kinds...), "z0", c)+")")
	}
	items := []string{"x", "y", "z0"}
	return fmt.Sprintf("SELECT x.id, y.id, z0.id, %s.%s FROM %s WHERE %s", g.pick(items...), g.exact(), from, g.Predicate(items))
}

// natural joins by the names of columns.
func (g *Generator) natural() string {
	kind := g.pick("", "LEFT ", "RIGHT ", "FULL ", "INNER ")
	c, d := g.pick("i", "b", "s", "d"), g.pick("p", "c")
	if g.rnd.IntN(2) == 0 {
		return fmt.Sprintf("SELECT * FROM (SELECT x.%[1]s, x.%[2]s, x.id AS xid FROM %[3]s x WHERE %[4]s) l NATURAL %[5]sJOIN (SELECT %[1]s, %[2]s, id AS yid FROM %[6]s) r",
			c, d, g.table(), g.Predicate([]string{"x"}), kind, g.table())
	}
	return fmt.Sprintf("SELECT %[1]s, x.id, y.id, x.%[1]s IS NULL FROM %[2]s x %[3]sJOIN %[4]s y USING (%[1]s%[5]s) WHERE %[1]s IS NOT NULL OR x.id > 1",
		c, g.table(), kind, g.table(), g.pick("", ", "+d))
}

// sums are aggregates of one item's columns whose answer does not depend on the order of its rows.
func (g *Generator) sums(it string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strings.ReplaceAll(g.pick("count(*)", "count(@.i)", "sum(@.id)", "sum(@.b)", "sum(@.n)", "avg(@.i)", "min(@.d)",
			"max(@.s)", "min(@.c)", "count(DISTINCT @.i)", "bool_and(@.p)", "bool_or(@.p)", "round(max(@.n), 2)",
			"sum(@.i) FILTER (WHERE @.p)", "count(*) FILTER (WHERE @.i > 0)", "count(@.s)"), "@", it)
	}
	return strings.Join(list, ", ")
}

// joinedGroups groups what a join finds, by a column of either side or both.
func (g *Generator) joinedGroups() string {
	key := g.pick("y.id", "y.i", "y.p, x.p", "x.d", "y.id, y.s", "x.id, y.i", "y.b")
	if g.rnd.IntN(3) == 0 {
		one := g.pick("q.k", "q.id", "q.a")
		return fmt.Sprintf("SELECT %[1]s, q.s, count(*), sum(x.v), count(x.v), avg(x.v), count(DISTINCT x.k), bool_or(x.v > 0) FILTER (WHERE x.k > 1) FROM f x %[2]s e q ON x.%[3]s GROUP BY %[1]s, q.s%[4]s",
			one, g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN"), g.pick("e = q.id", "w = q.a", "v = q.k"), g.pick("", " HAVING count(*) > 2"))
	}
	kind, on := g.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"), g.on("x", "y")
	from := fmt.Sprintf("%s x %s %s y ON %s", g.table(), kind, g.table(), on)
	if g.rnd.IntN(3) == 0 {
		from += fmt.Sprintf(" %s %s z0 ON %s", g.pick("JOIN", "LEFT JOIN"), g.table(), g.on(g.pick("x", "y"), "z0"))
	}
	return fmt.Sprintf("SELECT %[1]s, %[2]s, %[3]s FROM %[4]s WHERE %[5]s GROUP BY %[1]s", key, g.sums("x", 1+g.rnd.IntN(3)),
		g.pick("count(*)", "max(y.id)", "sum(y.id)", "count(DISTINCT y.i)"), from, g.pick("true", "true", g.Predicate([]string{"x"}), g.Predicate([]string{"y"})))
}

// aggregates have every aggregate, filtered, distinct and ordered.
func (g *Generator) aggregates() string {
	p := g.Predicate([]string{"x"})
	order := g.pick("x.id", "x.id DESC", "x.s NULLS FIRST, x.id", "x.i DESC NULLS LAST, x.id")
	all := []string{
		"count(*)", "count(x.n)", "sum(x.n)", "avg(x.b)", "0 + min(x.f)", "0 + max(x.f)", "bool_and(x.p)", "bool_or(x.p)", "every(x.i > 0)",
		"bit_and(x.i)", "bit_or(x.b)", "bit_xor(x.i)", "stddev(x.i)", "var_pop(x.id)", "variance(x.i)", "stddev_pop(x.id)", "regr_count(x.i, x.id)",
		"string_agg(x.s, ',' ORDER BY " + order + ")", "string_agg(DISTINCT x.s, ',')", "count(DISTINCT x.n)", "sum(DISTINCT x.i)", "avg(DISTINCT x.id)",
		"min(x.c)", "max(x.d)",
	}
	var list []string
	for range 6 {
		a := g.pick(all...)
		if g.rnd.IntN(3) == 0 {
			a += " FILTER (WHERE " + p + ")"
		}
		list = append(list, a)
	}
	group := g.pick("", " GROUP BY x.p", " GROUP BY x.i, x.p", " GROUP BY ROLLUP (x.p, x.c)", " GROUP BY GROUPING SETS ((x.p), (x.d), ())")
	return fmt.Sprintf("SELECT %s FROM %s x WHERE %s%s", strings.Join(list, ", "), g.table(), g.Predicate([]string{"x"}), group)
}

// having asks about groups with subqueries.
func (g *Generator) having() string {
	c := g.exact()
	return fmt.Sprintf("SELECT x.%[1]s, count(*) FROM %[2]s x GROUP BY x.%[1]s HAVING %[3]s", c, g.table(), g.pick(
		fmt.Sprintf("count(*) >= (SELECT count(*) FROM %s z WHERE z.%s = x.%s)", g.table(), c, c),
		fmt.Sprintf("%s (SELECT 1 FROM %s z WHERE z.%s = x.%s AND z.id > 1)", g.pick("EXISTS", "NOT EXISTS"), g.table(), c, c),
		fmt.Sprintf("x.%s %s (SELECT z.%s FROM %s z)", c, g.pick("IN", "NOT IN", "= ANY", "<> ALL"), c, g.table()),
		fmt.Sprintf("max(x.id) > ANY (SELECT z.id FROM %s z WHERE z.%s IS NOT DISTINCT FROM x.%s)", g.table(), c, c),
		fmt.Sprintf("count(*) > (SELECT avg(n) FROM (SELECT count(*) AS n FROM %s z GROUP BY z.%s) q)", g.table(), c)))
}

// sorted orders its rows in one way only, also by subqueries, and takes the first of them.
func (g *Generator) sorted() string {
	from, items := g.From()
	var keys []string
	for _, k := range []string{items[0] + "." + g.exact(), g.pick(
		fmt.Sprintf("(SELECT count(*) FROM %s z WHERE z.i = %s.i)", g.table(), items[0]), items[len(items)-1]+".n", items[0]+".f")} {
		keys = append(keys, k+g.pick("", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
	}
	keys = append(keys, ids(items)...)
	limit := g.pick("", "LIMIT 3", "LIMIT 5 OFFSET 2", "LIMIT (SELECT count(*) FROM e)", "OFFSET (SELECT min(id) + 1 FROM e) LIMIT 4", "OFFSET 1")
	return Sorted + fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s %s", strings.Join(ids(items), ", "), from, g.Predicate(items), strings.Join(keys, ", "), limit)
}

// depthTwo uses the outermost row two levels down, in every place where a subquery may stand.
func (g *Generator) depthTwo() string {
	a, b, c := g.table(), g.table(), g.table()
	inner := fmt.Sprintf("(SELECT %s FROM %s w WHERE w.id %s x.id AND w.i %s z.i)", g.pick("count(*)", "max(w.id)", "sum(w.id)", "count(w.i)"), c,
		g.pick("=", "<", "<>"), g.pick("=", "<=", "IS NOT DISTINCT FROM"))
	in := fmt.Sprintf("z.%[1]s %[2]s (SELECT w.%[1]s FROM %[3]s w WHERE w.id <> x.id)", g.exact(), g.pick("IN", "NOT IN", "= ANY", "< ALL", "<> ALL", ">= ANY"), c)
	return fmt.Sprintf("SELECT x.id, (SELECT %s FROM %s z WHERE %s AND %s) FROM %s x WHERE %s", g.pick("count(*)", "max(z.id)", "count("+inner+")", "sum("+inner+")"), b,
		g.ties(), g.pick(in, inner+" > 0", "z.id < "+inner, "true"), a,
		g.pick("true", fmt.Sprintf("x.id %s (SELECT z.id FROM %s z WHERE %s)", g.pick("IN", "NOT IN", "<= ALL", "> ANY"), b, in),
			fmt.Sprintf("(SELECT sum(%s) FROM %s z WHERE %s) > 0", inner, b, g.ties())))
}

// lateralGroups joins each row with groups of what it is tied to, also where those are tied to each other.
func (g *Generator) lateralGroups() string {
	c := g.exact()
	first := fmt.Sprintf("LATERAL (SELECT z.%s AS k, count(*) AS n, max(z.id) AS m FROM %s z WHERE %s GROUP BY z.%s) l", c, g.table(), g.ties(), c)
	second := fmt.Sprintf("LATERAL (SELECT count(*) AS n2 FROM %s w WHERE w.id %s l.n AND w.i %s x.i) r", g.table(), g.pick("<", "=", "<>"), g.pick("=", "<>", "IS DISTINCT FROM"))
	return fmt.Sprintf("SELECT x.id, l.k, l.n, r.n2 FROM %s x %s JOIN %s ON %s CROSS JOIN %s", g.table(), g.pick("LEFT", "INNER"), first, g.pick("true", "l.n > 1", "l.m >= x.id"), second)
}

// references joins along foreign keys and keys, of which some joins change nothing.
func (g *Generator) references() string {
	joins := g.pick(
		"f x JOIN e y ON x.e = y.id", "f x JOIN e y ON x.w = y.a", "f x LEFT JOIN e y ON x.e = y.id", "f x JOIN e y ON y.a = x.w JOIN e z0 ON z0.id = y.id",
		"f x JOIN f y ON x.id = y.id", "e y JOIN e x0 ON x0.a = y.a JOIN f x ON x.w = x0.a", "f x JOIN f y ON x.w = y.w AND x.id = y.id", "f x RIGHT JOIN e y ON x.w = y.a",
		"f x JOIN e y ON x.w = y.a AND x.v = y.k", "f x FULL JOIN e y ON x.e = y.id", "(SELECT * FROM f WHERE v > 0) x JOIN (SELECT * FROM e WHERE k < 2) y ON x.w = y.a",
		"f x JOIN (SELECT DISTINCT a FROM e) y ON y.a = x.w", "f x LEFT JOIN (SELECT k, count(*) AS n FROM e GROUP BY k) y ON y.k = x.v",
		"e y JOIN f x ON x.w = y.a AND x.e IS NOT NULL")
	where := g.pick("true", "x.v IS NOT NULL", "x.id > 2 AND x.k < 3", "x.e IN (SELECT id FROM e)", "x.w IN (SELECT a FROM e)", "x.w NOT IN (SELECT a FROM e WHERE k = 1)",
		"EXISTS (SELECT 1 FROM e q WHERE q.id = x.e)", "NOT EXISTS (SELECT 1 FROM e q WHERE q.id = x.e)", "NOT EXISTS (SELECT 1 FROM f q WHERE q.w = x.w AND q.id <> x.id)")
	if g.rnd.IntN(3) == 0 {
		return fmt.Sprintf("SELECT x.v, count(*), sum(x.id), min(x.w) FROM %s WHERE %s GROUP BY x.v", joins, where)
	}
	return fmt.Sprintf("SELECT %sx.id, x.%s FROM %s WHERE %s", g.pick("", "", "DISTINCT "), g.pick("v", "w", "e", "k"), joins, where)
}

// windows are computed over groups and joins.
func (g *Generator) windows() string {
	if g.rnd.IntN(2) == 0 {
		return fmt.Sprintf("SELECT x.i, x.p, count(*), rank() OVER (PARTITION BY x.p ORDER BY count(*) DESC), sum(count(*)) OVER (PARTITION BY x.i), "+
			"dense_rank() OVER (ORDER BY sum(x.id) NULLS FIRST) FROM %s x WHERE %s GROUP BY x.i, x.p", g.table(), g.Predicate([]string{"x"}))
	}
	return fmt.Sprintf("SELECT x.id, y.id, ntile(3) OVER w, first_value(y.id) OVER w, last_value(x.id) OVER w, nth_value(y.id, 2) OVER w, cume_dist() OVER w, "+
		"percent_rank() OVER w, lead(y.id, 1, -1) OVER w, count(*) FILTER (WHERE y.p) OVER (PARTITION BY x.%s) FROM %s x %s JOIN %s y ON %s "+
		"WINDOW w AS (PARTITION BY x.%s ORDER BY x.id, y.id DESC%s)", g.exact(), g.table(), g.pick("INNER", "LEFT"), g.table(), g.on("x", "y"), g.exact(),
		g.pick("", " ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING", " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING"))
}

// common uses a query several times, one within the other.
func (g *Generator) common() string {
	m := func() string { return g.pick("", "MATERIALIZED ", "NOT MATERIALIZED ") }
	c := g.exact()
	return fmt.Sprintf("WITH a AS %s(SELECT x.%s AS k, count(*) AS n, max(x.id) AS m FROM %s x WHERE %s GROUP BY x.%s), b AS %s(SELECT k, n FROM a WHERE n > 1 OR k IS NULL) "+
		"SELECT a.k, a.n, b.n, (SELECT count(*) FROM a z WHERE z.m >= a.m) FROM a %s JOIN b ON %s WHERE a.n = (SELECT %s(n) FROM %s) OR EXISTS (SELECT 1 FROM b WHERE b.n < a.n)",
		m(), c, g.table(), g.Predicate([]string{"x"}), c, m(), g.pick("LEFT", "INNER", "FULL"), g.pick("a.k = b.k", "a.n = b.n"), g.pick("max", "min"), g.pick("a", "b"))
}

// distinctJoin removes duplicates above and below joins and groups.
func (g *Generator) distinctJoin() string {
	c, d := g.exact(), g.exact()
	inner := g.pick(
		fmt.Sprintf("SELECT DISTINCT %s, %s FROM %s", c, "id", g.table()), fmt.Sprintf("SELECT %[1]s, max(id) AS id FROM %[2]s GROUP BY %[1]s", c, g.table()),
		fmt.Sprintf("SELECT DISTINCT ON (%[1]s) %[1]s, id FROM %[2]s ORDER BY %[1]s, id", c, g.table()),
		fmt.Sprintf("SELECT %[1]s, id FROM %[2]s UNION SELECT %[1]s, id FROM %[3]s ORDER BY 2, 1 LIMIT 6", c, g.table(), g.table()))
	return fmt.Sprintf("SELECT DISTINCT y.%s, x.%s FROM (%s) x %s JOIN %s y ON y.%s = x.%s WHERE %s", d, c, inner, g.pick("INNER", "LEFT", "RIGHT"), g.table(), c, c,
		g.Predicate([]string{"y"}))
}

// groupedIn compares with what groups, sets and limits yield.
func (g *Generator) groupedIn() string {
	c := g.pick("i", "b", "s", "d")
	sub := g.pick(
		fmt.Sprintf("SELECT max(z.%s) FROM %s z GROUP BY z.p", c, g.table()),
		fmt.Sprintf("SELECT z.%[1]s FROM %[2]s z GROUP BY z.%[1]s HAVING count(*) %[3]s 1", c, g.table(), g.pick(">", "=")),
		fmt.Sprintf("SELECT z.%[1]s FROM %[2]s z %[4]s SELECT w.%[1]s FROM %[3]s w", c, g.table(), g.table(), g.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT")),
		fmt.Sprintf("SELECT min(z.%s) FROM %s z WHERE %s", c, g.table(), g.ties()),
		fmt.Sprintf("SELECT z.%s FROM %s z ORDER BY z.id LIMIT 2", c, g.table()))
	return fmt.Sprintf("SELECT x.id, x.%[1]s %[2]s (%[3]s) FROM %[4]s x WHERE x.%[1]s %[5]s (%[3]s) OR x.id < 2", c, g.pick("IN", "NOT IN", "< ANY", "> ALL"), sub, g.table(),
		g.pick("IN", "NOT IN", "= ANY", "<> ALL", ">= ALL"))
}

// unions put tables below each other and take a part of that.
func (g *Generator) unions() string {
	c := g.exact()
	all := fmt.Sprintf("SELECT %[1]s, id FROM %[2]s UNION ALL SELECT %[1]s, id FROM %[3]s", c, g.table(), g.table())
	switch g.rnd.IntN(4) {
	case 0:
		return Sorted + fmt.Sprintf("%s ORDER BY 2, 1 LIMIT %d", all, 1+g.rnd.IntN(6))
	case 1:
		return fmt.Sprintf("SELECT x.id, x.%s FROM (%s) x JOIN %s y ON %s", c, all, g.table(), "x.id = y.id")
	case 2:
		return fmt.Sprintf("SELECT x.%[1]s, count(*), sum(x.id) FROM (%[2]s) x WHERE x.id > %[3]d GROUP BY x.%[1]s", c, all, g.rnd.IntN(5))
	}
	return fmt.Sprintf("SELECT x.id FROM (%s) x", all)
}

// rounds follow references again and again, once for each path or once for each end.
func (g *Generator) rounds() string {
	return fmt.Sprintf("WITH RECURSIVE r AS (SELECT id, k, 0 AS n FROM e WHERE k %s UNION %s SELECT f.id %% 5, f.v, r.n + 1 FROM r JOIN f ON %s WHERE r.n < 2), c AS (SELECT count(*) AS n FROM r) "+
		"SELECT r.id, r.k, r.n, c.n FROM r %s JOIN c ON r.n < c.n", g.pick("> 0", "IS NOT NULL", "= 1"), g.pick("", "ALL"), g.pick("f.e = r.id", "f.w = r.k", "f.w = r.id + 1"), g.pick("LEFT", "INNER"))
}
