package analytic

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
)

// laminaDB is a Lamina database in a directory of this process.
type laminaDB struct {
	db      *lamina.DB
	gotBack string
}

func openLamina(dir string, threads int, memoryBytes int64) (*laminaDB, error) {
	db, err := lamina.Open(filepath.Join(dir, "lamina-tpch"), &lamina.Options{Workers: threads, MemoryBytes: memoryBytes})
	if err != nil {
		return nil, err
	}
	gotBack := fmt.Sprintf("Lamina: workers=%d, memory=%.1f GiB (of storage: %.1f GiB), columnar tier",
		threads, float64(memoryBytes)/(1<<30), float64(db.Metrics().MemoryLimit)/(1<<30))
	return &laminaDB{db: db, gotBack: gotBack}, nil
}

func (l *laminaDB) load(ctx context.Context, g *tpch.Generator) (time.Duration, error) {
	stats, err := tpchload.Load(ctx, l.db, g, tpchload.Options{Tier: "columnar"})
	return stats.Duration, err
}

// run runs a query and fetches its rows.
func (l *laminaDB) run(ctx context.Context, text string) (r tpch.Result, took time.Duration, err error) {
	start := time.Now()
	rows, err := l.db.Query(ctx, text)
	if err != nil {
		return r, 0, err
	}
	for _, c := range rows.Columns() {
		r.Columns = append(r.Columns, c.Name)
	}
	for rows.Next() {
		row := make([]tpch.Value, len(r.Columns))
		for i := range row {
			text, ok := rows.Text(i)
			row[i] = tpch.Value{Text: text, Null: !ok}
		}
		r.Rows = append(r.Rows, row)
	}
	err = rows.Close()
	return r, time.Since(start), err
}
