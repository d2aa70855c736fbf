package expr

import (
	"github.com/laminadb/lamina/types"
)

// The intermediate representation: a program is a list of typed instructions, each of which fills one
// register from others. What must be evaluated for some rows only (branches of CASE, what follows in AND
// once a row is decided) stands in blocks inside an instruction; a block numbers its rows from 0, so no
// instruction ever sees a selection. Registers of the enclosing block enter a block through opOuter,
// which compacts them.
//
//	CASE WHEN y <> 0 THEN x / y END        r0 = column x
//	                                       r1 = column y
//	                                       r3 = r1 <> r2             (r2: constant 0)
//	                                       r7 = case r3: {
//	                                                r4 = outer r0
//	                                                r5 = outer r1
//	                                                r6 = r4 / r5
//	                                            } else r8            (r8: constant NULL)
//
// Equal instructions are emitted once per block, unless they are volatile.

// opcode says what an instruction does.
type opcode uint8

const (
	opColumn    opcode = iota // input column n
	opConstExpr               // expr, which has no columns: one value for an execution
	opOuter                   // register n of the enclosing block
	opCall                    // fn(args…)
	opAnd                     // of arms' values
	opOr
	opNot
	opIsNull   // negated: IS NOT NULL
	opBoolTest // IS [NOT] value
	opDistinct
	opCase
	opCoalesce // of arms' values
	opIn       // args[0] in list
)

// instr is one instruction. It fills register reg.
type instr struct {
	op      opcode
	negated bool
	value   bool
	reg     int
	n       int
	typ     types.Type
	fn      *Func // of a call; the equality of opDistinct and opIn
	args    []int
	arms    []arm
	list    []Expr // of opIn: constants and parameters
	expr    Expr   // the source
}

// arm is a branch of opCase, or an operand of opAnd, opOr and opCoalesce (value only).
type arm struct {
	cond, value operand
}

// operand is a register of the instruction's own block, or the result of a block that is run for the rows
// that need it.
type operand struct {
	reg int
	blk *block // nil: reg of the own block
}

// block is a list of instructions over one numbering of rows.
type block struct {
	id   int // in Program.blocks
	code []instr
}

// constant is a register that is filled before the first row.
type constant struct {
	reg   int
	typ   types.Type
	value types.Datum
}

// IsNone reports whether the operand is absent.
func (o operand) none() bool { return o.blk == nil && o.reg < 0 }
