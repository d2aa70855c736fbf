package exec

import "github.com/laminadb/lamina/query/plan"

func (q *Query) setOp(n *plan.SetOp) (*flow, error)       { return nil, nil }
func (q *Query) lockRows(n *plan.LockRows) (*flow, error) { return nil, nil }
