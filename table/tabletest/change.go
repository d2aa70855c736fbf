package tabletest

import (
	"github.com/laminadb/lamina/table"
)

// rowKey returns the key of the row that a step means: of those that are there, unless it inserts or looks up. The
// rows of a table without key can be told apart only if each gets a value of its own when it is inserted.
func (r *runner) rowKey(o *op, see *Table, k int64) int64 {
	if o.Kind == opInsert || o.Kind == opLoad {
		if see.Shape == Keyless {
			r.serial++
			return k + r.serial<<8
		}
		return k
	}
	if keys := see.Keys(); len(keys) > 0 {
		return keys[int(k)%len(keys)]
	}
	return k
}

// changes returns the rows that a step writes, given what the transaction sees.
func (r *runner) changes(o *op, p *pair, see *Table) (set map[int64]*Row, fresh map[int64]bool) {
	if o.Kind == opRekey {
		if see.Shape == Keyless {
			return nil, nil
		}
		return r.rekeyed(o, p, see)
	}
	set, fresh = map[int64]*Row{}, map[int64]bool{}
	for i, k := range o.Keys {
		k = r.rowKey(o, see, k)
		row := Row{U: o.U, V: o.V + int64(i)}
		if o.Spread && row.U != 0 {
			row.U += int64(i)
		}
		old, there := see.Rows[k]
		switch o.Kind {
		case opInsert, opLoad:
			if there && p.m.iso != table.ReadCommitted {
				continue
			}
			set[k], fresh[k] = &row, true
		case opUpdate:
			if o.onlyV() {
				row.U = old.U
			}
			if there {
				set[k] = &row
			}
		case opDelete:
			if there {
				set[k] = nil
			}
		}
	}
	return set, fresh
}

// rekeyed moves the key of a row, and those of up to four rows right above it, up by one: each new key was an old one,
// but for the last.
func (r *runner) rekeyed(o *op, p *pair, see *Table) (set map[int64]*Row, fresh map[int64]bool) {
	first := r.rowKey(o, see, o.Keys[0])
	set = map[int64]*Row{first: nil}
	k := first
	for ; k < first+5; k++ {
		row, there := see.Rows[k]
		if !there {
			break
		}
		row.V = o.V
		set[k+1] = &row
	}
	if _, there := see.Rows[k]; k == first || there && p.m.iso != table.ReadCommitted {
		return nil, nil
	}
	return set, map[int64]bool{k: true}
}
