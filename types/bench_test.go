package types

import "testing"

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, typ, text string }{
		{"int4", "integer", "123456"}, {"int8", "bigint", "-9223372036854775808"}, {"date", "date", "1998-12-01"},
		{"numeric", "numeric(15,2)", "12345.67"}, {"numeric_long", "numeric", "12345678901234567890.1234"},
		{"float8", "double precision", "0.1234567"}, {"timestamp", "timestamp", "1998-12-01 04:05:06.789"},
		{"timestamptz", "timestamptz", "1998-12-01 04:05:06.789+02"}, {"interval", "interval", "1 mon 2 days 03:04:05"},
		{"bool", "boolean", "true"}, {"text", "text", "a string of some length"},
	} {
		b.Run("type="+c.name, func(b *testing.B) {
			t, err := ParseType(c.typ)
			if err != nil {
				b.Fatal(err)
			}
			text := []byte(c.text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseBytes(t, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendText(b *testing.B) {
	for _, c := range []struct{ name, typ, text string }{
		{"int4", "integer", "123456"}, {"date", "date", "1998-12-01"}, {"numeric", "numeric(15,2)", "12345.67"},
		{"numeric_128", "numeric", "12345678901234567890.1234"}, {"float8", "double precision", "0.1234567"},
		{"timestamp", "timestamp", "1998-12-01 04:05:06.789"}, {"interval", "interval", "1 mon 2 days 03:04:05"},
		{"char", "char(10)", "abc"},
	} {
		b.Run("type="+c.name, func(b *testing.B) {
			t, err := ParseType(c.typ)
			if err != nil {
				b.Fatal(err)
			}
			d, err := Parse(t, c.text)
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendText(buf[:0], d, t, nil)
			}
		})
	}
}

func BenchmarkNumeric(b *testing.B) {
	for _, c := range []struct {
		name, a, b string
		fn         func(a, b Datum) (Datum, error)
	}{
		{"add/64", "12345.67", "98765.43", NumericAdd},
		{"add/scales", "12345.67", "98765.4321", NumericAdd},
		{"add/128", "12345678901234567890.12", "98765432109876543210.98", NumericAdd},
		{"add/big", "1e60", "1.5", NumericAdd},
		{"mul/64", "12345.67", "0.07", NumericMul},
		{"mul/128", "12345678901234567.12", "98765432109.98", NumericMul},
		{"div/64", "12345.67", "3", NumericDiv},
		{"div/128", "12345678901234567890.12", "3.7", NumericDiv},
	} {
		b.Run("op="+c.name, func(b *testing.B) {
			x, errX := Parse(T(Numeric), c.a)
			y, errY := Parse(T(Numeric), c.b)
			if errX != nil || errY != nil {
				b.Fatal(errX, errY)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.fn(x, y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	d := NewDecimal(1234500, 2)
	b.ReportAllocs()
	for b.Loop() {
		Hash(d)
	}
}
