package workload

import (
	"context"
	"fmt"
	"io"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/tpch"
)

// TPCH returns all queries of TPC-H with the parameters of the specification's validation runs. Where there are expected answers
// for the scale factor Lamina's are held against them.
func TPCH(sf float64) (*versus.Workload, error) {
	g, err := tpch.New(sf)
	if err != nil {
		return nil, err
	}
	w := &versus.Workload{
		Name: "tpch", Title: fmt.Sprintf("TPC-H at scale factor %v", sf),
		Load: func(ctx context.Context, db *lamina.DB) error {
			_, err := tpchload.Load(ctx, db, g, tpchload.Options{Tier: "columnar"})
			return err
		},
	}
	for _, t := range tpch.Tables() {
		w.Tables = append(w.Tables, tpchTable(g, t))
	}
	for n := 1; n <= tpch.NumQueries; n++ {
		q := versus.Query{Name: fmt.Sprintf("Q%d", n), Text: tpch.Query(n), Keys: tpch.OrderKeys(n)}
		if _, ok := tpch.Answer(sf, n); ok {
			q.Check = func(r tpch.Result) error { return tpch.Compare(sf, n, r) }
		}
		w.Queries = append(w.Queries, q)
	}
	return w, nil
}

func tpchTable(g *tpch.Generator, t tpch.Table) versus.Table {
	out := versus.Table{
		Name: t.Name(), Rows: g.Rows(t),
		Write: func(ctx context.Context, w io.Writer) error {
			return g.WriteTBL(ctx, w, t, false, tpch.GenerateOptions{})
		},
	}
	for _, c := range t.Columns() {
		out.Columns = append(out.Columns, versus.Column{Name: c.Name, Type: c.SQLType(), Nullable: c.Nullable})
	}
	for _, k := range t.PrimaryKey() {
		out.Key = append(out.Key, t.Columns()[k].Name)
	}
	return out
}
