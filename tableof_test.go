package lamina_test

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

type order struct {
	ID       int64
	Customer *string
	Total    string `db:"total_price"`
	At       time.Time
	Note     string `db:"-"`
	//lint:ignore U1000 what is not exported is not a column
	hidden int
	audit
}

type audit struct {
	ChangedBy string
}

const ordersTable = `CREATE TABLE orders (id int8 PRIMARY KEY, customer text, total_price numeric(10,2), at timestamp, changed_by text NOT NULL DEFAULT 'me', extra int4 DEFAULT 7)`

func TestTable(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		db := openDir(t, dir, nil)
		exec(t, db, ordersTable)
		ctx := t.Context()
		at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
		tab := lamina.TableOf[order](db, "orders")
		first := order{ID: 1, Customer: pointer("Ada"), Total: "10.50", At: at, audit: audit{"x"}}
		if err := tab.Insert(ctx, first, order{ID: 2, Total: "3", At: at}); err != nil {
			t.Fatal(err)
		}
		want(t, db, "1|Ada|10.50|2024-05-06 07:08:09|x|7\n2|∅|3.00|2024-05-06 07:08:09||7", "SELECT * FROM orders ORDER BY id")
		got, err := tab.Get(ctx, 1)
		if err != nil || *got.Customer != "Ada" || got.Total != "10.50" || !got.At.Equal(at) || got.ChangedBy != "x" {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err = tab.Get(ctx, "2"); err != nil || got.Customer != nil {
			t.Errorf("%+v, %v", got, err)
		}
		wantCode(t, tab.Insert(ctx, order{ID: 3, Total: "0"}, first), sqlerr.UniqueViolation, "a key that exists")
		_, err = tab.Get(ctx, 3)
		if !errors.Is(err, table.ErrNotFound) {
			t.Errorf("a row of an insert that failed: %v", err)
		}
		exec(t, db, "UPDATE orders SET extra = 99")
		if err := tab.Put(ctx, order{ID: 2, Customer: pointer("Ben"), Total: "4"}, order{ID: 3, Total: "5"}); err != nil {
			t.Fatal(err)
		}
		want(t, db, "1|99|Ada\n2|7|Ben\n3|7|∅", "SELECT id, extra, customer FROM orders ORDER BY id") // replaced as a whole
		wantCode(t, tab.Put(ctx, order{ID: 5}, order{ID: 5}), sqlerr.CardinalityViolation, "one key twice")
		if err := tab.Delete(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if err := tab.Delete(ctx, 1); !errors.Is(err, table.ErrNotFound) {
			t.Errorf("Delete of what is not there: %v", err)
		}
		var ids []string
		for o, err := range tab.Scan(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, fmt.Sprint(o.ID))
		}
		sort.Strings(ids)
		if strings.Join(ids, " ") != "2 3" {
			t.Errorf("%v", ids)
		}
		if err := tab.Insert(ctx); err != nil {
			t.Errorf("no rows: %v", err)
		}
		if err := tab.Put(ctx); err != nil {
			t.Errorf("no rows: %v", err)
		}
	}
}

func TestTableErrors(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, `CREATE TABLE t (a int4 PRIMARY KEY, b text, n int4); INSERT INTO t VALUES (1, 'x', NULL);
		CREATE TABLE nokey (a int4); CREATE TABLE two (a int4, b text, PRIMARY KEY (b, a)); INSERT INTO two VALUES (1, 'x')`)
	type full struct {
		A, N int
		B    string
	}
	type typo struct{ A, Nix int }
	type noKey struct{ B string }
	type double struct {
		A int
		X int `db:"a"`
	}
	type inner struct{ B string }
	type embedded struct {
		A int
		*inner
	}
	type wrong struct {
		A int
		B time.Time
	}
	get := func(_ any, err error) error { return err }
	for what, c := range map[string]struct {
		err  error
		code sqlerr.Code
	}{
		"no table":         {get(lamina.TableOf[full](db, "nowhere").Get(ctx, 1)), sqlerr.UndefinedTable},
		"no column":        {get(lamina.TableOf[typo](db, "t").Get(ctx, 1)), sqlerr.UndefinedColumn},
		"no field of key":  {get(lamina.TableOf[noKey](db, "t").Get(ctx, 1)), sqlerr.UndefinedColumn},
		"two fields":       {get(lamina.TableOf[double](db, "t").Get(ctx, 1)), sqlerr.DuplicateColumn},
		"no struct":        {get(lamina.TableOf[int](db, "t").Get(ctx, 1)), sqlerr.InvalidParameterValue},
		"pointer":          {get(lamina.TableOf[*full](db, "t").Get(ctx, 1)), sqlerr.InvalidParameterValue},
		"embedded pointer": {get(lamina.TableOf[embedded](db, "t").Get(ctx, 1)), sqlerr.FeatureNotSupported},
		"NULL":             {get(lamina.TableOf[full](db, "t").Get(ctx, 1)), sqlerr.InvalidParameterValue},
		"wrong type":       {get(lamina.TableOf[wrong](db, "t").Get(ctx, 1)), sqlerr.DatatypeMismatch},
		"wrong key":        {get(lamina.TableOf[full](db, "t").Get(ctx, "one")), sqlerr.InvalidTextRepresentation},
		"two keys":         {get(lamina.TableOf[full](db, "t").Get(ctx, 1, 2)), sqlerr.InvalidParameterValue},
		"no key given":     {get(lamina.TableOf[full](db, "t").Get(ctx)), sqlerr.InvalidParameterValue},
		"no primary key":   {get(lamina.TableOf[struct{ A int }](db, "nokey").Get(ctx, 1)), sqlerr.InvalidTableDefinition},
		"Put without key":  {lamina.TableOf[struct{ A int }](db, "nokey").Put(ctx, struct{ A int }{1}), sqlerr.InvalidTableDefinition},
		"a key of NULL":    {get(lamina.TableOf[full](db, "t").Get(ctx, nil)), sqlerr.NoDataFound},
		"insert NULL key":  {lamina.TableOf[struct{ A *int }](db, "t").Insert(ctx, struct{ A *int }{}), sqlerr.NotNullViolation},
		"put NULL key":     {lamina.TableOf[struct{ A *int }](db, "t").Put(ctx, struct{ A *int }{}), sqlerr.NotNullViolation},
		"out of range":     {lamina.TableOf[struct{ A int64 }](db, "t").Insert(ctx, struct{ A int64 }{1 << 40}), sqlerr.NumericValueOutOfRange},
		"catalog":          {get(lamina.TableOf[full](db, "pg_catalog.pg_class").Get(ctx, 1)), sqlerr.InvalidSchemaName},
	} {
		if code := sqlerr.CodeOf(c.err); code != c.code && what != "catalog" || c.err == nil {
			t.Errorf("%s: %s (%v), want %s", what, code, c.err, c.code)
		}
	}
	for _, err := range lamina.TableOf[full](db, "t").Scan(ctx) {
		wantCode(t, err, sqlerr.InvalidParameterValue, "Scan: NULL into an int")
	}
	type pair struct {
		A int
		B string
	}
	two := lamina.TableOf[pair](db, "two") // the key's columns in the key's order
	if p, err := two.Get(ctx, "x", 1); err != nil || p != (pair{1, "x"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := lamina.TableOf[struct{ A int }](db, "nokey").Insert(ctx, struct{ A int }{1}, struct{ A int }{1}); err != nil {
		t.Error(err)
	}
	exec(t, db, "DROP TABLE t; DROP TABLE two; DROP TABLE nokey") // nothing holds a lock
}

// In a Tx and in a Conn the operations are part of the transaction.
func TestTableInTransactions(t *testing.T) {
	db := open(t, checked(t))
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text)")
	type row struct {
		A int
		B string
	}
	tx := begin(t, db, tableTx)
	tab := lamina.TableOf[row](tx, "t")
	if err := tab.Insert(ctx, row{1, "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Get(ctx, 2); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := tab.Delete(ctx, 2); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("%v", err)
	}
	want(t, tx, "1|x", "SELECT * FROM t") // what is not found has not failed the transaction
	if r, err := tab.Get(ctx, 1); err != nil || r.B != "x" {
		t.Errorf("%+v, %v", r, err)
	}
	for r, err := range tab.Scan(ctx) {
		if err != nil || r.B != "x" {
			t.Errorf("%+v, %v", r, err)
		}
		if err := tab.Put(ctx, row{1, "y"}, row{2, "z"}); err != nil { // beside the scan, which does not see it
			t.Error(err)
		}
	}
	reader, err := tab.ScanArrow(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := arrowText(t, reader); got != "1|y\n2|z" && got != "2|z\n1|y" {
		t.Error(got)
	}
	wantCode(t, tab.Insert(ctx, row{1, "again"}), sqlerr.UniqueViolation, "Insert")
	_, err = tab.Get(ctx, 1)
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "after an error")
	_, err = tab.ScanArrow(ctx)
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "ScanArrow after an error")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	want(t, db, "0", "SELECT count(*) FROM t")
	_, err = tab.Get(ctx, 1)
	wantCode(t, err, sqlerr.NoActiveSQLTransaction, "after the transaction")

	c := connect(t, db)
	tab = lamina.TableOf[row](c, "t")
	if err := tab.Insert(ctx, row{1, "own"}); err != nil {
		t.Fatal(err)
	}
	want(t, db, "1", "SELECT count(*) FROM t")
	exec(t, c, "BEGIN")
	if err := tab.Put(ctx, row{1, "block"}); err != nil {
		t.Fatal(err)
	}
	want(t, db, "own", "SELECT b FROM t")
	exec(t, c, "ROLLBACK")
	want(t, db, "own", "SELECT b FROM t")
}

func TestTableScanArrow(t *testing.T) {
	db := openDir(t, t.TempDir(), checked(t))
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int8 PRIMARY KEY, unused text, b text); INSERT INTO t SELECT g, 'u', 'b' || g FROM generate_series(1, 5000) g")
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "DELETE FROM t WHERE a % 2 = 0; INSERT INTO t VALUES (0, '', NULL)")
	type row struct {
		B *string
		A int64
	}
	r, err := lamina.TableOf[row](db, "t").ScanArrow(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if f := r.Schema().Fields(); len(f) != 2 || f[0].Name != "b" || f[1].Name != "a" {
		t.Errorf("%v", f)
	}
	lines := strings.Split(arrowText(t, r), "\n")
	if len(lines) != 2501 {
		t.Errorf("%d rows", len(lines))
	}
	for _, l := range lines {
		var a int
		if _, err := fmt.Sscanf(l, "b%d|", &a); err != nil && l != "(null)|0" || l != fmt.Sprintf("b%d|%d", a, a) && l != "(null)|0" {
			t.Fatal(l)
		}
	}
	r, err = lamina.TableOf[row](db, "t").ScanArrow(ctx) // released early
	if err != nil || !r.Next() {
		t.Fatal(err)
	}
	r.Release()
	n := 0
	for range lamina.TableOf[row](db, "t").Scan(ctx) { // left early
		if n++; n == 10 {
			break
		}
	}
	exec(t, db, "DROP TABLE t")
}

// A loop body that panics leaves nothing open.
func TestTableScanPanics(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
	func() {
		defer func() { _ = recover() }()
		for range lamina.TableOf[struct{ A int }](db, "t").Scan(t.Context()) {
			panic("mine")
		}
	}()
	exec(t, db, "DROP TABLE t")
}

// Puts of one key at once all succeed, one after the other.
func TestTablePutsAtOnce(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (k int4 PRIMARY KEY, v int4)")
	type row struct{ K, V int }
	tab := lamina.TableOf[row](db, "t")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				if err := tab.Put(t.Context(), row{i % 3, w*100 + i}); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
	}
	wg.Wait()
	want(t, db, "3", "SELECT count(*) FROM t")
}
