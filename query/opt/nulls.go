package opt

import (
	"github.com/laminadb/lamina/query/expr"
)

// rejectedNulls returns the columns that cannot be NULL in a row for which all conditions are true.
func rejectedNulls(conds []expr.Expr) colSet {
	var s colSet
	for _, c := range conds {
		s.addAll(notNullIfTrue(c))
	}
	return s
}

// notNullIfTrue returns columns that are not NULL whenever a condition is true.
func notNullIfTrue(e expr.Expr) colSet {
	switch e := e.(type) {
	case *expr.And:
		return rejectedNulls(e.Args)
	case *expr.Or:
		s := notNullIfTrue(e.Args[0])
		for _, a := range e.Args[1:] {
			s = s.intersect(notNullIfTrue(a))
		}
		return s
	case *expr.Not:
		return notNullIfKnown(e.Arg)
	case *expr.IsNull:
		if e.Negated {
			return notNullIfKnown(e.Arg)
		}
		return nil
	case *expr.BoolTest:
		if e.Negated {
			return nil
		}
		if e.Value {
			return notNullIfTrue(e.Arg)
		}
		return notNullIfKnown(e.Arg)
	}
	return notNullIfKnown(e)
}

// notNullIfKnown returns columns that are not NULL whenever an expression is not NULL: those that strict
// functions take.
func notNullIfKnown(e expr.Expr) colSet {
	var s colSet
	switch e := e.(type) {
	case *expr.Column:
		s.add(e.ID)
	case *expr.Call:
		if e.Func.Strict {
			for _, a := range e.Args {
				s.addAll(notNullIfKnown(a))
			}
		}
	case *expr.Not:
		return notNullIfKnown(e.Arg)
	case *expr.In:
		return notNullIfKnown(e.Arg)
	}
	return s
}

// neverNull reports whether an expression over columns of which some are never NULL is never NULL.
func neverNull(e expr.Expr, notNull colSet) bool {
	switch e := e.(type) {
	case *expr.Column:
		return notNull.has(e.ID)
	case *expr.Const:
		return !e.Value.IsNull()
	case *expr.IsNull, *expr.BoolTest, *expr.Distinct:
		return true
	case *expr.Call:
		// Strict functions may still return NULL (nullif is not strict, regexp_match is); comparisons
		// and arithmetic do not.
		if _, _, ok := expr.Comparison(e.Func); !ok && !arithmetic[e.Func.Name] || !e.Func.Strict {
			return false
		}
		return allNeverNull(e.Args, notNull)
	case *expr.And:
		return allNeverNull(e.Args, notNull)
	case *expr.Or:
		return allNeverNull(e.Args, notNull)
	case *expr.Not:
		return neverNull(e.Arg, notNull)
	case *expr.Coalesce:
		for _, a := range e.Args {
			if neverNull(a, notNull) {
				return true
			}
		}
	case *expr.Case:
		for _, w := range e.Whens {
			if !neverNull(w.Result, notNull) {
				return false
			}
		}
		return neverNull(e.Else, notNull)
	case *expr.In:
		return neverNull(e.Arg, notNull) && allNeverNull(e.List, notNull)
	}
	return false
}

var arithmetic = map[string]bool{"+": true, "-": true, "*": true, "/": true, "%": true}

func allNeverNull(list []expr.Expr, notNull colSet) bool {
	for _, e := range list {
		if !neverNull(e, notNull) {
			return false
		}
	}
	return true
}
