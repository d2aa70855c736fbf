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
		if e.WithinGroup {
			for _, o := range e.OrderBy {
				each(o.Expr)
			}
		}
		if w := e.Over; w != nil {
			each(w.PartitionBy...)
			for _, o := range w.OrderBy {
				each(o.Expr)
			}
			each(w.Frame.Start.Offset, w.Frame.End.Offset)
		}
	case *Cast:
		each(e.Arg)
	case *Subquery:
		each(e.Arg)
	case *Grouping:
		each(e.Args...)
	case *Row:
		each(e.Args...)
	case *Array:
		each(e.Items...)
	case *Collate:
		each(e.Arg)
	case *Subscript:
		each(e.Arg, e.Index)
	}
}

// Start returns the position where an expression begins: that of its first operand, where the expression's
// own position is that of its operator.
func Start(e Expr) int {
	at := e.Pos()
	for {
		var first Expr
		switch x := e.(type) {
		case *Op:
			first = x.L
		case *OpArray:
			first = x.L
		case *And:
			first = x.Args[0]
		case *Or:
			first = x.Args[0]
		case *IsNull:
			first = x.Arg
		case *BoolTest:
			first = x.Arg
		case *Distinct:
			first = x.L
		case *In:
			first = x.Arg
		case *Like:
			first = x.Arg
		case *Between:
			first = x.Arg
		case *Cast:
			first = x.Arg
		case *Collate:
			first = x.Arg
		case *Subscript:
			first = x.Arg
		}
		if first == nil {
			return at
		}
		if p := first.Pos(); p > 0 && (p < at || at == 0) {
			at = p
		}
		e = first
	}
}
