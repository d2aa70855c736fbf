package stdlib_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

func TestValues(t *testing.T) {
	db := open(t, "")
	exec(t, db, `CREATE TABLE t (k int4 PRIMARY KEY, b bool, i int2, n numeric(20,3), f float8, s text, y bytea, d date, z timestamptz, u uuid, iv interval)`)
	at := time.Date(2024, 5, 6, 7, 8, 9, 1000, time.UTC)
	exec(t, db, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", 1, true, int16(2), "12345678901234567.125", 1.5, "häuser",
		[]byte{0, 1}, at, at, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", 90*time.Minute)
	exec(t, db, "INSERT INTO t (k, s, i) VALUES ($1, $2, $3)", 2, sql.NullString{}, sql.NullInt16{Int16: 3, Valid: true})
	rows, err := db.Query("SELECT b, i, n, f, s, y, d, z, u, iv FROM t ORDER BY k")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		values := make([]any, 10)
		dest := make([]any, 10)
		for i := range dest {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	if err := rows.Err(); err != nil || len(all) != 2 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	wanted := []any{true, int64(2), "12345678901234567.125", 1.5, "häuser", []byte{0, 1}, time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC), at,
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "01:30:00"}
	for i := range wanted {
		if x, ok := wanted[i].(time.Time); ok && x.Equal(all[0][i].(time.Time)) {
			continue
		}
		if !reflect.DeepEqual(all[0][i], wanted[i]) {
			t.Errorf("column %d: %#v, want %#v", i, all[0][i], wanted[i])
		}
		if isNil := all[1][i] == nil; isNil == (i == 1) {
			t.Errorf("column %d of the second row: %#v", i, all[1][i])
		}
	}
	var n sql.NullString
	var i int
	if err := db.QueryRow("SELECT n, i FROM t WHERE k = $1", 2).Scan(&n, &i); err != nil || n.Valid || i != 3 {
		t.Errorf("%v %d, %v", n, i, err)
	}
}

func TestErrors(t *testing.T) {
	db := open(t, "")
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	_, err := db.Exec("SELECT nix FROM t")
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.SQLState() != "42703" || e.Position == 0 {
		t.Errorf("%#v", err)
	}
	var state interface{ SQLState() string }
	if !errors.As(err, &state) || state.SQLState() != "42703" {
		t.Errorf("%v", err)
	}
	_, err = db.Exec("INSERT INTO t VALUES (@a)", sql.Named("a", 1))
	wantCode(t, err, sqlerr.FeatureNotSupported, "named arguments")
	if err == nil || !strings.Contains(err.Error(), "named") {
		t.Error(err)
	}
	_, err = db.Exec("INSERT INTO t VALUES ($1)", struct{}{})
	wantCode(t, err, sqlerr.FeatureNotSupported, "a struct")
	_, err = db.Exec("INSERT INTO t VALUES ($1)")
	wantCode(t, err, sqlerr.ProtocolViolation, "too few")
	_, err = db.Exec("INSERT INTO t VALUES ($1)", 1, 2)
	wantCode(t, err, sqlerr.ProtocolViolation, "too many")
	st, err := db.Prepare("INSERT INTO t VALUES ($1)")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Exec(1, 2); err == nil {
		t.Error("too many for a prepared statement")
	}
	r, err := st.Exec(1)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	_, err = r.LastInsertId()
	wantCode(t, err, sqlerr.FeatureNotSupported, "LastInsertId")
	if err := db.QueryRow("SELECT a FROM t WHERE a = 5").Scan(new(int)); !errors.Is(err, sql.ErrNoRows) {
		t.Error(err)
	}
	rows, err := db.Query("SELECT 10 / (5000 - g) FROM generate_series(1, 10000) g")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	wantCode(t, rows.Err(), sqlerr.DivisionByZero, "while reading")
	rows.Close()
	if err := db.QueryRow("SELECT 10 / (5000 - g) FROM generate_series(1, 10000) g").Scan(new(int)); err != nil {
		t.Errorf("the first row alone: %v", err)
	}
}

func TestTransactions(t *testing.T) {
	db := open(t, "")
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	for level, wanted := range map[sql.IsolationLevel]string{
		sql.LevelDefault: "read committed", sql.LevelReadCommitted: "read committed", sql.LevelReadUncommitted: "read committed",
		sql.LevelRepeatableRead: "repeatable read", sql.LevelSnapshot: "repeatable read", sql.LevelSerializable: "serializable",
	} {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
		if err != nil {
			t.Errorf("%s: %v", level, err)
			continue
		}
		if got := one(t, tx, "SHOW transaction_isolation"); got != wanted {
			t.Errorf("%s: %s", level, got)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
	for _, level := range []sql.IsolationLevel{sql.LevelWriteCommitted, sql.LevelLinearizable} {
		_, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
		wantCode(t, err, sqlerr.FeatureNotSupported, level.String())
		if err == nil || !strings.Contains(err.Error(), level.String()) {
			t.Errorf("%s: %v", level, err)
		}
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec("INSERT INTO t VALUES (1)")
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "ReadOnly")
	_, err = tx.Exec("SELECT 1")
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "after an error")
	wantCode(t, tx.Commit(), sqlerr.InFailedSQLTransaction, "Commit of a failed transaction")
	if tx, err = db.Begin(); err != nil {
		t.Fatal(err)
	}
	exec(t, tx, "INSERT INTO t VALUES (1)")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	cctx, cancel := context.WithCancel(ctx)
	if tx, err = db.BeginTx(cctx, nil); err != nil {
		t.Fatal(err)
	}
	exec(t, tx, "INSERT INTO t VALUES (2)")
	cancel() // rolls back
	if err := tx.Commit(); err == nil {
		t.Error("a transaction whose context has ended was committed")
	}
	if got := one(t, db, "SELECT count(*) FROM t"); got != "1" {
		t.Error(got)
	}
}

func TestContexts(t *testing.T) {
	db := open(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := db.QueryContext(ctx, "SELECT g FROM generate_series(1, 100000000) g")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	cancel()
	for rows.Next() {
	}
	if err := rows.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, err = db.ExecContext(ctx, "SELECT 1")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	timed, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = db.ExecContext(timed, "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b WHERE a % 7 = b % 11")
	wantCode(t, err, sqlerr.QueryCanceled, "a time-out")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if got := one(t, db, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

// A connection goes back without what its user has set, prepared or left open.
func TestReset(t *testing.T) {
	db := open(t, "?timezone=Asia/Tokyo")
	db.SetMaxOpenConns(1)
	exec(t, db, "CREATE TABLE t (a int4)")
	exec(t, db, "SET TimeZone = 'UTC'; SET application_name = 'x'; PREPARE p AS SELECT 1")
	if got := one(t, db, "SHOW TimeZone"); got != "Asia/Tokyo" {
		t.Error(got)
	}
	_, err := db.Exec("EXECUTE p")
	wantCode(t, err, sqlerr.InvalidSQLStatementName, "a statement of another user")
	exec(t, db, "BEGIN")
	exec(t, db, "INSERT INTO t VALUES (1)") // in another transaction, or the same that is left open
	if got := one(t, db, "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("%s rows", got)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec(t, conn, "SET application_name = 'mine'") // lasts while the connection is held
	if got := one(t, conn, "SHOW application_name"); got != "mine" {
		t.Error(got)
	}
}

func TestPreparedStatements(t *testing.T) {
	db := open(t, "")
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'one')")
	st, err := db.Prepare("SELECT b FROM t WHERE a = $1")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, change := range []string{"SELECT 1", "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t", "DROP TABLE t; CREATE TABLE t (b text, a int4 PRIMARY KEY); INSERT INTO t VALUES ('one', 1)"} {
		exec(t, db, change)
		var b string
		if err := st.QueryRow(1).Scan(&b); err != nil || b != "one" {
			t.Errorf("after %s: %q, %v", change, b, err)
		}
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	var b string
	if err := tx.Stmt(st).QueryRow(1).Scan(&b); err != nil || b != "one" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := db.Prepare("SELECT nix FROM t"); err == nil {
		t.Error("no error")
	}
}

func TestColumnTypes(t *testing.T) {
	db := open(t, "")
	exec(t, db, `CREATE TABLE t (k int8 PRIMARY KEY, n numeric(10,2) NOT NULL, m numeric, v varchar(5), s text NOT NULL, y bytea, z timestamptz, b bool, d date, f float4, u uuid, c char(3));
		INSERT INTO t VALUES (1, 1, 1, 'v', 's', '', now(), true, '2024-01-01', 1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'c')`)
	describe := func(query string) string {
		t.Helper()
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		cols, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range cols {
			s := c.Name() + " " + c.DatabaseTypeName() + " " + c.ScanType().String()
			if p, scale, ok := c.DecimalSize(); ok {
				s += fmt.Sprintf(" (%d,%d)", p, scale)
			}
			if n, ok := c.Length(); ok && n != math.MaxInt64 {
				s += fmt.Sprintf(" (%d)", n)
			}
			if nullable, ok := c.Nullable(); ok && !nullable {
				s += " not null"
			}
			out = append(out, s)
		}
		return strings.Join(out, "\n")
	}
	for _, c := range []struct{ query, want string }{
		{"SELECT * FROM t", "k BIGINT int64 not null\nn NUMERIC string (10,2) not null\nm NUMERIC string\nv CHARACTER VARYING string (5)\ns TEXT string not null\n" +
			"y BYTEA []uint8\nz TIMESTAMP WITH TIME ZONE time.Time\nb BOOLEAN bool\nd DATE time.Time\nf REAL float64\nu UUID string\nc CHARACTER string (3)"},
		{"SELECT s, k + 1 AS k1 FROM t", "s TEXT string not null\nk1 BIGINT int64"},
		{"SELECT a.s, b.s AS other FROM t a LEFT JOIN t b ON a.k = b.k + 1", "s TEXT string\nother TEXT string"},
		{"SELECT a.s, b.k FROM t a JOIN t b ON a.k = b.k ORDER BY 1 LIMIT 5", "s TEXT string not null\nk BIGINT int64 not null"},
		{"SELECT k FROM t UNION ALL SELECT NULL", "k BIGINT int64"},
		{"INSERT INTO t (k, n, s) VALUES (2, 1, 'x') RETURNING k, v", "k BIGINT int64 not null\nv CHARACTER VARYING string (5)"},
		{"SELECT k FROM t WHERE k = 1", "k BIGINT int64 not null"},
		{"SELECT 1 AS a", "a INTEGER int64"},
	} {
		if got := describe(c.query); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.query, got, c.want)
		}
	}
}
