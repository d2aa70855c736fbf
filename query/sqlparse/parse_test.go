package sqlparse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

// formatError prints an error as the goldens show it.
func formatError(err error) string {
	e := sqlerr.From(err)
	s := fmt.Sprintf("error %s", e.Code)
	if e.Position > 0 {
		s += fmt.Sprintf(" at %d", e.Position)
	}
	s += ": " + e.Message + "\n"
	if e.Hint != "" {
		s += "hint: " + e.Hint + "\n"
	}
	return s
}

func TestParse(t *testing.T) {
	ran := 0
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			ran++
			switch d.Cmd {
			case "parse":
				stmts, err := Parse(d.Input)
				if err != nil {
					return formatError(err)
				}
				var sb strings.Builder
				for _, s := range stmts {
					fmt.Fprintf(&sb, "%s\n", ast.Dump(s.Body))
				}
				return sb.String()
			case "errors":
				// One statement a line.
				var sb strings.Builder
				for _, line := range strings.Split(d.Input, "\n") {
					_, err := Parse(line)
					if err == nil {
						fmt.Fprintf(&sb, "accepted: %s\n", line)
						continue
					}
					sb.WriteString(formatError(err))
				}
				return sb.String()
			case "expr":
				e, err := ParseExpr(d.Input)
				if err != nil {
					return formatError(err)
				}
				return ast.Dump(e) + "\n"
			case "split":
				return strings.Join(Split(d.Input), "\n---\n") + "\n"
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
	if ran < 60 {
		t.Fatalf("only %d cases ran", ran)
	}
}
