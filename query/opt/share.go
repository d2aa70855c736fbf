package opt

import (
	"math"
	"slices"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// Shared plans are of two kinds. The binder makes those of WITH queries that must run once, or shall (MATERIALIZED); they
// are planned when the first reader is met, by themselves. SharePlans finds the others: parts of the statement that are
// written several times, or come from a view or a WITH query that is used several times.
//
// Operators that read a shared plan are built before it. What they read decides which columns it outputs, so that their
// positions are filled in last.

// sharedPlan is a shared plan while the statement is planned. It reads only those before it.
type sharedPlan struct {
	def *plan.SharedDef
	// rel is the optimized plan, with subplans of its own.
	rel      plan.Rel
	subplans []subplan
	readers  []*plan.Shared // whose columns are positions of def.Out
}

// subplan is a plan.Subplan that is not built yet: it yields the columns out of rel.
type subplan struct {
	plan.Subplan
	rel plan.Rel
	out []plan.Col
}

// sharedOf returns the shared plan of a definition, which is planned if it is met for the first time.
func (z *optimizer) sharedOf(def *plan.SharedDef) (*sharedPlan, error) {
	for _, s := range z.shared {
		if s.def == def {
			return s, nil
		}
	}
	outer := z.subplans
	z.subplans = nil
	rel, err := z.logical(inlined(def.Root), def.Out)
	s := &sharedPlan{def: def, rel: rel, subplans: z.subplans}
	z.subplans = outer
	if err != nil {
		return nil, err
	}
	z.shared = append(z.shared, s)
	return s, nil
}

// inlined replaces the only reader of a shared plan by the plan, if it is evaluated once there.
func inlined(r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelShared:
		if r.Def.Readers > 1 || r.Def.Fenced {
			return r
		}
		return inlined(readerProject(r, r.Def.Root))
	case *plan.RelApply:
		n := *r
		n.L = inlined(r.L)
		return &n
	case *plan.RelRecursive:
		n := *r
		n.Base = inlined(r.Base)
		return &n
	}
	return plan.MapRels(r, inlined)
}

// readerProject is what r yields as a projection of the shared plan.
func readerProject(r *plan.RelShared, root plan.Rel) *plan.RelProject {
	p := &plan.RelProject{Input: root, Out: r.Out}
	for _, a := range r.Attrs {
		p.Exprs = append(p.Exprs, r.Def.Out[a].Ref())
	}
	return p
}

// sharedRel unnests a reader of a shared plan: it stays one, unless it is the only one and may run anywhere.
func (z *optimizer) sharedRel(r *plan.RelShared) (plan.Rel, error) {
	if r.Def.Readers == 1 && !r.Def.Fenced && !r.Def.Volatile {
		return z.unnest(readerProject(r, r.Def.Root))
	}
	_, err := z.sharedOf(r.Def)
	return r, err
}

// sharedInfo is what is known about the rows of a shared plan.
func (z *optimizer) sharedInfo(r *plan.RelShared) *info {
	for _, s := range z.shared {
		if s.def != r.Def {
			continue
		}
		return z.projectInfo(readerProject(r, s.rel))
	}
	return &info{rows: guessRows}
}

func pruneShared(r *plan.RelShared, need colSet) plan.Rel {
	n := &plan.RelShared{Def: r.Def}
	for i, c := range r.Out {
		if need.has(c.ID) {
			n.Out, n.Attrs = append(n.Out, c), append(n.Attrs, r.Attrs[i])
		}
	}
	if len(n.Out) == len(r.Out) {
		return r
	}
	return n
}

// shared builds a reader of a shared plan.
func (b *builder) shared(r *plan.RelShared) (plan.Node, *layout, error) {
	s, err := b.z.sharedOf(r.Def)
	if err != nil {
		return nil, nil, err
	}
	l := newLayout(r.Out)
	n := &plan.Shared{Props: b.props(r, l), Of: 1 + slices.Index(b.z.shared, s), Name: r.Def.Name, Cols: slices.Clone(r.Attrs)}
	s.readers = append(s.readers, n)
	return n, l, nil
}

// buildShared builds the shared plans that are read, last ones first: then all readers of a plan are built before it.
func (b *builder) buildShared() ([]plan.SharedPlan, error) {
	var out []plan.SharedPlan
	for i, s := range slices.Backward(b.z.shared) {
		if len(s.readers) == 0 {
			continue
		}
		var keep []int
		for _, n := range s.readers {
			keep = append(keep, n.Cols...)
		}
		slices.Sort(keep)
		if keep = slices.Compact(keep); len(keep) == 0 && len(s.def.Out) > 0 {
			keep = []int{0} // rows have at least a column
		}
		for _, n := range s.readers {
			for k, a := range n.Cols {
				n.Cols[k], _ = slices.BinarySearch(keep, a)
			}
		}
		cols := make([]plan.Col, len(keep))
		for k, a := range keep {
			cols[k] = s.def.Out[a]
		}
		p := plan.SharedPlan{Of: 1 + i, Name: s.def.Name}
		var err error
		if p.Root, err = b.output(b.z.prune(s.rel, colsOf(cols)), cols); err != nil {
			return nil, err
		}
		if p.Subplans, err = b.subplans(s.subplans); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.Reverse(out)
	return out, nil
}

// subplans builds subplans.
func (b *builder) subplans(list []subplan) ([]plan.Subplan, error) {
	var out []plan.Subplan
	for _, s := range list {
		rel := s.rel
		if b.z.reads {
			rel = b.z.fetchLate(rel)
		}
		var err error
		if s.Root, err = b.output(rel, s.out); err != nil {
			return nil, err
		}
		out = append(out, s.Subplan)
	}
	return out, nil
}

// shareCostMin is the least number of rows that a plan must take in to be worth running once.
const shareCostMin = 10_000

// sharer finds equal parts of a statement.
type sharer struct {
	z *optimizer
	// parts are those that may be shared, parents first; byShape are their numbers by shape.
	parts   []sharePart
	byShape map[uint64][]int
	// reader is what stands in the place of a part.
	reader map[plan.Rel]plan.Rel
}

// sharePart is an operator with all below it.
type sharePart struct {
	rel   plan.Rel
	last  int    // the number of the last part within it
	shape uint64 // that it stands under in byShape
	ok    bool   // it does
}

// sharePlans lets equal parts of the statement run once: of the query, whose optimized plan is r, and its subplans.
func (z *optimizer) sharePlans(r plan.Rel) plan.Rel {
	if z.o.Disabled[RuleSharePlans] {
		return r
	}
	s := &sharer{z: z, byShape: map[uint64][]int{}, reader: map[plan.Rel]plan.Rel{}}
	s.collect(r, false)
	for i := range z.subplans {
		s.collect(z.subplans[i].rel, false)
	}
	taken := make([]bool, len(s.parts))
	for i := range s.parts {
		p := &s.parts[i]
		if list := s.byShape[p.shape]; p.ok && !taken[i] && len(list) > 1 {
			s.shareAll(i, list, taken)
		}
	}
	if len(s.reader) == 0 {
		return r
	}
	for i := range z.subplans {
		z.subplans[i].rel = s.replace(z.subplans[i].rel)
	}
	return s.replace(r)
}

// replace puts the readers into a plan.
func (s *sharer) replace(r plan.Rel) plan.Rel {
	if n, ok := s.reader[r]; ok {
		return n
	}
	return plan.MapRels(r, s.replace)
}

// collect notes the parts of a plan that may be shared and returns the shape of r; ok if r itself yields the same rows
// wherever it stands: it is not volatile, and uses nothing but tables, the statement's parameters and other shared plans.
// Of a tree of joins only the whole is worth sharing: joins filter each other's scans.
func (s *sharer) collect(r plan.Rel, inJoin bool) (shape uint64, works, ok bool) {
	at := len(s.parts)
	s.parts = append(s.parts, sharePart{rel: r})
	_, isJoin := r.(*plan.RelJoin)
	below := isJoin || inJoin && passesRows(r)
	shape, ok = shapeOf(r), s.z.sameAnywhere(r)
	for i, c := range r.Children() {
		if _, inner := r.(*plan.RelDependent); inner && i == 1 {
			continue // it runs for each row
		}
		h, w, same := s.collect(c, below)
		shape, works, ok = (shape^h)*0x9e3779b97f4a7c15, works || w, ok && same
		shape ^= shape >> 29
	}
	works = works || !passesRows(r) && len(r.Children()) > 0
	s.parts[at].last = len(s.parts) - 1
	if ok && works && !(inJoin && joinBelow(r)) {
		s.parts[at].shape, s.parts[at].ok = shape, true
		s.byShape[shape] = append(s.byShape[shape], at)
	}
	return shape, works, ok
}

// passesRows reports whether an operator computes nothing out of several rows.
func passesRows(r plan.Rel) bool {
	switch r.(type) {
	case *plan.RelFilter, *plan.RelProject:
		return true
	}
	return false
}

// joinBelow reports whether r is a join, or passes the rows of one.
func joinBelow(r plan.Rel) bool {
	for passesRows(r) {
		r = r.Children()[0]
	}
	_, ok := r.(*plan.RelJoin)
	return ok
}

// sameAnywhere reports whether an operator itself, leaving out those below, may be compared to another one.
func (z *optimizer) sameAnywhere(r plan.Rel) bool {
	switch r := r.(type) {
	case *plan.RelScan:
		return r.Ref.ID == 0
	case *plan.RelValues, *plan.RelFilter, *plan.RelProject, *plan.RelJoin, *plan.RelAggregate, *plan.RelDistinctOn,
		*plan.RelSort, *plan.RelLimit, *plan.RelUnion, *plan.RelSetOp, *plan.RelSeries, *plan.RelWindow, *plan.RelShared:
	default:
		return false
	}
	if plan.IsVolatileItself(r) {
		return false
	}
	same := true
	plan.Exprs(r, func(e expr.Expr) {
		expr.Walk(e, func(e expr.Expr) bool {
			p, ok := e.(*expr.Param)
			same = same && (!ok || p.N <= z.given)
			return same
		})
	})
	return same
}

// shapeOf is a hash of what two operators must have in common to be equal.
func shapeOf(r plan.Rel) uint64 {
	switch r := r.(type) {
	case *plan.RelScan:
		return 1 + uint64(r.Table.ID)<<8
	case *plan.RelValues:
		return 2 + uint64(len(r.Tuples))<<8
	case *plan.RelFilter:
		return 3
	case *plan.RelProject:
		return 4
	case *plan.RelJoin:
		return 5 + uint64(r.Kind)<<8
	case *plan.RelAggregate:
		return 6 + uint64(len(r.Keys))<<8
	case *plan.RelDistinctOn:
		return 7
	case *plan.RelSort:
		return 8
	case *plan.RelLimit:
		return 9
	case *plan.RelUnion:
		return 10 + uint64(len(r.All))<<8
	case *plan.RelSetOp:
		return 11 + uint64(r.Kind)<<8
	case *plan.RelSeries:
		return 12
	case *plan.RelWindow:
		return 13
	}
	return 14
}

// shareAll shares part i with those of the same shape that are equal to it, if that costs less than running them all.
func (s *sharer) shareAll(i int, list []int, taken []bool) {
	first := s.parts[i].rel
	if !freeCols(first).empty() {
		return
	}
	whole, equal := first, []int{i}
	maps := []map[int]int{{}}
	for _, j := range list {
		if j <= s.parts[i].last || taken[j] {
			continue
		}
		m := merger{to: map[int]int{}}
		if n := m.rel(whole, s.parts[j].rel); n != nil {
			whole, equal, maps = n, append(equal, j), append(maps, m.to)
		}
	}
	if !s.pays(whole, len(equal)) {
		return
	}
	def := &plan.SharedDef{Root: whole, Out: whole.Cols(), Readers: len(equal)}
	s.z.shared = append(s.z.shared, &sharedPlan{def: def, rel: whole})
	at := map[int]int{}
	for k, c := range def.Out {
		at[c.ID] = k
	}
	for k, j := range equal {
		r := &plan.RelShared{Def: def, Out: s.parts[j].rel.Cols()}
		for _, c := range r.Out {
			id, ok := maps[k][c.ID]
			if !ok {
				id = c.ID
			}
			r.Attrs = append(r.Attrs, at[id])
		}
		s.reader[s.parts[j].rel] = r
		for x := j; x <= s.parts[j].last; x++ {
			taken[x] = true
		}
		s.z.fired(RuleSharePlans, r)
	}
}

// pays compares the rows that running a plan again takes in with those that are kept and read instead, which cost more
// each.
func (s *sharer) pays(r plan.Rel, times int) bool {
	if times < 2 {
		return false
	}
	if s.z.o.ShareAlways {
		return true
	}
	cost := s.z.rowsIn(r)
	return cost >= shareCostMin && 2*float64(times+1)*s.z.infoOf(r).rows <= float64(times-1)*cost
}

// rowsIn estimates the rows that the operators of a plan take in.
func (z *optimizer) rowsIn(r plan.Rel) float64 {
	n := 0.0
	for _, c := range r.Children() {
		n += z.infoOf(c).rows + z.rowsIn(c)
	}
	return math.Min(n, math.MaxFloat64/1e20)
}
