package peers

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/internal/cli/duckpy"
	"github.com/laminadb/lamina/internal/cli/peer"
	"github.com/laminadb/lamina/internal/cli/versus"
)

// Names of the systems, besides duckpy.Name.
const (
	DuckDBGo = "DuckDB 1.5.6"
	SQLite   = "SQLite"
)

// Parts are the children.
var Parts = map[string]child.Part{"peer-duckdb": serveDuckDB, "peer-sqlite": serveSQLite}

// Start starts systems by their names. One that this machine cannot run is left out, and the reason noted.
func Start(ctx context.Context, s versus.Settings, names ...string) (systems []versus.System, left []string, err error) {
	for _, name := range names {
		system, err := start(ctx, s, name)
		if u, ok := errors.AsType[*duckpy.UnavailableError](err); ok && ctx.Err() == nil {
			left = append(left, u.Error())
			continue
		}
		if err != nil {
			return systems, left, errors.Join(err, End(systems))
		}
		systems = append(systems, system)
	}
	return systems, left, nil
}

// End ends systems.
func End(systems []versus.System) (err error) {
	for _, s := range systems {
		err = errors.Join(err, s.End())
	}
	return err
}

func start(ctx context.Context, s versus.Settings, name string) (versus.System, error) {
	if name == duckpy.Name {
		p, err := duckpy.Start(ctx, "")
		if err != nil {
			return nil, err
		}
		return versus.NewDuckDB(name, "duckdb-py.db", p, s), nil
	}
	part := "peer-duckdb"
	if name == SQLite {
		part = "peer-sqlite"
	}
	cmd, err := child.Command(ctx, part)
	if err != nil {
		return nil, err
	}
	p, err := peer.Start(name, cmd)
	if err != nil {
		return nil, err
	}
	system := versus.NewDuckDB(name, "duckdb-go.db", p, s)
	if name == SQLite {
		system = versus.NewProcess(name, "sqlite.db", p, s)
		system.Copy = func(table, file string) string { return copyPrefix + table + " " + file }
		system.DDL = func(t *versus.Table) string { return t.DDL(true) }
		system.Sync, system.Aside = "PRAGMA wal_checkpoint(TRUNCATE)", true
	}
	return system, nil
}

// serve answers requests from the standard input.
func serve(ctx context.Context, handle peer.Handler) error {
	return peer.Serve(ctx, os.Stdin, os.Stdout, handle)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
