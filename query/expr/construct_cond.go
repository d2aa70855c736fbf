package expr

import (
	"github.com/laminadb/lamina/types"
)

func boolNode(pos int) Node { return Node{Typ: types.T(types.Bool), At: pos} }

// NewAnd is the conjunction of conditions; nested conjunctions are merged. One argument is returned as it
// is, none is TRUE.
func NewAnd(pos int, args ...Expr) (Expr, error) {
	flat, err := flatten(args, "AND", func(e Expr) []Expr {
		if a, ok := e.(*And); ok {
			return a.Args
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(flat) == 0:
		return NewConst(types.NewBool(true), types.T(types.Bool), pos), nil
	case len(flat) == 1:
		return flat[0], nil
	}
	return &And{boolNode(pos), flat}, nil
}

// NewOr is the disjunction of conditions; nested disjunctions are merged. One argument is returned as it
// is, none is FALSE.
func NewOr(pos int, args ...Expr) (Expr, error) {
	flat, err := flatten(args, "OR", func(e Expr) []Expr {
		if o, ok := e.(*Or); ok {
			return o.Args
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(flat) == 0:
		return NewConst(types.NewBool(false), types.T(types.Bool), pos), nil
	case len(flat) == 1:
		return flat[0], nil
	}
	return &Or{boolNode(pos), flat}, nil
}

func flatten(args []Expr, clause string, parts func(Expr) []Expr) ([]Expr, error) {
	flat := make([]Expr, 0, len(args))
	for _, a := range args {
		if nested := parts(a); nested != nil {
			flat = append(flat, nested...)
			continue
		}
		b, err := RequireBool(a, clause)
		if err != nil {
			return nil, err
		}
		flat = append(flat, b)
	}
	return flat, nil
}

// NewNot negates a condition.
func NewNot(pos int, e Expr) (Expr, error) {
	e, err := RequireBool(e, "NOT")
	if err != nil {
		return nil, err
	}
	return &Not{boolNode(pos), e}, nil
}

// NewIsNull is e IS NULL, or e IS NOT NULL.
func NewIsNull(pos int, e Expr, negated bool) Expr {
	if c, ok := e.(*Const); ok && c.Typ.Kind == types.Unknown {
		e = NewConst(c.Value, types.T(types.Text), c.At)
		if !c.Value.IsNull() {
			e = NewConst(types.NewString(types.Text, c.Value.S), types.T(types.Text), c.At)
		}
	}
	return &IsNull{boolNode(pos), e, negated}
}

// BoolTestKind is what IS tests a condition for.
type BoolTestKind uint8

// The tests.
const (
	IsTrue BoolTestKind = iota
	IsFalse
	IsUnknown
)

// NewBoolTest is e IS [NOT] TRUE, FALSE or UNKNOWN.
func NewBoolTest(pos int, e Expr, test BoolTestKind, negated bool) (Expr, error) {
	clause := [...]string{"IS TRUE", "IS FALSE", "IS UNKNOWN"}[test]
	if negated {
		clause = [...]string{"IS NOT TRUE", "IS NOT FALSE", "IS NOT UNKNOWN"}[test]
	}
	e, err := RequireBool(e, clause)
	if err != nil {
		return nil, err
	}
	if test == IsUnknown {
		return &IsNull{boolNode(pos), e, negated}, nil
	}
	return &BoolTest{boolNode(pos), e, test == IsTrue, negated}, nil
}

// NewDistinct is l IS DISTINCT FROM r, or l IS NOT DISTINCT FROM r if negated.
func NewDistinct(pos int, l, r Expr, negated bool) (Expr, error) {
	e, err := NewOp("=", pos, l, r)
	if err != nil {
		return nil, err
	}
	eq := e.(*Call)
	return &Distinct{boolNode(pos), eq.Args[0], eq.Args[1], eq.Func, negated}, nil
}

// NewCase is CASE. operand (nil: none) is compared with the conditions of a simple CASE; els is nil if
// there is no ELSE.
func NewCase(pos int, operand Expr, whens []When, els Expr) (Expr, error) {
	c := &Case{Node: Node{At: pos}, Whens: make([]When, len(whens))}
	if els == nil {
		els = NewNull(0)
	}
	results := make([]Expr, 0, len(whens)+1)
	results = append(results, els) // PostgreSQL looks at ELSE first
	for i, w := range whens {
		cond := w.Cond
		var err error
		if operand != nil {
			if cond, err = NewOp("=", w.Cond.Pos(), operand, w.Cond); err != nil {
				return nil, err
			}
		}
		if c.Whens[i].Cond, err = RequireBool(cond, "CASE/WHEN"); err != nil {
			return nil, err
		}
		results = append(results, w.Result)
	}
	t, err := CommonType(results, "CASE")
	if err != nil {
		return nil, err
	}
	if results, err = CoerceAll(results, t, "CASE"); err != nil {
		return nil, err
	}
	c.Typ, c.Else = t, results[0]
	for i := range c.Whens {
		c.Whens[i].Result = results[i+1]
	}
	return c, nil
}

// NewCoalesce is COALESCE.
func NewCoalesce(pos int, args ...Expr) (Expr, error) {
	t, err := CommonType(args, "COALESCE")
	if err != nil {
		return nil, err
	}
	args, err = CoerceAll(args, t, "COALESCE")
	if err != nil {
		return nil, err
	}
	return &Coalesce{Node{Typ: t, At: pos}, args}, nil
}

// NewIn is e IN (list), or e NOT IN (list). Values of several types are compared each by itself.
func NewIn(pos int, e Expr, list []Expr, negated bool) (Expr, error) {
	all := append([]Expr{e}, list...)
	if hasCommonType(all) {
		in, err := newUniformIn(pos, all, negated)
		if in != nil || err != nil {
			return in, err
		}
	}
	op := "="
	if negated {
		op = "<>"
	}
	conds := make([]Expr, len(list))
	for i, x := range list {
		var err error
		if conds[i], err = NewOp(op, pos, e, x); err != nil {
			return nil, err
		}
	}
	if negated {
		return NewAnd(pos, conds...)
	}
	return NewOr(pos, conds...)
}

// newUniformIn makes an In whose values all have one type; nil if that type's equality compares another
// one.
func newUniformIn(pos int, all []Expr, negated bool) (Expr, error) {
	t, err := CommonType(all, "IN")
	if err != nil {
		return nil, err
	}
	eq, err := resolveOperator("=", []types.Kind{t.Kind, t.Kind}, pos)
	if err != nil {
		return nil, err
	}
	if eq.Args[0] != eq.Args[1] {
		return nil, nil
	}
	t = types.T(eq.Args[0])
	for _, x := range all {
		if !CanCoerce(x.Type().Kind, t.Kind, Implicit) {
			return nil, nil
		}
	}
	args := make([]Expr, len(all))
	for i, x := range all {
		if args[i], err = coerceArg(x, t.Kind); err != nil {
			return nil, err
		}
	}
	return &In{boolNode(pos), args[0], args[1:], eq, negated}, nil
}
