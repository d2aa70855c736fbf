package catalog

import "github.com/laminadb/lamina/table"

// The IDs of built-in schemas. That of information_schema is Lamina's choice: PostgreSQL's differs
// from version to version.
const (
	PgCatalogSchema   table.ObjectID = 11
	InformationSchema table.ObjectID = 13000
)

// The names of built-in schemas.
const (
	pgCatalogName   = "pg_catalog"
	informationName = "information_schema"
	publicName      = "public"
)

func builtinSchemas() []table.Object {
	schema := func(id table.ObjectID, name string) table.Object {
		return &table.SchemaDef{Header: table.Header{ID: id, Kind: table.KindSchema, Name: name, Version: 1}}
	}
	return []table.Object{
		schema(PgCatalogSchema, pgCatalogName),
		schema(table.PublicSchema, publicName),
		schema(InformationSchema, informationName),
	}
}

// isSystem reports whether an object belongs to the program: it can be neither changed nor dropped.
func isSystem(id table.ObjectID) bool {
	return id < table.FirstObjectID && id != table.PublicSchema
}
