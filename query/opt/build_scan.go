package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// scan builds a scan with the condition of the filter above it, if there is one. If the condition fixes
// the whole primary key, the scan becomes a look-up.
func (b *builder) scan(r *plan.RelScan, f *plan.RelFilter) (plan.Node, *layout, error) {
	cols := r.Cols()
	l := newLayout(cols)
	n := &plan.Scan{Props: b.props(r, l), Table: r.Table, Alias: r.Alias, Cols: r.Attrs, Refs: r.Ref.ID != 0}
	if f == nil {
		return n, l, nil
	}
	n.Rows = b.z.infoOf(f).rows
	conds := conjuncts(ordered(f.Cond))
	if !b.z.o.Disabled[RuleKeyLookup] {
		if n.Key, conds = keyLookup(r, conds); n.Key != nil {
			b.z.fired(RuleKeyLookup, f)
		}
	}
	var err error
	if cond := and(conds...); cond != nil {
		if n.Filter, err = b.bind(l, cond); err != nil {
			return nil, nil, err
		}
	}
	if n.Key != nil {
		n.Rows = 1
		if n.Key, err = b.bindAll(newLayout(nil), n.Key); err != nil {
			return nil, nil, err
		}
	}
	return n, l, nil
}

// keyLookup finds a constant for each primary key column among the conditions, and returns the others. A
// constant that may fail or is volatile is no key, since a look-up evaluates it even if the table is empty.
func keyLookup(r *plan.RelScan, conds []expr.Expr) (key, rest []expr.Expr) {
	pk := r.Table.PrimaryKey()
	if len(pk) == 0 {
		return nil, conds
	}
	key = make([]expr.Expr, len(pk))
	used := map[int]bool{}
	for i, attr := range pk {
		for n, c := range conds {
			if v := keyValue(r, attr, c); v != nil && !used[n] {
				key[i] = v
				used[n] = true
				break
			}
		}
		if key[i] == nil {
			return nil, conds
		}
	}
	for n, c := range conds {
		if !used[n] {
			rest = append(rest, c)
		}
	}
	return key, rest
}

// keyValue returns the constant that a condition says the column attr is equal to; nil if it does not.
func keyValue(r *plan.RelScan, attr int, cond expr.Expr) expr.Expr {
	l, rr, ok := equality(cond)
	if !ok {
		return nil
	}
	for _, side := range [][2]expr.Expr{{l, rr}, {rr, l}} {
		c, ok := keyColumn(r, side[0])
		if !ok || c != attr || !exprCols(side[1]).empty() || !movable(side[1]) {
			continue
		}
		want := r.Table.Columns[attr].Type
		if v := side[1]; v.Type().Kind == want.Kind {
			return v
		} else if k := widened(v, want.Kind); k != nil {
			return k
		}
	}
	return nil
}

// keyColumn returns the table column that an expression is, seen through a change of label from varchar
// to text.
func keyColumn(r *plan.RelScan, e expr.Expr) (int, bool) {
	if call, ok := e.(*expr.Call); ok && len(call.Args) == 1 && call.Func.Syntax == expr.SyntaxCast &&
		stringlike(call.Typ.Kind) && stringlike(call.Args[0].Type().Kind) {
		e = call.Args[0]
	}
	c, ok := column(e)
	if !ok {
		return 0, false
	}
	for i, o := range r.Out {
		if o.ID == c.ID {
			return r.Attrs[i], true
		}
	}
	return 0, false
}

func stringlike(k types.Kind) bool { return k == types.Text || k == types.Varchar }

// widened converts a value to the kind of a key column where equality of the values does not change: text
// to varchar, and integer constants that fit.
func widened(v expr.Expr, k types.Kind) expr.Expr {
	from := v.Type().Kind
	if stringlike(from) && stringlike(k) {
		if e, err := expr.NewCast(v, types.T(k), expr.Implicit, v.Pos()); err == nil {
			return e
		}
		return nil
	}
	if intBits[from] == 0 || intBits[k] == 0 {
		return nil
	}
	if c, ok := v.(*expr.Const); ok && !c.Value.IsNull() {
		if bits := intBits[k]; c.Value.I < -1<<(bits-1) || c.Value.I > 1<<(bits-1)-1 {
			return nil
		}
		return expr.NewConst(types.NewInt(k, c.Value.I), types.T(k), v.Pos())
	}
	if intBits[from] < intBits[k] {
		if e, err := expr.NewCast(v, types.T(k), expr.Implicit, v.Pos()); err == nil {
			return e
		}
	}
	return nil
}

// intBits are the widths of the integer kinds.
var intBits = [types.NumKinds]uint{types.Int2: 16, types.Int4: 32, types.Int8: 64}
