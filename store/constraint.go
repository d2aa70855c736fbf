package store

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// compiled are the expressions of one version of a table.
type compiled struct {
	def   *table.TableDef
	funcs *table.RowFuncs
}

// rowFuncs returns the compiled CHECK constraints of a table, nil if it has none.
func (s *Store) rowFuncs(def *table.TableDef) (*table.RowFuncs, error) {
	if len(def.Checks) == 0 {
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
	if err == nil && (funcs == nil || len(def.Checks) > 0 && funcs.Check == nil) {
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
		case "lsm":
			return nil, sqlerr.Unsupported("access method \"lsm\"")
		case "columnar":
			return nil, sqlerr.Unsupported("access method \"columnar\" in a database without a directory")
		}
		return nil, sqlerr.Newf(sqlerr.UndefinedObject, "access method \"%s\" does not exist", def.Method)
	}
	expressions := len(def.Checks) > 0
	for i := range def.Columns {
		expressions = expressions || def.Columns[i].Default != ""
	}
	if expressions {
		if _, err := s.compile(def); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// checkAlter checks that the rows of a table are rows of its new definition: a column that becomes NOT
// NULL has no NULL, new CHECK constraints hold. What would change the layout of rows needs an empty
// table.
func (t *Tx) checkAlter(ctx context.Context, old table.Object, def *table.TableDef) error {
	was, ok := old.(*table.TableDef)
	if !ok {
		return nil // the catalog refuses it
	}
	if was.Method != def.Method {
		return sqlerr.Unsupported("changing the access method of a table")
	}
	st, err := t.Statement(ctx)
	if err != nil {
		return err
	}
	now := st.(*Statement)
	now.view.Release()
	now.view = t.s.views.Acquire() // all rows, however new: the table is locked
	return st.Close(t.checkRowsFit(ctx, now, was, def))
}

func (t *Tx) checkRowsFit(ctx context.Context, st *Statement, was, def *table.TableDef) error {
	r, err := st.Reader(ctx, def.ID)
	if err != nil {
		return err
	}
	if !equalLayout(was, def) {
		return t.checkEmpty(ctx, r, def)
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
	if e, ok := errors.AsType[*sqlerr.Error](err); ok && e.Code == sqlerr.CheckViolation {
		e = e.WithMessage("check constraint %q of relation %q is violated by some row", e.Constraint, def.Name)
		e.Detail = ""
		err = e
	}
	return t.located(def, err)
}

// checkEmpty refuses a change of layout for a table that has rows, or had some that this transaction
// has removed.
func (t *Tx) checkEmpty(ctx context.Context, r table.Reader, def *table.TableDef) error {
	refuse := sqlerr.Unsupported("changing columns or keys of a table that has rows")
	if t.table(def.ID).wrote() {
		return sqlerr.Unsupported("changing columns or keys of a table that the same transaction has written to")
	}
	return scanRows(ctx, r, func(*rowCheck) error { return refuse })
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
