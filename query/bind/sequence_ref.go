package bind

import (
	"strconv"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// args binds the arguments of a call. The name of a sequence becomes its OID.
func (x *exprs) args(e *ast.Call) ([]expr.Expr, error) {
	if !expr.IsSequenceFunction(e.Name) || e.Schema != "" && e.Schema != pgCatalog || len(e.Args) == 0 {
		if e.Name == "lastval" {
			x.s.g.sequential = true
		}
		return x.list(e.Args)
	}
	x.s.g.sequential = true
	rest, err := x.list(e.Args[1:])
	if err != nil {
		return nil, err
	}
	first, err := x.sequence(e.Args[0])
	if err != nil {
		return nil, err
	}
	return append([]expr.Expr{first}, rest...), nil
}

// sequence binds what names a sequence: an OID if it is a literal.
func (x *exprs) sequence(e ast.Expr) (expr.Expr, error) {
	if l := sequenceLiteral(e); l != nil {
		id, err := x.s.g.sequenceID(l)
		if err != nil {
			return nil, err
		}
		return expr.NewConst(types.NewInt(types.OID, int64(id)), types.T(types.OID), l.Pos()), nil
	}
	if c, ok := e.(*ast.Cast); ok && c.Type.Name == "regclass" && !c.Type.Array {
		e = c.Arg
	}
	return x.bind(e)
}

// sequenceLiteral returns the literal that an expression is, or that it casts to regclass; nil if it is neither.
func sequenceLiteral(e ast.Expr) *ast.Literal {
	if c, ok := e.(*ast.Cast); ok && c.Type.Name == "regclass" && !c.Type.Array {
		e = c.Arg
	}
	if l, ok := e.(*ast.Literal); ok && l.Kind == ast.StringLiteral {
		return l
	}
	return nil
}

func (b *Binder) sequenceID(l *ast.Literal) (table.ObjectID, error) {
	if n, err := strconv.ParseUint(l.Text, 10, 32); err == nil {
		return table.ObjectID(n), nil
	}
	d, err := b.SequenceNamed(l.Text)
	if err != nil {
		return 0, sqlerr.From(err).At(l.Pos())
	}
	return d.ID, nil
}

// SequenceNamed finds a sequence by a name as text, which may be qualified and have quotes.
func (b *Binder) SequenceNamed(text string) (*table.SequenceDef, error) {
	n, err := relNameOf(text)
	if err != nil {
		return nil, err
	}
	return b.Sequence(n)
}

// Sequence finds a sequence by name: 42P01 if there is no relation, 42809 if it is none.
func (b *Binder) Sequence(n ast.RelName) (*table.SequenceDef, error) {
	o, err := b.Relation(n)
	if err != nil {
		return nil, err
	}
	switch o := o.(type) {
	case nil:
		return nil, noRelation(n)
	case *table.SequenceDef:
		return o, nil
	}
	return nil, sqlerr.Newf(sqlerr.WrongObjectType, "\"%s\" is not a sequence", n.Name)
}

// relNameOf reads a possibly qualified name.
func relNameOf(text string) (n ast.RelName, err error) {
	bad := sqlerr.New(sqlerr.InvalidName, "invalid name syntax")
	var parts []string
	for rest := strings.TrimSpace(text); ; {
		part, after, ok := cutName(rest)
		if !ok {
			return n, bad
		}
		parts = append(parts, part)
		if after = strings.TrimSpace(after); after == "" {
			break
		}
		if after[0] != '.' {
			return n, bad
		}
		rest = strings.TrimSpace(after[1:])
	}
	switch len(parts) {
	case 3:
		n.Catalog = parts[0]
		fallthrough
	case 2:
		n.Schema = parts[len(parts)-2]
		fallthrough
	case 1:
		n.Name = parts[len(parts)-1]
		return n, nil
	}
	return n, sqlerr.Newf(sqlerr.SyntaxError, "improper relation name (too many dotted names): %s", text)
}

// cutName cuts an identifier off the beginning of s.
func cutName(s string) (name, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	if s[0] != '"' {
		i := strings.IndexAny(s, ". \t\n\"")
		if i < 0 {
			i = len(s)
		}
		return strings.ToLower(s[:i]), s[i:], i > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], b.Len() > 0
	}
	return "", "", false
}

// NextValText is the default of a column that takes values of a sequence.
func NextValText(id table.ObjectID) string {
	return "nextval('" + strconv.FormatUint(uint64(id), 10) + "'::regclass)"
}

// storedText returns an expression text with the OIDs of the sequences that it names, so that these may be renamed.
func (b *Binder) storedText(text string) (string, error) {
	var first error
	out, err := sqlparse.ReplaceLiterals(text, func(c *ast.Call, l *ast.Literal) string {
		if !expr.IsSequenceFunction(c.Name) || len(c.Args) == 0 || sequenceLiteral(c.Args[0]) != l {
			return ""
		}
		id, err := b.sequenceID(l)
		if err == nil {
			return regclassText(id, c.Args[0])
		}
		if first == nil {
			first = err
		}
		return ""
	})
	if first != nil {
		return "", first
	}
	return out, err
}

// regclassText is what takes the place of a sequence's name in the expression arg.
func regclassText(id table.ObjectID, arg ast.Expr) string {
	text := "'" + strconv.FormatUint(uint64(id), 10) + "'"
	if _, ok := arg.(*ast.Cast); !ok {
		text += "::regclass"
	}
	return text
}

// SequencesOf returns the sequences of which a stored expression takes values.
func SequencesOf(text string) (ids []table.ObjectID) {
	if !strings.Contains(text, "val") {
		return nil
	}
	_, err := sqlparse.ReplaceLiterals(text, func(c *ast.Call, l *ast.Literal) string {
		if expr.IsSequenceFunction(c.Name) && len(c.Args) > 0 && sequenceLiteral(c.Args[0]) == l {
			if n, err := strconv.ParseUint(l.Text, 10, 32); err == nil {
				ids = append(ids, table.ObjectID(n))
			}
		}
		return ""
	})
	if err != nil {
		return nil
	}
	return ids
}

// ShowSequences returns a stored expression with the names of the sequences that it has the OIDs of.
func ShowSequences(text string, nameOf func(table.ObjectID) string) string {
	if !strings.Contains(text, "val") {
		return text
	}
	out, err := sqlparse.ReplaceLiterals(text, func(c *ast.Call, l *ast.Literal) string {
		if !expr.IsSequenceFunction(c.Name) || len(c.Args) == 0 || sequenceLiteral(c.Args[0]) != l {
			return ""
		}
		n, err := strconv.ParseUint(l.Text, 10, 32)
		if err != nil {
			return ""
		}
		name := nameOf(table.ObjectID(n))
		if name == "" {
			return ""
		}
		return "'" + strings.ReplaceAll(name, "'", "''") + "'"
	})
	if err != nil {
		return text
	}
	return out
}

// sequenceRelation returns a sequence as a relation of one row. How many values are reserved is not told.
func (b *Binder) sequenceRelation(d *table.SequenceDef) (*SystemTable, error) {
	if b.opts.SequenceValue == nil {
		return nil, sqlerr.Unsupported("a sequence as a relation")
	}
	v, err := b.opts.SequenceValue(d.ID)
	if err != nil {
		return nil, err
	}
	return &SystemTable{
		Columns: []table.Column{
			{Name: "last_value", Type: types.T(types.Int8), NotNull: true}, {Name: "log_cnt", Type: types.T(types.Int8), NotNull: true},
			{Name: "is_called", Type: types.T(types.Bool), NotNull: true},
		},
		Rows: []types.Row{{types.NewInt(types.Int8, v.Last), types.NewInt(types.Int8, 0), types.NewBool(v.Called)}},
	}, nil
}
