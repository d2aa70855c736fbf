package logictest_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/types"
)

// argGen makes random texts that a type reads, often extreme ones.
type argGen struct{ *rand.Rand }

func (g argGen) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g argGen) oneIn(n int) bool { return g.IntN(n) == 0 }

// arg returns a text of a kind.
func (g argGen) arg(k types.Kind) string {
	switch k {
	case types.Bool:
		return g.pick("t", "f")
	case types.Int2:
		return g.integer(16)
	case types.Int4:
		return g.integer(32)
	case types.Int8:
		return g.integer(64)
	case types.OID:
		return strconv.FormatUint(uint64(g.Uint32()>>g.IntN(32)), 10)
	case types.Float4:
		return g.float(32)
	case types.Float8:
		return g.float(64)
	case types.Numeric:
		return g.numeric()
	case types.Bytea:
		return g.bytea()
	case types.UUID:
		return g.uuid()
	case types.Char:
		return g.pick("a", "b", "Z", "1")
	case types.Date, types.Time, types.Timestamp, types.TimestampTZ, types.Interval:
		return g.moment(k)
	case types.TimeTZ:
		return g.zonedClock()
	}
	return g.word()
}

// integer returns an integer of some bits: a limit, or one with a random number of digits.
func (g argGen) integer(bits int) string {
	top := int64(1)<<(bits-1) - 1
	switch g.IntN(4) {
	case 0:
		return strconv.FormatInt([]int64{top, -top - 1, top - 1, -top, 0, 1, -1, top / 2, 2}[g.IntN(9)], 10)
	case 1:
		return strconv.Itoa(g.IntN(40) - 20)
	}
	v := g.Int64() >> (64 - bits) >> g.IntN(bits-1)
	if g.oneIn(2) {
		v = -v
	}
	return strconv.FormatInt(v, 10)
}

func (g argGen) float(bits int) string {
	switch g.IntN(6) {
	case 0:
		return g.pick("0", "-0", "NaN", "Infinity", "-Infinity", "1", "-1", "0.5", "-0.5", "2.5", "1.5", "100", "1e15", "1e14",
			"123456789012345", "1e-4", "1e-5", "0.1", "0.3")
	case 1:
		if bits == 32 {
			return g.pick("3.4028235e+38", "-3.4028235e+38", "1e-45", "1.1754944e-38", "1e6", "999999.5", "16777216", "2147483648", "9.2233720e18")
		}
		return g.pick("1.7976931348623157e+308", "-1.7976931348623157e+308", "5e-324", "2.2250738585072014e-308", "9007199254740993",
			"9223372036854775807", "-9223372036854775808", "2147483647.5", "32767.4999", "-32768.5", "4503599627370497.5")
	case 2, 3:
		return strconv.FormatFloat(float64(g.IntN(20000)-10000)/float64([]int{1, 2, 8, 10, 100, 1000}[g.IntN(6)]), 'g', -1, 64)
	case 4:
		return fmt.Sprintf("%s%d.%de%d", g.pick("", "-"), g.IntN(10), g.IntN(1e6), g.IntN(40)-20)
	}
	if bits == 32 {
		f := math.Float32frombits(g.Uint32())
		return strconv.FormatFloat(float64(f), 'g', -1, 32)
	}
	return strconv.FormatFloat(math.Float64frombits(g.Uint64()), 'g', -1, 64)
}

func (g argGen) digits(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + g.IntN(10)))
	}
	return b.String()
}

func (g argGen) numeric() string {
	switch g.IntN(8) {
	case 0:
		return g.pick("NaN", "Infinity", "-Infinity", "0", "0.00", "1", "-1", "1.0", "10", "100.00", "0.1", "-0.5", "0.5", "1.5", "2.5", "-2.5")
	case 1:
		return g.pick("9223372036854775807", "9223372036854775808", "-9223372036854775809", "2147483647.5", "32767.5", "1e20", "1e-20",
			"170141183460469231731687303715884105727", "170141183460469231731687303715884105728", "0.000000000000000000000000000000000000000000000000001",
			"123456789012345678901234567890.123456789", "1e100", "99999999999999999999999999999999999999.99", "9999.99999")
	case 2, 3, 4:
		return g.pick("", "-") + strconv.Itoa(g.IntN(1000)) + g.pick("", "."+g.digits(1+g.IntN(4)))
	case 5:
		return g.pick("", "-") + g.digits(1+g.IntN(30)) + "." + g.digits(1+g.IntN(30))
	}
	return g.pick("", "-") + g.digits(1+g.IntN(12)) + g.pick("", ".", ".5", "."+g.digits(8))
}

func (g argGen) bytea() string {
	if g.oneIn(3) {
		return g.pick(``, `\x`, `abc`, `\x00ff`, `\\134`, `a\000b`, `\xdeadbeef0123456789`)
	}
	var b strings.Builder
	b.WriteString(`\x`)
	for range g.IntN(20) {
		fmt.Fprintf(&b, "%02x", g.IntN(256))
	}
	return b.String()
}

func (g argGen) uuid() string {
	switch g.IntN(5) {
	case 0:
		return g.pick("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
	case 1:
		return fmt.Sprintf("{%016x%016X}", g.Uint64(), g.Uint64())
	}
	return fmt.Sprintf("%08x-%04x-%x%03x-%04x-%012x", g.Uint32(), g.IntN(1<<16), 1+g.IntN(8), g.IntN(1<<12), 0x8000|g.IntN(1<<15), g.Uint64()>>16)
}

var words = []string{
	"", "a", "A", "abc", "ABC", "Abc Def", "hello world", "ab-cd_ef", "  pad ", "äöü", "ÄÖÜ Straße", "日本語テキスト", "x%y", `back\slash`, "it's",
	`"quoted"`, "1", "12.5", "-7", "foo bar baz", "aaa", "abab", "zebra", "Zebra", "e\u0301", "😀 smile", "The quick brown fox", "tab\there", "a,b,c",
	"o'clock", "élan vital", "0123456789abcdef", "_under", "%", "[x]", "line\nbreak", "SELECT", "select", "ΑΒΓαβγς", "ǅ", "ﬁ",
}

func (g argGen) word() string { return g.pick(words...) }
