package lsm

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// morselRows is the number of rows that a morsel has, about.
const morselRows = 64 << 10

// scan is a table.Scan on ranges of keys. What it takes over of the conditions are the ranges, and tests of the stored
// values, before any column is decoded that is only read.
type scan struct {
	ts       *tableSnapshot
	cols     []int
	types    []types.Type // of cols
	refs     bool
	rows     int // of a vector
	accepted []table.Pushdown
	where    []condition
	// morsels are what is read, each some ranges.
	morsels  [][]keyRange
	ranges   int64 // in all; 0: the whole table
	unbound  bool  // ranges of keys must not be used
	narrowed atomic.Pointer[narrowed]
	next     atomic.Int64
	closed   atomic.Bool
	builders sync.Pool
	report   struct{ morsels, rows, skipped atomic.Int64 }
}

// narrowed is what came in since the scan began.
type narrowed struct {
	where  []condition
	bounds [][]keyRange
}

// Scan begins a scan of the rows that the snapshot sees, in the order of their keys.
func (s *tableSnapshot) Scan(spec *table.ScanSpec) (table.Scan, error) {
	x := &scan{ts: s, cols: spec.Cols, refs: spec.Refs, rows: spec.VectorRows}
	if x.rows <= 0 || x.rows > vec.Size {
		x.rows = vec.Size
	}
	for _, c := range spec.Cols {
		if c < 0 || c >= len(s.d.types) {
			return nil, sqlerr.Newf(sqlerr.InternalError, "scan of column %d of table %s", c, s.def.Name)
		}
		x.types = append(x.types, s.d.types[c])
	}
	x.accepted = make([]table.Pushdown, len(spec.Where))
	never := false
	for i := range spec.Where {
		c, how := s.d.condition(&spec.Where[i])
		if x.accepted[i] = how; how != table.None {
			x.where = append(x.where, c)
			never = never || c.never
		}
	}
	inOrder(x.where)
	if x.unbound = spec.Avoid.Bounds; never && !x.unbound {
		return x, nil
	}
	ranges, bounded := x.bounds(spec.Where)
	if bounded {
		x.ranges = int64(len(ranges))
	}
	x.morsels = s.d.split(ranges)
	return x, nil
}

// bounds returns the ranges of keys that the rows which meet the conjuncts are in; bounded is false if that is the whole table.
func (s *scan) bounds(where []table.Conjunct) (list []keyRange, bounded bool) {
	if s.unbound {
		where = nil
	}
	return s.ts.d.ranges(where)
}

// inOrder sorts conditions by their columns: a row is gone over once.
func inOrder(where []condition) {
	slices.SortStableFunc(where, func(a, b condition) int { return a.col - b.col })
}

// split cuts ranges, which are in order, into lists of about morselRows rows.
func (d *data) split(ranges []keyRange) (list [][]keyRange) {
	cuts := d.cuts()
	var cur []keyRange
	flush := func() {
		if len(cur) > 0 {
			list, cur = append(list, cur), nil
		}
	}
	for _, r := range ranges {
		for len(cuts) > 0 && string(cuts[0]) <= string(r.from) {
			cuts = cuts[1:]
			flush()
		}
		for len(cuts) > 0 && string(cuts[0]) < string(r.to) {
			cur = append(cur, keyRange{r.from, cuts[0]})
			flush()
			r.from, cuts = cuts[0], cuts[1:]
		}
		cur = append(cur, r)
	}
	flush()
	return list
}

// cuts returns keys, as Pebble has them, that are about morselRows rows apart.
func (d *data) cuts() [][]byte {
	pieces := int(d.live.Load() / morselRows)
	if pieces == 0 {
		return nil
	}
	keys := d.sample.sorted()
	var out [][]byte
	step := max(1, len(keys)/(pieces+1))
	for i := step; i < len(keys); i += step {
		if at := appendRowKey(nil, d.inc, keys[i]); len(out) == 0 || !bytes.Equal(at, out[len(out)-1]) {
			out = append(out, at)
		}
	}
	return out
}

func (s *scan) Accepted() []table.Pushdown { return s.accepted }

// Narrow takes a condition over for what is not yet read.
func (s *scan) Narrow(c table.Conjunct) table.Pushdown {
	x, how := s.ts.d.condition(&c)
	if how == table.None || invariants.Mutant("lsm-narrow-nothing") {
		return table.None
	}
	ranges, bounded := s.bounds([]table.Conjunct{c})
	for {
		old := s.narrowed.Load()
		n := &narrowed{}
		if old != nil {
			n.where, n.bounds = slices.Clone(old.where), slices.Clone(old.bounds)
		}
		n.where = append(n.where, x)
		inOrder(n.where)
		if bounded {
			n.bounds = append(n.bounds, ranges)
		}
		if s.narrowed.CompareAndSwap(old, n) {
			return table.Inexact
		}
	}
}

// NextMorsel hands out the next ranges of keys.
func (s *scan) NextMorsel(ctx context.Context) (table.Morsel, error) {
	for {
		if ctx.Err() != nil {
			return nil, sqlerr.Canceled(ctx)
		}
		i := int(s.next.Add(1)) - 1
		if i >= len(s.morsels) || s.closed.Load() {
			return nil, io.EOF
		}
		ranges := s.morsels[i]
		if n := s.narrowed.Load(); n != nil {
			for _, b := range n.bounds {
				ranges = intersect(ranges, b)
			}
		}
		if len(ranges) > 0 {
			s.report.morsels.Add(1)
			return &morsel{s: s, seq: i, ranges: slices.Clone(ranges)}, nil
		}
	}
}

func (s *scan) Report() table.ScanReport {
	r := &s.report
	return table.ScanReport{
		Tier: "lsm", Morsels: r.morsels.Load(), RowsRead: r.rows.Load(), RowsSkipped: r.skipped.Load(), KeyRanges: s.ranges,
	}
}

func (s *scan) Close() error {
	s.closed.Store(true)
	return nil
}
