package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// quoteFunctions are format and the functions that quote.
var quoteFunctions = []entry{
	{"quote_ident(text) text", 1282, safe, quoteIdent, kernelNone},
	{"format(text) text", 3540, stable | nullable, format, kernelNone},
	{"format(text,any...) text", 3539, stable | nullable, format, kernelNone},
}

// reservedWords are the keywords that an identifier must be quoted to have as its name.
const reservedWords = " all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char character check coalesce collate collation column concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real references returning right row select session_user setof similar smallint some substring symmetric system_user table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable "

// QuoteName returns an identifier in double quotes unless it can stand without.
func QuoteName(s string) string {
	plain := s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] == '_')
	for i := range len(s) {
		c := s[i]
		plain = plain && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_')
	}
	if plain && !strings.Contains(reservedWords, " "+s+" ") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func quoteIdent(_ *Context, args []types.Datum) (types.Datum, error) {
	return newText(QuoteName(args[0].S)), nil
}

var (
	errFormatEnd  = sqlerr.New(sqlerr.InvalidParameterValue, "unterminated format() type specifier").WithHint("For a single \"%%\" use \"%%%%\".")
	errFormatArgs = sqlerr.New(sqlerr.InvalidParameterValue, "too few arguments for format()")
	errFormatZero = sqlerr.New(sqlerr.InvalidParameterValue, "format specifies argument 0, but arguments are numbered from 1")
)

// formatSpec is one % specifier: %[n$][-][width]type.
type formatSpec struct {
	arg, width int // arg 0: the next one
	fromArg    bool
	widthArg   int // if fromArg: the argument, 0: the next one
	left       bool
	verb       byte
}

// takeWidth reads the width from an argument, and returns the next argument after it. A negative one aligns left.
func (f *formatSpec) takeWidth(args []types.Datum, next int) (int, error) {
	if f.widthArg > 0 {
		next = f.widthArg
	}
	if next >= len(args) {
		return 0, errFormatArgs
	}
	d := args[next]
	switch {
	case !d.Valid:
	case d.K == types.Int2 || d.K == types.Int4:
		f.width = int(d.I)
	default:
		v, err := types.Parse(types.T(types.Int4), string(types.AppendText(nil, d, types.T(d.K), nil)))
		if err != nil {
			return 0, err
		}
		f.width = int(v.I)
	}
	if f.width < 0 {
		f.left, f.width = true, -f.width
	}
	f.width = min(f.width, formatWidthMax)
	return next + 1, nil
}

// formatWidthMax bounds the width that a value is padded to.
const formatWidthMax = 1 << 26

func format(ctx *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() {
		return types.NullOf(types.Text), nil
	}
	var b strings.Builder
	s, next := args[0].S, 1
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return types.Datum{}, errFormatEnd
		}
		if s[i] == '%' {
			b.WriteByte('%')
			continue
		}
		spec, n, err := parseFormatSpec(s[i:])
		if err != nil {
			return types.Datum{}, err
		}
		i += n - 1
		if spec.fromArg {
			if next, err = spec.takeWidth(args, next); err != nil {
				return types.Datum{}, err
			}
		}
		at := spec.arg
		if at == 0 {
			at = next
		}
		if at >= len(args) {
			return types.Datum{}, errFormatArgs
		}
		next = at + 1
		if err := writeFormatted(ctx, &b, spec, args[at]); err != nil {
			return types.Datum{}, err
		}
	}
	return newText(b.String()), nil
}

// parseFormatSpec reads a specifier after its %, and returns the bytes that it takes.
func parseFormatSpec(s string) (f formatSpec, n int, err error) {
	number, digits := formatNumber(s)
	if digits > 0 && digits < len(s) && s[digits] == '$' {
		if number == 0 {
			return f, 0, errFormatZero
		}
		f.arg = number
		n = digits + 1
	}
	for n < len(s) && s[n] == '-' {
		f.left = true
		n++
	}
	if n < len(s) && s[n] == '*' {
		f.fromArg = true
		n++
		if number, digits = formatNumber(s[n:]); digits > 0 && n+digits < len(s) && s[n+digits] == '$' {
			if number == 0 {
				return f, 0, errFormatZero
			}
			f.widthArg = number
			n += digits + 1
		}
	} else {
		f.width, digits = formatNumber(s[n:])
		n += digits
	}
	if n >= len(s) {
		return f, 0, errFormatEnd
	}
	f.verb = s[n]
	switch f.verb {
	case 's', 'I', 'L':
		return f, n + 1, nil
	}
	_, size := utf8.DecodeRuneInString(s[n:])
	return f, 0, sqlerr.Newf(sqlerr.InvalidParameterValue, "unrecognized format() type specifier \"%s\"", s[n:n+size]).
		WithHint("For a single \"%%\" use \"%%%%\".")
}

// formatNumber reads decimal digits; larger numbers are cut to the largest width.
func formatNumber(s string) (v, digits int) {
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		v = min(v*10+int(s[digits]-'0'), formatWidthMax)
		digits++
	}
	return v, digits
}

func writeFormatted(ctx *Context, b *strings.Builder, f formatSpec, d types.Datum) error {
	text := string(appendOutput(ctx, nil, d))
	switch {
	case f.verb == 'I' && d.IsNull():
		return sqlerr.New("22004", "null values cannot be formatted as an SQL identifier")
	case f.verb == 'I':
		text = QuoteName(text)
	case f.verb == 'L' && d.IsNull():
		text = "NULL"
	case f.verb == 'L':
		q, err := quoteLiteral(ctx, []types.Datum{newText(text)})
		if err != nil {
			return err
		}
		text = q.S
	}
	blanks := max(f.width-utf8.RuneCountInString(text), 0)
	if b.Len()+blanks+len(text) > stringBytesMax {
		return errStringTooLong
	}
	if f.left {
		b.WriteString(text + strings.Repeat(" ", blanks))
	} else {
		b.WriteString(strings.Repeat(" ", blanks) + text)
	}
	return nil
}
