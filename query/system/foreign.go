package system

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

// foreignKey is what a FOREIGN KEY constraint says besides its own columns.
type foreignKey struct {
	*table.ForeignKey
	parent *table.TableDef
	cols   []int // referenced columns
	key    int   // the key that they are, in parent.Keys
}

// foreignOf returns a table's FOREIGN KEY constraints.
func (s *Source) foreignOf(d *table.TableDef) (out []constraint) {
	for i := range d.Foreign {
		f := &d.Foreign[i]
		parent, ok := s.Schema.ByID(f.Table).(*table.TableDef)
		if !ok {
			continue
		}
		k, cols := parent.RefKey(f.RefColumns)
		if k < 0 {
			continue
		}
		c := constraint{oid: uint32(f.ID), name: f.Name, kind: "f", def: d, cols: f.Columns, foreign: &foreignKey{f, parent, cols, k}}
		if x := s.Schema.LookupRelation(parent.Schema, parent.Keys[k].Name); x != nil {
			c.index = x.Head().ID
		}
		out = append(out, c)
	}
	return out
}

// triggered returns the tables that have a FOREIGN KEY or are referenced by one: PostgreSQL has triggers on them.
func (s *Source) triggered() map[table.ObjectID]bool {
	set := map[table.ObjectID]bool{}
	for _, d := range s.tablesOf() {
		for i := range d.Foreign {
			set[d.ID], set[d.Foreign[i].Table] = true, true
		}
	}
	return set
}

// letter is an action as pg_constraint has it.
func letter(a table.RefAction) string { return "arcnd"[a : a+1] }

func (f *foreignKey) match() string {
	if f.Full {
		return "f"
	}
	return "s"
}

// text is pg_get_constraintdef.
func (f *foreignKey) text(s *Source, d *table.TableDef) string {
	out := "FOREIGN KEY (" + columnList(d, f.Columns) + ") REFERENCES " + s.relationName(f.parent) + "(" + columnList(f.parent, f.cols) + ")"
	if f.Full {
		out += " MATCH FULL"
	}
	if f.OnUpdate != table.NoAction {
		out += " ON UPDATE " + f.OnUpdate.String()
	}
	if f.OnDelete != table.NoAction {
		out += " ON DELETE " + f.OnDelete.String()
		if len(f.SetColumns) > 0 {
			out += " (" + columnList(d, f.SetColumns) + ")"
		}
	}
	if f.Deferrable {
		out += " DEFERRABLE"
	}
	if f.Deferred {
		out += " INITIALLY DEFERRED"
	}
	if f.NotValid {
		out += " NOT VALID"
	}
	return out
}

// relationName is the name of a table, with its schema unless the search path leads to it.
func (s *Source) relationName(d *table.TableDef) string {
	if s.RelationText != nil {
		return s.RelationText(uint32(d.ID))
	}
	return Quote(d.Name)
}

func referentialConstraints(m *maker) {
	for _, d := range m.tablesOf() {
		for _, c := range m.foreignOf(d) {
			match := "NONE"
			if c.foreign.Full {
				match = "FULL"
			}
			m.add(m.Database, m.schemaName(d.Schema), c.name, m.Database, m.schemaName(c.foreign.parent.Schema),
				c.foreign.parent.Keys[c.foreign.key].Name, match, c.foreign.OnUpdate.String(), c.foreign.OnDelete.String())
		}
	}
}

// inKey is the position, from 1, in the referenced key of the column that column i references; nil for another constraint.
func (c *constraint) inKey(i int) any {
	if c.foreign == nil {
		return nil
	}
	for at, col := range c.foreign.parent.Keys[c.foreign.key].Columns {
		if col == c.foreign.cols[i] {
			return at + 1
		}
	}
	return nil
}

// foreignColumns are the columns of pg_constraint that only a FOREIGN KEY has.
func (c *constraint) foreignColumns() (parent table.ObjectID, update, del, match string, keys, set any) {
	f := c.foreign
	if f == nil {
		return 0, " ", " ", " ", nil, nil
	}
	if len(f.SetColumns) > 0 {
		set = expr.ArrayText(numbers(f.SetColumns))
	}
	return f.parent.ID, letter(f.OnUpdate), letter(f.OnDelete), f.match(), expr.ArrayText(numbers(f.cols)), set
}
