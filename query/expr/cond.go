package expr

import (
	"github.com/laminadb/lamina/types"
)

// A condition is compiled a second time for filters: as a tree that narrows a selection. Leaves that look
// at one column work on it in place, in whatever form and width it is; all others run a block over the
// rows that are left. NOT has been pushed into the leaves: only TRUE counts.

// condKind is the kind of a node of a condition.
type condKind uint8

const (
	condAnd condKind = iota
	condOr
	condConst  // every row, or none
	condRange  // comparisons of one column of integers or numerics with constants
	condText   // a predicate on one column of strings
	condSet    // [NOT] IN constants, of integers or numerics
	condNull   // column IS [NOT] NULL
	condBool   // a boolean column
	condColumn // column op column
	condBlock  // anything else
)

// cond is a node of a condition; it is immutable.
type cond struct {
	kind    condKind
	negated bool // rows for which expr is FALSE
	args    []*cond
	expr    Expr
	col     int // -1: not one column
	col2    int
	op      comparison
	bounds  []bound // of condRange
	list    []Expr  // of condSet and condText
	// movable: it never fails and is not volatile, so that in a condAnd it may be tried at any time.
	movable bool
	// blk computes expr into reg, for leaves: what runs if the column's form has no short cut.
	blk *block
	reg int
}

// bound is a comparison of a column with a constant expression.
type bound struct {
	op    comparison
	value Expr
}

// buildCond compiles a boolean expression as a condition.
func (b *irBuilder) buildCond(e Expr) (*cond, error) {
	b.scope = nil
	return b.condOf(e, false)
}

func (b *irBuilder) condOf(e Expr, negated bool) (*cond, error) {
	switch e := e.(type) {
	case *Const:
		return &cond{kind: condConst, negated: !(e.Value.Valid && e.Value.Bool() != negated), col: -1}, nil
	case *Not:
		return b.condOf(e.Arg, !negated)
	case *And:
		return b.condJunction(e.Args, !negated, negated)
	case *Or:
		return b.condJunction(e.Args, negated, negated)
	case *BoolTest:
		if !e.Negated && !negated {
			return b.condOf(e.Arg, !e.Value)
		}
	}
	return b.condLeaf(e, negated)
}

// condJunction compiles a conjunction (and) or disjunction of conditions, or of their opposites.
func (b *irBuilder) condJunction(args []Expr, and, negated bool) (*cond, error) {
	c := &cond{kind: condOr, col: -1}
	if and {
		c.kind = condAnd
	}
	for _, a := range infallibleFirst(args) {
		x, err := b.condOf(a, negated)
		if err != nil {
			return nil, err
		}
		if x.kind == c.kind {
			c.args = append(c.args, x.args...)
			continue
		}
		if and && mergeRange(c.args, x) {
			continue
		}
		c.args = append(c.args, x)
	}
	for _, x := range c.args {
		if x.blk == nil && x.expr != nil {
			if err := b.compileLeaf(x); err != nil {
				return nil, err
			}
		}
	}
	if len(c.args) == 1 {
		return c.args[0], nil
	}
	for _, x := range c.args {
		x.movable = x.canMove()
	}
	return c, nil
}

func (c *cond) canMove() bool {
	for _, x := range c.args {
		if !x.canMove() {
			return false
		}
	}
	return c.expr == nil || !CanFail(c.expr) && !IsVolatile(c.expr)
}

// mergeRange adds a range to one over the same column, if there is one. Ranges never fail, so they may
// change places.
func mergeRange(args []*cond, x *cond) bool {
	if x.kind != condRange || x.bounds[0].op == cmpNE {
		return false
	}
	for _, a := range args {
		if a.kind == condRange && a.col == x.col && a.bounds[0].op != cmpNE {
			a.bounds = append(a.bounds, x.bounds...)
			a.expr = &And{Node: boolNode(0), Args: []Expr{a.source(), x.source()}}
			a.negated = false
			a.blk = nil // compiled again by the caller
			return true
		}
	}
	return false
}

// source returns the condition as an expression.
func (c *cond) source() Expr {
	if c.negated {
		return &Not{Node: boolNode(0), Arg: c.expr}
	}
	return c.expr
}

// condLeaf compiles what is no AND, OR or NOT.
func (b *irBuilder) condLeaf(e Expr, negated bool) (*cond, error) {
	c := &cond{kind: condBlock, negated: negated, expr: e, col: -1, col2: -1}
	if cols := Columns(e); len(cols) == 1 && !IsVolatile(e) {
		c.col = cols[0]
	}
	switch e := e.(type) {
	case *Column:
		c.kind = condBool
	case *IsNull:
		if _, ok := e.Arg.(*Column); ok {
			c.kind = condNull
		}
	case *Call:
		b.shortCall(c, e)
	case *In:
		shortIn(c, e)
	}
	return c, b.compileLeaf(c)
}

// compileLeaf builds the block of a leaf.
func (b *irBuilder) compileLeaf(c *cond) error {
	b.scope = nil
	s := b.open()
	r, err := b.build(c.expr)
	b.close()
	c.blk, c.reg = s.blk, r
	b.p.roots = append(b.p.roots, s.blk)
	return err
}

// shortCall recognises comparisons and patterns with one column, and comparisons of two.
func (b *irBuilder) shortCall(c *cond, e *Call) {
	op, isCompare := comparisonOf(e.Func)
	if !isCompare {
		if e.Func.Kernel != kernelLike && e.Func.Kernel != kernelNotLike || !isConstant(e.Args[1]) {
			return
		}
		if col, ok := plainColumn(e.Args[0]); ok {
			c.kind, c.col, c.list = condText, col.ID, e.Args[1:]
		}
		return
	}
	l, r := e.Args[0], e.Args[1]
	if isConstant(l) {
		l, r, op = r, l, commuted[op]
	}
	col, ok := plainColumn(l)
	if !ok || isTimeKind(l.Type().Kind) && l.Type().Kind != r.Type().Kind {
		return
	}
	if c.negated {
		op = negated[op]
	}
	class := l.Type().Class()
	if isConstant(r) {
		switch class {
		case types.ClassInt, types.ClassNumeric:
			c.kind, c.col, c.bounds = condRange, col.ID, []bound{{op, r}}
		case types.ClassString:
			c.kind, c.col, c.op, c.list = condText, col.ID, op, []Expr{r}
		}
		return
	}
	other, ok := plainColumn(r)
	if ok && (class == types.ClassInt || class == types.ClassNumeric) && r.Type().Class() == class {
		c.kind, c.col, c.col2, c.op = condColumn, col.ID, other.ID, op
	}
}

// plainColumn returns the column that e is, perhaps with another kind of the same form. An integer as a
// numeric is one, too: of scale 0.
func plainColumn(e Expr) (*Column, bool) {
	for {
		switch x := e.(type) {
		case *Column:
			return x, true
		case *Call:
			if x.Func.Kernel != kernelRelabel && x.Func.Kernel != kernelIntToNumeric {
				return nil, false
			}
			e = x.Args[0]
		default:
			return nil, false
		}
	}
}

func shortIn(c *cond, e *In) {
	col, ok := plainColumn(e.Arg)
	if !ok {
		return
	}
	for _, x := range e.List {
		if !isConstant(x) {
			return
		}
	}
	switch e.Arg.Type().Class() {
	case types.ClassInt, types.ClassNumeric:
		c.kind = condSet
	case types.ClassString:
		c.kind = condText
	default:
		return
	}
	c.col, c.list = col.ID, e.List
	c.negated = c.negated != e.Negated
	c.expr = &In{Node: e.Node, Arg: e.Arg, List: e.List, Eq: e.Eq}
}
