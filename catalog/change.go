package catalog

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Op says what a Change does.
type Op uint8

// Put creates an object or replaces the definition of the object with the same ID. Drop removes one.
const (
	Put Op = iota + 1
	Drop
)

// Change is one change of a catalog.
type Change struct {
	Op Op
	// Object is the complete definition, for Put.
	Object table.Object
	// ID is the object's.
	ID table.ObjectID
}

// Apply returns the catalog after the changes of the entry at lsn. The changes were checked when they
// were made; an error says that they do not fit this catalog, which means damage.
func (c *Catalog) Apply(lsn table.LSN, changes []Change) (*Catalog, error) {
	if len(changes) == 0 {
		return c, nil
	}
	c = c.derive()
	for i := range changes {
		if err := c.apply(&changes[i], lsn); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// apply makes one change in a catalog that is not shared yet.
func (c *Catalog) apply(ch *Change, lsn table.LSN) error {
	before := c.ByID(ch.ID)
	if ch.Op == Drop {
		if before == nil {
			return corrupted("drop of object %d, which does not exist", ch.ID)
		}
		c.retire(before, lsn)
		c.unlink(before)
		return nil
	}
	h := ch.Object.Head()
	if before != nil {
		if before.Head().Kind != h.Kind {
			return corrupted("object %d changes its kind", h.ID)
		}
		c.retire(before, lsn)
		c.unlink(before)
	}
	if o := c.find(spaceOf(h.Kind), h.Schema, h.Name); o != nil {
		return corrupted("two objects are named \"%s\": %d and %d", h.Name, o.Head().ID, h.ID)
	}
	if spaceOf(h.Kind) == relations && c.schemaName(h.Schema) == "" {
		return corrupted("object %d is in schema %d, which does not exist", h.ID, h.Schema)
	}
	c.link(ch.Object)
	return nil
}

// schemaName returns the name of a schema, or "" if there is none with the ID.
func (c *Catalog) schemaName(id table.ObjectID) string {
	if s, ok := c.ByID(id).(*table.SchemaDef); ok {
		return s.Name
	}
	return ""
}

func corrupted(format string, args ...any) error {
	return sqlerr.Newf(sqlerr.DataCorrupted, "catalog: "+format, args...)
}
