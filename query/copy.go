package query

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/copytext"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Files opens the files that COPY names.
type Files interface {
	Open(name string) (io.ReadCloser, error)
}

// copyBatchRows is the number of rows that COPY hands to the storage at a time.
const copyBatchRows = vec.Size

func (s *Session) runCopy(ctx context.Context, b *ast.Copy) (*Result, error) {
	if !b.From {
		return s.runCopyTo(ctx, b)
	}
	f, err := copyOptions(b.Options, true)
	if err != nil {
		return nil, err
	}
	c, err := s.copyTarget(ctx, b, f)
	if err != nil {
		return nil, err
	}
	if c.f.EndMarker = b.Std; b.Std {
		return &Result{s: s, verb: "COPY", counts: true, Copy: c}, nil
	}
	if s.o.Files == nil {
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "COPY from a file is not allowed here").
			WithHint("Use COPY FROM STDIN, or a client command such as psql's \\copy.")
	}
	file, err := s.o.Files.Open(b.File)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, sqlerr.Newf(sqlerr.UndefinedFile, "could not open file %q for reading: No such file or directory", b.File)
		}
		return nil, sqlerr.Newf(sqlerr.UndefinedFile, "could not open file %q for reading: %w", b.File, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	r := &Result{s: s, verb: "COPY", counts: true}
	r.rows, err = c.load(ctx, file)
	return r, err
}

// CopyIn takes the input of COPY FROM.
type CopyIn struct {
	s       *Session
	f       copyFormat
	def     *table.TableDef
	cols    []int // input field → table column
	missing []missingColumn
	// defaults are those of the columns of the input, if it may say that a value is the default.
	defaults []missingColumn
	// forceNull and forceNotNull are by field of the input.
	forceNull, forceNotNull []bool
	where                   expr.Expr // nil: all rows
	skipped                 int64
	ctx                     *expr.Context
	parse                   *types.ParseOptions
	// Binary is always false: input is text, in one column for each field of Columns.
	Columns int
}

// missingColumn is a table column that the input does not have.
type missingColumn struct {
	col      int
	value    expr.Expr // nil: NULL
	volatile bool
	fixed    types.Datum
}

func (s *Session) copyTarget(ctx context.Context, b *ast.Copy, f copyFormat) (*CopyIn, error) {
	def, err := s.steadyTable(ctx, b.Table)
	if err != nil {
		return nil, err
	}
	if s.tx.o.ReadOnly {
		return nil, sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot execute COPY FROM in a read-only transaction")
	}
	c := &CopyIn{s: s, f: f, def: def, ctx: s.exprContext(nil), parse: s.ParseOptions()}
	used := make([]bool, len(def.Columns))
	if len(b.Columns) == 0 {
		for i := range def.Columns {
			if def.Columns[i].Generated == "" {
				c.cols, used[i] = append(c.cols, i), true
			}
		}
	}
	for _, name := range b.Columns {
		i := def.ColumnIndex(name)
		if i < 0 {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", name, def.Name)
		}
		if def.Columns[i].Generated != "" {
			return nil, sqlerr.Newf(sqlerr.InvalidColumnReference, "column %q is a generated column", name).
				WithDetail("Generated columns cannot be used in COPY.")
		}
		if used[i] {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column %q specified more than once", name)
		}
		c.cols, used[i] = append(c.cols, i), true
	}
	c.Columns = len(c.cols)
	for i, u := range used {
		if u {
			continue
		}
		m, err := c.defaultOf(i)
		if err != nil {
			return nil, err
		}
		c.missing = append(c.missing, m)
	}
	return c, c.options(ctx, b)
}

// defaultOf returns what a column has if no value is given.
func (c *CopyIn) defaultOf(i int) (m missingColumn, err error) {
	col := &c.def.Columns[i]
	m = missingColumn{col: i, fixed: types.NullOf(col.Type.Kind)}
	if col.Default == "" {
		return m, nil
	}
	if m.value, err = bind.DefaultExpr(c.def, i); err != nil {
		return m, err
	}
	if m.volatile = expr.IsVolatile(m.value); !m.volatile {
		m.fixed, err = expr.EvalRow(c.ctx, m.value, nil)
	}
	return m, err
}

// datum returns the value for one row.
func (m *missingColumn) datum(ctx *expr.Context) (types.Datum, error) {
	if m.volatile {
		return expr.EvalRow(ctx, m.value, nil)
	}
	return m.fixed, nil
}

// CopyFrom feeds COPY FROM STDIN with the input r and ends the statement. An error of r fails it.
func (r *Result) CopyFrom(ctx context.Context, in io.Reader) error {
	if r.Copy == nil || r.done {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "no COPY FROM STDIN is in progress")
	}
	defer context.AfterFunc(ctx, r.cancel)()
	n, err := r.Copy.load(r.ctx, in)
	if err != nil {
		if r.ctx.Err() != nil {
			err = r.s.cancelled(r.ctx, err)
		}
		return r.fail(err)
	}
	r.rows, r.done = n, true
	return r.end(nil)
}

// load copies all input into the table, as one statement.
func (c *CopyIn) load(ctx context.Context, in io.Reader) (rows int64, err error) {
	tx, err := c.s.storageTx(ctx)
	if err != nil {
		return 0, err
	}
	err = c.s.inStatement(ctx, tx, func(stmt table.Statement) error {
		w, err := stmt.Writer(ctx, c.def.ID)
		if err != nil {
			return err
		}
		rows, err = c.loadRows(ctx, w, in)
		return err
	})
	return rows, err
}

// loadRows inserts the rows of the input, a batch at a time.
func (c *CopyIn) loadRows(ctx context.Context, w table.Writer, in io.Reader) (rows int64, err error) {
	o := copytext.Options{Table: c.def.Name, Format: c.f.Format, Parse: c.parse, Workers: c.s.e.o.Workers}
	for _, i := range c.cols {
		col := &c.def.Columns[i]
		o.Names, o.Types = append(o.Names, col.Name), append(o.Types, col.Type)
		if col.Type.Kind.IsReg() {
			o.Workers = 1 // they are looked up in the session's catalog
		}
	}
	c.inputOptions(&o)
	others := c.newMissingRows()
	defer others.bb.Release()
	filter, err := c.newFilter()
	if err != nil {
		return 0, err
	}
	defer filter.close()
	var b vec.Batch
	cols := make([]vec.Vector, len(c.def.Columns))
	to := bulk{w: w}
	err = copytext.Read(ctx, in, o, func(given []vec.Vector, n int) error {
		for i, v := range given {
			cols[c.cols[i]] = v
		}
		if err := others.fill(c.ctx, cols, n); err != nil {
			return err
		}
		b.Single(n, cols, nil)
		if err := filter.apply(&b); err != nil || b.N == 0 {
			return err
		}
		return to.insert(ctx, &b)
	})
	if err == nil && c.f.EndMarker { // what follows the line \. is passed over: the client goes on until it is through
		_, err = io.Copy(io.Discard, in)
	}
	if err == nil {
		c.noticeSkipped()
		err = to.finish(ctx)
	}
	return to.rows, err
}

// missingRows makes the columns that the input does not have.
type missingRows struct {
	cols []missingColumn
	bb   *vec.BatchBuilder
}

func (c *CopyIn) newMissingRows() *missingRows {
	ts := make([]types.Type, len(c.missing))
	for i := range ts {
		ts[i] = c.def.Columns[c.missing[i].col].Type
	}
	return &missingRows{cols: c.missing, bb: vec.NewBatchBuilder(ts, copyBatchRows, nil)}
}

// fill sets the missing columns of n rows.
func (m *missingRows) fill(ctx *expr.Context, cols []vec.Vector, n int) error {
	m.bb.Reset()
	for range n {
		for i := range m.cols {
			d, err := m.cols[i].datum(ctx)
			if err != nil {
				return err
			}
			if err := m.bb.Col(i).Append(d); err != nil {
				return err
			}
		}
	}
	for i := range m.cols {
		cols[m.cols[i].col] = m.bb.Col(i).Vector()
	}
	return nil
}
