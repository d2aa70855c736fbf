package opt

import "github.com/laminadb/lamina/query/plan"

func (z *optimizer) orderJoins(r plan.Rel) plan.Rel { return r }
