package query

import (
	"context"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// CompileRow compiles the CHECK constraints and defaults of a table for the storage: it is the
// table.RowCompiler of databases that have this engine.
func CompileRow(def *table.TableDef) (*table.RowFuncs, error) {
	f := &table.RowFuncs{}
	if len(def.Checks) > 0 {
		checks := make([]expr.Expr, len(def.Checks))
		for i, c := range def.Checks {
			var err error
			if checks[i], err = bind.CheckExpr(def, c.Expr); err != nil {
				return nil, err
			}
		}
		f.Check = func(_ context.Context, rows *vec.Batch) error { return checkRows(def, checks, rows) }
	}
	if cols := def.GeneratedColumns(); len(cols) > 0 {
		values := make([]expr.Expr, len(cols))
		for i, c := range cols {
			var err error
			if values[i], err = bind.GeneratedExpr(def, c); err != nil {
				return nil, err
			}
		}
		f.Generate = func(_ context.Context, rows *vec.Batch, dst *vec.BatchBuilder) error {
			return generateRows(values, rows, dst)
		}
	}
	f.Default = func(_ context.Context, col int) (types.Datum, error) { return defaultOf(def, col) }
	return f, nil
}

// generateRows evaluates the expressions of generated columns row by row.
func generateRows(values []expr.Expr, rows *vec.Batch, dst *vec.BatchBuilder) error {
	ec := &expr.Context{}
	var row types.Row
	out := make(types.Row, len(values))
	for i := range rows.N {
		row = rows.Row(i, row[:0])
		for k, e := range values {
			var err error
			if out[k], err = expr.EvalRow(ec, e, row); err != nil {
				return err
			}
		}
		if err := dst.AppendRow(out); err != nil {
			return err
		}
	}
	return nil
}

// checkRows evaluates CHECK constraints row by row; NULL passes.
func checkRows(def *table.TableDef, checks []expr.Expr, rows *vec.Batch) error {
	ec := &expr.Context{}
	var row types.Row
	for i := range rows.N {
		row = rows.Row(i, row[:0])
		for k, e := range checks {
			d, err := expr.EvalRow(ec, e, row)
			if err != nil {
				return err
			}
			if !d.Valid || d.Bool() {
				continue
			}
			err = sqlerr.Newf(sqlerr.CheckViolation, "new row for relation %q violates check constraint %q", def.Name, def.Checks[k].Name).
				WithDetail("Failing row contains %s.", rowText(def, row)).
				On("", def.Name, "").WithConstraint(def.Checks[k].Name)
			return err
		}
	}
	return nil
}

// rowText prints a row as PostgreSQL does in the detail of constraint violations.
func rowText(def *table.TableDef, row types.Row) string {
	b := []byte{'('}
	for i, d := range row {
		if i > 0 {
			b = append(b, ", "...)
		}
		if !d.Valid {
			b = append(b, "null"...)
			continue
		}
		b = types.AppendText(b, d, def.Columns[i].Type, nil)
	}
	return string(append(b, ')'))
}

func defaultOf(def *table.TableDef, col int) (types.Datum, error) {
	if def.Columns[col].Default == "" {
		return types.NullOf(def.Columns[col].Type.Kind), nil
	}
	e, err := bind.DefaultExpr(def, col)
	if err != nil {
		return types.Datum{}, err
	}
	return expr.EvalRow(&expr.Context{}, e, nil)
}
