package tabletest

import (
	"maps"

	"github.com/laminadb/lamina/table"
)

// readNote is something that a SERIALIZABLE transaction has read: the rows of a table that match.
type readNote struct {
	slot  int
	match func(k int64, row Row) bool
}

// Read notes a read of the table in a slot.
func (t *Tx) Read(slot int, match func(k int64, row Row) bool) {
	if t.iso == table.Serializable {
		t.reads = append(t.reads, readNote{slot, match})
	}
}

// Wrote reports whether the transaction has changed something.
func (t *Tx) Wrote() bool {
	for slot, c := range t.own {
		base := t.base().Tables[slot]
		if (c.t == nil) != (base == nil) || len(c.rows) > 0 || c.t != nil && c.t.Gen != base.Gen {
			return true
		}
	}
	return false
}

// Holds does all reads of the transaction again, in the state that is committed now, and reports whether they give what
// they gave. What the transaction itself wrote is the same in both, since nobody else could write it.
func (t *Tx) Holds() bool {
	for _, r := range t.reads {
		then, now := t.base().Tables[r.slot], t.m.Now.Tables[r.slot]
		if then == nil {
			continue // its own
		}
		if now == nil || now.Gen != then.Gen || !maps.Equal(matching(then, r.match), matching(now, r.match)) {
			return false
		}
	}
	return true
}

func matching(t *Table, match func(k int64, row Row) bool) map[int64]Row {
	out := map[int64]Row{}
	for k, row := range t.Rows {
		if match(k, row) {
			out[k] = row
		}
	}
	return out
}

// MayBeRefused reports whether a storage may find a conflict: somebody has committed since the snapshot.
func (t *Tx) MayBeRefused() bool {
	return t.iso == table.Serializable && t.snap != nil && t.m.Now.Seq > t.snap.Seq
}
