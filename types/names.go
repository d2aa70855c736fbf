package types

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
)

// kindInfo is what PostgreSQL's pg_type says of a kind.
type kindInfo struct {
	sqlName  string // format_type without a modifier
	typname  string // pg_type.typname
	oid      uint32
	arrayOID uint32
	size     int16 // pg_type.typlen: -1 for variable length, -2 for a C string
}

var kinds = [NumKinds]kindInfo{
	Unknown:     {"unknown", "unknown", 705, 0, -2},
	Bool:        {"boolean", "bool", 16, 1000, 1},
	Int2:        {"smallint", "int2", 21, 1005, 2},
	Int4:        {"integer", "int4", 23, 1007, 4},
	Int8:        {"bigint", "int8", 20, 1016, 8},
	Float4:      {"real", "float4", 700, 1021, 4},
	Float8:      {"double precision", "float8", 701, 1022, 8},
	Numeric:     {"numeric", "numeric", 1700, 1231, -1},
	Text:        {"text", "text", 25, 1009, -1},
	Varchar:     {"character varying", "varchar", 1043, 1015, -1},
	BpChar:      {"character", "bpchar", 1042, 1014, -1},
	Bytea:       {"bytea", "bytea", 17, 1001, -1},
	Date:        {"date", "date", 1082, 1182, 4},
	Timestamp:   {"timestamp without time zone", "timestamp", 1114, 1115, 8},
	TimestampTZ: {"timestamp with time zone", "timestamptz", 1184, 1185, 8},
	Interval:    {"interval", "interval", 1186, 1187, 16},
	Time:        {"time without time zone", "time", 1083, 1183, 8},
	OID:         {"oid", "oid", 26, 1028, 4},
	Name:        {"name", "name", 19, 1003, 64},
	Char:        {`"char"`, "char", 18, 1002, 1},
	UUID:        {"uuid", "uuid", 2950, 2951, 16},
	Void:        {"void", "void", 2278, 0, 4},
	Record:      {"record", "record", 2249, 2287, -1},

	Regclass:     {"regclass", "regclass", 2205, 2210, 4},
	Regtype:      {"regtype", "regtype", 2206, 2211, 4},
	Regproc:      {"regproc", "regproc", 24, 1008, 4},
	Regnamespace: {"regnamespace", "regnamespace", 4089, 4090, 4},
	Regrole:      {"regrole", "regrole", 4096, 4097, 4},
	Int2Vector:   {"int2vector", "int2vector", 22, 1006, -1},
	OIDVector:    {"oidvector", "oidvector", 30, 1013, -1},
	Int2Array:    {"smallint[]", "_int2", 1005, 0, -1},
	OIDArray:     {"oid[]", "_oid", 1028, 0, -1},
	CharArray:    {`"char"[]`, "_char", 1002, 0, -1},
	NameArray:    {"name[]", "_name", 1003, 0, -1},
	TextArray:    {"text[]", "_text", 1009, 0, -1},
	ACLItemArray: {"aclitem[]", "_aclitem", 1034, 0, -1},
	TimeTZ:       {"time with time zone", "timetz", 1266, 1270, 12},
}

// sqlNames are the spellings that SQL text may use besides pg_type.typname: the grammar's keywords
// and their synonyms. The length of char defaults to 1 in SQL, so it is not here.
var sqlNames = map[string]Kind{
	"boolean": Bool, "smallint": Int2, "int": Int4, "integer": Int4, "bigint": Int8,
	"real": Float4, "float": Float8, "double precision": Float8, "decimal": Numeric, "dec": Numeric,
	"character varying": Varchar, "char varying": Varchar, "national character varying": Varchar,
	"national char varying": Varchar, "nchar varying": Varchar,
	"timestamp without time zone": Timestamp, "timestamp with time zone": TimestampTZ,
	"time without time zone": Time, "time with time zone": TimeTZ,
}

var (
	kindByTypname = make(map[string]Kind, NumKinds)
	kindByOID     = make(map[uint32]Kind, NumKinds)
)

func init() {
	for k := range kinds {
		kindByTypname[kinds[k].typname] = Kind(k)
		kindByOID[kinds[k].oid] = Kind(k)
		if Kind(k).IsArray() {
			sqlNames[kinds[k].sqlName] = Kind(k)
		}
	}
}

// String returns the SQL name of the kind as error messages and pg_typeof print it.
func (k Kind) String() string {
	if int(k) >= NumKinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kinds[k].sqlName
}

// Typname returns the kind's pg_type.typname, such as int4.
func (k Kind) Typname() string { return kinds[k].typname }

// OID returns the kind's OID in PostgreSQL.
func (k Kind) OID() uint32 { return kinds[k].oid }

// ArrayOID returns the OID of PostgreSQL's type of arrays of the kind; 0 if there is none.
func (k Kind) ArrayOID() uint32 { return kinds[k].arrayOID }

// Size returns pg_type.typlen: bytes of a value, -1 for variable length, -2 for a C string.
func (k Kind) Size() int { return int(kinds[k].size) }

// OID returns the type's OID in PostgreSQL.
func (t Type) OID() uint32 { return t.Kind.OID() }

// Size returns pg_type.typlen: bytes of a value, -1 for variable length, -2 for a C string.
func (t Type) Size() int { return t.Kind.Size() }

// KindByOID returns the kind that has an OID in PostgreSQL.
func KindByOID(oid uint32) (Kind, bool) {
	k, ok := kindByOID[oid]
	return k, ok
}

// KindByTypname returns the kind with the given pg_type.typname; "char" is the one-byte type.
func KindByTypname(name string) (Kind, bool) {
	k, ok := kindByTypname[name]
	return k, ok
}

// TypeByName returns the type that SQL text calls name, in any case and with single blanks between
// words: pg_type names, the keywords of the grammar and their synonyms, without a modifier. char
// and character mean char(1), as in SQL; the one-byte type is `"char"`.
func TypeByName(name string) (Type, bool) {
	if name == `"char"` {
		return T(Char), true
	}
	name = strings.ToLower(name)
	switch name {
	case "char", "character", "nchar", "national character", "national char":
		return CharN(1), true
	}
	if k, ok := sqlNames[name]; ok {
		return T(k), true
	}
	k, ok := kindByTypname[name]
	return T(k), ok
}

// ParseType returns the type that text such as "numeric(15, 2)", "varchar(10)" or
// "timestamp(3) with time zone" names; String's output parses to the same type.
func ParseType(text string) (Type, error) {
	s := strings.Join(strings.Fields(text), " ")
	if s == `"char"` {
		return T(Char), nil
	}
	name, mods := s, []int32(nil)
	if i := strings.IndexByte(s, '('); i >= 0 {
		j := strings.IndexByte(s, ')')
		if j < i {
			return Type{}, sqlerr.Newf(sqlerr.SyntaxError, "invalid type name \"%s\"", text)
		}
		for _, f := range strings.Split(s[i+1:j], ",") {
			v, err := parseInt(Int4, []byte(f))
			if err != nil {
				return Type{}, sqlerr.Newf(sqlerr.SyntaxError, "invalid type name \"%s\"", text)
			}
			mods = append(mods, int32(v))
		}
		name = strings.Join(strings.Fields(s[:i]+" "+s[j+1:]), " ")
	}
	if fields, ok := strings.CutPrefix(strings.ToLower(name), "interval "); ok {
		return parseIntervalType(text, fields, mods)
	}
	t, ok := TypeByName(name)
	if !ok {
		return Type{}, sqlerr.Newf(sqlerr.UndefinedObject, "type \"%s\" does not exist", text)
	}
	if mods == nil {
		return t, nil
	}
	if t.Kind == Float8 && strings.EqualFold(name, "float") {
		return FloatOfPrecision(mods[0])
	}
	if t.Kind == Interval {
		mods = append([]int32{int32(FieldsAll)}, mods...)
	}
	return WithMods(t.Kind, mods)
}

func parseIntervalType(text, fields string, mods []int32) (Type, error) {
	f, ok := intervalFieldsByName(fields)
	if !ok {
		return Type{}, sqlerr.Newf(sqlerr.SyntaxError, "invalid type name \"%s\"", text)
	}
	return WithMods(Interval, append([]int32{int32(f)}, mods...))
}

// FloatOfPrecision returns the type of SQL's float(p): real up to 24 binary digits, then double
// precision.
func FloatOfPrecision(p int32) (Type, error) {
	switch {
	case p < 1:
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "precision for type float must be at least 1 bit")
	case p <= 24:
		return T(Float4), nil
	case p <= 53:
		return T(Float8), nil
	}
	return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "precision for type float must be less than 54 bits")
}

// String returns what PostgreSQL's format_type prints: the SQL name with its modifier. A char
// without length is "bpchar", since "character" would mean one of length 1.
func (t Type) String() string {
	if t.Mod < 0 {
		if t.Kind == BpChar {
			return "bpchar"
		}
		return t.Kind.String()
	}
	switch t.Kind {
	case Varchar, BpChar:
		if n, ok := t.Length(); ok {
			return fmt.Sprintf("%s(%d)", t.Kind, n)
		}
	case Numeric:
		if p, s, ok := t.PrecisionScale(); ok {
			return fmt.Sprintf("numeric(%d,%d)", p, s)
		}
	case Timestamp, TimestampTZ, Time, TimeTZ:
		word, rest, _ := strings.Cut(t.Kind.String(), " ")
		return fmt.Sprintf("%s(%d) %s", word, t.Mod, rest)
	case Interval:
		return intervalTypeName(t.Mod)
	}
	return t.Kind.String()
}
