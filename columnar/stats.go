package columnar

import (
	"math"
	"sync"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// statsCache keeps the estimates as long as the parts are the same and their rows have not changed by more than a tenth.
type statsCache struct {
	sync.Mutex
	of   *parts
	segs segmentStats
	made table.Stats
}

// segmentStats is what the sidecars of segments tell of their rows, the deleted ones included.
type segmentStats struct {
	rows     float64
	cols     [][]types.Datum // a sample of the rows
	sketches []segment.Sketch
}

// sampleMax bounds the rows of a sample.
const sampleMax = 4096

// Stats returns estimates.
func (s *tableSnapshot) Stats() table.Stats {
	p := s.inc.cur.Load()
	if len(p.segs) == 0 && len(p.mems) == 1 {
		return p.mems[0].Stats()
	}
	c := &s.inc.stats
	c.Lock()
	defer c.Unlock()
	if c.of != p {
		c.of, c.made = p, table.Stats{}
		c.segs = s.inc.segmentStats(p.segs, sampleMax)
	}
	out := table.Stats{Rows: c.segs.rows}
	var mems []table.Stats
	for _, g := range p.segs {
		out.Rows -= float64(g.dv.Deleted(uint64(table.MaxLSN)))
	}
	for _, m := range p.mems {
		st := m.Stats()
		mems = append(mems, st)
		out.Rows += st.Rows
	}
	if old := &c.made; len(old.Columns) == len(s.def.Columns) && math.Abs(out.Rows-old.Rows)*10 <= old.Rows {
		out.Columns = old.Columns
		return out
	}
	out.Columns = make([]table.ColumnStats, len(s.def.Columns))
	for i := range out.Columns {
		values := c.segs.with(i, mems)
		col := table.EstimateColumn(values, out.Rows, float64(widthOf(s.inc.types[i])))
		if d := c.segs.distinct(i, out.Rows, col.NullFraction); d > 0 {
			col.Distinct = d
		}
		s.bounds(p, mems, i, &col)
		out.Columns[i] = col
	}
	c.made = out
	return out
}

func widthOf(t types.Type) int {
	if t.Class() == types.ClassString {
		return 16
	}
	return 8
}

// segmentStats reads the samples of segments, of each as many rows as its part of all rows, and their sketches.
func (inc *incarnation) segmentStats(segs []*seg, most float64) (c segmentStats) {
	c.cols, c.sketches = make([][]types.Datum, len(inc.types)), make([]segment.Sketch, len(inc.types))
	samples := make([]*vec.Batch, len(segs))
	for i, g := range segs {
		rows := float64(g.info.Rows)
		c.rows += rows
		b, err := g.file.Sample()
		if err == nil {
			err = c.merge(g)
		}
		if err != nil {
			inc.t.o.Logger.Warn("statistics of a segment", "err", err)
			continue
		}
		samples[i] = b
	}
	for i, b := range samples { // the least sampled one tells how many there can be of all
		if b != nil && b.N > 0 {
			most = math.Min(most, float64(b.N)*c.rows/float64(segs[i].info.Rows))
		}
	}
	for i, b := range samples {
		if b != nil && b.N > 0 {
			c.take(b, float64(segs[i].info.Rows)/c.rows*most)
		}
	}
	return c
}

// merge adds the sketches of a segment.
func (c *segmentStats) merge(g *seg) error {
	for i := range c.sketches {
		sk, err := g.file.Sketch(i)
		if err != nil {
			return err
		}
		c.sketches[i].Merge(sk)
	}
	return nil
}

// take adds about so many rows of a sample, from everywhere in it: that of a small segment is in the order of the rows.
func (c *segmentStats) take(b *vec.Batch, rows float64) {
	n := min(b.N, max(1, int(math.Round(rows))))
	for i := range min(len(c.cols), b.NumCols()) {
		for r := range n {
			c.cols[i] = append(c.cols[i], b.BatchDatum(i, r*b.N/n))
		}
	}
}

// with returns the sample of a column with rows of the memtables, of each as many as its part of all rows.
func (c *segmentStats) with(col int, mems []table.Stats) []types.Datum {
	values := c.cols[col]
	for _, st := range mems {
		if col >= len(st.Columns) {
			continue
		}
		more := st.Columns[col].Sample
		if c.rows > 0 {
			take := int(st.Rows / c.rows * float64(len(c.cols[col])))
			more = more[:min(take, len(more))]
		}
		values = append(values[:len(values):len(values)], more...)
	}
	return values
}

// keyLike is the fraction of distinct values among rows from which more rows are assumed to have more values.
const keyLike = 0.1

// distinct estimates how many values a column has in so many rows, of which most are in the segments; 0 if these are too few
// to tell.
func (c *segmentStats) distinct(col int, rows, nulls float64) float64 {
	d := c.sketches[col].Estimate()
	if d == 0 || rows > 2*c.rows {
		return 0
	}
	if d >= keyLike*c.rows {
		d *= rows / c.rows
	}
	return math.Min(d, math.Max(rows*(1-nulls), 1))
}

// bounds replaces the sample's bounds by those that segments and memtables have.
func (s *tableSnapshot) bounds(p *parts, mems []table.Stats, col int, st *table.ColumnStats) {
	widen := func(lo, hi types.Datum) {
		if !st.Min.Valid || types.Compare(lo, st.Min) < 0 {
			st.Min = lo
		}
		if !st.Max.Valid || types.Compare(hi, st.Max) > 0 {
			st.Max = hi
		}
	}
	for _, g := range p.segs {
		if lo, hi, ok := boundsOf(g.file, col, s.inc.types[col]); ok {
			widen(lo, hi)
		}
	}
	for i := range mems {
		if col < len(mems[i].Columns) && mems[i].Columns[col].Min.Valid {
			widen(mems[i].Columns[col].Min, mems[i].Columns[col].Max)
		}
	}
}

// boundsOf returns the least and the largest value of a column of integers or scaled decimals.
func boundsOf(f *segment.Segment, col int, t types.Type) (lo, hi types.Datum, ok bool) {
	fact := f.Fact(col)
	if !fact.Bounded || fact.Min > fact.Max {
		return lo, hi, false
	}
	switch t.Class() {
	case types.ClassInt:
		return types.NewInt(t.Kind, fact.Min), types.NewInt(t.Kind, fact.Max), true
	case types.ClassNumeric:
		if _, scale, fixed := t.PrecisionScale(); fixed {
			return types.NewDecimal(fact.Min, scale), types.NewDecimal(fact.Max, scale), true
		}
	}
	return lo, hi, false
}
