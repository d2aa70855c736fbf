package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// otherTypes are PostgreSQL's types that Lamina does not have.
var otherTypes = map[string]bool{
	"json": true, "jsonb": true, "xml": true, "money": true, "bit": true, "varbit": true, "inet": true, "cidr": true,
	"macaddr": true, "macaddr8": true, "point": true, "line": true, "lseg": true, "box": true, "path": true,
	"polygon": true, "circle": true, "tsvector": true, "tsquery": true, "int4range": true,
	"int8range": true, "numrange": true, "tsrange": true, "tstzrange": true, "daterange": true,
	"regprocedure": true, "regoper": true,
	"regoperator": true, "regconfig": true, "regdictionary": true, "xid": true, "xid8": true, "cid": true, "tid": true,
	"pg_lsn": true, "jsonpath": true, "txid_snapshot": true, "pg_snapshot": true,
	"record": true, "cstring": true, "anyelement": true, "anyarray": true, "void": true, "refcursor": true,
	"pg_node_tree": true, "aclitem": true, "unknown": true,
	"serial": true, "bigserial": true, "smallserial": true, "serial2": true, "serial4": true, "serial8": true,
}

// TypeOf returns the type that a type name means; 42704 if there is none.
func TypeOf(n ast.TypeName) (types.Type, error) {
	if n.Schema != "" && n.Schema != pgCatalog && n.Schema != "public" {
		return types.Type{}, sqlerr.Newf(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", n.Schema).At(n.Pos())
	}
	if n.Schema != "" && n.Schema != pgCatalog {
		return types.Type{}, sqlerr.Newf(sqlerr.UndefinedObject, "type \"%s.%s\" does not exist", n.Schema, n.Name).At(n.Pos())
	}
	k, ok := types.KindByTypname(n.Name)
	if otherTypes[n.Name] || ok && k == types.Unknown {
		return types.Type{}, sqlerr.Unsupported("type " + n.Name).At(n.Pos())
	}
	if !ok {
		return types.Type{}, sqlerr.Newf(sqlerr.UndefinedObject, "type \"%s\" does not exist", n.Name).At(n.Pos())
	}
	if n.Array || k.IsArray() {
		return types.Type{}, sqlerr.Unsupported("array type " + n.Name + "[]").At(n.Pos())
	}
	t, err := types.WithMods(k, n.Mods)
	if err != nil {
		return t, sqlerr.From(err).At(n.Pos())
	}
	return t, nil
}
