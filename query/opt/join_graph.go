package opt

import (
	"math/bits"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// relSet is a set of the inputs of a join graph.
type relSet uint64

func (s relSet) has(i int) bool         { return s>>i&1 != 0 }
func (s relSet) subsetOf(o relSet) bool { return s&^o == 0 }
func (s relSet) first() int             { return bits.TrailingZeros64(uint64(s)) }
func (s relSet) len() int               { return bits.OnesCount64(uint64(s)) }

// Limits of a join graph: beyond them joins stay in the order as written.
const (
	graphRelsMax = 64
	graphOpsMax  = 64
)

// joinGraph is a region of a plan that consists of inner, left, semi and anti joins: its inputs, and the
// operators that join them, with what keeps each from moving. Predicates of inner joins are operators of
// their own. The conflict rules are CD-C of G. Moerkotte, P. Fender, M. Eich: On the Correct and Complete
// Enumeration of the Core Search Space, 2013.
type joinGraph struct {
	z    *optimizer
	rels []plan.Rel
	cols []colSet // of rels
	ops  []*joinOp
	// classes are sets of columns that all results have equal: any two of them connect their inputs.
	classes []*equalClass
	nodes   []*joinNode
	ok      bool
}

// joinNode is a join of the region as written.
type joinNode struct {
	kind        plan.JoinKind
	left, right relSet
	ses         relSet // inputs that the whole condition names
	cond        []expr.Expr
	inLeft      []*joinNode
	inRight     []*joinNode
	// outermost: the node's conditions hold for all results of the region.
	outermost bool
}

// joinOp is a join to be placed: a condition of an inner join, or a whole other join.
type joinOp struct {
	kind  plan.JoinKind
	conds []expr.Expr
	ses   relSet
	// left and right are the inputs that must be on that side; of an inner join the sides do not matter.
	left, right relSet
	rules       []conflictRule
}

// conflictRule: a result that contains an input of if must contain all of then.
type conflictRule struct{ when, then relSet }

type equalClass struct {
	cols []*expr.Column
	rels relSet
}

// newJoinGraph collects the region below a join.
func (z *optimizer) newJoinGraph(r *plan.RelJoin) *joinGraph {
	g := &joinGraph{z: z, ok: true}
	g.collect(r, true)
	if len(g.rels) > graphRelsMax {
		g.ok = false
		return g
	}
	for _, n := range g.nodes {
		g.addOps(n)
	}
	if g.ok = len(g.rels) <= graphRelsMax; g.ok {
		g.makeClasses()
	}
	if len(g.ops) > graphOpsMax {
		g.ok = false
	}
	return g
}

func reorderable(k plan.JoinKind) bool {
	return k == plan.Inner || k == plan.Left || k == plan.Semi || k == plan.Anti
}

// collect adds the inputs and joins below r and returns the set of inputs.
func (g *joinGraph) collect(r plan.Rel, outermost bool) (relSet, []*joinNode) {
	if len(g.rels) > graphRelsMax {
		return 0, nil // too many
	}
	j, ok := r.(*plan.RelJoin)
	if !ok || !reorderable(j.Kind) {
		if len(g.rels) >= graphRelsMax {
			g.rels = append(g.rels, r) // newJoinGraph sees it
			return 0, nil
		}
		r = g.z.orderJoins(r)
		g.rels = append(g.rels, r)
		g.cols = append(g.cols, relCols(r))
		return 1 << (len(g.rels) - 1), nil
	}
	n := &joinNode{kind: j.Kind, cond: conjuncts(j.Cond), outermost: outermost && j.Kind == plan.Inner}
	n.left, n.inLeft = g.collect(j.L, outermost)
	n.right, n.inRight = g.collect(j.R, outermost && j.Kind == plan.Inner)
	for _, c := range n.cond {
		n.ses |= g.relsOf(c)
	}
	g.nodes = append(g.nodes, n)
	all := append(append([]*joinNode{n}, n.inLeft...), n.inRight...)
	return n.left | n.right, all
}

// relsOf returns the inputs whose columns an expression names.
func (g *joinGraph) relsOf(e expr.Expr) relSet {
	cols := exprCols(e)
	var s relSet
	for i := range g.cols {
		if cols.intersects(g.cols[i]) {
			s |= 1 << i
		}
	}
	return s
}

// addOps adds the operators of a join: one for each condition of an inner join.
func (g *joinGraph) addOps(n *joinNode) {
	rules := g.conflicts(n)
	if n.kind != plan.Inner {
		op := &joinOp{kind: n.kind, conds: n.cond, ses: n.ses, rules: rules, left: n.ses & n.left, right: n.ses & n.right}
		if op.left == 0 || !allMovable(n.cond) {
			op.left = n.left
		}
		if op.right == 0 || !allMovable(n.cond) {
			op.right = n.right
		}
		op.ses = op.left | op.right
		g.ops = append(g.ops, op)
		return
	}
	lc, rc := g.colsOf(n.left), g.colsOf(n.right)
	for _, c := range n.cond {
		op := &joinOp{kind: plan.Inner, conds: []expr.Expr{c}, ses: g.relsOf(c), rules: rules}
		if op.ses.len() < 2 || !movable(c) && !isJoinKey(c, lc, rc) {
			op.ses = n.left | n.right // stays where it is written
		}
		g.ops = append(g.ops, op)
	}
}

func allMovable(conds []expr.Expr) bool {
	for _, c := range conds {
		if !movable(c) {
			return false
		}
	}
	return true
}

func (g *joinGraph) colsOf(s relSet) colSet {
	var out colSet
	for i := range g.cols {
		if s.has(i) {
			out.addAll(g.cols[i])
		}
	}
	return out
}

// conflicts returns the conflict rules of a join against all joins below it.
func (g *joinGraph) conflicts(b *joinNode) []conflictRule {
	var rules []conflictRule
	add := func(when, then, ses relSet) {
		if then&ses != 0 {
			then &= ses
		}
		rules = append(rules, conflictRule{when, then})
	}
	for _, a := range b.inLeft {
		if !g.assoc(a, b) {
			add(a.right, a.left, a.ses)
		}
		if !leftAsscom(a.kind, b.kind) {
			add(a.left, a.right, a.ses)
		}
	}
	for _, a := range b.inRight {
		if !g.assoc(b, a) {
			add(a.left, a.right, a.ses)
		}
		if !rightAsscom(b.kind, a.kind) {
			add(a.right, a.left, a.ses)
		}
	}
	return rules
}

// assoc: (e1 a e2) b e3 = e1 a (e2 b e3).
func (g *joinGraph) assoc(a, b *joinNode) bool {
	switch a.kind {
	case plan.Inner:
		return true
	case plan.Left:
		if b.kind != plan.Left {
			return false
		}
		// b's condition must be false for the NULLs that a makes of e2.
		return rejectedNulls(b.cond).intersects(g.colsOf(a.right))
	}
	return false
}

// leftAsscom: (e1 a e2) b e3 = (e1 b e3) a e2. It holds for all joins here.
func leftAsscom(_, _ plan.JoinKind) bool { return true }

// rightAsscom: e1 a (e2 b e3) = e2 b (e1 a e3).
func rightAsscom(a, b plan.JoinKind) bool { return a == plan.Inner && b == plan.Inner }

// makeClasses takes the equalities of columns that hold for all results out of the operators: of a = b and
// b = c any two of the three connect their inputs, and two are enough.
func (g *joinGraph) makeClasses() {
	free := map[expr.Expr]bool{}
	for _, n := range g.nodes {
		for _, c := range n.cond {
			free[c] = n.outermost
		}
	}
	var conds []expr.Expr
	var rest []*joinOp
	for _, op := range g.ops {
		if op.kind == plan.Inner && len(op.rules) == 0 && free[op.conds[0]] && op.ses.len() == 2 && isColumnEquality(op.conds[0]) {
			conds = append(conds, op.conds[0])
		} else {
			rest = append(rest, op)
		}
	}
	g.ops = rest
	for _, class := range equalColumns(conds) {
		k := &equalClass{cols: sortedColumns(class)}
		for _, c := range k.cols {
			k.rels |= g.relsOf(c)
		}
		g.classes = append(g.classes, k)
		g.equateWithin(k)
	}
}

// equateWithin filters inputs that have several columns of a class: a join compares only one of them.
func (g *joinGraph) equateWithin(k *equalClass) {
	for i := range g.rels {
		var first *expr.Column
		for _, c := range k.cols {
			switch {
			case !g.cols[i].has(c.ID):
			case first == nil:
				first = c
			default:
				eq, err := expr.NewOp("=", c.At, first, c)
				if err != nil {
					g.ok = false
					return
				}
				g.rels[i] = filter(g.rels[i], eq)
			}
		}
	}
}

// isColumnEquality reports whether a condition makes two columns of one kind equal.
func isColumnEquality(e expr.Expr) bool {
	l, r, ok := equality(e)
	if !ok {
		return false
	}
	a, ok1 := column(l)
	b, ok2 := column(r)
	return ok1 && ok2 && a.ID != b.ID && a.Typ.Kind == b.Typ.Kind
}

// between returns a condition of a class between two sets of inputs; nil if it does not connect them.
func (g *joinGraph) between(k *equalClass, a, b relSet) expr.Expr {
	if k.rels&a == 0 || k.rels&b == 0 {
		return nil
	}
	var l, r *expr.Column
	for _, c := range k.cols {
		s := g.relsOf(c)
		if l == nil && s&a != 0 {
			l = c
		}
		if r == nil && s&b != 0 {
			r = c
		}
	}
	eq, err := expr.NewOp("=", l.At, l, r)
	if err != nil {
		return nil
	}
	return eq
}
