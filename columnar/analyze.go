package columnar

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

var _ table.Analyzer = (*tableSnapshot)(nil)

// Analyze makes estimates of what the sidecars of segments say, and of all rows in memtables. No page of a segment is read.
func (s *tableSnapshot) Analyze(ctx context.Context, sampleRows int) (out table.Stats, err error) {
	segs := s.inc.segmentStats(s.p.segs, float64(sampleRows))
	sk, err := segment.NewSketcher(s.inc.schemaOf(s.def), s.t.o.Tracker)
	if err != nil {
		return out, err
	}
	defer sk.Close()
	sample := table.NewRowSample(len(s.def.Columns), sampleRows)
	memRows := 0
	for _, m := range s.p.mems {
		n, err := s.sketch(ctx, m, sk, sample)
		if err != nil {
			return out, err
		}
		memRows += n
	}
	out.Rows = float64(memRows)
	for _, g := range s.p.segs {
		out.Rows += float64(g.info.Rows - g.dv.Deleted(uint64(s.lsn)))
	}
	mem := statsOfSample(sample, float64(memRows))
	all := segs.rows + mem.Rows
	out.Columns = make([]table.ColumnStats, len(s.def.Columns))
	for i := range out.Columns {
		values := segs.with(i, []table.Stats{mem})
		col := table.EstimateColumn(values, out.Rows, float64(widthOf(s.inc.types[i])))
		nulls := float64(sk.NumNulls(i))
		for _, g := range s.p.segs {
			nulls += float64(g.file.NumNulls(i))
		}
		if all > 0 { // the deleted ones are taken to be like the others
			col.NullFraction = nulls / all
		}
		col.Distinct = segs.distinctWith(i, sk.Sketch(i), all-out.Rows, out.Rows*(1-col.NullFraction))
		segs.bounds([]table.Stats{mem}, i, &col)
		out.Columns[i] = col
	}
	return out, nil
}

func statsOfSample(sample *table.RowSample, rows float64) table.Stats {
	st := table.Stats{Rows: rows, Columns: make([]table.ColumnStats, len(sample.Columns))}
	for i := range st.Columns {
		st.Columns[i] = table.EstimateColumn(sample.Columns[i], rows, 0)
	}
	return st
}

// distinctWith estimates how many values a column has in the rows of segments, so many of which are deleted, and of memtables; rows is
// the number of those that are left and have a value. Where most rows have a value of their own, values go with the deleted rows, but
// those come back that memtables have too.
func (c *segmentStats) distinctWith(col int, mem *segment.Sketch, deleted, rows float64) float64 {
	sk := c.sketch(col)
	segs, mems := sk.Estimate(), mem.Estimate()
	sk.Merge(*mem)
	d := sk.Estimate()
	if segs >= keyLike*c.rows && c.rows > 0 {
		d -= math.Max(0, deleted*segs/c.rows-math.Max(0, segs+mems-d))
	}
	return math.Max(math.Min(math.Round(d), math.Ceil(rows)), math.Min(rows, 1))
}

// sketch reads all rows of a memtable that the snapshot sees, and counts them.
func (s *tableSnapshot) sketch(ctx context.Context, m *memtable, sk *segment.Sketcher, sample *table.RowSample) (rows int, err error) {
	cols := make([]int, len(s.inc.types))
	for i := range cols {
		cols[i] = i
	}
	sc, err := m.Scan(&table.ScanSpec{Cols: cols}, s.lsn, tierName)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, sc.Close()) }()
	var b vec.Batch
	for {
		morsel, err := sc.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		for err == nil {
			if ctx.Err() != nil {
				err = sqlerr.Canceled(ctx)
			} else if err = morsel.Read(ctx, &b); err == nil {
				rows += b.N
				sample.Add(&b)
				err = sk.Add(&b)
			}
		}
		morsel.Close()
		if !errors.Is(err, io.EOF) {
			return rows, err
		}
	}
}
