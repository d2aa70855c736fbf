package query

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/copytext"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// copyOptionsMissing are the options of PostgreSQL's COPY that Lamina does not have.
var copyOptionsMissing = []string{
	"default", "force_array", "force_not_null", "force_null", "log_verbosity", "on_error", "reject_limit",
}

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
	if b.Where != nil {
		return nil, sqlerr.Unsupported("COPY FROM … WHERE")
	}
	f, err := copyOptions(b.Options)
	if err != nil {
		return nil, err
	}
	if f.quoteAll || len(f.quoteColumns) > 0 {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "COPY FORCE_QUOTE cannot be used with COPY FROM")
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

// copyFormat is how COPY lays out rows in text.
type copyFormat struct {
	copytext.Format
	// quoteAll and quoteColumns say which values COPY TO always quotes.
	quoteAll     bool
	quoteColumns []string
}

// copyOptions reads the options of COPY.
func copyOptions(opts []ast.Option) (copyFormat, error) {
	f := copyFormat{Format: copytext.Text()}
	for _, o := range opts {
		if o.Name != "format" {
			continue
		}
		switch strings.ToLower(o.Value) {
		case "csv":
			f.Format = copytext.CSV()
		case "text":
		case "tbl": // TPC-H's: fields end with |
			f.Delimiter, f.TrailingDelimiter = '|', true
		case "binary":
			return f, sqlerr.Unsupported("COPY (FORMAT binary)").At(o.Pos())
		default:
			return f, sqlerr.Newf(sqlerr.InvalidParameterValue, "COPY format %q not recognized", o.Value).At(o.Pos())
		}
	}
	for _, o := range opts {
		if err := f.option(o); err != nil {
			return f, err
		}
	}
	return f, f.validate()
}

func (f *copyFormat) option(o ast.Option) error {
	one := func(dst *byte) error {
		if len(o.Value) != 1 {
			return sqlerr.Newf(sqlerr.FeatureNotSupported, "COPY %s must be a single one-byte character", o.Name).At(o.Pos())
		}
		*dst = o.Value[0]
		return nil
	}
	onlyCSV := func() error {
		if !f.CSV {
			return sqlerr.Newf(sqlerr.FeatureNotSupported, "COPY %s requires CSV mode", strings.ToUpper(o.Name)).At(o.Pos())
		}
		return nil
	}
	switch o.Name {
	case "format":
	case "delimiter":
		return one(&f.Delimiter)
	case "null":
		f.Null = o.Value
	case "header":
		if strings.EqualFold(o.Value, "match") {
			f.Header, f.HeaderMatch = true, true
			return nil
		}
		v, ok := true, true
		if o.HasValue {
			v, ok = parseBool(o.Value)
		}
		if !ok {
			return sqlerr.New(sqlerr.InvalidParameterValue, "header requires a Boolean value or \"match\"").At(o.Pos())
		}
		f.Header = v
	case "quote":
		if err := onlyCSV(); err != nil {
			return err
		}
		if f.Escape == f.Quote {
			f.Escape = 0 // follows the quote unless it is given
		}
		return one(&f.Quote)
	case "escape":
		if err := onlyCSV(); err != nil {
			return err
		}
		return one(&f.Escape)
	case "force_quote":
		f.quoteAll, f.quoteColumns = o.Star, o.Columns
		return onlyCSV()
	case "encoding":
		if e := strings.ToUpper(strings.ReplaceAll(o.Value, "-", "")); e != "UTF8" {
			return sqlerr.Unsupported("COPY encoding " + o.Value).At(o.Pos())
		}
	case "freeze":
	default:
		if slices.Contains(copyOptionsMissing, o.Name) {
			return sqlerr.Unsupported("COPY option " + strings.ToUpper(o.Name)).At(o.Pos())
		}
		return sqlerr.Newf(sqlerr.SyntaxError, "option %q not recognized", o.Name).At(o.Pos())
	}
	return nil
}

func (f *copyFormat) validate() error {
	if f.CSV && f.Escape == 0 {
		f.Escape = f.Quote
	}
	switch {
	case f.Delimiter == '\n' || f.Delimiter == '\r':
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	case strings.ContainsAny(f.Null, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY null representation cannot use newline or carriage return")
	case !f.CSV && strings.IndexByte("\\.abcdefghijklmnopqrstuvwxyz0123456789", f.Delimiter) >= 0:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "COPY delimiter cannot be %q", string(f.Delimiter))
	case f.CSV && f.Delimiter == f.Quote:
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	case strings.IndexByte(f.Null, f.Delimiter) >= 0:
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter must not appear in the NULL specification")
	}
	return nil
}

// CopyIn takes the input of COPY FROM.
type CopyIn struct {
	s       *Session
	f       copyFormat
	def     *table.TableDef
	cols    []int // input field → table column
	missing []missingColumn
	ctx     *expr.Context
	parse   *types.ParseOptions
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
		m := missingColumn{col: i, fixed: types.NullOf(def.Columns[i].Type.Kind)}
		if text := def.Columns[i].Default; text != "" {
			if m.value, err = bind.DefaultExpr(def, i); err != nil {
				return nil, err
			}
			if m.volatile = expr.IsVolatile(m.value); !m.volatile {
				if m.fixed, err = expr.EvalRow(c.ctx, m.value, nil); err != nil {
					return nil, err
				}
			}
		}
		c.missing = append(c.missing, m)
	}
	return c, nil
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
	others := c.newMissingRows()
	defer others.bb.Release()
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
		return to.insert(ctx, &b)
	})
	if err == nil {
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
			c := &m.cols[i]
			d := c.fixed
			if c.volatile {
				var err error
				if d, err = expr.EvalRow(ctx, c.value, nil); err != nil {
					return err
				}
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
