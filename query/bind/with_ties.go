package bind

import (
	"math"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// tiesCount checks the row count of FETCH FIRST … WITH TIES.
var tiesCount = &expr.Func{
	Name: "fetch_count", Args: []types.Kind{types.Int8}, Ret: types.Int8, CanFail: true,
	Scalar: func(_ *expr.Context, args []types.Datum) (types.Datum, error) {
		switch n := args[0]; {
		case n.IsNull():
			return types.NewInt(types.Int8, math.MaxInt64), nil // no limit
		case n.I < 0:
			return n, sqlerr.New(sqlerr.InvalidRowCountInLimit, "LIMIT must not be negative")
		}
		return args[0], nil
	},
}

// withTies is FETCH FIRST count ROWS WITH TIES: of the rows in order those whose rank is at most offset + count, so that
// equal ones stay together, without the first offset rows.
func (s *scope) withTies(q *ast.Query, r query, count, offset expr.Expr) (query, error) {
	sort, ok := r.rel.(*plan.RelSort)
	if len(q.Locks) > 0 || !ok || count == nil {
		return query{}, sqlerr.Unsupported("WITH TIES here").At(q.Limit.Pos())
	}
	if l, ok := q.Limit.(*ast.Literal); ok && l.Kind == ast.NullLiteral {
		return query{}, sqlerr.New(sqlerr.InvalidRowCountInLimit, "row count cannot be null in FETCH FIRST ... WITH TIES clause")
	}
	rank, err := expr.NewWindow("rank", 0, nil, nil)
	if err != nil {
		return query{}, err
	}
	rank.Frame.End.Kind = expr.CurrentRow
	for _, k := range sort.Keys {
		rank.Order, rank.Desc, rank.NullsFirst = append(rank.Order, k.Expr), append(rank.Desc, k.Desc), append(rank.NullsFirst, k.NullsFirst)
	}
	col := s.g.newCol("rank", rank.Typ)
	cond, err := tiesCondition(col.Ref(), count, offset)
	if err != nil {
		return query{}, err
	}
	rel := plan.Rel(&plan.RelWindow{Input: sort.Input, Funcs: []*expr.Window{rank}, Out: []plan.Col{col}})
	rel = &plan.RelSort{Input: &plan.RelFilter{Input: rel, Cond: cond}, Keys: sort.Keys}
	if offset != nil {
		rel = &plan.RelLimit{Input: rel, Offset: offset}
	}
	r.rel = rel
	return r, nil
}

// tiesCondition is rank - offset <= count AND count > 0.
func tiesCondition(rank, count, offset expr.Expr) (expr.Expr, error) {
	int8Type := types.T(types.Int8)
	zero := expr.NewConst(types.NewInt(types.Int8, 0), int8Type, 0)
	count = &expr.Call{Node: expr.Node{Typ: int8Type, At: count.Pos()}, Func: tiesCount, Args: []expr.Expr{count}}
	if offset != nil {
		skipped, err := expr.NewCoalesce(0, offset, zero)
		if err != nil {
			return nil, err
		}
		if rank, err = expr.NewOp("-", 0, rank, skipped); err != nil {
			return nil, err
		}
	}
	some, err := expr.NewOp(">", 0, count, zero)
	if err != nil {
		return nil, err
	}
	within, err := expr.NewOp("<=", 0, rank, count)
	if err != nil {
		return nil, err
	}
	return expr.NewAnd(0, some, within)
}
