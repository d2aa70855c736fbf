package logictest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// valueGroup is an expression with parameters $1, $2, … of types, and cases: their texts, and what PostgreSQL answers.
type valueGroup struct {
	zone, expr string
	types      []string
	cases      []valueCase
}

type valueCase struct {
	args []string
	want string
}

// generateValues makes the groups of the files: every operator, function and cast of the catalogue, and every type's
// input, with random arguments.
func generateValues(seed uint64) map[string][]valueGroup {
	g := argGen{rand.New(rand.NewPCG(seed, 3))}
	files := map[string][]valueGroup{"input": g.inputs(), "casts": g.casts()}
	for name, list := range map[string][]valueGroup{"operators": g.calls(expr.SyntaxOperator), "functions": g.calls(expr.SyntaxCall)} {
		files[name] = list
	}
	files["timetz"] = argGen{rand.New(rand.NewPCG(seed, 5))}.zonedTimes()
	return files
}

// valueTypes are the types that have values.
var valueTypes = []string{"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "numeric(8,2)", "numeric(4,-2)", "text", "varchar(5)",
	"bpchar(6)", "name", `"char"`, "bytea", "uuid", "date", "time", "time(2)", "timestamp", "timestamp(0)", "timestamptz", "timestamptz(3)",
	"interval", "interval(1)", "interval year to month", "interval day to second(2)", "interval hour"}

func kindOf(typ string) types.Kind {
	t, err := types.ParseType(typ)
	if err != nil {
		panic(err)
	}
	return t.Kind
}

// zones take turns where a time zone matters.
var zones = []string{"UTC", "America/New_York", "Europe/Berlin"}

// inputs are texts, right and wrong ones, cast to types.
func (g argGen) inputs() []valueGroup {
	var list []valueGroup
	for i, typ := range valueTypes {
		group := valueGroup{zone: zones[i%len(zones)], expr: "$1::" + typ, types: []string{"text"}}
		n := 40
		if strings.HasPrefix(typ, "time") || strings.HasPrefix(typ, "interval") || typ == "date" || strings.HasPrefix(typ, "num") {
			n = 120
		}
		for range n {
			s := g.arg(kindOf(typ))
			if g.oneIn(4) {
				s = g.damage(s)
			}
			group.cases = append(group.cases, valueCase{args: []string{s}})
		}
		list = append(list, group)
	}
	return list
}

// damage changes a character or two.
func (g argGen) damage(s string) string {
	b := []byte(s)
	if len(b) == 0 {
		return g.pick(" ", "x", "-", "0x1F", "1_000", "0b101", "0o17", "1e5", ".5", "5.", "+1", " 7 ")
	}
	for _, c := range b {
		if c >= 0x80 {
			return s
		}
	}
	i := g.IntN(len(b))
	switch g.IntN(5) {
	case 0:
		return string(slices.Delete(b, i, i+1))
	case 1:
		return " " + s + "  "
	case 2:
		return strings.ToUpper(s)
	}
	const noise = "0123456789 -+:.,/TZeEPYMDx_'"
	return string(slices.Insert(b, i, noise[g.IntN(len(noise))]))
}

// casts are explicit casts between every two types.
func (g argGen) casts() []valueGroup {
	var list []valueGroup
	for i, from := range valueTypes {
		for j, to := range valueTypes {
			if strings.Contains(from, "(") && strings.Contains(to, "(") {
				continue
			}
			f, t := kindOf(from), kindOf(to)
			n := 10
			if f != t && !expr.CanCoerce(f, t, expr.Explicit) {
				n = 1
			}
			group := valueGroup{zone: zones[(i+j)%len(zones)], expr: "$1::" + to, types: []string{from}}
			for range n {
				s := g.arg(f)
				if f.Class() == types.ClassString && f != types.UUID && f != types.Bytea && f != types.Char && g.oneIn(2) {
					s = g.arg(t)
				}
				group.cases = append(group.cases, valueCase{args: []string{s}})
			}
			list = append(list, group)
		}
	}
	return list
}

// calls are the operators or functions of the catalogue.
func (g argGen) calls(syntax expr.Syntax) []valueGroup {
	var list []*expr.Func
	expr.Functions(func(f *expr.Func) {
		if f.Syntax == syntax && f.OID != 0 && f.Volatility != expr.Volatile && !asksCatalog(f) {
			list = append(list, f)
		}
	})
	sort.Slice(list, func(i, j int) bool { return callName(list[i]) < callName(list[j]) })
	var groups []valueGroup
	for i, f := range list {
		groups = append(groups, g.call(f, zones[i%len(zones)]))
	}
	return groups
}

// asksCatalog reports whether a function asks the session or the catalog, and not only its arguments.
func asksCatalog(f *expr.Func) bool {
	for _, k := range append(slices.Clone(f.Args), f.Ret) {
		if k != expr.AnyKind && !slices.ContainsFunc(valueTypes, func(typ string) bool { return kindOf(typ) == k }) {
			return true
		}
	}
	for _, prefix := range []string{"pg_", "to_reg", "has_", "row_security", "obj_", "col_", "shobj_", "format_type", "current", "inet_", "array_", "cardinality", "nextval", "setval", "lastval", "unnest"} {
		if strings.HasPrefix(f.Name, prefix) {
			return true
		}
	}
	return notCompared[f.Name] || f.Name == "age" && len(f.Args) == 1 // which asks for the day
}

func callName(f *expr.Func) string { return fmt.Sprint(f.Name, len(f.Args), f.Args) }

// call makes the cases of a function.
func (g argGen) call(f *expr.Func, zone string) valueGroup {
	kinds := slices.Clone(f.Args)
	if f.Variadic {
		kinds = append(kinds, kinds[len(kinds)-1])
	}
	group := valueGroup{zone: zone}
	for i, k := range kinds {
		if k == expr.AnyKind {
			kinds[i] = []types.Kind{types.Text, types.Int4, types.Date, types.Numeric}[i%4]
		}
		name := kinds[i].Typname()
		if kinds[i] == types.Char {
			name = `"char"`
		}
		group.types = append(group.types, name)
	}
	group.expr = callText(f, len(kinds))
	n := 12
	if len(kinds) == 0 {
		n = 1
	}
	if strings.HasPrefix(f.Name, "to_") && len(kinds) == 2 {
		n = 80
	}
	seen := map[string]bool{}
	for range n {
		c := valueCase{}
		if f.Name == "to_number" {
			text, template := g.numberedText()
			group.cases = append(group.cases, valueCase{args: []string{text, template}})
			continue
		}
		if (f.Name == "to_date" || f.Name == "to_timestamp") && len(kinds) == 2 {
			text, template := g.datedText()
			group.cases = append(group.cases, valueCase{args: []string{text, template}})
			continue
		}
		for i, k := range kinds {
			switch {
			case f.Name == "to_char" && i == 1 && kinds[0].Class() != types.ClassInterval && kinds[0].Class() != types.ClassInt || f.Name == "to_char" && i == 1 && kinds[0] <= types.Int8:
				c.args = append(c.args, g.numberTemplate())
			case f.Name == "to_char" && i == 1:
				c.args = append(c.args, g.dateTemplate())
			default:
				c.args = append(c.args, g.argOf(f.Name, i, k))
			}
		}
		if key := strings.Join(c.args, "\t"); !seen[key] {
			group.cases = append(group.cases, c)
			seen[key] = true
		}
	}
	return group
}

func callText(f *expr.Func, n int) string {
	var args []string
	for i := range n {
		args = append(args, "$"+strconv.Itoa(i+1))
	}
	if f.Syntax == expr.SyntaxOperator {
		if n == 1 {
			return f.Name + " " + args[0]
		}
		return args[0] + " " + f.Name + " " + args[1]
	}
	return fmt.Sprintf("%s(%s)", callSpelling(f.Name), strings.Join(args, ", "))
}

// callSpelling qualifies names that the grammar has syntax of its own for.
func callSpelling(name string) string {
	switch name {
	case "extract", "position", "overlay", "substring", "trim", "overlaps", "coalesce", "normalize", "xmlexists", "left", "right", "like":
		return "pg_catalog." + strconv.Quote(name)
	}
	return name
}
