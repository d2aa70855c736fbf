package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// CreateView makes the definition that CREATE VIEW describes. The query is bound to check it and to learn
// its columns.
func (b *Binder) CreateView(s *ast.CreateView) (*table.ViewDef, error) {
	if len(s.Options) > 0 {
		return nil, sqlerr.Unsupported("view option " + s.Options[0].Name).At(s.Options[0].Pos())
	}
	schema, err := b.CreationSchema(s.Name)
	if err != nil {
		return nil, err
	}
	st, err := b.Stmt(s.Query, nil)
	if err != nil {
		return nil, err
	}
	if len(st.Changes) > 0 {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "views must not contain data-modifying statements in WITH")
	}
	if len(st.Params) > 0 {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $1")
	}
	def := &table.ViewDef{Header: table.Header{Kind: table.KindView, Schema: schema, Name: s.Name.Name}, Query: s.Text}
	if len(s.Columns) > len(st.Out) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "CREATE VIEW specifies more column names than columns")
	}
	def.Columns, err = resultColumns(st.Out, s.Columns)
	if o := b.schema.Lookup(table.KindSchema, 0, b.opts.Temp); o != nil {
		for _, t := range st.Tables {
			if t.Schema == o.Head().ID {
				def.Schema = t.Schema // it cannot live longer than what it shows
			}
		}
	}
	if err != nil {
		return nil, err
	}
	def.Query, err = b.withoutStars(def)
	return def, err
}

// CreateTableAs makes the table that CREATE TABLE … AS or SELECT … INTO describes, and binds the query
// that fills it. A query that is EXECUTE is the caller's to resolve first.
func (b *Binder) CreateTableAs(s *ast.CreateTableAs, paramTypes []types.Type) (*table.TableDef, *Statement, error) {
	def, err := b.newTable(s.Name, s.Persistence, s.Method, s.Options)
	if err != nil {
		return nil, nil, err
	}
	st, err := b.Stmt(s.Query, paramTypes)
	if err != nil {
		return nil, nil, err
	}
	if len(s.Columns) > len(st.Out) {
		return nil, nil, sqlerr.New(sqlerr.SyntaxError, "too many column names were specified")
	}
	def.Columns, err = resultColumns(st.Out, s.Columns)
	return def, st, err
}

// resultColumns makes table columns of a query's, with other names for the first of them.
func resultColumns(out []plan.Col, names []string) ([]table.Column, error) {
	var cols []table.Column
	seen := map[string]bool{}
	for i, c := range out {
		name := c.Name
		if i < len(names) {
			name = names[i]
		}
		if seen[name] {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", name)
		}
		seen[name] = true
		if k := c.Type.Kind; k == types.Void || k == types.Unknown || k == types.Record {
			return nil, sqlerr.Newf(sqlerr.InvalidTableDefinition, "column \"%s\" has pseudo-type %s", name, k)
		}
		cols = append(cols, table.Column{Name: name, Type: c.Type})
	}
	return cols, nil
}
