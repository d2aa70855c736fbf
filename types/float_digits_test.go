package types

import (
	"math"
	"testing"
)

// TestFloatDigits: the texts are PostgreSQL's at extra_float_digits 0, -5 and -15.
func TestFloatDigits(t *testing.T) {
	for _, tc := range []struct {
		kind  Kind
		value float64
		extra int
		want  string
	}{
		{Float8, 0.1 + math.Nextafter(0.2, 1), 0, "0.3"}, {Float8, 1e15, 0, "1e+15"}, {Float8, 123456789012345, 0, "123456789012345"},
		{Float8, 1234567890123456, 0, "1.23456789012346e+15"}, {Float8, 1.5e-5, 0, "1.5e-05"}, {Float8, 0.0001, 0, "0.0001"},
		{Float8, 1e200, 0, "1e+200"}, {Float8, 100, 0, "100"}, {Float4, float64(float32(0.1)), 0, "0.1"}, {Float4, 123456, 0, "123456"},
		{Float4, 1234567, 0, "1.23457e+06"}, {Float8, math.Copysign(0, -1), 0, "-0"}, {Float8, math.NaN(), 0, "NaN"},
		{Float8, 1e9, -5, "1000000000"}, {Float8, 1e10, -5, "1e+10"}, {Float8, 123456789012345, -5, "1.23456789e+14"},
		{Float8, 1.23456789012e-5, -5, "1.23456789e-05"}, {Float4, 12, -5, "1e+01"}, {Float8, 9.9999999999, -5, "10"},
		{Float8, 1004.3, -15, "1e+03"}, {Float8, 9.6, -15, "1e+01"}, {Float4, float64(float32(0.05)), -15, "0.05"},
	} {
		o := &TextOptions{FloatDigitsLess: 1 - tc.extra}
		if got := string(AppendText(nil, NewFloat(tc.kind, tc.value), T(tc.kind), o)); got != tc.want {
			t.Errorf("%v with %d extra digits: %s, want %s", tc.value, tc.extra, got, tc.want)
		}
	}
}
