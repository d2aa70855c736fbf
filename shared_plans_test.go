package lamina_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
)

const sharedPlansTables = `
CREATE TABLE r (id int PRIMARY KEY, a int, b int8, c varchar(6), d numeric(6,2) CHECK (d < 5000), e bool, f float8, g date, h timestamptz,
	i char(4), j smallint, k uuid, l text NOT NULL DEFAULT 'none', m bytea, n interval, o real, u int UNIQUE, v int DEFAULT 7);
CREATE TABLE s (k text, n int8, v numeric, PRIMARY KEY (k, n));
CREATE TABLE d (k date PRIMARY KEY, v int);
CREATE TABLE z (k timestamptz PRIMARY KEY, c char(3));
CREATE TABLE w (k varchar(3) PRIMARY KEY, j smallint);`

// sharedPlansValues are literals, right and wrong ones, of all types.
var sharedPlansValues = []string{
	"1", "2", "3", "4", "-1", "0", "12", "40000", "2147483647", "-2147483648", "2147483648", "9223372036854775807", "99999999999999999999",
	"1.5", "-0.25", "2.005", "10000.00", "0.0", "'1'", "'2'", "' 3 '", "'-7'", "'abc'", "'toolong'", "'toolongtoo'", "''", "'it''s'", "'abc   '", "'x1'",
	"'2024-02-29'", "'2024-02-30'", "'01/02/2003'", "'2024-01-01 10:00'", "'2024-01-01 10:00+02'", "'infinity'", "'today'", "'99999999999'",
	"NULL", "true", "'t'", "'yes'", "'1.5'", "'1e2'", "'NaN'", "DEFAULT", "'6f0bdb3e-7c0c-4c8c-9f6b-2f8a2d1b7c11'", "'\\x0102'", "'\\xzz'",
	"'1 day'", "1e2", "007", "'straße'", "date '2024-02-29'", "2::int8", "(3)", "1 + 1",
}

var sharedPlansColumns = strings.Fields("id id id id a b c d e f g h i j k l m n o u v")

// randomShared is a statement by key, more often than not.
func randomShared(rnd *rand.Rand) string {
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	value := func() string { return pick(sharedPlansValues...) }
	small := func() string { return pick("1", "2", "3", "4", "5", "-1", "'2'", "2.0") }
	col := func() string { return pick(sharedPlansColumns...) }
	where := func() string {
		switch rnd.IntN(6) {
		case 0:
			return "id = " + value()
		case 1:
			return "id = " + small() + " AND " + col() + " = " + value()
		case 2:
			return "(id = " + small() + ")"
		}
		return "id = " + small()
	}
	switch rnd.IntN(14) {
	case 0:
		return "SELECT * FROM r WHERE " + where()
	case 1:
		return "SELECT a + 1, 5, 'x', " + col() + " = " + value() + " FROM r WHERE " + where()
	case 2:
		return "SELECT v FROM s WHERE k = " + value() + " AND n = " + value()
	case 3:
		return "SELECT " + col() + " FROM r WHERE " + where() + pick(" LIMIT 1", " ORDER BY 1", ";", " FOR UPDATE", " AND a > 1")
	case 4:
		return "SELECT * FROM " + pick("d", "z", "w") + " WHERE k = " + value()
	case 5:
		return "INSERT INTO " + pick("d", "z", "w") + " VALUES (" + value() + ", " + value() + ")" + pick("", " ON CONFLICT DO NOTHING", " RETURNING *")
	case 6:
		return fmt.Sprintf("INSERT INTO r (id, %s) VALUES (%s, %s)%s", col(), small(), value(), pick("", " RETURNING *", " ON CONFLICT (id) DO UPDATE SET v = 3"))
	case 7:
		return fmt.Sprintf("INSERT INTO s VALUES (%s, %s, %s)", value(), value(), value())
	case 12:
		one := func(kind int) string {
			return [...]func() string{small, value, func() string { return pick("'abc'", "'toolongtoo'", "NULL", "'2024-02-29'") }}[kind]()
		}
		kind, rows := rnd.IntN(3), ""
		for range rnd.IntN(3) + 1 {
			rows += fmt.Sprintf(", (%d, %s)", rnd.IntN(20), one(kind))
		}
		return fmt.Sprintf("INSERT INTO r (id, %s) VALUES (%d, %s)%s%s", col(), rnd.IntN(20), one(kind), rows,
			pick("", "", " RETURNING *", " ON CONFLICT DO NOTHING", " ON CONFLICT (id) DO UPDATE SET v = r.v + 1", " LIMIT 1"))
	case 13:
		return fmt.Sprintf("INSERT INTO d VALUES ('2024-01-%02d', %s), ('2024-02-%02d', %s)", rnd.IntN(32), small(), rnd.IntN(31), small())
	case 8:
		return "DELETE FROM r WHERE " + where() + pick("", " RETURNING *")
	case 9:
		return fmt.Sprintf("UPDATE r SET %s = %s, v = v + %s WHERE %s%s", pick("a", "b", "l", "u"), value(), value(), where(), pick("", " RETURNING v"))
	}
	return fmt.Sprintf("UPDATE r SET %s = %s WHERE %s%s", col(), value(), where(), pick("", "", " RETURNING *, 3"))
}

// sharedAnswer is all that a client sees of a statement.
func sharedAnswer(ctx context.Context, c *lamina.Conn, sql string) string {
	rows, err := c.Query(ctx, sql)
	var b strings.Builder
	if err == nil {
		for _, col := range rows.Columns() {
			fmt.Fprintf(&b, "%s %s %v,", col.Name, col.Type, col.NotNull)
		}
		for rows.Next() {
			b.WriteString(" (")
			for i := range rows.Row() {
				text, ok := rows.Text(i)
				fmt.Fprintf(&b, "%q %v,", text, ok)
			}
			b.WriteString(")")
		}
		if err = rows.Close(); err == nil {
			return b.String() + " " + rows.Tag()
		}
	}
	if e, ok := errors.AsType[*sqlerr.Error](err); ok {
		return fmt.Sprintf("%s %s at %d (%s) (%s)", e.Code, e.Message, e.Position, e.Detail, e.Hint)
	}
	return err.Error()
}

func sharedPlansConn(t *testing.T, settings string) *lamina.Conn {
	t.Helper()
	c := connect(t, open(t, nil))
	exec(t, c, settings+sharedPlansTables)
	return c
}

// TestSharedPlansAnswer: texts that share a plan with others answer as if each were planned by itself.
func TestSharedPlansAnswer(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 700
	}
	for i, settings := range []string{"", "SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata';", "SET debug_vector_forms = on;"} {
		rnd := rand.New(rand.NewPCG(uint64(i), 3))
		alone := sharedPlansConn(t, settings+"SET debug_shared_plans = off;")
		shared := []*lamina.Conn{sharedPlansConn(t, settings+"SET debug_shared_plans = always;"), sharedPlansConn(t, settings)}
		check := func(sql string) {
			want := sharedAnswer(t.Context(), alone, sql)
			for _, c := range shared {
				if got := sharedAnswer(t.Context(), c, sql); got != want {
					t.Errorf("%s\nshared: %s\nalone:  %s", sql, got, want)
				}
			}
		}
		for k := range n {
			if k%200 == 100 {
				check([...]string{"ALTER TABLE r ALTER COLUMN a TYPE int8", "ALTER TABLE r ALTER COLUMN c TYPE text", "ANALYZE r", "BEGIN", "ROLLBACK"}[k/200%5])
			}
			if check(randomShared(rnd)); t.Failed() {
				return
			}
		}
		check("ROLLBACK")
		for _, table := range []string{"r", "s", "d", "z", "w"} {
			check("SELECT * FROM " + table + " ORDER BY 1")
		}
	}
}

// TestSharedPlanIsPlannedAgain: when a table changes between the look at a text and its run, the text's literals are read
// as the new columns want them.
func TestSharedPlanIsPlannedAgain(t *testing.T) {
	ctx := t.Context()
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (7, 1), (8, 2)")
	s, err := db.Engine().NewSession(query.SessionOptions{Settings: map[string]string{"debug_shared_plans": "always"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing is open
	run := func(text, change, want string) {
		t.Helper()
		p, err := s.PrepareOnce(ctx, text, 0)
		if ferr := s.Finish(ctx, err); err != nil || ferr != nil {
			t.Fatal(err, ferr)
		}
		if change != "" {
			if _, err := db.Exec(ctx, change); err != nil {
				t.Fatal(err)
			}
		}
		r, err := s.Run(ctx, p, nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := "none"
		if b, err := r.Next(ctx); err == nil && b.N == 1 {
			got = fmt.Sprint(b.BatchDatum(0, 0).I)
		}
		if err := errors.Join(r.Close(), s.Finish(ctx, nil)); err != nil {
			t.Fatal(err)
		}
		if p.Text() != text || got != want {
			t.Errorf("%s, run as %s: %s, want %s", text, p.Text(), got, want)
		}
	}
	run("SELECT a FROM t WHERE id = '7'", "", "1")
	run("SELECT a FROM t WHERE id = '8'", "", "2")
	run("SELECT a FROM t WHERE id = '8'", "ALTER TABLE t ALTER COLUMN id TYPE text", "2")
	run("SELECT a FROM t WHERE id = ' 7'", "", "none")
	run("SELECT a FROM t WHERE id = '7'", "", "1")
}

// TestUnpreparedAllocations: a text that differs from others in literals only is neither parsed nor planned.
func TestUnpreparedAllocations(t *testing.T) {
	db := benchDB(t, false)
	i, times := 0, 1.0
	if invariants.Enabled {
		times = 8 // assertions box what they would print; a plan is hundreds of allocations
	}
	one := func(format string) float64 {
		return testing.AllocsPerRun(200, func() {
			i++
			rows, err := db.Query(context.Background(), fmt.Sprintf(format, i))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				_ = rows.Row()
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if n := one("SELECT id, a, b, c FROM t WHERE id = %d"); n > 8*times {
		t.Errorf("%v allocations for a row by key", n)
	}
	if n := one("UPDATE t SET a = 5 WHERE id = %d"); n > 20*times {
		t.Errorf("%v allocations for the change of a row", n)
	}
	if n := one("INSERT INTO t VALUES (-%d, 1, 0.5, 'x')"); n > 24*times {
		t.Errorf("%v allocations for a new row", n)
	}
}
