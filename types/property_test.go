package types

import (
	"bytes"
	"flag"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMain makes the drawn values the same in every run; other ones come with -rapid.seed.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.seed": "7", "rapid.checks": "300", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	m.Run()
}

func drawInt128(t *rapid.T, name string) Int128 {
	v := Int128{rapid.Int64().Draw(t, name+".hi"), rapid.Uint64().Draw(t, name+".lo")}
	if rapid.Bool().Draw(t, name+".small") {
		v.Hi = int64(v.Lo) >> 63
	}
	return v
}

func TestInt128AgainstBig(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	fits := func(v *big.Int) bool {
		return v.Cmp(limit) < 0 && v.Cmp(new(big.Int).Neg(limit)) >= 0
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawInt128(t, "a"), drawInt128(t, "b")
		x, y := a.Big(), b.Big()
		check := func(op string, got Int128, ok bool, want *big.Int) {
			if ok != fits(want) || ok && got.Big().Cmp(want) != 0 {
				t.Fatalf("%s of %s and %s: %s %v, want %s", op, a, b, got, ok, want)
			}
		}
		s, ok := a.AddOK(b)
		check("sum", s, ok, new(big.Int).Add(x, y))
		s, ok = a.SubOK(b)
		check("difference", s, ok, new(big.Int).Sub(x, y))
		s, ok = a.Mul(b)
		check("product", s, ok, new(big.Int).Mul(x, y))
		n := rapid.IntRange(0, 45).Draw(t, "n")
		s, ok = a.MulPow10(n)
		check("product with a power of ten", s, ok, new(big.Int).Mul(x, bigPow10(n)))
		for _, round := range []bool{false, true} {
			if got, want := a.DivPow10(n, round), quoBig(a.Big(), bigPow10(n), round); got.Big().Cmp(want) != 0 {
				t.Fatalf("%s / 10^%d, round %v: %s, want %s", a, n, round, got, want)
			}
		}
		if a.Cmp(b) != x.Cmp(y) || a.Sign() != x.Sign() {
			t.Fatalf("comparison of %s and %s", a, b)
		}
		if a.String() != x.String() || a.abs().digits() != len(strings.TrimLeft(x.String(), "-")) {
			t.Fatalf("text of %s: %s", x, a)
		}
		if want, _ := new(big.Float).SetInt(x).Float64(); a.Float64() != want {
			t.Fatalf("float of %s: %v, want %v", a, a.Float64(), want)
		}
		if v := b.abs(); v != (u128{}) {
			q, r := a.abs().div(v)
			wantQ, wantR := new(big.Int).QuoRem(new(big.Int).Abs(x), new(big.Int).Abs(y), new(big.Int))
			if (Int128{int64(q.hi), q.lo}).abs() != q && q.hi>>63 == 0 || bigOf(q).Cmp(wantQ) != 0 || bigOf(r).Cmp(wantR) != 0 {
				t.Fatalf("|%s| / |%s|", a, b)
			}
		}
	})
}

func bigOf(m u128) *big.Int {
	v := new(big.Int).SetUint64(m.hi)
	return v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(m.lo))
}

// drawNumeric draws a finite numeric of any form.
func drawNumeric(t *rapid.T, name string) Datum {
	scale := rapid.IntRange(0, 45).Draw(t, name+".scale")
	switch rapid.IntRange(0, 3).Draw(t, name+".form") {
	case 0:
		return NewDecimal(rapid.Int64Range(-1000, 1000).Draw(t, name), min(scale, 4))
	case 1:
		return NewDecimal(rapid.Int64().Draw(t, name), scale)
	case 2:
		return NewInt128Numeric(drawInt128(t, name), scale)
	}
	b := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, name)
	v := new(big.Int).SetBytes(b)
	if rapid.Bool().Draw(t, name+".neg") {
		v.Neg(v)
	}
	d, err := NewBigNumeric(v, scale)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// drawDatum draws a value of a type, special values included.
func drawDatum(t *rapid.T, typ Type, name string) Datum {
	k := typ.Kind
	switch k.Class() {
	case ClassFloat:
		if k == Float4 {
			return NewFloat(k, float64(math.Float32frombits(rapid.Uint32().Draw(t, name))))
		}
		return NewFloat(k, math.Float64frombits(rapid.Uint64().Draw(t, name)))
	case ClassNumeric:
		switch rapid.IntRange(0, 12).Draw(t, name+".special") {
		case 0:
			return NumericNaN()
		case 1:
			return NumericInf(1)
		case 2:
			return NumericInf(-1)
		}
		return drawNumeric(t, name)
	case ClassInterval:
		return NewInterval(rapid.Int32().Draw(t, name+".months"), rapid.Int32().Draw(t, name+".days"),
			rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, name)) // the smallest does not read back
	case ClassString:
		return drawString(t, typ, name)
	}
	lo, hi := intBounds(k)
	switch k {
	case Bool:
		lo, hi = 0, 1
	case Date:
		lo, hi = dateMin, dateMax
	case Timestamp, TimestampTZ:
		lo, hi = timestampMin, timestampMax
	case Time:
		lo, hi = 0, microsPerDay
	}
	return NewInt(k, rapid.Int64Range(lo, hi).Draw(t, name))
}

func drawString(t *rapid.T, typ Type, name string) Datum {
	switch typ.Kind {
	case UUID:
		return NewString(UUID, string(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name)))
	case Bytea:
		return NewString(Bytea, string(rapid.SliceOf(rapid.Byte()).Draw(t, name)))
	case Char:
		return parseChar([]byte{rapid.Byte().Draw(t, name)})
	}
	d, err := Coerce(NewString(Text, rapid.String().Draw(t, name)), typ, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var propertyTypes = []Type{
	T(Bool), T(Int2), T(Int4), T(Int8), T(OID), T(Float4), T(Float8), T(Numeric), T(Text), VarcharN(7), CharN(7), T(Name),
	T(Bytea), T(Date), T(Timestamp), T(TimestampTZ), T(Interval), T(Time), T(Char), T(UUID),
}

func TestPrintParseIdentity(t *testing.T) {
	for _, typ := range propertyTypes {
		rapid.Check(t, func(t *rapid.T) {
			d := drawDatum(t, typ, "d")
			text := typ.Text(d)
			back, err := Parse(typ, text)
			if err != nil || !Identical(back, d) {
				t.Fatalf("%s %+v prints as %q, which reads as %+v, %v", typ, d, text, back, err)
			}
		})
	}
}

func TestCompareAndHashAgree(t *testing.T) {
	for _, typ := range propertyTypes {
		rapid.Check(t, func(t *rapid.T) {
			a, b, c := drawDatum(t, typ, "a"), drawDatum(t, typ, "b"), drawDatum(t, typ, "c")
			if typ.Kind == Numeric && a.IsFinite() { // the same value at another scale
				var err error
				if b, err = NumericRound(a, int(a.Scale)+rapid.IntRange(0, 30).Draw(t, "more")); err != nil {
					t.Fatal(err)
				}
				if Compare(a, b) != 0 {
					t.Fatalf("%+v and %+v", a, b)
				}
			}
			ab := Compare(a, b)
			if ab != -Compare(b, a) || (ab == 0) != Equal(a, b) || ab == 0 && Hash(a) != Hash(b) {
				t.Fatalf("%+v and %+v: compare %d, equal %v, hashes %x %x", a, b, ab, Equal(a, b), Hash(a), Hash(b))
			}
			if Identical(a, b) && ab != 0 {
				t.Fatalf("%+v and %+v are identical but not equal", a, b)
			}
			if ab <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
				t.Fatalf("%+v, %+v, %+v are not in order", a, b, c)
			}
		})
	}
}

// rat returns the value of a finite numeric.
func rat(d Datum) *big.Rat {
	return new(big.Rat).SetFrac(d.bigCoefficient(), bigPow10(int(d.Scale)))
}

func TestNumericAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumeric(t, "a"), drawNumeric(t, "b")
		if rapid.Bool().Draw(t, "near") {
			var err error
			if b, err = NumericAdd(a, b); err != nil {
				t.Fatal(err)
			}
		}
		exact := func(op string, fn func(a, b Datum) (Datum, error), want *big.Rat, scale int) {
			d, err := fn(a, b)
			if err != nil || rat(d).Cmp(want) != 0 || int(d.Scale) != scale {
				t.Fatalf("%s of %s and %s: %+v, %v; want %s", op, T(Numeric).Text(a), T(Numeric).Text(b), d, err, want.RatString())
			}
			if again, _ := NewBigNumeric(d.bigCoefficient(), int(d.Scale)); !Identical(again, d) {
				t.Fatalf("%+v is not in its smallest form", d)
			}
		}
		x, y := rat(a), rat(b)
		wide := int(max(a.Scale, b.Scale))
		exact("sum", NumericAdd, new(big.Rat).Add(x, y), wide)
		exact("difference", NumericSub, new(big.Rat).Sub(x, y), wide)
		exact("product", NumericMul, new(big.Rat).Mul(x, y), int(a.Scale)+int(b.Scale))
		if Compare(a, b) != x.Cmp(y) {
			t.Fatalf("comparison of %+v and %+v", a, b)
		}
		if b.sign() == 0 {
			return
		}
		q, err := NumericDiv(a, b)
		if err != nil {
			t.Fatal(err)
		}
		// Half a unit of the last digit bounds the error.
		diff := new(big.Rat).Sub(rat(q), new(big.Rat).Quo(x, y))
		half := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Mul(big.NewInt(2), bigPow10(int(q.Scale))))
		if diff.Abs(diff).Cmp(half) > 0 {
			t.Fatalf("%s / %s = %s", T(Numeric).Text(a), T(Numeric).Text(b), T(Numeric).Text(q))
		}
		whole, errQ := NumericDivTrunc(a, b)
		rest, errR := NumericMod(a, b)
		if errQ != nil || errR != nil || new(big.Rat).Add(new(big.Rat).Mul(rat(whole), y), rat(rest)).Cmp(x) != 0 {
			t.Fatalf("%+v, %+v: quotient %+v rest %+v", a, b, whole, rest)
		}
	})
}

func TestNumericEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDatum(t, T(Numeric), "d")
		b := EncodeNumeric(nil, d)
		if back := DecodeNumeric(b); !Identical(back, d) || back.K != Numeric || !back.Valid {
			t.Fatalf("%+v decodes as %+v", d, back)
		}
		if d.Form == NumInt64 && len(b) > 12 {
			t.Fatalf("%d bytes", len(b))
		}
	})
}

func TestCivilDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(dateMin, dateMax).Draw(t, "days")
		y, m, d := civilFromDays(days)
		if m < 1 || m > 12 || d < 1 || d > daysInMonth(y, m) || daysFromCivil(y, m, d) != days {
			t.Fatalf("day %d is %d-%d-%d", days, y, m, d)
		}
		y2, m2, d2 := civilFromDays(days + 1)
		if next := d == daysInMonth(y, m); next != (d2 == 1) || !next && (y2 != y || m2 != m || d2 != d+1) {
			t.Fatalf("%d-%d-%d is followed by %d-%d-%d", y, m, d, y2, m2, d2)
		}
	})
}

func TestIntervalUndoesSubtraction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewInt(Timestamp, rapid.Int64Range(-1e17, 1e17).Draw(t, "a"))
		b := NewInt(Timestamp, rapid.Int64Range(-1e17, 1e17).Draw(t, "b"))
		diff, err := TimestampSub(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if sum, err := TimestampAddInterval(b, diff, nil); err != nil || sum.I != a.I {
			t.Fatalf("%s + (%s - %s) = %s, %v", T(Timestamp).Text(b), T(Timestamp).Text(a), T(Timestamp).Text(b), T(Timestamp).Text(sum), err)
		}
		just, err := JustifyInterval(diff)
		if err != nil || Compare(just, diff) != 0 {
			t.Fatalf("%s justified is %s, %v", T(Interval).Text(diff), T(Interval).Text(just), err)
		}
	})
}

func TestCoerceIsIdempotent(t *testing.T) {
	targets := map[Kind][]Type{
		Numeric: {NumericPS(5, 2), NumericPS(38, 10), NumericPS(3, -2), NumericPS(2, 5)}, Varchar: {VarcharN(3)},
		BpChar: {CharN(3), T(BpChar)}, Timestamp: {{Timestamp, 0}, {Timestamp, 3}}, Time: {{Time, 2}},
		Interval: {{Interval, 3 | int32(FieldsAll)<<16}, {Interval, intervalFullPrecision | int32(FieldDay)<<16}},
	}
	for k, types := range targets {
		for _, typ := range types {
			rapid.Check(t, func(t *rapid.T) {
				d, err := Coerce(drawDatum(t, T(k), "d"), typ, true)
				if err != nil {
					return
				}
				again, err := Coerce(d, typ, false)
				if err != nil || !Identical(again, d) {
					t.Fatalf("%s: %+v, again %+v, %v", typ, d, again, err)
				}
			})
		}
	}
}

// TestCheckUTF8String compares the quick look at strings with the careful one, with every byte at every place.
func TestCheckUTF8String(t *testing.T) {
	n := 0
	for size := range 40 {
		for at := range size {
			for c := range 256 {
				b := bytes.Repeat([]byte{'a' + byte(size)%26}, size)
				b[at] = byte(c)
				if got, want := CheckUTF8String(string(b)), CheckUTF8(b); (got == nil) != (want == nil) {
					t.Fatalf("%q: %v, want %v", b, got, want)
				}
				n++
			}
		}
	}
	if n < 100_000 {
		t.Errorf("%d strings", n)
	}
}
