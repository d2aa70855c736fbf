package system

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

var typeRelations = []relation{
	{schema: pgCatalog, name: "pg_type", oid: 1247, rows: typeRows,
		columns: "oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char, typcategory char, " +
			"typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript regproc, typelem oid, typarray oid, " +
			"typinput regproc, typoutput regproc, typreceive regproc, typsend regproc, typmodin regproc, typmodout regproc, " +
			"typanalyze regproc, typalign char, typstorage char, typnotnull bool, typbasetype oid, typtypmod int4, typndims int4, " +
			"typcollation oid, typdefaultbin text, typdefault text, typacl _aclitem"},
	{schema: pgCatalog, name: "pg_proc", oid: 1255, rows: functions,
		columns: "oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, prorows float4, provariadic oid, " +
			"prosupport regproc, prokind char, prosecdef bool, proleakproof bool, proisstrict bool, proretset bool, provolatile char, " +
			"proparallel char, pronargs int2, pronargdefaults int2, prorettype oid, proargtypes oidvector, proallargtypes _oid, " +
			"proargmodes _char, proargnames _text, proargdefaults text, protrftypes _oid, prosrc text, probin text, prosqlbody text, " +
			"proconfig _text, proacl _aclitem"},
	{schema: pgCatalog, name: "pg_am", oid: 2601, rows: accessMethods, columns: "oid oid, amname name, amhandler regproc, amtype char"},
	{schema: pgCatalog, name: "pg_collation", oid: 3456, rows: collations,
		columns: "oid oid, collname name, collnamespace oid, collowner oid, collprovider char, collisdeterministic bool, " +
			"collencoding int4, collcollate text, collctype text, colllocale text, collicurules text, collversion text"},
	{schema: pgCatalog, name: "pg_language", oid: 2612, rows: languages,
		columns: "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid, laninline oid, lanvalidator oid, lanacl _aclitem"},
	{schema: pgCatalog, name: "pg_opclass", oid: 2616, rows: operatorClasses,
		columns: "oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, opcfamily oid, opcintype oid, opcdefault bool, opckeytype oid"},
}

// physical is how PostgreSQL stores the values of a type.
type physical struct {
	byValue        bool
	align, storage string
}

func physicalOf(k types.Kind) physical {
	switch k {
	case types.Bool, types.Char:
		return physical{true, "c", "p"}
	case types.Int2:
		return physical{true, "s", "p"}
	case types.Int4, types.OID, types.Date, types.Float4, types.Void,
		types.Regclass, types.Regtype, types.Regproc, types.Regnamespace, types.Regrole:
		return physical{true, "i", "p"}
	case types.Int8, types.Float8, types.Time, types.Timestamp, types.TimestampTZ:
		return physical{true, "d", "p"}
	case types.Interval, types.TimeTZ:
		return physical{false, "d", "p"}
	case types.Name, types.UUID, types.Unknown:
		return physical{false, "c", "p"}
	case types.Numeric:
		return physical{false, "i", "m"}
	case types.Int2Vector, types.OIDVector:
		return physical{false, "i", "p"}
	case types.Record:
		return physical{false, "d", "x"}
	}
	return physical{false, "i", "x"}
}

func typeRows(m *maker) {
	for i := range types.NumKinds {
		k := types.Kind(i)
		kind, category := "b", string(expr.CategoryOf(k))
		switch k {
		case types.Unknown:
			kind, category = "p", "X"
		case types.Void, types.Record:
			kind, category = "p", "P"
		}
		p := physicalOf(k)
		var element uint32
		if k.IsArray() {
			element = k.ElementKind().OID()
			if k == types.ACLItemArray {
				element = aclItemOID
			}
		} else if k == types.Name {
			element = types.Char.OID()
		}
		m.typeRow(k.OID(), k.Typname(), k.Size(), p, kind, category, expr.Preferred(k), element, k.ArrayOID(), collationOf(k))
	}
	for i := range types.NumKinds {
		k := types.Kind(i)
		if _, known := types.KindByOID(k.ArrayOID()); k.ArrayOID() != 0 && !known {
			p := physicalOf(types.TextArray)
			if a := physicalOf(k).align; a == "d" {
				p.align = "d"
			}
			kind, category := "b", "A"
			if k == types.Record {
				kind, category = "p", "P"
			}
			m.typeRow(k.ArrayOID(), "_"+k.Typname(), -1, p, kind, category, false, k.OID(), 0, collationOf(k))
		}
	}
}

// aclItemOID is the OID of type aclitem, of which there are no values.
const aclItemOID = 1033

func (m *maker) typeRow(oid uint32, name string, size int, p physical, kind, category string, preferred bool, element, array uint32, collation int) {
	m.add(oid, name, catalogOID, UserOID, size, p.byValue, kind, category, preferred, true, ",", 0, 0, element, array,
		0, 0, 0, 0, 0, 0, 0, p.align, p.storage, false, 0, -1, 0, collation, nil, nil, nil)
}

// Function is a function of the catalogue as pg_proc has it.
type Function struct {
	OID      uint32
	Name     string
	Kind     string // f, a
	Args     []types.Kind
	Ret      types.Kind
	Variadic bool
	Strict   bool
	Volatile string
}

// syntaxNames are names of functions that SQL has a syntax of its own for; PostgreSQL's catalogs have them under others.
var syntaxNames = map[string]bool{"current_timestamp": true, "current_catalog": true, "user": true, "current_role": true}

// Functions lists the functions and aggregates that can be called by name, each OID once, by OID.
func Functions() []Function {
	var out []Function
	expr.Functions(func(f *expr.Func) {
		if f.Syntax != expr.SyntaxCall || f.OID == 0 || syntaxNames[f.Name] {
			return
		}
		out = append(out, Function{OID: f.OID, Name: f.Name, Kind: "f", Args: f.Args, Ret: f.Ret, Variadic: f.Variadic, Strict: f.Strict,
			Volatile: [...]string{expr.Immutable: "i", expr.Stable: "s", expr.Volatile: "v"}[f.Volatility]})
	})
	expr.Aggregates(func(f *expr.AggFunc) {
		if f.OID != 0 {
			out = append(out, Function{OID: f.OID, Name: f.Name, Kind: "a", Args: f.Args, Ret: f.Ret, Volatile: "i"})
		}
	})
	slices.SortFunc(out, func(a, b Function) int { return cmp.Or(cmp.Compare(a.OID, b.OID), cmp.Compare(a.Name, b.Name)) })
	return slices.CompactFunc(out, func(a, b Function) bool { return a.OID == b.OID })
}

// anyOID is the OID of the pseudo-type "any".
const anyOID = 2276

func argOIDs(f *Function) []int64 {
	var out []int64
	for _, k := range f.Args {
		if k == expr.AnyKind {
			out = append(out, anyOID)
		} else {
			out = append(out, int64(k.OID()))
		}
	}
	return out
}

// ArgsText prints the arguments of a function.
func (f *Function) ArgsText() string {
	text := ""
	for i, k := range f.Args {
		if i > 0 {
			text += ", "
		}
		if f.Variadic && i == len(f.Args)-1 {
			text += "VARIADIC "
		}
		if k == expr.AnyKind {
			text += `"any"`
		} else {
			text += k.String()
		}
	}
	return text
}

// internalLanguage is the OID of the language of functions that are built in.
const internalLanguage = 12

func functions(m *maker) {
	for _, f := range Functions() {
		variadic := 0
		if f.Variadic {
			variadic = anyOID
		}
		ret := uint32(anyOID)
		if f.Ret != expr.AnyKind {
			ret = f.Ret.OID()
		}
		m.add(f.OID, f.Name, catalogOID, UserOID, internalLanguage, 1, 0, variadic, 0, f.Kind, false, false, f.Strict, false, f.Volatile, "s",
			len(f.Args), 0, ret, expr.VectorText(argOIDs(&f)), nil, nil, nil, nil, nil, f.Name, nil, nil, nil, nil)
	}
}

func accessMethods(m *maker) {
	m.add(columnarAM, "columnar", 0, "t")
	m.add(memoryAM, "memory", 0, "t")
	m.add(lsmAM, "lsm", 0, "t")
	m.add(btreeAM, "btree", 330, "i")
}

func collations(m *maker) {
	m.add(defaultCollation, "default", catalogOID, UserOID, "d", true, -1, nil, nil, nil, nil, nil)
	m.add(nameCollation, "C", catalogOID, UserOID, "c", true, -1, "C", "C", nil, nil, nil)
	m.add(951, "POSIX", catalogOID, UserOID, "c", true, -1, "POSIX", "POSIX", nil, nil, nil)
}

func languages(m *maker) {
	m.add(internalLanguage, "internal", UserOID, false, false, 0, 0, 0, nil)
	m.add(14, "sql", UserOID, false, true, 0, 0, 0, nil)
}

// firstOpclass is the OID of the first operator class; that of a type follows by its kind. They are not PostgreSQL's.
const firstOpclass = 10000

func opclassOf(k types.Kind) int64 { return firstOpclass + int64(k) }

func operatorClasses(m *maker) {
	for i := range types.NumKinds {
		k := types.Kind(i)
		if c := k.Class(); c != types.ClassNone && !k.IsArray() && !k.IsReg() {
			m.add(opclassOf(k), btreeAM, fmt.Sprintf("%s_ops", k.Typname()), catalogOID, UserOID, 0, k.OID(), true, 0)
		}
	}
}
