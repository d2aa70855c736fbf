package table

import "github.com/laminadb/lamina/types"

// ForeignKey is a FOREIGN KEY constraint: what rows have in Columns must be in the columns RefColumns of a row of the
// referenced table, on which that table has a primary key or UNIQUE constraint, unless one of them is NULL.
type ForeignKey struct {
	Name string
	// ID identifies the constraint for ever, as a schema object's does; set by the storage, 0 in a new constraint.
	ID ObjectID
	// Columns are positions in TableDef.Columns.
	Columns []int
	// Table is the referenced table; 0, in a new table, is the table itself.
	Table ObjectID
	// RefColumns are the IDs of the referenced columns, in the order of Columns.
	RefColumns []uint32
	// Full is MATCH FULL: either all Columns are NULL or none.
	Full               bool
	OnUpdate, OnDelete RefAction
	// SetColumns are those of Columns that ON DELETE SET NULL and SET DEFAULT change; empty: all.
	SetColumns []int
	// Deferrable: SET CONSTRAINTS may put the check off to the commit. Deferred: it is put off unless that says otherwise.
	Deferrable, Deferred bool
	// NotValid: rows that were there before the constraint was made were not checked.
	NotValid bool
}

// RefAction is what becomes of rows whose referenced row goes away or changes its key.
type RefAction uint8

// The actions. NoAction and Restrict refuse the change: NoAction at the end of the statement, or of the transaction if the
// constraint is deferred, and only if no other row has got the key by then.
const (
	NoAction RefAction = iota
	Restrict
	Cascade
	SetNull
	SetDefault
)

// String returns the action as SQL spells it.
func (a RefAction) String() string {
	return [...]string{"NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"}[a]
}

// clone returns a copy that shares no list.
func (f ForeignKey) clone() ForeignKey {
	f.Columns = append([]int(nil), f.Columns...)
	f.RefColumns = append([]uint32(nil), f.RefColumns...)
	f.SetColumns = append([]int(nil), f.SetColumns...)
	return f
}

// RefKey returns the position in Keys of the constraint that makes rows unique in the columns with the given IDs, and
// those columns' positions, in their order; k is -1 if there is none.
func (d *TableDef) RefKey(ids []uint32) (k int, cols []int) {
	for _, id := range ids {
		i := d.columnWithID(id)
		if i < 0 {
			return -1, nil
		}
		cols = append(cols, i)
	}
	for k := range d.Keys {
		if samePositions(d.Keys[k].Columns, cols) {
			return k, cols
		}
	}
	return -1, cols
}

func (d *TableDef) columnWithID(id uint32) int {
	for i := range d.Columns {
		if d.Columns[i].ID == id && id != 0 {
			return i
		}
	}
	return -1
}

// samePositions reports whether two lists without repetitions have the same elements.
func samePositions(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i, x := range a {
		found := false
		for j, y := range b {
			found = found || x == y
			if i != j && b[i] == y {
				return false
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// Referable reports whether a column of one type can reference one of the other: equal values of both have the same
// encoding once ReferenceValue has brought them to one type.
func Referable(from, to types.Kind) bool {
	return from == to || isInteger(from) && isInteger(to) || isString(from) && isString(to)
}

func isInteger(k types.Kind) bool { return k == types.Int2 || k == types.Int4 || k == types.Int8 }

func isString(k types.Kind) bool { return k == types.Text || k == types.Varchar }

// ReferenceValue brings a value to a kind that its own is Referable to; ok is false if no value of that kind equals it.
func ReferenceValue(d types.Datum, to types.Kind) (v types.Datum, ok bool) {
	if !d.Valid {
		return types.NullOf(to), true
	}
	switch to {
	case types.Int2:
		ok = d.I == int64(int16(d.I))
	case types.Int4:
		ok = d.I == int64(int32(d.I))
	default:
		ok = true
	}
	if !isInteger(d.K) {
		ok = true
	}
	d.K = to
	return d, ok
}
