package analytic

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/laminadb/lamina/tpch"
)

// profileTime is how long a query is run for its profile.
const profileTime = time.Second

// profile writes a CPU profile of Lamina for each query whose answer is right.
func (r *Result) profile(ctx context.Context, o Options, l *laminaDB) error {
	for _, q := range r.Queries {
		if q.Problem != "" {
			continue
		}
		o.Progress(fmt.Sprintf("TPC-H: profile of query %d", q.Number))
		if err := profileQuery(ctx, filepath.Join(o.ProfileDir, fmt.Sprintf("q%02d.pprof", q.Number)), q.Number, l); err != nil {
			return err
		}
	}
	return nil
}

func profileQuery(ctx context.Context, name string, number int, l *laminaDB) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for start := time.Now(); time.Since(start) < profileTime; {
		if _, _, err := l.run(ctx, tpch.Query(number)); err != nil {
			return err
		}
	}
	return nil
}
