package server

import (
	"encoding/hex"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// binaryValues are what PostgreSQL 18's send functions return.
var binaryValues = []struct{ typ, text, hex string }{
	{"numeric", "0", "0000000000000000"},
	{"numeric", "0.00", "0000000000000002"},
	{"numeric", "1", "00010000000000000001"},
	{"numeric", "-1", "00010000400000000001"},
	{"numeric", "123.456", "0002000000000003007b11d0"},
	{"numeric", "10000", "00010001000000000001"},
	{"numeric", "100000000", "00010002000000000001"},
	{"numeric", "0.0001", "0001ffff000000040001"},
	{"numeric", "0.00001", "0001fffe0000000503e8"},
	{"numeric", "-9999.9999", "0002000040000004270f270f"},
	{"numeric", "100000000000000000000", "00010005000000000001"},
	{"numeric", "12345678901234567890.1234567890", "000800040000000a04d2162e23340d801ed204d2162e2328"},
	{"numeric", "NaN", "00000000c0000000"},
	{"numeric", "Infinity", "00000000d0000020"},
	{"numeric", "-Infinity", "00000000f0000020"},
	{"numeric", "1.10", "0002000000000002000103e8"},
	{"numeric", "99990000", "0001000100000000270f"},
	{"numeric", "0.123456789012345678901234567890123456789", "000affff0000002704d2162e23340d801ed204d2162e23340d801ed2"},
	{"interval", "1 year 2 mons 3 days 04:05:06.789", "000000036c97ca88000000030000000e"},
	{"interval", "-1 days", "0000000000000000ffffffff00000000"},
	{"interval", "infinity", "7fffffffffffffff7fffffff7fffffff"},
	{"interval", "-infinity", "80000000000000008000000080000000"},
	{"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{"time", "24:00:00", "000000141dd76000"},
	{"date", "2000-01-01", "00000000"},
	{"timestamp", "1999-12-31 23:59:59.999999", "ffffffffffffffff"},
}

func TestBinaryValues(t *testing.T) {
	for _, c := range binaryValues {
		typ, err := types.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		d, err := types.Parse(typ, c.text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := appendBinary(nil, d, typ)
		if got := hex.EncodeToString(b); err != nil || got != c.hex {
			t.Errorf("%s %s is sent as %s, %v, want %s", c.typ, c.text, got, err, c.hex)
		}
		back, err := parseBinary(b, typ)
		if err != nil || !types.Identical(back, d) {
			t.Errorf("%s %s is read as %s, %v", c.typ, c.text, typ.Text(back), err)
		}
	}
}

func TestBinaryErrors(t *testing.T) {
	for _, c := range []struct {
		typ, hex string
		code     sqlerr.Code
	}{
		{"numeric", "0001000000000000", sqlerr.ProtocolViolation},
		{"numeric", "00000000000000000000", sqlerr.InvalidBinaryRepresentation},
		{"numeric", "0000000012340000", sqlerr.InvalidBinaryRepresentation},
		{"numeric", "000000000000ffff", sqlerr.InvalidBinaryRepresentation},
		{"numeric", "00010000000000002710", sqlerr.InvalidBinaryRepresentation},
		{"numeric(3,1)", "000100000000000003e8", sqlerr.NumericValueOutOfRange},
		{"interval", "00", sqlerr.ProtocolViolation},
		{"uuid", "00", sqlerr.ProtocolViolation},
		{"time", "000000141dd76001", sqlerr.DatetimeFieldOverflow},
		{"date", "7ffffffe", sqlerr.DatetimeFieldOverflow},
		{"timestamp", "8000000000000001", sqlerr.DatetimeFieldOverflow},
		{"timestamp", "7ffffffffffffffe", sqlerr.DatetimeFieldOverflow},
	} {
		typ, err := types.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := parseBinary(b, typ); sqlerr.CodeOf(err) != c.code {
			t.Errorf("%s %s: %v, %v, want %s", c.typ, c.hex, d, err, c.code)
		}
	}
}
