package types

import (
	"math"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
)

// FuzzParse: no text makes any type panic; what is accepted prints as text that reads back as the
// same value, and no value shares memory with the buffer it was read from.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"1", "-1.5e3", "0x1F", "1_000", "NaN", "infinity", "1998-12-01", "1998-12-01 04:05:06.789+02", "Dec 1 1998 BC",
		"J2451187", "1 year 2 mons 3 days 04:05:06", "P1Y2M3DT4H5M6S", "-1-2 3 4:05", "12:34 PM", "t", "\\x1234", "\\001",
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "abc", "", "0", "-", "1e131071", "2021-03-28 02:30 Europe/Berlin", "0:A017",
	} {
		for k := range NumKinds {
			f.Add(uint8(k), s)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, s string) {
		typ := T(Kind(kind % uint8(NumKinds)))
		buf := []byte(s)
		d, err := ParseBytes(typ, buf)
		clear(buf)
		if err != nil || typ.Kind == Interval && d.I == math.MinInt64 { // prints, but not as hours that read back
			return
		}
		text := typ.Text(d)
		back, err := Parse(typ, text)
		if typ.Kind == TimeTZ && sqlerr.CodeOf(err) == sqlerr.InvalidTimeZoneDisplacementValue {
			return // a zone's letter with hours behind it is not bounded, in PostgreSQL either, but what it prints as is
		}
		if err != nil || !Identical(back, d) {
			t.Fatalf("%s %q prints as %q, which reads as %+v, %v", typ, s, text, back, err)
		}
	})
}

// FuzzNumericOps: arithmetic never panics and fails only with a SQLSTATE.
func FuzzNumericOps(f *testing.F) {
	f.Add("1", "3", 0)
	f.Add("1e100", "-0.00001", 5)
	f.Add("NaN", "Infinity", -3)
	f.Add("9223372036854775807", "-170141183460469231731687303715884105728", 40)
	f.Fuzz(func(t *testing.T, a, b string, n int) {
		if len(a) > 200 || len(b) > 200 {
			return
		}
		x, errX := Parse(T(Numeric), a)
		y, errY := Parse(T(Numeric), b)
		if errX != nil || errY != nil || x.coefficientDigits() > 2000 || y.coefficientDigits() > 2000 {
			return
		}
		for _, fn := range []func(a, b Datum) (Datum, error){
			NumericAdd, NumericSub, NumericMul, NumericDiv, NumericMod, NumericDivTrunc,
		} {
			if d, err := fn(x, y); err == nil {
				if back, err := Parse(T(Numeric), T(Numeric).Text(d)); err != nil || !Identical(back, d) {
					t.Fatalf("%q, %q: %+v does not read back", a, b, d)
				}
			}
		}
		if x.coefficientDigits() < 60 && y.coefficientDigits() < 60 {
			for _, fn := range []func(a, b Datum) (Datum, error){NumericPower, NumericLog} {
				if d, err := fn(x, y); err == nil && !d.Valid {
					t.Fatalf("%q, %q: NULL", a, b)
				}
			}
			if root, err := NumericSqrt(x); err == nil && root.IsFinite() && root.sign() < 0 {
				t.Fatalf("root of %q is %+v", a, root)
			}
		}
		if d, err := NumericRound(x, n); err == nil && Compare(x, d) == 0 && Hash(x) != Hash(d) {
			t.Fatalf("%q and its rounding hash differently", a)
		}
		if Compare(x, y) == 0 && Hash(x) != Hash(y) {
			t.Fatalf("%q and %q hash differently", a, b)
		}
	})
}
