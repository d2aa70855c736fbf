package ratchet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
)

// Cost is that of one run of a query.
type Cost struct {
	// Units is processor time, of which the loop needs one; Objects are allocated on the Go heap.
	Units   float64
	Objects uint64
}

// Costs are by the numbers of queries.
type Costs [tpch.NumQueries + 1]Cost

// Measurer runs the queries on one worker.
type Measurer struct {
	db *lamina.DB
	// seconds, loop and objects are the least so far.
	seconds [tpch.NumQueries + 1]float64
	objects [tpch.NumQueries + 1]uint64
	loop    float64
}

// memoryBytes is that of the database.
const memoryBytes = 1 << 30

// Open makes the database in a folder.
func Open(ctx context.Context, dir string, sf float64) (*Measurer, error) {
	g, err := tpch.New(sf)
	if err != nil {
		return nil, err
	}
	db, err := lamina.Open(filepath.Join(dir, "ratchet"), &lamina.Options{Workers: 1, MemoryBytes: memoryBytes})
	if err != nil {
		return nil, err
	}
	if _, err := tpchload.Load(ctx, db, g, tpchload.Options{Tier: "columnar"}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	m := &Measurer{db: db, loop: math.Inf(1)}
	for n := range m.seconds {
		m.seconds[n], m.objects[n] = math.Inf(1), math.MaxUint64
	}
	for _, t := range tpch.Tables() {
		if _, err := db.Exec(ctx, "VACUUM FULL "+t.Name()); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return m, nil
}

// Close ends it.
func (m *Measurer) Close() error { return m.db.Close() }

// Measure runs every query so many times more, and returns what it has cost so far.
func (m *Measurer) Measure(ctx context.Context, runs int) (c Costs, err error) {
	for range runs {
		for n := 1; n <= tpch.NumQueries; n++ {
			m.loop = min(m.loop, calibrate())
			if err := m.run(ctx, n); err != nil {
				return c, fmt.Errorf("Q%d: %w", n, err)
			}
		}
	}
	for n := 1; n <= tpch.NumQueries; n++ {
		c[n] = Cost{Units: m.seconds[n] / m.loop, Objects: m.objects[n]}
	}
	return c, nil
}

func (m *Measurer) run(ctx context.Context, n int) error {
	var before, after runtime.MemStats
	var w machine.Stopwatch
	runtime.ReadMemStats(&before)
	err := w.Time(func() error {
		rows, err := m.db.Query(ctx, tpch.Query(n))
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return rows.Close()
	})
	runtime.ReadMemStats(&after)
	m.seconds[n] = min(m.seconds[n], w.Processor.Seconds())
	m.objects[n] = min(m.objects[n], after.Mallocs-before.Mallocs)
	return err
}

// table is what the loop reads: it stays in the caches of a core, so that the loop is as quick beside other work as without.
var table = make([]uint64, 1<<12)

// calibrate returns the processor time of a loop with the mix of a query: arithmetic on values in order, and reads at places that
// hashes tell.
func calibrate() float64 {
	var w machine.Stopwatch
	_ = w.Time(func() error {
		h := uint64(1)
		for range 256 {
			for i := range table {
				table[i] += uint64(i) * 3
				h = (h ^ table[i]) * 0x9e3779b97f4a7c15
				h += table[h>>52]
			}
		}
		table[0] = h
		return nil
	})
	return w.Processor.Seconds()
}
