package store

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// analyzeSample is the number of rows from which common values and histograms are made.
const analyzeSample = 16 << 10

// analyses are what ANALYZE has found, by table. They are estimates: that of a table whose rows have changed much is of no use.
type analyses struct {
	making sync.Mutex
	all    atomic.Pointer[map[table.ObjectID]*analysis]
}

// analysis is what ANALYZE has found of a table.
type analysis struct {
	rows    float64
	columns []analyzedColumn
}

// analyzedColumn is a column as it was then.
type analyzedColumn struct {
	id    uint32
	typ   types.Type
	stats table.ColumnStats // without a sample and bounds
}

func (a *analyses) of(id table.ObjectID) *analysis {
	if all := a.all.Load(); all != nil {
		return (*all)[id]
	}
	return nil
}

// drop forgets a table.
func (a *analyses) drop(id table.ObjectID) {
	for {
		all := a.all.Load()
		if all == nil || (*all)[id] == nil {
			return
		}
		rest := maps.Clone(*all)
		delete(rest, id)
		if a.all.CompareAndSwap(all, &rest) {
			return
		}
	}
}

// put adds what was found of tables.
func (a *analyses) put(found map[table.ObjectID]*analysis) {
	for {
		old := a.all.Load()
		all := map[table.ObjectID]*analysis{}
		if old != nil {
			maps.Copy(all, *old)
		}
		maps.Copy(all, found)
		if a.all.CompareAndSwap(old, &all) {
			return
		}
	}
}

func (a *analysis) column(c *table.Column) *analyzedColumn {
	for i := range a.columns {
		if x := &a.columns[i]; x.id == c.ID && x.typ == c.Type {
			return x
		}
	}
	return nil
}

// staleRows is the part of the rows that may have come or gone before an analysis is of no use any more. Where a column has a new
// value in each tenth row or more, others are taken to have come with the rows.
const (
	staleRows   = 0.2
	growingPart = 0.1
)

// refine replaces estimates that the tier has made by what was found by reading more.
func (a *analysis) refine(def *table.TableDef, s *table.Stats) {
	if a.rows == 0 || math.Abs(s.Rows-a.rows) > staleRows*a.rows {
		return
	}
	before := *s
	s.Columns, s.Lazy = nil, table.NewLazyColumns(len(def.Columns), func(col int) (c table.ColumnStats) {
		if col < before.NumColumns() {
			c = *before.Column(col)
		}
		x := a.column(&def.Columns[col])
		if x == nil {
			return c
		}
		lo, hi, sample := c.Min, c.Max, c.Sample
		if c = x.stats; c.Distinct >= growingPart*a.rows {
			c.Distinct *= before.Rows / a.rows
		}
		c.Min, c.Max, c.Sample = lo, hi, sample
		return c
	})
}

// Analyze makes estimates of tables from all of their rows, or what their files say of them, and keeps them for later openings.
func (s *Store) Analyze(ctx context.Context, of []table.AnalyzeTarget) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if s.readOnly {
		return errReadOnly("ANALYZE")
	}
	s.analyses.making.Lock()
	defer s.analyses.making.Unlock()
	v := s.views.Acquire()
	defer v.Release()
	found := map[table.ObjectID]*analysis{}
	for _, t := range of {
		def := v.State.catalog.Table(t.Table)
		if def == nil {
			continue // its transaction has not committed yet, or it is gone
		}
		ts := v.State.table(s, def)
		if ts == nil {
			return corruptedf("table %d has no storage", t.Table)
		}
		st, err := s.analyzed(ctx, ts)
		if err != nil {
			return err
		}
		found[t.Table] = analysisOf(def, &st, t.Columns, s.analyses.of(t.Table))
	}
	s.analyses.put(found)
	return s.keepAnalyses()
}

func (s *Store) analyzed(ctx context.Context, ts table.TableSnapshot) (table.Stats, error) {
	if a, ok := ts.(table.Analyzer); ok {
		return a.Analyze(ctx, analyzeSample)
	}
	return analyzeRows(ctx, ts)
}

// analysisOf keeps estimates about some columns, nil: all, and about the others those from before.
func analysisOf(def *table.TableDef, st *table.Stats, cols []uint32, before *analysis) *analysis {
	a := &analysis{rows: st.Rows}
	for i := range st.Columns {
		c := &def.Columns[i]
		if cols != nil && !slices.Contains(cols, c.ID) {
			if before != nil {
				if x := before.column(c); x != nil {
					a.columns = append(a.columns, *x)
				}
			}
			continue
		}
		x := analyzedColumn{id: c.ID, typ: c.Type, stats: st.Columns[i]}
		if shape := x.stats.Shape(); shape != nil {
			x.stats.SetShape(shape.Clone())
		}
		x.stats.Min, x.stats.Max, x.stats.Sample = types.Datum{}, types.Datum{}, nil
		a.columns = append(a.columns, x)
	}
	return a
}

// analyzeRows reads all rows of a table.
func analyzeRows(ctx context.Context, ts table.TableSnapshot) (out table.Stats, err error) {
	def := ts.Def()
	sc, err := ts.Scan(&table.ScanSpec{Cols: allColumns(def)})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, sc.Close()) }()
	x := rowAnalyzer{cols: make([]columnAnalyzer, len(def.Columns)), sample: table.NewRowSample(len(def.Columns), analyzeSample)}
	for {
		m, err := sc.NextMorsel(ctx)
		if isEOF(err) {
			return x.stats(), nil
		}
		if err == nil {
			err = readRows(ctx, m, func(c *rowCheck) error {
				if ctx.Err() != nil {
					return sqlerr.Canceled(ctx)
				}
				x.add(&c.batch)
				return nil
			})
		}
		if err != nil {
			return out, err
		}
	}
}

// rowAnalyzer gathers what is known of rows that it is given.
type rowAnalyzer struct {
	cols   []columnAnalyzer
	rows   int
	sample *table.RowSample
}

type columnAnalyzer struct {
	sketch segment.Sketch
	nulls  int
	bytes  int
}

func (x *rowAnalyzer) add(b *vec.Batch) {
	for i := range x.cols {
		col := &x.cols[i]
		for r := range b.N {
			d := b.BatchDatum(i, r)
			if !d.Valid {
				col.nulls++
				continue
			}
			col.bytes += len(d.S)
			col.sketch.AddHash(types.Hash(d))
		}
	}
	x.sample.Add(b)
	x.rows += b.N
}

func (x *rowAnalyzer) stats() table.Stats {
	rows := float64(x.rows)
	out := table.Stats{Rows: rows, Columns: make([]table.ColumnStats, len(x.cols))}
	for i := range x.cols {
		c := &x.cols[i]
		st := table.EstimateColumn(x.sample.Columns[i], rows, 8)
		if x.rows > 0 {
			st.NullFraction = float64(c.nulls) / rows
			if c.bytes > 0 {
				st.WidthBytes = float64(c.bytes) / rows
			}
			st.Distinct = min(math.Round(c.sketch.Estimate()), rows-float64(c.nulls))
		}
		out.Columns[i] = st
	}
	return out
}
