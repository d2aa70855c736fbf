package tabletest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// The model is what a database with row locks and multi-version concurrency must do, written down as
// plainly as possible: committed states are sorted maps that are copied at each commit. It knows nothing
// of any storage.

// Row is the content of a row besides its key. U is the value of a unique column; 0 stands for NULL.
type Row struct{ U, V int64 }

// State is a committed state of the database. It is not changed once it is made.
type State struct {
	Seq    int // commits before it
	Tables map[int]*Table
}

// Table is a table in a State.
type Table struct {
	Gen     int // tells tables apart that had the same name
	Shape   Shape
	Rows    map[int64]Row
	Written map[int64]int // the Seq of the commit that last wrote a key
}

func (t *Table) has(k int64) bool { _, ok := t.Rows[k]; return ok }

// Keys returns the keys of the rows in order.
func (t *Table) Keys() []int64 { return slices.Sorted(maps.Keys(t.Rows)) }

func newTable(gen int, shape Shape) *Table {
	return &Table{gen, shape, map[int64]Row{}, map[int64]int{}}
}

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

// lockMode is a set of row locks of PostgreSQL, or of its table locks.
type lockMode uint8

const keyShare, share, noKeyUpdate, update lockMode = 1, 2, 4, 8

const accessShare, rowExclusive, shareRowExclusive, accessExclusive lockMode = 16, 32, 64, 128

// excludes has for each mode those that others must not hold.
var excludes = map[lockMode]lockMode{
	keyShare: update, share: noKeyUpdate | update, noKeyUpdate: share | noKeyUpdate | update, update: 15,
	accessShare: accessExclusive, rowExclusive: shareRowExclusive | accessExclusive,
	shareRowExclusive: rowExclusive | shareRowExclusive | accessExclusive, accessExclusive: 240,
}

// toAdd is the lock for the sake of a key that a row is to have: one that a row has already is waited for only if that
// row may be about to go.
var toAdd = map[bool]lockMode{false: update, true: keyShare}

// lockKey is something that is locked: a row, a value of the unique column, a table, or the name of one.
type lockKey struct {
	what      string
	slot, gen int
	key       int64
}

// Tx is a transaction of the model.
type Tx struct {
	m     *Model
	iso   table.Isolation
	snap  *State // nil before the first look, and under READ COMMITTED
	own   map[int]*change
	locks map[lockKey]lockMode
	saves []mark
	reads []readNote
}

// change is what a transaction did to a slot: its table without rows, nil if dropped, and rows, nil if deleted.
type change struct {
	t    *Table
	rows map[int64]*Row
}

// mark is a place that a transaction can return to.
type mark struct {
	own   map[int]*change
	locks map[lockKey]lockMode
}

// Begin starts a transaction.
func (m *Model) Begin(iso table.Isolation) *Tx {
	t := &Tx{m: m, iso: iso, own: map[int]*change{}, locks: map[lockKey]lockMode{}}
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
	if c.t == nil {
		return nil
	}
	out := c.t.clone()
	if base != nil && base.Gen == c.t.Gen {
		out = base.clone()
	}
	for k, r := range c.rows {
		if delete(out.Rows, k); r != nil {
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

// lock takes a lock unless another transaction holds one that excludes it: then it is 55P03.
func (t *Tx) lock(mode lockMode, what string, slot, gen int, key int64) sqlerr.Code {
	k := lockKey{what, slot, gen, key}
	for o := range t.m.open {
		if o != t && o.locks[k]&excludes[mode] != 0 {
			return sqlerr.LockNotAvailable
		}
	}
	t.locks[k] |= mode
	return ""
}

func (t *Tx) lockTable(slot, gen int, mode lockMode) sqlerr.Code {
	return t.lock(mode, "table", slot, gen, 0)
}

// Create makes a table in an empty slot.
func (t *Tx) Create(slot int, shape Shape) sqlerr.Code {
	if code := t.lock(update, "name", slot, 0, 0); code != "" {
		return code
	}
	if t.on(t.m.Now, slot) != nil {
		return sqlerr.DuplicateTable
	}
	t.m.gens++
	t.own[slot] = &change{newTable(t.m.gens, shape), map[int64]*Row{}}
	return t.lockTable(slot, t.m.gens, accessExclusive)
}

// Drop removes the table in a slot, which is there.
func (t *Tx) Drop(slot int) sqlerr.Code {
	see := t.See(slot)
	if code := t.lockTable(slot, see.Gen, accessExclusive); code != "" {
		return code
	}
	if code := t.lock(update, "name", slot, 0, 0); code != "" {
		return code
	}
	t.own[slot] = &change{}
	return ""
}

// changeOf returns the transaction's change of a table that it sees.
func (t *Tx) changeOf(slot int) *change {
	if see := t.See(slot); t.own[slot] == nil {
		t.own[slot] = &change{newTable(see.Gen, see.Shape), map[int64]*Row{}}
	}
	return t.own[slot]
}

// Truncate removes all rows.
func (t *Tx) Truncate(slot int) sqlerr.Code {
	if code := t.lockTable(slot, t.See(slot).Gen, accessExclusive); code != "" {
		return code
	}
	for _, s := range []*State{t.base(), t.m.Now} {
		if see := t.on(s, slot); see != nil {
			for k := range see.Rows {
				t.changeOf(slot).rows[k] = nil
			}
		}
	}
	return ""
}

// mark returns the present place.
func (t *Tx) mark() mark {
	own := make(map[int]*change, len(t.own))
	for slot, c := range t.own {
		own[slot] = &change{c.t, maps.Clone(c.rows)}
	}
	return mark{own, maps.Clone(t.locks)}
}

// Savepoint marks the present.
func (t *Tx) Savepoint() { t.saves = append(t.saves, t.mark()) }

// RollbackTo undoes what came after the i-th savepoint, which stays.
func (t *Tx) RollbackTo(i int) {
	t.own, t.locks = t.saves[i].own, t.saves[i].locks
	t.saves[i] = t.mark()
	t.saves = t.saves[:i+1]
}

// Release forgets the i-th savepoint and later ones.
func (t *Tx) Release(i int) { t.saves = t.saves[:i] }

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
		if delete(next.Tables, slot); tab == nil {
			continue
		}
		tab = tab.clone()
		for k := range c.rows {
			tab.Written[k] = next.Seq
		}
		next.Tables[slot] = tab
	}
	t.m.Now = next
}

// Write replaces rows: set maps keys to new contents, nil deletes; fresh keys must not be there yet. Rows
// that are there are locked in the given mode. It returns the errors that may come of it, in whatever
// order a storage looks for them; if there is none, the rows are written. What was locked stays locked.
func (t *Tx) Write(slot int, set map[int64]*Row, fresh map[int64]bool, mode lockMode) (causes []sqlerr.Code) {
	see := t.See(slot)
	add := func(c sqlerr.Code) {
		if c != "" && !slices.Contains(causes, c) {
			causes = append(causes, c)
		}
	}
	add(t.lockTable(slot, see.Gen, rowExclusive))
	newest := t.on(t.m.Now, slot)
	moved := len(fresh) > 0 && len(fresh) < len(set) // keys change, nothing else
	for k, r := range set {
		old, mode := see.Rows[k], mode
		if fresh[k] {
			old, mode = Row{}, toAdd[newest.has(k)]
		} else if t.overtaken(slot, k) {
			add(sqlerr.SerializationFailure)
		}
		if see.Shape != Keyless || !fresh[k] {
			add(t.lock(mode, "row", slot, see.Gen, k))
		}
		r = cmp.Or(r, &Row{})
		for _, u := range []int64{old.U, r.U} {
			if see.Shape != Keyless && u != 0 && old.U != r.U && !moved {
				add(t.lock(update, "u", slot, see.Gen, u))
			}
		}
	}
	if t.violates(slot, set, fresh) {
		add(sqlerr.UniqueViolation)
	}
	if len(causes) == 0 {
		maps.Copy(t.changeOf(slot).rows, set)
	}
	return causes
}

// Ignore inserts rows one after the other, but for those whose key or unique value a row has: their places are returned.
// Such a row is waited for only if it may be about to go, and what was locked for the sake of one left out is given back.
func (t *Tx) Ignore(slot int, keys []int64, rows []Row) (skipped []int, code sqlerr.Code) {
	see := t.See(slot)
	if code := t.lockTable(slot, see.Gen, rowExclusive); code != "" {
		return nil, code
	}
	all, mine := t.on(t.m.Now, slot).clone(), map[int64]*Row{}
next:
	for i, k := range keys {
		before := maps.Clone(t.locks)
		for j, value := range []int64{k, rows[i].U} {
			what := []string{"row", "u"}[j]
			holder, taken := all.holder(what, value)
			if value == 0 {
				continue
			} else if code := t.lock(toAdd[taken], what, slot, see.Gen, value); code != "" {
				return nil, code
			} else if taken && mine[holder] == nil && t.overtaken(slot, holder) {
				return nil, sqlerr.SerializationFailure
			} else if taken {
				t.locks, skipped = before, append(skipped, i)
				continue next
			}
		}
		all.Rows[k], mine[k] = rows[i], &rows[i]
	}
	maps.Copy(t.changeOf(slot).rows, mine)
	return skipped, ""
}

// holder returns the key of the row with a value in the primary key or in the unique column.
func (t *Table) holder(what string, value int64) (int64, bool) {
	for k, r := range t.Rows {
		if what == "row" && k == value || what == "u" && r.U == value {
			return k, true
		}
	}
	return 0, false
}

// overtaken reports whether another transaction has written a key since the snapshot.
func (t *Tx) overtaken(slot int, k int64) bool {
	now, c := t.m.Now.Tables[slot], t.own[slot]
	if c != nil {
		if _, own := c.rows[k]; own || now != nil && now.Gen != c.t.Gen {
			return false
		}
	}
	return now != nil && now.Written[k] > t.base().Seq
}

// violates reports whether the newest state with these changes breaks a constraint.
func (t *Tx) violates(slot int, set map[int64]*Row, fresh map[int64]bool) bool {
	newest := t.on(t.m.Now, slot).clone()
	for k, r := range set {
		if fresh[k] && newest.has(k) {
			return true
		}
		if delete(newest.Rows, k); r != nil {
			newest.Rows[k] = *r
		}
	}
	seen := map[int64]int{}
	for _, r := range newest.Rows {
		if seen[r.U]++; seen[r.U] > 1 && r.U != 0 && newest.Shape != Keyless {
			return true
		}
	}
	return false
}

// LockRow locks a row: 55P03 if another transaction holds it, 40001 if one has written it.
func (t *Tx) LockRow(slot int, k int64, mode lockMode) (causes []sqlerr.Code) {
	if code := t.lock(mode, "row", slot, t.See(slot).Gen, k); code != "" {
		causes = append(causes, code)
	}
	if t.overtaken(slot, k) {
		causes = append(causes, sqlerr.SerializationFailure)
	}
	return causes
}
