package query

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// FilesCreator is what Files also have that COPY TO may write.
type FilesCreator interface {
	// Create opens a file for writing and empties it, or makes it.
	Create(name string) (io.WriteCloser, error)
}

// CopyOut lays out the rows of COPY TO.
type CopyOut struct {
	Columns []plan.OutColumn
	f       copyFormat
	text    *types.TextOptions
	quoted  []bool // by column: quoted even if it need not be
	field   []byte
}

// runCopyTo is COPY … TO.
func (s *Session) runCopyTo(ctx context.Context, b *ast.Copy) (*Result, error) {
	if b.Where != nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "WHERE clause not allowed with COPY TO").At(b.Where.Pos())
	}
	f, err := copyOptions(b.Options, false)
	if err != nil {
		return nil, err
	}
	if f.HeaderMatch {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use \"match\" with HEADER in COPY TO")
	}
	def, body, err := s.copySource(ctx, b)
	if err != nil {
		return nil, err
	}
	r, err := s.runPlanned(ctx, &Prepared{stmt: &ast.Statement{Body: body}}, nil, &Result{})
	if err != nil {
		return nil, err
	}
	r.s, r.ctx, r.parent = s, ctx, ctx
	out, err := s.newCopyOut(def, r.Columns, f)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.verb, r.counts, r.Columns, r.CopyOut = "COPY", true, nil, out
	if b.Std {
		return r, nil
	}
	return r, s.copyToFile(ctx, r, b.File)
}

// copySource returns the query whose rows are copied, and the table if it is one.
func (s *Session) copySource(ctx context.Context, b *ast.Copy) (*table.TableDef, ast.Stmt, error) {
	if b.Table == nil {
		switch q := b.Query.(type) {
		case *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge, *ast.Query:
			return nil, q, nil
		}
		return nil, nil, sqlerr.Unsupported("COPY of this statement")
	}
	def, err := s.steadyTable(ctx, b.Table)
	if err != nil {
		if sqlerr.CodeOf(err) == sqlerr.WrongObjectType {
			err = sqlerr.Newf(sqlerr.WrongObjectType, "cannot copy from view \"%s\"", b.Table.Name).WithHint("Try the COPY (SELECT ...) TO variant.")
		}
		return nil, nil, err
	}
	columns := b.Columns
	if len(columns) == 0 {
		for i := range def.Columns {
			columns = append(columns, def.Columns[i].Name)
		}
	}
	sel := &ast.Select{From: []ast.TableExpr{b.Table}}
	for i, name := range columns {
		if def.ColumnIndex(name) < 0 {
			return nil, nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, def.Name)
		}
		if slices.Contains(columns[:i], name) {
			return nil, nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", name)
		}
		sel.Targets = append(sel.Targets, ast.Target{Expr: &ast.ColumnRef{Names: []string{name}}})
	}
	return def, &ast.Query{Body: sel}, nil
}

// newCopyOut prepares the output of columns, of a table or, if def is nil, of a query.
func (s *Session) newCopyOut(def *table.TableDef, cols []plan.OutColumn, f copyFormat) (*CopyOut, error) {
	if cols == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "COPY query must have a RETURNING clause")
	}
	out := &CopyOut{Columns: cols, f: f, text: s.TextOptions(), quoted: make([]bool, len(cols))}
	for i := range cols {
		out.quoted[i] = f.quoteAll || slices.Contains(f.quoteColumns, cols[i].Name)
	}
	for i, name := range f.quoteColumns {
		if slices.Contains(f.quoteColumns[:i], name) {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", name)
		}
		if !slices.ContainsFunc(cols, func(c plan.OutColumn) bool { return c.Name == name }) {
			if def != nil && def.ColumnIndex(name) >= 0 {
				return nil, sqlerr.Newf(sqlerr.InvalidColumnReference, "FORCE_QUOTE column \"%s\" not referenced by COPY", name)
			}
			if def != nil {
				return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, def.Name)
			}
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" does not exist", name)
		}
	}
	return out, nil
}

// copyFlushBytes is how much COPY TO gathers before it writes.
const copyFlushBytes = 64 << 10

// copyToFile writes all rows to a file.
func (s *Session) copyToFile(ctx context.Context, r *Result, name string) (err error) {
	files, ok := s.o.Files.(FilesCreator)
	if !ok {
		err := sqlerr.New(sqlerr.InsufficientPrivilege, "COPY to a file is not allowed here").
			WithHint("Use COPY TO STDOUT, or a client command such as psql's \\copy.")
		return errors.Join(err, r.Close())
	}
	file, err := files.Create(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = sqlerr.Newf(sqlerr.UndefinedFile, "could not open file %q for writing: No such file or directory", name)
		return errors.Join(err, r.Close())
	}
	if err != nil {
		err = sqlerr.Newf(sqlerr.IOError, "could not open file %q for writing: %w", name, err)
		return errors.Join(err, r.Close())
	}
	err = r.CopyTo(ctx, file)
	if cerr := file.Close(); err == nil && cerr != nil {
		err = sqlerr.Newf(sqlerr.IOError, "could not close file %q: %w", name, cerr)
	}
	return err
}

// CopyTo writes the rows of COPY TO STDOUT and ends the statement.
func (r *Result) CopyTo(ctx context.Context, w io.Writer) error {
	buf := r.CopyOut.AppendHeader(nil)
	for {
		b, err := r.Next(ctx)
		if err != nil && err != io.EOF {
			return err
		}
		if err == nil {
			for i := range b.N {
				buf = r.CopyOut.AppendRow(buf, b, i)
			}
		}
		if len(buf) >= copyFlushBytes || err == io.EOF {
			if _, werr := w.Write(buf); werr != nil {
				return errors.Join(sqlerr.Newf(sqlerr.IOError, "could not write to COPY file: %w", werr), r.Close())
			}
			buf = buf[:0]
		}
		if err == io.EOF {
			return nil
		}
	}
}

// AppendHeader appends the line of column names, if there is one.
func (o *CopyOut) AppendHeader(dst []byte) []byte {
	if !o.f.Header {
		return dst
	}
	for i := range o.Columns {
		if i > 0 {
			dst = append(dst, o.f.Delimiter)
		}
		dst = o.appendField(dst, []byte(o.Columns[i].Name), false)
	}
	return append(dst, '\n')
}

// AppendRow appends the line of a row of a batch of the result.
func (o *CopyOut) AppendRow(dst []byte, b *vec.Batch, row int) []byte {
	for i := range o.Columns {
		if i > 0 {
			dst = append(dst, o.f.Delimiter)
		}
		d := b.BatchDatum(i, row)
		if !d.Valid {
			dst = append(dst, o.f.Null...)
			continue
		}
		o.field = types.AppendText(o.field[:0], d, o.Columns[i].Type, o.text)
		dst = o.appendField(dst, o.field, o.quoted[i])
	}
	if o.f.TrailingDelimiter {
		dst = append(dst, o.f.Delimiter)
	}
	return append(dst, '\n')
}

func (o *CopyOut) appendField(dst, field []byte, quoted bool) []byte {
	if !o.f.CSV {
		return o.appendEscaped(dst, field)
	}
	if !quoted && !o.needsQuotes(field) {
		return append(dst, field...)
	}
	dst = append(dst, o.f.Quote)
	for _, c := range field {
		if c == o.f.Quote || c == o.f.Escape {
			dst = append(dst, o.f.Escape)
		}
		dst = append(dst, c)
	}
	return append(dst, o.f.Quote)
}

// needsQuotes reports whether a field of CSV would be read as something else.
func (o *CopyOut) needsQuotes(field []byte) bool {
	if string(field) == o.f.Null || len(o.Columns) == 1 && string(field) == `\.` {
		return true
	}
	return bytes.IndexByte(field, o.f.Delimiter) >= 0 || bytes.IndexByte(field, o.f.Quote) >= 0 || bytes.ContainsAny(field, "\r\n")
}

// copyEscapes are the letters that stand for control characters in the text format.
var copyEscapes = [256]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v', '\\': '\\'}

func (o *CopyOut) appendEscaped(dst, field []byte) []byte {
	for _, c := range field {
		switch e := copyEscapes[c]; {
		case c == o.f.Delimiter && e == 0:
			dst = append(dst, '\\', c)
		case e != 0:
			dst = append(dst, '\\', e)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
