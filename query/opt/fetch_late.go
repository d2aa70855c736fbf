package opt

import (
	"math"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Late says which columns are fetched by the positions of their rows once few rows are left.
type Late uint8

// LateAuto: those for which that is estimated to be less work. LateAlways: all that can be, where they are read first.
// LateNever: none.
const (
	LateAuto Late = iota
	LateAlways
	LateNever
)

// Estimated work, in bytes copied from one place of memory to another.
const (
	lateCopyString = 24 // for keeping a string, besides its bytes
	lateGuessWidth = 16 // bytes of a string of which nothing is known
	lateRefBytes   = 8  // of a position
	lateReadRef    = 2  // for reading a position
	// lateDoubt is by how much more rows may be left than estimated without the plan being a bad one: operators
	// other than LIMIT promise nothing.
	lateDoubt = 16
	// lateGainMin is what makes another operator worth while.
	lateGainMin = 100_000
)

// lateWork is the work of reading rows of a table: one row by its position, a column of such a row, and a column of a
// row in a scan.
type lateWork struct{ fetchRow, fetchCol, scanCol float64 }

// lateWorkOf depends on the tier: an LSM table finds rows by keys, and decodes what a scan reads of them.
func lateWorkOf(def *table.TableDef) lateWork {
	switch def.Method {
	case "memory":
		return lateWork{400, 100, 0.5}
	case "lsm":
		return lateWork{20_000, 100, 40}
	}
	return lateWork{1000, 400, 1}
}

// lateRow is a table whose rows an operator passes on: cols are the columns that it outputs and nobody has read yet.
type lateRow struct {
	scan *plan.RelScan
	cols colSet
	// read is the estimated number of rows that the scan reads, copies that of the rows in which operators keep columns.
	read, copies float64
}

// lateFetch is the best place for fetching columns of a table: above at.
type lateFetch struct {
	at     plan.Rel
	cols   []int // positions in the scan's output
	gain   float64
	copies float64
	ref    plan.Col
}

// later finds the columns of a query block that are fetched late, and where. A table is in best at most once.
type later struct {
	z    *optimizer
	best map[*plan.RelScan]*lateFetch
	// order has the scans of best in the order in which they were found.
	order []*plan.RelScan
	// uses counts the places where a scan stands.
	uses map[*plan.RelScan]int
}

// fetchLate carries the positions of rows in place of columns that operators would only keep, and fetches the columns
// above them, where few rows are left.
//
// A column may come late if every operator between its scan and the place passes it on as it is. Then each row there
// comes from one row of the table, or has NULL in all its columns and in the position, which is what outer joins make of
// a row without a match. A grouping passes a column on that is a key which other keys determine through the primary key
// of the table: all rows of a group come from one row of it.
func (z *optimizer) fetchLate(r plan.Rel) plan.Rel {
	if z.o.Disabled[RuleFetchLate] || z.o.Late == LateNever {
		return r
	}
	l := &later{z: z, best: map[*plan.RelScan]*lateFetch{}, uses: map[*plan.RelScan]int{}}
	plan.Walk(r, func(r plan.Rel) {
		if s, ok := r.(*plan.RelScan); ok {
			l.uses[s]++
		}
	})
	l.finish(r)
	n := r
	if len(l.best) > 0 {
		n = l.rewrite(r)
		z.fired(RuleFetchLate, n)
	}
	return n
}

// finish looks for places in r, above which everything that it outputs is read.
func (l *later) finish(r plan.Rel) { l.consider(r, l.rows(r)) }

// rows returns the tables whose rows r passes on, and considers the places below it.
func (l *later) rows(r plan.Rel) []*lateRow {
	switch r := r.(type) {
	case *plan.RelScan:
		return l.scan(r, r)
	case *plan.RelFilter:
		if s, ok := r.Input.(*plan.RelScan); ok {
			return withoutCols(l.scan(s, r), exprCols(r.Cond))
		}
		return l.input(r, r.Input, exprCols(r.Cond), 0)
	case *plan.RelProject:
		return l.project(r)
	case *plan.RelJoin:
		return l.join(r)
	case *plan.RelAggregate:
		return l.aggregate(r)
	case *plan.RelDistinctOn:
		read := exprsCols(r.On)
		read.addAll(sortCols(r.Order))
		return l.input(r, r.Input, read, l.z.infoOf(r.Input).rows)
	case *plan.RelSort:
		return l.input(r, r.Input, sortCols(r.Keys), l.z.infoOf(r.Input).rows)
	case *plan.RelLimit:
		if s, ok := r.Input.(*plan.RelSort); ok { // the two are one operator
			return l.input(s, s.Input, sortCols(s.Keys), l.keptOf(r, s))
		}
		return l.input(r, r.Input, nil, 0)
	case *plan.RelWindow:
		var read colSet
		for _, f := range r.Funcs {
			read.addAll(exprCols(f))
		}
		return l.input(r, r.Input, read, l.z.infoOf(r.Input).rows)
	case *plan.RelDependent: // its right side is a plan of its own, which runs many times
		read := exprsCols(r.Args)
		read.addAll(exprCols(r.When))
		return l.input(r, r.L, read, 0)
	case *plan.RelUnion, *plan.RelSetOp: // their columns are others
		for _, c := range r.Children() {
			l.finish(c)
		}
	}
	return nil
}

// scan begins with the rows of a scan, which passes on those of f.
func (l *later) scan(r *plan.RelScan, f plan.Rel) []*lateRow {
	if l.uses[r] > 1 || r.Ref.ID != 0 || l.z.scanOf[firstID(r)] == nil {
		return nil
	}
	return []*lateRow{{scan: r, cols: colsOf(r.Out), read: l.z.infoOf(f).rows}}
}

func firstID(r *plan.RelScan) int {
	if len(r.Out) == 0 {
		return 0
	}
	return r.Out[0].ID
}

// input passes on what comes from the only input of an operator that reads columns, and keeps a number of rows.
func (l *later) input(r, in plan.Rel, read colSet, kept float64) []*lateRow {
	rows := l.rows(in)
	l.consider(in, rows)
	rows = withoutCols(rows, read)
	for _, x := range rows {
		x.copies += kept
	}
	return rows
}

// withoutCols takes columns away that are read.
func withoutCols(rows []*lateRow, read colSet) []*lateRow {
	kept := rows[:0]
	for _, x := range rows {
		if x.cols = x.cols.without(read); !x.cols.empty() {
			kept = append(kept, x)
		}
	}
	return kept
}

// topKept is how many rows a Top-N sort keeps beyond those that are wanted, once it drops rows by their first key.
const topKept = 1 << 13

// keptOf estimates the rows that a sort below a limit keeps.
func (l *later) keptOf(r *plan.RelLimit, s *plan.RelSort) float64 {
	rows := l.z.infoOf(s.Input).rows
	if len(s.Keys) == 0 || topN(r.Count, r.Offset) == nil {
		return rows
	}
	if c := s.Keys[0].Expr.Type().Class(); c != types.ClassInt && c != types.ClassNumeric {
		return rows
	}
	return math.Min(rows, l.z.infoOf(r).rows+topKept)
}

// project passes on columns that keep their names, if nothing is computed of them.
func (l *later) project(r *plan.RelProject) []*lateRow {
	var read, passed colSet
	for i, e := range r.Exprs {
		if c, ok := column(e); ok && c.ID == r.Out[i].ID {
			passed.add(c.ID)
		} else {
			read.addAll(exprCols(e))
		}
	}
	rows := l.input(r, r.Input, read, 0)
	for _, x := range rows {
		x.cols = x.cols.intersect(passed)
	}
	return withoutCols(rows, nil)
}

// join passes on both sides, or the left one; the side that is built is kept.
func (l *later) join(r *plan.RelJoin) []*lateRow {
	li, ri := l.z.infoOf(r.L).rows, l.z.infoOf(r.R).rows
	left, right := 0.0, ri
	if !l.z.o.Disabled[RuleChooseBuildSide] && buildsLeft(r, li, ri) {
		left, right = li, 0
	}
	read := exprCols(r.Cond)
	if invariants.Mutant("opt-late-ignores-condition") {
		read = nil
	}
	rows := l.input(r, r.L, read, left)
	other := l.input(r, r.R, read, right)
	switch r.Kind {
	case plan.Inner, plan.Left, plan.Full, plan.Single:
		return append(rows, other...)
	}
	return rows
}

// aggregate passes on keys that the others determine by the primary key of their table.
func (l *later) aggregate(r *plan.RelAggregate) []*lateRow {
	rows := l.rows(r.Input)
	l.consider(r.Input, rows)
	if l.z.o.Disabled[RuleDeterminedKeys] {
		return nil
	}
	var keys, computed colSet
	for i, k := range r.Keys {
		if c, ok := column(k); ok && c.ID == r.Out[i].ID {
			keys.add(c.ID)
		} else {
			computed.addAll(exprCols(k))
		}
	}
	for _, a := range r.Aggs {
		computed.addAll(exprCols(a))
	}
	rows = withoutCols(rows, computed)
	d := l.z.dependenciesOfKeys(r)
	groups := l.z.infoOf(r).rows
	passed := rows[:0]
	for _, x := range rows {
		bound := l.z.scanOf[firstID(x.scan)]
		x.cols = x.cols.intersect(keys).without(keyIDs(bound))
		// What has been taken away for other tables stays away, so that keys are left that determine all positions: these
		// need not be compared.
		rest := keys.without(x.cols)
		if x.cols.empty() || len(bound.Table.PrimaryKey()) == 0 && !invariants.Mutant("opt-late-without-key") ||
			!keyIDs(bound).subsetOf(d.closure(rest)) {
			continue
		}
		keys = rest
		x.copies += groups
		passed = append(passed, x)
	}
	return passed
}

// keyIDs returns the columns of the primary key of a scan, as bound.
func keyIDs(bound *plan.RelScan) colSet {
	var s colSet
	for _, attr := range bound.Table.PrimaryKey() {
		s.add(bound.Out[attr].ID)
	}
	return s
}

// consider decides whether above at is the best place so far for the columns of rows.
func (l *later) consider(at plan.Rel, rows []*lateRow) {
	if _, scan := at.(*plan.RelScan); scan {
		return
	}
	for _, x := range rows {
		f := l.place(at, x)
		if f == nil {
			continue
		}
		if l.best[x.scan] == nil {
			l.order = append(l.order, x.scan)
		}
		l.best[x.scan] = f
	}
}

// place returns how columns of a table would be fetched above an operator, nil if that is no better than what is known.
func (l *later) place(at plan.Rel, x *lateRow) *lateFetch {
	work := lateWorkOf(x.scan.Table)
	left := l.z.infoOf(at).rows
	if !promises(at) {
		left *= lateDoubt
	}
	f := &lateFetch{at: at, copies: x.copies, gain: -x.copies*lateRefBytes - x.read*lateReadRef - left*work.fetchRow}
	for i, c := range x.scan.Out {
		if !x.cols.has(c.ID) {
			continue
		}
		gain := x.copies*l.width(x.scan, i) + x.read*work.scanCol - left*work.fetchCol
		if gain > 0 || l.z.o.Late == LateAlways {
			f.cols = append(f.cols, i)
			f.gain += gain
		}
	}
	best := l.best[x.scan]
	switch {
	case len(f.cols) == 0:
		return nil
	case l.z.o.Late == LateAlways:
	case f.gain < lateGainMin || best != nil && best.gain >= f.gain:
		return nil
	}
	return f
}

// promises reports whether an operator has no more rows than is estimated.
func promises(r plan.Rel) bool {
	n, ok := r.(*plan.RelLimit)
	if !ok {
		return false
	}
	_, ok = constInt(n.Count)
	return ok
}

// width estimates the bytes that are copied for a value of column i of a scan.
func (l *later) width(r *plan.RelScan, i int) float64 {
	t := r.Out[i].Type
	switch precision, _, fixed := t.PrecisionScale(); {
	case t.Class() == types.ClassInt, t.Class() == types.ClassFloat, fixed && precision <= 18:
		return 8
	case t.Class() == types.ClassInterval:
		return 16
	}
	s := l.z.tableStats(r.Table)
	width := 0.0
	if a := r.Attrs[i]; a < s.NumColumns() {
		width = s.Column(a).WidthBytes
	}
	if t.Class() == types.ClassNumeric {
		return math.Max(width, 8)
	}
	if width == 0 {
		width = lateGuessWidth
	}
	return width + lateCopyString
}

// rewrite puts the fetches into a plan.
func (l *later) rewrite(r plan.Rel) plan.Rel {
	n := plan.MapRels(r, l.rewrite)
	switch x := n.(type) {
	case *plan.RelScan:
		if s, ok := r.(*plan.RelScan); ok && l.best[s] != nil {
			n = l.withRef(s)
		}
	case *plan.RelProject:
		if n != r {
			exprs, out := l.inPlace(x.Input, x.Exprs, x.Out)
			n = &plan.RelProject{Input: x.Input, Exprs: exprs, Out: out}
		}
	case *plan.RelAggregate:
		if n != r {
			keys, out := l.inPlace(x.Input, x.Keys, x.Out[:len(x.Keys)])
			n = &plan.RelAggregate{Input: x.Input, Keys: keys, Aggs: x.Aggs, Out: append(out, x.Out[len(x.Keys):]...)}
		}
	}
	for _, s := range l.order {
		if f := l.best[s]; f.at == r {
			n = l.fetch(n, s, f)
		}
	}
	return n
}

// withRef is a scan that reads positions in place of what comes late.
func (l *later) withRef(s *plan.RelScan) plan.Rel {
	f := l.best[s]
	bound := l.z.scanOf[firstID(s)]
	f.ref = l.z.newCol(s.Alias+".ref", types.T(types.Int8))
	l.z.scanOf[f.ref.ID] = bound
	if l.z.refOf == nil {
		l.z.refOf = map[*plan.RelScan]int{}
	}
	l.z.refOf[bound] = f.ref.ID
	n := &plan.RelScan{Table: s.Table, Alias: s.Alias, Ref: f.ref}
	late := f.cols
	for i, c := range s.Out {
		if len(late) > 0 && late[0] == i {
			late = late[1:]
			continue
		}
		n.Out, n.Attrs = append(n.Out, c), append(n.Attrs, s.Attrs[i])
	}
	return n
}

// inPlace replaces columns that come late by the positions that the input has, in a list that passes them on.
func (l *later) inPlace(in plan.Rel, exprs []expr.Expr, out []plan.Col) ([]expr.Expr, []plan.Col) {
	var late colSet
	var refs []plan.Col
	have := colsOf(in.Cols())
	for _, s := range l.order {
		f := l.best[s]
		if f.ref.ID == 0 || !have.has(f.ref.ID) || have.has(s.Out[f.cols[0]].ID) {
			continue
		}
		refs = append(refs, f.ref)
		for _, i := range f.cols {
			late.add(s.Out[i].ID)
		}
	}
	var newExprs []expr.Expr
	var newOut []plan.Col
	for i, c := range out {
		if !late.has(c.ID) {
			newExprs, newOut = append(newExprs, exprs[i]), append(newOut, c)
		}
	}
	for _, c := range refs {
		newExprs, newOut = append(newExprs, c.Ref()), append(newOut, c)
	}
	return newExprs, newOut
}

// fetch adds the columns that come late.
func (l *later) fetch(in plan.Rel, s *plan.RelScan, f *lateFetch) plan.Rel {
	n := &plan.RelFetch{Input: in, Scan: s, Ref: f.ref, Copies: f.copies}
	for _, i := range f.cols {
		n.Out, n.Attrs = append(n.Out, s.Out[i]), append(n.Attrs, s.Attrs[i])
	}
	return n
}

// fetch builds a fetch of columns by positions.
func (b *builder) fetch(r *plan.RelFetch) (plan.Node, *layout, error) {
	in, l, err := b.build(r.Input)
	if err != nil {
		return nil, nil, err
	}
	own := newLayout(append(l.cols[:len(l.cols):len(l.cols)], r.Out...))
	return &plan.Fetch{
		Props: b.props(r, own), Input: in, Table: r.Scan.Table, Alias: r.Scan.Alias, RefCol: l.pos[r.Ref.ID], Cols: r.Attrs, Copies: r.Copies,
	}, own, nil
}
