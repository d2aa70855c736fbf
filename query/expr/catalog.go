package expr

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/types"
)

// entry is a line of the catalogue. Entries stand in tables beside their implementations; init makes
// Funcs of them.
type entry struct {
	// sig is the signature: "name(kind,kind) result" with pg_type names; "any" accepts everything,
	// "..." after the last kind repeats it.
	sig    string
	oid    uint32
	traits traits
	scalar scalar
	kernel KernelID
}

// scalar is the implementation of a function on one row.
type scalar = func(ctx *Context, args []types.Datum) (types.Datum, error)

// traits are the properties of an entry that differ from the usual: immutable, strict, may fail.
type traits uint8

const (
	safe     traits = 1 << iota // never fails
	stable                      // Volatility Stable
	volatile                    // Volatility Volatile
	nullable                    // not strict: called with NULLs
	internal                    // not to be found by name
)

// The catalogue: read-only after init.
var (
	functions  = make(map[string][]*Func)
	operators  = make(map[string][]*Func)
	aggregates = make(map[string][]*AggFunc)
)

func init() {
	addComparisons()
	addOperators(arithmeticOperators)
	addOperators(datetimeOperators)
	addOperators(stringOperators)
	addArrayOperators()
	addFunctions(numberFunctions)
	addFunctions(numericFunctions)
	addFunctions(degreeFunctions)
	addFunctions(randomFunctions)
	addFunctions(stringFunctions)
	addFunctions(textFunctions)
	addFunctions(unicodeFunctions)
	addFunctions(regexFunctions)
	addFunctions(quoteFunctions)
	addFunctions(byteaFunctions)
	addFunctions(datetimeFunctions)
	addFunctions(makeFunctions)
	addFunctions(formatFunctions)
	addFunctions(uuidFunctions)
	addFunctions(sessionFunctions)
	addFunctions(systemFunctions)
	addFunctions(sequenceFunctions)
	addAggregates()
	addCasts()
	addNullIfs()
}

func addOperators(table []entry) {
	for i := range table {
		f := table[i].function()
		f.Syntax = SyntaxOperator
		operators[f.Name] = append(operators[f.Name], f)
	}
}

func addFunctions(table []entry) {
	for i := range table {
		f := table[i].function()
		if table[i].traits&internal == 0 {
			functions[f.Name] = append(functions[f.Name], f)
		}
	}
}

// function returns the Func that an entry describes. A malformed signature is a bug of the table: it
// panics at start, before any statement.
func (e *entry) function() *Func {
	open := strings.LastIndexByte(e.sig, '(')
	name, rest := e.sig[:open], e.sig[open+1:]
	list, ret, ok := strings.Cut(rest, ") ")
	if !ok {
		panic("catalogue: " + e.sig)
	}
	f := &Func{
		OID: e.oid, Name: name, Ret: kindNamed(ret), Scalar: e.scalar, Kernel: e.kernel,
		Strict: e.traits&nullable == 0, CanFail: e.traits&safe == 0,
	}
	list, f.Variadic = strings.CutSuffix(list, "...")
	f.Args = kindList(list)
	switch {
	case e.traits&volatile != 0:
		f.Volatility = Volatile
	case e.traits&stable != 0:
		f.Volatility = Stable
	}
	return f
}

func kindList(list string) []types.Kind {
	if list == "" {
		return nil
	}
	var kinds []types.Kind
	for _, name := range strings.Split(list, ",") {
		kinds = append(kinds, kindNamed(name))
	}
	return kinds
}

func kindNamed(name string) types.Kind {
	if name == "any" {
		return AnyKind
	}
	k, ok := types.KindByTypname(name)
	if !ok {
		panic(fmt.Sprintf("catalogue: no type %q", name))
	}
	return k
}

// IsFunction reports whether there is a function (not an aggregate) of the given name.
func IsFunction(name string) bool {
	_, ok := functions[name]
	return ok
}

// IsAggregate reports whether there is an aggregate function of the given name.
func IsAggregate(name string) bool {
	_, ok := aggregates[name]
	return ok
}

// IsOperator reports whether there is an operator of the given symbol.
func IsOperator(symbol string) bool {
	_, ok := operators[symbol]
	return ok
}

// Functions calls fn for every function, operator and cast of the catalogue, in no defined order.
func Functions(fn func(*Func)) {
	for _, table := range []map[string][]*Func{functions, operators} {
		for _, list := range table {
			for _, f := range list {
				fn(f)
			}
		}
	}
	for _, c := range casts {
		if c.fn != nil {
			fn(c.fn)
		}
	}
}

// Aggregates calls fn for every aggregate of the catalogue, in no defined order.
func Aggregates(fn func(*AggFunc)) {
	for _, list := range aggregates {
		for _, f := range list {
			fn(f)
		}
	}
}
