package opt

import (
	"math"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// info is what is known about the output of an operator. rows and stats are estimates; notNull and keys
// hold for every result.
type info struct {
	rows  float64
	stats map[int]colStat
	// later makes those of columns that stats does not have, when somebody asks: of most columns nobody does, and what is known of
	// a table's costs a look at a sample. nil: there are no others.
	later func(id int) (colStat, bool)
	// A join's columns have the statistics of its inputs: those of left in leftCols, of right otherwise.
	left, right *info
	leftCols    colSet
	// notNull are columns that are never NULL.
	notNull colSet
	// keys are sets of columns of which no two rows agree; an empty set means at most one row.
	keys []colSet
	// tuples are estimates about several columns together.
	tuples []tupleStat
}

// colStat is an estimate about a column.
type colStat struct {
	// distinct is the number of values in the column's domain: those that it has where nothing but conditions on the column
	// itself has left rows out. Two columns that are compared for equality are of one domain, the larger one.
	distinct float64
	// per is the number of rows of each of them in these rows; 0: unknown.
	per      float64
	nulls    float64 // fraction
	min, max types.Datum
	// mean and deviation are those of an aggregate's results; deviation is 0 if they are unknown.
	mean, deviation float64
	// of are the estimates about a table's column; nil: it is none, or there are none.
	of *table.ColumnStats
}

// Guesses where nothing is known.
const (
	guessRows      = 1000
	guessDistinct  = 200
	guessEquality  = 0.005
	guessRange     = 1.0 / 3
	guessPattern   = 0.05
	guessPrefix    = 0.02
	guessCondition = 0.5
	guessSeries    = 1000
	guessRounds    = 10 // of a recursive query
	keysMax        = 4  // key sets remembered for an operator
	tuplesMax      = 8  // tupleStats remembered for an operator
)

func (i *info) stat(id int) colStat {
	for at := i; at != nil; {
		if s, ok := at.stats[id]; ok {
			return s
		}
		if at.later != nil {
			if s, ok := at.later(id); ok {
				at.stats[id] = s
				return s
			}
		}
		if at.leftCols.has(id) {
			at = at.left
		} else {
			at = at.right
		}
	}
	return colStat{distinct: math.Min(i.rows, guessDistinct)}
}

// outOf returns where a column stands among others; -1: it does not.
func outOf(cols []plan.Col, id int) int {
	return slices.IndexFunc(cols, func(c plan.Col) bool { return c.ID == id })
}

// distinct estimates how many values of a column are in the rows: of a value that p rows have, one is among the fraction f of
// them with the probability 1-(1-f)^p.
func (i *info) distinct(id int) float64 {
	s := i.stat(id)
	d := math.Min(s.distinct, i.rows)
	if all := s.per * s.distinct; s.per > 0 && i.rows < all {
		d = math.Min(d, s.distinct*(1-math.Pow(1-i.rows/all, s.per)))
	}
	return math.Max(1, d)
}

// unique reports whether no two rows agree in the columns.
func (i *info) unique(cols colSet) bool {
	if i.rows <= 1 && invariants.Mutant("opt-fact-from-estimate") {
		return true
	}
	for _, k := range i.keys {
		if k.subsetOf(cols) {
			return true
		}
	}
	return false
}

func (i *info) addKey(k colSet) {
	if len(i.keys) < keysMax && !i.unique(k) {
		i.keys = append(i.keys[:len(i.keys):len(i.keys)], k)
	}
}

// infoOf returns what is known about an operator.
func (z *optimizer) infoOf(r plan.Rel) *info {
	if i := z.info[r]; i != nil {
		return i
	}
	i := z.newInfo(r)
	i.rows = math.Max(i.rows, 0)
	if math.IsNaN(i.rows) || math.IsInf(i.rows, 1) {
		i.rows = math.MaxFloat64 / 1e20
	}
	z.info[r] = i
	return i
}

func (z *optimizer) newInfo(r plan.Rel) *info {
	switch r := r.(type) {
	case *plan.RelScan:
		return z.scanInfo(r)
	case *plan.RelValues:
		return valuesInfo(r)
	case *plan.RelFilter:
		return z.filterInfo(r)
	case *plan.RelProject:
		return z.projectInfo(r)
	case *plan.RelJoin:
		return z.joinInfo(r.Kind, r.L, r.R, r.Cond, r.Mark)
	case *plan.RelApply:
		return z.joinInfo(r.Kind, r.L, r.R, r.Cond, r.Mark)
	case *plan.RelDependent:
		return z.dependentInfo(r)
	case *plan.RelAggregate:
		return z.aggregateInfo(r)
	case *plan.RelRecursive:
		return &info{rows: z.infoOf(r.Base).rows * guessRounds}
	case *plan.RelWindow:
		return z.windowInfo(r)
	case *plan.RelDistinctOn:
		return z.distinctOnInfo(r)
	case *plan.RelLimit:
		return z.limitInfo(r)
	case *plan.RelUnion:
		return z.unionInfo(r)
	case *plan.RelSetOp:
		return z.setOpInfo(r)
	case *plan.RelSeries:
		return seriesInfo(r)
	case *plan.RelShared:
		return z.sharedInfo(r)
	}
	if c := r.Children(); len(c) == 1 {
		return z.infoOf(c[0])
	}
	return &info{rows: guessRows}
}

// tableStats returns the statistics of a table.
func (z *optimizer) tableStats(def *table.TableDef) *table.Stats {
	if s := z.stats[def.ID]; s != nil {
		return s
	}
	s := table.Stats{Rows: guessRows}
	if z.o.Stats != nil {
		s = z.o.Stats(def)
	}
	s.Rows = math.Max(s.Rows, 1)
	z.stats[def.ID] = &s
	return &s
}

func (z *optimizer) scanInfo(r *plan.RelScan) *info {
	s := z.tableStats(r.Table)
	i := &info{rows: s.Rows, stats: map[int]colStat{}}
	i.later = func(id int) (colStat, bool) {
		n := outOf(r.Out, id)
		if n < 0 {
			return colStat{}, false
		}
		return columnStat(s, r.Table, r.Attrs[n]), true
	}
	byAttr := map[int]int{}
	for n, c := range r.Out {
		a := r.Attrs[n]
		byAttr[a] = c.ID
		if r.Table.Columns[a].NotNull {
			i.notNull.add(c.ID)
		}
	}
	if invariants.Mutant("opt-all-statistics") {
		for _, c := range r.Out {
			i.stat(c.ID)
		}
	}
	if r.Ref.ID != 0 {
		i.notNull.add(r.Ref.ID)
		i.stats[r.Ref.ID] = colStat{distinct: s.Rows}
		var k colSet
		k.add(r.Ref.ID)
		i.addKey(k)
	}
	for _, k := range r.Table.Keys {
		if set, ok := keyColumns(r.Table, k, byAttr); ok {
			i.addKey(set)
			i.addTuple(set, s.Rows)
		}
	}
	return i
}

// keyColumns returns the scan's columns of a key; not ok if the scan does not output all of them, or if
// NULLs may repeat.
func keyColumns(def *table.TableDef, k table.Key, byAttr map[int]int) (set colSet, ok bool) {
	for _, a := range k.Columns {
		id, ok := byAttr[a]
		if !ok || !def.Columns[a].NotNull {
			return nil, false
		}
		set.add(id)
	}
	return set, len(k.Columns) > 0
}

func columnStat(s *table.Stats, def *table.TableDef, attr int) colStat {
	st := colStat{distinct: math.Min(s.Rows, guessDistinct)}
	if attr < s.NumColumns() {
		c := s.Column(attr)
		st.nulls, st.min, st.max, st.of = c.NullFraction, c.Min, c.Max, c
		if c.Distinct > 0 {
			st.distinct = c.Distinct
		}
	}
	for _, k := range def.Keys {
		if len(k.Columns) == 1 && k.Columns[0] == attr {
			st.distinct = s.Rows
		}
	}
	if def.Columns[attr].Type.Kind == types.Bool {
		st.distinct = math.Min(st.distinct, 2)
	}
	st.per = math.Max(1, s.Rows*(1-st.nulls)/math.Max(1, st.distinct))
	return st
}

func valuesInfo(r *plan.RelValues) *info {
	i := &info{rows: float64(len(r.Tuples)), stats: map[int]colStat{}}
	for j, c := range r.Out {
		i.stats[c.ID] = colStat{distinct: i.rows}
		notNull := true
		for _, t := range r.Tuples {
			k, ok := t[j].(*expr.Const)
			notNull = notNull && ok && !k.Value.IsNull()
		}
		if notNull {
			i.notNull.add(c.ID)
		}
	}
	if len(r.Tuples) <= 1 {
		i.keys = []colSet{nil}
	}
	return i
}

func (z *optimizer) filterInfo(r *plan.RelFilter) *info {
	in := z.infoOf(r.Input)
	i := &info{right: in, keys: in.keys, notNull: in.notNull}
	i.rows = in.rows * z.selectivity(r.Cond, r.Input, in)
	conds := conjuncts(r.Cond)
	z.narrowDomains(i, in, conds)
	i.notNull = union(in.notNull, rejectedNulls(conds))
	// A key whose other columns are fixed by equality to constants is a smaller key.
	var fixed colSet
	for _, c := range conds {
		if l, rr, ok := equality(c); ok {
			for _, side := range [][2]expr.Expr{{l, rr}, {rr, l}} {
				if col, ok := column(side[0]); ok && exprCols(side[1]).empty() && !expr.IsVolatile(side[1]) {
					fixed.add(col.ID)
				}
			}
		}
	}
	if !fixed.empty() {
		for _, k := range in.keys {
			if k.intersects(fixed) {
				i.keys = append([]colSet{k.without(fixed)}, i.keys...)
			}
		}
	}
	if i.unique(nil) {
		i.rows = math.Min(i.rows, 1)
	}
	return i
}

// narrowDomains leaves out of the domains of columns, and of columns together, what conditions on nothing else leave out.
func (z *optimizer) narrowDomains(i, in *info, conds []expr.Expr) {
	i.tuples = slices.Clone(in.tuples)
	for _, c := range conds {
		cols := exprCols(c)
		if cols.empty() {
			continue
		}
		f := clamp(z.fraction(c, in))
		for n := range i.tuples {
			if t := &i.tuples[n]; cols.subsetOf(t.cols) {
				t.distinct = math.Max(1, t.distinct*f)
			}
		}
		if cols.len() > 1 {
			continue
		}
		if i.stats == nil {
			i.stats = map[int]colStat{}
		}
		cols.each(func(id int) {
			st := i.stat(id)
			if st.distinct = math.Max(1, st.distinct*f); fixedColumns(c).has(id) {
				st.distinct = 1
			}
			i.stats[id] = st
		})
	}
}

func (z *optimizer) projectInfo(r *plan.RelProject) *info {
	in := z.infoOf(r.Input)
	i := &info{rows: in.rows, stats: map[int]colStat{}}
	i.later = func(id int) (colStat, bool) {
		n := outOf(r.Out, id)
		if n < 0 {
			return colStat{}, false
		}
		if c, ok := column(r.Exprs[n]); ok {
			return in.stat(c.ID), true
		}
		return colStat{distinct: z.exprDistinct(r.Exprs[n], in)}, true
	}
	passed := map[int]int{}
	for n, e := range r.Exprs {
		id := r.Out[n].ID
		if c, ok := column(e); ok {
			passed[c.ID] = id
		}
		if neverNull(e, in.notNull) {
			i.notNull.add(id)
		}
	}
	for _, k := range in.keys {
		if mapped, ok := passedOn(k, passed); ok {
			i.addKey(mapped)
		}
	}
	for _, t := range in.tuples {
		if mapped, ok := passedOn(t.cols, passed); ok {
			i.addTuple(mapped, t.distinct)
		}
	}
	return i
}

// passedOn returns a set of columns by other numbers; not ok if some have none.
func passedOn(cols colSet, to map[int]int) (mapped colSet, ok bool) {
	ok = true
	cols.each(func(id int) {
		n, has := to[id]
		if ok = ok && has; has {
			mapped.add(n)
		}
	})
	return mapped, ok
}

// exprDistinct estimates how many values an expression takes. Functions are assumed to map many values
// to few.
func (z *optimizer) exprDistinct(e expr.Expr, in *info) float64 {
	if call, ok := e.(*expr.Call); ok && call.Func.Syntax == expr.SyntaxCast && len(call.Args) > 0 {
		return z.exprDistinct(call.Args[0], in)
	}
	d := 1.0
	if call, ok := e.(*expr.Call); ok && call.Func.Syntax == expr.SyntaxCall {
		exprCols(e).each(func(id int) { d = math.Max(d, math.Min(in.distinct(id), guessDistinct)) })
		return d
	}
	exprCols(e).each(func(id int) { d *= in.distinct(id) })
	return math.Max(1, math.Min(d, in.rows))
}

func (z *optimizer) aggregateInfo(r *plan.RelAggregate) *info {
	in := z.infoOf(r.Input)
	i := &info{rows: 1, stats: map[int]colStat{}}
	var key colSet
	groups := 1.0
	for n, e := range r.Keys {
		id := r.Out[n].ID
		key.add(id)
		d := 0.0
		if c, ok := column(e); ok {
			st := in.stat(c.ID)
			d = in.distinct(c.ID)
			i.stats[id] = st
		} else {
			d = z.exprDistinct(e, in)
			i.stats[id] = colStat{distinct: d}
		}
		if neverNull(e, in.notNull) {
			i.notNull.add(id)
		} else {
			d++
		}
		groups *= d
	}
	if len(r.Keys) > 0 {
		i.rows = z.groupCount(r, in, groups)
	}
	i.addKey(key)
	i.addTuple(key, i.rows)
	for n := range r.Keys {
		id := r.Out[n].ID
		st := i.stats[id]
		st.per = math.Max(1, i.rows/math.Max(1, st.distinct))
		i.stats[id] = st
	}
	i.later = func(id int) (colStat, bool) {
		n := outOf(r.Out[len(r.Keys):], id)
		if n < 0 {
			return colStat{}, false
		}
		return z.aggregateStat(r.Aggs[n], in, i.rows), true
	}
	for n, a := range r.Aggs {
		id := r.Out[len(r.Keys)+n].ID
		if a.Func.Op == expr.AggCount || a.Func.Op == expr.AggCountStar {
			i.notNull.add(id)
		}
	}
	return i
}

// groupCount bounds the product of the keys' distinct values: by the rows, and by a key of the input
// that the grouping keys contain.
func (z *optimizer) groupCount(r *plan.RelAggregate, in *info, groups float64) float64 {
	if in.unique(exprsColumns(r.Keys)) {
		return in.rows
	}
	return math.Min(groups, math.Max(1, in.rows))
}

// exprsColumns returns the expressions that are bare columns.
func exprsColumns(list []expr.Expr) colSet {
	var s colSet
	for _, e := range list {
		if c, ok := column(e); ok {
			s.add(c.ID)
		}
	}
	return s
}

// windowInfo: the columns of the input stay as they are.
func (z *optimizer) windowInfo(r *plan.RelWindow) *info {
	i := *z.infoOf(r.Input)
	return &i
}

func (z *optimizer) distinctOnInfo(r *plan.RelDistinctOn) *info {
	in := z.infoOf(r.Input)
	i := *in
	groups := 1.0
	for _, e := range r.On {
		groups *= z.exprDistinct(e, in)
	}
	i.rows = math.Min(in.rows, groups)
	i.keys = append([]colSet(nil), in.keys...)
	if k := exprsColumns(r.On); k.len() == len(r.On) {
		i.addKey(k)
	}
	return &i
}

func (z *optimizer) limitInfo(r *plan.RelLimit) *info {
	i := *z.infoOf(r.Input)
	if n, ok := constInt(r.Offset); ok {
		i.rows = math.Max(0, i.rows-float64(n))
	}
	if n, ok := constInt(r.Count); ok {
		i.rows = math.Min(i.rows, float64(n))
		if n <= 1 {
			i.keys = []colSet{nil}
		}
	} else if r.Count != nil {
		i.rows = math.Min(i.rows, math.Max(1, i.rows/10))
	}
	return &i
}

func constInt(e expr.Expr) (int64, bool) {
	c, ok := e.(*expr.Const)
	if !ok || c.Value.IsNull() || c.Typ.Kind.Class() != types.ClassInt {
		return 0, false
	}
	return c.Value.I, true
}

func (z *optimizer) unionInfo(r *plan.RelUnion) *info {
	i := &info{stats: map[int]colStat{}}
	for n, in := range r.All {
		ii := z.infoOf(in)
		i.rows += ii.rows
		for j, c := range r.Out {
			st := i.stats[c.ID]
			st.distinct += ii.distinct(r.In[n][j])
			i.stats[c.ID] = st
			if n == 0 && ii.notNull.has(r.In[n][j]) {
				i.notNull.add(c.ID)
			} else if n > 0 && !ii.notNull.has(r.In[n][j]) && i.notNull.has(c.ID) {
				i.notNull[c.ID>>6] &^= 1 << (c.ID & 63)
			}
		}
	}
	return i
}

func (z *optimizer) setOpInfo(r *plan.RelSetOp) *info {
	l, rr := z.infoOf(r.L), z.infoOf(r.R)
	i := &info{rows: l.rows, stats: map[int]colStat{}}
	if r.Kind == plan.Intersect {
		i.rows = math.Min(l.rows, rr.rows)
	}
	var key colSet
	for j, c := range r.Out {
		i.stats[c.ID] = l.stat(r.LIn[j])
		key.add(c.ID)
		if l.notNull.has(r.LIn[j]) {
			i.notNull.add(c.ID)
		}
	}
	if !r.All {
		i.addKey(key)
	}
	return i
}

func seriesInfo(r *plan.RelSeries) *info {
	i := &info{rows: guessSeries, stats: map[int]colStat{}}
	from, ok1 := constInt(r.Start)
	to, ok2 := constInt(r.Stop)
	step, ok3 := constInt(r.Step)
	if ok1 && ok2 && ok3 && step != 0 {
		i.rows = math.Max(0, math.Floor((float64(to)-float64(from))/float64(step))+1)
		var key colSet
		key.add(r.Out.ID)
		i.addKey(key)
	}
	i.stats[r.Out.ID] = colStat{distinct: i.rows}
	i.notNull.add(r.Out.ID)
	return i
}
