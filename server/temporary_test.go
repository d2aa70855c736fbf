package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/laminadb/lamina/table"
)

// tempSchemas counts the schemas of temporary relations, and the tables in them.
func tempSchemas(t *testing.T, r *rig) (schemas, tables int) {
	t.Helper()
	tx, err := r.db.Engine().Storage().Begin(context.Background(), table.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	ids := map[table.ObjectID]bool{}
	for _, o := range tx.Schema().List(table.KindSchema) {
		if strings.HasPrefix(o.Head().Name, table.TempSchemaPrefix) {
			ids[o.Head().ID] = true
		}
	}
	for _, o := range tx.Schema().List(table.KindTable) {
		if ids[o.Head().Schema] {
			tables++
		}
	}
	return len(ids), tables
}

// TestTemporaryRelationsEnd: with their session, and what a process left that died, with the next one's first.
func TestTemporaryRelationsEnd(t *testing.T) {
	r := start(t, nil)
	a, b := connect(t, r.address, nil), connect(t, r.address, nil)
	a.must("create temp table t as select 1 as a")
	a.must("create temp view v as select * from t")
	b.must("create temp table t (b int)")
	if s, n := tempSchemas(t, r); s != 2 || n != 2 {
		t.Errorf("%d schemas, %d tables", s, n)
	}
	a.must("begin")
	a.must("create temp table u (a int)")
	_ = a.nc.Close()
	// The end of a session is seen once its tables are gone.
	for i := 0; ; i++ {
		if s, n := tempSchemas(t, r); s == 1 && n == 1 {
			break
		} else if i == 100_000 {
			t.Fatalf("after the end of a session: %d schemas, %d tables", s, n)
		}
		b.must("select 1")
	}
	leave(t, r)
	if s, n := tempSchemas(t, r); s != 2 || n != 2 {
		t.Errorf("with what is left: %d schemas, %d tables", s, n)
	}
	b.must("create temp table u (a int)")
	connect(t, r.address, nil).must("create temp table t (c int)")
	if s, n := tempSchemas(t, r); s != 2 || n != 3 {
		t.Errorf("after the sweep: %d schemas, %d tables", s, n)
	}
	if got := b.query(`create schema pg_temp_7`); !strings.Contains(got, "42939") {
		t.Errorf("a schema of a reserved name: %s", got)
	}
}

// leave makes temporary relations of a session that is not there.
func leave(t *testing.T, r *rig) {
	t.Helper()
	ctx := context.Background()
	tx, err := r.db.Engine().Storage().Begin(ctx, table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := tx.Schema().Create(ctx, &table.SchemaDef{Header: table.Header{Kind: table.KindSchema, Name: table.TempSchemaPrefix + "99"}})
	if err == nil {
		_, err = tx.Schema().Create(ctx, &table.TableDef{Header: table.Header{Kind: table.KindTable, Schema: id, Name: "t"}, Method: "memory"})
	}
	if err == nil {
		_, err = tx.Commit(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
}
