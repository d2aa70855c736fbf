// Package bindtest has a catalog without storage, for tests of the binder and the optimizer.
package bindtest

import (
	"context"
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Schema is a table.Schema in memory. Objects get consecutive IDs.
type Schema struct {
	objects []table.Object
	version uint64
}

var _ table.Schema = (*Schema)(nil)

// New returns a catalog that has the schema public.
func New() *Schema {
	s := &Schema{}
	s.objects = append(s.objects, &table.SchemaDef{
		Header: table.Header{ID: table.PublicSchema, Kind: table.KindSchema, Name: "public", Version: 1},
	})
	return s
}

// Exec runs the CREATE TABLE, CREATE SCHEMA and CREATE VIEW statements of a text.
func (s *Schema) Exec(text string) error {
	stmts, err := sqlparse.Parse(text)
	if err != nil {
		return err
	}
	for _, st := range stmts {
		b := bind.New(s, bind.Options{DefaultMethod: "columnar"})
		var o table.Object
		switch body := st.Body.(type) {
		case *ast.CreateTable:
			var n *bind.NewTable
			if n, err = b.CreateTable(body); err == nil {
				o = n.Def
			}
		case *ast.CreateView:
			o, err = b.CreateView(body)
		case *ast.CreateSchema:
			o = &table.SchemaDef{Header: table.Header{Kind: table.KindSchema, Name: body.Name}}
		default:
			err = sqlerr.Unsupported("this statement in a test catalog")
		}
		if err != nil {
			return err
		}
		if _, err := s.Create(context.Background(), o); err != nil {
			return err
		}
	}
	return nil
}

// Version returns the number of changes so far.
func (s *Schema) Version() uint64 { return s.version }

// Lookup finds an object.
func (s *Schema) Lookup(kind table.ObjectKind, schema table.ObjectID, name string) table.Object {
	for _, o := range s.objects {
		if h := o.Head(); h.Kind == kind && h.Schema == schema && h.Name == name {
			return o
		}
	}
	return nil
}

// LookupRelation finds a table or view.
func (s *Schema) LookupRelation(schema table.ObjectID, name string) table.Object {
	if o := s.Lookup(table.KindTable, schema, name); o != nil {
		return o
	}
	return s.Lookup(table.KindView, schema, name)
}

// ByID finds an object.
func (s *Schema) ByID(id table.ObjectID) table.Object {
	for _, o := range s.objects {
		if o.Head().ID == id {
			return o
		}
	}
	return nil
}

// List returns the objects of a kind.
func (s *Schema) List(kind table.ObjectKind) []table.Object {
	var out []table.Object
	for _, o := range s.objects {
		if o.Head().Kind == kind {
			out = append(out, o)
		}
	}
	return out
}

// Create adds an object.
func (s *Schema) Create(_ context.Context, o table.Object) (table.ObjectID, error) {
	h := o.Head()
	if h.Kind != table.KindSchema && s.LookupRelation(h.Schema, h.Name) != nil {
		return 0, sqlerr.Newf(sqlerr.DuplicateTable, "relation \"%s\" already exists", h.Name)
	}
	s.version++
	h.ID, h.Version = table.FirstObjectID+table.ObjectID(len(s.objects)), 1
	if def, ok := o.(*table.TableDef); ok {
		numbered(def)
	}
	s.objects = append(s.objects, o)
	return h.ID, nil
}

// numbered gives a new table what the storage would: IDs of its columns, and its own in references to itself.
func numbered(def *table.TableDef) {
	for i := range def.Columns {
		def.Columns[i].ID = uint32(i + 1)
	}
	def.ColumnID = uint32(len(def.Columns))
	for i := range def.Foreign {
		if f := &def.Foreign[i]; f.Table == 0 {
			f.Table = def.ID
		}
	}
}

// Alter replaces an object.
func (s *Schema) Alter(_ context.Context, o table.Object) error {
	i := slices.IndexFunc(s.objects, func(x table.Object) bool { return x.Head().ID == o.Head().ID })
	if i < 0 {
		return sqlerr.New(sqlerr.UndefinedObject, "object does not exist")
	}
	s.version++
	s.objects[i] = o
	return nil
}

// AlterRows replaces a table; there are no rows.
func (s *Schema) AlterRows(ctx context.Context, def *table.TableDef, _ table.RowMapper) error {
	return s.Alter(ctx, def)
}

// Drop removes an object.
func (s *Schema) Drop(_ context.Context, id table.ObjectID) error {
	s.version++
	s.objects = slices.DeleteFunc(s.objects, func(x table.Object) bool { return x.Head().ID == id })
	return nil
}
