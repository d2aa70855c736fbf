package expr

import (
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// category is PostgreSQL's pg_type.typcategory: implicit casts stay mostly inside one.
type category byte

const (
	catBool     category = 'B'
	catNumber   category = 'N'
	catString   category = 'S'
	catDate     category = 'D'
	catInterval category = 'T'
	catArray    category = 'A'
	catUser     category = 'U'
	catInternal category = 'Z'
	catUnknown  category = 'X'
)

var categories = [types.NumKinds]category{
	types.Unknown: catUnknown, types.Bool: catBool,
	types.Int2: catNumber, types.Int4: catNumber, types.Int8: catNumber, types.Float4: catNumber,
	types.Float8: catNumber, types.Numeric: catNumber, types.OID: catNumber,
	types.Text: catString, types.Varchar: catString, types.BpChar: catString, types.Name: catString,
	types.Char: catInternal, types.Bytea: catUser, types.UUID: catUser,
	types.Date: catDate, types.Timestamp: catDate, types.TimestampTZ: catDate, types.Time: catDate,
	types.TimeTZ:   catDate,
	types.Interval: catInterval,
	types.Regclass: catNumber, types.Regtype: catNumber, types.Regproc: catNumber, types.Regnamespace: catNumber,
	types.Regrole:    catNumber,
	types.Int2Vector: catArray, types.OIDVector: catArray, types.Int2Array: catArray, types.OIDArray: catArray,
	types.CharArray: catArray, types.NameArray: catArray, types.TextArray: catArray, types.ACLItemArray: catArray,
}

// CategoryOf returns the letter of a kind's category, as pg_type.typcategory has it.
func CategoryOf(k types.Kind) byte { return byte(categoryOf(k)) }

// Preferred reports whether a kind is a preferred type of its category.
func Preferred(k types.Kind) bool { return preferred(k) }

func categoryOf(k types.Kind) category {
	if int(k) >= types.NumKinds {
		return 0
	}
	return categories[k]
}

// preferred reports whether k is a preferred type of its category.
func preferred(k types.Kind) bool {
	switch k {
	case types.Bool, types.Float8, types.OID, types.Text, types.TimestampTZ, types.Interval:
		return true
	}
	return false
}

func kindsOf(args []Expr) []types.Kind {
	kinds := make([]types.Kind, len(args))
	for i, a := range args {
		kinds[i] = a.Type().Kind
	}
	return kinds
}

// param returns the kind that f declares for argument i.
func (f *Func) param(i int) types.Kind {
	if i >= len(f.Args) {
		return f.Args[len(f.Args)-1] // variadic
	}
	return f.Args[i]
}

func (f *Func) takes(n int) bool {
	return n == len(f.Args) || f.Variadic && n > len(f.Args)
}

// exactMatch returns the candidate declared with exactly the given kinds.
func exactMatch(list []*Func, kinds []types.Kind) *Func {
	for _, f := range list {
		if len(f.Args) == len(kinds) && !f.Variadic && sameKinds(f.Args, kinds) {
			return f
		}
	}
	return nil
}

func sameKinds(a, b []types.Kind) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// matching returns the candidates whose arguments all can be reached by implicit casts.
func matching(list []*Func, kinds []types.Kind) []*Func {
	var out []*Func
next:
	for _, f := range list {
		if !f.takes(len(kinds)) {
			continue
		}
		for i, k := range kinds {
			if !CanCoerce(k, f.param(i), Implicit) {
				continue next
			}
		}
		out = append(out, f)
	}
	return out
}

// selectCandidate chooses among candidates that match, by PostgreSQL's rules; nil: ambiguous.
func selectCandidate(list []*Func, kinds []types.Kind) *Func {
	list = keepBest(list, func(f *Func) (n int) {
		for i, k := range kinds {
			if k != types.Unknown && f.param(i) == k {
				n++
			}
		}
		return n
	})
	if len(list) == 1 {
		return list[0]
	}
	list = keepBest(list, func(f *Func) (n int) {
		for i, k := range kinds {
			p := f.param(i)
			if k != types.Unknown && (p == k || p != AnyKind && preferred(p) && categoryOf(p) == categoryOf(k)) {
				n++
			}
		}
		return n
	})
	if len(list) == 1 {
		return list[0]
	}
	unknowns := 0
	for _, k := range kinds {
		if k == types.Unknown {
			unknowns++
		}
	}
	if unknowns == 0 {
		return nil
	}
	if kept := keepCategories(list, kinds); kept != nil {
		list = kept
		if len(list) == 1 {
			return list[0]
		}
	}
	if unknowns == len(kinds) {
		return nil
	}
	return assumeSameKind(list, kinds)
}

// keepBest returns the candidates with the highest score.
func keepBest(list []*Func, score func(*Func) int) []*Func {
	best := -1
	var out []*Func
	for _, f := range list {
		n := score(f)
		if n > best {
			best, out = n, out[:0]
		}
		if n == best {
			out = append(out, f)
		}
	}
	return out
}

// keepCategories decides the category of each untyped argument from the candidates: string if any
// accepts it, else the only one there is. It returns the candidates that agree, nil if it cannot
// decide.
func keepCategories(list []*Func, kinds []types.Kind) []*Func {
	slots := make([]struct {
		cat       category
		preferred bool
	}, len(kinds))
	for i, k := range kinds {
		if k != types.Unknown {
			continue
		}
		slot, conflict := &slots[i], false
		for j, f := range list {
			p := f.param(i)
			c := categoryOf(p)
			switch {
			case j == 0:
				slot.cat, slot.preferred = c, p != AnyKind && preferred(p)
			case c == slot.cat:
				slot.preferred = slot.preferred || p != AnyKind && preferred(p)
			case c == catString:
				slot.cat, slot.preferred = c, preferred(p)
			case slot.cat != catString:
				conflict = true
			}
		}
		if conflict && slot.cat != catString {
			return nil
		}
	}
	var out []*Func
next:
	for _, f := range list {
		for i, k := range kinds {
			p := f.param(i)
			if k == types.Unknown && (categoryOf(p) != slots[i].cat || slots[i].preferred && !preferred(p)) {
				continue next
			}
		}
		out = append(out, f)
	}
	return out
}

// assumeSameKind takes untyped arguments to be of the one kind that all the others have.
func assumeSameKind(list []*Func, kinds []types.Kind) *Func {
	known := types.Unknown
	for _, k := range kinds {
		switch {
		case k == types.Unknown:
		case known == types.Unknown:
			known = k
		case known != k:
			return nil
		}
	}
	var found *Func
next:
	for _, f := range list {
		for i := range kinds {
			if !CanCoerce(known, f.param(i), Implicit) {
				continue next
			}
		}
		if found != nil {
			return nil
		}
		found = f
	}
	return found
}

// resolveOperator finds the operator for the kinds of its operands.
func resolveOperator(op string, kinds []types.Kind, pos int) (*Func, error) {
	list := operators[op]
	exact := kinds
	if len(kinds) == 2 && kinds[0] != kinds[1] {
		// An untyped operand is taken to be of the other one's type.
		switch types.Unknown {
		case kinds[0]:
			exact = []types.Kind{kinds[1], kinds[1]}
		case kinds[1]:
			exact = []types.Kind{kinds[0], kinds[0]}
		}
	}
	if f := exactMatch(list, exact); f != nil {
		return f, nil
	}
	list = matching(list, kinds)
	switch len(list) {
	case 0:
		return nil, noOperator(op, kinds, pos)
	case 1:
		return list[0], nil
	}
	if f := selectCandidate(list, kinds); f != nil {
		return f, nil
	}
	return nil, sqlerr.Newf(sqlerr.AmbiguousFunction, "operator is not unique: %s", operatorSignature(op, kinds)).
		WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.").At(pos)
}

func noOperator(op string, kinds []types.Kind, pos int) error {
	hint := "No operator matches the given name and argument types. You might need to add explicit type casts."
	if len(kinds) == 1 {
		hint = "No operator matches the given name and argument type. You might need to add an explicit type cast."
	}
	return sqlerr.Newf(sqlerr.UndefinedFunction, "operator does not exist: %s", operatorSignature(op, kinds)).
		WithHint("%s", hint).At(pos)
}

func operatorSignature(op string, kinds []types.Kind) string {
	if len(kinds) == 1 {
		return op + " " + kinds[0].String()
	}
	return kinds[0].String() + " " + op + " " + kinds[1].String()
}

// resolveFunction finds the function for the kinds of its arguments; nil without an error means that
// none matches.
func resolveFunction(name string, kinds []types.Kind, pos int) (*Func, error) {
	list := functions[name]
	if f := exactMatch(list, kinds); f != nil {
		return f, nil
	}
	list = matching(list, kinds)
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return list[0], nil
	}
	if f := selectCandidate(list, kinds); f != nil {
		return f, nil
	}
	return nil, ambiguousFunction(name, kinds, pos)
}

// calledName is a function's name in errors: those that are mostly called by SQL's own syntax have a schema.
func calledName(name string) string {
	if name == "extract" || name == "overlaps" {
		return "pg_catalog." + name
	}
	return name
}

func ambiguousFunction(name string, kinds []types.Kind, pos int) error {
	name = calledName(name)
	return sqlerr.Newf(sqlerr.AmbiguousFunction, "function %s is not unique", functionSignature(name, kinds)).
		WithHint("Could not choose a best candidate function. You might need to add explicit type casts.").At(pos)
}

// Ambiguous is the 42725 error for a call that several functions match.
func Ambiguous(name string, args []Expr, pos int) error {
	return ambiguousFunction(name, kindsOf(args), pos)
}

// NoFunction is the 42883 error for a call that matches no function.
func NoFunction(name string, args []Expr, pos int) error {
	name = calledName(name)
	return sqlerr.Newf(sqlerr.UndefinedFunction, "function %s does not exist", functionSignature(name, kindsOf(args))).
		WithHint("No function matches the given name and argument types. You might need to add explicit type casts.").At(pos)
}

func functionSignature(name string, kinds []types.Kind) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('(')
	for i, k := range kinds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.String())
	}
	b.WriteByte(')')
	return b.String()
}
