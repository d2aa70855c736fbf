package columnar

import "github.com/laminadb/lamina/table"

// Vacuum frees what no View shows of a table: of its memtables the chunks from a place on, a bounded number of them, and of the
// lists of deletions all that belongs into the bitmaps. It returns where the next call goes on, 0 if this was the last. Deleted
// rows of segments go with compaction. Like Retire it belongs to the goroutine that applies.
func (t *Tier) Vacuum(id table.ObjectID, applied, watermark table.LSN, from int) (next int) {
	t.Retire(applied, watermark)
	st := (*t.tables.Load())[id]
	if st == nil {
		return 0
	}
	p := st.inc.cur.Load()
	for _, m := range p.mems {
		next = max(next, m.VacuumFrom(from))
	}
	for _, s := range p.segs {
		s.dv.Fold(uint64(t.pins.below(watermark)))
	}
	return next
}
