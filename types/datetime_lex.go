package types

// Date and time text is first cut into fields by their shape, then the fields are understood in
// order, each in the light of those before it. The shapes and rules are PostgreSQL's.

// fieldKind is the shape of a field.
type fieldKind uint8

const (
	numberField  fieldKind = iota // 19981201, 04, 1998.335
	dateField                     // 1998-12-01, 12/1/98, dec-1-98, america/new_york
	timeField                     // 04:05:06.5
	zoneField                     // +02:00
	wordField                     // december, pst, t
	specialField                  // -infinity
)

// Limits of date and time text.
const (
	dateFieldsMax = 25
	dateBytesMax  = 128
)

// dtError is what is wrong with date and time text.
type dtError uint8

const (
	dtOK dtError = iota
	dtBadFormat
	dtOverflow         // a field is out of range
	dtOverflowMD       // month or day is, perhaps for being in the wrong order
	dtIntervalOverflow // a field of an interval is out of range
	dtZoneOverflow     // an offset is
	dtBadZone          // no such time zone
	dtNeedsClock       // the text means a time relative to now
)

type dtField struct {
	kind fieldKind
	text []byte // lower case
}

// dtFields holds the fields of one text.
type dtFields struct {
	n   int
	f   [dateFieldsMax]dtField
	buf [dateBytesMax + dateFieldsMax]byte
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isAlpha(c byte) bool { return lower(c)-'a' <= 'z'-'a' }

func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }

func isPunct(c byte) bool { return c > ' ' && c < 0x7f && !isAlnum(c) }

// dtScanner cuts text into fields.
type dtScanner struct {
	s   []byte
	pos int
	out []byte // the field so far, in dtFields.buf
}

func (x *dtScanner) peek() byte {
	if x.pos < len(x.s) {
		return x.s[x.pos]
	}
	return 0
}

// take appends the next byte to the field.
func (x *dtScanner) take() {
	x.out = append(x.out, lower(x.s[x.pos]))
	x.pos++
}

func (x *dtScanner) takeWhile(ok func(byte) bool) {
	for x.pos < len(x.s) && ok(x.s[x.pos]) {
		x.take()
	}
}

// split cuts s into fields.
func (d *dtFields) split(s []byte) dtError {
	if len(s) > dateBytesMax {
		return dtBadFormat
	}
	x := dtScanner{s: s}
	buf := d.buf[:0]
	for x.pos < len(s) {
		c := s[x.pos]
		if isSpace(c) {
			x.pos++
			continue
		}
		x.out = buf
		var kind fieldKind
		switch {
		case isDigit(c):
			kind = x.number()
		case c == '.':
			kind = numberField
			x.take()
			x.takeWhile(isDigit)
		case isAlpha(c):
			kind = x.word()
		case c == '+' || c == '-':
			var ok bool
			if kind, ok = x.signed(); !ok {
				return dtBadFormat
			}
		case isPunct(c):
			x.pos++ // other punctuation only separates
			continue
		default:
			return dtBadFormat
		}
		if d.n == dateFieldsMax {
			return dtBadFormat
		}
		d.f[d.n] = dtField{kind, x.out[len(buf):len(x.out):len(x.out)]}
		d.n++
		buf = x.out
	}
	return dtOK
}

// number takes a field that starts with a digit.
func (x *dtScanner) number() fieldKind {
	x.takeWhile(isDigit)
	switch delim := x.peek(); delim {
	case ':':
		x.takeWhile(func(c byte) bool { return isDigit(c) || c == ':' || c == '.' })
		return timeField
	case '-', '/', '.':
		x.take()
		if !isDigit(x.peek()) {
			x.takeWhile(func(c byte) bool { return isAlnum(c) || c == delim })
			return dateField
		}
		x.takeWhile(isDigit)
		if x.peek() == delim { // the same delimiter again makes a date of three fields
			x.takeWhile(func(c byte) bool { return isDigit(c) || c == delim })
			return dateField
		}
		if delim != '.' {
			return dateField
		}
	}
	return numberField
}

// word takes a field that starts with a letter: a word, a date with a month's name, or a zone name.
func (x *dtScanner) word() fieldKind {
	start := len(x.out)
	x.takeWhile(isAlpha)
	date := false
	switch c := x.peek(); {
	case c == '-' || c == '/' || c == '.':
		date = true
	case c == '+' || isDigit(c):
		_, known := dateWords[string(x.out[start:])]
		date = !known
	}
	if !date {
		return wordField
	}
	x.takeWhile(func(c byte) bool {
		return isAlnum(c) || c == '+' || c == '-' || c == '/' || c == '_' || c == '.' || c == ':'
	})
	return dateField
}

// signed takes a field that starts with a sign.
func (x *dtScanner) signed() (fieldKind, bool) {
	x.take()
	for x.pos < len(x.s) && isSpace(x.s[x.pos]) {
		x.pos++
	}
	switch c := x.peek(); {
	case isDigit(c):
		x.takeWhile(func(c byte) bool { return isDigit(c) || c == ':' || c == '.' || c == '-' })
		return zoneField, true
	case isAlpha(c):
		x.takeWhile(isAlpha)
		return specialField, true
	}
	return 0, false
}
