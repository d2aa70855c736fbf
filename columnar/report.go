package columnar

import (
	"maps"
	"slices"

	"github.com/laminadb/lamina/table"
)

// Report shows what each table consists of.
func (t *Tier) Report() []table.ReportSection {
	count := func(name string) table.ReportColumn { return table.ReportColumn{Name: name, Unit: table.ReportCount} }
	s := table.ReportSection{Title: "Columnar tables", Columns: []table.ReportColumn{
		{Name: "table"}, count("memtables"), count("rows in them"), count("segments"), count("rows in segments"), count("deleted"),
		{Name: "segment files", Unit: table.ReportBytes},
	}}
	set := *t.tables.Load()
	for _, id := range slices.Sorted(maps.Keys(set)) {
		p := set[id].inc.cur.Load()
		var inMemory, rows, deleted, bytes int64
		for _, m := range p.mems {
			inMemory += m.Live()
		}
		for _, x := range p.segs {
			rows += int64(x.info.Rows)
			deleted += int64(x.dv.Deleted(uint64(table.MaxLSN)))
			bytes += x.info.Segment.Bytes + x.info.Sidecar.Bytes
		}
		s.Rows = append(s.Rows, []any{set[id].def.Name, int64(len(p.mems)), inMemory, int64(len(p.segs)), rows, deleted, bytes})
	}
	return []table.ReportSection{s}
}
