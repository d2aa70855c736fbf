package shell

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

func TestAligned(t *testing.T) {
	cases := []struct {
		name string
		cols []column
		rows [][]cell
		want string
	}{
		{
			"numbers to the right, names centred, no blanks after the last column",
			[]column{{"id", types.T(types.Int4)}, {"name", types.T(types.Text)}, {"x", types.T(types.Numeric)}},
			[][]cell{{{text: "1"}, {text: "a"}, {text: "1.50"}}, {{text: "100"}, {null: true}, {text: "-2"}}},
			" id  | name |  x   \n-----+------+------\n   1 | a    | 1.50\n 100 |      |   -2\n(2 rows)\n\n",
		},
		{
			"one row", []column{{"?column?", types.T(types.Text)}}, [][]cell{{{text: "x"}}},
			" ?column? \n----------\n x\n(1 row)\n\n",
		},
		{"no rows", []column{{"a", types.T(types.Int8)}}, nil, " a \n---\n(0 rows)\n\n"},
		{"no columns", nil, [][]cell{{}, {}}, "--\n(2 rows)\n\n"},
		{
			"lines and wide characters",
			[]column{{"a", types.T(types.Text)}, {"b", types.T(types.Text)}},
			[][]cell{{{text: "ä\n漢字"}, {text: "1\n2"}}},
			"  a   | b \n------+---\n ä   +| 1+\n 漢字 | 2\n(1 row)\n\n",
		},
		{
			"control characters do not reach the terminal",
			[]column{{"a", types.T(types.Text)}}, [][]cell{{{text: "\x1b[31m"}}},
			"    a     \n----------\n \\x1B[31m\n(1 row)\n\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkPrinter(t, Aligned, c.cols, c.rows, c.want) })
	}
}

func checkPrinter(t *testing.T, f Format, cols []column, rows [][]cell, want string) {
	t.Helper()
	var b strings.Builder
	w := bufio.NewWriter(&b)
	var p printer
	switch f {
	case Aligned:
		p = newAligned(w, cols)
	case CSV:
		p = newCSV(w, cols)
	case JSON:
		p = newJSON(w, cols)
	}
	for _, r := range rows {
		if err := p.row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%q, want\n%q", b.String(), want)
	}
}

func TestAlignedStreamsLongResults(t *testing.T) {
	var b strings.Builder
	w := bufio.NewWriter(&b)
	p := newAligned(w, []column{{"a", types.T(types.Int4)}})
	for range alignedRowsMax + 5 {
		if err := p.row([]cell{{text: "1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if p.held != nil {
		t.Errorf("%d rows are held", len(p.held))
	}
	if err := p.row([]cell{{text: "123456"}}); err != nil {
		t.Fatal(err)
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(b.String(), " 1\n 123456\n(10006 rows)\n\n") {
		t.Errorf("the end is %q", b.String()[max(0, b.Len()-40):])
	}
}

func TestCSVAndJSON(t *testing.T) {
	cols := []column{
		{"a", types.T(types.Int4)}, {"b,c", types.T(types.Text)}, {"a", types.T(types.Bool)}, {"f", types.T(types.Float8)},
	}
	rows := [][]cell{
		{{text: "1"}, {text: "x \"y\"\n"}, {text: "t"}, {text: "1e-05"}},
		{{null: true}, {text: ""}, {text: "f"}, {text: "NaN"}},
		{{text: "-3"}, {text: `\.`}, {null: true}, {text: "-Infinity"}},
	}
	checkPrinter(t, CSV, cols, rows, "a,\"b,c\",a,f\n1,\"x \"\"y\"\"\n\",t,1e-05\n,\"\",f,NaN\n-3,\"\\.\",,-Infinity\n")
	checkPrinter(t, JSON, cols, rows, `[{"a":1,"b,c":"x \"y\"\n","a_2":true,"f":1e-05},`+"\n "+
		`{"a":null,"b,c":"","a_2":false,"f":"NaN"},`+"\n "+`{"a":-3,"b,c":"\\.","a_2":null,"f":"-Infinity"}]`+"\n")
	checkPrinter(t, JSON, cols, nil, "[]\n")
}

func TestPrintError(t *testing.T) {
	long := "SELECT " + strings.Repeat("aaaaaaaaa, ", 20) + "nope, " + strings.Repeat("bbbbbbbbb, ", 20)
	cases := []struct {
		name string
		err  error
		sql  string
		want string
	}{
		{
			"place, detail, hint",
			sqlerr.New(sqlerr.UndefinedColumn, `column "x" does not exist`).At(18).WithDetail("d").WithHint("h"),
			"SELECT 1\n ,\t'ä', x",
			"ERROR:  42703: column \"x\" does not exist\nLINE 2:  , 'ä', x\n                ^\nDETAIL:  d\nHINT:  h\n",
		},
		{"no place", sqlerr.New(sqlerr.DivisionByZero, "division by zero"), "SELECT 1/0",
			"ERROR:  22012: division by zero\n"},
		{"at the end", sqlerr.New(sqlerr.SyntaxError, "syntax error at end of input").At(7), "SELECT",
			"ERROR:  42601: syntax error at end of input\nLINE 1: SELECT\n              ^\n"},
		{"beyond the end", sqlerr.New(sqlerr.SyntaxError, "x").At(100), "SELECT", "ERROR:  42601: x\n"},
		{"not of SQL", io.ErrUnexpectedEOF, "", "lamina: unexpected EOF\n"},
		{
			"long line", sqlerr.New(sqlerr.UndefinedColumn, "c").At(strings.Index(long, "nope") + 1), long,
			"ERROR:  42703: c\nLINE 1: ...aaaa, aaaaaaaaa, aaaaaaaaa, aaaaaaaaa, aaaaaaaaa, nope, bbbb...\n" +
				"                                                             ^\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			PrintError(&b, c.err, c.sql)
			if b.String() != c.want {
				t.Errorf("got\n%s, want\n%s", b.String(), c.want)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT 1;": true, "SELECT 1": false, "SELECT ';": false, "SELECT ';';": true, "SELECT 1; -- x": true,
		"SELECT 1 -- ;": false, "SELECT (1;": false, "SELECT $$;": false, "/* ; */": true, "/* ;": false, "a; b": false,
		"a; b;\n": true,
	} {
		if got := complete(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestCopyInput(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, c := range []struct{ name, in, want, rest string }{
		{"to the end", "1\n2\n", "1\n2\n", ""},
		{"to the mark", "1\n\\.\nSELECT 1;\n", "1\n", "SELECT 1;\n"},
		{"mark with CR", "1\r\n\\.\r\nx", "1\r\n", "x"},
		{"nothing", "\\.\n", "", ""},
		{"mark inside a line", "a\\.\n\\.b\n", "a\\.\n\\.b\n", ""},
		{"long lines", long + "\n" + long + "\\.\n\\.\nrest", long + "\n" + long + "\\.\n", "rest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := bufio.NewReaderSize(strings.NewReader(c.in), 16)
			got, err := io.ReadAll(&copyInput{in: in})
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
			if rest, _ := io.ReadAll(in); string(rest) != c.rest {
				t.Errorf("left %q, want %q", rest, c.rest)
			}
		})
	}
}
