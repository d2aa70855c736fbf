package catalog

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// IDs hands out object IDs. Those of transactions that roll back are skipped; after a restart they may
// be used again, because nothing durable knows them.
type IDs struct{ next atomic.Uint64 }

// Seed makes the next ID at least that which follows everything in c.
func (s *IDs) Seed(c *Catalog) {
	for {
		n := s.next.Load()
		if n >= uint64(c.NextID()) || s.next.CompareAndSwap(n, uint64(c.NextID())) {
			return
		}
	}
}

// Next returns an ID that was never returned before.
func (s *IDs) Next() (table.ObjectID, error) {
	n := s.next.Add(1) - 1
	if n >= math.MaxUint32 {
		return 0, sqlerr.New(sqlerr.ProgramLimitExceeded, "object IDs are used up")
	}
	return table.ObjectID(n), nil
}

// Overlay is the catalog as one transaction sees it.
type Overlay struct {
	ids     *IDs
	base    *Catalog
	cur     *Catalog // base with the changes; base itself while there are none
	changes []Change
}

// NewOverlay returns an overlay without changes.
func NewOverlay(base *Catalog, ids *IDs) *Overlay { return &Overlay{ids: ids, base: base, cur: base} }

// Reset makes o an overlay of base without changes.
func (o *Overlay) Reset(base *Catalog) {
	clear(o.changes)
	o.base, o.cur, o.changes = base, base, o.changes[:0]
}

// Catalog returns what the transaction sees.
func (o *Overlay) Catalog() *Catalog { return o.cur }

// Base returns the catalog below the changes.
func (o *Overlay) Base() *Catalog { return o.base }

// Changes returns the changes in order, borrowed until the next change.
func (o *Overlay) Changes() []Change { return o.changes }

// Rebase puts the changes on top of a newer catalog. It fails if they do not fit, which locks on the
// objects and names involved prevent.
func (o *Overlay) Rebase(base *Catalog) error {
	if base == o.base {
		return nil
	}
	cur, err := base.Apply(table.MaxLSN, o.changes)
	if err != nil {
		return sqlerr.Newf(sqlerr.SerializationFailure,
			"could not serialize access due to concurrent schema change: %w", err)
	}
	o.base, o.cur = base, cur
	return nil
}

// Mark returns the place that Undo returns to.
func (o *Overlay) Mark() int { return len(o.changes) }

// Undo drops the changes made after the mark.
func (o *Overlay) Undo(mark int) {
	if mark >= len(o.changes) {
		return
	}
	clear(o.changes[mark:])
	o.changes = o.changes[:mark]
	cur, err := o.base.Apply(table.MaxLSN, o.changes)
	if err != nil {
		panic(fmt.Sprintf("catalog: changes no longer fit the base they were made on: %v", err))
	}
	o.cur = cur
}

// Create adds an object and returns its ID. A setting of the same name is replaced.
func (o *Overlay) Create(obj table.Object) (table.ObjectID, error) {
	obj, err := prepare(obj)
	if err != nil {
		return 0, err
	}
	h := obj.Head()
	if def, ok := obj.(*table.TableDef); ok {
		for i := range def.Columns {
			def.Columns[i].ID = 0
		}
		numberColumns(def, 0)
		def.Layout = 0
		if err := def.CheckStorage(); err != nil {
			return 0, err
		}
		def.NormalizeStorage()
	}
	if h.Kind == table.KindSetting {
		if old := o.cur.Lookup(table.KindSetting, 0, h.Name); old != nil {
			h.ID, h.Version = old.Head().ID, old.Head().Version+1
			return h.ID, o.commit(Change{Put, obj, h.ID})
		}
	}
	if err := o.checkPlace("create", h); err != nil {
		return 0, err
	}
	if h.ID, err = o.ids.Next(); err != nil {
		return 0, err
	}
	h.Version = 1
	changes := []Change{{Put, obj, h.ID}}
	if def, ok := obj.(*table.TableDef); ok {
		for i := range def.Foreign {
			def.Foreign[i].ID = 0
		}
		parents, err := o.addForeign(def, nil)
		if err != nil {
			return 0, err
		}
		if changes, err = o.addIndexes(append(parents, changes...), def, nil); err != nil {
			return 0, err
		}
	}
	return h.ID, o.commit(changes...)
}

// Alter replaces the definition of the object that has obj's ID; the version is the storage's.
func (o *Overlay) Alter(obj table.Object) error {
	id := obj.Head().ID
	old := o.cur.ByID(id)
	if old == nil {
		return ErrNoObject(id)
	}
	obj, err := prepare(obj)
	if err != nil {
		return err
	}
	h, was := obj.Head(), old.Head()
	switch {
	case isSystem(id):
		return errSystem("alter", was)
	case h.Kind != was.Kind:
		return sqlerr.Newf(sqlerr.WrongObjectType, "\"%s\" is not a %s", was.Name, KindName(h.Kind))
	case was.Version == math.MaxUint32:
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "too many versions of %s \"%s\"", KindName(h.Kind), was.Name)
	}
	h.ID, h.Version = id, was.Version+1
	if h.Name != was.Name || h.Schema != was.Schema {
		if err := o.checkPlace("alter", h); err != nil {
			return err
		}
	}
	changes := []Change{{Put, obj, id}}
	if def, ok := obj.(*table.TableDef); ok {
		numberColumns(def, old.(*table.TableDef).ColumnID)
		if err := alterStorage(def, old.(*table.TableDef)); err != nil {
			return err
		}
		parents, err := o.addForeign(def, old.(*table.TableDef))
		if err != nil {
			return err
		}
		if err := o.checkReferrers(def); err != nil {
			return err
		}
		changes = append(parents, changes...)
		var drops []Change
		keep := o.indexes(id)
		for name, ix := range keep {
			if !hasKey(def, name) {
				drops = append(drops, Change{Op: Drop, ID: ix.ID})
			}
		}
		sortChanges(drops)
		lost := func(id uint32) bool {
			return !slices.ContainsFunc(def.Columns, func(c table.Column) bool { return c.ID == id })
		}
		for _, q := range o.owned(def, lost) {
			drops = append(drops, Change{Op: Drop, ID: q})
		}
		if changes, err = o.addIndexes(append(drops, changes...), def, keep); err != nil {
			return err
		}
	}
	return o.commit(changes...)
}

// alterStorage checks the storage parameters of a table that was as in was. Those that an older program let in stay until
// they are changed.
func alterStorage(def, was *table.TableDef) error {
	def.FollowColumns(was)
	err := def.CheckStorage()
	if err != nil && (def.Method != was.Method || !maps.Equal(def.Options, was.Options) || was.CheckStorage() == nil) {
		return err
	}
	if err == nil {
		def.NormalizeStorage()
	}
	return nil
}

// owned returns the sequences that go with columns of a table, of those whose IDs f takes.
func (o *Overlay) owned(def *table.TableDef, f func(column uint32) bool) (ids []table.ObjectID) {
	for _, x := range o.cur.List(table.KindSequence) {
		if q := x.(*table.SequenceDef); q.Owner == def.ID && f(q.OwnerColumn) {
			ids = append(ids, q.ID)
		}
	}
	return ids
}

// Drop removes an object; a table goes with its indexes.
func (o *Overlay) Drop(id table.ObjectID) error {
	obj := o.cur.ByID(id)
	if obj == nil {
		return ErrNoObject(id)
	}
	if isSystem(id) {
		return errSystem("drop", obj.Head())
	}
	switch d := obj.(type) {
	case *table.SchemaDef:
		if err := o.checkEmpty(d); err != nil {
			return err
		}
	case *table.IndexDef:
		name := o.cur.ByID(d.Table).Head().Name
		return sqlerr.Newf(sqlerr.DependentObjectsStillExist,
			"cannot drop index %s because constraint %s on table %s requires it", d.Name, d.Name, name).
			WithHint("You can drop constraint %s on table %s instead.", d.Name, name)
	case *table.TableDef:
		if err := o.checkUnreferenced(d); err != nil {
			return err
		}
		var changes []Change
		for _, ix := range o.indexes(id) {
			changes = append(changes, Change{Op: Drop, ID: ix.ID})
		}
		sortChanges(changes)
		for _, q := range o.owned(d, func(uint32) bool { return true }) {
			changes = append(changes, Change{Op: Drop, ID: q})
		}
		return o.commit(append(changes, Change{Op: Drop, ID: id})...)
	}
	return o.commit(Change{Op: Drop, ID: id})
}

func (o *Overlay) checkEmpty(s *table.SchemaDef) error {
	var lines []string
	for _, r := range o.cur.Relations(s.ID) {
		h := r.Head()
		if h.Kind == table.KindIndex {
			continue // goes with its table
		}
		if q, ok := r.(*table.SequenceDef); ok {
			if owner := o.cur.Table(q.Owner); owner != nil && owner.Schema == s.ID {
				continue // so does this
			}
		}
		if len(lines) == dependentsMax {
			lines = append(lines, "and other objects (see server log for list)")
			break
		}
		lines = append(lines, fmt.Sprintf("%s %s depends on schema %s", KindName(h.Kind), qualified(s, h), s.Name))
	}
	if len(lines) == 0 {
		return nil
	}
	return sqlerr.Newf(sqlerr.DependentObjectsStillExist,
		"cannot drop schema %s because other objects depend on it", s.Name).
		WithDetail("%s", strings.Join(lines, "\n")).WithHint(cascadeHint)
}

func qualified(s *table.SchemaDef, h *table.Header) string {
	if s.ID == table.PublicSchema { // on the default search path
		return h.Name
	}
	return s.Name + "." + h.Name
}

// checkPlace checks that the name of an object is free in an existing schema.
func (o *Overlay) checkPlace(verb string, h *table.Header) error {
	switch h.Kind {
	case table.KindSchema:
		if strings.HasPrefix(h.Name, "pg_") && !strings.HasPrefix(h.Name, table.TempSchemaPrefix) {
			return sqlerr.Newf(sqlerr.ReservedName, "unacceptable schema name \"%s\"", h.Name).
				WithDetail("The prefix \"pg_\" is reserved for system schemas.")
		}
	case table.KindTable, table.KindView, table.KindSequence:
		if isSystem(h.Schema) {
			return errSystem(verb, &table.Header{Kind: h.Kind, Name: o.cur.schemaName(h.Schema) + "." + h.Name})
		}
		if o.cur.schemaName(h.Schema) == "" {
			return sqlerr.Newf(sqlerr.InvalidSchemaName, "schema with OID %d does not exist", h.Schema)
		}
	}
	if o.cur.find(spaceOf(h.Kind), h.Schema, h.Name) != nil {
		return errTaken(h)
	}
	return nil
}

// commit makes checked changes, all or none.
func (o *Overlay) commit(changes ...Change) error {
	if len(o.changes)+len(changes) > ChangesMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded,
			"a transaction can make at most %d changes of schema objects", ChangesMax)
	}
	cur, err := o.cur.Apply(table.MaxLSN, changes)
	if err != nil {
		return err
	}
	o.cur, o.changes = cur, append(o.changes, changes...)
	return nil
}

// prepare returns a copy of a definition, completed and checked.
func prepare(obj table.Object) (table.Object, error) {
	obj = obj.CloneObject()
	h := obj.Head()
	kind := kindOf(obj)
	if h.Kind != 0 && h.Kind != kind {
		return nil, sqlerr.Unsupported("creating or altering a " + KindName(h.Kind))
	}
	h.Kind = kind
	switch d := obj.(type) {
	case *table.TableDef:
		for _, c := range d.PrimaryKey() {
			if c >= 0 && c < len(d.Columns) {
				d.Columns[c].NotNull = true
			}
		}
	case *table.IndexDef:
		return nil, sqlerr.Unsupported("creating or altering an index apart from its constraint")
	case *table.SchemaDef, *table.SettingDef:
		h.Schema = 0
	}
	return obj, check(obj)
}

// numberColumns gives new columns IDs, above those that the table's columns have ever had.
func numberColumns(def *table.TableDef, last uint32) {
	def.ColumnID = last
	for i := range def.Columns {
		def.ColumnID = max(def.ColumnID, def.Columns[i].ID)
	}
	for i := range def.Columns {
		if def.Columns[i].ID == 0 {
			def.ColumnID++
			def.Columns[i].ID = def.ColumnID
		}
	}
}

func kindOf(obj table.Object) table.ObjectKind {
	switch obj.(type) {
	case *table.SchemaDef:
		return table.KindSchema
	case *table.TableDef:
		return table.KindTable
	case *table.ViewDef:
		return table.KindView
	case *table.SettingDef:
		return table.KindSetting
	case *table.IndexDef:
		return table.KindIndex
	case *table.SequenceDef:
		return table.KindSequence
	}
	return 0
}
