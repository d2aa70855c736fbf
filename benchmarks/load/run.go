package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/machine"
)

// Options say what is measured; all must be set.
type Options struct {
	// Dir is a folder on a disk.
	Dir string
	// ScaleFactor of the rows.
	ScaleFactor float64
	// Rounds of all cases.
	Rounds      int
	Threads     int
	MemoryBytes int64
	Progress    func(string)

	want sums
	csv  string // the file with the rows
}

// The cases.
const (
	LaminaColumns = "Lamina, AppendBatch"
	LaminaRows    = "Lamina, AppendRow"
	DuckRows      = "DuckDB, AppendRow"
	LaminaCopy    = "Lamina, COPY csv"
	DuckCopy      = "DuckDB, COPY csv"
)

// Case is one way to load; Peer is the name of the one that it is shown beside. Rates are rows a second, Processor the seconds of processor time, one for each round.
type Case struct {
	Name, Peer       string
	Rates, Processor []float64

	run func(ctx context.Context, dir string, o *Options, r *rows) (machine.Stopwatch, string, error)
}

// Result is what was measured.
type Result struct {
	Rows     int64
	Cases    []*Case
	Settings []string
}

// Case returns a case by name.
func (r *Result) Case(name string) *Case {
	for _, c := range r.Cases {
		if c.Name == name {
			return c
		}
	}
	return &Case{}
}

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	if _, err := machine.FileSystem(o.Dir); err != nil {
		return r, err
	}
	o.Progress("load: making the rows")
	data, err := makeRows(ctx, o.ScaleFactor)
	if err != nil {
		return r, err
	}
	o.want, r.Rows = data.sums(), data.n
	o.csv = filepath.Join(o.Dir, "lineitem.csv")
	if err := data.csvFile(o.csv); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.Remove(o.csv)) }()
	r.Cases = cases()
	settings := map[string]bool{}
	for round := range o.Rounds {
		for i := range r.Cases {
			c := r.Cases[i]
			if round%2 == 1 {
				c = r.Cases[len(r.Cases)-1-i]
			}
			o.Progress("load: " + c.Name)
			gotBack, err := c.round(ctx, &o, data)
			if err != nil {
				return r, fmt.Errorf("load, %s: %w", c.Name, err)
			}
			if !settings[gotBack] {
				settings[gotBack] = true
				r.Settings = append(r.Settings, gotBack)
			}
		}
	}
	return r, nil
}

func cases() []*Case {
	type run = func(ctx context.Context, dir string, o *Options, r *rows) (machine.Stopwatch, string, error)
	lamina := func(load func(ctx context.Context, db *lamina.DB, o *Options, r *rows) (machine.Stopwatch, error)) run {
		return func(ctx context.Context, dir string, o *Options, r *rows) (machine.Stopwatch, string, error) {
			return loadLamina(ctx, dir, o, r, func(db *lamina.DB) (machine.Stopwatch, error) { return load(ctx, db, o, r) })
		}
	}
	duck := func(load func(ctx context.Context, conn *sql.Conn, o *Options, r *rows) (machine.Stopwatch, error)) run {
		return func(ctx context.Context, dir string, o *Options, r *rows) (machine.Stopwatch, string, error) {
			return loadDuck(ctx, dir, o, func(conn *sql.Conn) (machine.Stopwatch, error) { return load(ctx, conn, o, r) })
		}
	}
	return []*Case{
		{Name: LaminaColumns, Peer: DuckRows, run: lamina(appendLaminaColumns)},
		{Name: DuckRows, run: duck(appendDuck)},
		{Name: LaminaRows, Peer: DuckRows, run: lamina(appendLaminaRows)},
		{Name: DuckCopy, run: duck(copyDuck)},
		{Name: LaminaCopy, Peer: DuckCopy, run: lamina(copyLamina)},
	}
}

// round loads everything into a new database.
func (c *Case) round(ctx context.Context, o *Options, r *rows) (gotBack string, err error) {
	dir, err := os.MkdirTemp(o.Dir, "load-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, gotBack, err := c.run(ctx, dir, o, r)
	if err != nil {
		return "", err
	}
	c.Rates = append(c.Rates, float64(r.n)/w.Wall.Seconds())
	c.Processor = append(c.Processor, w.Processor.Seconds())
	return gotBack, nil
}
