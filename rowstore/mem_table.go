package rowstore

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// memTable is one version of a table: its definition, its content, and the indexes of its keys. It is immutable;
// versions share content and indexes where they are the same.
type memTable struct {
	def     *table.TableDef
	rows    *rows
	primary *keyIndex
	// keys are the indexes by position in def.Keys; that of a primary key is primary itself.
	keys []*keyIndex
}

// newTable makes an empty table.
func (s *Store) newTable(def *table.TableDef) *memTable {
	a := &arena{tracker: s.tracker, spares: s.spares}
	l := layoutOfTable(def)
	t := &memTable{def: def, rows: newRows(l, a, &s.clock)}
	t.primary = newKeyIndex(l, primaryColumns(def), &s.clock, a)
	for i := range def.Keys {
		if def.Keys[i].Primary {
			t.keys = append(t.keys, t.primary)
			continue
		}
		t.keys = append(t.keys, newKeyIndex(l, def.Keys[i].Columns, &s.clock, a))
	}
	return t
}

// unique returns the indexes besides that of the primary key.
func (t *memTable) unique() []*keyIndex {
	if len(t.keys) > 0 && t.keys[0] == t.primary {
		return t.keys[1:]
	}
	return t.keys
}

// CanAlter reports whether the rows of a table can take a new definition as they are: 0A000 if not. The number and
// the types of columns and the primary key must stay, apart from limits on the length of strings; names, defaults,
// NOT NULL, CHECK and UNIQUE constraints may change.
func CanAlter(old, def *table.TableDef) error {
	if len(old.Columns) != len(def.Columns) {
		return sqlerr.Unsupported("adding or dropping columns of a table that has rows")
	}
	for i := range def.Columns {
		if !sameLayout(old.Columns[i], def.Columns[i]) {
			return sqlerr.Unsupported("changing the type of a column of a table that has rows")
		}
	}
	if !sameKey(primaryColumns(old), primaryColumns(def)) {
		return sqlerr.Unsupported("changing the primary key of a table that has rows")
	}
	return nil
}

func sameLayout(a, b table.Column) bool {
	if a.Type == b.Type {
		return true
	}
	x, y := layoutOf(a.Type, false), layoutOf(b.Type, false)
	return a.Type.Kind == b.Type.Kind && x.class == y.class && x.width == y.width && x.views == y.views && x.scale == y.scale
}

// alter returns the table under a new definition. An index of columns that had none is built from the rows.
func (s *Store) alter(t *memTable, def *table.TableDef) (*memTable, error) {
	if err := CanAlter(t.def, def); err != nil {
		if t.rows.live.Load() != 0 {
			return nil, err
		}
		n := s.newTable(def)
		s.drop(t.rows)
		return n, nil
	}
	n := &memTable{def: def, rows: t.rows, primary: t.primary}
	for i := range def.Keys {
		k := t.indexOf(def.Keys[i].Columns)
		if k == nil {
			k = newKeyIndex(t.rows.layout, def.Keys[i].Columns, &s.clock, t.rows.arena)
			if err := t.rows.fill(k, def); err != nil {
				return nil, err
			}
		}
		n.keys = append(n.keys, k)
	}
	for _, k := range t.unique() {
		if n.indexOf(k.cols) != k {
			s.later(k.tree.release)
		}
	}
	return n, nil
}

// indexOf returns the index of the given columns, or nil.
func (t *memTable) indexOf(cols []int) *keyIndex {
	if sameKey(t.primary.cols, cols) {
		return t.primary
	}
	for _, k := range t.keys {
		if sameKey(k.cols, cols) {
			return k
		}
	}
	return nil
}

// fill enters all live rows into a new index.
func (r *rows) fill(k *keyIndex, def *table.TableDef) error {
	for no := range int(r.used.Load()) {
		c := r.chunk(no)
		if c == nil {
			continue
		}
		for row := range int(c.n.Load()) {
			if c.endOf(row) != never {
				continue
			}
			p, buf, ok := k.rowProbe(r.key, c, row)
			r.key = buf
			if !ok {
				continue
			}
			if len(p.key) > KeyBytesMax {
				return errKeyTooLong(def, len(p.key))
			}
			if _, had := k.tree.set(&p, uint64(no)<<chunkShift|uint64(row)); had {
				return sqlerr.Newf(sqlerr.UniqueViolation, "could not create unique index on table \"%s\"", def.Name)
			}
		}
	}
	return nil
}
