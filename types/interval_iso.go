package types

import (
	"math"
	"strconv"
)

// isoScanner walks over the text of an ISO 8601 interval.
type isoScanner struct {
	s   []byte
	pos int
}

// unit takes the next byte; 0 at the end.
func (x *isoScanner) unit() byte {
	if x.pos >= len(x.s) {
		return 0
	}
	x.pos++
	return x.s[x.pos-1]
}

func (x *isoScanner) peek() byte {
	if x.pos >= len(x.s) {
		return 0
	}
	return x.s[x.pos]
}

// isoNumber is a number of an ISO 8601 interval: whole part, fraction, and the count of whole digits.
type isoNumber struct {
	v      int64
	frac   float64
	digits int
}

// isoNumberMax bounds the numbers of an ISO 8601 interval, as in PostgreSQL.
const isoNumberMax = 1e15

// number takes a number as C's strtod reads it: with an exponent too, but without a plus before it.
func (x *isoScanner) number() (n isoNumber, e dtError) {
	rest := x.s[x.pos:]
	if c := x.peek(); !isDigit(c) && c != '-' && c != '.' {
		return n, dtBadFormat
	}
	size, hex, hasExp, _ := scanFloat(rest)
	if size == 0 {
		if len(rest) > 1 && (prefixFold(rest[1:], "inf") || prefixFold(rest[1:], "nan")) {
			return n, dtOverflow
		}
		return n, dtBadFormat
	}
	text := string(rest[:size])
	if hex && !hasExp {
		text += "p0"
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return n, dtBadFormat
	}
	if v < -isoNumberMax || v > isoNumberMax {
		return n, dtOverflow
	}
	x.pos += size
	whole := math.Trunc(v)
	n.v, n.frac = int64(whole), v-whole
	if rest[0] == '-' {
		rest = rest[1:]
	}
	for n.digits < len(rest) && isDigit(rest[n.digits]) {
		n.digits++
	}
	return n, dtOK
}

// iso8601 reads P1Y2M3DT4H5M6S, P1W, P0001-02-03T04:05:06 and P00010203T040506.
func (r *intervalReader) iso8601(b []byte) dtError {
	if len(b) < 2 || b[0] != 'P' || len(b) > dateBytesMax {
		return dtBadFormat
	}
	x := &isoScanner{s: b, pos: 1}
	date, haveField := true, false
	for x.pos < len(b) {
		if x.peek() == 'T' {
			date, haveField = false, false
			x.pos++
			continue
		}
		n, e := x.number()
		if e != dtOK {
			return e
		}
		u := x.unit()
		var done bool
		if date {
			done, e = r.isoDate(x, n, u, haveField)
		} else {
			done, e = r.isoTime(x, n, u, haveField)
		}
		if e != dtOK || done {
			return e
		}
		if date && x.pos > 1 && u == 'T' { // an alternative date ended with the T
			date, haveField = false, false
			continue
		}
		haveField = true
	}
	return dtOK
}

func fits(ok bool) dtError {
	if ok {
		return dtOK
	}
	return dtOverflow
}

// isoDate takes one part before the T; done tells that the text has ended with it.
func (r *intervalReader) isoDate(x *isoScanner, n isoNumber, u byte, haveField bool) (done bool, e dtError) {
	p, v, frac := &r.parts, n.v, n.frac
	switch u {
	case 'Y':
		return false, fits(p.add(unitYear, v, frac))
	case 'M':
		return false, fits(p.add(unitMonth, v, frac))
	case 'W':
		return false, fits(p.add(unitWeek, v, frac))
	case 'D':
		return false, fits(p.add(unitDay, v, frac))
	case 'T', 0:
		if n.digits == 8 && !haveField {
			return u == 0, fits(p.add(unitYear, v/10000, 0) && p.add(unitMonth, v/100%100, 0) &&
				p.add(unitDay, v%100, frac))
		}
	case '-':
	default:
		return false, dtBadFormat
	}
	if haveField {
		return false, dtBadFormat
	}
	if !p.add(unitYear, v, frac) {
		return false, dtOverflow
	}
	if u != '-' {
		return u == 0, dtOK
	}
	for _, next := range []intervalUnit{unitMonth, unitDay} {
		n, e := x.number()
		if e != dtOK {
			return false, e
		}
		if !p.add(next, n.v, n.frac) {
			return false, dtOverflow
		}
		switch c := x.peek(); {
		case c == 0:
			return true, dtOK
		case c == 'T': // the loop sees it
			return false, dtOK
		case c != '-' || next == unitDay:
			return false, dtBadFormat
		}
		x.pos++
	}
	return false, dtBadFormat
}

// isoTime takes one part after the T.
func (r *intervalReader) isoTime(x *isoScanner, n isoNumber, u byte, haveField bool) (done bool, e dtError) {
	p, v, frac := &r.parts, n.v, n.frac
	switch u {
	case 'H':
		return false, fits(p.add(unitHour, v, frac))
	case 'M':
		return false, fits(p.add(unitMinute, v, frac))
	case 'S':
		return false, fits(p.add(unitSecond, v, frac))
	case 0:
		if n.digits == 6 && !haveField {
			return true, fits(p.add(unitHour, v/10000, 0) && p.add(unitMinute, v/100%100, 0) &&
				p.add(unitSecond, v%100, frac))
		}
	case ':':
	default:
		return false, dtBadFormat
	}
	if haveField {
		return false, dtBadFormat
	}
	if !p.add(unitHour, v, frac) {
		return false, dtOverflow
	}
	if u == 0 {
		return true, dtOK
	}
	for _, next := range []intervalUnit{unitMinute, unitSecond} {
		n, e := x.number()
		if e != dtOK {
			return false, e
		}
		if !p.add(next, n.v, n.frac) {
			return false, dtOverflow
		}
		if x.peek() == 0 {
			return true, dtOK
		}
		if x.unit() != ':' {
			return false, dtBadFormat
		}
	}
	return false, dtBadFormat
}
