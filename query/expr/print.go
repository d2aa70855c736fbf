package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/types"
)

// String returns e as SQL text in the form that PostgreSQL's EXPLAIN uses.
func String(e Expr) string {
	var p printer
	p.print(e)
	return p.String()
}

// StringList returns expressions separated by commas.
func StringList(exprs []Expr) string {
	var p printer
	p.list(exprs)
	return p.String()
}

type printer struct{ strings.Builder }

func (p *printer) write(s string) { p.Builder.WriteString(s) }

func (p *printer) list(args []Expr) {
	for i, a := range args {
		if i > 0 {
			p.write(", ")
		}
		p.print(a)
	}
}

func (p *printer) print(e Expr) {
	switch e := e.(type) {
	case nil:
		p.write("NULL")
	case *Const:
		p.constant(e)
	case *Column:
		if e.Name == "" {
			p.write("#" + strconv.Itoa(e.ID))
			return
		}
		p.write(e.Name)
	case *Param:
		p.write("$" + strconv.Itoa(e.N))
	case *Call:
		p.call(e)
	case *And:
		p.infix(e.Args, " AND ")
	case *Or:
		p.infix(e.Args, " OR ")
	case *Not:
		p.write("(NOT ")
		p.print(e.Arg)
		p.write(")")
	case *IsNull:
		p.postfix(e.Arg, "IS", e.Negated, "NULL")
	case *BoolTest:
		p.postfix(e.Arg, "IS", e.Negated, strings.ToUpper(strconv.FormatBool(e.Value)))
	case *Distinct:
		p.write("(")
		p.print(e.L)
		p.write(" IS " + notIf(e.Negated) + "DISTINCT FROM ")
		p.print(e.R)
		p.write(")")
	default:
		p.printRare(e)
	}
}

func (p *printer) printRare(e Expr) {
	switch e := e.(type) {
	case *Case:
		p.write("CASE")
		for _, w := range e.Whens {
			p.write(" WHEN ")
			p.print(w.Cond)
			p.write(" THEN ")
			p.print(w.Result)
		}
		p.write(" ELSE ")
		p.print(e.Else)
		p.write(" END")
	case *Coalesce:
		p.write("COALESCE(")
		p.list(e.Args)
		p.write(")")
	case *In:
		p.write("(")
		p.print(e.Arg)
		p.write(" " + notIf(e.Negated) + "IN (")
		p.list(e.List)
		p.write("))")
	case *Subquery:
		p.write([...]string{"(SubPlan)", "EXISTS(SubPlan)", "(ANY SubPlan)", "(ALL SubPlan)"}[e.Kind])
	case *Aggregate:
		p.aggregate(e)
	case *Window:
		p.window(e)
	default:
		fmt.Fprintf(p, "%T", e)
	}
}

func notIf(negated bool) string {
	if negated {
		return "NOT "
	}
	return ""
}

func (p *printer) infix(args []Expr, op string) {
	p.write("(")
	for i, a := range args {
		if i > 0 {
			p.write(op)
		}
		p.print(a)
	}
	p.write(")")
}

func (p *printer) postfix(arg Expr, is string, negated bool, what string) {
	p.write("(")
	p.print(arg)
	p.write(" " + is + " " + notIf(negated) + what + ")")
}

func (p *printer) call(e *Call) {
	f := e.Func
	switch {
	case f.Syntax == SyntaxCast:
		if _, ok := e.Args[0].(*Column); ok {
			p.write("(")
			p.print(e.Args[0])
			p.write(")")
		} else {
			p.print(e.Args[0])
		}
		p.write("::" + e.Typ.String())
	case f.Syntax == SyntaxOperator && len(e.Args) == 2:
		p.infix(e.Args, " "+f.Name+" ")
	case f.Syntax == SyntaxOperator:
		p.write("(" + f.Name + " ")
		p.print(e.Args[0])
		p.write(")")
	default:
		p.write(f.Name + "(")
		if (f.Name == "extract") && len(e.Args) == 2 {
			if c, ok := e.Args[0].(*Const); ok {
				p.write(strings.ToUpper(c.Value.S) + " FROM ")
				p.print(e.Args[1])
				p.write(")")
				return
			}
		}
		p.list(e.Args)
		p.write(")")
	}
}

func (p *printer) aggregate(e *Aggregate) {
	p.write(e.Func.Name + "(")
	switch {
	case e.Func.Op == AggCountStar:
		p.write("*")
	case e.Distinct:
		p.write("DISTINCT ")
	}
	p.list(e.Args)
	p.write(")")
	if e.Filter != nil {
		p.write(" FILTER (WHERE ")
		p.print(e.Filter)
		p.write(")")
	}
}

func (p *printer) window(e *Window) {
	p.write(e.Name + "(")
	if e.Agg != nil && e.Agg.Op == AggCountStar {
		p.write("*")
	}
	p.list(e.Args)
	p.write(")")
	if e.Filter != nil {
		p.write(" FILTER (WHERE ")
		p.print(e.Filter)
		p.write(")")
	}
	p.write(" OVER (")
	if len(e.Partition) > 0 {
		p.write("PARTITION BY ")
		p.list(e.Partition)
	}
	for i, o := range e.Order {
		p.write([...]string{" ORDER BY ", ", "}[min(i, 1)])
		p.print(o)
		if e.Desc[i] {
			p.write(" DESC")
		}
		if e.NullsFirst[i] != e.Desc[i] {
			p.write(nullsText[e.NullsFirst[i]])
		}
	}
	p.frame(&e.Frame)
	p.write(")")
}

var nullsText = map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}

// frame prints a frame that is not the usual one.
func (p *printer) frame(f *Frame) {
	if *f == (Frame{End: FrameBound{Kind: CurrentRow}}) {
		return
	}
	p.write(" " + [...]string{"RANGE", "ROWS", "GROUPS"}[f.Mode] + " BETWEEN ")
	for i, b := range []FrameBound{f.Start, f.End} {
		if i > 0 {
			p.write(" AND ")
		}
		if b.Offset != nil {
			p.print(b.Offset)
			p.write(" ")
		}
		p.write([...]string{"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"}[b.Kind])
	}
	p.write([...]string{"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"}[f.Exclude])
}

// constant prints plain numbers and booleans bare, everything else as a quoted literal with its type.
func (p *printer) constant(e *Const) {
	if e.Value.IsNull() {
		p.write("NULL")
		if e.Typ.Kind != types.Unknown {
			p.write("::" + e.Typ.String())
		}
		return
	}
	text := string(types.AppendText(nil, e.Value, e.Typ, nil))
	switch e.Typ.Kind {
	case types.Bool:
		p.write(strconv.FormatBool(e.Value.Bool()))
		return
	case types.Int4, types.Numeric:
		if e.Value.Form < types.NumNaN && !strings.HasPrefix(text, "-") && (e.Typ.Kind == types.Int4 || strings.Contains(text, ".")) {
			p.write(text)
			return
		}
	}
	p.write("'" + strings.ReplaceAll(text, "'", "''") + "'")
	if e.Typ.Kind != types.Unknown {
		p.write("::" + e.Typ.String())
	}
}
