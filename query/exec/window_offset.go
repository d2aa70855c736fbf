package exec

import (
	"math"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// frameOffset is the distance of a bound of a frame: a number of rows or groups, or a value.
type frameOffset struct {
	count int64
	value types.Datum
	// minus and plus compute a bound of the order's value (column 0) and the offset (column 1); as converts
	// the order's value to their type.
	minus, plus, as expr.Expr
}

// offsets evaluates the offsets of a frame.
func (f *windowFunc) offsets(q *Query) error {
	for _, b := range []struct {
		bound *expr.FrameBound
		o     *frameOffset
		name  string
	}{{&f.w.Frame.Start, &f.start, "starting"}, {&f.w.Frame.End, &f.end, "ending"}} {
		if b.bound.Offset == nil {
			continue
		}
		d, err := q.constantOf(b.bound.Offset)
		if err != nil {
			return err
		}
		if d.IsNull() {
			return sqlerr.Newf(sqlerr.NullValueNotAllowed, "frame %s offset must not be null", b.name)
		}
		if f.w.Frame.Mode != expr.FrameRange {
			if b.o.count = d.I; d.I < 0 {
				return sqlerr.Newf(sqlerr.InvalidPrecedingOrFollowingSize, "frame %s offset must not be negative", b.name)
			}
			continue
		}
		if err := b.o.prepare(d, f.w.Order[0].Type(), b.bound.Offset.Type()); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the expressions for an offset by value.
func (o *frameOffset) prepare(d types.Datum, key, offset types.Type) (err error) {
	o.value = d
	negative := false
	switch d.K.Class() {
	case types.ClassInt:
		negative = d.I < 0
	case types.ClassFloat:
		negative = !(d.Float() >= 0)
	case types.ClassNumeric:
		negative = !(types.Compare(d, types.NumericFromInt(0)) >= 0) || types.Equal(d, types.NumericNaN())
	case types.ClassInterval:
		negative = types.Compare(d, types.NewInterval(0, 0, 0)) < 0
	}
	if negative {
		return sqlerr.New(sqlerr.InvalidPrecedingOrFollowingSize, "invalid preceding or following size in window function")
	}
	l := &expr.Column{Node: expr.Node{Typ: key}, ID: 0}
	r := &expr.Column{Node: expr.Node{Typ: offset}, ID: 1}
	if o.minus, err = expr.NewOp("-", 0, l, r); err != nil {
		return err
	}
	if o.plus, err = expr.NewOp("+", 0, l, r); err != nil {
		return err
	}
	if t := o.plus.Type(); t.Kind != key.Kind && t.Class() == types.ClassInt && key.Kind == types.Date {
		o.as, err = expr.NewCast(l, t, expr.Implicit, 0)
	}
	return err
}

// apply returns the value of a bound. beyond: it is smaller, or larger, than every value.
func (o *frameOffset) apply(ec *expr.Context, key types.Datum, less bool) (bound types.Datum, beyond bool, err error) {
	e := o.plus
	if less {
		e = o.minus
	}
	if key.K.Class() == types.ClassFloat && math.IsInf(o.value.Float(), 0) {
		inf := key.Float()
		if math.IsInf(inf, 0) && (inf > 0) == less {
			return types.NewFloat(types.Float8, -inf), false, nil
		}
	}
	bound, err = expr.EvalRow(ec, e, types.Row{key, o.value})
	switch sqlerr.CodeOf(err) {
	case sqlerr.NumericValueOutOfRange, sqlerr.DatetimeFieldOverflow:
		if err != nil {
			return bound, true, nil
		}
	}
	return bound, false, err
}

// convert makes a value of the order comparable with bounds.
func (o *frameOffset) convert(ec *expr.Context, d types.Datum) (types.Datum, error) {
	if o.as == nil {
		return d, nil
	}
	return expr.EvalRow(ec, o.as, types.Row{d})
}
