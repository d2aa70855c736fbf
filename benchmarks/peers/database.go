package peers

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/laminadb/lamina/internal/cli/peer"
)

// database does what requests say with a driver of database/sql.
type database struct {
	db   *sql.DB
	open func(ctx context.Context, r peer.Request) (db *sql.DB, settings string, err error)
	// exec, if not nil, is what executes statements; text rewrites queries.
	exec func(ctx context.Context, db *sql.DB, text string) error
	text func(text string) string
	// timeMax bounds a query, if it is not 0.
	timeMax time.Duration
}

func (d *database) handle(ctx context.Context, r peer.Request) (a peer.Answer, err error) {
	switch r.Op {
	case peer.Open:
		d.db, a.Text, err = d.open(ctx, r)
	case peer.Exec:
		start := time.Now()
		err = d.exec(ctx, d.db, r.SQL)
		a.Millis = float64(time.Since(start).Microseconds()) / 1e3
	case peer.Query:
		return d.query(ctx, r)
	case peer.Peak:
		a.Bytes = peer.PeakBytes()
	case peer.Finish:
		err = d.db.Close()
	default:
		err = fmt.Errorf("no operation %q", r.Op)
	}
	return a, err
}

// query runs a query and fetches its rows as Go values; they become text when the clock has stopped.
func (d *database) query(ctx context.Context, r peer.Request) (a peer.Answer, err error) {
	if d.timeMax > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.timeMax, fmt.Errorf("more than %v", d.timeMax))
		defer cancel()
	}
	start := time.Now()
	columns, values, err := fetch(ctx, d.db, d.text(r.SQL))
	a.Millis = float64(time.Since(start).Microseconds()) / 1e3
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return a, err
	}
	a.Columns, a.Count = columns, len(values)/len(columns)
	if !r.Rows {
		return a, nil
	}
	for i := 0; i < len(values); i += len(columns) {
		row := make([]*string, len(columns))
		for k, v := range values[i : i+len(columns)] {
			if row[k], err = textOf(v); err != nil {
				return a, err
			}
		}
		a.Rows = append(a.Rows, row)
	}
	return a, nil
}

func fetch(ctx context.Context, db *sql.DB, text string) (columns []string, values []any, err error) {
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	if columns, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	row, pointers := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		pointers[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return nil, nil, err
		}
		values = append(values, row...)
	}
	return columns, values, rows.Err()
}

// textOf prints a value.
func textOf(v any) (*string, error) {
	var text string
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		text = v
	case []byte:
		text = string(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	case int32:
		text = strconv.FormatInt(int64(v), 10)
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	case *big.Int:
		text = v.String()
	case duckdb.Decimal:
		text = decimalText(v.Value, int(v.Scale))
	case time.Time:
		text = v.Format(time.DateOnly)
	default:
		return nil, fmt.Errorf("a value of Go type %T is not expected", v)
	}
	return &text, nil
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
