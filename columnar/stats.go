package columnar

import (
	"math"
	"sync"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// statsCache keeps the estimates as long as the parts are the same and their rows have not changed by more than a tenth.
type statsCache struct {
	sync.Mutex
	of   *parts
	rows float64         // of the segments
	cols [][]types.Datum // a sample of them
	made table.Stats
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
		c.sample(s.inc, p)
	}
	out := table.Stats{Rows: c.rows}
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
		values := c.cols[i]
		for _, st := range mems {
			if i < len(st.Columns) && c.rows > 0 {
				take := int(st.Rows / c.rows * float64(len(c.cols[i])))
				values = append(values[:len(values):len(values)], st.Columns[i].Sample[:min(take, len(st.Columns[i].Sample))]...)
			} else if i < len(st.Columns) {
				values = append(values[:len(values):len(values)], st.Columns[i].Sample...)
			}
		}
		out.Columns[i] = table.EstimateColumn(values, out.Rows, float64(widthOf(s.inc.types[i])))
		s.bounds(p, mems, i, &out.Columns[i])
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

// sample reads the samples of the segments, each as many rows as its part of the table.
func (c *statsCache) sample(inc *incarnation, p *parts) {
	c.of, c.rows, c.made = p, 0, table.Stats{}
	c.cols = make([][]types.Datum, len(inc.types))
	for _, g := range p.segs {
		c.rows += float64(g.info.Rows)
	}
	for _, g := range p.segs {
		b, err := g.file.Sample()
		if err != nil {
			inc.t.o.Logger.Warn("sample of a segment", "err", err)
			continue
		}
		n := min(b.N, max(1, int(float64(g.info.Rows)/c.rows*sampleMax)))
		for i := range c.cols {
			for r := range n {
				c.cols[i] = append(c.cols[i], b.BatchDatum(i, r))
			}
		}
	}
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
