package lsm

import "github.com/laminadb/lamina/table"

// Report shows the levels of the tree that have files.
func (t *Tier) Report() []table.ReportSection {
	db := t.db.Load()
	if db == nil || t.failed.writeError() != nil {
		return nil
	}
	m := db.Metrics()
	s := table.ReportSection{Title: "LSM levels", Columns: []table.ReportColumn{
		{Name: "level", Unit: table.ReportCount}, {Name: "files", Unit: table.ReportCount}, {Name: "size", Unit: table.ReportBytes},
		{Name: "sublevels", Unit: table.ReportCount},
	}}
	for i := range m.Levels {
		if l := &m.Levels[i]; l.TablesCount > 0 {
			s.Rows = append(s.Rows, []any{int64(i), l.TablesCount, l.TablesSize, int64(l.Sublevels)})
		}
	}
	return []table.ReportSection{s}
}
