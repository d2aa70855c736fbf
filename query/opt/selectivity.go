package opt

import (
	"math"
	"strings"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// sampleRowsMin is the size from which a sample is trusted.
const sampleRowsMin = 50

// sampleWorkMax bounds the operators that are evaluated over a sample for one estimate.
const sampleWorkMax = 1 << 20

// selectivity estimates the fraction of an operator's rows for which a condition is true: from a sample
// of the table if the operator is a scan, else from what is known about the columns.
func (z *optimizer) selectivity(cond expr.Expr, r plan.Rel, in *info) float64 {
	byFormula := clamp(z.fraction(cond, in))
	scan, ok := r.(*plan.RelScan)
	if !ok || in.unique(fixedColumns(cond)) || isNullTest(cond, in) {
		return byFormula
	}
	got := z.sampled(cond, scan)
	matched, n := got.matched, got.rows
	if n < sampleRowsMin {
		return byFormula
	}
	if matched == 0 {
		return math.Min(byFormula, 1/float64(n))
	}
	if matched < sampleMatchesMin && z.isEquality(cond, in) {
		return within(byFormula, matched, n)
	}
	return float64(matched) / float64(n)
}

// isNullTest reports whether a condition asks for NULL in a column of which the fraction of NULLs is known.
func isNullTest(cond expr.Expr, in *info) bool {
	e, ok := cond.(*expr.IsNull)
	if !ok {
		return false
	}
	c, ok := column(e.Arg)
	return ok && in.stat(c.ID).of != nil
}

// sampleMatchesMin is the number of matching rows of a sample from which it tells more of a value than the number of values.
const sampleMatchesMin = 10

// within returns an estimate, or the end next to it of the range in which the fraction lies of which few matches among n rows are a
// sample.
func within(f float64, matched, n int) float64 {
	k := float64(matched)
	return math.Max((k-2*math.Sqrt(k))/float64(n), math.Min(f, (k+1+2*math.Sqrt(k+1))/float64(n)))
}

// isEquality reports whether a condition compares a column, of whose values something is known, with a constant.
func (z *optimizer) isEquality(cond expr.Expr, in *info) bool {
	l, r, ok := equality(cond)
	if !ok {
		return false
	}
	for _, p := range [][2]expr.Expr{{l, r}, {r, l}} {
		if c, ok := column(p[0]); ok && exprCols(p[1]).empty() {
			return in.stat(c.ID).of != nil
		}
	}
	return false
}

func clamp(f float64) float64 { return math.Max(0, math.Min(1, f)) }

// fixedColumns returns the columns that a condition makes equal to constants.
func fixedColumns(cond expr.Expr) colSet {
	var s colSet
	for _, c := range conjuncts(cond) {
		l, r, ok := equality(c)
		if !ok {
			continue
		}
		if col, ok := column(l); ok && exprCols(r).empty() {
			s.add(col.ID)
		}
		if col, ok := column(r); ok && exprCols(l).empty() {
			s.add(col.ID)
		}
	}
	return s
}

// sampled is how many of the rows of a sample satisfy a condition.
type sampled struct{ matched, rows int }

// sampled counts the rows of a table's sample for which a condition is true; there are no rows if it cannot. It runs the
// condition as a query would, a batch after the other, and remembers the answer: rules ask for it over and over.
func (z *optimizer) sampled(cond expr.Expr, scan *plan.RelScan) sampled {
	if i := z.sampledConds.find(cond); i >= 0 {
		return z.samples[i]
	}
	got := z.countSample(cond, scan)
	if z.sampledConds.add(cond) {
		z.samples = append(z.samples, got)
	}
	return got
}

func (z *optimizer) countSample(cond expr.Expr, scan *plan.RelScan) (got sampled) {
	s := z.tableStats(scan.Table)
	at := map[int]expr.Expr{}
	var in []types.Type
	var pieces [][]vec.Vector // of the columns
	rows := -1
	usable := true
	exprCols(cond).each(func(id int) {
		n, i := sampleOf(s, scan, id)
		if i < 0 || rows >= 0 && n != rows {
			usable = false
			return
		}
		rows = n
		at[id] = &expr.Column{Node: expr.Node{Typ: scan.Out[i].Type}, ID: len(in)}
		in = append(in, scan.Out[i].Type)
		p, err := s.SampleVectors(scan.Attrs[i], scan.Out[i].Type)
		usable = usable && err == nil
		pieces = append(pieces, p)
	})
	if !usable || rows < sampleRowsMin || plan.HasSubquery(cond) || expr.IsVolatile(cond) {
		return sampled{}
	}
	if rows = min(rows, sampleWorkMax/expr.Size(cond)); rows < sampleRowsMin {
		return sampled{}
	}
	prog, err := expr.Compile([]expr.Expr{substitute(cond, at)}, in)
	if err != nil {
		return sampled{}
	}
	ctx := z.o.Expr
	if ctx == nil {
		ctx = &expr.Context{}
	}
	ev := prog.NewEvaluator(ctx, nil)
	defer ev.Close()
	var b vec.Batch
	cols := make([]vec.Vector, len(pieces))
	var sel []uint16
	for from := 0; from < rows; from += vec.Size {
		for k := range pieces {
			piece := from / vec.Size
			if invariants.Mutant("opt-sample-first-batch") {
				piece = 0
			}
			cols[k] = pieces[k][piece]
		}
		b.Single(min(vec.Size, rows-from), cols, nil)
		ev.Begin(&b)
		if sel, err = ev.Filter(0, sel[:0]); err != nil || z.o.Interrupt.Now() != nil {
			return sampled{} // parameters without values, or a value that fails
		}
		got.matched += len(sel)
	}
	got.rows = rows
	return got
}

// sampleOf returns how many rows a sample has of a column, and which of the scan's columns that is, -1 if it is none.
func sampleOf(s *table.Stats, scan *plan.RelScan, id int) (rows, i int) {
	for i, c := range scan.Out {
		if c.ID == id && scan.Attrs[i] < s.NumColumns() {
			return len(s.Column(scan.Attrs[i]).Sample), i
		}
	}
	return 0, -1
}

// fraction estimates a condition by formula.
func (z *optimizer) fraction(e expr.Expr, in *info) float64 {
	switch e := e.(type) {
	case nil:
		return 1
	case *expr.Const:
		if isNotTrueConst(e) {
			return 0
		}
		return 1
	case *expr.And:
		return z.conjunction(e.Args, in)
	case *expr.Or:
		none := 1.0
		for _, a := range e.Args {
			none *= 1 - clamp(z.fraction(a, in))
		}
		return clamp((1 - none) / z.impliedFraction(e, in))
	case *expr.Not:
		return 1 - clamp(z.fraction(e.Arg, in))
	case *expr.IsNull:
		f := nullFraction(e.Arg, in)
		if e.Negated {
			return 1 - f
		}
		return f
	case *expr.BoolTest:
		f := clamp(z.fraction(e.Arg, in))
		if !e.Value {
			f = 1 - f
		}
		if e.Negated {
			f = 1 - f
		}
		return f
	case *expr.In:
		return z.inFraction(e, in)
	case *expr.Call:
		return z.callFraction(e, in)
	case *expr.Distinct:
		f := z.equalFraction(e.L, e.R, in)
		if e.Negated {
			return f
		}
		return 1 - f
	}
	return guessCondition
}

// impliedFraction is the fraction that conditions derived from an OR, which are applied elsewhere, leave.
func (z *optimizer) impliedFraction(e *expr.Or, in *info) float64 {
	if len(z.implied) == 0 {
		return 1
	}
	f := 1.0
	for _, d := range z.implied[plan.ExprString(e)] {
		f *= clamp(z.fraction(d, in))
	}
	return math.Max(f, 1e-9)
}

// conjunction multiplies, except that a lower and an upper bound of one column are one range.
func (z *optimizer) conjunction(args []expr.Expr, in *info) float64 {
	f := 1.0
	type bounds struct{ lo, hi float64 }
	ranges := map[int]bounds{}
	for _, a := range args {
		col, frac, upper, ok := z.rangeFraction(a, in)
		if !ok {
			f *= clamp(z.fraction(a, in))
			continue
		}
		b, seen := ranges[col]
		if !seen {
			b = bounds{1, 1}
		}
		if upper {
			b.hi = math.Min(b.hi, frac)
		} else {
			b.lo = math.Min(b.lo, frac)
		}
		ranges[col] = b
	}
	for _, b := range ranges {
		if b.lo < 1 && b.hi < 1 {
			f *= math.Max(b.lo+b.hi-1, math.Min(b.lo, b.hi)*guessEquality)
		} else {
			f *= math.Min(b.lo, b.hi)
		}
	}
	return f
}

// rangeFraction estimates a comparison of a column with a constant; upper tells that it bounds it from
// above.
func (z *optimizer) rangeFraction(e expr.Expr, in *info) (col int, frac float64, upper, ok bool) {
	c, ok := e.(*expr.Call)
	if !ok || len(c.Args) != 2 {
		return 0, 0, false, false
	}
	symbol, exchanged, ok := expr.Comparison(c.Func)
	if !ok {
		return 0, 0, false, false
	}
	l, r := c.Args[0], c.Args[1]
	if _, isCol := column(l); !isCol {
		l, r, symbol = r, l, exchanged
	}
	lc, isCol := column(l)
	if !isCol || !exprCols(r).empty() {
		return 0, 0, false, false
	}
	switch symbol {
	case "<", "<=":
		upper = true
	case ">", ">=":
	default:
		return 0, 0, false, false
	}
	below, known := z.below(lc.ID, r, in)
	switch {
	case !known:
		frac = guessRange
	case upper:
		frac = below
	default:
		frac = 1 - below
	}
	return lc.ID, frac * (1 - in.stat(lc.ID).nulls), upper, true
}

func nullFraction(e expr.Expr, in *info) float64 {
	if neverNull(e, in.notNull) {
		return 0
	}
	if c, ok := column(e); ok {
		return in.stat(c.ID).nulls
	}
	return guessEquality
}

func (z *optimizer) inFraction(e *expr.In, in *info) float64 {
	f := 0.0
	for _, x := range e.List {
		f += z.equalFraction(e.Arg, x, in)
	}
	if e.Negated {
		return 1 - clamp(f)
	}
	return f
}

func (z *optimizer) callFraction(e *expr.Call, in *info) float64 {
	if symbol, _, ok := expr.Comparison(e.Func); ok && len(e.Args) == 2 {
		switch symbol {
		case "=":
			return z.equalFraction(e.Args[0], e.Args[1], in)
		case "<>":
			return 1 - z.equalFraction(e.Args[0], e.Args[1], in)
		}
		if _, f, _, ok := z.rangeFraction(e, in); ok {
			return f
		}
		return guessRange
	}
	switch e.Func.Name {
	case "~~", "~~*", "~", "~*":
		return likeFraction(e)
	case "!~~", "!~~*", "!~", "!~*":
		return 1 - likeFraction(e)
	}
	return guessCondition
}

func likeFraction(e *expr.Call) float64 {
	if c, ok := e.Args[len(e.Args)-1].(*expr.Const); ok && !c.Value.IsNull() {
		if s := c.Value.S; s != "" && !strings.HasPrefix(s, "%") && !strings.HasPrefix(s, "_") {
			return guessPrefix
		}
	}
	return guessPattern
}
