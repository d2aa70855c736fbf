package types

import (
	"math"

	"github.com/laminadb/lamina/sqlerr"
)

// intBounds returns the smallest and the largest value of an integer kind.
func intBounds(k Kind) (lo, hi int64) {
	switch k {
	case Int2:
		return math.MinInt16, math.MaxInt16
	case Int4:
		return math.MinInt32, math.MaxInt32
	case OID:
		return 0, math.MaxUint32
	}
	return math.MinInt64, math.MaxInt64
}

// IntInRange reports whether v is a value of the integer kind k (Int2, Int4, Int8, OID).
func IntInRange(k Kind, v int64) bool {
	lo, hi := intBounds(k)
	return v >= lo && v <= hi
}

// OutOfRange is the 22003 error of a computation whose result is no value of the kind.
func OutOfRange(k Kind) error {
	name := k.String()
	if k == OID {
		name = "OID"
	}
	return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "%s out of range", name)
}

// parseInt reads an integer: blanks around it, a sign, decimal digits or 0x, 0o, 0b ones, single
// underscores between digits.
func parseInt(k Kind, b []byte) (int64, error) {
	s := b
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	// Up to 18 plain digits cannot overflow: nearly every integer ends here.
	var v int64
	i := 0
	for i < len(s) && i < 18 && s[i]-'0' <= 9 {
		v = v*10 + int64(s[i]-'0')
		i++
	}
	if i == 0 || i < len(s) {
		return parseIntSlow(k, b, s, neg)
	}
	if neg {
		v = -v
	}
	if lo, hi := intBounds(k); v < lo || v > hi {
		return 0, valueOutOfRange(k, b)
	}
	return v, nil
}

func valueOutOfRange(k Kind, b []byte) error {
	return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "value \"%s\" is out of range for type %s", b, k)
}

// parseIntSlow reads the digits s of the integer text b after its sign.
func parseIntSlow(k Kind, b, s []byte, neg bool) (int64, error) {
	lo, hi := intBounds(k)
	mag, n, over := scanUint(s, uint64(hi)+1)
	if over {
		return 0, valueOutOfRange(k, b)
	}
	rest := s[n:]
	for len(rest) > 0 && isSpace(rest[0]) {
		rest = rest[1:]
	}
	switch {
	case n == 0 || len(rest) > 0:
		return 0, invalidSyntax(k.String(), b)
	case !neg && mag > uint64(hi), neg && mag > uint64(-(lo+1))+1:
		return 0, valueOutOfRange(k, b)
	case neg:
		return -int64(mag), nil
	}
	return int64(mag), nil
}

// scanUint reads an unsigned integer in any of the bases at the start of s and returns the bytes it
// took, 0 if there is none. It stops with over set before a digit that surely exceeds limit, as
// PostgreSQL does: such text is out of range whatever follows.
func scanUint(s []byte, limit uint64) (v uint64, n int, over bool) {
	base, i := uint64(10), 0
	if len(s) > 1 && s[0] == '0' {
		switch lower(s[1]) {
		case 'x':
			base, i = 16, 2
		case 'o':
			base, i = 8, 2
		case 'b':
			base, i = 2, 2
		}
	}
	if i > 0 && i < len(s) && s[i] == '_' {
		i++
	}
	start := i
	for ; i < len(s); i++ {
		d := digitOf(s[i])
		if d >= base {
			if s[i] == '_' && i > start && i+1 < len(s) && digitOf(s[i+1]) < base {
				continue
			}
			break
		}
		if v > limit/base {
			return v, i, true
		}
		v = v*base + d
	}
	if i == start {
		return 0, 0, false
	}
	return v, i, false
}

// digitOf returns the value of a digit in bases up to 16; others are larger than any base.
func digitOf(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case lower(c) >= 'a' && lower(c) <= 'f':
		return uint64(lower(c)-'a') + 10
	}
	return 99
}

// parseOID reads an oid with C's strtoul rules: a sign is allowed, and negative values of 32 bits
// wrap.
func parseOID(b []byte) (int64, error) {
	s := trimSpace(b)
	neg := len(s) > 0 && s[0] == '-'
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	base := uint64(10)
	if len(s) > 2 && s[0] == '0' && lower(s[1]) == 'x' && digitOf(s[2]) < 16 {
		base, s = 16, s[2:]
	} else if len(s) > 1 && s[0] == '0' {
		base = 8
	}
	var v uint64
	over := false
	for _, c := range s {
		d := digitOf(c)
		if d >= base {
			return 0, invalidSyntax("oid", b)
		}
		v = v*base + d
		over = over || v > math.MaxUint32
		v = min(v, math.MaxUint32+1)
	}
	switch {
	case len(s) == 0:
		return 0, invalidSyntax("oid", b)
	case over, neg && v > math.MaxInt32+1:
		return 0, valueOutOfRange(OID, b)
	case neg:
		return int64(uint32(-v)), nil
	}
	return int64(v), nil
}
