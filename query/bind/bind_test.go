package bind_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/bind/bindtest"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

func formatError(err error) string {
	e := sqlerr.From(err)
	s := fmt.Sprintf("error %s", e.Code)
	if e.Position > 0 {
		s += fmt.Sprintf(" at %d", e.Position)
	}
	s += ": " + e.Message + "\n"
	if e.Detail != "" {
		s += "detail: " + e.Detail + "\n"
	}
	if e.Hint != "" {
		s += "hint: " + e.Hint + "\n"
	}
	return s
}

func formatStatement(s *bind.Statement) string {
	var sb strings.Builder
	sb.WriteString(plan.FormatRel(s.Root))
	if len(s.Params) > 0 {
		fmt.Fprintf(&sb, "params: %v\n", s.Params)
	}
	m := s.Modify
	if m == nil {
		sb.WriteString("out:")
		for _, c := range s.Out {
			fmt.Fprintf(&sb, " %s:%d %s", c.Name, c.ID, c.Type)
			if c.Table != 0 {
				fmt.Fprintf(&sb, " (%d.%d)", c.Table, c.Attribute)
			}
		}
		sb.WriteString("\n")
		return sb.String()
	}
	if m.OnConflict != nil {
		fmt.Fprintf(&sb, "on conflict do nothing: key %d\n", m.OnConflict.Key)
	}
	for i, c := range m.SetCols {
		fmt.Fprintf(&sb, "set %s = %s\n", m.Table.Columns[c].Name, plan.ExprString(m.Set[i]))
	}
	if m.Where != nil {
		fmt.Fprintf(&sb, "recheck %s\n", plan.ExprString(m.Where))
	}
	for i, e := range m.Returning {
		fmt.Fprintf(&sb, "returning %s = %s\n", m.Out[i].Name, plan.ExprString(e))
	}
	return sb.String()
}

func formatTable(d *table.TableDef) string {
	var sb strings.Builder
	for _, c := range d.Columns {
		fmt.Fprintf(&sb, "%s %s", c.Name, c.Type)
		if c.NotNull {
			sb.WriteString(" NOT NULL")
		}
		if c.Default != "" {
			fmt.Fprintf(&sb, " DEFAULT %s", c.Default)
		}
		sb.WriteString("\n")
	}
	for _, k := range d.Keys {
		fmt.Fprintf(&sb, "key %s primary=%v %v\n", k.Name, k.Primary, k.Columns)
	}
	for _, c := range d.Checks {
		fmt.Fprintf(&sb, "check %s: %s\n", c.Name, c.Expr)
	}
	fmt.Fprintf(&sb, "method %q options %v\n", d.Method, d.Options)
	return sb.String()
}

// run binds one statement and prints what it means.
func run(schema *bindtest.Schema, text string) string {
	stmts, err := sqlparse.Parse(text)
	if err != nil {
		return formatError(err)
	}
	b := bind.New(schema, bind.Options{DefaultMethod: "columnar"})
	var sb strings.Builder
	for _, st := range stmts {
		switch body := st.Body.(type) {
		case *ast.CreateTable:
			d, err := b.CreateTable(body)
			if err != nil {
				return formatError(err)
			}
			sb.WriteString(formatTable(d.Def))
		case *ast.CreateView:
			d, err := b.CreateView(body)
			if err != nil {
				return formatError(err)
			}
			fmt.Fprintf(&sb, "view %v: %s\n", d.Columns, d.Query)
		case *ast.CreateTableAs:
			d, _, err := b.CreateTableAs(body, nil)
			if err != nil {
				return formatError(err)
			}
			sb.WriteString(formatTable(d))
		default:
			s, err := b.Statement(st, nil)
			if err != nil {
				return formatError(err)
			}
			sb.WriteString(formatStatement(s))
		}
	}
	return sb.String()
}

func TestBind(t *testing.T) {
	ran := 0
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		schema := bindtest.New()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "exec":
				if err := schema.Exec(d.Input); err != nil {
					d.Fatalf(t, "%v", err)
				}
				return ""
			case "bind":
				ran++
				return run(schema, d.Input)
			case "each": // one statement a line
				var sb strings.Builder
				for _, line := range strings.Split(d.Input, "\n") {
					ran++
					out := run(schema, line)
					if !strings.HasPrefix(out, "error") {
						out = "ok: " + line + "\n"
					}
					sb.WriteString(out)
				}
				return sb.String()
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
	if ran < 150 {
		t.Fatalf("only %d statements ran", ran)
	}
}
