package query

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/types"
)

// shapeTexts are texts with what the parameters of their shapes stand for; "" as parameters: there is no shape.
var shapeTexts = []struct{ text, parameters, values string }{
	{"SELECT a FROM t WHERE id = 5", "SELECT a FROM t WHERE id = $1", "integer 5"},
	{"select a from t where id=5;", "select a from t where id=$1;", "integer 5"},
	{"SELECT 7, 'x' FROM t WHERE k = 'it''s' AND n = -3 LIMIT 1", "SELECT 7, 'x' FROM t WHERE k = $1 AND n = $2 LIMIT 1", "unknown it's, integer -3"},
	{"SELECT a FROM t WHERE (t.id = 5000000000)", "SELECT a FROM t WHERE (t.id = $1)", "bigint 5000000000"},
	{`SELECT a FROM "T" WHERE "id" = 1.50`, `SELECT a FROM "T" WHERE "id" = $1`, "numeric 1.50"},
	{"SELECT a FROM t WHERE id = 5 OR id = 6", "SELECT a FROM t WHERE id = 5 OR id = $1", "integer 6"},
	{"SELECT a FROM t WHERE a = b + 5 AND id = 6", "SELECT a FROM t WHERE a = b + 5 AND id = $1", "integer 6"},
	{"SELECT a FROM t WHERE d = date '2020-01-01' AND id = 6", "SELECT a FROM t WHERE d = date '2020-01-01' AND id = $1", "integer 6"},
	{"SELECT a FROM t WHERE id = 5 GROUP BY a = 5", "", ""}, // GROUP is not known to end an operand
	{"INSERT INTO t VALUES (1, -2.5, 'x', NULL, true, DEFAULT, f(3))", "INSERT INTO t VALUES ($1, $2, $3, NULL, true, DEFAULT, f(3))", "integer 1, numeric -2.5, unknown x"},
	{"INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = 3", "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = 3", "integer 1, integer 2"},
	{"UPDATE t SET a = a + -5, b = 'x', c = 7 WHERE id = 9 RETURNING 1", "UPDATE t SET a = a + $1, b = $2, c = $3 WHERE id = $4 RETURNING 1",
		"integer -5, unknown x, integer 7, integer 9"},
	{"UPDATE t SET a = a-5 WHERE id = 9", "UPDATE t SET a = a-$1 WHERE id = $2", "integer 5, integer 9"},
	{"UPDATE t SET a = a + 5 * 2 WHERE id = 9", "UPDATE t SET a = a + 5 * 2 WHERE id = $1", "integer 9"},
	{"DELETE FROM t WHERE id = -2147483648", "DELETE FROM t WHERE id = $1", "integer -2147483648"},
	{"DELETE FROM t WHERE id = 2147483648", "DELETE FROM t WHERE id = $1", "bigint 2147483648"},
	{"SELECT a FROM t WHERE k = 'straße' AND id <> 5", "SELECT a FROM t WHERE k = $1 AND id <> 5", "unknown straße"},
	{"INSERT INTO t VALUES (1), (2)", "INSERT INTO t VALUES ($1)", "integer 1, integer 2"},
	{"INSERT INTO t (a, b) VALUES (1, 'x') ,\n(-2,'y''z') , (3, null) RETURNING a;", "INSERT INTO t (a, b) VALUES ($1, $2)  RETURNING a;",
		"integer 1, unknown x, integer -2, unknown y'z, integer 3, unknown "},
	// None have shapes.
	{"SELECT a FROM t", "", ""},
	{"SELECT a FROM t WHERE id = $1", "", ""},
	{"SELECT a FROM t WHERE id = 5::int8", "", ""},
	{"SELECT a FROM t WHERE id = 5 -- five", "", ""},
	{"SELECT a FROM t WHERE id = /* five */ 5", "", ""},
	{"SELECT a FROM t WHERE id =-5", "", ""},
	{"SELECT a FROM t WHERE id = 1e3", "", ""},
	{"SELECT a FROM t WHERE id = 0x10", "", ""},
	{"SELECT a FROM t WHERE id = 007", "", ""},
	{"SELECT a FROM t WHERE id = 1_000", "", ""},
	{"SELECT a FROM t WHERE id = 99999999999999999999", "", ""},
	{"SELECT a FROM t WHERE k = E'x'", "", ""},
	{"SELECT a FROM t WHERE k = 'x' COLLATE \"C\"", "", ""},
	{"SELECT a FROM t WHERE k = 'x'\n'y'", "", ""},
	{"SELECT a FROM t WHERE k = 'x", "", ""},
	{"SELECT a FROM t WHERE k = 'x\x00'", "", ""},
	{"SELECT a FROM t WHERE k = 'x\xff'", "", ""},
	{"SELECT a FROM t WHERE id = 5; SELECT 1", "", ""},
	{"SELECT a FROM t LIMIT 5", "", ""},
	{"SELECT a FROM t WHERE id IN (5)", "", ""},
	{"INSERT INTO t VALUES (1), (2) LIMIT 1", "", ""},
	{"INSERT INTO t VALUES (1), (2.0)", "", ""},
	{"INSERT INTO t VALUES (1), ('2')", "", ""},
	{"INSERT INTO t VALUES (1, NULL), (2, 3)", "", ""},
	{"INSERT INTO t VALUES (1, 2), (3)", "", ""},
	{"INSERT INTO t VALUES (1, 2), (3, 4, 5)", "", ""},
	{"INSERT INTO t VALUES (1), (DEFAULT)", "", ""},
	{"INSERT INTO t VALUES (1), (2 + 3)", "", ""},
	{"INSERT INTO t VALUES (1), (2),", "", ""},
	{"INSERT INTO t VALUES (1), (2), SELECT 3", "", ""},
	{"WITH x AS (SELECT 1) SELECT a FROM t WHERE id = 5", "", ""},
	{"EXPLAIN SELECT a FROM t WHERE id = 5", "", ""},
}

func TestShapes(t *testing.T) {
	var s shapeScanner
	for _, c := range shapeTexts {
		if !s.scan(c.text) {
			if c.parameters != "" {
				t.Errorf("%s: no shape", c.text)
			}
			continue
		}
		text, _ := s.parameters()
		var values []string
		for i := range s.literals {
			d, err := s.value(i)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, s.literals[i].kind.String()+" "+string(types.AppendText(nil, d, types.T(d.K), nil)))
		}
		if got := strings.Join(values, ", "); text != c.parameters || got != c.values {
			t.Errorf("%s:\n%s (%s)", c.text, text, got)
		}
	}
}

// TestShapesTellKinds: literals of other kinds make another shape, others do not.
func TestShapesTellKinds(t *testing.T) {
	var s shapeScanner
	shapes := map[string]string{}
	for _, literal := range []string{"5", "'5'", "5.0", "5000000000"} {
		s.scan("SELECT a FROM t WHERE id = " + literal)
		if other, ok := shapes[string(s.key)]; ok {
			t.Errorf("%s and %s have one shape", literal, other)
		}
		shapes[string(s.key)] = literal
	}
	s.scan("SELECT a FROM t WHERE id = -77")
	if shapes[string(s.key)] != "5" {
		t.Error("-77 and 5 have different shapes")
	}
}

// checkShape: what a text's shape stands for is the text.
func checkShape(t *testing.T, s *shapeScanner, text string) (shaped bool) {
	if !s.scan(text) {
		return false
	}
	with, given := s.parameters()
	shape, err := sqlparse.Parse(with)
	if err != nil {
		return false // no plan belongs to it
	}
	plain, err := sqlparse.Parse(text)
	if err != nil || len(plain) != len(shape) || len(plain) != 1 {
		t.Fatalf("%q has the shape %q, but %d statements, %v", text, with, len(plain), err)
	}
	literals := make([]ast.Expr, len(s.literals))
	for i := range s.literals {
		literals[i] = shapeLiteralOf(t, s, i)
	}
	body := reflect.ValueOf(&shape[0].Body).Elem()
	if n := replaceParams(body, literals); n != len(given) {
		t.Fatalf("%q has %d parameters, not %d", with, n, len(given))
	}
	if s.width > 0 {
		rows := shape[0].Body.(*ast.Insert).Query.Body.(*ast.Values)
		for more := literals[s.width:]; len(more) > 0; more = more[s.width:] {
			rows.Rows = append(rows.Rows, more[:s.width])
		}
	}
	if !ast.Equal(shape[0].Body, plain[0].Body) {
		t.Fatalf("%q has the shape %q:\n%s\n%s", text, with, ast.Dump(plain[0].Body), ast.Dump(shape[0].Body))
	}
	return true
}

// shapeLiteralOf returns a literal as the parser makes it.
func shapeLiteralOf(t *testing.T, s *shapeScanner, i int) ast.Expr {
	d, err := s.value(i)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Valid {
		return &ast.Literal{Kind: ast.NullLiteral}
	}
	if d.K == types.Unknown {
		return &ast.Literal{Kind: ast.StringLiteral, Text: d.S}
	}
	l := &ast.Literal{Kind: ast.NumberLiteral, Text: s.text[s.literals[i].from:s.literals[i].to]}
	if d.K == types.Int4 && d.I != math.MinInt32 { // its digits are more than an integer can be
		l.Kind, l.Text = ast.IntLiteral, strconv.FormatInt(d.I, 10)
	}
	return l
}

// replaceParams puts literals in place of parameters, and counts them.
func replaceParams(v reflect.Value, literals []ast.Expr) (n int) {
	switch v.Kind() {
	case reflect.Interface:
		if p, ok := v.Interface().(*ast.Param); ok {
			v.Set(reflect.ValueOf(literals[p.N-1]))
			return 1
		}
		return replaceParams(v.Elem(), literals)
	case reflect.Pointer:
		if !v.IsNil() {
			return replaceParams(v.Elem(), literals)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += replaceParams(v.Field(i), literals)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += replaceParams(v.Index(i), literals)
		}
	}
	return n
}

// shapeWords are what gets into random texts.
var shapeWords = strings.Fields(`SELECT INSERT UPDATE FROM t VALUES SET WHERE AND OR NOT a b id "q" = 5 7 -3 0 1.5 2147483648 'x' 'it''s' '' ( ) , , -
	+ - * / . ; <> <= RETURNING LIMIT ORDER BY NULL DEFAULT IS BETWEEN CASE WHEN THEN END IN int date AS FOR ON`)

var shapeConstants = []string{"5", "-3", "0", "1.5", "2147483648", "'x'", "'it''s'", "''", "NULL", "-7.25", "-2147483648"}

// randomShapeText is nearly a statement.
func randomShapeText(rnd *rand.Rand) string {
	var b strings.Builder
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	noise := func() {
		for rnd.IntN(7) == 0 {
			b.WriteString(pick(" ", "", "\n") + pick(shapeWords...) + pick(" ", "", " "))
		}
	}
	list := func(item, separator string, n int) {
		for i := range n {
			if i > 0 {
				b.WriteString(separator)
			}
			noise()
			b.WriteString(item + pick(shapeConstants...))
			noise()
		}
	}
	switch n := rnd.IntN(3) + 1; rnd.IntN(4) {
	case 0:
		b.WriteString(pick("SELECT a FROM t WHERE ", "SELECT a, 7 FROM t WHERE (", "DELETE FROM t WHERE "))
		list(pick("id = ", "a=", "a + b = ", "id <> "), " AND ", n)
	case 1:
		b.WriteString(pick("INSERT INTO t VALUES (", "INSERT INTO t (a, b) VALUES ("))
		list("", ",", n)
		b.WriteString(")")
		for rnd.IntN(3) == 0 {
			b.WriteString(pick(",", " , ") + "(")
			list("", ", ", n)
			b.WriteString(")")
		}
	default:
		b.WriteString("UPDATE t SET ")
		list(pick("a = ", "a = b + ", "a = a - ", "a = b*"), ", ", n)
		b.WriteString(" WHERE ")
		list("id = ", " AND ", 1)
	}
	b.WriteString(pick("", "", ";", " RETURNING a", " RETURNING 5", ")", " LIMIT 1", " ORDER BY 1"))
	return b.String()
}

func TestRandomShapes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	var s shapeScanner
	shaped := 0
	for range 30_000 {
		if checkShape(t, &s, randomShapeText(rnd)) {
			shaped++
		}
	}
	if shaped < 2000 {
		t.Errorf("%d shapes", shaped)
	}
}

func FuzzShape(f *testing.F) {
	for _, c := range shapeTexts {
		f.Add(c.text)
	}
	var s shapeScanner
	f.Fuzz(func(t *testing.T, text string) { checkShape(t, &s, text) })
}

func BenchmarkShape(b *testing.B) {
	var s shapeScanner
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = fmt.Sprintf("UPDATE accounts SET balance = balance + -4523 WHERE id = %d", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i++; !s.scan(texts[i%len(texts)]) {
			b.Fatal("no shape")
		}
	}
}
