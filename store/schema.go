package store

import (
	"context"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// schema is the set of schema objects that a transaction sees: under READ COMMITTED the newest
// committed ones, above it those of the transaction's View, and its own changes on top.
type schema struct{ tx *Tx }

var _ table.Schema = (*schema)(nil)

func (s *schema) Version() uint64 { return s.tx.catalog().Version() }

func (s *schema) Lookup(kind table.ObjectKind, schema table.ObjectID, name string) table.Object {
	return s.tx.catalog().Lookup(kind, schema, name)
}

func (s *schema) LookupRelation(schema table.ObjectID, name string) table.Object {
	return s.tx.catalog().LookupRelation(schema, name)
}

func (s *schema) ByID(id table.ObjectID) table.Object { return s.tx.catalog().ByID(id) }

func (s *schema) List(kind table.ObjectKind) []table.Object { return s.tx.catalog().List(kind) }

// catalog returns what the transaction sees now. A transaction that has ended sees what is committed.
func (t *Tx) catalog() *catalog.Catalog {
	base := t.s.newest()
	if t.done {
		return base
	}
	if t.o.Isolation != table.ReadCommitted {
		base = t.snapshot().State.catalog
	}
	if t.overlay == nil {
		return base
	}
	if t.o.Isolation == table.ReadCommitted && t.overlay.Rebase(base) != nil {
		// Locks on the objects and names involved prevent this; what was seen before stays.
		return t.overlay.Catalog()
	}
	return t.overlay.Catalog()
}

// changing prepares the transaction for a change of its schema.
func (s *schema) changing(what string) (*catalog.Overlay, error) {
	t := s.tx
	if err := t.usable(); err != nil {
		return nil, err
	}
	if t.readOnly {
		return nil, errReadOnly(what)
	}
	base := t.catalog()
	if t.overlay == nil {
		t.overlay = catalog.NewOverlay(base, &t.s.ids)
	}
	return t.overlay, nil
}

// current returns the overlay on top of the newest catalog, after the locks that keep the objects
// involved from changing were taken.
func (s *schema) current(o *catalog.Overlay) error {
	if s.tx.o.Isolation == table.ReadCommitted {
		return o.Rebase(s.tx.s.newest())
	}
	return nil
}

// Create adds an object. The name is locked first, so that of two transactions that create the same
// one the second waits for the first.
func (s *schema) Create(ctx context.Context, obj table.Object) (table.ObjectID, error) {
	if obj == nil {
		return 0, sqlerr.New(sqlerr.InternalError, "create of nothing")
	}
	o, err := s.changing("CREATE")
	if err != nil {
		return 0, err
	}
	if obj, err = s.tx.s.complete(obj); err != nil {
		return 0, err
	}
	if err := s.lockNames(ctx, obj, nil); err != nil {
		return 0, err
	}
	if err := s.current(o); err != nil {
		return 0, err
	}
	if err := s.checkNewest(obj); err != nil {
		return 0, err
	}
	if def, ok := obj.(*table.TableDef); ok {
		if err := s.lockReferenced(ctx, def, nil); err != nil {
			return 0, err
		}
	}
	id, err := o.Create(obj)
	if err != nil {
		return 0, err
	}
	if def := o.Catalog().Table(id); def != nil {
		if err := s.tx.lockTable(ctx, id, table.AccessExclusive, table.WaitBlock); err != nil {
			return 0, err
		}
		s.tx.table(id).created = true
	}
	if q, ok := o.Catalog().ByID(id).(*table.SequenceDef); ok {
		if err := s.tx.lockTable(ctx, id, table.AccessExclusive, table.WaitBlock); err != nil {
			return 0, err
		}
		s.tx.keep(id, table.SequenceValue{Last: q.Start})
	}
	return id, nil
}

// Alter replaces the definition of an object.
func (s *schema) Alter(ctx context.Context, obj table.Object) error { return s.alter(ctx, obj, nil) }

// AlterRows replaces the definition of a table and its rows.
func (s *schema) AlterRows(ctx context.Context, def *table.TableDef, f table.RowMapper) error {
	return s.alter(ctx, def, f)
}

func (s *schema) alter(ctx context.Context, obj table.Object, f table.RowMapper) error {
	if obj == nil {
		return sqlerr.New(sqlerr.InternalError, "alter to nothing")
	}
	o, err := s.changing("ALTER")
	if err != nil {
		return err
	}
	if obj, err = s.tx.s.complete(obj); err != nil {
		return err
	}
	mode := table.AccessExclusive
	if def, ok := obj.(*table.TableDef); ok && f == nil && def.Version != 0 {
		if was := o.Catalog().Table(def.ID); was != nil && was.Version == def.Version && onlyForeign(was, def) {
			mode = table.ShareRowExclusive
		}
	}
	old, err := s.take(ctx, o, obj.Head().ID, mode, "ALTER TABLE")
	if err != nil {
		return err
	}
	if v := obj.Head().Version; v != 0 && v != old.Head().Version {
		return errConcurrentUpdate // the caller changed a definition that is no longer the current one
	}
	if err := s.lockNames(ctx, obj, old); err != nil {
		return err
	}
	if err := s.checkNewest(obj); err != nil {
		return err
	}
	def, ok := obj.(*table.TableDef)
	if !ok {
		return s.alterOther(o, obj, old)
	}
	if was, ok := old.(*table.TableDef); ok {
		return s.alterTable(ctx, o, was, def, f)
	}
	return o.Alter(def) // refused
}

// alterTable replaces the definition of a table, and its rows if they do not fit it.
func (s *schema) alterTable(ctx context.Context, o *catalog.Overlay, was, def *table.TableDef, f table.RowMapper) error {
	t := s.tx
	if err := s.lockReferenced(ctx, def, was); err != nil {
		return err
	}
	rows, err := t.checkAlter(ctx, was, def, f)
	if err != nil {
		return err
	}
	before := t.mark(nil)
	if err := o.Alter(def); err != nil {
		if rows != nil {
			rows.release()
		}
		return err
	}
	now := o.Catalog().Table(def.ID)
	if rows != nil {
		rows.def = now
		t.table(def.ID).push(rows)
	}
	var fresh []table.ObjectID
	for _, f := range newForeign(now, was) {
		fresh = append(fresh, f.ID)
	}
	if err := t.validateForeign(ctx, was, now, rows, fresh); err != nil {
		t.undo(before)
		return err
	}
	return nil
}

// alterOther replaces the definition of an object that is no table. Where a sequence stands becomes a matter of the
// transaction: others go on once they know the new definition.
func (s *schema) alterOther(o *catalog.Overlay, obj, old table.Object) error {
	if err := o.Alter(obj); err != nil {
		return err
	}
	d, ok := old.(*table.SequenceDef)
	if !ok {
		return nil
	}
	v, err := s.tx.sequenceValue(d)
	if err == nil {
		s.tx.keep(d.ID, v)
	}
	return err
}

// Drop removes an object.
func (s *schema) Drop(ctx context.Context, id table.ObjectID) error {
	o, err := s.changing("DROP")
	if err != nil {
		return err
	}
	old, err := s.take(ctx, o, id, table.AccessExclusive, "DROP TABLE")
	if err != nil {
		return err
	}
	if err := s.lockNames(ctx, old, nil); err != nil {
		return err
	}
	return o.Drop(id)
}

// take locks an object that is to be changed and returns its definition. One that another
// transaction changed since the snapshot of this one is 40001.
func (s *schema) take(
	ctx context.Context, o *catalog.Overlay, id table.ObjectID, mode table.TableLock, verb string,
) (table.Object, error) {
	if err := s.tx.lockTable(ctx, id, mode, table.WaitBlock); err != nil {
		return nil, err
	}
	if err := s.current(o); err != nil {
		return nil, err
	}
	old := o.Catalog().ByID(id)
	if old == nil {
		return nil, catalog.ErrNoObject(id)
	}
	if def, ok := old.(*table.TableDef); ok {
		if err := s.tx.checkPending(verb, def); err != nil {
			return nil, err
		}
	}
	if base := o.Base().ByID(id); base != nil {
		now := s.tx.s.newest().ByID(id)
		if now == nil || now.Head().Version != base.Head().Version {
			return nil, errConcurrentUpdate
		}
	}
	return old, nil
}

// lockNames locks the names that obj takes, or that it no longer has in common with old, and keeps
// the schema that it goes into from being dropped.
func (s *schema) lockNames(ctx context.Context, obj, old table.Object) error {
	h := obj.Head()
	space := h.Schema
	if h.Schema == 0 {
		space = namesIndex
	} else if err := s.tx.lockTable(ctx, h.Schema, table.AccessShare, table.WaitBlock); err != nil {
		return err
	}
	if old == nil || old.Head().Name != h.Name || old.Head().Schema != h.Schema {
		if err := s.tx.lockName(ctx, space, h.Name); err != nil {
			return err
		}
	}
	def, ok := obj.(*table.TableDef)
	if !ok {
		return nil
	}
	for i := range def.Keys {
		if err := s.tx.lockName(ctx, space, def.Keys[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// checkNewest keeps a transaction above READ COMMITTED from taking a name that was taken since its
// snapshot, or from using a schema that was dropped since.
func (s *schema) checkNewest(obj table.Object) error {
	if s.tx.o.Isolation == table.ReadCommitted {
		return nil
	}
	newest, h := s.tx.s.newest(), obj.Head()
	mine := s.tx.overlay.Catalog()
	clash := func(name string) bool {
		o := newest.LookupRelation(h.Schema, name)
		return o != nil && mine.ByID(o.Head().ID) == nil && s.tx.overlay.Base().ByID(o.Head().ID) == nil
	}
	if h.Schema == 0 {
		kind := h.Kind
		if o := newest.Lookup(kind, 0, h.Name); o != nil && s.tx.overlay.Base().ByID(o.Head().ID) == nil {
			return errConcurrentUpdate
		}
		return nil
	}
	if newest.ByID(h.Schema) == nil && s.tx.overlay.Base().ByID(h.Schema) != nil || clash(h.Name) {
		return errConcurrentUpdate
	}
	if def, ok := obj.(*table.TableDef); ok {
		for i := range def.Keys {
			if clash(def.Keys[i].Name) {
				return errConcurrentUpdate
			}
		}
	}
	return nil
}
