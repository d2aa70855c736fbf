package query

import "github.com/laminadb/lamina/query/plan"

// NotNull reports whether a column has no NULLs for certain: a NOT NULL column of a table, unchanged, where no outer
// join can have made NULLs of it.
func (r *Summary) NotNull(col int) bool {
	if r.plan == nil || col >= len(r.Columns) || r.Columns[col].Attribute <= 0 {
		return false
	}
	c := &r.Columns[col]
	for _, def := range r.plan.Tables {
		if def.ID == c.Table && c.Attribute <= len(def.Columns) {
			return def.Columns[c.Attribute-1].NotNull && (r.plan.Modify != nil || keepsNotNull(r.plan.Root))
		}
	}
	return false
}

// keepsNotNull reports whether the columns that come from tables have no NULLs but the tables' own.
func keepsNotNull(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Scan:
		return true
	case *plan.Filter:
		return keepsNotNull(n.Input)
	case *plan.Project:
		return keepsNotNull(n.Input)
	case *plan.Sort:
		return keepsNotNull(n.Input)
	case *plan.Limit:
		return keepsNotNull(n.Input)
	case *plan.Fetch:
		return keepsNotNull(n.Input)
	case *plan.LockRows:
		return keepsNotNull(n.Input)
	case *plan.Join:
		switch n.Kind {
		case plan.Inner:
			return keepsNotNull(n.Left) && keepsNotNull(n.Right)
		case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
			return keepsNotNull(n.Left)
		case plan.RightSemi, plan.RightAnti:
			return keepsNotNull(n.Right)
		}
	}
	return false
}
