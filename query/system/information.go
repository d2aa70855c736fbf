package system

import (
	"strings"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// The domains of the standard's information schema are shown as the types below them.
var informationRelations = []relation{
	{schema: information, name: "schemata", rows: schemata,
		columns: "catalog_name name, schema_name name, schema_owner name, default_character_set_catalog name, " +
			"default_character_set_schema name, default_character_set_name name, sql_path varchar"},
	{schema: information, name: "tables", rows: informationTables,
		columns: "table_catalog name, table_schema name, table_name name, table_type varchar, self_referencing_column_name name, " +
			"reference_generation varchar, user_defined_type_catalog name, user_defined_type_schema name, user_defined_type_name name, " +
			"is_insertable_into varchar, is_typed varchar, commit_action varchar"},
	{schema: information, name: "columns", rows: informationColumns,
		columns: "table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, " +
			"column_default varchar, is_nullable varchar, data_type varchar, character_maximum_length int4, " +
			"character_octet_length int4, numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, " +
			"datetime_precision int4, interval_type varchar, interval_precision int4, character_set_catalog name, " +
			"character_set_schema name, character_set_name name, collation_catalog name, collation_schema name, collation_name name, " +
			"domain_catalog name, domain_schema name, domain_name name, udt_catalog name, udt_schema name, udt_name name, " +
			"scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, dtd_identifier name, " +
			"is_self_referencing varchar, is_identity varchar, identity_generation varchar, identity_start varchar, " +
			"identity_increment varchar, identity_maximum varchar, identity_minimum varchar, identity_cycle varchar, " +
			"is_generated varchar, generation_expression varchar, is_updatable varchar"},
	{schema: information, name: "views", rows: informationViews,
		columns: "table_catalog name, table_schema name, table_name name, view_definition varchar, check_option varchar, " +
			"is_updatable varchar, is_insertable_into varchar, is_trigger_updatable varchar, is_trigger_deletable varchar, " +
			"is_trigger_insertable_into varchar"},
	{schema: information, name: "table_constraints", rows: tableConstraints,
		columns: "constraint_catalog name, constraint_schema name, constraint_name name, table_catalog name, table_schema name, " +
			"table_name name, constraint_type varchar, is_deferrable varchar, initially_deferred varchar, enforced varchar, nulls_distinct varchar"},
	{schema: information, name: "key_column_usage", rows: keyColumns,
		columns: "constraint_catalog name, constraint_schema name, constraint_name name, table_catalog name, table_schema name, " +
			"table_name name, column_name name, ordinal_position int4, position_in_unique_constraint int4"},
	{schema: information, name: "check_constraints", rows: checkConstraints,
		columns: "constraint_catalog name, constraint_schema name, constraint_name name, check_clause varchar"},
	{schema: information, name: "constraint_column_usage", rows: constraintColumns,
		columns: "table_catalog name, table_schema name, table_name name, column_name name, constraint_catalog name, " +
			"constraint_schema name, constraint_name name"},
	{schema: information, name: "referential_constraints", rows: referentialConstraints,
		columns: "constraint_catalog name, constraint_schema name, constraint_name name, unique_constraint_catalog name, " +
			"unique_constraint_schema name, unique_constraint_name name, match_option varchar, update_rule varchar, delete_rule varchar"},
	{schema: information, name: "sequences", rows: informationSequences,
		columns: "sequence_catalog name, sequence_schema name, sequence_name name, data_type varchar, numeric_precision int4, " +
			"numeric_precision_radix int4, numeric_scale int4, start_value varchar, minimum_value varchar, maximum_value varchar, " +
			"increment varchar, cycle_option varchar"},
}

func schemata(m *maker) {
	own := false
	for _, o := range m.Schema.List(table.KindSchema) {
		own = own || o.Head().Name == lamina
		m.add(m.Database, o.Head().Name, m.User, nil, nil, nil, nil)
	}
	if !own {
		m.add(m.Database, lamina, m.User, nil, nil, nil, nil)
	}
}

func informationTables(m *maker) {
	add := func(schema, name, kind string, insertable bool) {
		m.add(m.Database, schema, name, kind, nil, nil, nil, nil, nil, insertable, false, nil)
	}
	for _, d := range m.tablesOf() {
		kind, schema := "BASE TABLE", m.schemaName(d.Schema)
		if strings.HasPrefix(schema, table.TempSchemaPrefix) {
			kind = "LOCAL TEMPORARY"
		}
		add(schema, d.Name, kind, true)
	}
	for _, d := range m.viewsOf() {
		add(m.schemaName(d.Schema), d.Name, "VIEW", false)
	}
	for _, r := range all {
		if r.kind() == "r" {
			add(r.schema, r.name, "BASE TABLE", false)
		} else {
			add(r.schema, r.name, "VIEW", false)
		}
	}
}

func informationColumns(m *maker) {
	for _, d := range m.tablesOf() {
		m.columnsOf(m.schemaName(d.Schema), d.Name, d.Columns, true)
	}
	for _, d := range m.viewsOf() {
		m.columnsOf(m.schemaName(d.Schema), d.Name, d.Columns, false)
	}
	for _, r := range all {
		m.columnsOf(r.schema, r.name, r.cols, false)
	}
}

func (m *maker) columnsOf(schema, name string, cols []table.Column, updatable bool) {
	for i := range cols {
		c := &cols[i]
		t := measuresOf(c.Type)
		dataType := expr.TypeText(c.Type.OID())
		if c.Type.Kind.IsArray() {
			dataType = "ARRAY"
		}
		m.add(m.Database, schema, name, c.Name, i+1, orNull(m.defaultText(c)), !c.NotNull, dataType, t.length, t.octets, t.precision, t.radix,
			t.scale, t.datetime, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, m.Database, pgCatalog, c.Type.Kind.Typname(),
			nil, nil, nil, nil, i+1, false, c.Identity != table.NoIdentity, identityGeneration(c), nil, nil, nil, nil, false,
			generation(c), orNull(c.Generated), updatable)
	}
}

// identityGeneration and generation are columns of information_schema.columns.
func identityGeneration(c *table.Column) any {
	return [...]any{table.NoIdentity: nil, table.IdentityAlways: "ALWAYS", table.IdentityByDefault: "BY DEFAULT"}[c.Identity]
}

func generation(c *table.Column) string {
	if c.Generated != "" {
		return "ALWAYS"
	}
	return "NEVER"
}

// measures are what information_schema.columns says of a type; nil is NULL.
type measures struct{ length, octets, precision, radix, scale, datetime any }

// charOctetsMax is what PostgreSQL gives as the size of text without a limit.
const charOctetsMax = 1 << 30

func measuresOf(t types.Type) (m measures) {
	switch t.Kind {
	case types.Text, types.Varchar, types.BpChar:
		m.octets = charOctetsMax
		if n, ok := t.Length(); ok {
			m.length, m.octets = n, min(n*4, charOctetsMax)
		}
	case types.Int2:
		m.precision, m.radix, m.scale = 16, 2, 0
	case types.Int4:
		m.precision, m.radix, m.scale = 32, 2, 0
	case types.Int8:
		m.precision, m.radix, m.scale = 64, 2, 0
	case types.Float4:
		m.precision, m.radix = 24, 2
	case types.Float8:
		m.precision, m.radix = 53, 2
	case types.Numeric:
		m.radix = 10
		if p, s, ok := t.PrecisionScale(); ok {
			m.precision, m.scale = p, s
		}
	case types.Date:
		m.datetime = 0
	case types.Time, types.TimeTZ, types.Timestamp, types.TimestampTZ:
		m.datetime = 6
		if t.Mod >= 0 {
			m.datetime = t.Mod
		}
	case types.Interval:
		m.datetime = 6
	}
	return m
}

func informationViews(m *maker) {
	for _, d := range m.viewsOf() {
		m.add(m.Database, m.schemaName(d.Schema), d.Name, viewText(d), "NONE", false, false, false, false, false)
	}
}

var constraintTypes = map[string]string{"f": "FOREIGN KEY", "c": "CHECK", "n": "CHECK", "p": "PRIMARY KEY", "u": "UNIQUE"}

func tableConstraints(m *maker) {
	for _, c := range m.constraintsOf() {
		schema := m.schemaName(c.def.Schema)
		var distinct any
		if c.kind == "u" {
			distinct = true
		}
		m.add(m.Database, schema, c.name, m.Database, schema, c.def.Name, constraintTypes[c.kind],
			c.foreign != nil && c.foreign.Deferrable, c.foreign != nil && c.foreign.Deferred, true, distinct)
	}
}

func keyColumns(m *maker) {
	for _, c := range m.constraintsOf() {
		if c.kind != "p" && c.kind != "u" && c.kind != "f" {
			continue
		}
		schema := m.schemaName(c.def.Schema)
		for i, col := range c.cols {
			m.add(m.Database, schema, c.name, m.Database, schema, c.def.Name, c.def.Columns[col].Name, i+1, c.inKey(i))
		}
	}
}

func checkConstraints(m *maker) {
	for _, c := range m.constraintsOf() {
		switch c.kind {
		case "c":
			m.add(m.Database, m.schemaName(c.def.Schema), c.name, "(("+c.text+"))")
		case "n":
			m.add(m.Database, m.schemaName(c.def.Schema), c.name, c.def.Columns[c.cols[0]].Name+" IS NOT NULL")
		}
	}
}

func constraintColumns(m *maker) {
	for _, c := range m.constraintsOf() {
		def, cols := c.def, c.cols
		if c.foreign != nil {
			def, cols = c.foreign.parent, c.foreign.cols
		}
		for _, col := range cols {
			m.add(m.Database, m.schemaName(def.Schema), def.Name, def.Columns[col].Name, m.Database, m.schemaName(c.def.Schema), c.name)
		}
	}
}
