package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

const definition = "CREATE TABLE t (id int8 PRIMARY KEY, a int8, b float8, c text)"

// keyOf returns the key of row i: the finalizer of splitmix64 maps numbers to numbers one to one.
func keyOf(i int64) int64 {
	x := uint64(i) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int64(x ^ x>>31)
}

// textOf returns 40 characters, half of which nobody can foretell.
func textOf(key int64) string { return fmt.Sprintf("customer %016x, 21 the street", uint64(key)) }

// insert commits rows [from, to).
func insert(ctx context.Context, db *lamina.DB, from, to int64) error {
	app, err := db.Appender(ctx, "t")
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		key := keyOf(i)
		if err := app.AppendRow(ctx, key, i, 0.5, textOf(key)); err != nil {
			return errors.Join(err, app.Abort())
		}
	}
	return app.Close(ctx)
}

// check demands that the table has rows [0, n), by their number and the sums of their columns.
func check(ctx context.Context, db *lamina.DB, n int64) error {
	keys := new(big.Int)
	for i := range n {
		keys.Add(keys, big.NewInt(keyOf(i)))
	}
	want := fmt.Sprintf("%d %v %d %d", n, keys, n*(n-1)/2, n*40)
	rows, err := db.Query(ctx, "SELECT count(*), sum(id), sum(a), sum(length(c)) FROM t")
	if err != nil {
		return err
	}
	got := ""
	for rows.Next() {
		for col := range 4 {
			text, _ := rows.Text(col)
			got += " " + text
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if got = strings.TrimSpace(got); got != want {
		return fmt.Errorf("the table has %s, want %s", got, want)
	}
	return nil
}

// columnar returns what is counted of columnar tables.
func columnar(m *table.Metrics) table.TierMetrics {
	for i := range m.Tiers {
		if m.Tiers[i].Name == "columnar" {
			return m.Tiers[i]
		}
	}
	return table.TierMetrics{}
}
