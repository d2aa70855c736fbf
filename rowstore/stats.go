package rowstore

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// sampleRows is the size of the random sample of a table's rows.
const sampleRows = 1024

// reservoir keeps a uniform sample of all rows ever appended, by row number (algorithm R). Its randomness depends on the
// table alone, so that replay makes the same sample.
type reservoir struct {
	mu   sync.Mutex
	rng  *rand.Rand
	seen uint64
	rows []uint64
}

func (r *reservoir) init(seed uint64) { r.rng = rand.New(rand.NewPCG(seed, 0x5eed)) }

// add offers n rows from row number first on.
func (r *reservoir) add(first uint64, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range n {
		r.seen++
		if len(r.rows) < sampleRows {
			r.rows = append(r.rows, first+uint64(i))
		} else if k := r.rng.Uint64N(r.seen); k < sampleRows {
			r.rows[k] = first + uint64(i)
		}
	}
}

func (r *reservoir) list() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]uint64(nil), r.rows...)
}

// statsCache keeps estimates until the table has changed by more than a tenth.
type statsCache struct {
	mu    sync.Mutex
	s     table.Stats
	rows  int64 // live rows when they were made
	total uint64
	made  bool
}

// estimates returns what is guessed about the table, computed anew when it has changed enough.
func (d *data) estimates() table.Stats {
	d.stats.mu.Lock()
	defer d.stats.mu.Unlock()
	live, total := d.live.Load(), d.rows.Load()
	if d.stats.made && abs(live-d.stats.rows)*10 <= d.stats.rows && (total-d.stats.total)*10 <= d.stats.total+100 {
		s := d.stats.s
		s.Rows = float64(live)
		return s
	}
	d.stats.s = d.estimate()
	d.stats.rows, d.stats.total, d.stats.made = live, total, true
	return d.stats.s
}

func abs(x int64) int64 { return max(x, -x) }

// estimate guesses from the rows of the sample that live now. What it says of a column is made when somebody asks, as long as there is a
// View of the table: a row that has ended until then is taken to be like the one before it.
func (d *data) estimate() table.Stats {
	var rows []uint64
	for _, row := range d.sample.list() {
		if d.lives(row) {
			rows = append(rows, row)
		}
	}
	total := float64(d.live.Load())
	return table.Stats{Rows: total, Lazy: table.NewLazyColumns(len(d.def.Columns), func(col int) table.ColumnStats {
		return d.columnStats(col, rows, total)
	})}
}

// lives reports whether a row is there and no transaction has ended it.
func (d *data) lives(row uint64) bool {
	c, r := d.of(row)
	return c != nil && c.endOf(r) == never
}

func (d *data) columnStats(col int, rows []uint64, total float64) table.ColumnStats {
	values := make([]types.Datum, 0, len(rows))
	last := types.NullOf(d.layouts[col].typ.Kind)
	for _, row := range rows {
		if c, r := d.of(row); c != nil && (c.endOf(r) == never || invariants.Mutant("rowstore-sample-ended")) {
			last = c.cols[col].datum(r)
		}
		values = append(values, last)
	}
	s := table.EstimateColumn(values, total, float64(d.layouts[col].width))
	if len(values) > 0 {
		d.exactBounds(col, &s)
	}
	return s
}

// exactBounds replaces the sample's bounds of integers by those of all chunks.
func (d *data) exactBounds(col int, s *table.ColumnStats) {
	l := &d.layouts[col]
	if !l.ints() {
		return
	}
	cs := *d.chunks.Load()
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range cs {
		c := cs[i].Load()
		if c == nil {
			continue
		}
		if !c.cols[col].ints() {
			return
		}
		lo, hi = min(lo, c.cols[col].lo.Load()), max(hi, c.cols[col].hi.Load())
	}
	if lo > hi {
		return
	}
	of := func(x int64) types.Datum {
		if l.typ.Class() == types.ClassNumeric {
			return types.NewDecimal(x, int(l.scale))
		}
		return types.NewInt(l.typ.Kind, x)
	}
	s.Min, s.Max = of(lo), of(hi)
}
