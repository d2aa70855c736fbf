package store

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// entries appends what a commit does to the table to dst: first what removes rows, so that their keys are free for
// others.
func (w *writes) entries(dst []table.Entry, def *table.TableDef) []table.Entry {
	updates, inserts := w.out[:0:1], w.out[1:1:2]
	head := table.Entry{Table: def.ID, Version: def.Version}
	if w.truncated != 0 {
		head.Op = table.OpTruncate
		dst = append(dst, head)
	} else {
		dst = w.deletes(dst, head)
	}
	chunks := w.chunks
	if w.rewritten && len(chunks) > 1 && invariants.Mutant("store-lose-last-chunk") {
		chunks = chunks[:len(chunks)-1]
	}
	for _, c := range chunks {
		updates, inserts = c.entries(w, head, updates, inserts)
	}
	if w.rekeyed && len(updates) > 1 {
		dst, updates = splitUpdates(dst, updates)
	}
	return append(append(dst, updates...), inserts...)
}

// movedEntries is entries for a table whose other rows move by themselves (move_rows.go): all rows are new.
func (w *writes) movedEntries(dst []table.Entry, def *table.TableDef) []table.Entry {
	head := table.Entry{Table: def.ID, Version: def.Version}
	for _, c := range w.chunks {
		updates, inserts := c.entries(w, head, nil, nil)
		for i := range updates {
			updates[i].Op, updates[i].Keys = table.OpInsertRows, table.Keys{}
		}
		dst = append(append(dst, updates...), inserts...)
	}
	return dst
}

// splitUpdates makes updates into deletes and inserts: a key that one entry gives to a row may be one
// that a later entry takes from another, so that all must be taken first.
func splitUpdates(deletes, updates []table.Entry) (_, inserts []table.Entry) {
	for _, u := range updates {
		d, i := u, u
		d.Op, d.Rows = table.OpDeleteRows, nil
		i.Op, i.Keys, i.Refs = table.OpInsertRows, table.Keys{}, nil
		deletes, inserts = append(deletes, d), append(inserts, i)
	}
	return deletes, inserts
}

// deletes appends entries for the committed rows that nothing replaces.
func (w *writes) deletes(dst []table.Entry, head table.Entry) []table.Entry {
	head.Op = table.OpDeleteRows
	from := len(dst)
	for i := range w.ended {
		if w.ended[i].next != 0 {
			continue
		}
		if n := len(dst); n == from || dst[n-1].Keys.Len() == vec.Size {
			dst = append(dst, head)
		}
		e := &dst[len(dst)-1]
		e.Keys.Append(w.endKeys.At(i))
		if w.relocation.mover != nil {
			e.Refs = append(e.Refs, w.ended[i].ref)
		}
	}
	return dst
}

// moves returns the primary keys that updates changed, and those that passed from a deleted row to another one.
func (w *writes) moves() (list []move) {
	t := &w.keys[0]
	for i := range w.ended {
		if w.ended[i].next != 0 {
			continue
		}
		key := w.endKeys.At(i)
		if w.liveWith(0, key) > 0 {
			list = append(list, move{table: w.def.ID, from: string(key), gone: true})
		}
	}
	for e := range t.entries {
		row := t.entries[e].row
		if !w.isLive(row) {
			continue
		}
		c, at := w.at(row)
		o := c.origin(at)
		if o == 0 {
			continue
		}
		if from, to := w.endKeys.At(int(o-1)), t.key(int32(e)); string(from) != string(to) {
			list = append(list, move{table: w.def.ID, from: string(from), to: string(to)})
		}
	}
	return list
}
