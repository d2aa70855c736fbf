package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// depthMax bounds the nesting of operators.
const depthMax = 10000

// flowOf makes the flow of a node's rows; pipelines that must run before it are added to the query.
func (q *Query) flowOf(n plan.Node) (*flow, error) {
	if q.depth++; q.depth > depthMax {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "the plan is nested too deeply")
	}
	defer func() { q.depth-- }()
	f, err := q.flowOfNode(n)
	if err == nil && q.env.DebugForms {
		f.pipe(q.reencoder())
	}
	return f, err
}

func (q *Query) flowOfNode(n plan.Node) (*flow, error) {
	switch n := n.(type) {
	case *plan.Scan:
		return q.scan(n)
	case *plan.Values:
		return q.values(n)
	case *plan.Filter:
		return q.filter(n)
	case *plan.Project:
		return q.project(n)
	case *plan.Join:
		return q.join(n)
	case *plan.Apply:
		return q.apply(n)
	case *plan.Window:
		return q.window(n)
	case *plan.Recursive:
		return q.recursive(n)
	case *plan.Held:
		return q.held(n)
	case *plan.Working:
		return q.working(n)
	case *plan.Shared:
		return q.shared(n)
	case *plan.Aggregate:
		return q.aggregate(n)
	case *plan.Sort:
		return q.sort(n)
	case *plan.Limit:
		return q.limit(n)
	case *plan.Append:
		return q.appendAll(n)
	case *plan.SetOp:
		return q.setOp(n)
	case *plan.LockRows:
		return q.lockRows(n)
	case *plan.Unique:
		return q.unique(n)
	case *plan.Fetch:
		return q.fetch(n)
	case *plan.Series:
		return q.series(n)
	}
	return nil, sqlerr.Newf(sqlerr.InternalError, "no executor for plan operator %T", n)
}

// appendAll runs the inputs one after the other.
func (q *Query) appendAll(n *plan.Append) (*flow, error) {
	out := &flow{}
	for _, in := range n.All {
		f, err := q.flowOf(in)
		if err != nil {
			return nil, err
		}
		out.branches = append(out.branches, f.branches...)
		out.serial = out.serial || f.serial
	}
	return out, nil
}

// constantOf evaluates an expression without columns.
func (q *Query) constantOf(e expr.Expr) (types.Datum, error) { return expr.EvalRow(q.env.Expr, e, nil) }

// noValue is the validity bitmap of one NULL, and zeros to point at.
var noValue [8]uint64

// nullVector is a NULL constant: it stands for columns that nobody reads.
func nullVector(t types.Type) vec.Vector {
	s := typeSlot(t)
	v := vec.Vector{
		Type: t, Form: vec.Const, Width: s.width, Base: s.base, Scale: s.scale, N: 1,
		Data: unsafe.Pointer(&noValue), Valid: noValue[:1], NullBit: -1,
	}
	return v
}
