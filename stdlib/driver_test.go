package stdlib_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/stdlib"
)

func open(t *testing.T, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("lamina", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t *testing.T, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func one(t *testing.T, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, text string, args ...any) string {
	t.Helper()
	var s string
	if err := db.QueryRowContext(t.Context(), text, args...).Scan(&s); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return s
}

func wantCode(t *testing.T, err error, code sqlerr.Code, what string) {
	t.Helper()
	if got := sqlerr.CodeOf(err); got != code {
		t.Errorf("%s: %s (%v), want %s", what, got, err, code)
	}
}

// Each sql.Open of the empty name is a database of its own, which all its connections share.
func TestMemoryDatabases(t *testing.T) {
	a, b := open(t, ""), open(t, "")
	exec(t, a, "CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
	_, err := b.ExecContext(t.Context(), "SELECT * FROM t")
	wantCode(t, err, sqlerr.UndefinedTable, "another database")
	a.SetMaxIdleConns(0) // every statement has a new connection
	for range 3 {
		if got := one(t, a, "SELECT count(*) FROM t"); got != "1" {
			t.Errorf("count %s", got)
		}
	}
}

// All connections of a process to one directory share one DB, which ends with the last sql.DB.
func TestSharedDirectory(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "db")
	a, b := open(t, dir+"?workers=2&timezone=Asia/Tokyo"), open(t, filepath.Join(parent, "x", "..", "db")+"?TimeZone=Asia/Tokyo&workers=2")
	exec(t, a, "CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
	if got := one(t, b, "SELECT a FROM t"); got != "1" {
		t.Error(got)
	}
	if got := one(t, b, "SHOW TimeZone"); got != "Asia/Tokyo" {
		t.Error(got)
	}
	link := filepath.Join(parent, "link")
	if err := os.Symlink(dir, link); err == nil {
		if got := one(t, open(t, link+"?workers=2&timezone=Asia/Tokyo"), "SELECT a FROM t"); got != "1" {
			t.Error(got)
		}
	}
	other := open(t, dir+"?workers=3")
	err := other.Ping()
	wantCode(t, err, sqlerr.ObjectInUse, "other settings")
	if err == nil || !strings.Contains(err.Error(), "other settings") || !strings.Contains(err.Error(), "workers=2") {
		t.Errorf("%v", err)
	}
	_, err = lamina.Open(dir, nil)
	wantCode(t, err, sqlerr.ObjectInUse, "lamina.Open beside the driver")
	a.SetMaxIdleConns(0) // no connection, but the sql.DB is open
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = lamina.Open(dir, nil)
	wantCode(t, err, sqlerr.ObjectInUse, "while one sql.DB is open")
	if got := one(t, a, "SELECT a FROM t"); got != "1" {
		t.Error(got)
	}
}

func TestDatabaseEndsWithLastClose(t *testing.T) {
	dir := t.TempDir()
	var dbs []*sql.DB
	for range 3 {
		db, err := sql.Open("lamina", dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
		dbs = append(dbs, db)
	}
	unused, err := sql.Open("lamina", dir) // has never connected: no user
	if err != nil {
		t.Fatal(err)
	}
	for _, db := range dbs {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	db, err := lamina.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := unused.Ping(); err != nil { // opens it again
		t.Error(err)
	}
	if err := unused.Close(); err != nil {
		t.Error(err)
	}
	if err := unused.Ping(); err == nil {
		t.Error("a closed sql.DB connects")
	}
}

func TestDataSourceNames(t *testing.T) {
	db := open(t, "?memory_bytes=100000000&query_bytes=1000000&workers=1&synchronous_commit=off&application_name="+url.QueryEscape("a&b"))
	if got := one(t, db, "SHOW synchronous_commit"); got != "off" {
		t.Error(got)
	}
	if got := one(t, db, "SHOW application_name"); got != "a&b" {
		t.Error(got)
	}
	dir := t.TempDir()
	func() {
		db, err := sql.Open("lamina", dir)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		exec(t, db, "CREATE TABLE t (a int4)")
	}()
	db = open(t, dir+"?read_only=1")
	_, err := db.Exec("INSERT INTO t VALUES (1)")
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "read_only")
	for name, code := range map[string]sqlerr.Code{
		"?workers=many": sqlerr.InvalidParameterValue, "?memory_bytes=-1": sqlerr.InvalidParameterValue,
		"?read_only=perhaps": sqlerr.InvalidParameterValue, "?nix=1": sqlerr.UndefinedObject, "?timezone=Nowhere": sqlerr.InvalidParameterValue,
		"?workers=1&workers=2": sqlerr.InvalidParameterValue, "?%zz": sqlerr.InvalidParameterValue, "?memory_bytes=1GB": sqlerr.InvalidParameterValue,
	} {
		_, err := sql.Open("lamina", name)
		wantCode(t, err, code, name)
	}
}

// A connection of the driver alone, without a sql.DB, owns its share of the database.
func TestDriverOpen(t *testing.T) {
	dir := t.TempDir()
	a, err := stdlib.Driver{}.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := stdlib.Driver{}.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	st, err := b.Prepare("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.(driver.StmtQueryContext).QueryContext(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	db, err := lamina.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenDB(t *testing.T) {
	inner, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	db := stdlib.OpenDB(inner)
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Raw().Exec(t.Context(), "INSERT INTO t VALUES (2)")
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if r, err := inner.Exec(t.Context(), "SELECT a FROM t"); err != nil || r.RowsAffected != 2 {
		t.Errorf("the database was closed too: %+v, %v", r, err)
	}
}

// Connections open, work and close at once, on one directory.
func TestConnectionsAtOnce(t *testing.T) {
	dir := t.TempDir()
	keep := open(t, dir)
	exec(t, keep, "CREATE TABLE t (a int4 PRIMARY KEY)")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 5 {
				db, err := sql.Open("lamina", dir)
				if err == nil {
					_, err = db.Exec("INSERT INTO t VALUES ($1)", w*100+i)
				}
				if err == nil {
					err = db.Close()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := one(t, keep, "SELECT count(*) FROM t"); got != "20" {
		t.Error(got)
	}
}

func Example() {
	db, err := sql.Open("lamina", "?timezone=UTC") // in memory; "data?timezone=UTC" is in the directory data
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE orders (id int8 PRIMARY KEY, customer text NOT NULL, total numeric(15,2))`); err != nil {
		panic(err)
	}
	tx, err := db.Begin()
	if err != nil {
		panic(err)
	}
	defer tx.Rollback() // after Commit it does nothing
	for i, customer := range []string{"Ada", "Ben", "Ada"} {
		if _, err := tx.Exec(`INSERT INTO orders VALUES ($1, $2, $3)`, i+1, customer, fmt.Sprintf("%d.50", i+1)); err != nil {
			panic(err)
		}
	}
	if err := tx.Commit(); err != nil {
		panic(err)
	}
	rows, err := db.Query(`SELECT customer, count(*), sum(total) FROM orders GROUP BY customer ORDER BY customer`)
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	for rows.Next() {
		var customer, total string // numeric arrives as text
		var orders int
		if err := rows.Scan(&customer, &orders, &total); err != nil {
			panic(err)
		}
		fmt.Println(customer, orders, total)
	}
	_, err = db.Exec(`INSERT INTO orders VALUES (1, 'again', 0)`)
	fmt.Println(sqlerr.CodeOf(err), err)
	// Output:
	// Ada 2 5.00
	// Ben 1 2.50
	// 23505 duplicate key value violates unique constraint "orders_pkey"
}
