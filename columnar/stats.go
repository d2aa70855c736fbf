package columnar

import (
	"math"
	"sync"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec/veccodec"
)

// statsCache keeps the estimates as long as the parts are the same and their rows have not changed by more than a tenth.
type statsCache struct {
	sync.Mutex
	of   *parts
	segs *segmentStats
	made table.Stats
}

// segmentStats is what the sidecars of segments tell of their rows, the deleted ones included. What it tells of a column is
// made when somebody asks for it: a statement looks at few of many.
type segmentStats struct {
	inc     *incarnation
	rows    float64
	segs    []*seg
	samples []sampled // of the segments that have one
}

// sampled are about so many rows of a sample to be taken, from everywhere in it: that of a small segment is in the order of the rows.
type sampled struct {
	cols *veccodec.Columns
	rows int
}

// sampleMax bounds the rows of a sample.
const sampleMax = 4096

// Stats returns estimates. Those about columns may be made as long as the View lives that the snapshot is of: it keeps the
// segments that are there now.
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
	if old := &c.made; old.NumColumns() == len(s.def.Columns) && math.Abs(out.Rows-old.Rows)*10 <= old.Rows {
		out.Lazy = old.Lazy
		return out
	}
	segs, rows := c.segs, out.Rows
	out.Lazy = table.NewLazyColumns(len(s.def.Columns), func(col int) table.ColumnStats { return segs.column(col, mems, rows) })
	c.made = out
	return out
}

// column makes estimates about a column of so many rows, those of memtables included.
func (c *segmentStats) column(col int, mems []table.Stats, rows float64) table.ColumnStats {
	st := table.EstimateColumn(c.with(col, mems), rows, float64(widthOf(c.inc.types[col])))
	sk := c.sketch(col)
	if d := c.distinct(&sk, rows, st.NullFraction); d > 0 {
		st.Distinct = d
	}
	c.bounds(mems, col, &st)
	return st
}

func widthOf(t types.Type) int {
	if t.Class() == types.ClassString {
		return 16
	}
	return 8
}

// segmentStats reads the samples of segments, of each as many rows as its part of all rows.
func (inc *incarnation) segmentStats(segs []*seg, most float64) *segmentStats {
	c := &segmentStats{inc: inc, segs: segs}
	samples := make([]*veccodec.Columns, len(segs))
	for i, g := range segs {
		c.rows += float64(g.info.Rows)
		b, err := g.file.SampleColumns()
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
			n := math.Round(float64(segs[i].info.Rows) / c.rows * most)
			c.samples = append(c.samples, sampled{b, min(b.N, max(1, int(n)))})
		}
	}
	return c
}

// sketch returns the sketch of a column of all segments.
func (c *segmentStats) sketch(col int) (all segment.Sketch) {
	for _, g := range c.segs {
		sk, err := g.file.Sketch(col)
		if err != nil {
			c.inc.t.o.Logger.Warn("statistics of a segment", "err", err)
			continue
		}
		all.Merge(sk)
	}
	return all
}

// with returns the sample of a column with rows of the memtables, of each as many as its part of all rows.
func (c *segmentStats) with(col int, mems []table.Stats) []types.Datum {
	n := 0
	for i := range c.samples {
		n += c.samples[i].rows
	}
	values := make([]types.Datum, 0, n+n/8)
	for i := range c.samples {
		s := &c.samples[i]
		if col >= s.cols.NumCols() {
			continue
		}
		v, err := s.cols.Column(col)
		if err != nil {
			c.inc.t.o.Logger.Warn("statistics of a segment", "err", err)
			continue
		}
		for r := range s.rows {
			values = append(values, v.Datum(r*s.cols.N/s.rows))
		}
	}
	n = len(values)
	for _, st := range mems {
		if col >= st.NumColumns() {
			continue
		}
		more := st.Column(col).Sample
		if c.rows > 0 {
			more = more[:min(int(st.Rows/c.rows*float64(n)), len(more))]
		}
		values = append(values, more...)
	}
	return values
}

// keyLike is the fraction of distinct values among rows from which more rows are assumed to have more values.
const keyLike = 0.1

// distinct estimates how many values a column has in so many rows, of which most are in the segments; 0 if these are too few
// to tell. sk is of all segments.
func (c *segmentStats) distinct(sk *segment.Sketch, rows, nulls float64) float64 {
	d := sk.Estimate()
	if d == 0 || rows > 2*c.rows {
		return 0
	}
	if d >= keyLike*c.rows {
		d *= rows / c.rows
	}
	return math.Min(d, math.Max(rows*(1-nulls), 1))
}

// bounds replaces the sample's bounds by those that segments and memtables have.
func (c *segmentStats) bounds(mems []table.Stats, col int, st *table.ColumnStats) {
	widen := func(lo, hi types.Datum) {
		if !st.Min.Valid || types.Compare(lo, st.Min) < 0 {
			st.Min = lo
		}
		if !st.Max.Valid || types.Compare(hi, st.Max) > 0 {
			st.Max = hi
		}
	}
	for _, g := range c.segs {
		if lo, hi, ok := boundsOf(g.file, col, c.inc.types[col]); ok {
			widen(lo, hi)
		}
	}
	for i := range mems {
		if col >= mems[i].NumColumns() {
			continue
		}
		if m := mems[i].Column(col); m.Min.Valid {
			widen(m.Min, m.Max)
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
