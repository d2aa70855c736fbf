package expr

import (
	"time"

	"github.com/laminadb/lamina/types"
)

// Volatility is PostgreSQL's: what a function's result may depend on besides its arguments.
type Volatility uint8

// Immutable: nothing. Stable: fixed within a statement. Volatile: may differ at every call.
const (
	Immutable Volatility = iota
	Stable
	Volatile
)

// Syntax is how a call of a function is written.
type Syntax uint8

// The notations.
const (
	SyntaxCall     Syntax = iota // name(args)
	SyntaxOperator               // a name b, or name a
	SyntaxCast                   // a::type
)

// AnyKind in Func.Args accepts an argument of every type.
const AnyKind types.Kind = 0xff

// Func is a function, operator or cast of the catalogue: one signature, one scalar implementation.
type Func struct {
	OID    uint32 // of pg_proc; 0 for internal functions
	Name   string // the operator's symbol for SyntaxOperator
	Syntax Syntax
	Args   []types.Kind
	// Variadic: the last argument kind repeats.
	Variadic   bool
	Ret        types.Kind
	Volatility Volatility
	// Strict functions return NULL if an argument is NULL, without being called.
	Strict bool
	// CanFail is false only if no argument values make the function fail.
	CanFail bool
	// RetMod derives the result's typmod from the argument types; nil: -1.
	RetMod func(args []types.Type) int32
	// Scalar computes the function on one row. args are of the declared kinds. It keeps neither
	// args nor their strings.
	Scalar func(ctx *Context, args []types.Datum) (types.Datum, error)
	// Kernel names the family of vector kernels, see the vector evaluator; 0: the adapter.
	Kernel KernelID
}

// AggFunc is an aggregate function of the catalogue.
type AggFunc struct {
	OID  uint32
	Name string
	Args []types.Kind
	Ret  types.Kind
	// Op names the state machine that the executor runs.
	Op AggOp
}

// AggOp is the state machine of an aggregate.
type AggOp uint8

// The aggregates' state machines. Sum and Avg depend on the argument's class: integers sum to int8 or
// numeric, numeric keeps its scale, floats add in morsel order.
const (
	AggCountStar AggOp = iota + 1
	AggCount
	AggSum
	AggAvg
	AggMin
	AggMax
	AggBoolAnd
	AggBoolOr
	AggStringAgg
	AggStddevSamp
	AggStddevPop
	AggVarSamp
	AggVarPop
	AggAnyValue
	AggBitAnd
	AggBitOr
	AggBitXor
	// Of pairs (Y, X): covariance, correlation, linear regression. All need the same sums.
	AggRegrSXX
	AggRegrSYY
	AggRegrSXY
	AggRegrAvgX
	AggRegrAvgY
	AggRegrR2
	AggRegrSlope
	AggRegrIntercept
	AggCovarPop
	AggCovarSamp
	AggCorr
	// Of values that order as integers do, with a fraction that is the same in all rows of a group: what stands there in
	// their order, or in the other direction. The fraction is checked by who plans them.
	AggPercentileCont
	AggPercentileContDesc
	AggPercentileDisc
	AggPercentileDiscDesc
)

// KernelID is a family of vector kernels.
type KernelID uint16

// Context is what a statement fixes for its expressions.
type Context struct {
	// Now is the transaction's start, StatementTime the statement's.
	Now, StatementTime time.Time
	Location           *time.Location // session time zone; nil: UTC
	// Text is how the session shows values; nil: the defaults in its time zone. Reading follows its
	// date order and interval style.
	Text   *types.TextOptions
	Params []types.Datum
	// Deferred are expressions that stand for parameters, by number; their values in Params are not to be used.
	Deferred map[int]Expr
	// Setting looks a run-time setting up.
	Setting func(name string) (string, bool)
	// SetSetting changes a run-time setting and returns its new value (set_config); nil: 0A000.
	SetSetting func(name, value string, local bool) (string, error)
	// Session answers session functions: current_user, current_database, version, ….
	Session func(name string) (types.Datum, bool)
	// Blocked says whether the session with a number waits for a lock of one of the others; nil: 0A000.
	Blocked func(session uint32, by []uint32) bool
	// Catalog answers functions that ask the system catalogs, such as pg_get_indexdef; nil: 0A000.
	Catalog func(function string, args []types.Datum) (types.Datum, error)
	// Reg reads the name of an object as a value of a kind such as regclass; nil: only numbers are read.
	Reg func(k types.Kind, text string) (types.Datum, error)
	// Sequence runs a function of sequences; nil: 0A000.
	Sequence func(SequenceCall) (int64, error)
	// RowByRow makes vector evaluators run the row interpreter: for tests, which compare the two.
	RowByRow bool
}
