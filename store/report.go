package store

import "github.com/laminadb/lamina/table"

// Report shows what the tiers consist of. Sections without rows are left out.
func (s *Store) Report() (list []table.ReportSection) {
	if s.enter() != nil {
		return nil
	}
	defer s.leave()
	for i := range s.tiers {
		f := s.tiers[i].report
		if f == nil {
			continue
		}
		for _, section := range f() {
			if len(section.Rows) > 0 {
				list = append(list, section)
			}
		}
	}
	return append(list, s.viewsReport())
}

// viewsReport shows the snapshots that are in use, and what they keep from being freed. The last is the newest, whether somebody reads it
// or not.
func (s *Store) viewsReport() table.ReportSection {
	r := table.ReportSection{Title: "Snapshots in use", Columns: []table.ReportColumn{
		{Name: "at LSN", Unit: table.ReportCount}, {Name: "age ms", Unit: table.ReportCount}, {Name: "holders", Unit: table.ReportCount},
		{Name: "pinned rows", Unit: table.ReportCount}, {Name: "pinned", Unit: table.ReportBytes},
	}}
	for _, v := range s.Metrics().Views {
		r.Rows = append(r.Rows, []any{int64(v.LSN), v.Age.Milliseconds(), v.References, v.PinnedRows, v.PinnedBytes})
	}
	return r
}
