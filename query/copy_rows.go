package query

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/copytext"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// rowOption reads an option that says which rows there are, or which of their values are NULL, quoted or defaults.
func (f *copyFormat) rowOption(o ast.Option) error {
	needs := func(what string) error { return sqlerr.Newf(sqlerr.SyntaxError, "%s requires %s", o.Name, what) }
	unknown := func() error {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "COPY %s %q not recognized", strings.ToUpper(o.Name), o.Value).At(o.Pos())
	}
	switch o.Name {
	case "force_quote", "force_null", "force_not_null":
		if !o.Star && len(o.Columns) == 0 {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "argument to option %q must be a list of column names", o.Name).At(o.Pos())
		}
		switch o.Name {
		case "force_quote":
			f.quoteAll, f.quoteColumns = o.Star, o.Columns
		case "force_null":
			f.forceNull = columnList{o.Star, o.Columns}
		default:
			f.forceNotNull = columnList{o.Star, o.Columns}
		}
	case "default":
		if !o.HasValue {
			return needs("a parameter")
		}
		f.defaultMark = &o.Value
	case "on_error":
		if !f.from {
			return sqlerr.New(sqlerr.InvalidParameterValue, "COPY ON_ERROR cannot be used with COPY TO").At(o.Pos())
		}
		if !o.HasValue {
			return needs("a parameter")
		}
		if f.ignore = strings.EqualFold(o.Value, "ignore"); !f.ignore && !strings.EqualFold(o.Value, "stop") {
			return unknown()
		}
	case "log_verbosity":
		if !o.HasValue {
			return needs("a parameter")
		}
		at := slices.Index([]string{"default", "verbose", "silent"}, strings.ToLower(o.Value))
		if at < 0 {
			return unknown()
		}
		f.verbosity = copyVerbosity(at)
	case "reject_limit":
		return f.readRejectLimit(o)
	case "force_array":
		return sqlerr.Unsupported("COPY option FORCE_ARRAY").At(o.Pos())
	default:
		return sqlerr.Newf(sqlerr.SyntaxError, "option %q not recognized", o.Name).At(o.Pos())
	}
	return nil
}

func (f *copyFormat) readRejectLimit(o ast.Option) error {
	if !o.HasValue {
		return sqlerr.New(sqlerr.SyntaxError, "reject_limit requires a numeric value")
	}
	d, err := types.Parse(types.T(types.Int8), o.Value)
	if err != nil {
		return err
	}
	if f.rejectLimit = d.I; d.I <= 0 {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "REJECT_LIMIT (%d) must be greater than zero", d.I)
	}
	return nil
}

// validateRows checks options that exclude each other.
func (f *copyFormat) validateRows() error {
	for _, x := range []struct {
		name     string
		given    bool
		from     bool
		mismatch sqlerr.Code
	}{
		{"FORCE_QUOTE", f.quoteAll || len(f.quoteColumns) > 0, false, sqlerr.FeatureNotSupported},
		{"FORCE_NOT_NULL", f.forceNotNull.given(), true, sqlerr.InvalidParameterValue},
		{"FORCE_NULL", f.forceNull.given(), true, sqlerr.InvalidParameterValue},
	} {
		switch {
		case !x.given:
		case !f.CSV:
			return sqlerr.Newf(sqlerr.FeatureNotSupported, "COPY %s requires CSV mode", x.name)
		case x.from && !f.from:
			return sqlerr.Newf(x.mismatch, "COPY %s cannot be used with COPY TO", x.name)
		case !x.from && f.from:
			return sqlerr.Newf(x.mismatch, "COPY %s cannot be used with COPY FROM", x.name)
		}
	}
	if f.rejectLimit > 0 && !f.ignore {
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE")
	}
	return f.validateDefault()
}

func (f *copyFormat) validateDefault() error {
	if f.defaultMark == nil {
		return nil
	}
	mark := *f.defaultMark
	switch {
	case !f.from:
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY DEFAULT cannot be used with COPY TO")
	case strings.ContainsAny(mark, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY default representation cannot use newline or carriage return")
	case strings.IndexByte(mark, f.Delimiter) >= 0:
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY delimiter character must not appear in the DEFAULT specification")
	case f.CSV && strings.IndexByte(mark, f.Quote) >= 0:
		return sqlerr.New(sqlerr.FeatureNotSupported, "CSV quote character must not appear in the DEFAULT specification")
	case mark == f.Null:
		return sqlerr.New(sqlerr.FeatureNotSupported, "NULL specification and DEFAULT specification cannot be the same")
	}
	return nil
}

// options prepares what the options ask of single columns and rows.
func (c *CopyIn) options(ctx context.Context, b *ast.Copy) (err error) {
	if c.forceNotNull, err = c.listed(c.f.forceNotNull, "FORCE_NOT_NULL"); err != nil {
		return err
	}
	if c.forceNull, err = c.listed(c.f.forceNull, "FORCE_NULL"); err != nil {
		return err
	}
	if c.f.defaultMark != nil {
		for _, i := range c.cols {
			m, err := c.defaultOf(i)
			if err != nil {
				return err
			}
			c.defaults = append(c.defaults, m)
		}
	}
	if b.Where == nil {
		return nil
	}
	tx, err := c.s.storageTx(ctx)
	if err != nil {
		return err
	}
	schema := ""
	if o := tx.Schema().ByID(c.def.Schema); o != nil {
		schema = o.Head().Name
	}
	c.where, err = c.s.binder(ctx, tx).CopyWhere(c.def, schema, b.Where)
	return err
}

// listed says of each field of the input whether its column is named; nil: none is.
func (c *CopyIn) listed(l columnList, option string) ([]bool, error) {
	if !l.given() {
		return nil, nil
	}
	out := make([]bool, len(c.cols))
	for i := range out {
		out[i] = l.all
	}
	for k, name := range l.names {
		i := c.def.ColumnIndex(name)
		if i < 0 {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", name, c.def.Name)
		}
		if c.def.Columns[i].Generated != "" {
			return nil, sqlerr.Newf(sqlerr.InvalidColumnReference, "column %q is a generated column", name).
				WithDetail("Generated columns cannot be used in COPY.")
		}
		if slices.Contains(l.names[:k], name) {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column %q specified more than once", name)
		}
		at := slices.Index(c.cols, i)
		if at < 0 {
			return nil, sqlerr.Newf(sqlerr.InvalidColumnReference, "%s column %q not referenced by COPY", option, name)
		}
		out[at] = true
	}
	return out, nil
}

// inputOptions are the options of the input beside its format.
func (c *CopyIn) inputOptions(o *copytext.Options) {
	o.ForceNull, o.ForceNotNull = c.forceNull, c.forceNotNull
	if o.Default = c.f.defaultMark; o.Default != nil {
		for i := range c.defaults {
			o.HasDefault = append(o.HasDefault, c.defaults[i].value != nil)
		}
		o.FillDefaults = c.fillDefaults
	}
	if c.f.ignore {
		o.Skipped = c.skip
	}
}

// fillDefaults puts defaults into vectors, which are made anew.
func (c *CopyIn) fillDefaults(cols []vec.Vector, rows int, at []copytext.Place) error {
	values := map[copytext.Place]types.Datum{}
	changed := make([]bool, len(cols))
	for _, p := range at {
		d, err := c.defaults[p.Col].datum(c.ctx)
		if err != nil {
			return copytext.RowError(p.Row, err)
		}
		values[p], changed[p.Col] = d, true
	}
	for k := range cols {
		if !changed[k] {
			continue
		}
		b := vec.NewBuilder(c.def.Columns[c.cols[k]].Type, rows, nil)
		for row := range rows {
			d, ok := values[copytext.Place{Row: row, Col: k}]
			if !ok {
				d = cols[k].Datum(row)
			}
			if err := b.Append(d); err != nil {
				return copytext.RowError(row, err)
			}
		}
		cols[k] = b.Vector()
	}
	return nil
}

// skip counts a row that is left out.
func (c *CopyIn) skip(x copytext.Skip) error {
	c.skipped++
	if c.f.verbosity == verbosityVerbose {
		err := sqlerr.Newf(sqlerr.SuccessfulCompletion, "skipping row due to data type incompatibility at line %d for column %q: %s",
			x.Line, x.Column, x.Value)
		err.Context = "COPY " + c.def.Name
		c.s.notice(Notice{Severity: "NOTICE", Err: err})
	}
	if limit := c.f.rejectLimit; limit > 0 && c.skipped > limit {
		return sqlerr.Newf(sqlerr.InvalidTextRepresentation, "skipped more than REJECT_LIMIT (%d) rows due to data type incompatibility", limit)
	}
	return nil
}

// noticeSkipped tells how many rows were left out.
func (c *CopyIn) noticeSkipped() {
	if c.skipped == 0 || c.f.verbosity == verbositySilent {
		return
	}
	what := "rows were"
	if c.skipped == 1 {
		what = "row was"
	}
	c.s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion,
		"%d %s skipped due to data type incompatibility", c.skipped, what)})
}

// copyFilter is WHERE of COPY FROM; nil lets all rows pass.
type copyFilter struct {
	ev  *expr.Evaluator
	sel []uint16
}

func (c *CopyIn) newFilter() (*copyFilter, error) {
	if c.where == nil {
		return nil, nil
	}
	p, err := expr.Compile([]expr.Expr{c.where}, typesOfColumns(c.def))
	if err != nil {
		return nil, err
	}
	return &copyFilter{ev: p.NewEvaluator(c.ctx, nil)}, nil
}

func typesOfColumns(def *table.TableDef) []types.Type {
	ts := make([]types.Type, len(def.Columns))
	for i := range ts {
		ts[i] = def.Columns[i].Type
	}
	return ts
}

// apply leaves out the rows of a batch for which the condition is not true.
func (f *copyFilter) apply(b *vec.Batch) error {
	if f == nil {
		return nil
	}
	f.ev.Begin(b)
	var err error
	if f.sel, err = f.ev.Filter(0, f.sel[:0]); err != nil {
		if at, ok := errors.AsType[*expr.RowError](err); ok {
			return copytext.RowError(at.Row, at.Err)
		}
		return err
	}
	if len(f.sel) < b.N {
		b.Single(len(f.sel), b.Groups[0].Cols, f.sel)
	}
	return nil
}

func (f *copyFilter) close() {
	if f != nil {
		f.ev.Close()
	}
}
