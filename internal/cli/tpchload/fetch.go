package tpchload

import (
	"context"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/tpch"
)

// Querier runs queries: a database, or a session of it with settings of its own.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (*lamina.Rows, error)
}

// Fetch runs a query and fetches its rows as PostgreSQL prints them.
func Fetch(ctx context.Context, q Querier, sql string) (result tpch.Result, err error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return result, err
	}
	for _, c := range rows.Columns() {
		result.Columns = append(result.Columns, c.Name)
	}
	for rows.Next() {
		row := make([]tpch.Value, len(result.Columns))
		for i := range row {
			text, ok := rows.Text(i)
			row[i] = tpch.Value{Text: text, Null: !ok}
		}
		result.Rows = append(result.Rows, row)
	}
	return result, rows.Close()
}
