package analytic

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/laminadb/lamina/benchmarks/duck"
	"github.com/laminadb/lamina/tpch"
)

// duckDB is a DuckDB database file in this process, with one connection.
type duckDB struct {
	db      *sql.DB
	gotBack string
}

func openDuck(ctx context.Context, dir string, threads int, memoryBytes int64) (d *duckDB, err error) {
	d = &duckDB{}
	d.db, d.gotBack, err = duck.Open(ctx, filepath.Join(dir, "duck.db"), threads, memoryBytes)
	return d, err
}

// load creates the tables without primary keys, whose indexes would slow the load and help no
// query, and fills them from files.
func (d *duckDB) load(ctx context.Context, g *tpch.Generator, dir string) (time.Duration, error) {
	var took time.Duration
	for _, t := range tpch.Tables() {
		name := filepath.Join(dir, t.Name()+".tbl")
		if err := writeTBL(ctx, g, t, name); err != nil {
			return 0, err
		}
		columns := make([]string, len(t.Columns()))
		for i, c := range t.Columns() {
			columns[i] = c.Name + " " + c.SQLType() + " NOT NULL"
		}
		start := time.Now()
		for _, text := range []string{
			"CREATE TABLE " + t.Name() + " (" + strings.Join(columns, ", ") + ")",
			"COPY " + t.Name() + " FROM '" + strings.ReplaceAll(name, "'", "''") + "' " +
				"(FORMAT csv, DELIMITER '|', HEADER false, QUOTE '')",
		} {
			if _, err := d.db.ExecContext(ctx, text); err != nil {
				return 0, fmt.Errorf("duckdb: %s: %w", t, err)
			}
		}
		took += time.Since(start)
		if err := os.Remove(name); err != nil {
			return 0, err
		}
		var rows int64
		if err := d.db.QueryRowContext(ctx, "SELECT count(*) FROM "+t.Name()).Scan(&rows); err != nil {
			return 0, err
		}
		if rows != g.Rows(t) {
			return 0, fmt.Errorf("duckdb: %s has %d rows, want %d", t, rows, g.Rows(t))
		}
	}
	start := time.Now()
	_, err := d.db.ExecContext(ctx, "CHECKPOINT")
	return took + time.Since(start), err
}

func writeTBL(ctx context.Context, g *tpch.Generator, t tpch.Table, name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = g.WriteTBL(ctx, f, t, false, tpch.GenerateOptions{})
	return errors.Join(err, f.Close())
}

// run runs a query and fetches its rows.
func (d *duckDB) run(ctx context.Context, text string) (r tpch.Result, took time.Duration, err error) {
	start := time.Now()
	rows, err := d.db.QueryContext(ctx, text)
	if err != nil {
		return r, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if r.Columns, err = rows.Columns(); err != nil {
		return r, 0, err
	}
	values := make([]any, len(r.Columns))
	pointers := make([]any, len(values))
	for i := range values {
		pointers[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return r, 0, err
		}
		row := make([]tpch.Value, len(values))
		for i, v := range values {
			if row[i], err = valueOf(v); err != nil {
				return r, 0, err
			}
		}
		r.Rows = append(r.Rows, row)
	}
	return r, time.Since(start), rows.Err()
}

// valueOf prints a value.
func valueOf(v any) (tpch.Value, error) {
	switch v := v.(type) {
	case nil:
		return tpch.Value{Null: true}, nil
	case string:
		return tpch.Value{Text: v}, nil
	case int64:
		return tpch.Value{Text: strconv.FormatInt(v, 10)}, nil
	case int32:
		return tpch.Value{Text: strconv.FormatInt(int64(v), 10)}, nil
	case float64:
		return tpch.Value{Text: strconv.FormatFloat(v, 'g', -1, 64)}, nil
	case *big.Int:
		return tpch.Value{Text: v.String()}, nil
	case duckdb.Decimal:
		return tpch.Value{Text: decimalText(v.Value, int(v.Scale))}, nil
	case time.Time:
		return tpch.Value{Text: v.Format(time.DateOnly)}, nil
	}
	return tpch.Value{}, fmt.Errorf("duckdb: a value of Go type %T is not expected", v)
}

// decimalText prints n × 10^-scale with all digits.
func decimalText(n *big.Int, scale int) string {
	digits := new(big.Int).Abs(n).String()
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	text := digits[:len(digits)-scale]
	if scale > 0 {
		text += "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		return "-" + text
	}
	return text
}

func (d *duckDB) close() error { return d.db.Close() }
