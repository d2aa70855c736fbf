package query

import (
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// ConvertParam brings a value to a parameter's type, as an assignment does. Texts are read in the session's
// time zone and style of dates.
func (s *Session) ConvertParam(d types.Datum, t types.Type) (types.Datum, error) {
	if !d.Valid {
		return types.NullOf(t.Kind), nil
	}
	if d.K == types.Unknown || d.K.Class() == types.ClassString && d.K != types.Bytea && d.K != types.UUID {
		if err := types.CheckUTF8String(d.S); err != nil {
			return d, err
		}
	}
	if d.K == t.Kind {
		if t.Mod < 0 {
			return d, nil
		}
		return types.Coerce(d, t, false)
	}
	if d.K == types.Unknown {
		if t.Kind == types.Text {
			return types.NewString(types.Text, d.S), nil
		}
		return types.ParseWith(t, d.S, s.ParseOptions())
	}
	e, err := expr.NewCast(expr.NewConst(d, types.T(d.K), 0), t, expr.Assignment, 0)
	if err != nil {
		return types.Datum{}, err
	}
	return expr.EvalRow(s.exprContext(nil), e, nil)
}

// convertParams brings parameter values to the statement's parameter types.
func (s *Session) convertParams(params []types.Datum, want []types.Type) ([]types.Datum, error) {
	if len(params) != len(want) {
		return params, nil // runPlanned reports it
	}
	out := make([]types.Datum, len(params))
	for i, d := range params {
		v, err := s.ConvertParam(d, want[i])
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// Defaults computes the defaults of columns for rows that come in without SQL.
type Defaults struct {
	ctx   *expr.Context
	row   types.Row // values, NULL without a default
	later []laterDefault
}

// laterDefault is one that each row computes anew.
type laterDefault struct {
	col int
	e   expr.Expr
}

// Defaults prepares the defaults of a table's columns in the session's transaction; given says which columns
// need none.
func (s *Session) Defaults(def *table.TableDef, given []bool) (*Defaults, error) {
	d := &Defaults{ctx: s.exprContext(nil), row: make(types.Row, len(def.Columns))}
	for i := range def.Columns {
		c := &def.Columns[i]
		d.row[i] = types.NullOf(c.Type.Kind)
		if given[i] || c.Default == "" {
			continue
		}
		e, err := bind.DefaultExpr(def, i)
		if err != nil {
			return nil, err
		}
		if expr.IsVolatile(e) {
			d.later = append(d.later, laterDefault{i, e})
		} else if d.row[i], err = expr.EvalRow(d.ctx, e, nil); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Row sets row, which has all columns of the table, to the defaults of a new row.
func (d *Defaults) Row(row types.Row) error {
	copy(row, d.row)
	for _, l := range d.later {
		v, err := expr.EvalRow(d.ctx, l.e, nil)
		if err != nil {
			return err
		}
		row[l.col] = v
	}
	return nil
}
