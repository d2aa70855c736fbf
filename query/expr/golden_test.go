package expr

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// goldenContext is the session that the answers in testdata were made in.
var goldenContext = &Context{Location: time.UTC, Now: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)}

// goldenArg makes an expression of "kind:text": an untyped literal for the kind unknown, else a constant.
func goldenArg(t *testing.T, s string) Expr {
	name, text, _ := strings.Cut(s, ":")
	text = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n").Replace(text)
	k, ok := types.KindByTypname(name)
	if !ok {
		t.Fatalf("kind of %q", s)
	}
	if text == "NULL" {
		return NewConst(types.NullOf(k), types.T(k), 0)
	}
	if k == types.Unknown {
		return NewLiteral(text, 0)
	}
	d, err := types.Parse(types.T(k), text)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return NewConst(d, types.T(k), 0)
}

// goldenExpr builds the expression of a case.
func goldenExpr(t *testing.T, form, name string, args []Expr) (Expr, error) {
	switch form {
	case "op":
		return NewOp(name, 0, args...)
	case "func":
		return NewFunc(name, 0, args...)
	case "cast":
		typ, err := types.ParseType(name)
		if err != nil {
			t.Fatal(name, err)
		}
		return NewCast(args[0], typ, Explicit, 0)
	case "in", "notin":
		return NewIn(0, args[0], args[1:], form == "notin")
	case "distinct", "notdistinct":
		return NewDistinct(0, args[0], args[1], form == "notdistinct")
	case "case":
		yes := NewConst(types.NewBool(true), types.T(types.Bool), 0)
		return NewCase(0, nil, []When{{yes, args[0]}}, args[1])
	case "between":
		lo, err := NewOp(">=", 0, args[0], args[1])
		if err != nil {
			return nil, err
		}
		hi, err := NewOp("<=", 0, args[0], args[2])
		if err != nil {
			return nil, err
		}
		return NewAnd(0, lo, hi)
	}
	t.Fatalf("form %q", form)
	return nil, nil
}

// goldenAnswer returns what we say: type and value, or ERROR and code and message.
func goldenAnswer(t *testing.T, f []string) string {
	var args []Expr
	for _, a := range f[2 : len(f)-2] {
		args = append(args, goldenArg(t, a))
	}
	e, err := goldenExpr(t, f[0], f[1], args)
	var d types.Datum
	if err == nil {
		d, err = EvalRow(goldenContext, e, nil)
	}
	if err != nil {
		x := sqlerr.From(err)
		return "ERROR\t" + string(x.Code) + " " + x.Message
	}
	if p, perr := Compile([]Expr{e}, nil); perr != nil {
		t.Fatal(perr)
	} else {
		rp := p.NewRow(goldenContext)
		rp.Begin(nil)
		if got, err := rp.Eval(0); err != nil || !sameDatum2(got, d) {
			t.Errorf("%s: the program gives %v, %v", String(e), got, err)
		}
	}
	value := "NULL"
	if d.Valid {
		value = string(types.AppendText(nil, d, e.Type(), nil))
	}
	return e.Type().Kind.String() + "\t" + strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(value)
}

// nearlyEqual reports whether the results of a transcendental function differ in the last bits only: those
// are the mathematical library's.
func nearlyEqual(name, got, want string) bool {
	switch name {
	case "||/", "cbrt", "atan", "sin", "cos", "cot", "sinh", "cosh", "log", "log10":
	default:
		return false
	}
	g, okG := strings.CutPrefix(got, "double precision\t")
	w, okW := strings.CutPrefix(want, "double precision\t")
	x, errX := strconv.ParseFloat(g, 64)
	y, errY := strconv.ParseFloat(w, 64)
	return okG && okW && errX == nil && errY == nil && math.Abs(x-y) <= 1e-15*math.Abs(y)
}

// TestGoldenExpressions compares resolution, results and errors with PostgreSQL's. The lines of
// testdata/expr.tsv are: form, name, arguments, then the answer in two fields.
func TestGoldenExpressions(t *testing.T) {
	file, err := os.Open("testdata/expr.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cases, differ := 0, 0
	s := bufio.NewScanner(file)
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		f := strings.Split(s.Text(), "\t")
		want := f[len(f)-2] + "\t" + f[len(f)-1]
		cases++
		if got := goldenAnswer(t, f); got != want && !nearlyEqual(f[1], got, want) {
			differ++
			t.Errorf("%s\n\twant %s\n\tgot  %s", strings.Join(f[:len(f)-2], " | "), want, got)
		}
	}
	if s.Err() != nil || cases < 6000 {
		t.Fatalf("%d cases: %v", cases, s.Err())
	}
	t.Logf("%d cases, %d differ", cases, differ)
}
