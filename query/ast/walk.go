package ast

// Walk calls fn for e and the expressions below it, parents first. It does not look into subqueries.
func Walk(e Expr, fn func(Expr)) {
	if e == nil {
		return
	}
	fn(e)
	each := func(list ...Expr) {
		for _, e := range list {
			Walk(e, fn)
		}
	}
	switch e := e.(type) {
	case *Op:
		each(e.L, e.R)
	case *OpArray:
		each(e.L, e.R)
	case *And:
		each(e.Args...)
	case *Or:
		each(e.Args...)
	case *Not:
		each(e.Arg)
	case *IsNull:
		each(e.Arg)
	case *BoolTest:
		each(e.Arg)
	case *Distinct:
		each(e.L, e.R)
	case *NullIf:
		each(e.L, e.R)
	case *In:
		each(e.Arg)
		each(e.List...)
	case *Like:
		each(e.Arg, e.Pattern, e.Escape)
	case *Between:
		each(e.Arg, e.Lo, e.Hi)
	case *Case:
		each(e.Arg)
		for _, w := range e.Whens {
			each(w.Cond, w.Result)
		}
		each(e.Else)
	case *Coalesce:
		each(e.Args...)
	case *MinMax:
		each(e.Args...)
	case *Call:
		each(e.Args...)
		each(e.Filter)
	case *Cast:
		each(e.Arg)
	case *Subquery:
		each(e.Arg)
	case *Row:
		each(e.Args...)
	case *Array:
		each(e.Items...)
	case *Collate:
		each(e.Arg)
	}
}
