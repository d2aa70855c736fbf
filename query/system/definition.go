package system

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/laminadb/lamina/table"
)

// definitions are the commands that create the tables.
func definitions(m *maker) {
	constraints := map[table.ObjectID][]constraint{}
	for _, c := range m.constraintsOf() {
		constraints[c.def.ID] = append(constraints[c.def.ID], c)
	}
	for _, d := range m.tablesOf() {
		m.add(d.ID, m.schemaName(d.Schema), d.Name, m.definition(d, constraints[d.ID]))
	}
}

// definition is the text that creates a table: before it the sequences that its columns own, after it that they do.
func (m *maker) definition(d *table.TableDef, constraints []constraint) string {
	var before, after []string
	identity := map[uint32]*table.SequenceDef{}
	for _, q := range m.sequencesOf() {
		if i := columnWithID(d, q.OwnerColumn); q.Owner == d.ID && i >= 0 {
			if q.Identity {
				identity[q.OwnerColumn] = q
				continue
			}
			name := m.qualified(q.Schema, q.Name)
			before = append(before, "CREATE SEQUENCE "+name+" AS "+q.Type.String()+sequenceOptions(q)+";\n")
			after = append(after, ";\nALTER SEQUENCE "+name+" OWNED BY "+m.qualified(d.Schema, d.Name)+"."+Quote(d.Columns[i].Name))
		}
	}
	var lines []string
	for i := range d.Columns {
		lines = append(lines, m.columnDefinition(&d.Columns[i], identity[d.Columns[i].ID]))
	}
	for i := range constraints {
		if constraints[i].kind != "n" {
			lines = append(lines, "CONSTRAINT "+Quote(constraints[i].name)+" "+constraints[i].definition(m.Source, true))
		}
	}
	text := "CREATE TABLE " + m.qualified(d.Schema, d.Name) + " ("
	if len(lines) > 0 {
		text += "\n    " + strings.Join(lines, ",\n    ") + "\n"
	}
	return strings.Join(before, "") + text + ") USING " + Quote(d.Method) + withOptions(d) + strings.Join(after, "")
}

func (m *maker) qualified(schema table.ObjectID, name string) string {
	return Quote(m.schemaName(schema)) + "." + Quote(name)
}

func columnWithID(d *table.TableDef, id uint32) int {
	return slices.IndexFunc(d.Columns, func(c table.Column) bool { return id != 0 && c.ID == id })
}

func (m *maker) columnDefinition(c *table.Column, identity *table.SequenceDef) string {
	text := Quote(c.Name) + " " + c.Type.String()
	if c.Compression != table.CompressionDefault {
		text += " COMPRESSION " + c.Compression.String()
	}
	switch {
	case c.Generated != "" && c.Virtual:
		text += " GENERATED ALWAYS AS (" + c.Generated + ") VIRTUAL"
	case c.Generated != "":
		text += " GENERATED ALWAYS AS (" + c.Generated + ") STORED"
	case c.Identity != table.NoIdentity && identity != nil:
		text += " GENERATED " + map[table.Identity]string{table.IdentityAlways: "ALWAYS", table.IdentityByDefault: "BY DEFAULT"}[c.Identity] +
			" AS IDENTITY (SEQUENCE NAME " + m.qualified(identity.Schema, identity.Name) + sequenceOptions(identity) + ")"
	case c.Default != "":
		text += " DEFAULT " + m.defaultText(c)
	}
	if c.NotNull {
		text += " NOT NULL"
	}
	return text
}

func sequenceOptions(q *table.SequenceDef) string {
	cycle := " NO CYCLE"
	if q.Cycle {
		cycle = " CYCLE"
	}
	return fmt.Sprintf(" START WITH %d INCREMENT BY %d MINVALUE %d MAXVALUE %d CACHE %d%s", q.Start, q.Increment, q.Min, q.Max, q.Cache, cycle)
}

// withOptions is WITH (…); "" if the table has no storage parameters.
func withOptions(d *table.TableDef) string {
	if len(d.Options) == 0 {
		return ""
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(d.Options)) {
		list = append(list, Quote(name)+" = '"+strings.ReplaceAll(d.Options[name], "'", "''")+"'")
	}
	return " WITH (" + strings.Join(list, ", ") + ")"
}

// storageParameters has a row for each parameter of a table, and one for each column that has its own compression.
func storageParameters(m *maker) {
	for _, d := range m.tablesOf() {
		schema := m.schemaName(d.Schema)
		for _, name := range slices.Sorted(maps.Keys(d.Options)) {
			m.add(d.ID, schema, d.Name, nil, name, d.Options[name])
		}
		for i := range d.Columns {
			if c := &d.Columns[i]; c.Compression != table.CompressionDefault {
				m.add(d.ID, schema, d.Name, c.Name, table.OptionCompression, c.Compression.String())
			}
		}
	}
}

// compressionLetter is attcompression: empty for the default, as in PostgreSQL, whose own methods are p and l.
func compressionLetter(c *table.Column) string {
	return [...]string{
		table.CompressionDefault: "", table.CompressionNone: "n", table.CompressionSnappy: "s", table.CompressionZstd: "z",
	}[c.Compression]
}
