package tpchload

import (
	"context"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/tpch"
)

// Fetch runs a query and fetches its rows as PostgreSQL prints them.
func Fetch(ctx context.Context, q lamina.Querier, sql string) (result tpch.Result, err error) {
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
