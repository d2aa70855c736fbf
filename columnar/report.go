package columnar

import (
	"maps"
	"slices"

	"github.com/laminadb/lamina/table"
)

func countOf(name string) table.ReportColumn {
	return table.ReportColumn{Name: name, Unit: table.ReportCount}
}

func bytesOf(name string) table.ReportColumn {
	return table.ReportColumn{Name: name, Unit: table.ReportBytes}
}

// Report shows what each table consists of, each of its segments, and the cache of what was read of them.
func (t *Tier) Report() []table.ReportSection {
	tables := table.ReportSection{Title: "Columnar tables", Columns: []table.ReportColumn{
		{Name: "table"}, countOf("memtables"), countOf("rows in them"), countOf("segments"), countOf("rows in segments"),
		countOf("deleted"), bytesOf("segment files"),
	}}
	segments := table.ReportSection{Title: "Segments of columnar tables", Columns: []table.ReportColumn{
		{Name: "table"}, countOf("segment"), countOf("level"), countOf("cut at LSN"), countOf("rows"), countOf("deleted"),
		bytesOf("rows file"), bytesOf("sidecar"),
	}}
	bitmaps := table.ReportSection{Title: "Bitmaps of columnar tables", Columns: []table.ReportColumn{
		{Name: "table"}, {Name: "column"}, countOf("segments with them"), countOf("rows"), bytesOf("in sidecars"),
	}}
	set := *t.tables.Load()
	for _, id := range slices.Sorted(maps.Keys(set)) {
		name, p := set[id].def.Name, set[id].inc.cur.Load()
		of := tableMetrics(id, p)
		rows := of.Rows - of.DeltaRows + of.DeletedRows
		tables.Rows = append(tables.Rows,
			[]any{name, int64(len(p.mems)), of.DeltaRows, of.Segments, rows, of.DeletedRows, of.FileBytes})
		for _, s := range p.segs {
			segments.Rows = append(segments.Rows, []any{name, int64(s.num), int64(s.level), int64(s.cut), int64(s.info.Rows),
				int64(s.dv.Deleted(uint64(table.MaxLSN))), s.info.Segment.Bytes, s.info.Sidecar.Bytes})
		}
		bitmaps.Rows = append(bitmaps.Rows, bitmapRows(set[id].def, p.segs)...)
	}
	out := []table.ReportSection{tables, segments, bitmaps}
	if len(segments.Rows) > 0 {
		out = append(out, t.cacheReport())
	}
	return out
}

// bitmapRows shows the columns of a table whose values have bitmaps in some of its segments.
func bitmapRows(def *table.TableDef, segs []*seg) (out [][]any) {
	for i := range def.Columns {
		var with, rows, bytes int64
		for _, s := range segs {
			if s.file == nil {
				continue
			}
			if n := s.file.BitmapBytes(i); n > 0 {
				with, rows, bytes = with+1, rows+int64(s.info.Rows), bytes+n
			}
		}
		if with > 0 {
			out = append(out, []any{def.Name, def.Columns[i].Name, with, rows, bytes})
		}
	}
	return out
}

// cacheReport shows what the cache of segments holds.
func (t *Tier) cacheReport() table.ReportSection {
	m := t.cache.Metrics()
	return table.ReportSection{Title: "Cache of segments", Columns: []table.ReportColumn{
		bytesOf("used"), bytesOf("of"), countOf("hits"), countOf("misses"), countOf("evictions"),
	}, Rows: [][]any{{m.Bytes, t.o.CacheBytes + t.cache.Lent(), m.Hits, m.Misses, m.Evictions}}}
}
