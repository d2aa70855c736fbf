package exec

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// join is what the build and the probe of one join share.
type join struct {
	q     *Query
	n     *plan.Join
	stats *opStats
	// prog computes, over the build side's columns, the keys and then the columns to keep.
	prog *expr.Program
	// slots of the stored rows: first the keys, then kept columns that are no keys.
	slotTypes []types.Type
	exprs     []expr.Expr
	colSlot   []int // slot of each column of the build side; -1: not kept
	leftProg  *expr.Program
	condProg  *expr.Program
	nullEqual []bool
	// keepAll: rows with NULL keys are kept, because the join outputs or consults them.
	keepAll bool
	build   buildSide
	marks   [][]uint64 // matched rows, of each worker, if rows of the build side are output in the end
	// filters are the run-time filters made of each key column; nil: none is wanted.
	filters []*runtimeFilter
	// replaced: a filter that is exact and applied to every row does the work of the join.
	replaced *scanFilter
	spill    joinSpill
}

func (q *Query) join(n *plan.Join) (*flow, error) {
	j := &join{q: q, n: n, stats: q.statsOf(n, n.ID, n.Kind.String()+" join")}
	j.nullEqual = make([]bool, len(n.LeftKeys))
	copy(j.nullEqual, n.NullEqual)
	if err := j.compile(); err != nil {
		return nil, err
	}
	j.wantFilters()
	right, err := q.flowOf(n.Right)
	if err != nil {
		return nil, err
	}
	j.build.j = j
	q.run(right, &j.build, "build")
	left, err := q.flowOf(n.Left)
	if err != nil {
		return nil, err
	}
	left.pipe(j.probe)
	if dropsUnmatchedLeft(n.Kind) {
		left.unless(func() bool { return j.build.rows == 0 && j.build.failed == nil })
	}
	if outputsRest(n.Kind) {
		left.branches = append(left.branches, branch{src: &restSource{j: j}, idle: []func() bool{j.spilled}})
	}
	if j.canLeave() {
		q.onClose(j.spill.release)
		left.branches = append(left.branches, branch{src: &joinSpillSource{j: j}, idle: []func() bool{func() bool { return !j.spilled() }}})
	}
	return left, nil
}

// dropsUnmatchedLeft reports whether a row of the left input without a match changes nothing in the
// output, so that it may be left out before the join.
func dropsUnmatchedLeft(k plan.JoinKind) bool {
	switch k {
	case plan.Inner, plan.Semi, plan.Right, plan.RightSemi, plan.RightAnti:
		return true
	}
	return false
}

// outputsRest reports whether a join outputs rows of its build side once all of the other side are through.
func outputsRest(k plan.JoinKind) bool {
	switch k {
	case plan.Right, plan.Full, plan.RightSemi, plan.RightAnti:
		return true
	}
	return false
}

// compile prepares the expressions of both sides.
func (j *join) compile() error {
	n := j.n
	right := typesOf(n.Right.Columns())
	for _, k := range n.RightKeys {
		j.slotTypes = append(j.slotTypes, k.Type())
		j.exprs = append(j.exprs, k)
	}
	need := j.q.needs[n.Right]
	j.colSlot = make([]int, len(right))
	for c := range right {
		j.colSlot[c] = -1
		if !need[c] || !j.reads(c) {
			continue
		}
		for i, e := range j.exprs {
			if x, ok := asColumn(e); ok && x == c {
				j.colSlot[c] = i
			}
		}
		if j.colSlot[c] < 0 {
			j.colSlot[c] = len(j.exprs)
			j.slotTypes = append(j.slotTypes, right[c])
			j.exprs = append(j.exprs, &expr.Column{Node: expr.Node{Typ: right[c]}, ID: c})
		}
	}
	var err error
	if j.prog, err = j.q.compile(j.exprs, right); err != nil {
		return err
	}
	left := typesOf(n.Left.Columns())
	if j.leftProg, err = j.q.compile(n.LeftKeys, left); err != nil {
		return err
	}
	if n.Cond != nil {
		j.condProg, err = j.q.compile([]expr.Expr{n.Cond}, append(left[:len(left):len(left)], right...))
	}
	switch n.Kind {
	case plan.Right, plan.Full, plan.RightAnti:
		j.keepAll = n.Kind != plan.RightAnti || !invariants.Mutant("join-anti-drops-null")
	case plan.Mark, plan.AntiNull:
		j.keepAll = j.threeValued()
	}
	return err
}

// reads reports whether column c of the build side is read above its keys: by the join's output or its
// condition.
func (j *join) reads(c int) bool {
	nl := len(j.n.Left.Columns())
	if outputsRight(j.n.Kind) && j.q.needs[j.n][rightAt(j.n)+c] {
		return true
	}
	if j.n.Cond != nil {
		for _, x := range expr.Columns(j.n.Cond) {
			if x == nl+c {
				return true
			}
		}
	}
	return false
}

// threeValued reports whether a NOT IN or marking join must look at what is NULL row by row: with one key and
// no condition, it is enough to know that there is a NULL key.
func (j *join) threeValued() bool {
	if j.n.Kind != plan.Mark && j.n.Kind != plan.AntiNull {
		return false
	}
	return len(j.n.LeftKeys) > 1 || j.n.Cond != nil
}

// rightNullable reports whether the build side's columns may become NULL in the output.
func (j *join) rightNullable() bool {
	return j.n.Kind == plan.Left || j.n.Kind == plan.Full || j.n.Kind == plan.Single
}
