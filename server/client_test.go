package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func dsn(r *rig) string {
	return fmt.Sprintf("postgres://lamina@%s/lamina?sslmode=disable", r.address)
}

// TestPgx uses the server as programs do, in each of the ways in which pgx runs queries.
func TestPgx(t *testing.T) {
	r := start(t, nil)
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			ctx, stop := context.WithTimeout(context.Background(), patience)
			defer stop()
			cfg, err := pgx.ParseConfig(dsn(r))
			if err != nil {
				t.Fatal(err)
			}
			cfg.DefaultQueryExecMode = mode
			c, err := pgx.ConnectConfig(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(ctx) //nolint:errcheck // the test is over
			pgxSession(ctx, t, c)
		})
	}
}

func pgxSession(ctx context.Context, t *testing.T, c *pgx.Conn) {
	t.Helper()
	exec := func(sql string, args ...any) pgconn.CommandTag {
		t.Helper()
		tag, err := c.Exec(ctx, sql, args...)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return tag
	}
	exec("drop table if exists t")
	exec("create table t (a int8 primary key, b text, c float8, d timestamptz, e bool, f bytea, g date)")
	at := time.Date(2024, 2, 29, 12, 30, 0, 123456000, time.UTC)
	for i := range 50 {
		exec("insert into t values ($1, $2, $3, $4, $5, $6, $7)", i, fmt.Sprint("r", i), float64(i)/4, at, i%2 == 0, []byte{0, byte(i)}, at)
	}
	var sum int64
	rows, err := c.Query(ctx, "select a, b, c, d, e, f from t where a >= $1 order by a", 10)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var a int64
		var b *string
		var f float64
		var d time.Time
		var e bool
		var raw []byte
		if err := rows.Scan(&a, &b, &f, &d, &e, &raw); err != nil {
			t.Fatal(err)
		}
		if *b != fmt.Sprint("r", a) || f != float64(a)/4 || !d.Equal(at) || e != (a%2 == 0) || !bytes.Equal(raw, []byte{0, byte(a)}) {
			t.Fatalf("row %d: %s %v %v %v %x", a, *b, f, d, e, raw)
		}
		sum += a
	}
	if err := rows.Err(); err != nil || sum != 1180 {
		t.Fatalf("sum %d, %v", sum, err)
	}
	tag := exec("update t set b = null where a < $1", 20)
	if tag.RowsAffected() != 20 || !tag.Update() {
		t.Fatalf("tag %s", tag)
	}
	_, err = c.Exec(ctx, "insert into t (a) values ($1)", 1)
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pgErr.Code != "23505" || pgErr.ConstraintName != "t_pkey" {
		t.Fatalf("duplicate key: %v", err)
	}
	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue("delete from t where a = $1", 1)
		b.Queue("select count(*) from t").QueryRow(func(row pgx.Row) error {
			var n int64
			if err := row.Scan(&n); err != nil || n != 49 {
				return fmt.Errorf("%d rows in the transaction, %w", n, err)
			}
			return nil
		})
		return errors.Join(tx.SendBatch(ctx, b).Close(), errUndo)
	})
	if !errors.Is(err, errUndo) || strings.Contains(err.Error(), "rows in") {
		t.Fatal(err)
	}
	n, err := c.PgConn().CopyFrom(ctx, strings.NewReader("100,x\n101,\"y,z\"\n"), "copy t (a, b) from stdin (format csv)")
	if err != nil || n.RowsAffected() != 2 {
		t.Fatalf("COPY: %v, %v", n, err)
	}
	var count int
	if err := c.QueryRow(ctx, "select count(*)::int4 from t").Scan(&count); err != nil || count != 52 {
		t.Fatalf("%d rows at the end, %v", count, err)
	}
	// A context that ends cancels the query.
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if _, err := c.Exec(short, endless); err == nil {
		t.Fatal("an endless query ends")
	}
}

var errUndo = errors.New("undo")

// psql returns a function that runs the program with some input and arguments.
func psql(t *testing.T, address string) func(input string, args ...string) (string, error) {
	path, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("needs psql: the program is not installed")
	}
	host, port, _ := strings.Cut(address, ":")
	return func(input string, args ...string) (string, error) {
		ctx, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		cmd := exec.CommandContext(ctx, path, append([]string{"-X", "-h", host, "-p", port, "-U", "lamina", "-d", "lamina"}, args...)...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// TestPsql uses the server as a person does.
func TestPsql(t *testing.T) {
	run := psql(t, start(t, nil).address)
	dir := t.TempDir()
	file := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(file, []byte("1,one\n2,\"two, too\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := run(fmt.Sprintf(`
\conninfo
\set ON_ERROR_STOP on
create table t (a int primary key, b text);
\copy t from '%s' with (format csv)
\timing on
\timing off
\pset null (none)
select *, null as n from t order by a;
\x on
select a from t where a = 1 \gset
\echo a is :a
\x off
begin;
insert into t values (3, 'three');
savepoint s;
\set ON_ERROR_ROLLBACK on
\set ON_ERROR_STOP off
insert into t values (3, 'again');
\echo :SQLSTATE :ROW_COUNT
commit;
prepare p as select a from t order by a;
execute p;
\d t
\dt
\l
\du
\df
select 'still here' as s;
`, file), "-v", "VERBOSITY=verbose")
	if err != nil {
		t.Errorf("psql: %v\n%s", err, out)
	}
	for _, want := range []string{
		`You are connected to database "lamina" as user "lamina"`, "COPY 2", " 2 | two, too | (none)", "a is 1",
		"ERROR:  23505: duplicate key value", "23505 0", "COMMIT", "still here",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("psql does not show %q:\n%s", want, out)
		}
	}
	for _, no := range []string{"server closed the connection", "unexpected"} {
		if strings.Contains(out, no) {
			t.Errorf("psql shows %q:\n%s", no, out)
		}
	}
	if out, err := run("select 1;\nselect nosuch;\nselect 2;\n", "-v", "ON_ERROR_STOP=1", "-At"); err == nil || !strings.HasPrefix(out, "1\nERROR:") || strings.Contains(out, "\n2") {
		t.Errorf("ON_ERROR_STOP: %v\n%s", err, out)
	}
	if out, err := run("", "-Atc", "select 1; select 2", "-c", "select count(*) from t"); err != nil || out != "1\n2\n3\n" {
		t.Errorf("-c: %v\n%s", err, out)
	}
	if out, err := run("insert into t values (4, 'x');\ninsert into t values (4, 'x');\n", "-1", "-v", "ON_ERROR_STOP=1"); err == nil {
		t.Errorf("-1: %s", out)
	}
	if out, _ := run("", "-Atc", "select count(*) from t"); out != "3\n" {
		t.Errorf("after a transaction that failed: %s", out)
	}
}
