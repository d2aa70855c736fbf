package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

func (z *optimizer) unnest(r plan.Rel) (plan.Rel, error) { return r, nil }

func (z *optimizer) subplansIn(e expr.Expr) (expr.Expr, error) { return e, nil }

func (z *optimizer) orderJoins(r plan.Rel) plan.Rel { return r }
