package types

import (
	"math"
	"strconv"
	"time"
)

// dtMask is the set of fields that were seen.
type dtMask uint32

const (
	seenYear dtMask = 1 << iota
	seenMonth
	seenDay
	seenDOY
	seenHour
	seenMinute
	seenSecond
	seenZone
	seenDaylight
	seenAMPM
	seenEra
	seenWeekday

	seenDate = seenYear | seenMonth | seenDay
	seenTime = seenHour | seenMinute | seenSecond
)

// dateTime is a date and time that is being decoded, and then the result.
type dateTime struct {
	fields dtFields
	order  DateOrder
	opts   *ParseOptions
	// timeOnly decodes a value of type time: numbers are times, a date is only needed by zone names.
	timeOnly bool

	seen             dtMask
	year, month, day int
	yearDay          int
	hour, min, sec   int
	micros           int // of the second
	twoDigits        bool
	textMonth        bool
	julian           bool
	bc               bool
	meridiem         int
	offset           int // seconds east of UTC, if seenZone
	zone             *time.Location
	abbr             *abbreviation // of zone, nil: its own offset
	special          int           // valEpoch, valInfinity or valNegInfinity: the fields mean nothing
	prefix           int           // valJulian or valTime: names the next field
	badZone          string
}

// decode reads all of s.
func (d *dateTime) decode(s []byte) dtError {
	if e := d.fields.split(s); e != dtOK {
		return e
	}
	for i := range d.fields.n {
		tmask, e := d.field(i)
		if e != dtOK {
			return e
		}
		if tmask&d.seen != 0 {
			return dtBadFormat
		}
		d.seen |= tmask
	}
	if d.prefix != 0 {
		return dtBadFormat
	}
	return d.finish()
}

// field decodes one field and returns what it gave.
func (d *dateTime) field(i int) (dtMask, dtError) {
	f := &d.fields.f[i]
	switch f.kind {
	case dateField:
		return d.dateField(i, f.text)
	case timeField:
		if d.prefix != 0 {
			if d.prefix != valTime {
				return 0, dtBadFormat
			}
			d.prefix = 0
		}
		return d.clock(f.text)
	case zoneField:
		var e dtError
		d.offset, e = decodeOffset(f.text)
		return seenZone, e
	case numberField:
		return d.number(i, f.text)
	}
	return d.word(f.text)
}

func (d *dateTime) haveDate() bool {
	return d.seen&seenDate == seenDate || d.timeOnly && d.seen&seenDate == 0
}

// dateField decodes a field with separators: a date, or after one a time with an offset or a zone.
func (d *dateTime) dateField(i int, s []byte) (dtMask, dtError) {
	if d.prefix == valJulian {
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		day, ok := atoi(s[:n])
		if !ok {
			return 0, dtOverflow
		}
		d.setJulian(day)
		var e dtError
		d.offset, e = decodeOffset(s[n:])
		d.prefix = 0
		return seenDate | seenTime | seenZone, e
	}
	if d.prefix == 0 && d.mayBeDate(i) {
		return d.date(s)
	}
	if !isDigit(s[0]) && d.prefix == 0 {
		loc, ok := zoneByName(string(s))
		if !ok {
			d.badZone = string(s)
			return 0, dtBadZone
		}
		d.zone = loc
		return seenZone, dtOK
	}
	// A run-together time with an offset.
	if d.prefix != 0 && d.prefix != valTime || d.seen&seenTime == seenTime {
		return 0, dtBadFormat
	}
	d.prefix = 0
	n := 0
	for n < len(s) && s[n] != '-' {
		n++
	}
	if n == len(s) {
		return 0, dtBadFormat
	}
	var e dtError
	if d.offset, e = decodeOffset(s[n:]); e != dtOK {
		return 0, e
	}
	tmask, e := d.runTogether(s[:n], d.timeOnly)
	return tmask | seenZone, e
}

// mayBeDate reports whether field i may be a date: one of type time has a date only in front of a
// plain time or of a zone name.
func (d *dateTime) mayBeDate(i int) bool {
	if !d.timeOnly {
		return d.seen&(seenMonth|seenDay) != seenMonth|seenDay
	}
	n := d.fields.n
	return i == 0 && n > 1 && (d.fields.f[n-1].kind == dateField || d.fields.f[1].kind == timeField)
}

func (d *dateTime) setJulian(day int) {
	d.year, d.month, d.day = civilFromDays(day - julianUnixEpoch)
	d.julian = true
}

// date decodes a date whose parts any separators divide; one part may be a month's name.
func (d *dateTime) date(s []byte) (dtMask, dtError) {
	var parts [dateFieldsMax][]byte
	n := 0
	for len(s) > 0 && n < len(parts) {
		for len(s) > 0 && !isAlnum(s[0]) {
			s = s[1:]
		}
		if len(s) == 0 {
			return 0, dtBadFormat
		}
		k := 0
		kind := isAlpha
		if isDigit(s[0]) {
			kind = isDigit
		}
		for k < len(s) && kind(s[k]) {
			k++
		}
		parts[n], s = s[:k], s[k:]
		n++
		if len(s) > 0 {
			s = s[1:]
		}
	}
	seen, got := d.seen, dtMask(0)
	text := false
	for i, p := range parts[:n] { // a month's name says what the numbers are
		if !isAlpha(p[0]) {
			continue
		}
		w := dateWords[string(p)]
		if w.typ == wordIgnored {
			parts[i] = nil
			continue
		}
		if w.typ != wordMonth || seen&seenMonth != 0 {
			return 0, dtBadFormat
		}
		d.month, text = w.val, true
		seen, got = seen|seenMonth, got|seenMonth
		parts[i] = nil
	}
	for _, p := range parts[:n] {
		if p == nil {
			continue
		}
		mask, e := d.singleNumber(p, text, seen)
		if e != dtOK {
			return 0, e
		}
		if seen&mask != 0 {
			return 0, dtBadFormat
		}
		seen, got = seen|mask, got|mask
	}
	if seen&^(seenDOY|seenZone) != seenDate {
		return 0, dtBadFormat
	}
	return got, dtOK
}

// atoi reads decimal digits that fit 32 bits.
func atoi(s []byte) (int, bool) {
	v := int64(0)
	for _, c := range s {
		v = v*10 + int64(c-'0')
		if v > math.MaxInt32 {
			return 0, false
		}
	}
	return int(v), true
}

// number decodes field i, of digits, perhaps with a point.
func (d *dateTime) number(i int, s []byte) (dtMask, dtError) {
	if d.prefix != 0 {
		return d.prefixedNumber(s)
	}
	dot := indexByte(s, '.')
	whole := s
	if dot >= 0 {
		whole = s[:dot]
	}
	if d.timeOnly {
		switch n := d.fields.n; {
		case dot >= 0 && i == 0 && n > 1 && d.fields.f[n-1].kind == dateField: // a zone's name wants a date
			return d.date(s)
		case dot >= 0 && len(whole) <= 2:
			return 0, dtBadFormat
		case dot >= 0, len(s) >= 4:
			return d.runTogether(s, true)
		}
		return 0, dtBadFormat
	}
	switch {
	case dot >= 0 && d.seen&seenDate == 0:
		return d.date(s)
	case dot >= 0 && len(whole) > 2:
		return d.runTogether(s, false)
	case len(s) >= 6 && (d.seen&seenDate == 0 || d.seen&seenTime == 0):
		return d.runTogether(s, false)
	}
	return d.singleNumber(s, d.textMonth, d.seen)
}

// prefixedNumber decodes a number after j or t.
func (d *dateTime) prefixedNumber(s []byte) (dtMask, dtError) {
	prefix := d.prefix
	d.prefix = 0
	if prefix == valTime {
		tmask, e := d.runTogether(s, true)
		if e == dtOK && tmask != seenTime {
			e = dtBadFormat
		}
		return tmask, e
	}
	if prefix != valJulian {
		return 0, dtBadFormat
	}
	whole, frac := s, []byte(nil)
	if dot := indexByte(s, '.'); dot >= 0 {
		whole, frac = s[:dot], s[dot:]
	}
	day, ok := atoi(whole)
	if !ok {
		return 0, dtOverflow
	}
	d.setJulian(day)
	if frac == nil {
		return seenDate, dtOK
	}
	f, err := strconv.ParseFloat("0"+string(frac), 64)
	if err != nil {
		return 0, dtBadFormat
	}
	us := int64(f * microsPerDay)
	d.hour, d.min = int(us/microsPerHour), int(us/microsPerMinute%60)
	d.sec, d.micros = int(us/microsPerSecond%60), int(us%microsPerSecond)
	return seenDate | seenTime, dtOK
}

func indexByte(s []byte, c byte) int {
	for i := range s {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// singleNumber decodes a number that is one field of a date, which one depends on what was seen; if
// the date is complete, a run-together time.
func (d *dateTime) singleNumber(s []byte, textMonth bool, seen dtMask) (dtMask, dtError) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	val, ok := atoi(s[:n])
	switch {
	case !ok:
		return 0, dtOverflow
	case n == 0:
		return 0, dtBadFormat
	case n < len(s) && s[n] == '.':
		if n > 2 {
			return d.runTogether(s, true)
		}
		var e dtError
		if d.micros, e = fractionMicros(s[n+1:]); e != dtOK {
			return 0, e
		}
	case n < len(s):
		return 0, dtBadFormat
	}
	if len(s) == 3 && seen&seenDate == seenYear && val >= 1 && val <= 366 {
		d.yearDay = val
		return seenDOY | seenMonth | seenDay, dtOK
	}
	field := seenDay
	switch seen & seenDate {
	case 0:
		switch {
		case len(s) >= 3 || d.order == YMD:
			field = seenYear
		case d.order == MDY:
			field = seenMonth
		}
	case seenYear, seenDay:
		field = seenMonth
	case seenMonth:
		if textMonth && (len(s) >= 3 || d.order == YMD) {
			field = seenYear
		}
	case seenYear | seenMonth:
		if textMonth && len(s) >= 3 && d.twoDigits { // what was taken for the year was the day
			d.day, d.year, d.twoDigits = d.year, val, false
			return seenDay, dtOK
		}
	case seenMonth | seenDay:
		field = seenYear
	case seenDate:
		return d.runTogether(s, true)
	default:
		return 0, dtBadFormat
	}
	switch field {
	case seenYear:
		d.year, d.twoDigits = val, len(s) <= 2
	case seenMonth:
		d.month = val
	default:
		d.day = val
	}
	return field, dtOK
}

// runTogether decodes yymmdd, yyyymmdd, hhmm, hhmmss or hhmmss.frac.
func (d *dateTime) runTogether(s []byte, dateKnown bool) (dtMask, dtError) {
	dateKnown = dateKnown || d.seen&seenDate == seenDate
	if dot := indexByte(s, '.'); dot >= 0 {
		var e dtError
		if d.micros, e = fractionMicros(s[dot+1:]); e != dtOK {
			return 0, e
		}
		s = s[:dot]
	} else if !dateKnown && len(s) >= 6 {
		n := len(s)
		year, ok := atoi(s[:n-4])
		d.year, d.month, d.day = year, two(s[n-4:]), two(s[n-2:])
		switch {
		case ok:
		case d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31:
			return 0, dtOverflowMD
		default:
			return 0, dtOverflow
		}
		d.twoDigits = n == 6
		return seenDate, dtOK
	}
	if d.seen&seenTime == seenTime {
		return 0, dtBadFormat
	}
	switch len(s) {
	case 6:
		d.hour, d.min, d.sec = two(s), two(s[2:]), two(s[4:])
	case 4:
		d.hour, d.min, d.sec = two(s), two(s[2:]), 0
	default:
		return 0, dtBadFormat
	}
	return seenTime, dtOK
}

func two(s []byte) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// fractionMicros reads the digits after the point of a second, rounded half to even to a whole
// number of microseconds; it may be 1,000,000.
func fractionMicros(s []byte) (int, dtError) {
	v, n := 0, 0
	for ; n < len(s) && n < 6; n++ {
		if !isDigit(s[n]) {
			return 0, dtBadFormat
		}
		v = v*10 + int(s[n]-'0')
	}
	if n < len(s) {
		f, err := strconv.ParseFloat("0."+string(s), 64)
		if err != nil {
			return 0, dtBadFormat
		}
		return int(math.RoundToEven(f * 1e6)), dtOK
	}
	for ; n < 6; n++ {
		v *= 10
	}
	return v, dtOK
}

// clock decodes hh:mm, hh:mm:ss, hh:mm:ss.frac and mm:ss.frac.
func (d *dateTime) clock(s []byte) (dtMask, dtError) {
	hour, min, sec, micros, e := decodeClock(s)
	if e != dtOK {
		return 0, e
	}
	d.hour, d.min, d.sec, d.micros = int(hour), min, sec, micros
	if d.timeOnly {
		return seenTime, dtOK // finishTime checks
	}
	if hour > 24 || int64(hour)*3600+int64(min)*60+int64(sec) > secondsPerDay ||
		int64(hour)*3600+int64(min)*60+int64(sec) == secondsPerDay && micros > 0 {
		return 0, dtOverflow
	}
	return seenTime, dtOK
}

// decodeClock reads a time with colons; the hours may have any size.
func decodeClock(s []byte) (hour int64, min, sec, micros int, e dtError) {
	var part [3]int64
	n := 0
	for ; n < 3; n++ {
		k := 0
		for k < len(s) && isDigit(s[k]) {
			if part[n] > math.MaxInt64/10-1 || n > 0 && part[n] > math.MaxInt32 {
				return 0, 0, 0, 0, dtOverflow
			}
			part[n] = part[n]*10 + int64(s[k]-'0')
			k++
		}
		s = s[k:]
		if len(s) == 0 || s[0] != ':' {
			break
		}
		s = s[1:]
	}
	if n == 3 || n == 0 {
		return 0, 0, 0, 0, dtBadFormat
	}
	if len(s) > 0 {
		if s[0] != '.' {
			return 0, 0, 0, 0, dtBadFormat
		}
		if micros, e = fractionMicros(s[1:]); e != dtOK {
			return 0, 0, 0, 0, e
		}
		if n == 1 { // a fraction makes it minutes and seconds
			part[0], part[1], part[2] = 0, part[0], part[1]
		}
	}
	if part[1] > 59 || part[2] > 60 {
		return 0, 0, 0, 0, dtOverflow
	}
	return part[0], int(part[1]), int(part[2]), micros, dtOK
}

// decodeOffset reads ±hh, ±hhmm, ±hh:mm or ±hh:mm:ss as seconds east of UTC.
func decodeOffset(s []byte) (int, dtError) {
	if len(s) == 0 || s[0] != '+' && s[0] != '-' {
		return 0, dtBadFormat
	}
	neg, total := s[0] == '-', len(s)
	s = s[1:]
	var part [3]int
	n := 0
	for ; n < 3; n++ {
		k := 0
		for k < len(s) && isDigit(s[k]) {
			k++
		}
		v, ok := atoi(s[:k])
		if !ok {
			return 0, dtZoneOverflow
		}
		part[n], s = v, s[k:]
		if len(s) == 0 || s[0] != ':' {
			break
		}
		s = s[1:]
	}
	if n == 0 && len(s) == 0 && total > 3 {
		part[0], part[1] = part[0]/100, part[0]%100
	}
	const offsetHoursMax = 15
	switch {
	case part[0] > offsetHoursMax, part[1] > 59, part[2] > 59:
		return 0, dtZoneOverflow
	case len(s) > 0 || n == 3:
		return 0, dtBadFormat
	}
	v := part[0]*3600 + part[1]*60 + part[2]
	if neg {
		v = -v
	}
	return v, dtOK
}
