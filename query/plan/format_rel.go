package plan

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/query/expr"
)

// FormatRel returns a logical plan as an indented tree, with columns as name:ID.
func FormatRel(r Rel) string {
	var f relFormatter
	f.print(r, "", "")
	return f.String()
}

type relFormatter struct{ strings.Builder }

func (f *relFormatter) print(r Rel, first, rest string) {
	f.WriteString(first)
	f.WriteString(describe(r))
	f.WriteByte('\n')
	children := subqueriesOf(r)
	for _, c := range r.Children() {
		children = append(children, branch{"", c})
	}
	for i, c := range children {
		if i == len(children)-1 {
			f.print(c.rel, rest+" └─ "+c.label, rest+"    ")
		} else {
			f.print(c.rel, rest+" ├─ "+c.label, rest+" │  ")
		}
	}
}

type branch struct {
	label string
	rel   Rel
}

func subqueriesOf(r Rel) []branch {
	var out []branch
	Exprs(r, func(e expr.Expr) {
		expr.Walk(e, func(e expr.Expr) bool {
			if s, ok := e.(*expr.Subquery); ok {
				label := "subquery: "
				if len(s.Columns) > 0 {
					label = "subquery " + columnList(s.Columns) + ": "
				}
				out = append(out, branch{label, SubqueryPlan(s)})
			}
			return true
		})
	})
	return out
}

func columnList(cols []expr.Column) string {
	names := make([]string, len(cols))
	for i := range cols {
		names[i] = fmt.Sprintf("%s:%d", cols[i].Name, cols[i].ID)
	}
	return strings.Join(names, ", ")
}

func describe(r Rel) string {
	switch r := r.(type) {
	case *RelScan:
		s := "scan " + r.Table.Name
		if r.Alias != r.Table.Name {
			s += " " + r.Alias
		}
		return s + ": " + colList(r.Cols())
	case *RelValues:
		return describeValues(r)
	case *RelFilter:
		return "filter " + ExprString(r.Cond)
	case *RelProject:
		return "project " + outputs(r.Exprs, r.Out)
	case *RelJoin:
		return describeJoin("", r.Kind, r.Cond, r.Mark)
	case *RelApply:
		return describeJoin(" apply", r.Kind, r.Cond, r.Mark)
	case *RelDependent:
		return describeJoin(" for each "+exprList(r.Args), r.Kind, r.When, r.Mark)
	case *RelAggregate:
		return describeAggregate(r)
	case *RelDistinctOn:
		return "distinct on " + exprList(r.On) + " order " + SortKeys(r.Order)
	case *RelSort:
		return "sort " + SortKeys(r.Keys)
	case *RelLimit:
		s := "limit"
		if r.Count != nil {
			s += " " + ExprString(r.Count)
		}
		if r.Offset != nil {
			s += " offset " + ExprString(r.Offset)
		}
		return s
	}
	return describeRare(r)
}

func describeRare(r Rel) string {
	switch r := r.(type) {
	case *RelRecursive:
		return fmt.Sprintf("recursive %s %v %v", colList(r.Out), r.BaseIn, r.StepIn)
	case *RelFetch:
		return "fetch from " + r.Scan.Alias + ": " + colList(r.Out)
	case *RelHeld:
		return fmt.Sprintf("held %d %s", r.Of, colList(r.Out))
	case *RelWorking:
		return "working " + colList(r.Out)
	case *RelShared:
		return fmt.Sprintf("shared %s%s %v", r.Def.Name, colList(r.Out), r.Attrs)
	case *RelWindow:
		s := "window " + colList(r.Out) + " = " + windowList(r.Funcs, ExprString)
		if r.Top != nil {
			s += " top " + r.Top.String()
		}
		return s
	case *RelUnion:
		s := "union all " + colList(r.Out)
		for _, in := range r.In {
			s += fmt.Sprintf(" %v", in)
		}
		return s
	case *RelSetOp:
		s := [...]string{"intersect", "except"}[r.Kind]
		if r.All {
			s += " all"
		}
		return fmt.Sprintf("%s %s %v %v", s, colList(r.Out), r.LIn, r.RIn)
	case *RelLock:
		s := "lock"
		for _, it := range r.Items {
			s += fmt.Sprintf(" %s(%s)", it.Scan.Alias, lockName(it.Mode))
		}
		return s
	case *RelSeries:
		return fmt.Sprintf("series %s:%d from %s to %s by %s", r.Out.Name, r.Out.ID, ExprString(r.Start), ExprString(r.Stop),
			ExprString(r.Step))
	}
	return fmt.Sprintf("%T", r)
}

// describeValues prints few rows in full.
func describeValues(r *RelValues) string {
	s := "values"
	if len(r.Out) > 0 {
		s += " " + colList(r.Out)
	}
	if len(r.Tuples) > 3 || len(r.Out) == 0 {
		return fmt.Sprintf("%s (%d rows)", s, len(r.Tuples))
	}
	for _, t := range r.Tuples {
		s += " (" + exprList(t) + ")"
	}
	return s
}

func describeJoin(suffix string, kind JoinKind, cond expr.Expr, mark Col) string {
	s := kind.String() + " join" + suffix
	if kind == Mark {
		s += fmt.Sprintf(" %s:%d", mark.Name, mark.ID)
	}
	if cond != nil {
		s += " on " + ExprString(cond)
	}
	return s
}

func describeAggregate(r *RelAggregate) string {
	s := "aggregate"
	if len(r.Keys) > 0 {
		s += " by " + outputs(r.Keys, r.Out[:len(r.Keys)])
	}
	for i, a := range r.Aggs {
		c := r.Out[len(r.Keys)+i]
		s += fmt.Sprintf(" %s:%d=%s", c.Name, c.ID, ExprString(a))
	}
	return s
}

func colList(cols []Col) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = fmt.Sprintf("%s:%d", c.Name, c.ID)
	}
	return strings.Join(names, ", ")
}

func outputs(exprs []expr.Expr, out []Col) string {
	parts := make([]string, len(exprs))
	for i, e := range exprs {
		parts[i] = fmt.Sprintf("%s:%d", out[i].Name, out[i].ID)
		if c, ok := e.(*expr.Column); !ok || c.ID != out[i].ID {
			parts[i] += "=" + ExprString(e)
		}
	}
	return strings.Join(parts, ", ")
}

func exprList(list []expr.Expr) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = ExprString(e)
	}
	return strings.Join(parts, ", ")
}

// ExprString prints an expression of a logical plan, with columns as name:ID.
func ExprString(e expr.Expr) string {
	return expr.String(expr.Rewrite(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Column); ok {
			return &expr.Column{Node: c.Node, ID: c.ID, Name: fmt.Sprintf("%s:%d", c.Name, c.ID)}
		}
		return e
	}))
}

// SortKeys prints sort keys of a logical plan.
func SortKeys(keys []SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = ExprString(k.Expr) + sortOrder(k)
	}
	return strings.Join(parts, ", ")
}

// sortOrder prints what differs from ascending with NULLs last, and descending with NULLs first.
func sortOrder(k SortKey) string {
	s := ""
	if k.Desc {
		s = " DESC"
	}
	switch {
	case k.NullsFirst && !k.Desc:
		s += " NULLS FIRST"
	case !k.NullsFirst && k.Desc:
		s += " NULLS LAST"
	}
	return s
}

func lockName[T ~uint8](mode T) string {
	return [...]string{"key share", "share", "no key update", "update"}[mode]
}
