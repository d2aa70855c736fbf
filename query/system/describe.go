package system

import (
	"strings"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/table"
)

// Quote writes a name as SQL needs it: in quotes unless it is made of lower-case letters, digits and underscores.
func Quote(name string) string {
	plain := name != "" && !(name[0] >= '0' && name[0] <= '9')
	for i := range len(name) {
		c := name[i]
		plain = plain && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_')
	}
	if plain && !reserved[name] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// reserved are the words that cannot be column names without quotes.
var reserved = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`all analyse analyze and any array as asc asymmetric both case cast check collate
		column constraint create current_catalog current_date current_role current_time current_timestamp current_user
		default deferrable desc distinct do else end except false fetch for foreign from grant group having in initially
		intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary
		references returning select session_user some symmetric system_user table then to trailing true union unique user
		using variadic when where window with authorization binary collation concurrently cross current_schema freeze full
		ilike inner is isnull join left like natural notnull outer overlaps right similar tablesample verbose
		between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int
		integer interval least national nchar none normalize nullif numeric out overlay position precision real row setof
		smallint substring time timestamp treat trim values varchar xmlattributes`) {
		m[w] = true
	}
	return m
}()

func columnList(d *table.TableDef, cols []int) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = Quote(d.Columns[c].Name)
	}
	return strings.Join(names, ", ")
}

// sequenceName is the name of a sequence as it may stand in an expression; "" if there is none.
func (m *maker) sequenceName(id table.ObjectID) string {
	d, ok := m.Schema.ByID(id).(*table.SequenceDef)
	if !ok {
		return ""
	}
	if d.Schema == table.PublicSchema {
		return Quote(d.Name)
	}
	return Quote(m.schemaName(d.Schema)) + "." + Quote(d.Name)
}

// identityLetter and generatedLetter are attidentity and attgenerated.
func identityLetter(c *table.Column) string {
	return [...]string{table.NoIdentity: "", table.IdentityAlways: "a", table.IdentityByDefault: "d"}[c.Identity]
}

func generatedLetter(c *table.Column) string {
	switch {
	case c.Generated == "":
		return ""
	case c.Virtual:
		return "v"
	}
	return "s"
}

// defaultText is a default as it was written; a string gets the type that it is read as, as PostgreSQL shows it.
func (m *maker) defaultText(c *table.Column) string {
	if c.Identity != table.NoIdentity {
		return ""
	}
	if c.Default != "" {
		shown := *c
		shown.Default, c = bind.ShowSequences(c.Default, m.sequenceName), &shown
	}
	text := strings.TrimSpace(c.Default)
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' &&
		!strings.Contains(strings.ReplaceAll(text[1:len(text)-1], "''", ""), "'") {
		return text + "::" + c.Type.Kind.String()
	}
	return c.Default
}

func viewText(d *table.ViewDef) string {
	return strings.TrimSuffix(strings.TrimSpace(d.Query), ";") + ";"
}

// indexText is the command that would create an index.
func (s *Source) indexText(x keyIndex) string {
	return "CREATE UNIQUE INDEX " + Quote(x.Name) + " ON " + Quote(s.schemaName(x.def.Schema)) + "." + Quote(x.def.Name) +
		" USING btree (" + columnList(x.def, x.key.Columns) + ")"
}

// IndexDef is pg_get_indexdef: the command that would create an index, or one column of it, from 1.
func (s *Source) IndexDef(oid table.ObjectID, column int) (string, bool) {
	for _, x := range s.indexesOf() {
		if x.ID != oid {
			continue
		}
		if column == 0 {
			return s.indexText(x), true
		}
		if column > len(x.key.Columns) {
			return "", true
		}
		return columnList(x.def, x.key.Columns[column-1:column]), true
	}
	return "", false
}

// ConstraintDef is pg_get_constraintdef.
func (s *Source) ConstraintDef(oid uint32, pretty bool) (string, bool) {
	for _, c := range s.constraintsOf() {
		if c.oid == oid {
			return c.definition(s, pretty), true
		}
	}
	return "", false
}

// definition is the constraint as it stands in CREATE TABLE, without its name.
func (c *constraint) definition(s *Source, pretty bool) string {
	switch c.kind {
	case "c":
		if pretty {
			return "CHECK (" + c.text + ")"
		}
		return "CHECK ((" + c.text + "))"
	case "f":
		return c.foreign.text(s, c.def)
	case "n":
		return "NOT NULL " + columnList(c.def, c.cols)
	case "p":
		return "PRIMARY KEY (" + columnList(c.def, c.cols) + ")"
	}
	return "UNIQUE (" + columnList(c.def, c.cols) + ")"
}

// ViewDef is pg_get_viewdef: the query as it was written.
func (s *Source) ViewDef(oid table.ObjectID) (string, bool) {
	if d, ok := s.Schema.ByID(oid).(*table.ViewDef); ok {
		return viewText(d), true
	}
	return "", false
}
