package catalog

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/laminadb/lamina/table"
)

// treeDegree makes nodes of up to 63 entries: a catalog is read far more often than changed.
const treeDegree = 32

// Catalog is an immutable set of schema objects.
type Catalog struct {
	version uint64
	objects *btree.Map[table.ObjectID, table.Object]
	// names maps nameKey to IDs; old maps oldKey to former table definitions.
	names *btree.Map[string, table.ObjectID]
	old   *btree.Map[uint64, oldTable]
	// refs has a refKey for each pair of tables of which the second has a FOREIGN KEY on the first.
	refs *btree.Map[uint64, int]
	// nextID is larger than every ID that was ever used.
	nextID table.ObjectID
}

// oldTable is a table definition that was replaced or dropped by the entry at lsn.
type oldTable struct {
	def *table.TableDef
	lsn table.LSN
}

var (
	// versions numbers the states of all catalogs of the process, so that two transactions with
	// changes of their own never show the same version.
	versions atomic.Uint64
	// copying guards Copy of the trees, which marks its receiver too.
	copying sync.Mutex
)

// New returns the catalog of an empty database: the built-in schemas.
func New() *Catalog {
	c := &Catalog{
		version: versions.Add(1),
		objects: btree.NewMap[table.ObjectID, table.Object](treeDegree),
		names:   btree.NewMap[string, table.ObjectID](treeDegree),
		old:     btree.NewMap[uint64, oldTable](treeDegree),
		refs:    btree.NewMap[uint64, int](treeDegree),
		nextID:  table.FirstObjectID,
	}
	for _, s := range builtinSchemas() {
		c.link(s)
	}
	return c
}

// derive returns a copy that may be changed before anybody else sees it.
func (c *Catalog) derive() *Catalog {
	copying.Lock()
	defer copying.Unlock()
	return &Catalog{
		version: versions.Add(1),
		objects: c.objects.Copy(),
		names:   c.names.Copy(),
		old:     c.old.Copy(),
		refs:    c.refs.Copy(),
		nextID:  c.nextID,
	}
}

// Version differs between any two states of any two catalogs of the process.
func (c *Catalog) Version() uint64 { return c.version }

// NextID is larger than the ID of every object that the catalog has ever held.
func (c *Catalog) NextID() table.ObjectID { return c.nextID }

// Len returns the number of objects, the built-in schemas included.
func (c *Catalog) Len() int { return c.objects.Len() }

// ByID finds an object by ID; nil if there is none.
func (c *Catalog) ByID(id table.ObjectID) table.Object {
	o, _ := c.objects.Get(id)
	return o
}

// Table returns the table with an ID, or nil.
func (c *Catalog) Table(id table.ObjectID) *table.TableDef {
	o, _ := c.objects.Get(id)
	def, _ := o.(*table.TableDef)
	return def
}

// TableVersion returns the definition that a table had at a version: the current one, or a former
// one that was not forgotten yet; nil otherwise.
func (c *Catalog) TableVersion(id table.ObjectID, version uint32) *table.TableDef {
	if def := c.Table(id); def != nil && def.Version == version {
		return def
	}
	o, _ := c.old.Get(oldKey(id, version))
	return o.def
}

// Lookup finds an object of a kind by schema and name; nil if there is none or it is of another kind.
func (c *Catalog) Lookup(kind table.ObjectKind, schema table.ObjectID, name string) table.Object {
	o := c.find(spaceOf(kind), schema, name)
	if o == nil || o.Head().Kind != kind {
		return nil
	}
	return o
}

// LookupRelation finds a table, view or index by name; nil if there is none.
func (c *Catalog) LookupRelation(schema table.ObjectID, name string) table.Object {
	return c.find(relations, schema, name)
}

func (c *Catalog) find(space nameSpace, schema table.ObjectID, name string) table.Object {
	if space != relations {
		schema = 0
	}
	var buf [64 + 5]byte
	id, ok := c.names.Get(string(appendNameKey(buf[:0], space, schema, name)))
	if !ok {
		return nil
	}
	return c.ByID(id)
}

// List returns the objects of a kind, ordered by ID.
func (c *Catalog) List(kind table.ObjectKind) []table.Object {
	var list []table.Object
	c.objects.Scan(func(_ table.ObjectID, o table.Object) bool {
		if o.Head().Kind == kind {
			list = append(list, o)
		}
		return true
	})
	return list
}

// Relations returns the tables, views and indexes of a schema, ordered by name.
func (c *Catalog) Relations(schema table.ObjectID) []table.Object {
	var list []table.Object
	first := string(appendNameKey(nil, relations, schema, ""))
	c.names.Ascend(first, func(key string, id table.ObjectID) bool {
		if len(key) < len(first) || key[:len(first)] != first {
			return false
		}
		list = append(list, c.ByID(id))
		return true
	})
	return list
}

// Forget drops the former table definitions that no entry above lsn can refer to. The log has been
// truncated up to lsn.
func (c *Catalog) Forget(lsn table.LSN) *Catalog {
	var gone []uint64
	c.old.Scan(func(key uint64, o oldTable) bool {
		if o.lsn <= lsn {
			gone = append(gone, key)
		}
		return true
	})
	if len(gone) == 0 {
		return c
	}
	version := c.version
	c = c.derive()
	c.version = version // what transactions see of it is the same
	for _, key := range gone {
		c.old.Delete(key)
	}
	return c
}

// link adds an object under its name. The catalog is not shared yet.
func (c *Catalog) link(o table.Object) {
	h := o.Head()
	c.objects.Set(h.ID, o)
	c.names.Set(string(appendNameKey(nil, spaceOf(h.Kind), h.Schema, h.Name)), h.ID)
	if h.ID >= c.nextID {
		c.nextID = h.ID + 1
	}
	if def, ok := o.(*table.TableDef); ok {
		c.linkForeign(def)
	}
}

// unlink removes an object and its name.
func (c *Catalog) unlink(o table.Object) {
	h := o.Head()
	if def, ok := o.(*table.TableDef); ok {
		c.unlinkForeign(def)
	}
	c.objects.Delete(h.ID)
	c.names.Delete(string(appendNameKey(nil, spaceOf(h.Kind), h.Schema, h.Name)))
}

// retire keeps a definition that the entry at lsn replaces, for older entries.
func (c *Catalog) retire(o table.Object, lsn table.LSN) {
	if def, ok := o.(*table.TableDef); ok {
		c.old.Set(oldKey(def.ID, def.Version), oldTable{def, lsn})
	}
}

// nameSpace tells sets of names apart.
type nameSpace byte

const (
	relations nameSpace = iota + 1
	schemas
	extensions
	settings
)

func spaceOf(kind table.ObjectKind) nameSpace {
	switch kind {
	case table.KindSchema:
		return schemas
	case table.KindExtension:
		return extensions
	case table.KindSetting:
		return settings
	}
	return relations
}

// appendNameKey encodes a name so that the relations of a schema are neighbours.
func appendNameKey(dst []byte, space nameSpace, schema table.ObjectID, name string) []byte {
	dst = append(dst, byte(space))
	dst = binary.BigEndian.AppendUint32(dst, uint32(schema))
	return append(dst, name...)
}

func oldKey(id table.ObjectID, version uint32) uint64 { return uint64(id)<<32 | uint64(version) }
