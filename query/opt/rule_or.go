package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

func factorOr(_ *optimizer, r plan.Rel) plan.Rel {
	return onConditions(r, func(e expr.Expr) expr.Expr {
		var out []expr.Expr
		changed := false
		for _, c := range conjuncts(e) {
			f := factored(c)
			changed = changed || len(f) != 1 || f[0] != c
			out = append(out, f...)
		}
		if !changed {
			return e
		}
		return and(out...)
	})
}

// factored returns conditions whose conjunction is c: what all branches of an OR have in common, and the
// OR of the rest.
func factored(c expr.Expr) []expr.Expr {
	branches := disjuncts(c)
	if len(branches) < 2 || plan.VolatileExpr(c) {
		return []expr.Expr{c}
	}
	var common []expr.Expr
	for _, x := range conjuncts(branches[0]) {
		everywhere := true
		for _, b := range branches[1:] {
			everywhere = everywhere && containsExpr(conjuncts(b), x)
		}
		if everywhere && !containsExpr(common, x) {
			common = append(common, x)
		}
	}
	if len(common) == 0 {
		return []expr.Expr{c}
	}
	var rest []expr.Expr
	for _, b := range branches {
		var own []expr.Expr
		for _, x := range conjuncts(b) {
			if !containsExpr(common, x) {
				own = append(own, x)
			}
		}
		if len(own) == 0 {
			return common // this branch is what is common: it implies the others
		}
		rest = append(rest, and(own...))
	}
	return append(common, or(rest))
}

func deriveFromOr(z *optimizer, r plan.Rel) plan.Rel {
	if j, ok := r.(*plan.RelJoin); ok && j.Kind != plan.Inner && j.Kind != plan.Semi {
		return r
	}
	return onConditions(r, func(e expr.Expr) expr.Expr {
		var derived []expr.Expr
		for _, c := range conjuncts(e) {
			for _, d := range z.perTable(c) {
				if z.once("or "+plan.ExprString(d)) && !containsExpr(conjuncts(e), d) {
					derived = append(derived, d)
					key := plan.ExprString(c)
					z.implied[key] = append(z.implied[key], d)
				}
			}
		}
		if len(derived) == 0 {
			return e
		}
		return and(append([]expr.Expr{e}, derived...)...)
	})
}

// perTable returns, for each table that every branch of an OR restricts, the OR of those restrictions.
func (z *optimizer) perTable(c expr.Expr) []expr.Expr {
	branches := disjuncts(c)
	if len(branches) < 2 {
		return nil
	}
	tables := z.tablesOf(c)
	if len(tables) < 2 {
		return nil
	}
	var out []expr.Expr
	for _, t := range tables {
		var parts []expr.Expr
		for _, b := range branches {
			var own []expr.Expr
			for _, x := range conjuncts(b) {
				if cols := exprCols(x); !cols.empty() && cols.subsetOf(t) && movable(x) {
					own = append(own, x)
				}
			}
			if len(own) == 0 {
				break
			}
			parts = append(parts, and(own...))
		}
		if len(parts) < len(branches) {
			continue
		}
		d := or(parts)
		if o, ok := d.(*expr.Or); ok {
			d = orToIn(o)
		}
		out = append(out, d)
	}
	return out
}

// tablesOf returns the column sets of the tables that an expression names, in order of appearance.
func (z *optimizer) tablesOf(e expr.Expr) []colSet {
	var out []colSet
	seen := map[*plan.RelScan]bool{}
	expr.Walk(e, func(e expr.Expr) bool {
		if c, ok := column(e); ok {
			if s := z.scanOf[c.ID]; s != nil && !seen[s] {
				seen[s] = true
				out = append(out, colsOf(s.Out))
			}
		}
		return true
	})
	return out
}

// once reports whether a derivation is made for the first time: what is derived moves through the plan, and
// must not be derived again where it can no longer be seen.
func (z *optimizer) once(key string) bool {
	if z.derived[key] {
		return false
	}
	z.derived[key] = true
	return true
}
