package table

import (
	"context"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// ObjectID identifies a schema object for ever; it is the object's OID in PostgreSQL's catalogs.
// IDs below FirstObjectID are built in.
type ObjectID uint32

// FirstObjectID is the first ID of user objects, as in PostgreSQL.
const FirstObjectID ObjectID = 16384

// PublicSchema is the ID of the schema "public", as in PostgreSQL.
const PublicSchema ObjectID = 2200

// ObjectKind is the kind of a schema object.
type ObjectKind uint8

// The kinds of schema objects.
const (
	KindSchema ObjectKind = iota + 1
	KindTable
	KindView
	KindMaterializedView
	KindSequence
	KindIndex
	KindExtension
	KindSetting
)

// Object is a schema object. Definitions are immutable once handed out: change a Clone.
type Object interface {
	Head() *Header
	CloneObject() Object
}

// Header is what all schema objects have.
type Header struct {
	ID     ObjectID
	Kind   ObjectKind
	Schema ObjectID // the schema it is in; 0 for schemas, extensions and settings
	Name   string
	// Version counts the definition's changes from 1; set by the storage.
	Version uint32
}

// Head returns h, which makes every type that embeds Header an Object.
func (h *Header) Head() *Header { return h }

// SchemaDef is a schema (namespace).
type SchemaDef struct{ Header }

// CloneObject returns a copy.
func (d *SchemaDef) CloneObject() Object { c := *d; return &c }

// TempSchemaPrefix begins the names of the schemas of sessions' temporary relations; others that begin with
// pg_ are the system's.
const TempSchemaPrefix = "pg_temp_"

// SettingDef is a persisted default of a setting: what new sessions start with.
type SettingDef struct {
	Header
	Value string
}

// CloneObject returns a copy.
func (d *SettingDef) CloneObject() Object { c := *d; return &c }

// ViewDef is a view; its query is kept as source text.
type ViewDef struct {
	Header
	Columns []Column
	Query   string
}

// CloneObject returns a copy.
func (d *ViewDef) CloneObject() Object {
	c := *d
	c.Columns = append([]Column(nil), d.Columns...)
	return &c
}

// TableDef is a table.
type TableDef struct {
	Header
	// Method is the access method, which is the tier: "memory", "lsm" or "columnar".
	Method  string
	Columns []Column
	// Keys are the primary key and UNIQUE constraints. The primary key, if any, is Keys[0].
	Keys   []Key
	Checks []Check
	// Foreign are the FOREIGN KEY constraints.
	Foreign []ForeignKey
	// Options are the storage parameters of WITH (…), by name; Storage reads them.
	Options map[string]string
	// Layout counts how often the rows were replaced by rows of another form (Schema.AlterRows); set by the
	// storage. Rows of two definitions of a table are interchangeable only if it is the same in both.
	Layout uint32
	// ColumnID is the largest ID that a column of the table has ever had; set by the storage.
	ColumnID uint32
}

// Column is a column of a table or view.
type Column struct {
	Name string
	// ID identifies the column among all that the table has ever had, from 1; set by the storage, 0 in a new column.
	ID      uint32
	Type    types.Type
	NotNull bool
	// Default is the SQL text of the default expression; empty for none.
	Default string
	// Identity: the default takes values of a sequence that belongs to the column.
	Identity Identity
	// Generated is the SQL text of the expression, over the other columns, that a generated column has the value of; empty
	// for a column that is none. Virtual: it was declared VIRTUAL, not STORED; its values are stored all the same.
	Generated string
	Virtual   bool
	// Compression of the column's values; CompressionDefault is that of the table.
	Compression Compression
}

// Identity says whether a column is an identity column, and whether a value may be given for it.
type Identity uint8

// The kinds of identity columns.
const (
	NoIdentity Identity = iota
	IdentityAlways
	IdentityByDefault
)

// Key is a primary key or UNIQUE constraint. NULLs are distinct, as in SQL.
type Key struct {
	Name    string
	Primary bool
	Columns []int // positions in TableDef.Columns
}

// Check is a CHECK constraint as SQL text.
type Check struct {
	Name string
	Expr string
}

// CloneObject returns a deep copy.
func (d *TableDef) CloneObject() Object {
	c := *d
	c.Columns = append([]Column(nil), d.Columns...)
	c.Keys = append([]Key(nil), d.Keys...)
	for i := range c.Keys {
		c.Keys[i].Columns = append([]int(nil), d.Keys[i].Columns...)
	}
	c.Checks = append([]Check(nil), d.Checks...)
	c.Foreign = append([]ForeignKey(nil), d.Foreign...)
	for i := range c.Foreign {
		c.Foreign[i] = d.Foreign[i].clone()
	}
	if d.Options != nil {
		c.Options = make(map[string]string, len(d.Options))
		for k, v := range d.Options {
			c.Options[k] = v
		}
	}
	return &c
}

// PrimaryKey returns the primary key's columns; nil if there is none (rows then have a hidden key).
func (d *TableDef) PrimaryKey() []int {
	if len(d.Keys) > 0 && d.Keys[0].Primary {
		return d.Keys[0].Columns
	}
	return nil
}

// GeneratedColumns returns the positions of the generated columns.
func (d *TableDef) GeneratedColumns() (cols []int) {
	for i := range d.Columns {
		if d.Columns[i].Generated != "" {
			cols = append(cols, i)
		}
	}
	return cols
}

// ColumnIndex returns the position of the named column, or -1.
func (d *TableDef) ColumnIndex(name string) int {
	for i := range d.Columns {
		if d.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Schema is the set of schema objects that a transaction sees. Changes are transactional: others
// see them at commit; rollback and savepoints undo them. Changes take the table locks they need.
type Schema interface {
	// Version changes whenever what this transaction sees changes; plan caches compare it.
	Version() uint64
	// Lookup finds an object by kind, schema (0 for kinds without) and name; nil if there is none.
	// Tables, views, materialized views, sequences and indexes share one name space: for them use
	// LookupRelation.
	Lookup(kind ObjectKind, schema ObjectID, name string) Object
	// LookupRelation finds a table, view, sequence or index by name; nil if there is none.
	LookupRelation(schema ObjectID, name string) Object
	// ByID finds an object by ID; nil if there is none.
	ByID(id ObjectID) Object
	// List returns the objects of a kind, ordered by ID.
	List(kind ObjectKind) []Object
	// Create adds an object (its ID and Version are set by the storage); 42P07 or 42P06 if the
	// name is taken. SettingDefs are replaced.
	Create(ctx context.Context, o Object) (ObjectID, error)
	// Alter replaces the definition of the object with o's ID. The rows of a table whose columns or keys
	// change are made to fit: a column keeps its values if it keeps its ID, and a new one has its default.
	Alter(ctx context.Context, o Object) error
	// AlterRows is Alter for a table whose rows f gives their new form.
	AlterRows(ctx context.Context, def *TableDef, f RowMapper) error
	// Drop removes an object; a schema that is not empty is 2BP01.
	Drop(ctx context.Context, id ObjectID) error
}

// RowMapper appends for each row of a batch, in its order, the row that takes its place: old has the columns of
// the definition before, dst those of the one after.
type RowMapper func(ctx context.Context, old *vec.Batch, dst *vec.BatchBuilder) error

// RowFuncs are the expressions of a table (CHECK constraints, generated columns, defaults) compiled for the storage, so that the
// paths without SQL text obey them too.
type RowFuncs struct {
	// Check returns the 23514 of the first row that violates a CHECK constraint. rows has all
	// columns of the table. nil: the table has no CHECK.
	Check func(ctx context.Context, rows *vec.Batch) error
	// Generate appends for each of the rows, which have all columns of the table, the values of its generated columns, in
	// the order of TableDef.GeneratedColumns. nil: there are none.
	Generate func(ctx context.Context, rows *vec.Batch, dst *vec.BatchBuilder) error
	// Default returns the value of a column's default expression; nil: no column has one.
	Default func(ctx context.Context, col int) (types.Datum, error)
}

// RowCompiler compiles the expressions of a definition. It is given to the storage by whoever joins
// it with an expression engine; without one, a table with expressions is 0A000.
type RowCompiler func(def *TableDef) (*RowFuncs, error)
