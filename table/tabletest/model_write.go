package tabletest

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Write replaces rows: set maps keys to new contents, nil deletes; fresh keys must not be there yet.
// It returns the errors that may come of it, in whatever order a storage looks for them; if there is
// none, the rows are written. What was locked stays locked: the driver rolls back.
func (t *Tx) Write(slot int, set map[int64]*Row, fresh map[int64]bool) (causes []sqlerr.Code) {
	see := t.See(slot)
	add := func(c sqlerr.Code) {
		if c != "" {
			causes = append(causes, c)
		}
	}
	add(t.LockTable(slot, see.Gen, table.RowExclusive))
	for k, r := range set {
		if !fresh[k] || see.Shape != Keyless {
			add(t.lock(lockKey{slot, see.Gen, k, 0}))
		}
		old := see.Rows[k]
		if see.Shape != Keyless && (r == nil || r.U != old.U) {
			for _, u := range []int64{old.U, rowU(r)} {
				if u != 0 {
					add(t.lock(lockKey{slot, see.Gen, 0, u}))
				}
			}
		}
		if !fresh[k] && t.Overtaken(slot, k) {
			add(sqlerr.SerializationFailure)
		}
	}
	if t.violates(slot, set, fresh) {
		add(sqlerr.UniqueViolation)
	}
	if len(causes) == 0 {
		c := t.changeOf(slot)
		for k, r := range set {
			c.rows[k] = r
		}
	}
	return causes
}

// Overtaken reports whether another transaction has written a key since the snapshot.
func (t *Tx) Overtaken(slot int, k int64) bool {
	now, own := t.m.Now.Tables[slot], t.own[slot]
	if now == nil || t.iso == table.ReadCommitted || now.Written[k] <= t.base().Seq {
		return false
	}
	return own == nil || !own.has(k)
}

func rowU(r *Row) int64 {
	if r == nil {
		return 0
	}
	return r.U
}

func (c *change) has(k int64) bool {
	_, ok := c.rows[k]
	return ok || c.made || c.truncated
}

// violates reports whether the newest state with these changes breaks a constraint.
func (t *Tx) violates(slot int, set map[int64]*Row, fresh map[int64]bool) bool {
	newest := t.on(t.m.Now, slot).clone()
	for k, r := range set {
		if _, dup := newest.Rows[k]; dup && fresh[k] {
			return true
		}
		if r != nil {
			newest.Rows[k] = *r
		} else {
			delete(newest.Rows, k)
		}
	}
	seen := map[int64]bool{}
	for _, r := range newest.Rows {
		if r.U != 0 && newest.Shape != Keyless && seen[r.U] {
			return true
		}
		seen[r.U] = true
	}
	return false
}

// LockRow locks a row: 55P03 if another transaction holds it, 40001 if one has written it.
func (t *Tx) LockRow(slot int, k int64) (causes []sqlerr.Code) {
	see := t.See(slot)
	if code := t.lock(lockKey{slot, see.Gen, k, 0}); code != "" {
		causes = append(causes, code)
	}
	if t.Overtaken(slot, k) {
		causes = append(causes, sqlerr.SerializationFailure)
	}
	return causes
}

// shadow returns a copy of what the transaction has done so far.
func (t *Tx) shadow() map[int]*change { return cloneChanges(t.own) }

// keepLocks undoes a statement: its changes go, the locks that it took stay.
func (t *Tx) keepLocks(own map[int]*change) { t.own = own }
