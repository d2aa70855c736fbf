package expr

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// EvalRow evaluates e on one row: the tree itself, without a program. Column i is row[i]. Errors carry
// no position of their own.
func EvalRow(ctx *Context, e Expr, row types.Row) (types.Datum, error) {
	switch e := e.(type) {
	case *Const:
		return e.Value, nil
	case *Column:
		if e.ID < 0 || e.ID >= len(row) {
			return types.Datum{}, sqlerr.Newf(sqlerr.InternalError, "column %d of a row of %d", e.ID, len(row))
		}
		return row[e.ID], nil
	case *Param:
		return ctx.param(e)
	case *Call:
		return evalCall(ctx, e, row)
	case *And:
		return evalJunction(ctx, e.Args, row, false)
	case *Or:
		return evalJunction(ctx, e.Args, row, true)
	case *Not:
		d, err := EvalRow(ctx, e.Arg, row)
		if err != nil || d.IsNull() {
			return types.NullOf(types.Bool), err
		}
		return types.NewBool(!d.Bool()), nil
	case *IsNull:
		d, err := EvalRow(ctx, e.Arg, row)
		return types.NewBool(d.IsNull() != e.Negated), err
	case *BoolTest:
		d, err := EvalRow(ctx, e.Arg, row)
		return types.NewBool((d.Valid && d.Bool() == e.Value) != e.Negated), err
	case *Distinct:
		return evalDistinct(ctx, e, row)
	case *Case:
		return evalCase(ctx, e, row)
	case *Coalesce:
		for _, a := range e.Args {
			if d, err := EvalRow(ctx, a, row); err != nil || !d.IsNull() {
				return d, err
			}
		}
		return types.NullOf(e.Typ.Kind), nil
	case *In:
		return evalIn(ctx, e, row)
	}
	return types.Datum{}, sqlerr.Newf(sqlerr.InternalError, "%T in a scalar expression", e)
}

// param returns the value of a parameter.
func (ctx *Context) param(p *Param) (types.Datum, error) {
	if ctx == nil || p.N < 1 || p.N > len(ctx.Params) {
		return types.Datum{}, sqlerr.Newf(sqlerr.UndefinedParameter, "there is no parameter $%d", p.N)
	}
	if e := ctx.deferred(p.N); e != nil {
		return EvalRow(ctx, e, nil)
	}
	return ctx.Params[p.N-1], nil
}

// argsInline is the number of arguments for which a call needs no allocation.
const argsInline = 4

func evalCall(ctx *Context, e *Call, row types.Row) (types.Datum, error) {
	var space [argsInline]types.Datum
	args := space[:0]
	if len(e.Args) > argsInline {
		args = make([]types.Datum, 0, len(e.Args))
	}
	null := false
	for _, a := range e.Args {
		d, err := EvalRow(ctx, a, row)
		if err != nil {
			return d, err
		}
		null = null || d.IsNull()
		args = append(args, d)
	}
	if null && e.Func.Strict {
		return types.NullOf(e.Typ.Kind), nil
	}
	d, err := e.Func.Scalar(ctx, args)
	if err != nil {
		return types.NullOf(e.Typ.Kind), err
	}
	return d, nil
}

// evalJunction evaluates AND (decided = false) or OR (decided = true): what cannot fail first, the rest as
// written.
func evalJunction(ctx *Context, args []Expr, row types.Row, decided bool) (types.Datum, error) {
	null := false
	for _, fallible := range []bool{false, true} {
		for _, a := range args {
			if CanFail(a) != fallible {
				continue
			}
			d, err := EvalRow(ctx, a, row)
			if err != nil {
				return d, err
			}
			if d.IsNull() {
				null = true
			} else if d.Bool() == decided {
				return types.NewBool(decided), nil
			}
		}
	}
	if null {
		return types.NullOf(types.Bool), nil
	}
	return types.NewBool(!decided), nil
}

func evalDistinct(ctx *Context, e *Distinct, row types.Row) (types.Datum, error) {
	l, err := EvalRow(ctx, e.L, row)
	if err != nil {
		return l, err
	}
	r, err := EvalRow(ctx, e.R, row)
	if err != nil {
		return r, err
	}
	distinct := l.Valid != r.Valid
	if l.Valid && r.Valid {
		eq, err := e.Eq.Scalar(ctx, []types.Datum{l, r})
		if err != nil {
			return eq, err
		}
		distinct = !eq.Bool()
	}
	return types.NewBool(distinct != e.Negated), nil
}

func evalCase(ctx *Context, e *Case, row types.Row) (types.Datum, error) {
	for _, w := range e.Whens {
		c, err := EvalRow(ctx, w.Cond, row)
		if err != nil {
			return c, err
		}
		if c.Valid && c.Bool() {
			return EvalRow(ctx, w.Result, row)
		}
	}
	return EvalRow(ctx, e.Else, row)
}

// evalIn compares with the whole list, in order, before it stops: elements are evaluated only until one
// is equal.
func evalIn(ctx *Context, e *In, row types.Row) (types.Datum, error) {
	v, err := EvalRow(ctx, e.Arg, row)
	if err != nil {
		return v, err
	}
	null := v.IsNull()
	for _, x := range e.List {
		d, err := EvalRow(ctx, x, row)
		if err != nil {
			return d, err
		}
		if d.IsNull() || v.IsNull() {
			null = true
			continue
		}
		eq, err := e.Eq.Scalar(ctx, []types.Datum{v, d})
		if err != nil {
			return eq, err
		}
		if eq.Bool() {
			return types.NewBool(!e.Negated), nil
		}
	}
	if null && len(e.List) > 0 {
		return types.NullOf(types.Bool), nil
	}
	return types.NewBool(e.Negated), nil
}

// RowError is an error in one row of a batch: the rows before it are good.
type RowError struct {
	Row int // ordinal among the batch's live rows
	Err error
}

// Error returns the error's message.
func (e *RowError) Error() string { return e.Err.Error() }

// Unwrap returns the error without its row.
func (e *RowError) Unwrap() error { return e.Err }
