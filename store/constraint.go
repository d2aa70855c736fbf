package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// compiled are the expressions of one version of a table.
type compiled struct {
	def   *table.TableDef
	funcs *table.RowFuncs
}

func hasGenerated(def *table.TableDef) bool {
	return slices.ContainsFunc(def.Columns, func(c table.Column) bool { return c.Generated != "" })
}

// rowFuncs returns the compiled CHECK constraints and generated columns of a table, nil if it has none.
func (s *Store) rowFuncs(def *table.TableDef) (*table.RowFuncs, error) {
	if len(def.Checks) == 0 && !hasGenerated(def) {
		return nil, nil
	}
	if c, ok := s.compiled.Load(def.ID); ok && c.(*compiled).def == def {
		return c.(*compiled).funcs, nil
	}
	funcs, err := s.compile(def)
	if err == nil {
		s.compiled.Store(def.ID, &compiled{def, funcs})
	}
	return funcs, err
}

func (s *Store) compile(def *table.TableDef) (*table.RowFuncs, error) {
	if s.common.Compile == nil {
		return nil, sqlerr.Unsupported("a table with expressions, in a storage without an expression compiler,")
	}
	funcs, err := s.common.Compile(def)
	if err == nil && (funcs == nil || len(def.Checks) > 0 && funcs.Check == nil || hasGenerated(def) && funcs.Generate == nil) {
		err = sqlerr.Newf(sqlerr.InternalError, "the expressions of table \"%s\" were not compiled", def.Name)
	}
	return funcs, err
}

// complete returns a copy of a new definition with the defaults of this storage, after checking what
// only the storage can check.
func (s *Store) complete(obj table.Object) (table.Object, error) {
	obj = obj.CloneObject()
	def, ok := obj.(*table.TableDef)
	if !ok {
		return obj, nil
	}
	if def.Method == "" {
		def.Method = s.defaultMethod
	}
	if s.tierOf(def.Method) < 0 {
		switch def.Method {
		case "lsm", "columnar":
			return nil, sqlerr.Unsupported("access method \"" + def.Method + "\" in a database without a directory")
		}
		return nil, sqlerr.Newf(sqlerr.UndefinedObject, "access method \"%s\" does not exist", def.Method)
	}
	expressions := len(def.Checks) > 0
	for i := range def.Columns {
		expressions = expressions || def.Columns[i].Default != "" || def.Columns[i].Generated != ""
	}
	if expressions {
		if _, err := s.compile(def); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// checkAlter checks that the rows of a table are rows of its new definition: a column that becomes NOT
// NULL has no NULL, new CHECK constraints hold. Rows whose layout changes, or which f changes, are written anew: then
// it returns the write set that has them.
func (t *Tx) checkAlter(ctx context.Context, old table.Object, def *table.TableDef, f table.RowMapper) (rows *writes, err error) {
	was, ok := old.(*table.TableDef)
	if !ok {
		return nil, nil // the catalog refuses it
	}
	if was.Method != def.Method {
		if err := t.checkMove(ctx, was, def); err != nil {
			return nil, err
		}
	}
	def.Layout = was.Layout
	asIs := movesAsIs(was, def, f)
	if asIs {
		if err := t.checkUnused(was); err != nil {
			return nil, err
		}
	}
	if rewrite := f != nil || was.Method != def.Method || !equalLayout(was, def); rewrite && !asIs {
		if was.Layout == math.MaxUint32 {
			return nil, sqlerr.Newf(sqlerr.ProgramLimitExceeded, "too many layouts of table \"%s\"", was.Name)
		}
		if err := t.checkUnused(was); err != nil {
			return nil, err
		}
		def.Layout++
	}
	st, err := t.Statement(ctx)
	if err != nil {
		return nil, err
	}
	now := st.(*Statement)
	now.view.Release()
	now.view, now.aside = t.s.views.Acquire(), true // all rows, however new: the table is locked
	if def.Layout != was.Layout {
		rows, err = t.rewrite(ctx, now, was, def, f)
	} else {
		err = t.checkRowsFit(ctx, now, was, def)
	}
	return rows, st.Close(err)
}

// checkUnused refuses to rewrite a table that a statement of the transaction itself is reading.
func (t *Tx) checkUnused(def *table.TableDef) error {
	for _, st := range t.open {
		if slices.Contains(st.touched, def.ID) {
			return sqlerr.Newf(sqlerr.ObjectInUse,
				"cannot ALTER TABLE \"%s\" because it is being used by active queries in this session", def.Name)
		}
	}
	return nil
}

func (t *Tx) checkRowsFit(ctx context.Context, st *Statement, was, def *table.TableDef) error {
	r, err := st.Reader(ctx, def.ID)
	if err != nil {
		return err
	}
	cols := []int(nil)
	for i := range def.Columns {
		if def.Columns[i].NotNull && !was.Columns[i].NotNull {
			cols = append(cols, i)
		}
	}
	funcs, err := t.newChecks(was, def)
	if err != nil || len(cols) == 0 && funcs == nil {
		return err
	}
	err = scanRows(ctx, r, func(w *rowCheck) error { return w.check(ctx, def, cols, funcs) })
	return t.located(def, someRow(def, err))
}

// someRow says of a violated CHECK constraint that a row that was there before violates it.
func someRow(def *table.TableDef, err error) error {
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.Code != sqlerr.CheckViolation {
		return err
	}
	e = e.WithMessage("check constraint %q of relation %q is violated by some row", e.Constraint, def.Name)
	e.Detail = ""
	return e
}

// newChecks returns the compiled constraints of def if it has one that was has not.
func (t *Tx) newChecks(was, def *table.TableDef) (*table.RowFuncs, error) {
	known := make(map[table.Check]bool, len(was.Checks))
	for _, c := range was.Checks {
		known[c] = true
	}
	for _, c := range def.Checks {
		if !known[c] {
			return t.s.compile(def)
		}
	}
	return nil, nil
}
