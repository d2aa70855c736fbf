package exec

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// splitAnd returns the conjuncts of a condition, folded.
func splitAnd(e expr.Expr, ctx *expr.Context) []expr.Expr {
	if e == nil {
		return nil
	}
	e = expr.Fold(e, ctx)
	and, ok := e.(*expr.And)
	if !ok {
		return []expr.Expr{e}
	}
	var out []expr.Expr
	for _, a := range and.Args {
		out = append(out, splitAnd(a, ctx)...)
	}
	return out
}

var scanOps = map[string]table.Op{
	"=": table.OpEq, "<>": table.OpNe, "<": table.OpLt, "<=": table.OpLe, ">": table.OpGt, ">=": table.OpGe,
}

// conjunct returns e as a condition that the storage understands, if it is one.
func (s *scanSource) conjunct(e expr.Expr) (table.Conjunct, bool) {
	switch e := e.(type) {
	case *expr.Call:
		return s.comparison(e)
	case *expr.IsNull:
		if col, ok := s.tableColumn(e.Arg); ok {
			op := table.OpIsNull
			if e.Negated {
				op = table.OpIsNotNull
			}
			return table.Conjunct{Col: col, Op: op}, true
		}
	case *expr.In:
		col, ok := s.tableColumn(e.Arg)
		if !ok || e.Negated {
			return table.Conjunct{}, false
		}
		c := table.Conjunct{Col: col, Op: table.OpIn}
		for _, x := range e.List {
			d, ok := s.constant(x, col)
			if !ok {
				return table.Conjunct{}, false
			}
			if d.Valid { // NULL matches nothing
				c.Values = append(c.Values, d)
			}
		}
		return c, true
	}
	return table.Conjunct{}, false
}

func (s *scanSource) comparison(e *expr.Call) (table.Conjunct, bool) {
	symbol, exchanged, ok := expr.Comparison(e.Func)
	if !ok || len(e.Args) != 2 {
		return table.Conjunct{}, false
	}
	l, r := e.Args[0], e.Args[1]
	col, isCol := s.tableColumn(l)
	if !isCol {
		if col, isCol = s.tableColumn(r); !isCol {
			return table.Conjunct{}, false
		}
		symbol, r = exchanged, l
	}
	d, ok := s.constant(r, col)
	if !ok || !d.Valid {
		return table.Conjunct{}, false
	}
	return table.Conjunct{Col: col, Op: scanOps[symbol], Value: d}, true
}

// tableColumn returns the position in the table of the column that e is, perhaps under a cast that does
// not change its values.
func (s *scanSource) tableColumn(e expr.Expr) (int, bool) {
	if c, ok := e.(*expr.Call); ok && len(c.Args) == 1 && c.Func.Syntax == expr.SyntaxCast &&
		c.Args[0].Type().Kind == types.Varchar && c.Typ.Kind == types.Text {
		e = c.Args[0]
	}
	c, ok := asColumn(e)
	if !ok || c >= len(s.n.Cols) {
		return 0, false
	}
	return s.n.Cols[c], true
}

// constant returns the value of a constant as one of the column's kind, if it is exactly one.
func (s *scanSource) constant(e expr.Expr, col int) (types.Datum, bool) {
	c, ok := e.(*expr.Const)
	if !ok {
		return types.Datum{}, false
	}
	d := c.Value
	kind := s.n.Table.Columns[col].Type.Kind
	if !d.Valid || d.K == kind {
		d.K = kind
		return d, true
	}
	switch {
	case isInteger(d.K) && isInteger(kind) && types.IntInRange(kind, d.I),
		d.K == types.Text && kind == types.Varchar, d.K == types.Varchar && kind == types.Text:
		d.K = kind
		return d, true
	}
	return d, false
}

func isInteger(k types.Kind) bool { return k == types.Int2 || k == types.Int4 || k == types.Int8 }
