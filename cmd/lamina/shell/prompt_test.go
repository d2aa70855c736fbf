package shell_test

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/cmd/lamina/shell"
)

// typed are lines of a person; "^C" is an interrupt. It notes the prompts.
type typed struct {
	lines, prompts []string
}

func (p *typed) ReadLine(prompt string) (string, error) {
	p.prompts = append(p.prompts, strings.TrimSpace(prompt))
	if len(p.lines) == 0 {
		return "", io.EOF
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	if line == "^C" {
		return "", shell.ErrInterrupted
	}
	return line, nil
}

func TestPrompt(t *testing.T) {
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out, errs bytes.Buffer
	sh, err := shell.New(db.Engine(), shell.Options{Out: &out, Err: &errs, Format: shell.CSV, In: bufio.NewReader(strings.NewReader(""))})
	if err != nil {
		t.Fatal(err)
	}
	p := &typed{lines: []string{
		"SELECT 'dropped'", "^C", "SELECT 'dropped too',", `\r`,
		"SELECT 1 AS a,", `\?`, "2 AS b; SELECT", "3 AS c;",
		"SELECT 'in a string", `\q", '' AS d;`, "' AS e;",
		"BEGIN;", "SELECT 1/0;", "ROLLBACK;", "-- nothing", "", `\q`, "SELECT 'never';",
	}}
	if err := sh.Prompt(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := sh.Close(); err != nil {
		t.Fatal(err)
	}
	wantPrompts := "lamina=> lamina-> lamina=> lamina-> lamina=> lamina-> lamina-> lamina-> lamina=> lamina-> lamina-> lamina=> lamina=*> lamina=!> lamina=> lamina=> lamina=>"
	if got := strings.Join(p.prompts, " "); got != wantPrompts {
		t.Errorf("prompts\n%s\nwant\n%s", got, wantPrompts)
	}
	got := out.String()
	for _, part := range []string{"a,b\n1,2\n", "c\n3\n", "\"in a string\n\\q\"\", ' AS d;\n\"", `\timing`} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
	if strings.Contains(got, "dropped") || strings.Contains(got, "never") {
		t.Errorf("what was dropped ran:\n%s", got)
	}
	if e := errs.String(); strings.Count(e, "ERROR") != 1 || !strings.Contains(e, "division by zero") {
		t.Errorf("errors: %s", e)
	}
}
