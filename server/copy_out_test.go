package server_test

import "testing"

// TestPsqlCopyOut copies rows to psql, of tables and queries, with an error among the rows.
func TestPsqlCopyOut(t *testing.T) {
	run := psql(t, start(t, nil).address)
	for _, c := range []struct{ sql, want string }{
		{"copy (select i, case when i = 2 then null else 'x' || i end from generate_series(1, 3) as s(i)) to stdout", "1\tx1\n2\t\\N\n3\tx3\n"},
		{"create table t (a int, b text); insert into t values (1, 'a,b'), (2, ''); copy t to stdout (format csv, header)", "a,b\n1,\"a,b\"\n2,\"\"\n"},
		{"\\copy t (b) to stdout", "a,b\n\n"},
		{"copy (update t set a = a + 1 returning a) to stdout", "2\n3\n"},
		{"select count(*) from (select 1) as s", "1\n"},
	} {
		out, err := run("", "-q", "-At", "-c", c.sql)
		if err != nil || out != c.want {
			t.Errorf("%s: %v\n%q, want\n%q", c.sql, err, out, c.want)
		}
	}
	out, err := run("copy (select 10 / (3 - i) from generate_series(1, 4) as s(i)) to stdout;\nselect 'on';\n", "-q", "-At")
	if err != nil || out != "ERROR:  division by zero\non\n" && out != "5\n10\nERROR:  division by zero\non\n" {
		t.Errorf("an error among rows: %v\n%q", err, out)
	}
}
