package sqlparse

import (
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
)

func TestGuards(t *testing.T) {
	deep := func(n int, open, middle, shut string) string {
		return "SELECT " + strings.Repeat(open, n) + middle + strings.Repeat(shut, n)
	}
	cases := []struct {
		name string
		text string
		code sqlerr.Code // "" if accepted
		pos  int
	}{
		{"invalid UTF-8", "SELECT '\xff'", sqlerr.CharacterNotInRepertoire, 0},
		{"cut character", "SELECT '\xe4\xb8'", sqlerr.CharacterNotInRepertoire, 0},
		{"NUL", "SELECT 1\x00", sqlerr.CharacterNotInRepertoire, 0},
		{"too long", "SELECT '" + strings.Repeat("x", 100) + "'", sqlerr.ProgramLimitExceeded, 0},
		{"nested parentheses", deep(nestingMax+1, "(", "1", ")"), sqlerr.StatementTooComplex, 0},
		{"many parentheses", deep(nestingMax-100, "(", "1", ")"), "", 0},
		{"nested CASE", deep(nestingMax+1, "CASE WHEN ", "true", " THEN 1 END"), sqlerr.StatementTooComplex, 0},
		{"nested NOT", deep(nestingMax+1, "NOT ", "true", ""), sqlerr.StatementTooComplex, 0},
		{"nested minus", deep(nestingMax+1, "- ", "1", ""), sqlerr.StatementTooComplex, 0},
		{"NOT inside of parentheses", deep(60, strings.Repeat("NOT ", 20)+"(", "true", ")"), sqlerr.StatementTooComplex, 0},
		{"nested joins", "SELECT 1 FROM t" + strings.Repeat(" JOIN t", nestingMax+1) + strings.Repeat(" ON true", nestingMax+1),
			sqlerr.StatementTooComplex, 0},
		{"joins inside of parentheses", deep(60, "(SELECT 1 FROM t"+strings.Repeat(" JOIN t", 20), "", strings.Repeat(" ON true", 20)+")"),
			sqlerr.StatementTooComplex, 0},
		{"chain of joins", "SELECT 1 FROM t" + strings.Repeat(" JOIN t ON true", 2*nestingMax), "", 0},
		{"brackets in a string", "SELECT '" + strings.Repeat("(", 2*nestingMax) + "'", "", 0},
		{"brackets in a comment", "SELECT 1 /* " + strings.Repeat("(", 2*nestingMax) + " */", "", 0},
		{"brackets in dollar quotes", "SELECT $a$" + strings.Repeat("(", 2*nestingMax) + "$a$", "", 0},
		{"brackets in a name", `SELECT "` + strings.Repeat("(", 60) + `"`, "", 0},
		{"long chain", "SELECT 1" + strings.Repeat(" + 1", chainMax+1), sqlerr.StatementTooComplex, 0},
		{"chain", "SELECT 1" + strings.Repeat(" + 1", chainMax-10), "", 0},
		{"long AND", "SELECT true" + strings.Repeat(" AND true", 4*chainMax), "", 0},
		{"long union", "SELECT 1" + strings.Repeat(" UNION SELECT 1", chainMax), sqlerr.StatementTooComplex, 0},
		{"parameter 0", "SELECT $0", sqlerr.UndefinedParameter, 8},
		{"parameter with letters", "SELECT 'ä', $1x", sqlerr.SyntaxError, 13},
		{"parameter too large", "SELECT $2147483648", sqlerr.SyntaxError, 8},
		{"largest parameter", "SELECT $2147483647", "", 0},
		{"empty", " ; -- x\n ; ", "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			limit := TextBytesMax
			if c.name == "too long" {
				limit = 50
			}
			_, err := ParseLimit(c.text, limit)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if sqlerr.CodeOf(err) != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if p := sqlerr.From(err).Position; p != c.pos {
				t.Fatalf("position %d, want %d", p, c.pos)
			}
		})
	}
}

func TestStatementSpans(t *testing.T) {
	text := "  SELECT 1 ;;\n-- c\nSELECT 'ä' , x; COMMIT"
	stmts, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"SELECT 1", "SELECT 'ä' , x", "COMMIT"}
	if len(stmts) != len(want) {
		t.Fatalf("%d statements", len(stmts))
	}
	for i, s := range stmts {
		if s.Text != want[i] || text[s.Start:s.End] != want[i] {
			t.Errorf("statement %d is %q, span %q", i, s.Text, text[s.Start:s.End])
		}
	}
}

// Split must cut where the grammar does.
func TestSplitAgreesWithParse(t *testing.T) {
	all := strings.Join(corpus(t), ";\n")
	if _, err := Parse(all); err == nil {
		t.Fatal("the corpus has statements that are refused")
	}
	var accepted []string
	for _, s := range corpus(t) {
		if got, err := Parse(s); err == nil && len(got) == 1 {
			accepted = append(accepted, strings.TrimSpace(strings.TrimRight(strings.TrimSpace(s), ";")))
		}
	}
	stmts, err := Parse(strings.Join(accepted, ";\n"))
	if err != nil {
		t.Fatal(err)
	}
	parts := Split(strings.Join(accepted, ";\n"))
	if len(parts) != len(stmts) || len(parts) < 80 {
		t.Fatalf("split into %d, parsed into %d", len(parts), len(stmts))
	}
	for i := range parts {
		if parts[i] != stmts[i].Text {
			t.Errorf("split %q, parsed %q", parts[i], stmts[i].Text)
		}
	}
}

// FuzzParse: nothing that is parsed panics, and what is accepted is accepted again by itself.
func FuzzParse(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s)
	}
	for _, s := range []string{"\x00", "'", "$a$", "/*", "E'\\", `U&"`, "$1x", "((((", "SELECT CASE", "SELECT 1e1000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		Split(text)
		if len(text) > 1<<16 {
			return
		}
		stmts, err := Parse(text)
		if err != nil {
			if sqlerr.CodeOf(err) == sqlerr.InternalError {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, s := range stmts {
			again, err := Parse(s.Text)
			if err != nil || len(again) != 1 {
				t.Fatalf("%q is accepted in %q and not by itself: %v", s.Text, text, err)
			}
		}
	})
}
