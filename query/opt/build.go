package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// builder makes physical operators of logical ones.
type builder struct{ z *optimizer }

// layout says at which position an operator outputs a column.
type layout struct {
	cols []plan.Col
	pos  map[int]int
}

func newLayout(cols []plan.Col) *layout {
	l := &layout{cols: cols, pos: make(map[int]int, len(cols))}
	for i, c := range cols {
		if _, ok := l.pos[c.ID]; !ok {
			l.pos[c.ID] = i
		}
	}
	return l
}

func (l *layout) out() []plan.OutColumn {
	out := make([]plan.OutColumn, len(l.cols))
	for i, c := range l.cols {
		out[i] = plan.OutColumn{Name: c.Name, Type: c.Type, Table: c.Table, Attribute: c.Attribute}
	}
	return out
}

// joined is the layout of two inputs side by side.
func joined(l, r *layout) *layout {
	return newLayout(append(append(make([]plan.Col, 0, len(l.cols)+len(r.cols)), l.cols...), r.cols...))
}

// bind replaces column IDs by positions, and names columns as the plan's printer shows them.
func (b *builder) bind(l *layout, e expr.Expr) (expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	var err error
	out := expr.Rewrite(e, func(e expr.Expr) expr.Expr {
		switch e := e.(type) {
		case *expr.Column:
			p, ok := l.pos[e.ID]
			if !ok {
				err = sqlerr.Newf(sqlerr.InternalError, "plan: column %s:%d is not in the input", e.Name, e.ID)
				return e
			}
			name := e.Name
			if n, ok := b.z.names[e.ID]; ok {
				name = n
			}
			return &expr.Column{Node: e.Node, ID: p, Name: name}
		case *expr.Subquery:
			err = sqlerr.Unsupported("subquery of this form").At(e.Pos())
		}
		return e
	})
	return out, err
}

func (b *builder) bindAll(l *layout, list []expr.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = b.bind(l, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *builder) props(r plan.Rel, l *layout) plan.Props {
	return plan.Props{Out: l.out(), Rows: b.z.infoOf(r).rows}
}

// output builds a query block whose columns are exactly the given ones.
func (b *builder) output(r plan.Rel, out []plan.Col) (plan.Node, error) {
	n, l, err := b.build(r)
	if err != nil {
		return nil, err
	}
	want := newLayout(out)
	same := len(out) == len(l.cols)
	for i := 0; same && i < len(out); i++ {
		same = out[i].ID == l.cols[i].ID
	}
	if same && renamed(n, want.out()) {
		return n, nil
	}
	return b.projected(r, n, l, out)
}

// renamed gives an operator the names of the result columns, if its own output has no users.
func renamed(n plan.Node, out []plan.OutColumn) bool {
	switch n := n.(type) {
	case *plan.Project:
		n.Out = out
	case *plan.Scan:
		n.Out = out
	case *plan.Values:
		n.Out = out
	case *plan.Limit:
		n.Out = out
	case *plan.Sort:
		n.Out = out
	case *plan.Aggregate:
		n.Out = out
	case *plan.Filter:
		n.Out = out
	case *plan.Append:
		n.Out = out
	case *plan.SetOp:
		n.Out = out
	case *plan.Series:
		n.Out = out
	case *plan.Join:
		n.Out = out
	default:
		return false
	}
	return true
}

// projected picks and orders columns. A projection below is merged with this one.
func (b *builder) projected(r plan.Rel, n plan.Node, l *layout, out []plan.Col) (plan.Node, error) {
	p := &plan.Project{Props: b.props(r, newLayout(out)), Input: n}
	for _, c := range out {
		e, err := b.bind(l, c.Ref())
		if err != nil {
			return nil, err
		}
		p.Exprs = append(p.Exprs, e)
	}
	below, ok := n.(*plan.Project)
	if !ok || !mergeable(p.Exprs, below.Exprs) {
		return p, nil
	}
	for i, e := range p.Exprs {
		p.Exprs[i] = below.Exprs[e.(*expr.Column).ID]
	}
	p.Input = below.Input
	return p, nil
}

// mergeable reports whether a list of columns can be replaced by what they are computed from: nothing is
// computed twice then, or left out although it is volatile.
func mergeable(cols, below []expr.Expr) bool {
	used := make([]int, len(below))
	for _, c := range cols {
		used[c.(*expr.Column).ID]++
	}
	for i, e := range below {
		if _, ok := column(e); !ok && used[i] > 1 || used[i] == 0 && expr.IsVolatile(e) {
			return false
		}
	}
	return true
}

// build makes the operator of r and says where its columns are.
func (b *builder) build(r plan.Rel) (plan.Node, *layout, error) {
	if err := b.z.interrupted(); err != nil {
		return nil, nil, err
	}
	switch r := r.(type) {
	case *plan.RelScan:
		return b.scan(r, nil)
	case *plan.RelFilter:
		return b.filter(r)
	case *plan.RelProject:
		return b.project(r)
	case *plan.RelJoin:
		return b.join(r)
	case *plan.RelDependent:
		return b.dependent(r)
	case *plan.RelWindow:
		return b.window(r)
	case *plan.RelRecursive:
		return b.recursive(r)
	case *plan.RelFetch:
		return b.fetch(r)
	case *plan.RelHeld:
		l := newLayout(r.Out)
		return &plan.Held{Props: b.props(r, l), Of: r.Of}, l, nil
	case *plan.RelWorking:
		l := newLayout(r.Out)
		return &plan.Working{Props: b.props(r, l), Of: r.Of}, l, nil
	case *plan.RelShared:
		return b.shared(r)
	case *plan.RelAggregate:
		return b.aggregate(r)
	case *plan.RelValues:
		return b.values(r)
	case *plan.RelSort:
		return b.sort(r, nil)
	case *plan.RelLimit:
		return b.limit(r)
	case *plan.RelUnion:
		return b.union(r)
	case *plan.RelSetOp:
		return b.setOp(r)
	case *plan.RelDistinctOn:
		return b.distinctOn(r)
	case *plan.RelLock:
		return b.lock(r)
	case *plan.RelSeries:
		return b.series(r)
	}
	return nil, nil, sqlerr.Unsupported("correlated subquery of this form")
}

func (b *builder) values(r *plan.RelValues) (plan.Node, *layout, error) {
	l := newLayout(r.Out)
	n := &plan.Values{Props: b.props(r, l), Tuples: make([][]expr.Expr, len(r.Tuples))}
	none := newLayout(nil)
	for i, t := range r.Tuples {
		var err error
		if n.Tuples[i], err = b.bindAll(none, t); err != nil {
			return nil, nil, err
		}
	}
	return n, l, nil
}

// filter puts a condition into the scan below it.
func (b *builder) filter(r *plan.RelFilter) (plan.Node, *layout, error) {
	if s, ok := r.Input.(*plan.RelScan); ok {
		return b.scan(s, r)
	}
	in, l, err := b.build(r.Input)
	if err != nil {
		return nil, nil, err
	}
	cond, err := b.bind(l, ordered(r.Cond))
	if err != nil {
		return nil, nil, err
	}
	return &plan.Filter{Props: b.props(r, l), Input: in, Cond: cond}, l, nil
}

// ordered puts the conjuncts that cannot fail before those that can; otherwise as written.
func ordered(cond expr.Expr) expr.Expr {
	list := conjuncts(cond)
	safe := make([]expr.Expr, 0, len(list))
	var rest []expr.Expr
	for _, c := range list {
		if expr.CanFail(c) {
			rest = append(rest, c)
		} else {
			safe = append(safe, c)
		}
	}
	if len(rest) == 0 || len(safe) == 0 {
		return cond
	}
	return &expr.And{Node: boolNode(cond.Pos()), Args: append(safe, rest...)}
}

func (b *builder) project(r *plan.RelProject) (plan.Node, *layout, error) {
	in, l, err := b.build(r.Input)
	if err != nil {
		return nil, nil, err
	}
	exprs, err := b.bindAll(l, r.Exprs)
	if err != nil {
		return nil, nil, err
	}
	own := newLayout(r.Out)
	return &plan.Project{Props: b.props(r, own), Input: in, Exprs: exprs}, own, nil
}

func (b *builder) aggregate(r *plan.RelAggregate) (plan.Node, *layout, error) {
	in, l, err := b.build(r.Input)
	if err != nil {
		return nil, nil, err
	}
	own := newLayout(r.Out)
	n := &plan.Aggregate{Props: b.props(r, own), Input: in}
	if n.Keys, err = b.bindAll(l, r.Keys); err != nil {
		return nil, nil, err
	}
	n.Determined = b.z.determined(r)
	for _, a := range r.Aggs {
		e, err := b.bind(l, a)
		if err != nil {
			return nil, nil, err
		}
		n.Aggs = append(n.Aggs, e.(*expr.Aggregate))
	}
	return n, own, nil
}

func (b *builder) sortKeys(l *layout, keys []plan.SortKey) ([]plan.SortKey, error) {
	out := make([]plan.SortKey, len(keys))
	for i, k := range keys {
		e, err := b.bind(l, k.Expr)
		if err != nil {
			return nil, err
		}
		out[i] = plan.SortKey{Expr: e, Desc: k.Desc, NullsFirst: k.NullsFirst}
	}
	return out, nil
}

// sort builds a sort; topN is the number of rows wanted at most, nil for all.
func (b *builder) sort(r *plan.RelSort, topN expr.Expr) (plan.Node, *layout, error) {
	in, l, err := b.build(r.Input)
	if err != nil || sortedBy(r.Input, r.Keys) {
		return in, l, err
	}
	keys, err := b.sortKeys(l, r.Keys)
	if err != nil {
		return nil, nil, err
	}
	return &plan.Sort{Props: b.props(r, l), Input: in, Keys: keys, TopN: topN}, l, nil
}

// sortedBy reports whether an operator's output has an order already.
func sortedBy(r plan.Rel, keys []plan.SortKey) bool {
	d, ok := r.(*plan.RelDistinctOn)
	if !ok || len(keys) > len(d.Order) {
		return false
	}
	for i, k := range keys {
		o := d.Order[i]
		if !expr.Equal(k.Expr, o.Expr) || k.Desc != o.Desc || k.NullsFirst != o.NullsFirst {
			return false
		}
	}
	return true
}

// limit builds a limit; a sort directly below, or below a projection, learns how many rows it must keep.
func (b *builder) limit(r *plan.RelLimit) (plan.Node, *layout, error) {
	var in plan.Node
	var l *layout
	var err error
	if s, ok := r.Input.(*plan.RelSort); ok {
		in, l, err = b.sort(s, topN(r.Count, r.Offset))
	} else {
		in, l, err = b.build(r.Input)
	}
	if err != nil {
		return nil, nil, err
	}
	none := newLayout(nil)
	n := &plan.Limit{Props: b.props(r, l), Input: in}
	if n.Count, err = b.bind(none, r.Count); err != nil {
		return nil, nil, err
	}
	if n.Offset, err = b.bind(none, r.Offset); err != nil {
		return nil, nil, err
	}
	return n, l, nil
}

// topNRowsMax bounds the rows that a Top-N sort keeps in one heap.
const topNRowsMax = 1 << 20

// topN returns count + offset if that is known to be a small number, or count alone without an offset.
func topN(count, offset expr.Expr) expr.Expr {
	if count == nil {
		return nil
	}
	n, ok := constInt(count)
	if !ok {
		if _, isConst := count.(*expr.Const); isConst || offset != nil {
			return nil
		}
		return count
	}
	if offset != nil {
		o, ok := constInt(offset)
		if !ok || o < 0 {
			return nil
		}
		n += o
	}
	if n < 0 || n > topNRowsMax {
		return nil
	}
	return expr.NewConst(types.NewInt(types.Int8, n), types.T(types.Int8), count.Pos())
}

func (b *builder) union(r *plan.RelUnion) (plan.Node, *layout, error) {
	own := newLayout(r.Out)
	n := &plan.Append{Props: b.props(r, own)}
	for i, in := range r.All {
		c, err := b.positional(in, r.In[i], r.Out)
		if err != nil {
			return nil, nil, err
		}
		n.All = append(n.All, c)
	}
	return n, own, nil
}

// positional builds an input whose columns are matched by position.
func (b *builder) positional(in plan.Rel, ids []int, out []plan.Col) (plan.Node, error) {
	byID := map[int]plan.Col{}
	for _, c := range in.Cols() {
		byID[c.ID] = c
	}
	cols := make([]plan.Col, len(ids))
	for i, id := range ids {
		cols[i] = byID[id]
		if cols[i].ID == 0 {
			return nil, sqlerr.Newf(sqlerr.InternalError, "plan: column %s:%d is not in the input", out[i].Name, id)
		}
	}
	return b.output(in, cols)
}

func (b *builder) setOp(r *plan.RelSetOp) (plan.Node, *layout, error) {
	l, err := b.positional(r.L, r.LIn, r.Out)
	if err != nil {
		return nil, nil, err
	}
	rr, err := b.positional(r.R, r.RIn, r.Out)
	if err != nil {
		return nil, nil, err
	}
	own := newLayout(r.Out)
	return &plan.SetOp{Props: b.props(r, own), Kind: r.Kind, All: r.All, L: l, R: rr}, own, nil
}

// distinctOn sorts, and keeps the first row of each run.
func (b *builder) distinctOn(r *plan.RelDistinctOn) (plan.Node, *layout, error) {
	in, l, err := b.sort(&plan.RelSort{Input: r.Input, Keys: r.Order}, nil)
	if err != nil {
		return nil, nil, err
	}
	keys, err := b.bindAll(l, r.On)
	if err != nil {
		return nil, nil, err
	}
	return &plan.Unique{Props: b.props(r, l), Input: in, Keys: keys}, l, nil
}

// window sorts by partitions and order, and computes the functions.
func (b *builder) window(r *plan.RelWindow) (plan.Node, *layout, error) {
	sorted := r.Input
	if keys := plan.WindowKeys(r.Funcs[0]); len(keys) > 0 {
		sorted = &plan.RelSort{Input: r.Input, Keys: keys}
	}
	in, l, err := b.build(sorted)
	if err != nil {
		return nil, nil, err
	}
	if s, ok := in.(*plan.Sort); ok && r.Top != nil {
		s.Groups = &plan.SortGroups{Keys: len(r.Funcs[0].Partition), WindowTop: *r.Top}
	}
	own := newLayout(append(l.cols[:len(l.cols):len(l.cols)], r.Out...))
	n := &plan.Window{Props: b.props(r, own), Input: in}
	for _, f := range r.Funcs {
		e, err := b.bind(l, f)
		if err != nil {
			return nil, nil, err
		}
		n.Funcs = append(n.Funcs, e.(*expr.Window))
	}
	return n, own, nil
}

func (b *builder) series(r *plan.RelSeries) (plan.Node, *layout, error) {
	l := newLayout([]plan.Col{r.Out})
	args, err := b.bindAll(newLayout(nil), []expr.Expr{r.Start, r.Stop, r.Step})
	if err != nil {
		return nil, nil, err
	}
	return &plan.Series{Props: b.props(r, l), Start: args[0], Stop: args[1], Step: args[2]}, l, nil
}
