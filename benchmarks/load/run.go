package load

import (
	"context"
	"errors"
	"fmt"
	"os"

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
}

// The cases.
const (
	LaminaColumns = "Lamina, AppendBatch"
	LaminaRows    = "Lamina, AppendRow"
	DuckRows      = "DuckDB, AppendRow"
)

// Case is one way to load. Rates are rows a second, Processor the seconds of processor time, one for each round.
type Case struct {
	Name             string
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
	lamina := func(asRows bool) run {
		return func(ctx context.Context, dir string, o *Options, r *rows) (machine.Stopwatch, string, error) {
			return loadLamina(ctx, dir, o, r, asRows)
		}
	}
	return []*Case{{Name: LaminaColumns, run: lamina(false)}, {Name: DuckRows, run: loadDuck}, {Name: LaminaRows, run: lamina(true)}}
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
