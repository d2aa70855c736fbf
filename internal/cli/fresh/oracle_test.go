package fresh_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/tpch"
)

// answers returns what PostgreSQL answers to the queries of a workload.
func answers(ctx context.Context, t *testing.T, w *versus.Workload, name string) map[string]tpch.Result {
	t.Helper()
	file := filepath.Join("testdata", name+".json.gz")
	if *oracle == "" {
		if *scale != 0.01 {
			t.Fatal("-sf: answers of another scale factor than 0.01 come from an -oracle")
		}
		return read(t, file)
	}
	got, err := ask(ctx, *oracle, w)
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := write(file, got); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func read(t *testing.T, name string) (all map[string]tpch.Result) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(&all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(name string, all map[string]tpch.Result) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(z).Encode(all), z.Close(), f.Close())
}

// schema is that of the oracle's tables, which is dropped first and last; indexes are what correlated subqueries look up.
const (
	schema  = "lamina_fresh"
	setup   = "set client_min_messages = warning; drop schema if exists " + schema + " cascade; create schema " + schema + "; set search_path = " + schema
	indexes = "create index on lineitem (l_partkey, l_suppkey); create index on orders (o_custkey); analyze; set work_mem = '256MB'"
)

func ask(ctx context.Context, dsn string, w *versus.Workload) (all map[string]tpch.Result, err error) {
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	run := func(sql string) error { _, err := conn.Exec(ctx, sql).ReadAll(); return err }
	if err := run(setup); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run("drop schema "+schema+" cascade")) }()
	for i := range w.Tables {
		t := &w.Tables[i]
		if err := run(t.DDL(true)); err != nil {
			return nil, err
		}
		r, out := io.Pipe()
		go func() { out.CloseWithError(t.Write(ctx, out)) }()
		_, err := conn.CopyFrom(ctx, r, "copy "+t.Name+` from stdin (format csv, delimiter '|', quote E'\x01')`)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
	}
	if err := run(indexes); err != nil {
		return nil, err
	}
	all = map[string]tpch.Result{}
	for _, q := range w.Queries {
		if all[q.Name], err = result(ctx, conn, q.Text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func result(ctx context.Context, conn *pgconn.PgConn, text string) (r tpch.Result, err error) {
	got := conn.ExecParams(ctx, text, nil, nil, nil, nil)
	for got.NextRow() {
		values := make([]tpch.Value, len(got.Values()))
		for i, v := range got.Values() {
			values[i] = tpch.Value{Text: string(v), Null: v == nil}
		}
		r.Rows = append(r.Rows, values)
	}
	for _, f := range got.FieldDescriptions() {
		r.Columns = append(r.Columns, strings.Clone(f.Name))
	}
	if _, err := got.Close(); err != nil {
		return r, fmt.Errorf("%w: %s", err, text)
	}
	return r, nil
}
