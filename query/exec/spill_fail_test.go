package exec

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// cancelTemp cancels its query with a write.
type cancelTemp struct {
	fakeTemp
	writes int
	cancel context.CancelFunc
}

func (f *cancelTemp) Write(b []byte) (int, error) {
	if f.writes--; f.writes == 0 {
		f.cancel()
	}
	return f.fakeTemp.Write(b)
}

// TestSpillEnds: sorts, joins, aggregations and set operations that run out of disk, or are canceled, in the midst of spilling
// end with that, and leave neither memory nor files.
func TestSpillEnds(t *testing.T) {
	w := newWorld(t, 15)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text)}
	tab := w.table("t", columnsOf(ts...), w.rows(30000, ts, false, 0))
	tab.morsel = 1500
	scan := scanOf(tab)
	keys := []expr.Expr{col(scan, 0), col(scan, 1)}
	set := &plan.SetOp{L: scan, R: scan, Kind: plan.Intersect}
	set.Out = scan.Out
	for name, root := range map[string]plan.Node{
		"sort":          sortOf(scan, plan.SortKey{Expr: col(scan, 1)}),
		"join":          joinOf(plan.Full, scan, scan, keys, keys, nil),
		"aggregate":     aggOf(scan, keys, agg(t, "count", false, nil)),
		"set operation": set,
	} {
		for _, room := range []int{1, 100_000, 0} {
			var open atomic.Int32
			ctx, cancel := context.WithCancel(t.Context())
			tr := mem.NewTracker("test", 4<<20)
			env := &Env{Stmt: w.stmt, Mem: tr, Pool: w.pool, VectorRows: 2048, Workers: 2, Spill: Spill{Open: func() (TempFile, error) {
				open.Add(1)
				f := &cancelTemp{fakeTemp: fakeTemp{open: &open, room: room, err: fmt.Errorf("write: %w", syscall.ENOSPC)}, cancel: cancel}
				if room == 0 {
					f.writes = 20
				}
				return f, nil
			}}}
			q, err := Instantiate(ctx, &plan.Query{Root: root}, env)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = q.Next(ctx)
			}
			if cerr := q.Close(); cerr != nil || tr.Used() != 0 || open.Load() != 0 {
				t.Errorf("%s: %v, %d bytes and %d files are left", name, cerr, tr.Used(), open.Load())
			}
			cancel()
			if room == 0 && !errors.Is(err, context.Canceled) || room > 0 && sqlerr.CodeOf(err) != sqlerr.DiskFull {
				t.Errorf("%s with room for %d bytes: %v", name, room, err)
			}
		}
	}
}
