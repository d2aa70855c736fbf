package exec

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// aggregation is what the sink and the source of one Aggregate share.
type aggregation struct {
	q     *Query
	n     *plan.Aggregate
	stats *opStats
	prog  *expr.Program
	nk    int // keys that are compared: the first expressions of prog
	exprs []expr.Expr
	// determined keys are functions of those: they are kept from the first row of each group.
	determined []expr.Expr
	detProg    *expr.Program
	keyAt      []int // of each key of the output: its place among exprs, or -1 - its place in determined
	// inputs are the distinct arguments with their filters; states the distinct states over them;
	// outs say what each aggregate makes of which state.
	inputs []aggInput
	states []aggState
	outs   []aggOut
	// distinct has the sets of arguments of DISTINCT aggregates.
	distinct []*distinctSet
	// ordered: a state depends on the order of the rows, so each morsel makes its own partial result.
	ordered bool
	// positions of the groups' first rows are kept: the order of the groups, or the image of their keys,
	// depends on them.
	positions bool
	words     int              // 8-byte words of the hot state of a group
	initial   []uint64         // a new group's hot words; nil: all zero
	cold      int              // words of the cold state
	numbers   []*stringNumbers // of each key that is a string
	sink      aggSink
}

// aggInput is an argument: rows for which it is NULL, or for which the filter is not true, are excluded.
type aggInput struct {
	arg    int // expression of prog; -1: none (count(*) with a filter)
	arg2   int // second argument; -1: none
	filter int // expression of prog; -1: none
	typ    types.Type
	// excl is the cold word that counts excluded rows of a group.
	excl int
	// distinct inputs are fed at the end, with each value once; counter is the hot word of their number.
	distinct bool
	counter  int
}

// stateKind is how a state is kept.
type stateKind uint8

const (
	stateCount  stateKind = iota // nothing of its own: rows less excluded ones
	stateSum                     // hot: int64 partial sum; cold: 128 bits; beyond: numericSums
	stateFloat                   // hot: float sum
	stateFloat4                  // hot: float sum in single precision
	stateMin                     // hot: least
	stateMax                     // hot: greatest
	stateBits                    // hot: bit operation
	stateSlow                    // in a slowState
)

// aggState is a state of the groups over one input.
type aggState struct {
	kind  stateKind
	op    expr.AggOp
	input int
	word  int // hot word
	wide  int // cold word of the 128-bit sum
	slow  func(*groupTable) slowState
}

// aggOut says how an output column is made.
type aggOut struct {
	typ   types.Type
	op    expr.AggOp
	state int // index in states; -1: the count of the input
	input int // -1: all rows
	// orZero is 1 + the input of rows that have no zero: see sumOfCase.
	orZero int
}

func (q *Query) aggregate(n *plan.Aggregate) (*flow, error) {
	in, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	a := &aggregation{q: q, n: n, stats: q.statsOf(n, n.ID, "aggregate")}
	a.splitKeys()
	for _, g := range n.Aggs {
		if err := a.add(g); err != nil {
			return nil, err
		}
	}
	a.layout()
	if a.prog, err = q.compile(a.exprs, typesOf(n.Input.Columns())); err != nil {
		return nil, err
	}
	if len(a.determined) > 0 {
		if a.detProg, err = q.compile(a.determined, typesOf(n.Input.Columns())); err != nil {
			return nil, err
		}
	}
	a.positions = !q.orderless[n]
	for _, k := range a.exprs[:a.nk] {
		a.positions = a.positions || !k.Type().Kind.ImageEqual()
	}
	for _, d := range a.distinct {
		d.layout()
	}
	a.takeHoles(in)
	a.sink.a, a.sink.spill.a = a, a
	a.sink.arena.tracker = q.mem
	q.run(in, &a.sink, "aggregate")
	return &flow{branches: []branch{{src: &aggSource{a: a}}}}, nil
}

// splitKeys tells the keys that are compared from those that these determine.
func (a *aggregation) splitKeys() {
	for i, k := range a.n.Keys {
		if a.n.Determined != nil && a.n.Determined[i] && !expr.CanFail(k) && !expr.IsVolatile(k) {
			a.keyAt = append(a.keyAt, -1-len(a.determined))
			a.determined = append(a.determined, k)
			continue
		}
		a.keyAt = append(a.keyAt, len(a.exprs))
		a.exprs = append(a.exprs, k)
	}
	a.nk = len(a.exprs)
}

// add plans one aggregate call.
func (a *aggregation) add(g *expr.Aggregate) error {
	if done, err := a.sumOfCase(g); done || err != nil {
		return err
	}
	input := -1
	switch {
	case g.Distinct && g.Func.Op != expr.AggMin && g.Func.Op != expr.AggMax:
		input = a.distinctInput(g)
	case len(g.Args) > 0 || g.Filter != nil:
		input = a.input(g)
	}
	out := aggOut{typ: g.Typ, op: g.Func.Op, input: input, state: -1}
	if g.Func.Op != expr.AggCountStar && g.Func.Op != expr.AggCount {
		s, err := a.stateOf(g.Func, input)
		if err != nil {
			return err
		}
		out.state = s
	}
	a.outs = append(a.outs, out)
	return nil
}

// input returns the input of a call, shared with equal ones.
func (a *aggregation) input(g *expr.Aggregate) int {
	in := aggInput{arg: -1, arg2: -1, filter: -1}
	if g.Filter != nil {
		in.filter = a.expr(g.Filter)
	}
	for i, x := range g.Args {
		if g.Filter != nil && expr.CanFail(x) { // it must not see rows that the filter leaves out
			x = onlyWhere(g.Filter, x)
		}
		if i == 0 {
			in.arg, in.typ = a.expr(x), x.Type()
		} else {
			in.arg2 = a.expr(x)
		}
	}
	for i := range a.inputs {
		if x := &a.inputs[i]; !x.distinct && x.arg == in.arg && x.arg2 == in.arg2 && x.filter == in.filter {
			return i
		}
	}
	in.excl = len(a.inputs)
	a.inputs = append(a.inputs, in)
	return len(a.inputs) - 1
}

// expr returns the number of an expression in prog, shared with equal ones.
func (a *aggregation) expr(e expr.Expr) int {
	for i := a.nk; i < len(a.exprs); i++ {
		if !expr.IsVolatile(e) && expr.Equal(a.exprs[i], e) {
			return i
		}
	}
	a.exprs = append(a.exprs, e)
	return len(a.exprs) - 1
}

// stateOf returns the state that a function needs over an input, shared with equal ones: sum and avg need
// the same.
func (a *aggregation) stateOf(f *expr.AggFunc, input int) (int, error) {
	s := aggState{op: f.Op, input: input}
	class := a.inputs[input].typ.Class()
	switch f.Op {
	case expr.AggSum, expr.AggAvg:
		s.op = expr.AggSum
		switch class {
		case types.ClassInt, types.ClassNumeric:
			s.kind = stateSum
		case types.ClassFloat:
			s.kind = stateFloat
			if f.Op == expr.AggSum && f.Ret == types.Float4 {
				s.kind = stateFloat4
			}
			a.ordered = true
		default:
			s.kind, s.slow = stateSlow, newIntervalSums
		}
	case expr.AggMin, expr.AggMax, expr.AggBoolAnd, expr.AggBoolOr:
		a.extremeState(&s, class)
		a.ordered = a.ordered || manyImages(a.inputs[input].typ)
	case expr.AggBitAnd, expr.AggBitOr, expr.AggBitXor:
		s.kind = stateBits
	case expr.AggStddevSamp, expr.AggStddevPop, expr.AggVarSamp, expr.AggVarPop:
		s.op, s.kind, s.slow = expr.AggVarSamp, stateSlow, newExactMoments
		if class == types.ClassFloat {
			s.slow, a.ordered = newFloatMoments, true
		}
	case expr.AggRegrSXX, expr.AggRegrSYY, expr.AggRegrSXY, expr.AggRegrAvgX, expr.AggRegrAvgY, expr.AggRegrR2,
		expr.AggRegrSlope, expr.AggRegrIntercept, expr.AggCovarPop, expr.AggCovarSamp, expr.AggCorr:
		s.op, s.kind, s.slow, a.ordered = expr.AggRegrSXX, stateSlow, newPairMoments, true
	case expr.AggStringAgg:
		s.kind, s.slow, a.ordered = stateSlow, newStringLists, true
	case expr.AggAnyValue:
		s.kind, s.slow, a.ordered = stateSlow, newFirstValues, true
	case expr.AggPercentileCont, expr.AggPercentileContDesc, expr.AggPercentileDisc, expr.AggPercentileDiscDesc:
		s.kind, s.slow = stateSlow, percentilesOf(f.Op, a.inputs[input].typ.Kind)
	default:
		return 0, sqlerr.Unsupported("aggregate function " + f.Name)
	}
	for i := range a.states {
		if x := &a.states[i]; x.kind == s.kind && x.op == s.op && x.input == s.input {
			return i, nil
		}
	}
	a.states = append(a.states, s)
	return len(a.states) - 1, nil
}

// manyImages reports whether equal values of a type may differ in what is printed, other than in the sign
// of zero.
func manyImages(t types.Type) bool {
	switch t.Class() {
	case types.ClassInterval:
		return true
	case types.ClassNumeric:
		_, _, fixed := t.PrecisionScale()
		return !fixed
	}
	return false
}

// extremeState chooses the state of min, max, bool_and and bool_or.
func (a *aggregation) extremeState(s *aggState, class types.Class) {
	least := s.op == expr.AggMin || s.op == expr.AggBoolAnd
	s.op = expr.AggMax
	if least {
		s.op = expr.AggMin
	}
	switch {
	case class == types.ClassString || class == types.ClassInterval:
		s.kind, s.slow = stateSlow, newGreatestValues
		if least {
			s.slow = newLeastValues
		}
	case least:
		s.kind = stateMin
	default:
		s.kind = stateMax
	}
}

// onlyWhere returns e where cond is true, else NULL.
func onlyWhere(cond, e expr.Expr) expr.Expr {
	null := expr.NewConst(types.NullOf(e.Type().Kind), e.Type(), e.Pos())
	return &expr.Case{Node: expr.Node{Typ: e.Type(), At: e.Pos()}, Whens: []expr.When{{Cond: cond, Result: e}}, Else: null}
}

// layout places the words of the states: sums first, so that one loop can add several.
func (a *aggregation) layout() {
	a.words = 1
	a.cold = len(a.inputs)
	a.numberKeys()
	for _, sums := range []bool{true, false} {
		for i := range a.states {
			s := &a.states[i]
			if s.kind == stateSlow || s.kind == stateCount || (s.kind == stateSum) != sums {
				continue
			}
			s.word = a.words
			a.words++
		}
	}
	for i := range a.inputs {
		if a.inputs[i].distinct {
			a.inputs[i].counter = a.words
			a.words++
		}
	}
	for i := range a.states {
		if s := &a.states[i]; s.kind == stateSum {
			s.wide = a.cold
			a.cold += 2
		}
	}
	for i := range a.states {
		s := &a.states[i]
		v := int64(0)
		switch {
		case s.kind == stateMin:
			v = 1<<63 - 1
		case s.kind == stateMax:
			v = -1 << 63
		case s.kind == stateBits && s.op == expr.AggBitAnd:
			v = -1
		case s.kind == stateFloat, s.kind == stateFloat4:
			v = -1 << 63 // -0.0, to which every value adds exactly
		}
		if v != 0 {
			if a.initial == nil {
				a.initial = make([]uint64, a.words)
			}
			a.initial[s.word] = uint64(v)
		}
	}
}
