package bind

import (
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Schemas that hold what the system makes.
const (
	pgCatalog         = "pg_catalog"
	informationSchema = "information_schema"
	laminaSchema      = "lamina"
	pgTemp            = "pg_temp" // the session's temporary relations
)

// SchemaID returns the ID of a schema; 3F000 if it does not exist.
func (b *Binder) SchemaID(name string) (table.ObjectID, error) {
	o := b.schema.Lookup(table.KindSchema, 0, name)
	if o == nil {
		return 0, sqlerr.Newf(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", name)
	}
	return o.Head().ID, nil
}

// CreationSchema returns the schema in which an unqualified name is created: the first of the search path
// that exists; 3F000 if there is none.
func (b *Binder) CreationSchema(n ast.RelName) (table.ObjectID, error) {
	if err := checkCatalog(n); err != nil {
		return 0, err
	}
	if n.Schema != "" {
		id, err := b.SchemaID(b.realSchema(n.Schema))
		if err != nil {
			return 0, sqlerr.From(err).At(n.Pos())
		}
		return id, nil
	}
	for _, s := range b.opts.SearchPath {
		if s = b.realSchema(s); s == b.opts.Temp {
			continue // only for what is said to be temporary
		}
		if o := b.schema.Lookup(table.KindSchema, 0, s); o != nil {
			return o.Head().ID, nil
		}
	}
	return 0, sqlerr.New(sqlerr.InvalidSchemaName, "no schema has been selected to create in").At(n.Pos())
}

func checkCatalog(n ast.RelName) error {
	if n.Catalog == "" {
		return nil
	}
	return sqlerr.Newf(sqlerr.FeatureNotSupported, "cross-database references are not implemented: \"%s\"", qualified(n)).
		At(n.Pos())
}

// qualified returns the name as messages show it.
func qualified(n ast.RelName) string {
	parts := []string{n.Name}
	if n.Schema != "" {
		parts = append([]string{n.Schema}, parts...)
	}
	if n.Catalog != "" {
		parts = append([]string{n.Catalog}, parts...)
	}
	return strings.Join(parts, ".")
}

// Relation finds a table, view, index or sequence by name along the search path; nil if there is none.
func (b *Binder) Relation(n ast.RelName) (table.Object, error) {
	if err := checkCatalog(n); err != nil {
		return nil, err
	}
	if n.Schema != "" {
		return b.relationIn(n.Schema, n.Name), nil
	}
	if b.opts.Temp != "" && !slices.Contains(b.opts.SearchPath, pgTemp) {
		if r := b.relationIn(pgTemp, n.Name); r != nil {
			return r, nil
		}
	}
	for _, s := range b.opts.SearchPath {
		if r := b.relationIn(s, n.Name); r != nil {
			return r, nil
		}
	}
	return nil, nil
}

// Find finds a relation by its name, with its schema before it or not; nil if there is none.
func (b *Binder) Find(name []string) table.Object {
	n := ast.RelName{Name: name[len(name)-1]}
	if len(name) > 1 {
		n.Schema = name[0]
	}
	o, err := b.Relation(n)
	if err != nil {
		return nil
	}
	return o
}

func (b *Binder) relationIn(schema, name string) table.Object {
	o := b.schema.Lookup(table.KindSchema, 0, b.realSchema(schema))
	if o == nil {
		return nil
	}
	if r := b.schema.LookupRelation(o.Head().ID, name); r != nil {
		return r
	}
	return nil
}

// realSchema resolves the name pg_temp.
func (b *Binder) realSchema(s string) string {
	if s == pgTemp && b.opts.Temp != "" {
		return b.opts.Temp
	}
	return s
}

// system finds a relation that the system makes; nil if there is none.
func (b *Binder) system(n ast.RelName) (*SystemTable, error) {
	if b.opts.System == nil || n.Catalog != "" {
		return nil, nil
	}
	switch n.Schema {
	case "", pgCatalog:
		return b.opts.System(pgCatalog, n.Name)
	case informationSchema, laminaSchema:
		return b.opts.System(n.Schema, n.Name)
	}
	return nil, nil
}

// noRelation is the 42P01 error for a name that is no relation.
func noRelation(n ast.RelName) error {
	return sqlerr.Newf(sqlerr.UndefinedTable, "relation \"%s\" does not exist", qualified(n)).At(n.Pos())
}

// Table finds a table by name; 42P01 if there is no relation, 42809 if it is not a table.
func (b *Binder) Table(n ast.RelName) (*table.TableDef, error) {
	o, err := b.Relation(n)
	if err != nil {
		return nil, err
	}
	switch o := o.(type) {
	case nil:
		if sys, err := b.system(n); sys != nil || err != nil {
			if err == nil {
				err = sqlerr.Newf(sqlerr.InsufficientPrivilege, "permission denied: \"%s\" is a system catalog", n.Name)
			}
			return nil, err
		}
		return nil, noRelation(n)
	case *table.TableDef:
		return o, nil
	}
	return nil, sqlerr.Newf(sqlerr.WrongObjectType, "\"%s\" is not a table", n.Name)
}

// changed finds the table of a data change: views are refused.
func (b *Binder) changed(n ast.RelName) (*table.TableDef, error) {
	if o, err := b.Relation(n); err == nil && o != nil && o.Head().Kind == table.KindView {
		return nil, sqlerr.Unsupported("changing data through view \"" + n.Name + "\"")
	}
	if o, err := b.Relation(n); err == nil && o != nil && o.Head().Kind == table.KindSequence {
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "cannot change sequence \"%s\"", n.Name)
	}
	return b.Table(n)
}
