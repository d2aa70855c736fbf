package store

import (
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// lookAheadRows is the number of rows from which on a batch looks ahead: for fewer it does not pay.
const lookAheadRows = 16

// lookahead is what is known, before the rows of a batch lock their unique keys, of the values of these.
type lookahead struct {
	of  []table.Absence // by key; nil: nothing is known
	row int             // that is looked at
}

// lookAhead asks for all rows of a batch at once which values of unique keys no file has. What it finds says nothing of
// rows that come later: each value is looked for when its lock was granted, though not in these files again.
func (w *Writer) lookAhead(rows *vec.Batch) {
	w.ahead = nil
	if rows.N < lookAheadRows || len(w.def.Keys) == 0 || w.tt.created || w.tt.w.truncated != 0 {
		return
	}
	f, ok := w.st.current(w.def).(table.AbsenceFinder)
	if !ok {
		return
	}
	w.ahead = &lookahead{of: make([]table.Absence, len(w.def.Keys))}
	for k := range w.def.Keys {
		keys := &table.Keys{Ends: make([]uint32, 0, rows.N)}
		for i := range rows.N {
			key, ok := index.AppendBatch(w.key[:0], rows, w.def.Keys[k].Columns, i)
			if w.key = key; !ok {
				key = nil
			}
			keys.Append(key)
		}
		w.ahead.of[k] = f.Absent(k, keys)
	}
}

// newestUnique finds the newest committed row with a value of Keys[k].
func (w *Writer) newestUnique(ts table.TableSnapshot, k int, key []byte) (table.RowRef, bool) {
	if a := w.ahead; a != nil && a.of[k] != nil {
		if f, ok := ts.(table.AbsenceFinder); ok {
			return f.NewestUniqueGiven(k, key, a.of[k], a.row)
		}
	}
	return ts.NewestUnique(k, key)
}
