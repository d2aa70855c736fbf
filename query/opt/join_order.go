package opt

import (
	"math"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// joinPairsMax bounds the pairs of inputs that dynamic programming looks at; beyond it the order is found
// greedily.
const joinPairsMax = 10000

// joinsOrdered is orderJoins, and tells if that has changed the plan.
func (z *optimizer) joinsOrdered(r plan.Rel) plan.Rel {
	n := z.orderJoins(r)
	if z.o.Trace != nil && plan.FormatRel(n) != plan.FormatRel(r) {
		z.fired(RuleOrderJoins, n)
	}
	return n
}

// orderJoins reorders each region of joins by estimated cost. What is below a region that stays as it is, is asked
// for again: each operator is looked at once.
func (z *optimizer) orderJoins(r plan.Rel) plan.Rel {
	if n, ok := z.ordered[r]; ok {
		return n
	}
	if z.interrupted() != nil {
		return r
	}
	n := z.orderRegion(r)
	if z.ordered == nil {
		z.ordered = map[plan.Rel]plan.Rel{}
	}
	z.ordered[r] = n
	return n
}

func (z *optimizer) orderRegion(r plan.Rel) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok || !reorderable(j.Kind) {
		return plan.MapRels(r, z.orderJoins)
	}
	g := z.newJoinGraph(j)
	if !g.ok {
		return plan.MapRels(r, z.orderJoins)
	}
	o := &joinOrder{g: g, best: map[relSet]*joinPlan{}}
	p := o.solve()
	if p == nil {
		return plan.MapRels(r, z.orderJoins)
	}
	return o.build(p)
}

// joinPlan is the cheapest way found to join a set of inputs.
type joinPlan struct {
	set  relSet
	info *info
	cols colSet
	cost float64
	// applied are the operators in it.
	applied uint64
	rel     plan.Rel // of one input
	l, r    *joinPlan
	kind    plan.JoinKind
	conds   []expr.Expr
	after   []expr.Expr // conditions applied above the join
}

// joinOrder is a search for the cheapest order.
type joinOrder struct {
	g     *joinGraph
	best  map[relSet]*joinPlan
	edges []relSet // neighbours of each input
	pairs int
	// counting: the pairs are only counted.
	counting bool
}

func (o *joinOrder) solve() *joinPlan {
	n := len(o.g.rels)
	for i, r := range o.g.rels {
		o.best[1<<i] = &joinPlan{set: 1 << i, rel: r, info: o.g.z.infoOf(r), cols: o.g.cols[i]}
	}
	o.connect()
	all := relSet(1)<<n - 1
	if n == graphRelsMax {
		all = ^relSet(0)
	}
	o.counting = true
	o.enumerate(n)
	o.counting = false
	var p *joinPlan
	if o.pairs <= joinPairsMax && o.g.z.interrupted() == nil {
		o.pairs = 0
		o.enumerate(n)
		p = o.best[all]
	}
	if p == nil {
		p = o.greedy()
	}
	if p == nil || p.set != all || p.applied != o.allOps() {
		return nil
	}
	return p
}

func (o *joinOrder) allOps() uint64 {
	n := len(o.g.ops)
	if n == 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// connect makes the graph that guides the enumeration: the inputs of an operator or class are neighbours.
func (o *joinOrder) connect() {
	o.edges = make([]relSet, len(o.g.rels))
	link := func(s relSet) {
		for i := range o.edges {
			if s.has(i) {
				o.edges[i] |= s &^ (1 << i)
			}
		}
	}
	for _, op := range o.g.ops {
		link(op.ses)
	}
	for _, k := range o.g.classes {
		link(k.rels)
	}
}

func (o *joinOrder) neighbours(s relSet) relSet {
	var n relSet
	for i := range o.edges {
		if s.has(i) {
			n |= o.edges[i]
		}
	}
	return n &^ s
}

// enumerate looks at all pairs of connected sets that are connected with each other, smaller sets first
// (DPccp of G. Moerkotte, T. Neumann, 2006).
func (o *joinOrder) enumerate(n int) {
	for i := n - 1; i >= 0; i-- {
		s := relSet(1) << i
		o.partners(s)
		o.grow(s, below(i))
	}
}

// below is the set of inputs up to i.
func below(i int) relSet { return relSet(2)<<i - 1 }

func (o *joinOrder) grow(s, exclude relSet) {
	n := o.neighbours(s) &^ exclude
	for sub := (-n) & n; sub != 0 && o.pairs <= joinPairsMax; sub = (sub - n) & n {
		o.partners(s | sub)
	}
	for sub := (-n) & n; sub != 0 && o.pairs <= joinPairsMax; sub = (sub - n) & n {
		o.grow(s|sub, exclude|n)
	}
}

// partners joins s with every connected set of inputs of higher numbers that it is connected with.
func (o *joinOrder) partners(s relSet) {
	exclude := s | below(s.first())
	n := o.neighbours(s) &^ exclude
	for i := len(o.edges) - 1; i >= 0; i-- {
		if !n.has(i) {
			continue
		}
		o.pair(s, 1<<i)
		o.growPartner(s, 1<<i, exclude|below(i)&n)
	}
}

func (o *joinOrder) growPartner(s, p, exclude relSet) {
	n := o.neighbours(p) &^ exclude
	for sub := (-n) & n; sub != 0 && o.pairs <= joinPairsMax; sub = (sub - n) & n {
		if o.neighbours(s)&(p|sub) != 0 {
			o.pair(s, p|sub)
		}
	}
	for sub := (-n) & n; sub != 0 && o.pairs <= joinPairsMax; sub = (sub - n) & n {
		o.growPartner(s, p|sub, exclude|n)
	}
}

// pair keeps the cheaper of the best plan and the joins of two sets.
func (o *joinOrder) pair(a, b relSet) {
	if o.pairs++; o.counting {
		return
	}
	if o.g.z.interrupted() != nil {
		o.pairs = joinPairsMax + 1 // the end
		return
	}
	l, r := o.best[a], o.best[b]
	if l == nil || r == nil {
		return
	}
	for _, p := range []*joinPlan{o.join(l, r, false), o.join(r, l, false)} {
		if p == nil {
			continue
		}
		if old := o.best[p.set]; old == nil || p.cost < old.cost {
			o.best[p.set] = p
		}
	}
}

// join joins two plans by the operators that become possible; nil if none is, unless cross allows that.
func (o *joinOrder) join(l, r *joinPlan, cross bool) *joinPlan {
	p := &joinPlan{set: l.set | r.set, l: l, r: r, kind: plan.Inner, applied: l.applied | r.applied}
	outer := -1
	for i, op := range o.g.ops {
		if p.applied>>i&1 != 0 || !op.ses.subsetOf(p.set) || !allowed(op, p.set) {
			continue
		}
		switch {
		case op.kind == plan.Inner:
			p.applied |= 1 << i
			p.conds = append(p.conds, op.conds...)
		case op.left.subsetOf(l.set) && op.right.subsetOf(r.set):
			if outer >= 0 {
				return nil
			}
			outer = i
		case op.left.subsetOf(p.set) && op.right.subsetOf(p.set):
			return nil // the other way around, or too late
		}
	}
	for _, k := range o.g.classes {
		if c := o.g.between(k, l.set, r.set); c != nil {
			p.conds = append(p.conds, c)
		}
	}
	if outer >= 0 {
		op := o.g.ops[outer]
		p.kind, p.after, p.conds = op.kind, p.conds, op.conds
		p.applied |= 1 << outer
	} else if len(p.conds) == 0 && !(cross && o.mayCross(l, r)) {
		return nil
	}
	o.estimate(p)
	return p
}

// allowed checks the conflict rules of an operator.
func allowed(op *joinOp, s relSet) bool {
	for _, c := range op.rules {
		if c.when&s != 0 && !c.then.subsetOf(s) {
			return false
		}
	}
	return true
}

// mayCross reports whether two plans may be joined without condition: an input of the right side of an
// outer, semi or anti join meets inputs of outside only once that join is done.
func (o *joinOrder) mayCross(l, r *joinPlan) bool {
	s := l.set | r.set
	for _, n := range o.g.nodes {
		if n.kind == plan.Inner || s&n.right == 0 || s.subsetOf(n.right) {
			continue
		}
		if !n.right.subsetOf(l.set) && !n.right.subsetOf(r.set) || !o.joined(n, l) && !o.joined(n, r) {
			return false
		}
	}
	return true
}

// joined reports whether a plan contains a join.
func (o *joinOrder) joined(n *joinNode, p *joinPlan) bool {
	for i, op := range o.g.ops {
		if op.kind == n.kind && p.applied>>i&1 != 0 && op.right.subsetOf(n.right) && op.left.subsetOf(n.left) {
			return true
		}
	}
	return false
}

// Costs of a row, relative to each other.
const (
	costProbe  = 1.0
	costBuild  = 2.0
	costOutput = 1.0
	costPair   = 0.2 // of a nested loop
)

// estimate fills in the size and the cost of a join.
func (o *joinOrder) estimate(p *joinPlan) {
	z := o.g.z
	p.info = z.joinOf(p.kind, p.l.info, p.r.info, p.l.cols, p.r.cols, p.conds, plan.Col{})
	p.cols = p.l.cols
	if p.kind == plan.Inner || p.kind == plan.Left {
		p.cols = union(p.l.cols, p.r.cols)
	}
	for _, c := range p.after {
		p.info.rows *= clamp(z.fraction(c, p.info))
	}
	l, r := p.l.info.rows, p.r.info.rows
	keyed := false
	for _, c := range p.conds {
		keyed = keyed || isJoinKey(c, p.l.cols, p.r.cols)
	}
	own := l*costProbe + r*costBuild
	switch {
	case !keyed:
		own = l*r*costPair + r*costBuild
	case p.kind == plan.Inner:
		own = math.Max(l, r)*costProbe + math.Min(l, r)*costBuild
	}
	p.cost = p.l.cost + p.r.cost + own + p.info.rows*costOutput
}

// greedy joins, again and again, the two plans with the smallest result; those without a condition last.
func (o *joinOrder) greedy() *joinPlan {
	var list []*joinPlan
	for i := range o.g.rels {
		list = append(list, o.best[1<<i])
	}
	tried := map[[2]relSet]*joinPlan{}
	for len(list) > 1 {
		best := o.smallest(list, tried, false)
		if best == nil {
			best = o.smallest(list, tried, true)
		}
		if best == nil {
			return nil
		}
		next := list[:0]
		for _, p := range list {
			if p.set&best.set == 0 {
				next = append(next, p)
			}
		}
		list = append(next, best)
	}
	return list[0]
}

// smallest returns the join of two plans of the list with the smallest result. Joins with a condition are
// kept in tried, nil where there is none: only those of the plan that is new are made in each round.
func (o *joinOrder) smallest(list []*joinPlan, tried map[[2]relSet]*joinPlan, cross bool) (best *joinPlan) {
	for i, l := range list {
		for j, r := range list {
			if i == j {
				continue
			}
			if o.g.z.interrupted() != nil {
				return nil
			}
			pair := [2]relSet{l.set, r.set}
			p, ok := tried[pair]
			if !ok || cross {
				p = o.join(l, r, cross)
			}
			if !cross {
				tried[pair] = p
			}
			if p != nil && (best == nil || p.info.rows < best.info.rows || p.info.rows == best.info.rows && p.cost < best.cost) {
				best = p
			}
		}
	}
	return best
}

// build makes the joins of a plan.
func (o *joinOrder) build(p *joinPlan) plan.Rel {
	if p.rel != nil {
		return p.rel
	}
	j := &plan.RelJoin{Kind: p.kind, L: o.build(p.l), R: o.build(p.r), Cond: and(p.conds...)}
	return filter(j, p.after...)
}
