package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// buildLocked builds a query with FOR UPDATE or the like: rows are locked in the query's order, before
// the select list is computed from them.
//
//	FROM ▶ WHERE ▶ sort keys ▶ sort ▶ lock ▶ select list ▶ LIMIT
func (b *selection) buildLocked() (query, error) {
	strength := b.q.Locks[0].Strength
	for _, f := range []struct {
		bad  bool
		what string
	}{
		{b.sel.Distinct || len(b.on) > 0, "DISTINCT clause"},
		{len(b.sets) > 0, "GROUP BY clause"},
		{b.having != nil, "HAVING clause"},
		{b.hasAggregation(), "aggregate functions"},
		{b.hasWindows(), "window functions"},
		{b.hasSeries(), "set-returning functions in the target list"},
	} {
		if f.bad {
			return query{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "%s is not allowed with %s", strength, f.what)
		}
	}
	lock := &plan.RelLock{}
	for _, l := range b.q.Locks {
		if err := b.lockItems(lock, l); err != nil {
			return query{}, err
		}
	}
	r := query{ordered: len(b.order) > 0}
	if r.ordered {
		b.sortForLock()
	}
	if len(lock.Items) > 0 {
		lock.Input = b.rel
		lock.Recheck, lock.Rerun = recheck(b.rel)
		b.rel = lock
	}
	b.projectTargets(nil)
	for _, t := range b.targets {
		if !t.hidden {
			r.out = append(r.out, t.col)
		}
	}
	r.rel = b.rel
	return r, nil
}

func (b *selection) hasAggregation() bool {
	_, ok := b.rel.(*plan.RelAggregate)
	return ok
}

// sortForLock sorts by the order items' own expressions, below the select list.
func (b *selection) sortForLock() {
	keys := make([]plan.SortKey, len(b.order))
	for i, o := range b.order {
		keys[i] = o.key
		keys[i].Expr = o.t.value
	}
	b.rel = &plan.RelSort{Input: b.rel, Keys: keys}
}

// lockItems adds the tables of one FOR … clause.
func (b *selection) lockItems(lock *plan.RelLock, l ast.Locking) error {
	if len(l.Of) == 0 {
		for _, it := range b.s.items {
			switch it.kind {
			case itemTable:
				if err := b.lockItem(lock, it, l); err != nil {
					return err
				}
			case itemSubquery:
				return sqlerr.Unsupported(l.Strength.String() + " of a subquery or view")
			}
		}
		return nil
	}
	for _, of := range l.Of {
		if of.Schema != "" || of.Catalog != "" {
			return sqlerr.Newf(sqlerr.SyntaxError, "%s must specify unqualified relation names", l.Strength).At(of.Pos())
		}
		found := false
		for _, it := range b.s.items {
			if it.name != of.Name || !it.nameVisible {
				continue
			}
			found = true
			if err := b.lockItem(lock, it, l); err != nil {
				return err
			}
		}
		if !found {
			return sqlerr.Newf(sqlerr.UndefinedTable, "relation \"%s\" in %s clause not found in FROM clause",
				of.Name, l.Strength).At(of.Pos())
		}
	}
	return nil
}

var unlockable = map[itemKind]string{
	itemJoin: "a join", itemFunction: "a function", itemCTE: "a WITH query", itemSystem: "a system catalog",
	itemSubquery: "a subquery or view",
}

// lockItem adds a table; of two locks of one table the stronger counts, and SKIP LOCKED over NOWAIT over
// waiting.
func (b *selection) lockItem(lock *plan.RelLock, it *item, l ast.Locking) error {
	if it.kind != itemTable {
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "%s cannot be applied to %s", l.Strength, unlockable[it.kind])
	}
	if it.nullable {
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "%s cannot be applied to the nullable side of an outer join", l.Strength)
	}
	mode := [...]table.RowLock{table.ForKeyShare, table.ForShare, table.ForNoKeyUpdate, table.ForUpdate}[l.Strength]
	wait := [...]table.Wait{table.WaitBlock, table.NoWait, table.SkipLocked}[l.Wait]
	for i := range lock.Items {
		if o := &lock.Items[i]; o.Scan == it.scan {
			o.Mode, o.Wait = max(o.Mode, mode), max(o.Wait, wait)
			return nil
		}
	}
	b.s.g.addRef(it.scan)
	lock.Items = append(lock.Items, plan.RelLockItem{Scan: it.scan, Mode: mode, Wait: wait})
	return nil
}

// recheck collects the conditions of a query's WHERE and inner joins that can be evaluated on a single
// row: those without subqueries. rerun tells that there are others.
func recheck(r plan.Rel) (cond expr.Expr, rerun bool) {
	var conds []expr.Expr
	var collect func(plan.Rel)
	collect = func(r plan.Rel) {
		var own expr.Expr
		switch r := r.(type) {
		case *plan.RelFilter:
			own = r.Cond
			collect(r.Input)
		case *plan.RelSort:
			collect(r.Input)
		case *plan.RelJoin:
			if r.Kind == plan.Inner {
				own = r.Cond
				collect(r.R)
			} else {
				rerun = true
			}
			collect(r.L)
		case *plan.RelApply:
			rerun = true
			collect(r.L)
		}
		if own != nil {
			conds = append(conds, own)
		}
	}
	collect(r)
	var kept []expr.Expr
	for _, c := range conds {
		parts := []expr.Expr{c}
		if a, ok := c.(*expr.And); ok {
			parts = a.Args
		}
		for _, p := range parts {
			if plan.HasSubquery(p) {
				rerun = true
			} else {
				kept = append(kept, p)
			}
		}
	}
	if len(kept) == 0 {
		return nil, rerun
	}
	cond, err := expr.NewAnd(0, kept...)
	if err != nil { // conditions are boolean already
		return nil, true
	}
	return cond, rerun
}
