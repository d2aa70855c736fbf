package store

import (
	"context"
	"reflect"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// newForeign returns the constraints of def that old, nil for a new table, has not.
func newForeign(def, old *table.TableDef) (list []*table.ForeignKey) {
	for i := range def.Foreign {
		f := &def.Foreign[i]
		if old != nil && f.ID != 0 && slices.ContainsFunc(old.Foreign, func(g table.ForeignKey) bool { return g.ID == f.ID }) {
			continue
		}
		list = append(list, f)
	}
	return list
}

// lockReferenced keeps the tables that new constraints of def reference from being written to and changed, and checks what
// only the storage can check of them.
func (s *schema) lockReferenced(ctx context.Context, def, old *table.TableDef) error {
	t := s.tx
	for _, f := range newForeign(def, old) {
		if f.Table == 0 || f.Table == def.ID {
			continue
		}
		if err := t.lockTable(ctx, f.Table, table.ShareRowExclusive, table.WaitBlock); err != nil {
			return err
		}
		if err := s.current(t.overlay); err != nil {
			return err
		}
		if base := t.overlay.Base().ByID(f.Table); base != nil {
			if now := t.s.newest().ByID(f.Table); now == nil || now.Head().Version != base.Head().Version {
				return errConcurrentUpdate
			}
		}
		parent := t.overlay.Catalog().Table(f.Table)
		if parent != nil && t.s.tiers[t.s.tierOf(def.Method)].durable && !t.s.tiers[t.s.tierOf(parent.Method)].durable {
			return sqlerr.New(sqlerr.InvalidTableDefinition, "constraints on permanent tables may reference only permanent tables")
		}
	}
	return nil
}

// validateForeign checks that the rows of tables obey constraints after a table was changed: its new constraints, and those
// of which the values on either side may have changed.
func (t *Tx) validateForeign(ctx context.Context, was, def *table.TableDef, rows *writes, fresh []table.ObjectID) error {
	for i := range def.Foreign {
		f := &def.Foreign[i]
		if f.NotValid {
			continue
		}
		if slices.Contains(fresh, f.ID) || wasNotValid(was, f) || reworked(was, def, rows, columnIDs(def, f.Columns)) || f.Table == def.ID && reworked(was, def, rows, f.RefColumns) {
			if err := t.validateOne(ctx, def, f); err != nil {
				return err
			}
		}
	}
	for _, child := range t.catalog().Referencing(def.ID) {
		for i := range child.Foreign {
			f := &child.Foreign[i]
			if child.ID == def.ID || f.Table != def.ID || f.NotValid || !reworked(was, def, rows, f.RefColumns) {
				continue
			}
			if err := t.lockTable(ctx, child.ID, table.ShareRowExclusive, table.WaitBlock); err != nil {
				return err
			}
			if err := t.validateOne(ctx, child, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// wasNotValid reports whether a constraint did not hold for all rows in the definition before.
func wasNotValid(was *table.TableDef, f *table.ForeignKey) bool {
	return slices.ContainsFunc(was.Foreign, func(g table.ForeignKey) bool { return g.ID == f.ID && g.NotValid })
}

// onlyForeign reports whether def adds FOREIGN KEY constraints to a table, or validates some, and changes nothing else: rows
// may be read and locked meanwhile.
func onlyForeign(was, def *table.TableDef) bool {
	if len(def.Foreign) < len(was.Foreign) {
		return false
	}
	for i := range was.Foreign {
		if was.Foreign[i].ID != def.Foreign[i].ID || was.Foreign[i].Name != def.Foreign[i].Name {
			return false
		}
	}
	same := was.CloneObject().(*table.TableDef)
	same.Foreign = def.Foreign
	return reflect.DeepEqual(same, def.CloneObject())
}

func columnIDs(def *table.TableDef, cols []int) (ids []uint32) {
	for _, c := range cols {
		ids = append(ids, def.Columns[c].ID)
	}
	return ids
}

// reworked reports whether the rows of a table were made anew, with another type of one of the columns, or other values.
func reworked(was, def *table.TableDef, rows *writes, ids []uint32) bool {
	if rows == nil {
		return false
	}
	for _, id := range ids {
		a, b := columnByID(was, id), columnByID(def, id)
		if a < 0 || b < 0 || was.Columns[a].Type != def.Columns[b].Type || slices.Contains(rows.changed, id) {
			return true
		}
	}
	return false
}

// validateOne checks all rows of a table, which is locked as the referenced one is, against a constraint.
func (t *Tx) validateOne(ctx context.Context, def *table.TableDef, f *table.ForeignKey) error {
	st, err := t.Statement(ctx)
	if err != nil {
		return err
	}
	now := st.(*Statement)
	now.view.Release()
	now.view, now.aside = t.s.views.Acquire(), true
	return now.Close(now.validateRows(ctx, def, f))
}

func (st *Statement) validateRows(ctx context.Context, def *table.TableDef, f *table.ForeignKey) error {
	x, err := st.reference(ctx, def, f)
	if err != nil {
		return err
	}
	x.newest = true
	r, err := st.Reader(ctx, def.ID)
	if err != nil {
		return err
	}
	s, err := r.Scan(ctx, table.ScanSpec{Cols: f.Columns})
	if err != nil {
		return err
	}
	var values types.Row
	return scanAll(ctx, s, func(c *rowCheck) error {
		for i := range c.batch.N {
			values = c.batch.Row(i, values[:0])
			if err := x.check(ctx, values); err != nil {
				return err
			}
		}
		return nil
	})
}
