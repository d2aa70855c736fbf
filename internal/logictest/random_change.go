package logictest

import "fmt"

// casts are casts that never fail on the columns of x.
var casts = []string{
	"x.i::bigint", "x.i::numeric(12,1)", "x.i::float8", "x.i::text", "x.i::varchar(3)", "x.i::bool", "x.b::numeric", "x.b::text", "x.b::float8", "x.n::text",
	"x.n::float8", "x.f::text", "x.s::varchar(2)", "x.s::char(3)", "x.s::bytea::text", "x.c::text", "x.c::varchar(2)", "x.d::text", "x.d::timestamp",
	"x.p::int", "x.p::text", "x.p::text::bool", "x.d::text::date", "x.i::text::int", "x.b::text::numeric::bigint", "x.f::text::float8",
}

// casting casts values, and compares what comes of it.
func (g *Generator) casting(a, b string) string {
	return fmt.Sprintf("SELECT x.id, %s, %s, count(y.id) FROM %s x LEFT JOIN %s y ON %s = %s WHERE %s GROUP BY x.id, 2, 3", g.pick(casts...), g.pick(casts...), a, b,
		"x.b::text", "y.b::text", g.Predicate([]string{"x"}))
}

// combined nests set operations.
func (g *Generator) combined(a, b string) string {
	c := g.exact()
	op := func() string {
		return g.pick("UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL")
	}
	side := func(t string) string {
		return fmt.Sprintf("SELECT x.%s FROM %s x WHERE %s", c, t, g.Predicate([]string{"x"}))
	}
	return fmt.Sprintf("SELECT q.%s, count(*) FROM ((%s %s %s) %s (%s ORDER BY 1 LIMIT 5)) q GROUP BY q.%s", c, side(a), op(), side(b), op(), side(a), c)
}

// shared uses a common table expression several times.
func (g *Generator) shared(a, b string) string {
	return fmt.Sprintf("WITH q AS %s(SELECT x.id, x.%s AS v FROM %s x WHERE %s), r AS (SELECT count(*) AS n FROM q) "+
		"SELECT q.id, q.v, r.n, (SELECT max(p.id) FROM q p WHERE p.v = q.v) FROM q, r WHERE q.id IN (SELECT z.id FROM %s z) OR r.n > 3",
		g.pick("", "MATERIALIZED ", "NOT MATERIALIZED "), g.exact(), a, g.Predicate([]string{"x"}), b)
}

// Change returns a change of data with the rows that it returns, and the table that it changes: the same whatever the
// order in which it meets rows.
func (g *Generator) Change() (sql, changed string) {
	a, b := g.pick(tables...), g.pick(tables...)
	x := []string{"x"}
	switch g.rnd.IntN(7) {
	case 0:
		return fmt.Sprintf("INSERT INTO %s (id, i, s, d) SELECT x.id + 100, count(*), max(x.s), min(x.d) FROM %s x WHERE %s GROUP BY x.id RETURNING id, i, s, d, p", a, b, g.Predicate(x)), a
	case 1:
		return fmt.Sprintf("UPDATE %s x SET i = x.id, s = x.s || 'x', b = (SELECT count(*) FROM %s z WHERE %s) WHERE %s RETURNING x.id, x.i, x.s, x.b, x.p IS NULL", a, b, g.ties(), g.Predicate(x)), a
	case 2: // the first match would depend on the order
		return fmt.Sprintf("UPDATE %s x SET b = y.n, p = NOT x.p FROM (SELECT id, count(*) AS n FROM %s WHERE id >= 0 GROUP BY id) y WHERE y.id = x.id AND %s RETURNING x.id, x.b, x.p, y.n", a, b, g.Predicate(x)), a
	case 3:
		return fmt.Sprintf("DELETE FROM %s x WHERE %s RETURNING x.id, x.%s", a, g.Predicate(x), g.exact()), a
	case 4:
		return fmt.Sprintf("DELETE FROM %s x USING %s y WHERE y.id = x.id AND %s RETURNING x.id", a, b, g.Predicate(x)), a
	}
	return fmt.Sprintf("INSERT INTO t AS o (id, i, s) SELECT x.id * 2, 1, 'new' FROM (SELECT DISTINCT id FROM %s) x ON CONFLICT (id) DO %s RETURNING id, i, s, d",
		b, g.pick("NOTHING", "UPDATE SET i = excluded.i, s = o.s || excluded.s", "UPDATE SET i = (SELECT count(*) FROM "+a+" z WHERE z.p), d = excluded.d WHERE o.p IS NOT FALSE")), "t"
}
