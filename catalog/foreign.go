package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// A FOREIGN KEY constraint is kept in the definition of the table that has it. Of the referenced table nothing is stored:
// Catalog.refs, which is made of the definitions, leads from it to the tables that reference it. That a table becomes
// referenced is a change of its definition all the same: its version is raised in the same list of changes, so that a write
// set that was made without knowing it is refused.

// ForeignMax bounds the FOREIGN KEY constraints of a table.
const ForeignMax = 256

// Referencing returns the tables with a FOREIGN KEY on a table, itself included, ordered by ID.
func (c *Catalog) Referencing(id table.ObjectID) (list []*table.TableDef) {
	if c.refs.Len() == 0 {
		return nil
	}
	c.refs.Ascend(refKey(id, 0), func(k uint64, _ int) bool {
		if table.ObjectID(k>>32) != id {
			return false
		}
		if def := c.Table(table.ObjectID(uint32(k))); def != nil {
			list = append(list, def)
		}
		return true
	})
	return list
}

func refKey(referenced, referencing table.ObjectID) uint64 {
	return uint64(referenced)<<32 | uint64(referencing)
}

// linkForeign notes what a table references; the catalog is not shared yet.
func (c *Catalog) linkForeign(def *table.TableDef) {
	for i := range def.Foreign {
		f := &def.Foreign[i]
		c.refs.Set(refKey(f.Table, def.ID), 0)
		c.nextID = max(c.nextID, f.ID+1)
	}
}

func (c *Catalog) unlinkForeign(def *table.TableDef) {
	for i := range def.Foreign {
		c.refs.Delete(refKey(def.Foreign[i].Table, def.ID))
	}
}

// checkForeign checks the FOREIGN KEY constraints of a definition as far as they are about the table alone.
func checkForeign(d *table.TableDef) error {
	if len(d.Foreign) > ForeignMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a table can have at most %d foreign keys", ForeignMax)
	}
	for i := range d.Foreign {
		f := &d.Foreign[i]
		if err := checkName(f.Name); err != nil {
			return err
		}
		n := len(f.Columns)
		switch {
		case n == 0 || n != len(f.RefColumns):
			return sqlerr.New(sqlerr.InvalidForeignKey, "number of referencing and referenced columns for foreign key disagree")
		case n > KeyColumnsMax:
			return sqlerr.Newf(sqlerr.TooManyColumns, "cannot have more than %d keys in a foreign key", KeyColumnsMax)
		case f.OnUpdate > table.SetDefault || f.OnDelete > table.SetDefault:
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "constraint \"%s\" has an unknown action", f.Name)
		case f.Deferred && !f.Deferrable:
			return sqlerr.New(sqlerr.SyntaxError, "constraint declared INITIALLY DEFERRED must be DEFERRABLE")
		case len(f.SetColumns) > 0 && f.OnDelete != table.SetNull && f.OnDelete != table.SetDefault:
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "constraint \"%s\" has columns for another action", f.Name)
		}
		for _, c := range f.Columns {
			if c < 0 || c >= len(d.Columns) {
				return sqlerr.Newf(sqlerr.UndefinedColumn, "column %d referenced in foreign key constraint does not exist", c+1)
			}
		}
		for _, c := range f.SetColumns {
			if !slices.Contains(f.Columns, c) {
				return sqlerr.Newf(sqlerr.InvalidColumnReference, "column %d referenced in ON DELETE SET action must be part of foreign key", c+1)
			}
		}
	}
	return nil
}

// addForeign completes the new constraints of def, of which old (nil if the table is new) is the definition before, and
// returns the changes of the tables that become referenced.
func (o *Overlay) addForeign(def, old *table.TableDef) (changes []Change, err error) {
	for i := range def.Foreign {
		f := &def.Foreign[i]
		if f.Table == 0 {
			f.Table = def.ID
		}
		if f.ID != 0 && old != nil && slices.ContainsFunc(old.Foreign, func(g table.ForeignKey) bool { return g.ID == f.ID && g.Table == f.Table }) {
			if err := o.checkReference(def, f); err != nil {
				return nil, err
			}
			continue
		}
		if f.ID, err = o.ids.Next(); err != nil {
			return nil, err
		}
		if err := o.checkReference(def, f); err != nil {
			return nil, err
		}
		known := slices.ContainsFunc(changes, func(c Change) bool { return c.ID == f.Table })
		if f.Table != def.ID && !known {
			parent := o.cur.Table(f.Table).CloneObject().(*table.TableDef)
			parent.Version++
			changes = append(changes, Change{Put, parent, parent.ID})
		}
	}
	return changes, nil
}

// checkReference checks that what a constraint references is there and unique.
func (o *Overlay) checkReference(def *table.TableDef, f *table.ForeignKey) error {
	parent := def
	if f.Table != def.ID {
		if parent = o.cur.Table(f.Table); parent == nil {
			return ErrNoObject(f.Table)
		}
	}
	return checkReferenced(def, f, parent)
}

func checkReferenced(def *table.TableDef, f *table.ForeignKey, parent *table.TableDef) error {
	k, cols := parent.RefKey(f.RefColumns)
	if k < 0 {
		return sqlerr.Newf(sqlerr.InvalidForeignKey,
			"there is no unique constraint matching given keys for referenced table \"%s\"", parent.Name)
	}
	for i, c := range f.Columns {
		from, to := def.Columns[c].Type.Kind, parent.Columns[cols[i]].Type.Kind
		if !table.Referable(from, to) {
			return sqlerr.Newf(sqlerr.DatatypeMismatch, "foreign key constraint \"%s\" cannot be implemented", f.Name).
				WithDetail("Key columns \"%s\" of the referencing table and \"%s\" of the referenced table are of incompatible types: %s and %s.",
					def.Columns[c].Name, parent.Columns[cols[i]].Name, from, to)
		}
	}
	return nil
}

// checkReferrers checks that a new definition keeps what other tables reference.
func (o *Overlay) checkReferrers(def *table.TableDef) error {
	for _, child := range o.cur.Referencing(def.ID) {
		for i := range child.Foreign {
			if f := &child.Foreign[i]; f.Table == def.ID && child.ID != def.ID {
				err := checkReferenced(child, f, def)
				if err != nil && sqlerr.CodeOf(err) == sqlerr.InvalidForeignKey {
					return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot alter table %s because other objects depend on it", def.Name).
						WithDetail("constraint %s on table %s depends on table %s", f.Name, child.Name, def.Name)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checkUnreferenced refuses to drop a table that others reference.
func (o *Overlay) checkUnreferenced(def *table.TableDef) error {
	var lines []string
	for _, child := range o.cur.Referencing(def.ID) {
		for i := range child.Foreign {
			if f := &child.Foreign[i]; f.Table == def.ID && child.ID != def.ID {
				lines = append(lines, fmt.Sprintf("constraint %s on table %s depends on table %s", f.Name, child.Name, def.Name))
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot drop table %s because other objects depend on it", def.Name).
		WithDetail("%s", strings.Join(lines, "\n")).WithHint(cascadeHint)
}
