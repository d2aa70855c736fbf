package rowstore

import "github.com/laminadb/lamina/table"

// vacuumChunks is the number of chunks that one call of Vacuum looks at.
const vacuumChunks = 64

// Vacuum frees the chunks of a table of which no View shows a row: those from a place on, a bounded number of them. It returns
// where the next call goes on, 0 if this was the last. Like Retire it belongs to the goroutine that applies.
func (s *Store) Vacuum(id table.ObjectID, applied, watermark table.LSN, from int) (next int) {
	s.Retire(applied, watermark)
	t := (*s.tables.Load())[id]
	if t == nil {
		return 0
	}
	return t.d.vacuumFrom(from)
}

// VacuumFrom frees wholly dead chunks that no View sees: those from the n-th on, a bounded number of them. It returns where the
// next call goes on, 0 if this was the last.
func (m *Memtable) VacuumFrom(n int) (next int) { return m.d.vacuumFrom(n) }

func (d *data) vacuumFrom(n int) (next int) {
	d.vacAt = d.first + n
	d.vacuum(vacuumChunks)
	if next = n + vacuumChunks; d.first+next >= d.used-1 {
		return 0
	}
	return next
}
