package query

import (
	"strconv"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/system"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

func typeName(oid uint32) string { return expr.TypeText(oid) }

// systemFunction answers the functions of SQL that ask the system catalogs.
func (s *Session) systemFunction(function string, args []types.Datum) (d types.Datum, err error) {
	switch function {
	case "cancel_backend":
		return types.NewBool(s.e.CancelSession(uint32(args[0].I))), nil
	case "terminate_backend":
		s.e.EndSession(uint32(args[0].I), errShutdown)
		return types.NewBool(true), nil
	case "user_by_id":
		if args[0].I == system.UserOID {
			return types.NewString(types.Name, s.o.User), nil
		}
		return types.NewString(types.Name, "unknown (OID="+strconv.FormatInt(args[0].I, 10)+")"), nil
	case "database_size":
		return types.NewInt(types.Int8, s.databaseSize()), nil
	case "relation_size", "indexes_size", "total_relation_size":
		return s.relationSize(function, table.ObjectID(args[0].I)), nil
	}
	d, err = types.Datum{}, sqlerr.Unsupported("function "+function)
	s.withSchema(func(schema table.Schema) {
		d, err = s.catalogFunction(schema, function, args)
	})
	return d, err
}

// catalogFunction answers what depends on the schema objects.
func (s *Session) catalogFunction(schema table.Schema, function string, args []types.Datum) (types.Datum, error) {
	src, n := s.systemSource(schema), s.names(schema)
	text := func(v string, ok bool) (types.Datum, error) {
		if !ok {
			return types.NullOf(types.Text), nil
		}
		return types.NewString(types.Text, v), nil
	}
	var oid uint32
	if len(args) > 0 {
		oid = uint32(args[0].I)
	}
	switch function {
	case "relation_is_visible":
		if _, _, ok := n.location(oid); !ok {
			return types.NullOf(types.Bool), nil
		}
		return types.NewBool(n.visible(oid)), nil
	case "index_def":
		column := 0
		if len(args) > 1 {
			column = int(args[1].I)
		}
		return text(src.IndexDef(table.ObjectID(oid), column))
	case "constraint_def":
		return text(src.ConstraintDef(oid, len(args) > 1 && args[1].Bool()))
	case "view_def":
		return text(src.ViewDef(table.ObjectID(oid)))
	case "serial_sequence":
		name, err := n.serialSequence(args[0].S, args[1].S)
		if err != nil {
			return types.Datum{}, err
		}
		return text(name, name != "")
	case "function_result", "function_arguments":
		return text(functionText(oid, function == "function_result"))
	case "temp_schema":
		return types.NewInt(types.OID, n.tempOID(s.temp)), nil
	case "is_other_temp_schema":
		name := n.schemaText(oid)
		return types.NewBool(name != s.temp && len(name) > len(table.TempSchemaPrefix) && name[:len(table.TempSchemaPrefix)] == table.TempSchemaPrefix), nil
	case "current_schemas":
		return types.NewString(types.NameArray, expr.ArrayText(n.currentSchemas(args[0].Bool()))), nil
	case "to_regclass":
		return n.orNull(types.Regclass, args[0].S)
	case "to_regtype":
		return n.orNull(types.Regtype, args[0].S)
	case "to_regnamespace":
		return n.orNull(types.Regnamespace, args[0].S)
	case "has_table_privilege":
		_, _, ok := n.location(oid)
		return boolOrNull(ok), nil
	case "has_schema_privilege":
		return boolOrNull(n.schemaText(oid) != ""), nil
	case "has_database_privilege":
		if args[0].S != s.o.Database {
			return types.Datum{}, sqlerr.Newf("3D000", "database \"%s\" does not exist", args[0].S)
		}
		return types.NewBool(true), nil
	}
	return types.Datum{}, sqlerr.Unsupported("function " + function)
}

// boolOrNull is true for what exists: there is one user, who may do everything.
func boolOrNull(exists bool) types.Datum {
	if !exists {
		return types.NullOf(types.Bool)
	}
	return types.NewBool(true)
}

func (n *names) orNull(k types.Kind, text string) (types.Datum, error) {
	oid, err := n.find(k, text)
	if err != nil {
		return types.NullOf(k), nil
	}
	return types.NewInt(k, int64(oid)), nil
}

// serialSequence is pg_get_serial_sequence: the name of the sequence that goes with a column, "" if there is none.
func (n *names) serialSequence(relation, column string) (string, error) {
	oid, err := n.find(types.Regclass, relation)
	if err != nil {
		return "", err
	}
	def, _ := n.schema.ByID(table.ObjectID(oid)).(*table.TableDef)
	if def == nil {
		return "", nil // a view has no sequences
	}
	if def.ColumnIndex(column) < 0 {
		return "", sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", column, def.Name)
	}
	c := &def.Columns[def.ColumnIndex(column)]
	for _, o := range n.schema.List(table.KindSequence) {
		if q := o.(*table.SequenceDef); c.ID != 0 && q.Owner == def.ID && q.OwnerColumn == c.ID {
			return expr.QuoteName(n.schemaText(uint32(q.Schema))) + "." + expr.QuoteName(q.Name), nil
		}
	}
	return "", nil
}

func (n *names) tempOID(temp string) int64 {
	if temp == "" {
		return 0
	}
	if o := n.schema.Lookup(table.KindSchema, 0, temp); o != nil {
		return int64(o.Head().ID)
	}
	return 0
}

// currentSchemas are the schemas of the path that exist, with those that are searched unasked if wanted.
func (n *names) currentSchemas(implicit bool) []string {
	var out []string
	if implicit {
		out = append(out, "pg_catalog")
	}
	for _, p := range n.path {
		if n.schema.Lookup(table.KindSchema, 0, p) != nil && !(implicit && p == "pg_catalog") {
			out = append(out, p)
		}
	}
	return out
}

func functionText(oid uint32, result bool) (string, bool) {
	for _, f := range system.Functions() {
		if f.OID != oid {
			continue
		}
		if result {
			if f.Ret == expr.AnyKind {
				return `"any"`, true
			}
			return typeName(f.Ret.OID()), true
		}
		return f.ArgsText(), true
	}
	return "", false
}

// databaseSize is what the files occupy; of a database in memory, the memory of its tables.
func (s *Session) databaseSize() (n int64) {
	m := s.e.storage.Metrics()
	for _, d := range m.Disk {
		n += d.Bytes
	}
	if len(m.Disk) == 0 {
		n = m.MemoryBytes
	}
	return n
}

// relationSize is the memory that a table's rows or indexes occupy.
func (s *Session) relationSize(function string, id table.ObjectID) types.Datum {
	var rows, indexes int64
	for _, t := range s.e.storage.Metrics().Tables {
		if t.ID == id {
			rows, indexes = t.MemoryBytes, t.IndexBytes
		}
	}
	switch function {
	case "relation_size":
		return types.NewInt(types.Int8, rows)
	case "indexes_size":
		return types.NewInt(types.Int8, indexes)
	}
	return types.NewInt(types.Int8, rows+indexes)
}
