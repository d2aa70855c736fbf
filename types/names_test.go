package types

import (
	"testing"

	"github.com/laminadb/lamina/sqlerr"
)

func TestTypeNames(t *testing.T) {
	for _, c := range []struct {
		text, want string
		oid        uint32
		size       int
		mod        int32
	}{
		{"bool", "boolean", 16, 1, -1},
		{"BOOLEAN", "boolean", 16, 1, -1},
		{"int", "integer", 23, 4, -1},
		{"integer", "integer", 23, 4, -1},
		{"int4", "integer", 23, 4, -1},
		{"smallint", "smallint", 21, 2, -1},
		{"int2", "smallint", 21, 2, -1},
		{"bigint", "bigint", 20, 8, -1},
		{"int8", "bigint", 20, 8, -1},
		{"real", "real", 700, 4, -1},
		{"float4", "real", 700, 4, -1},
		{"float(24)", "real", 700, 4, -1},
		{"float(25)", "double precision", 701, 8, -1},
		{"float", "double precision", 701, 8, -1},
		{"float8", "double precision", 701, 8, -1},
		{"double  precision", "double precision", 701, 8, -1},
		{"numeric", "numeric", 1700, -1, -1},
		{"decimal", "numeric", 1700, -1, -1},
		{"dec(5)", "numeric(5,0)", 1700, -1, 327684},
		{"numeric(15,2)", "numeric(15,2)", 1700, -1, 983046},
		{"numeric( 15 , 2 )", "numeric(15,2)", 1700, -1, 983046},
		{"numeric(2,-2)", "numeric(2,-2)", 1700, -1, 133122},
		{"numeric(1000,1000)", "numeric(1000,1000)", 1700, -1, 65537004},
		{"text", "text", 25, -1, -1},
		{"varchar", "character varying", 1043, -1, -1},
		{"varchar(25)", "character varying(25)", 1043, -1, 29},
		{"char varying(3)", "character varying(3)", 1043, -1, 7},
		{"national character varying(3)", "character varying(3)", 1043, -1, 7},
		{"char", "character(1)", 1042, -1, 5},
		{"character(10)", "character(10)", 1042, -1, 14},
		{"nchar(4)", "character(4)", 1042, -1, 8},
		{"bpchar", "bpchar", 1042, -1, -1},
		{"bytea", "bytea", 17, -1, -1},
		{"date", "date", 1082, 4, -1},
		{"timestamp", "timestamp without time zone", 1114, 8, -1},
		{"timestamp(3)", "timestamp(3) without time zone", 1114, 8, 3},
		{"timestamp(9) without time zone", "timestamp(6) without time zone", 1114, 8, 6},
		{"timestamptz", "timestamp with time zone", 1184, 8, -1},
		{"timestamp (0) with time zone", "timestamp(0) with time zone", 1184, 8, 0},
		{"time", "time without time zone", 1083, 8, -1},
		{"time(2) without time zone", "time(2) without time zone", 1083, 8, 2},
		{"interval", "interval", 1186, 16, -1},
		{"interval(3)", "interval(3)", 1186, 16, 2147418115},
		{"interval year to month", "interval year to month", 1186, 16, 458751},
		{"interval day to second(3)", "interval day to second(3)", 1186, 16, 470286339},
		{"oid", "oid", 26, 4, -1},
		{"name", "name", 19, 64, -1},
		{`"char"`, `"char"`, 18, 1, -1},
		{"uuid", "uuid", 2950, 16, -1},
		{"unknown", "unknown", 705, -2, -1},
		{"void", "void", 2278, 4, -1},
		{"record", "record", 2249, -1, -1},
	} {
		typ, err := ParseType(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if typ.String() != c.want || typ.OID() != c.oid || typ.Size() != c.size || typ.Mod != c.mod {
			t.Errorf("%s is %s, OID %d, size %d, mod %d; want %+v", c.text, typ, typ.OID(), typ.Size(), typ.Mod, c)
		}
		if again, err := ParseType(typ.String()); err != nil || again != typ {
			t.Errorf("%s reads back as %v, %v", typ, again, err)
		}
	}
}

func TestKindsHaveNamesAndOIDs(t *testing.T) {
	for k := range Kind(NumKinds) {
		byOID, okOID := KindByOID(k.OID())
		byName, okName := KindByTypname(k.Typname())
		if !okOID || !okName || byOID != k || byName != k || k.String() == "" {
			t.Errorf("kind %d: %q, OID %d", k, k.Typname(), k.OID())
		}
		if typ, ok := TypeByName(k.String()); k != BpChar && (!ok || typ != T(k)) {
			t.Errorf("%s names %v", k, typ)
		}
	}
	if Kind(200).String() == "" {
		t.Error("an unknown kind has no text")
	}
	if _, ok := TypeByName("nonsense"); ok {
		t.Error("nonsense is a type")
	}
}

func TestTypeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"varchar(0)", "ERROR 22023 length for type varchar must be at least 1"},
		{"char(0)", "ERROR 22023 length for type char must be at least 1"},
		{"char(10485761)", "ERROR 22023 length for type char cannot exceed 10485760"},
		{"varchar(1,2)", "ERROR 22023 invalid type modifier"},
		{"numeric(0)", "ERROR 22023 NUMERIC precision 0 must be between 1 and 1000"},
		{"numeric(1001,1)", "ERROR 22023 NUMERIC precision 1001 must be between 1 and 1000"},
		{"numeric(10,1001)", "ERROR 22023 NUMERIC scale 1001 must be between -1000 and 1000"},
		{"numeric(10,1,1)", "ERROR 22023 invalid NUMERIC type modifier"},
		{"int4(3)", `ERROR 42601 type modifier is not allowed for type "int4"`},
		{"text(3)", `ERROR 42601 type modifier is not allowed for type "text"`},
		{"float(0)", "ERROR 22023 precision for type float must be at least 1 bit"},
		{"float(54)", "ERROR 22023 precision for type float must be less than 54 bits"},
		{"timestamptz(-1)", "ERROR 22023 TIMESTAMP(-1) WITH TIME ZONE precision must not be negative"},
		{"timestamp(-1)", "ERROR 22023 TIMESTAMP(-1) precision must not be negative"},
		{"interval(-1)", "ERROR 22023 INTERVAL(-1) precision must not be negative"},
		{"interval month to day", `ERROR 42601 invalid type name "interval month to day"`},
		{"numeric(x)", `ERROR 42601 invalid type name "numeric(x)"`},
		{"numeric(3", `ERROR 42601 invalid type name "numeric(3"`},
		{"nothing", `ERROR 42704 type "nothing" does not exist`},
	} {
		if typ, err := ParseType(c.text); err == nil || errorText(err) != c.want {
			t.Errorf("%s: %v, %v, want %s", c.text, typ, err, c.want)
		}
	}
	if _, err := WithMods(Interval, []int32{1 << 4}); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
		t.Errorf("interval of odd fields: %v", err)
	}
}

// TestKindNumbers pins the kinds' numbers, which files of segments have: see docs/format/sidecar.md.
func TestKindNumbers(t *testing.T) {
	for k, want := range map[Kind]uint8{
		Bool: 1, Int2: 2, Int4: 3, Int8: 4, Float4: 5, Float8: 6, Numeric: 7, Text: 8, Varchar: 9, BpChar: 10, Bytea: 11, Date: 12,
		Timestamp: 13, TimestampTZ: 14, Interval: 15, Time: 16, OID: 17, Name: 18, Char: 19, UUID: 20, TimeTZ: 36,
	} {
		if uint8(k) != want {
			t.Errorf("%s is %d, files have %d", k, k, want)
		}
	}
}
