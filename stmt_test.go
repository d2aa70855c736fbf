package lamina_test

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

func TestPrepare(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text)")
	ins, err := db.Prepare(ctx, "INSERT INTO t VALUES ($1, $2)")
	if err != nil {
		t.Fatal(err)
	}
	if p := ins.Params(); len(p) != 2 || p[0].Kind != types.Int4 || p[1].Kind != types.Text {
		t.Errorf("parameters %v", p)
	}
	for i := range 10 {
		r, err := ins.Exec(ctx, i, "x")
		if err != nil || r.RowsAffected != 1 || r.Tag != "INSERT 0 1" || r.Receipt.LSN == 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	_, err = ins.Exec(ctx, 5, "again")
	wantCode(t, err, sqlerr.UniqueViolation, "the same key")
	if _, err := ins.Exec(ctx, 10, nil); err != nil {
		t.Errorf("after an error: %v", err)
	}
	_, err = ins.Exec(ctx, 11)
	wantCode(t, err, sqlerr.ProtocolViolation, "too few arguments")
	if err := ins.Close(); err != nil {
		t.Error(err)
	}
	if err := ins.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	_, err = ins.Exec(ctx, 12, "x")
	wantCode(t, err, sqlerr.ObjectNotInPrerequisiteState, "a closed statement")
	want(t, db, "11|55", "SELECT count(*), sum(a) FROM t")
	for _, bad := range []string{"SELECT FROM", "SELECT nix FROM t", "SELECT 1; SELECT 2", "SELECT * FROM nowhere"} {
		if _, err := db.Prepare(ctx, bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	st, err := db.Prepare(ctx, "-- nothing")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := st.Exec(ctx); err != nil || r.Tag != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// A statement follows changes of its table.
func TestPrepareThenAlter(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'one')")
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, sql := range []string{"SELECT * FROM t WHERE a = $1", "SELECT * FROM t WHERE a + 0 = $1"} {
		exec(t, db, "DROP TABLE t; CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'one')")
		st, err := db.Prepare(ctx, sql)
		if err != nil {
			t.Fatal(err)
		}
		own, err := conn.Prepare(ctx, sql)
		if err != nil {
			t.Fatal(err)
		}
		check := func(wanted string) {
			t.Helper()
			for range 2 {
				rows, err := st.Query(ctx, 1)
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				if got := textOf(rows); got != wanted {
					t.Errorf("%s: %s, want %s", sql, got, wanted)
				}
				if rows, err = own.Query(ctx, 1); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				if got := textOf(rows); got != wanted {
					t.Errorf("%s, on a Conn: %s, want %s", sql, got, wanted)
				}
			}
			want(t, db, wanted, sql, 1)
		}
		check("1|one")
		exec(t, db, "ALTER TABLE t RENAME COLUMN b TO c")
		check("1|one")
		exec(t, db, "DROP TABLE t; CREATE TABLE t (c text, a int8 PRIMARY KEY, d int4); INSERT INTO t VALUES ('uno', 1, 5)")
		check("uno|1|5")
		exec(t, db, "DROP TABLE t")
		_, err = st.Exec(ctx, 1)
		wantCode(t, err, sqlerr.UndefinedTable, "after DROP")
		_, err = own.Exec(ctx, 1)
		wantCode(t, err, sqlerr.UndefinedTable, "after DROP, on a Conn")
		exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1)")
		check("1")
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStmtBusy(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t SELECT g FROM generate_series(1, 10000) g")
	st, err := db.Prepare(ctx, "SELECT a FROM t")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := st.Query(ctx)
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	_, err = st.Query(ctx)
	wantCode(t, err, sqlerr.ObjectInUse, "a second run while rows are open")
	if !rows.Next() {
		t.Errorf("the rows ended: %v", rows.Err())
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	if rows, err = st.Query(ctx); err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil { // ends the rows
		t.Error(err)
	}
	if rows.Next() {
		t.Error("rows after the statement's end")
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
}

// Rows that are closed late do not touch what the session does for others since.
func TestLateCloseOfRows(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t SELECT g FROM generate_series(1, 10000) g")
	var late []*lamina.Rows
	for range 4 {
		tx, err := db.Begin(ctx, tableTx)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := tx.Query(ctx, "SELECT a FROM t")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		if _, err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		late = append(late, rows)
	}
	now, err := db.Query(ctx, "SELECT a FROM t") // in the session that the transactions had
	if err != nil || !now.Next() {
		t.Fatal(err)
	}
	for _, rows := range late {
		if rows.Next() {
			t.Error("a row after the end of the transaction")
		}
		wantCode(t, rows.Close(), sqlerr.InvalidCursorState, "rows of a transaction that has ended")
	}
	n := 1
	for now.Next() {
		n++
	}
	if n != 10000 || now.Close() != nil {
		t.Errorf("%d rows, %v", n, now.Err())
	}
}

// TestRowsOfRunsBefore: the memory of a statement's rows is used by its next run; what was handed out before says what
// it said.
func TestRowsOfRunsBefore(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text NOT NULL); INSERT INTO t VALUES (1, 'one'), (2, 'two')")
	st := prepared(t, db, "SELECT b, a FROM t WHERE a = $1")
	var before []*lamina.Rows
	var values []types.Row
	for _, key := range []int{1, 3, 2} {
		rows, err := st.Query(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values = append(values, append(types.Row(nil), rows.Row()...))
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		before = append(before, rows)
	}
	for i, tag := range []string{"SELECT 1", "SELECT 0", "SELECT 1"} {
		r := before[i]
		cols := r.Columns()
		if r.Tag() != tag || r.Next() || r.Row() != nil || r.Err() != nil || r.Close() != nil || len(cols) != 2 || cols[0].Name != "b" || !cols[0].NotNull {
			t.Errorf("run %d: %s, columns %v, error %v", i, r.Tag(), cols, r.Err())
		}
		if _, ok := r.NextBatch(); ok || tag != fmt.Sprintf("SELECT %d", r.RowsAffected()) {
			t.Errorf("run %d: a batch, or %d rows", i, r.RowsAffected())
		}
	}
	if len(values) != 2 || values[0][0].S != "one" || values[1][0].S != "two" || values[0][1].I != 1 {
		t.Errorf("values %v", values)
	}
}
