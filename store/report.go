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
	return list
}
