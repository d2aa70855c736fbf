package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// systemFunctions describe objects of the catalog to clients. What needs the catalog asks Context.Catalog.
var systemFunctions = []entry{
	{"pg_table_is_visible(oid) bool", 2079, stable, ask("relation_is_visible"), kernelNone},
	{"pg_type_is_visible(oid) bool", 2080, stable | safe, isBuiltIn, kernelNone},
	{"pg_function_is_visible(oid) bool", 2081, stable | safe, isBuiltIn, kernelNone},
	{"pg_operator_is_visible(oid) bool", 2082, stable | safe, isBuiltIn, kernelNone},
	{"pg_opclass_is_visible(oid) bool", 2083, stable | safe, isBuiltIn, kernelNone},
	{"pg_collation_is_visible(oid) bool", 3815, stable | safe, isBuiltIn, kernelNone},
	{"format_type(oid,int4) text", 1081, stable | nullable | safe, formatType, kernelNone},
	{"pg_get_expr(text,oid) text", 1716, stable | safe, firstText, kernelNone},
	{"pg_get_expr(text,oid,bool) text", 2509, stable | safe, firstText, kernelNone},
	{"pg_get_userbyid(oid) name", 1642, stable, ask("user_by_id"), kernelNone},
	{"pg_get_indexdef(oid) text", 1643, stable, ask("index_def"), kernelNone},
	{"pg_get_indexdef(oid,int4,bool) text", 2507, stable, ask("index_def"), kernelNone},
	{"pg_get_constraintdef(oid) text", 1387, stable, ask("constraint_def"), kernelNone},
	{"pg_get_constraintdef(oid,bool) text", 2508, stable, ask("constraint_def"), kernelNone},
	{"pg_get_serial_sequence(text,text) text", 1665, stable, ask("serial_sequence"), kernelNone},
	{"pg_get_viewdef(oid) text", 1641, stable, ask("view_def"), kernelNone},
	{"pg_get_viewdef(oid,bool) text", 2506, stable, ask("view_def"), kernelNone},
	{"pg_get_function_result(oid) text", 2165, stable, ask("function_result"), kernelNone},
	{"pg_get_function_arguments(oid) text", 2162, stable, ask("function_arguments"), kernelNone},
	{"pg_get_function_identity_arguments(oid) text", 2232, stable, ask("function_arguments"), kernelNone},
	{"pg_get_statisticsobjdef_columns(oid) text", 6174, stable | safe, nullText, kernelNone},
	{"pg_get_partkeydef(oid) text", 3352, stable | safe, nullText, kernelNone},
	{"pg_get_triggerdef(oid,bool) text", 2730, stable | safe, nullText, kernelNone},
	{"pg_get_ruledef(oid,bool) text", 2504, stable | safe, nullText, kernelNone},
	{"pg_relation_is_publishable(regclass) bool", 6121, stable | safe, falseValue, kernelNone},
	{"obj_description(oid) text", 1348, stable | safe, nullText, kernelNone},
	{"obj_description(oid,name) text", 1215, stable | safe, nullText, kernelNone},
	{"col_description(oid,int4) text", 1216, stable | safe, nullText, kernelNone},
	{"shobj_description(oid,name) text", 1993, stable | safe, nullText, kernelNone},
	{"pg_encoding_to_char(int4) name", 1597, stable | safe, encodingName, kernelNone},
	{"pg_char_to_encoding(name) int4", 1264, stable | safe, encodingNumber, kernelNone},
	{"pg_my_temp_schema() oid", 2854, stable, ask("temp_schema"), kernelNone},
	{"pg_is_other_temp_schema(oid) bool", 2855, stable, ask("is_other_temp_schema"), kernelNone},
	{"to_regclass(text) regclass", 3495, stable, ask("to_regclass"), kernelNone},
	{"to_regtype(text) regtype", 3493, stable, ask("to_regtype"), kernelNone},
	{"to_regnamespace(text) regnamespace", 4086, stable, ask("to_regnamespace"), kernelNone},
	{"current_schemas(bool) _name", 1403, stable, ask("current_schemas"), kernelNone},
	{"pg_relation_size(regclass) int8", 2325, volatile, ask("relation_size"), kernelNone},
	{"pg_relation_size(regclass,text) int8", 2332, volatile, ask("relation_size"), kernelNone},
	{"pg_table_size(regclass) int8", 2997, volatile, ask("relation_size"), kernelNone},
	{"pg_indexes_size(regclass) int8", 2998, volatile, ask("indexes_size"), kernelNone},
	{"pg_total_relation_size(regclass) int8", 2286, volatile, ask("total_relation_size"), kernelNone},
	{"pg_database_size(name) int8", 2168, volatile, ask("database_size"), kernelNone},
	{"pg_database_size(oid) int8", 2324, volatile, ask("database_size"), kernelNone},
	{"pg_cancel_backend(int4) bool", 2171, volatile, ask("cancel_backend"), kernelNone},
	{"pg_terminate_backend(int4) bool", 2096, volatile, ask("terminate_backend"), kernelNone},
	{"has_table_privilege(oid,text) bool", 1927, stable, ask("has_table_privilege"), kernelNone},
	{"has_schema_privilege(oid,text) bool", 2273, stable, ask("has_schema_privilege"), kernelNone},
	{"has_database_privilege(name,text) bool", 2252, stable, ask("has_database_privilege"), kernelNone},
	{"array_to_string(any,text) text", 395, stable, arrayToString, kernelNone},
	{"lamina_array_item(text) text", 0, nullable | safe, arrayItem, kernelNone},
	{"array_remove(_text,text) _text", 3167, nullable, arrayRemove, kernelNone},
	{"pg_size_pretty(int8) text", 3334, safe, sizePretty, kernelNone},
	{"pg_tablespace_location(oid) text", 3778, stable | safe, emptyText, kernelNone},
	{"array_length(any,int4) int4", 2176, 0, arrayLength, kernelNone},
	{"array_upper(any,int4) int4", 2092, 0, arrayUpper, kernelNone},
	{"array_lower(any,int4) int4", 2091, 0, arrayLower, kernelNone},
}

// addArrayOperators makes the operators of arrays of the system catalogs. Equal ones have the same text.
func addArrayOperators() {
	for k := types.Int2Vector; k <= types.TextArray; k++ {
		pair := []types.Kind{k, k}
		for _, negate := range []bool{false, true} {
			f := &Func{Name: "=", Syntax: SyntaxOperator, Args: pair, Ret: types.Bool, Strict: true,
				Scalar: func(_ *Context, args []types.Datum) (types.Datum, error) {
					return types.NewBool(args[0].S == args[1].S != negate), nil
				}}
			if negate {
				f.Name = "<>"
			}
			operators[f.Name] = append(operators[f.Name], f)
		}
		if k >= types.Int2Array {
			f := &Func{Name: "||", Syntax: SyntaxOperator, Args: pair, Ret: k, Scalar: concatArrays}
			operators["||"] = append(operators["||"], f)
		}
	}
}

// ask leaves a function to the session, which has the catalog.
func ask(function string) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		if ctx == nil || ctx.Catalog == nil {
			return types.Datum{}, sqlerr.Unsupported("a function of the system catalogs here")
		}
		return ctx.Catalog(function, args)
	}
}

func firstText(_ *Context, args []types.Datum) (types.Datum, error) { return newText(args[0].S), nil }

func emptyText(*Context, []types.Datum) (types.Datum, error) { return newText(""), nil }

func nullText(*Context, []types.Datum) (types.Datum, error) { return types.NullOf(types.Text), nil }

// firstUserOID is table.FirstObjectID, which this package does not know: types, functions and operators are all below.
const firstUserOID = 16384

func isBuiltIn(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewBool(args[0].I < firstUserOID), nil
}

// formatType prints a type as SQL spells it, as PostgreSQL's function does.
func formatType(_ *Context, args []types.Datum) (types.Datum, error) {
	if !args[0].Valid {
		return types.NullOf(types.Text), nil
	}
	mod := int32(-1)
	if args[1].Valid {
		mod = int32(args[1].I)
	} else {
		return newText(TypeText(uint32(args[0].I))), nil
	}
	return newText(typeText(uint32(args[0].I), mod)), nil
}

// TypeText prints the type of an OID, without a modifier, as SQL spells it.
func TypeText(oid uint32) string {
	if oid == types.BpChar.OID() {
		return types.BpChar.String()
	}
	return typeText(oid, -1)
}

func typeText(oid uint32, mod int32) string {
	if oid == 0 {
		return "-"
	}
	if k, ok := types.KindByOID(oid); ok {
		return types.Type{Kind: k, Mod: mod}.String()
	}
	for k := types.Bool; int(k) < types.NumKinds; k++ {
		if k.ArrayOID() == oid {
			return types.Type{Kind: k, Mod: mod}.String() + "[]"
		}
	}
	return "???"
}

// utf8Encoding is the number of PostgreSQL's encoding UTF8, the only one.
const utf8Encoding = 6

func encodingName(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[0].I == utf8Encoding {
		return types.NewString(types.Name, "UTF8"), nil
	}
	return types.NewString(types.Name, ""), nil
}

func encodingNumber(_ *Context, args []types.Datum) (types.Datum, error) {
	if strings.EqualFold(strings.ReplaceAll(args[0].S, "-", ""), "utf8") {
		return types.NewInt(types.Int4, utf8Encoding), nil
	}
	return types.NewInt(types.Int4, -1), nil
}

// elementsOf returns the elements of an array of the system catalogs.
func elementsOf(d types.Datum) ([]types.ArrayElement, error) {
	if !d.K.IsArray() {
		return nil, sqlerr.Newf(sqlerr.UndefinedFunction, "type %s is not an array", d.K)
	}
	return types.ArrayElements(d.K, d.S)
}

func arrayToString(_ *Context, args []types.Datum) (types.Datum, error) {
	items, err := elementsOf(args[0])
	var b strings.Builder
	first := true
	for _, e := range items {
		if e.Null {
			continue
		}
		if !first {
			b.WriteString(args[1].S)
		}
		b.WriteString(e.Text)
		first = false
	}
	return newText(b.String()), err
}

func arrayLength(_ *Context, args []types.Datum) (types.Datum, error) {
	items, err := elementsOf(args[0])
	if err != nil || len(items) == 0 || args[1].I != 1 {
		return types.NullOf(types.Int4), err
	}
	return types.NewInt(types.Int4, int64(len(items))), nil
}

// lowerBound is the subscript of the first element: 0 of vectors.
func lowerBound(k types.Kind) int64 {
	if k == types.Int2Vector || k == types.OIDVector {
		return 0
	}
	return 1
}

func arrayUpper(ctx *Context, args []types.Datum) (types.Datum, error) {
	n, err := arrayLength(ctx, args)
	n.I += lowerBound(args[0].K) - 1
	return n, err
}

func arrayLower(ctx *Context, args []types.Datum) (types.Datum, error) {
	n, err := arrayLength(ctx, args)
	n.I = lowerBound(args[0].K)
	return n, err
}

// NewElement returns the element of an array of the system catalogs at a subscript; NULL beyond its ends.
func NewElement(pos int, array, at Expr) (Expr, error) {
	k := array.Type().Kind
	element := k.ElementKind()
	if element == types.Unknown {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", array.Type()).At(pos)
	}
	at, err := NewCast(at, types.T(types.Int4), Assignment, pos)
	if err != nil {
		return nil, err
	}
	f := &Func{Name: "element", Args: []types.Kind{k, types.Int4}, Ret: element, Strict: true, CanFail: true,
		Scalar: func(_ *Context, args []types.Datum) (types.Datum, error) {
			items, err := elementsOf(args[0])
			i := args[1].I - lowerBound(k)
			if err != nil || i < 0 || i >= int64(len(items)) || items[i].Null {
				return types.NullOf(element), err
			}
			return types.Parse(types.T(element), items[i].Text)
		}}
	return &Call{Node: Node{Typ: types.T(element), At: pos}, Func: f, Args: []Expr{array, at}}, nil
}

// NewAnyElement returns x = ANY (array) for an array of the system catalogs.
func NewAnyElement(pos int, x, array Expr) (Expr, error) {
	element := array.Type().Kind.ElementKind()
	if element == types.Unknown {
		return nil, sqlerr.Unsupported(fmt.Sprintf("= ANY of type %s", array.Type())).At(pos)
	}
	t := types.T(element)
	if from := x.Type().Kind; from != types.Unknown && from != element {
		switch {
		case CanCoerce(from, element, Implicit):
		case CanCoerce(element, from, Implicit):
			t = types.T(from)
		default:
			return nil, noOperator("=", []types.Kind{from, element}, pos)
		}
	}
	x, err := NewCast(x, t, Implicit, pos)
	if err != nil {
		return nil, err
	}
	f := &Func{Name: "any_element", Args: []types.Kind{t.Kind, array.Type().Kind}, Ret: types.Bool, Strict: true, CanFail: true,
		Scalar: func(_ *Context, args []types.Datum) (types.Datum, error) {
			items, err := elementsOf(args[1])
			if err != nil {
				return types.Datum{}, err
			}
			return anyEqual(args[0], t, items)
		}}
	return &Call{Node: Node{Typ: types.T(types.Bool), At: pos}, Func: f, Args: []Expr{x, array}}, nil
}

// anyEqual reports whether one of the elements is x: NULL if none is, but one is NULL.
func anyEqual(x types.Datum, t types.Type, items []types.ArrayElement) (types.Datum, error) {
	null := false
	for _, item := range items {
		if item.Null {
			null = true
			continue
		}
		d, err := types.Parse(t, item.Text)
		if err != nil {
			return types.Datum{}, err
		}
		if types.Compare(x, d) == 0 {
			return types.NewBool(true), nil
		}
	}
	if null {
		return types.NullOf(types.Bool), nil
	}
	return types.NewBool(false), nil
}

// NewUnsupported returns an expression that fails with 0A000 when it is evaluated: for what clients ask of relations that
// are always empty.
func NewUnsupported(pos int, what string, t types.Type) Expr {
	f := &Func{Name: "unsupported", Ret: t.Kind, Volatility: Stable, CanFail: true,
		Scalar: func(*Context, []types.Datum) (types.Datum, error) {
			return types.Datum{}, sqlerr.Unsupported(what)
		}}
	return &Call{Node: Node{Typ: t, At: pos}, Func: f}
}

// ArrayText returns the text of an array of the system catalogs.
func ArrayText[T any](items []T) string {
	b := []byte{'{'}
	for i, x := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = types.AppendArrayElement(b, types.ArrayElement{Text: fmt.Sprint(x)})
	}
	return string(append(b, '}'))
}

// arrayItem is the text of a value within an array; NULL is an element too.
func arrayItem(_ *Context, args []types.Datum) (types.Datum, error) {
	return newText(string(types.AppendArrayElement(nil, types.ArrayElement{Text: args[0].S, Null: !args[0].Valid}))), nil
}

// NewArrayOf makes an array of the text of its elements, which commas separate; NULL stands for no elements.
func NewArrayOf(pos int, k types.Kind, elements Expr) Expr {
	f := &Func{Name: "array", Args: []types.Kind{types.Text}, Ret: k,
		Scalar: func(_ *Context, args []types.Datum) (types.Datum, error) {
			return types.NewString(k, "{"+args[0].S+"}"), nil
		}}
	return &Call{Node: Node{Typ: types.T(k), At: pos}, Func: f, Args: []Expr{elements}}
}

// NewBound returns the lowest or highest subscript of an array of the system catalogs; NULL if it is empty.
func NewBound(pos int, array Expr, upper bool) (Expr, error) {
	name := "array_lower"
	if upper {
		name = "array_upper"
	}
	return NewFunc(name, pos, array, NewConst(types.NewInt(types.Int4, 1), types.T(types.Int4), pos))
}

func arrayRemove(_ *Context, args []types.Datum) (types.Datum, error) {
	if !args[0].Valid {
		return args[0], nil
	}
	items, err := elementsOf(args[0])
	b := []byte{'{'}
	for _, e := range items {
		if e.Null != args[1].Valid && (e.Null || e.Text == args[1].S) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = types.AppendArrayElement(b, e)
	}
	return types.NewString(args[0].K, string(append(b, '}'))), err
}

// sizePretty prints a number of bytes in the largest unit of which there are at least ten, rounded half away from zero.
func sizePretty(_ *Context, args []types.Datum) (types.Datum, error) {
	const limit, twice = 10 * 1024, 20*1024 - 1
	n := args[0].I
	if n > -limit && n < limit {
		return newText(strconv.FormatInt(n, 10) + " bytes"), nil
	}
	n >>= 9 // keeps one bit for rounding
	units := []string{"kB", "MB", "GB", "TB", "PB"}
	for i, unit := range units {
		if i == len(units)-1 || n > -twice && n < twice {
			if n < 0 {
				n--
			} else {
				n++
			}
			return newText(strconv.FormatInt(n/2, 10) + " " + unit), nil
		}
		n >>= 10
	}
	return newText(""), nil
}

func concatArrays(_ *Context, args []types.Datum) (types.Datum, error) {
	switch {
	case !args[0].Valid:
		return args[1], nil
	case !args[1].Valid:
		return args[0], nil
	}
	a, b := strings.TrimSuffix(args[0].S, "}"), strings.TrimPrefix(args[1].S, "{")
	if a == "{" || b == "}" {
		return types.NewString(args[0].K, a+b), nil
	}
	return types.NewString(args[0].K, a+","+b), nil
}

// VectorText returns the text of an int2vector or oidvector.
func VectorText(items []int64) string {
	var b strings.Builder
	for i, x := range items {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(x, 10))
	}
	return b.String()
}
