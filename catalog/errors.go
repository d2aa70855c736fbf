package catalog

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// kindNames are PostgreSQL's words for the kinds in messages.
var kindNames = map[table.ObjectKind]string{
	table.KindSchema: "schema", table.KindTable: "table", table.KindView: "view",
	table.KindMaterializedView: "materialized view", table.KindSequence: "sequence",
	table.KindIndex: "index", table.KindExtension: "extension", table.KindSetting: "setting",
}

// KindName returns PostgreSQL's word for a kind of object.
func KindName(k table.ObjectKind) string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return "object"
}

// errTaken says that the name of a new object is in use.
func errTaken(h *table.Header) error {
	switch spaceOf(h.Kind) {
	case schemas:
		return sqlerr.Newf(sqlerr.DuplicateSchema, "schema \"%s\" already exists", h.Name)
	case extensions:
		return sqlerr.Newf(sqlerr.DuplicateObject, "extension \"%s\" already exists", h.Name)
	}
	return sqlerr.Newf(sqlerr.DuplicateTable, "relation \"%s\" already exists", h.Name)
}

// ErrNoObject says that there is no object with an ID. A relation that was dropped meanwhile is the
// usual cause.
func ErrNoObject(id table.ObjectID) error {
	return sqlerr.Newf(sqlerr.UndefinedTable, "relation with OID %d does not exist", id)
}

func errSystem(verb string, h *table.Header) error {
	if verb == "drop" {
		return sqlerr.Newf(sqlerr.DependentObjectsStillExist,
			"cannot drop %s %s because it is required by the database system", KindName(h.Kind), h.Name)
	}
	return sqlerr.Newf(sqlerr.InsufficientPrivilege, "permission denied to %s \"%s\"", verb, h.Name).
		WithDetail("System catalog modifications are currently disallowed.")
}

const cascadeHint = "Use DROP ... CASCADE to drop the dependent objects too."

// dependentsMax bounds the list of dependent objects in a message, as in PostgreSQL.
const dependentsMax = 100
