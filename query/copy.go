package query

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
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
	if b.Std {
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

// copyOptions reads the options of COPY FROM.
func copyOptions(opts []ast.Option) (copyFormat, error) {
	f := defaultCopyFormat(false)
	for _, o := range opts {
		if o.Name != "format" {
			continue
		}
		switch strings.ToLower(o.Value) {
		case "csv":
			f = defaultCopyFormat(true)
		case "text":
		case "tbl": // TPC-H's: fields end with |
			f.delimiter, f.trailingDelimiter = '|', true
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
		if !f.csv {
			return sqlerr.Newf(sqlerr.FeatureNotSupported, "COPY %s requires CSV mode", strings.ToUpper(o.Name)).At(o.Pos())
		}
		return nil
	}
	switch o.Name {
	case "format":
	case "delimiter":
		return one(&f.delimiter)
	case "null":
		f.null = o.Value
	case "header":
		if strings.EqualFold(o.Value, "match") {
			f.header, f.headerMatch = true, true
			return nil
		}
		v, ok := true, true
		if o.HasValue {
			v, ok = parseBool(o.Value)
		}
		if !ok {
			return sqlerr.New(sqlerr.InvalidParameterValue, "header requires a Boolean value or \"match\"").At(o.Pos())
		}
		f.header = v
	case "quote":
		if err := onlyCSV(); err != nil {
			return err
		}
		if f.escape == f.quote {
			f.escape = 0 // follows the quote unless it is given
		}
		return one(&f.quote)
	case "escape":
		if err := onlyCSV(); err != nil {
			return err
		}
		return one(&f.escape)
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
	if f.csv && f.escape == 0 {
		f.escape = f.quote
	}
	switch {
	case f.delimiter == '\n' || f.delimiter == '\r':
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	case strings.ContainsAny(f.null, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY null representation cannot use newline or carriage return")
	case !f.csv && strings.IndexByte("\\.abcdefghijklmnopqrstuvwxyz0123456789", f.delimiter) >= 0:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "COPY delimiter cannot be %q", string(f.delimiter))
	case f.csv && f.delimiter == f.quote:
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	case strings.IndexByte(f.null, f.delimiter) >= 0:
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

func (c *CopyIn) loadRows(ctx context.Context, w table.Writer, in io.Reader) (int64, error) {
	ts := make([]types.Type, len(c.def.Columns))
	for i := range ts {
		ts[i] = c.def.Columns[i].Type
	}
	bb := vec.NewBatchBuilder(ts, copyBatchRows, nil)
	defer bb.Release()
	dec := newCopyDecoder(in, c.f)
	if c.f.header {
		if err := c.header(dec); err != nil {
			return 0, err
		}
	}
	var rows int64
	flush := func() error {
		if bb.Len() == 0 {
			return nil
		}
		out, err := w.Insert(ctx, bb.Batch(), table.OnConflict{Key: -1})
		rows += out.Rows
		bb.Reset()
		return err
	}
	for {
		fields, err := dec.next()
		if err == io.EOF {
			return rows, flush()
		}
		if err != nil {
			return rows, c.lineError(err, dec, "")
		}
		if err := c.appendRow(bb, fields, dec); err != nil {
			return rows, err
		}
		if bb.Len() == copyBatchRows {
			if err := ctx.Err(); err != nil {
				return rows, err
			}
			if err := flush(); err != nil {
				return rows, err // of one of many lines
			}
		}
	}
}

// lineError adds PostgreSQL's CONTEXT to an error of one input line: its number, and what is wrong in it.
func (c *CopyIn) lineError(err error, dec *copyDecoder, what string) error {
	e := sqlerr.From(err)
	if e.Context != "" {
		return e
	}
	e = e.WithMessage("%s", e.Message)
	e.Context = "COPY " + c.def.Name + ", line " + strconv.Itoa(dec.line) + what
	return e
}

// copyShownMax is how much of the input an error shows.
const copyShownMax = 100

// shown quotes input for an error.
func shown(b []byte) string {
	if len(b) <= copyShownMax {
		return `"` + string(b) + `"`
	}
	b = b[:copyShownMax]
	for len(b) > 0 && !utf8.Valid(b) {
		b = b[:len(b)-1]
	}
	return `"` + string(b) + `..."`
}

func (c *CopyIn) header(dec *copyDecoder) error {
	fields, err := dec.next()
	if err == io.EOF {
		return nil
	}
	if err != nil || !c.f.headerMatch {
		return err
	}
	if len(fields) != len(c.cols) {
		return sqlerr.Newf(sqlerr.BadCopyFileFormat, "wrong number of fields in header line: got %d, expected %d", len(fields), len(c.cols))
	}
	for i, f := range fields {
		if want := c.def.Columns[c.cols[i]].Name; string(f.b) != want {
			return sqlerr.Newf(sqlerr.BadCopyFileFormat, "column name mismatch in header line field %d: got %q, expected %q", i+1, f.b, want)
		}
	}
	return nil
}

// appendRow converts one line.
func (c *CopyIn) appendRow(bb *vec.BatchBuilder, fields []copyField, dec *copyDecoder) error {
	if len(fields) > len(c.cols) {
		return c.lineError(sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column"), dec, ": "+shown(dec.raw))
	}
	for i, f := range fields {
		if err := c.appendField(bb, c.cols[i], f); err != nil {
			return c.lineError(err, dec, ", column "+c.def.Columns[c.cols[i]].Name+": "+shown(f.b))
		}
	}
	if len(fields) < len(c.cols) {
		err := sqlerr.Newf(sqlerr.BadCopyFileFormat, "missing data for column %q", c.def.Columns[c.cols[len(fields)]].Name)
		return c.lineError(err, dec, ": "+shown(dec.raw))
	}
	for i := range c.missing {
		m := &c.missing[i]
		d := m.fixed
		if m.volatile {
			var err error
			if d, err = expr.EvalRow(c.ctx, m.value, nil); err != nil {
				return err
			}
		}
		if err := bb.Col(m.col).Append(d); err != nil {
			return err
		}
	}
	return bb.Commit()
}

func (c *CopyIn) appendField(bb *vec.BatchBuilder, col int, f copyField) error {
	b, t := bb.Col(col), c.def.Columns[col].Type
	if f.null {
		return b.AppendNull()
	}
	if (t.Kind == types.Text || t.Kind == types.Varchar && t.Mod < 0) && t.Class() == types.ClassString {
		return b.AppendBytes(f.b)
	}
	d, err := types.ParseBytesWith(t, f.b, c.parse)
	if err != nil {
		return err
	}
	return b.Append(d)
}
