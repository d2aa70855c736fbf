package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// inferConstants derives comparisons with constants through equal columns, for a filter or join and
// everything below it that must hold for its rows.
func inferConstants(z *optimizer, r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelFilter:
		if d := z.infer(trueConds(r), trueConds(r)); len(d) > 0 {
			return filter(r, d...)
		}
	case *plan.RelJoin:
		switch r.Kind {
		case plan.Inner:
			if d := z.infer(trueConds(r), trueConds(r)); len(d) > 0 {
				return &plan.RelJoin{Kind: r.Kind, L: r.L, R: r.R, Cond: and(append([]expr.Expr{r.Cond}, d...)...)}
			}
		case plan.Left, plan.Semi, plan.Anti, plan.Single:
			return z.inferForRight(r)
		}
	}
	return r
}

// inferForRight: what holds for the left rows of a join holds for the right rows that they match.
func (z *optimizer) inferForRight(r *plan.RelJoin) plan.Rel {
	left := trueConds(r.L)
	if len(left) == 0 || r.Cond == nil {
		return r
	}
	rc := relCols(r.R)
	var own []expr.Expr
	for _, d := range z.infer(append(conjuncts(r.Cond), left...), append(conjuncts(r.Cond), trueConds(r.R)...)) {
		if exprCols(d).subsetOf(rc) {
			own = append(own, d)
		}
	}
	if len(own) == 0 {
		return r
	}
	return &plan.RelJoin{Kind: r.Kind, L: r.L, R: r.R, Cond: and(append([]expr.Expr{r.Cond}, own...)...)}
}

// trueConds returns conditions that are true of every row of an operator, looking through filters and
// inner joins.
func trueConds(r plan.Rel) []expr.Expr {
	switch r := r.(type) {
	case *plan.RelFilter:
		return append(conjuncts(r.Cond), trueConds(r.Input)...)
	case *plan.RelJoin:
		switch r.Kind {
		case plan.Inner:
			out := conjuncts(r.Cond)
			out = append(out, trueConds(r.L)...)
			return append(out, trueConds(r.R)...)
		case plan.Left, plan.Semi, plan.Anti, plan.AntiNull, plan.Mark, plan.Single:
			return trueConds(r.L)
		}
	}
	return nil
}

// infer returns comparisons of columns with constants that follow from conds and are not among known.
func (z *optimizer) infer(conds, known []expr.Expr) []expr.Expr {
	classes := equalColumns(conds)
	if len(classes) == 0 {
		return nil
	}
	have := setOf(known)
	var out []expr.Expr
	for _, c := range conds {
		id, ok := comparedColumn(c)
		if !ok || !movable(c) {
			continue
		}
		for _, class := range classes {
			if class[id] == nil {
				continue
			}
			for _, ref := range sortedColumns(class) {
				if ref.ID == id {
					continue
				}
				d := substitute(c, map[int]expr.Expr{id: ref})
				if !have.has(d) && z.once("infer "+plan.ExprString(d)) {
					have.add(d)
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// comparedColumn returns the column of a comparison with a constant, or of IN a list of constants.
func comparedColumn(e expr.Expr) (int, bool) {
	if in, ok := e.(*expr.In); ok {
		c, isCol := column(in.Arg)
		if !isCol || !exprsCols(in.List).empty() {
			return 0, false
		}
		return c.ID, true
	}
	call, ok := e.(*expr.Call)
	if !ok || len(call.Args) != 2 {
		return 0, false
	}
	if _, _, ok := expr.Comparison(call.Func); !ok {
		return 0, false
	}
	for i, a := range call.Args {
		if c, ok := column(a); ok && exprCols(call.Args[1-i]).empty() {
			return c.ID, true
		}
	}
	return 0, false
}

// equalColumns returns the classes of columns that conditions make equal. Columns of a class have one
// type, so that each can stand for another in a comparison.
func equalColumns(conds []expr.Expr) []map[int]*expr.Column {
	var classes []map[int]*expr.Column
	for _, c := range conds {
		l, r, ok := equality(c)
		if !ok {
			continue
		}
		a, ok1 := column(l)
		b, ok2 := column(r)
		if !ok1 || !ok2 || a.ID == b.ID || a.Typ.Kind != b.Typ.Kind {
			continue
		}
		merged := map[int]*expr.Column{a.ID: a, b.ID: b}
		kept := classes[:0]
		for _, k := range classes {
			if k[a.ID] == nil && k[b.ID] == nil {
				kept = append(kept, k)
				continue
			}
			for id, col := range k {
				merged[id] = col
			}
		}
		classes = append(kept, merged)
	}
	return classes
}

// sortedColumns returns the columns of a class by ID.
func sortedColumns(class map[int]*expr.Column) []*expr.Column {
	var ids colSet
	for id := range class {
		ids.add(id)
	}
	var out []*expr.Column
	ids.each(func(id int) { out = append(out, class[id]) })
	return out
}
