package tabletest

import (
	"maps"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// The model is what a database with row locks and multi-version concurrency must do, written down as
// plainly as possible: committed states are maps that are copied at each commit. It knows nothing of
// any storage.

// Row is the content of a row besides its key. U is the value of a unique column; 0 stands for NULL.
type Row struct{ U, V int64 }

// Shape says which constraints a table of the model has.
type Shape uint8

// The shapes: a primary key and a unique column, the same with a primary key of two columns, and a
// table without any key.
const (
	Keyed Shape = iota
	Composite
	Keyless
	numShapes
)

// State is a committed state of the database. It is not changed once it is made.
type State struct {
	Seq    int // commits before it
	Tables map[int]*Table
}

// Table is a table in a State.
type Table struct {
	Gen   int // tells tables apart that had the same name
	Shape Shape
	Rows  map[int64]Row
	// Written is the Seq of the commit that last wrote a key.
	Written map[int64]int
}

// Keys returns the keys of the rows in order.
func (t *Table) Keys() []int64 { return slices.Sorted(maps.Keys(t.Rows)) }

func (t *Table) clone() *Table {
	return &Table{t.Gen, t.Shape, maps.Clone(t.Rows), maps.Clone(t.Written)}
}

// Model is the database.
type Model struct {
	Now  *State
	gens int
	open map[*Tx]struct{}
}

// NewModel returns an empty database.
func NewModel() *Model {
	return &Model{Now: &State{Tables: map[int]*Table{}}, open: map[*Tx]struct{}{}}
}

// lockKey is something that a transaction locks: a row (U 0), a value of the unique column (Key 0), or
// the name of a table.
type lockKey struct {
	slot, gen int
	key, u    int64
}

// Tx is a transaction of the model.
type Tx struct {
	m     *Model
	iso   table.Isolation
	snap  *State // nil before the first look, and under READ COMMITTED
	own   map[int]*change
	locks map[lockKey]bool
	modes map[[2]int]table.TableLock // by slot and generation
	saves []saved
}

// change is what a transaction did to the table in a slot.
type change struct {
	made, dropped, truncated bool
	t                        *Table // the definition, with no rows
	rows                     map[int64]*Row
}

type saved struct {
	own   map[int]*change
	locks map[lockKey]bool
	modes map[[2]int]table.TableLock
}

// Begin starts a transaction.
func (m *Model) Begin(iso table.Isolation) *Tx {
	t := &Tx{m: m, iso: iso, own: map[int]*change{}, locks: map[lockKey]bool{}, modes: map[[2]int]table.TableLock{}}
	m.open[t] = struct{}{}
	return t
}

// base returns the committed state that a statement of the transaction sees.
func (t *Tx) base() *State {
	if t.iso == table.ReadCommitted {
		return t.m.Now
	}
	if t.snap == nil {
		t.snap = t.m.Now
	}
	return t.snap
}

// See returns the table in a slot as the transaction sees it, or nil.
func (t *Tx) See(slot int) *Table { return t.on(t.base(), slot) }

// on returns the table in a slot of a state with the transaction's changes.
func (t *Tx) on(s *State, slot int) *Table {
	c, base := t.own[slot], s.Tables[slot]
	if c == nil {
		return base
	}
	if c.dropped {
		return nil
	}
	out := c.t.clone()
	if base != nil && !c.made && !c.truncated {
		out = base.clone()
	}
	for k, r := range c.rows {
		if r == nil {
			delete(out.Rows, k)
		} else {
			out.Rows[k] = *r
		}
	}
	return out
}

// Stale reports whether the definition in a slot has changed since the transaction's snapshot.
func (t *Tx) Stale(slot int) bool {
	a, b := t.base().Tables[slot], t.m.Now.Tables[slot]
	return t.own[slot] == nil && (a == nil) != (b == nil) || a != nil && b != nil && a.Gen != b.Gen
}

// lock takes the locks unless another transaction holds one of them: then it is 55P03.
func (t *Tx) lock(keys ...lockKey) sqlerr.Code {
	for o := range t.m.open {
		for _, k := range keys {
			if o != t && o.locks[k] {
				return sqlerr.LockNotAvailable
			}
		}
	}
	for _, k := range keys {
		t.locks[k] = true
	}
	return ""
}

// LockTable takes a table lock: AccessShare, RowExclusive or AccessExclusive.
func (t *Tx) LockTable(slot, gen int, mode table.TableLock) sqlerr.Code {
	id := [2]int{slot, gen}
	for o := range t.m.open {
		held, ok := o.modes[id]
		if o != t && ok && (mode == table.AccessExclusive || held == table.AccessExclusive) {
			return sqlerr.LockNotAvailable
		}
	}
	t.modes[id] = max(t.modes[id], mode)
	return ""
}

// Create makes a table in an empty slot.
func (t *Tx) Create(slot int, shape Shape) sqlerr.Code {
	if code := t.lock(lockKey{slot: slot}); code != "" {
		return code
	}
	if t.on(t.m.Now, slot) != nil {
		return sqlerr.DuplicateTable
	}
	t.m.gens++
	def := &Table{t.m.gens, shape, map[int64]Row{}, map[int64]int{}}
	t.own[slot] = &change{made: true, t: def, rows: map[int64]*Row{}}
	return t.LockTable(slot, def.Gen, table.AccessExclusive)
}

// Drop removes the table in a slot, which is there.
func (t *Tx) Drop(slot int) sqlerr.Code {
	see := t.See(slot)
	if code := t.LockTable(slot, see.Gen, table.AccessExclusive); code != "" {
		return code
	}
	if code := t.lock(lockKey{slot: slot}); code != "" {
		return code
	}
	t.own[slot] = &change{dropped: true, t: see.clone()}
	return ""
}

// changeOf returns the transaction's change of a table that it sees.
func (t *Tx) changeOf(slot int) *change {
	c := t.own[slot]
	if c == nil {
		see := t.See(slot)
		c = &change{t: &Table{see.Gen, see.Shape, map[int64]Row{}, map[int64]int{}}, rows: map[int64]*Row{}}
		t.own[slot] = c
	}
	return c
}

// Truncate removes all rows.
func (t *Tx) Truncate(slot int) sqlerr.Code {
	if code := t.LockTable(slot, t.See(slot).Gen, table.AccessExclusive); code != "" {
		return code
	}
	c := t.changeOf(slot)
	c.truncated, c.rows = true, map[int64]*Row{}
	return ""
}

// Savepoint marks the present; RollbackTo returns to the i-th mark, Release forgets it.
func (t *Tx) Savepoint() {
	t.saves = append(t.saves, saved{cloneChanges(t.own), maps.Clone(t.locks), maps.Clone(t.modes)})
}

func (t *Tx) RollbackTo(i int) {
	s := t.saves[i]
	t.saves = t.saves[:i+1]
	t.own, t.locks, t.modes = cloneChanges(s.own), maps.Clone(s.locks), maps.Clone(s.modes)
}

func (t *Tx) Release(i int) { t.saves = t.saves[:i] }

func cloneChanges(in map[int]*change) map[int]*change {
	out := make(map[int]*change, len(in))
	for slot, c := range in {
		d := *c
		d.rows = maps.Clone(c.rows)
		out[slot] = &d
	}
	return out
}

// End forgets the transaction: rollback.
func (t *Tx) End() { delete(t.m.open, t) }

// Commit makes the changes visible.
func (t *Tx) Commit() {
	t.End()
	if len(t.own) == 0 {
		return
	}
	next := &State{Seq: t.m.Now.Seq + 1, Tables: maps.Clone(t.m.Now.Tables)}
	for slot, c := range t.own {
		tab := t.on(t.m.Now, slot)
		if tab == nil {
			delete(next.Tables, slot)
			continue
		}
		tab = tab.clone()
		if c.truncated && t.m.Now.Tables[slot] != nil {
			for k := range t.m.Now.Tables[slot].Rows {
				tab.Written[k] = next.Seq
			}
		}
		for k := range c.rows {
			tab.Written[k] = next.Seq
		}
		next.Tables[slot] = tab
	}
	t.m.Now = next
}
