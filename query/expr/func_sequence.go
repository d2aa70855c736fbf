package expr

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// SequenceOp is a function of sequences.
type SequenceOp uint8

// The functions.
const (
	NextVal SequenceOp = iota
	CurrVal
	LastVal
	SetVal
)

// SequenceCall is a call of one of them: the sequence is given by its OID, or by a name as text.
type SequenceCall struct {
	Op     SequenceOp
	ID     uint32
	Name   string
	Value  int64 // of setval
	Called bool
}

// sequenceFunctions take values of sequences; the binder turns names that it can read into OIDs.
var sequenceFunctions = []entry{
	{"nextval(oid) int8", 1574, volatile, sequenceFunc(NextVal), kernelNone},
	{"nextval(text) int8", 1574, volatile, sequenceFunc(NextVal), kernelNone},
	{"currval(oid) int8", 1575, volatile, sequenceFunc(CurrVal), kernelNone},
	{"currval(text) int8", 1575, volatile, sequenceFunc(CurrVal), kernelNone},
	{"lastval() int8", 2559, volatile, sequenceFunc(LastVal), kernelNone},
	{"setval(oid,int8) int8", 1576, volatile, sequenceFunc(SetVal), kernelNone},
	{"setval(text,int8) int8", 1576, volatile, sequenceFunc(SetVal), kernelNone},
	{"setval(oid,int8,bool) int8", 1765, volatile, sequenceFunc(SetVal), kernelNone},
	{"setval(text,int8,bool) int8", 1765, volatile, sequenceFunc(SetVal), kernelNone},
}

// IsSequenceFunction reports whether a function's first argument is a sequence.
func IsSequenceFunction(name string) bool {
	return name == "nextval" || name == "currval" || name == "setval"
}

// UsesSequence reports whether an expression takes values of sequences: its rows must be computed one after the other.
func UsesSequence(e Expr) bool {
	uses := false
	Walk(e, func(e Expr) bool {
		if c, ok := e.(*Call); ok {
			uses = uses || c.Func.Syntax == SyntaxCall && (IsSequenceFunction(c.Func.Name) || c.Func.Name == "lastval")
		}
		return !uses
	})
	return uses
}

func sequenceFunc(op SequenceOp) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		if ctx == nil || ctx.Sequence == nil {
			return types.Datum{}, sqlerr.Unsupported("a sequence outside of a session")
		}
		c := SequenceCall{Op: op, Called: true}
		if len(args) > 0 && args[0].K == types.OID {
			c.ID = uint32(args[0].I)
		} else if len(args) > 0 {
			c.Name = args[0].S
		}
		if len(args) > 1 {
			c.Value = args[1].I
		}
		if len(args) > 2 {
			c.Called = args[2].Bool()
		}
		v, err := ctx.Sequence(c)
		return types.NewInt(types.Int8, v), err
	}
}
