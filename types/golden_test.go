package types

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

// The files of testdata hold what PostgreSQL 18 answers. Every line is a case of fields divided by
// tabs, the last one the answer: a value, NULL, or "ERROR", the SQLSTATE and the message. \t, \n
// and \\ stand for themselves.

func goldenLines(t *testing.T, name string, atLeast int, f func(t *testing.T, fields []string, want string)) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	s := bufio.NewScanner(file)
	s.Buffer(nil, 1<<20)
	unescape := strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\v`, "\v", `\\`, `\`)
	for s.Scan() {
		line := s.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		for i := range fields {
			fields[i] = unescape.Replace(fields[i])
		}
		f(t, fields[:len(fields)-1], fields[len(fields)-1])
		n++
	}
	if s.Err() != nil || n < atLeast {
		t.Fatalf("%d cases, want at least %d: %v", n, atLeast, s.Err())
	}
	t.Logf("%d cases", n)
}

func errorText(err error) string {
	e := sqlerr.From(err)
	s := fmt.Sprintf("ERROR %s %s", e.Code, e.Message)
	if e.Detail != "" {
		s += " DETAIL " + e.Detail
	}
	if e.Hint != "" {
		s += " HINT " + e.Hint
	}
	return s
}

func TestParseAndPrint(t *testing.T) {
	goldenLines(t, "parse.tsv", 1500, func(t *testing.T, f []string, want string) {
		typ, err := ParseType(f[0])
		if err != nil {
			t.Errorf("type %s: %v", f[0], err)
			return
		}
		d, err := Parse(typ, f[1])
		b, errB := ParseBytes(typ, []byte(f[1]))
		if (err == nil) != (errB == nil) || err == nil && !Identical(d, b) {
			t.Errorf("%s %q: Parse and ParseBytes differ", f[0], f[1])
		}
		got := ""
		if err != nil {
			got = errorText(err)
		} else {
			got = typ.Text(d)
			// What is printed reads back as the same value.
			if back, err := Parse(typ, got); err != nil || !Identical(back, d) {
				t.Errorf("%s %q: %q does not read back: %v", f[0], f[1], got, err)
			}
		}
		if got != want {
			t.Errorf("%s %q:\n got  %s\n want %s", f[0], f[1], got, want)
		}
	})
}

// goldenOp is an operation of the files numeric.tsv and datetime.tsv.
type goldenOp struct {
	args   []Kind // Unknown: text that fn reads itself
	result Kind
	fn     func(a []Datum, loc *time.Location) (Datum, error)
}

func op1(a, r Kind, fn func(a Datum) (Datum, error)) goldenOp {
	return goldenOp{[]Kind{a}, r, func(x []Datum, _ *time.Location) (Datum, error) { return fn(x[0]) }}
}

func op2(a, b, r Kind, fn func(a, b Datum) (Datum, error)) goldenOp {
	return goldenOp{[]Kind{a, b}, r, func(x []Datum, _ *time.Location) (Datum, error) { return fn(x[0], x[1]) }}
}

func opZone(a, b, r Kind, fn func(a, b Datum, loc *time.Location) (Datum, error)) goldenOp {
	return goldenOp{[]Kind{a, b}, r, func(x []Datum, loc *time.Location) (Datum, error) { return fn(x[0], x[1], loc) }}
}

func noError(fn func(Datum) Datum) func(Datum) (Datum, error) {
	return func(d Datum) (Datum, error) { return fn(d), nil }
}

func toInt(k Kind) func(Datum) (Datum, error) {
	return func(d Datum) (Datum, error) {
		var v int64
		var err error
		if d.K == Numeric {
			v, err = NumericToInt(k, d)
		} else {
			v, err = FloatToInt(k, d.Float())
		}
		return NewInt(k, v), err
	}
}

func toFloat(k Kind) func(Datum) (Datum, error) {
	return func(d Datum) (Datum, error) {
		f, err := NumericToFloat(k, d)
		return NewFloat(k, f), err
	}
}

func digits(fn func(Datum, int) (Datum, error)) func(a, b Datum) (Datum, error) {
	return func(a, b Datum) (Datum, error) { return fn(a, int(b.I)) }
}

func compare(a, b Datum) (Datum, error) {
	c := Compare(a, b)
	if c != -Compare(b, a) || (c == 0) != Equal(a, b) || c == 0 && Hash(a) != Hash(b) {
		return Datum{}, fmt.Errorf("compare, equal and hash of %v and %v disagree", a, b)
	}
	return NewInt(Int4, int64(c)), nil
}

func timestampOps(ops map[string]goldenOp, suffix string, k Kind) {
	ops["age"+suffix] = opZone(k, k, Interval, Age)
	ops["plus_interval"+suffix] = opZone(k, Interval, k, TimestampAddInterval)
	ops["minus_interval"+suffix] = opZone(k, Interval, k, TimestampSubInterval)
	ops["minus"+suffix] = op2(k, k, Interval, TimestampSub)
	ops["cmp"+suffix] = op2(k, k, Int4, compare)
	ops["to_date"+suffix] = goldenOp{[]Kind{k}, Date, func(x []Datum, loc *time.Location) (Datum, error) {
		return TimestampToDate(x[0], loc), nil
	}}
	ops["to_time"+suffix] = goldenOp{[]Kind{k}, Time, func(x []Datum, loc *time.Location) (Datum, error) {
		return TimestampToTime(x[0], loc), nil
	}}
	other := Timestamp
	if k == Timestamp {
		other = TimestampTZ
	}
	ops["to_other"+suffix] = goldenOp{[]Kind{k}, other, func(x []Datum, loc *time.Location) (Datum, error) {
		return TimestampInZone(x[0], loc)
	}}
	ops["date_to"+suffix] = goldenOp{[]Kind{Date}, k, func(x []Datum, loc *time.Location) (Datum, error) {
		return DateToTimestamp(x[0], k, loc)
	}}
}

func fieldOps(ops map[string]goldenOp) {
	for suffix, k := range map[string]Kind{
		"_date": Date, "_time": Time, "_ts": Timestamp, "_tstz": TimestampTZ, "_iv": Interval,
	} {
		ops["extract"+suffix] = opZone(Unknown, k, Numeric, func(f, d Datum, loc *time.Location) (Datum, error) {
			return Extract(f.S, d, loc)
		})
		if k != Date && k != Time {
			ops["trunc"+suffix] = opZone(Unknown, k, k, func(f, d Datum, loc *time.Location) (Datum, error) {
				return DateTrunc(f.S, d, loc)
			})
		}
	}
}

func goldenOps() map[string]goldenOp {
	ops := map[string]goldenOp{
		"add": op2(Numeric, Numeric, Numeric, NumericAdd), "sub": op2(Numeric, Numeric, Numeric, NumericSub),
		"mul": op2(Numeric, Numeric, Numeric, NumericMul), "div": op2(Numeric, Numeric, Numeric, NumericDiv),
		"mod": op2(Numeric, Numeric, Numeric, NumericMod), "quo": op2(Numeric, Numeric, Numeric, NumericDivTrunc),
		"neg": op1(Numeric, Numeric, noError(NumericNeg)), "abs": op1(Numeric, Numeric, noError(NumericAbs)),
		"sign": op1(Numeric, Numeric, noError(NumericSign)), "ceil": op1(Numeric, Numeric, NumericCeil),
		"floor": op1(Numeric, Numeric, NumericFloor),
		"round": op2(Numeric, Int4, Numeric, digits(NumericRound)),
		"trunc": op2(Numeric, Int4, Numeric, digits(NumericTrunc)),
		"sqrt":  op1(Numeric, Numeric, NumericSqrt),
		"exp":   op1(Numeric, Numeric, NumericExp),
		"ln":    op1(Numeric, Numeric, NumericLn),
		"log":   op2(Numeric, Numeric, Numeric, NumericLog),
		"power": op2(Numeric, Numeric, Numeric, NumericPower),
		"cmp":   op2(Numeric, Numeric, Int4, compare),
		"int2":  op1(Numeric, Int2, toInt(Int2)), "int4": op1(Numeric, Int4, toInt(Int4)),
		"int8": op1(Numeric, Int8, toInt(Int8)), "float4": op1(Numeric, Float4, toFloat(Float4)),
		"float8":      op1(Numeric, Float8, toFloat(Float8)),
		"float8_int4": op1(Float8, Int4, toInt(Int4)), "float8_int8": op1(Float8, Int8, toInt(Int8)),
		"float4_num": op1(Float4, Numeric, noError(func(d Datum) Datum { return NumericFromFloat(Float4, d.Float()) })),
		"float8_num": op1(Float8, Numeric, noError(func(d Datum) Datum { return NumericFromFloat(Float8, d.Float()) })),
		"cmp_float":  op2(Float8, Float8, Int4, compare),

		"date_plus": op2(Date, Int4, Date, func(a, b Datum) (Datum, error) { return DateAddDays(a, b.I) }),
		"date_minus": op2(Date, Date, Int4, func(a, b Datum) (Datum, error) {
			n, err := DateSub(a, b)
			return NewInt(Int4, n), err
		}),
		"date_plus_interval":  opZone(Date, Interval, Timestamp, TimestampAddInterval),
		"date_minus_interval": opZone(Date, Interval, Timestamp, TimestampSubInterval),
		"date_plus_time":      op2(Date, Time, Timestamp, DateAddTime),
		"time_plus":           op2(Time, Interval, Time, TimeAddInterval),
		"time_minus":          op2(Time, Interval, Time, TimeSubInterval),
		"time_sub":            op2(Time, Time, Interval, func(a, b Datum) (Datum, error) { return TimeSub(a, b), nil }),
		"iv_plus":             op2(Interval, Interval, Interval, IntervalAdd),
		"iv_minus":            op2(Interval, Interval, Interval, IntervalSub),
		"iv_neg":              op1(Interval, Interval, IntervalNeg),
		"iv_mul": op2(Interval, Float8, Interval, func(a, b Datum) (Datum, error) {
			return IntervalMul(a, b.Float())
		}),
		"iv_div": op2(Interval, Float8, Interval, func(a, b Datum) (Datum, error) {
			return IntervalDiv(a, b.Float())
		}),
		"iv_cmp":           op2(Interval, Interval, Int4, compare),
		"justify_hours":    op1(Interval, Interval, JustifyHours),
		"justify_days":     op1(Interval, Interval, JustifyDays),
		"justify_interval": op1(Interval, Interval, JustifyInterval),
	}
	timestampOps(ops, "_ts", Timestamp)
	timestampOps(ops, "_tstz", TimestampTZ)
	fieldOps(ops)
	return ops
}

// evalOp runs an operation on texts as PostgreSQL would print it.
func evalOp(o goldenOp, texts []string, loc *time.Location) string {
	args := make([]Datum, len(texts))
	for i, s := range texts {
		d, err := ParseWith(T(o.args[i]), s, &ParseOptions{Location: loc})
		if err != nil {
			return errorText(err)
		}
		args[i] = d
	}
	d, err := o.fn(args, loc)
	if err != nil {
		return errorText(err)
	}
	if d.IsNull() {
		return "NULL"
	}
	return string(AppendText(nil, d, T(o.result), &TextOptions{Location: loc}))
}

func runOps(t *testing.T, file string, atLeast int) {
	ops := goldenOps()
	loc := time.UTC
	used := map[string]bool{}
	goldenLines(t, file, atLeast, func(t *testing.T, f []string, want string) {
		if f[0] == "zone" {
			var err error
			if loc, err = SessionZone(want); err != nil {
				t.Fatal(err)
			}
			return
		}
		o, ok := ops[f[0]]
		if !ok || len(f)-1 != len(o.args) {
			t.Fatalf("bad case %q", f)
		}
		used[f[0]] = true
		if got := evalOp(o, f[1:], loc); got != want {
			t.Errorf("%s in %s:\n got  %s\n want %s", strconv.Quote(strings.Join(f, " ")), loc, got, want)
		}
	})
	t.Logf("%d operations", len(used))
}

func TestNumericOperations(t *testing.T)  { runOps(t, "numeric.tsv", 1500) }
func TestNumericFunctions(t *testing.T)   { runOps(t, "math.tsv", 400) }
func TestDateTimeOperations(t *testing.T) { runOps(t, "datetime.tsv", 1500) }
