package server_test

import (
	"strings"
	"testing"
)

const describedTables = `
create table t (id int8 primary key, a int4 not null default 5, b text default 'x', c varchar(10), d numeric(10,2), u int unique, check (a > 0));
create view v as select id from t;
create schema s2;
create table s2.x (y int);
`

// TestPsqlDescribes demands what psql shows of schema objects, line by line as it does against PostgreSQL.
func TestPsqlDescribes(t *testing.T) {
	run := psql(t, start(t, nil).address)
	if out, err := run(describedTables, "-q", "-v", "ON_ERROR_STOP=1"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := 0
	for _, c := range []struct{ command, want string }{
		{`\d`, " public | t    | table | lamina\n public | v    | view  | lamina\n(2 rows)"},
		{`\dt *.x`, " s2     | x    | table | lamina"},
		{`\dv`, " public | v    | view | lamina"},
		{`\di`, " public | t_pkey  | index | lamina | t\n public | t_u_key | index | lamina | t"},
		{`\d t`, `                        Table "public.t"
 Column |         Type          | Collation | Nullable |  Default  
--------+-----------------------+-----------+----------+-----------
 id     | bigint                |           | not null | 
 a      | integer               |           | not null | 5
 b      | text                  |           |          | 'x'::text
 c      | character varying(10) |           |          | 
 d      | numeric(10,2)         |           |          | 
 u      | integer               |           |          | 
Indexes:
    "t_pkey" PRIMARY KEY, btree (id)
    "t_u_key" UNIQUE CONSTRAINT, btree (u)
Check constraints:
    "t_a_check" CHECK (a > 0)`},
		{`\d t_pkey`, "primary key, btree, for table \"public.t\""},
		{`\d+ t`, " b      | text                  |           |          | 'x'::text | extended |"},
		{`\d+ v`, "View definition:"},
		{`\d s2.x`, " y      | integer |"},
		{`\dS pg_index`, " indkey              | int2vector |"},
		{`\l`, " lamina | lamina | UTF8     | C       | C     |"},
		{`\dn`, " s2     | lamina"},
		{`\du`, " lamina    | Superuser, Create role, Create DB, Bypass RLS | {}"},
		{`\df pg_catalog.lower`, " pg_catalog | lower | text             | text                | func"},
		{`\dp t`, " public | t    | table |"},
		{`\dT int8`, " pg_catalog | bigint |"},
		{`\dA`, " columnar | Table"},
		{`\db`, " pg_default | lamina | "},
		{`\dx`, "(0 rows)"},
		{`\dy`, "(0 rows)"},
		{`\dt+`, " public | t    | table | lamina | "},
		{`\dconfig search_path`, "search_path"},
		{`\sv v`, "CREATE OR REPLACE VIEW public.v AS"},
	} {
		out, err := run("", "-c", c.command)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.command, err, out, c.want)
		}
		lines += strings.Count(c.want, "\n") + 1
	}
	if lines < 35 {
		t.Errorf("only %d lines were demanded", lines)
	}
}
