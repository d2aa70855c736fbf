package tpchload_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// columnTypes are the types that a table's columns have in the database.
func columnTypes(t tpch.Table) []types.Type {
	var ts []types.Type
	for _, c := range t.Columns() {
		switch c.Kind {
		case tpch.BigInt:
			ts = append(ts, types.T(types.Int8))
		case tpch.Integer:
			ts = append(ts, types.T(types.Int4))
		case tpch.Decimal:
			ts = append(ts, types.NumericPS(15, 2))
		case tpch.Date:
			ts = append(ts, types.T(types.Date))
		case tpch.Char:
			ts = append(ts, types.CharN(c.Length))
		case tpch.VarChar:
			ts = append(ts, types.VarcharN(c.Length))
		}
	}
	return ts
}

// TestColumns compares every value of every table with the text form of dbgen.
func TestColumns(t *testing.T) {
	g, err := tpch.New(0.001)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, table := range tpch.Tables() {
		cols := tpchload.NewColumns(columnTypes(table))
		b := tpch.NewBatch(table)
		for first := int64(0); first < g.Units(table); first += 300 { // the Columns is used again
			if err := g.Fill(b, first, min(300, g.Units(table)-first)); err != nil {
				t.Fatal(err)
			}
			if err := cols.Set(b); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(tpch.AppendTBL(nil, b, false)), "\n"), "\n")
			if len(lines) != cols.Len() || cols.Bytes() <= 0 {
				t.Fatalf("%s: %d rows of %d bytes, want %d", table, cols.Len(), cols.Bytes(), len(lines))
			}
			for at := 0; at < cols.Len(); at += 100 {
				n := min(100, cols.Len()-at)
				checked += checkRows(t, table, cols.Rows(at, n), lines[at:at+n])
			}
		}
	}
	if checked < 100_000 {
		t.Fatalf("only %d values were compared", checked)
	}
}

func checkRows(t *testing.T, table tpch.Table, b *vec.Batch, lines []string) (checked int) {
	t.Helper()
	for i, line := range lines {
		for c, want := range strings.Split(line, "|") {
			typ := columnTypes(table)[c]
			got := strings.TrimRight(string(types.AppendText(nil, b.BatchDatum(c, i), typ, nil)), " ")
			if typ.Kind == types.Numeric && !strings.Contains(want, ".") {
				want += ".00" // dbgen writes whole quantities
			}
			if got != strings.TrimRight(want, " ") {
				t.Fatalf("%s, column %d: %q, want %q", table, c, got, want)
			}
			checked++
		}
	}
	return checked
}

func TestColumnsOfOtherTypes(t *testing.T) {
	g, err := tpch.New(0.001)
	if err != nil {
		t.Fatal(err)
	}
	b := tpch.NewBatch(tpch.Region)
	if err := g.Fill(b, 0, 5); err != nil {
		t.Fatal(err)
	}
	ts := columnTypes(tpch.Region)
	if err := tpchload.NewColumns(ts[:2]).Set(b); err == nil {
		t.Error("two columns for three were accepted")
	}
	ts[0] = types.T(types.Int4)
	if err := tpchload.NewColumns(ts).Set(b); err == nil || !strings.Contains(err.Error(), "r_regionkey") {
		t.Errorf("a column of another type: %v", err)
	}
}

// TestMixed loads both ways and holds the tables, the counts and an old snapshot against each other.
func TestMixed(t *testing.T) {
	ctx := context.Background()
	g, err := tpch.New(0.01)
	if err != nil {
		t.Fatal(err)
	}
	var sums []string
	for _, mixed := range []bool{false, true} {
		db, err := lamina.Open("", nil)
		if err != nil {
			t.Fatal(err)
		}
		var last int64
		stats, err := tpchload.Load(ctx, db, g, tpchload.Options{Mixed: mixed, Progress: func(n int64) { last = n }})
		if err != nil {
			t.Fatal(err)
		}
		if last != stats.Rows || stats.BulkRows+stats.SmallRow != stats.Rows || mixed != (stats.Small > 500) {
			t.Errorf("mixed %v: %+v, progress %d", mixed, stats, last)
		}
		if mixed {
			churn(ctx, t, db)
		}
		sums = append(sums, sumOf(ctx, t, db))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("rows differ:\n%s\n%s", sums[0], sums[1])
	}
}

func churn(ctx context.Context, t *testing.T, db *lamina.DB) {
	t.Helper()
	s, err := tpchload.TakeSnapshot(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tpchload.Churn(ctx, db, "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Updated < 500 || c.Reinserted < 500 {
		t.Errorf("changed only %+v", c)
	}
	if _, err := db.Exec(ctx, "DELETE FROM lineitem WHERE l_orderkey = 1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	fresh, err := tpchload.TakeSnapshot(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.Close(); err != nil {
		t.Error(err)
	}
	// What was deleted comes back, so that both loads can be compared.
	cols := tpchload.NewColumns(columnTypes(tpch.LineItem))
	b := tpch.NewBatch(tpch.LineItem)
	g, err := tpch.New(0.01)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Fill(b, 0, 1); err != nil {
		t.Fatal(err)
	}
	if err := cols.Set(b); err != nil {
		t.Fatal(err)
	}
	app, err := db.Appender(ctx, "lineitem")
	if err != nil {
		t.Fatal(err)
	}
	if err := app.AppendBatch(ctx, cols.Rows(0, cols.Len())); err != nil {
		t.Fatal(err)
	}
	if err := app.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// sumOf reads every column of lineitem and counts the other tables.
func sumOf(ctx context.Context, t *testing.T, db *lamina.DB) string {
	t.Helper()
	var texts []string
	queries := []string{"SELECT sum(l_orderkey * l_linenumber), sum(l_partkey), sum(l_suppkey), sum(l_quantity), " +
		"sum(l_extendedprice), sum(l_discount), sum(l_tax), min(l_shipdate), max(l_receiptdate), sum(length(l_comment)), " +
		"sum(length(l_shipinstruct)) FROM lineitem"}
	for _, table := range tpch.Tables() {
		queries = append(queries, fmt.Sprintf("SELECT count(*) FROM %s", table))
	}
	for _, q := range queries {
		rows, err := db.Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			for i := range rows.Columns() {
				text, _ := rows.Text(i)
				texts = append(texts, text)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(texts, " ")
}
