package query

import (
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/copytext"
	"github.com/laminadb/lamina/sqlerr"
)

// copyFormat is how COPY lays out rows in text.
type copyFormat struct {
	copytext.Format
	// quoteAll and quoteColumns say which values COPY TO always quotes.
	quoteAll     bool
	quoteColumns []string
	// forceNull and forceNotNull name columns of COPY FROM.
	forceNull, forceNotNull columnList
	// defaultMark stands for the default of a column; nil: nothing does.
	defaultMark *string
	// ignore leaves rows out that have a value which cannot be read, at most rejectLimit of them, 0: any number.
	ignore      bool
	rejectLimit int64
	verbosity   copyVerbosity
	from        bool // COPY FROM
}

// columnList names columns, or all of them.
type columnList struct {
	all   bool
	names []string
}

func (l *columnList) given() bool { return l.all || len(l.names) > 0 }

// copyVerbosity says what is told of rows that are left out.
type copyVerbosity uint8

const (
	verbosityDefault copyVerbosity = iota
	verbosityVerbose
	verbositySilent
)

// copyOptions reads the options of COPY.
func copyOptions(opts []ast.Option, from bool) (copyFormat, error) {
	f := copyFormat{Format: copytext.Text(), from: from}
	for i, o := range opts {
		if slices.ContainsFunc(opts[:i], func(x ast.Option) bool { return x.Name == o.Name }) {
			return f, sqlerr.New(sqlerr.SyntaxError, "conflicting or redundant options").At(o.Pos())
		}
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
	case "encoding":
		if e := strings.ToUpper(strings.ReplaceAll(o.Value, "-", "")); e != "UTF8" {
			return sqlerr.Unsupported("COPY encoding " + o.Value).At(o.Pos())
		}
	case "freeze":
	default:
		return f.rowOption(o)
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
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter character must not appear in the NULL specification")
	case f.CSV && strings.IndexByte(f.Null, f.Quote) >= 0:
		return sqlerr.New(sqlerr.InvalidParameterValue, "CSV quote character must not appear in the NULL specification")
	}
	return f.validateRows()
}
