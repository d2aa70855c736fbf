package types

import (
	"math"
	"strconv"

	"github.com/laminadb/lamina/sqlerr"
)

// The infinite intervals.
var (
	IntervalInfinity    = NewInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64)
	IntervalNegInfinity = NewInterval(math.MinInt32, math.MinInt32, math.MinInt64)
)

// ErrIntervalRange is returned for results that are no interval.
var ErrIntervalRange = sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")

// intervalUnit is a unit of interval text.
type intervalUnit uint8

const (
	unitNone intervalUnit = iota
	unitMicrosecond
	unitMillisecond
	unitSecond
	unitMinute
	unitHour
	unitDay
	unitWeek
	unitMonth
	unitYear
	unitDecade
	unitCentury
	unitMillennium
	unitAgo
	unitOther // known to the lexicon, of no use here
)

// intervalWords are the units; words are compared by their first ten letters.
var intervalWords = map[string]intervalUnit{
	"ago": unitAgo,
	"c":   unitCentury, "cent": unitCentury, "centuries": unitCentury, "century": unitCentury,
	"d": unitDay, "day": unitDay, "days": unitDay,
	"dec": unitDecade, "decade": unitDecade, "decades": unitDecade, "decs": unitDecade,
	"h": unitHour, "hour": unitHour, "hours": unitHour, "hr": unitHour, "hrs": unitHour,
	"m": unitMinute, "min": unitMinute, "mins": unitMinute, "minute": unitMinute, "minutes": unitMinute,
	"microsecon": unitMicrosecond, "us": unitMicrosecond, "usec": unitMicrosecond,
	"useconds": unitMicrosecond, "usecs": unitMicrosecond, "usecond": unitMicrosecond,
	"mil": unitMillennium, "millennia": unitMillennium, "millennium": unitMillennium, "mils": unitMillennium,
	"millisecon": unitMillisecond, "ms": unitMillisecond, "msec": unitMillisecond,
	"msecond": unitMillisecond, "mseconds": unitMillisecond, "msecs": unitMillisecond,
	"mon": unitMonth, "mons": unitMonth, "month": unitMonth, "months": unitMonth,
	"qtr": unitOther, "quarter": unitOther, "timezone": unitOther, "timezone_h": unitOther, "timezone_m": unitOther,
	"s": unitSecond, "sec": unitSecond, "second": unitSecond, "seconds": unitSecond, "secs": unitSecond,
	"w": unitWeek, "week": unitWeek, "weeks": unitWeek,
	"y": unitYear, "year": unitYear, "years": unitYear, "yr": unitYear, "yrs": unitYear,
}

// intervalParts is an interval that is being read. Months and days are checked for 32 bits at once.
type intervalParts struct {
	years, months, days int64
	micros              int64
}

func (p *intervalParts) addTo(dst *int64, v, scale, limit int64) bool {
	m := Mul64(v, scale)
	if !m.IsInt64() {
		return false
	}
	w := int64(m.Lo)
	s := *dst + w
	if (*dst^s)&(w^s) < 0 || s > limit || s < -limit-1 {
		return false
	}
	*dst = s
	return true
}

func (p *intervalParts) addMicros(v int64, frac float64, scale int64) bool {
	return p.addTo(&p.micros, v, scale, math.MaxInt64) && p.addFraction(frac, float64(scale))
}

// addFraction adds a fraction of a unit of scale microseconds, rounded.
func (p *intervalParts) addFraction(frac, scale float64) bool {
	if frac == 0 {
		return true
	}
	frac *= scale
	us := int64(frac)
	switch frac -= float64(us); {
	case frac > 0.5:
		us++
	case frac < -0.5:
		us--
	}
	return p.addTo(&p.micros, us, 1, math.MaxInt64)
}

// addDays adds v units of scale days; the fraction becomes days and a time of day.
func (p *intervalParts) addDays(v int64, frac float64, scale int64) bool {
	return p.addTo(&p.days, v, scale, math.MaxInt32) && p.addFractionDays(frac, float64(scale))
}

func (p *intervalParts) addFractionDays(frac, scale float64) bool {
	frac *= scale
	days := int64(frac)
	return p.addTo(&p.days, days, 1, math.MaxInt32) && p.addFraction(frac-float64(days), microsPerDay)
}

func (p *intervalParts) addMonths(v int64, frac float64) bool {
	return p.addTo(&p.months, v, 1, math.MaxInt32) && p.addFractionDays(frac, 30)
}

// addYears adds v units of scale years; the fraction is rounded to months.
func (p *intervalParts) addYears(v int64, frac float64, scale int64) bool {
	return p.addTo(&p.years, v, scale, math.MaxInt32) &&
		p.addTo(&p.months, int64(math.RoundToEven(frac*float64(scale)*12)), 1, math.MaxInt32)
}

func (p *intervalParts) add(u intervalUnit, v int64, frac float64) bool {
	switch u {
	case unitMicrosecond:
		return p.addMicros(v, frac, 1)
	case unitMillisecond:
		return p.addMicros(v, frac, 1000)
	case unitSecond:
		return p.addMicros(v, frac, microsPerSecond)
	case unitMinute:
		return p.addMicros(v, frac, microsPerMinute)
	case unitHour:
		return p.addMicros(v, frac, microsPerHour)
	case unitDay:
		return p.addTo(&p.days, v, 1, math.MaxInt32) && p.addFraction(frac, microsPerDay)
	case unitWeek:
		return p.addDays(v, frac, 7)
	case unitMonth:
		return p.addMonths(v, frac)
	case unitYear:
		return p.addYears(v, frac, 1)
	case unitDecade:
		return p.addYears(v, frac, 10)
	case unitCentury:
		return p.addYears(v, frac, 100)
	case unitMillennium:
		return p.addYears(v, frac, 1000)
	}
	return false
}

// datum returns the interval, or the error that its months are out of range.
func (p *intervalParts) datum() (Datum, error) {
	months := p.years*12 + p.months
	if months > math.MaxInt32 || months < math.MinInt32 {
		return Datum{}, ErrIntervalRange
	}
	return NewInterval(int32(months), int32(p.days), p.micros), nil
}

// parseIntervalTyped reads an interval in PostgreSQL's verbose, the SQL standard's or the ISO 8601
// form. The fields of t say what a number without a unit counts.
func parseIntervalTyped(t Type, b []byte, o *ParseOptions) (Datum, error) {
	fields, _ := t.IntervalMod()
	r := intervalReader{fields: fields, standard: o.IntervalStyle == IntervalSQLStandard}
	e := r.decode(b)
	if e == dtBadFormat {
		r = intervalReader{fields: fields}
		e = r.iso8601(b)
	}
	if e == dtOverflow {
		e = dtIntervalOverflow
	}
	if e != dtOK {
		return Datum{}, dateTimeError(e, "interval", b)
	}
	switch r.infinity {
	case valInfinity:
		return IntervalInfinity, nil
	case valNegInfinity:
		return IntervalNegInfinity, nil
	}
	d, err := r.parts.datum()
	if err != nil {
		return Datum{}, err
	}
	return coerceInterval(d, t)
}

// intervalReader reads one interval.
type intervalReader struct {
	fields   IntervalFields
	parts    intervalParts
	infinity int
	// standard: a sign before the first field holds for all fields, if no other has one.
	standard, negative bool

	unit     intervalUnit // of the number to the left
	unitOpen bool         // the unit still needs its number
	seen     uint32       // units that were given, by bit
}

// Bits of intervalReader.seen beyond those of the units.
const (
	seenAllSeconds = 1<<unitSecond | 1<<unitMillisecond | 1<<unitMicrosecond
	seenClock      = 1<<unitHour | 1<<unitMinute | seenAllSeconds
	seenCalendar   = 1<<unitDay | 1<<unitMonth | 1<<unitYear
)

// decode reads the verbose and the standard form. Fields are taken from the right, since units
// follow their numbers.
func (r *intervalReader) decode(b []byte) dtError {
	var f dtFields
	if e := f.split(b); e != dtOK {
		return e
	}
	r.negative = r.standard && f.n > 0 && leadingSignOnly(f.f[:f.n])
	before := false
	for i := f.n - 1; i >= 0; i-- {
		mask, e := uint32(0), dtOK
		switch x := &f.f[i]; x.kind {
		case timeField:
			mask, e = r.clock(x.text, r.negative)
		case wordField, specialField:
			last := i == f.n-1
			var ago bool
			if mask, ago, e = r.word(x.text, last); ago {
				before = true
			}
		default:
			mask, e = r.number(x)
		}
		if e != dtOK {
			return e
		}
		if mask&r.seen != 0 {
			return dtBadFormat
		}
		r.seen |= mask
	}
	if r.seen == 0 || r.unitOpen {
		return dtBadFormat
	}
	if before {
		return r.parts.negate()
	}
	return dtOK
}

// leadingSignOnly reports whether the first field starts with a minus, and no other with a sign.
func leadingSignOnly(fields []dtField) bool {
	for i := range fields {
		t := fields[i].text
		if len(t) == 0 {
			return false
		}
		if i == 0 && t[0] != '-' || i > 0 && (t[0] == '-' || t[0] == '+') {
			return false
		}
	}
	return true
}

func (p *intervalParts) negate() dtError {
	if p.micros == math.MinInt64 || p.days == math.MinInt32 || p.months == math.MinInt32 || p.years == math.MinInt32 {
		return dtOverflow
	}
	*p = intervalParts{-p.years, -p.months, -p.days, -p.micros}
	return dtOK
}

// clock reads hh:mm and the like; a number to its left counts days.
func (r *intervalReader) clock(s []byte, neg bool) (uint32, dtError) {
	hour, min, sec, micros, e := decodeClock(s)
	if e != dtOK {
		return 0, e
	}
	if r.fields == FieldMinute|FieldSecond && countByte(s, ':') == 1 && indexByte(s, '.') < 0 {
		if hour > 59 { // as minutes
			return 0, dtOverflow
		}
		hour, min, sec = 0, int(hour), min
	}
	t := intervalParts{}
	if !t.addMicros(hour, 0, microsPerHour) ||
		!t.addMicros(int64(min)*60+int64(sec), 0, microsPerSecond) || !t.addMicros(int64(micros), 0, 1) {
		return 0, dtOverflow
	}
	if neg {
		t.micros = -t.micros
	}
	if !r.parts.addTo(&r.parts.micros, t.micros, 1, math.MaxInt64) {
		return 0, dtOverflow
	}
	r.unit, r.unitOpen = unitDay, false
	return seenClock, dtOK
}

func countByte(s []byte, c byte) int {
	n := 0
	for _, x := range s {
		if x == c {
			n++
		}
	}
	return n
}

// word reads a unit, ago or infinity.
func (r *intervalReader) word(s []byte, last bool) (mask uint32, ago bool, e dtError) {
	if r.unitOpen {
		return 0, false, dtBadFormat
	}
	const significant = 10
	if len(s) > significant {
		s = s[:significant]
	}
	switch u := intervalWords[string(s)]; u {
	case unitNone:
	case unitAgo:
		if !last {
			return 0, false, dtBadFormat
		}
		return 0, true, dtOK
	default:
		r.unit, r.unitOpen = u, true
		return 0, false, dtOK
	}
	w := dateWords[string(s)]
	switch {
	case w.typ == wordIgnored:
		return 0, false, dtOK
	case w.typ == wordReserved && (w.val == valInfinity || w.val == valNegInfinity) && last:
		r.infinity = w.val
		return seenClock | seenCalendar, false, dtOK
	}
	return 0, false, dtBadFormat
}

// defaultUnit is what a last number without a unit counts.
func (r *intervalReader) defaultUnit() intervalUnit {
	switch {
	case r.fields == FieldsAll, r.fields&FieldSecond != 0:
		return unitSecond
	case r.fields&FieldMinute != 0:
		return unitMinute
	case r.fields&FieldHour != 0:
		return unitHour
	case r.fields&FieldDay != 0:
		return unitDay
	case r.fields&FieldMonth != 0:
		return unitMonth
	}
	return unitYear
}

// number reads a number, signed or not, years-months, or a signed time.
func (r *intervalReader) number(f *dtField) (uint32, dtError) {
	s := f.text
	neg := s[0] == '-' || r.negative
	if f.kind == zoneField {
		if indexByte(s, ':') > 0 {
			if mask, e := r.clock(s[1:], neg); e == dtOK {
				return mask, e
			}
		}
		s = s[1:]
	}
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	v := int64(0)
	if n > 0 {
		var err error
		if v, err = strconv.ParseInt(string(s[:n]), 10, 64); err != nil {
			return 0, dtOverflow
		}
	}
	if r.unit == unitNone {
		r.unit = r.defaultUnit()
	}
	frac, rest := 0.0, s[n:]
	switch {
	case len(rest) == 0:
	case rest[0] == '-':
		digits := rest[1:]
		for i, c := range digits {
			if !isDigit(c) {
				digits = digits[:i]
				break
			}
		}
		months, ok := atoi(digits)
		ok = ok || len(digits) == 0
		if !ok || months >= 12 || v > math.MaxInt32 || len(digits) == 0 && len(rest) > 1 && rest[1] == '-' {
			return 0, dtOverflow
		}
		if len(digits) < len(rest)-1 {
			return 0, dtBadFormat
		}
		r.unit, v = unitMonth, v*12+int64(months)
	case rest[0] == '.':
		var e dtError
		if frac, e = parseFraction(rest); e != dtOK {
			return 0, e
		}
	default:
		return 0, dtBadFormat
	}
	if neg {
		v, frac = -v, -frac
	}
	u := r.unit
	r.unitOpen = false
	if u == unitOther {
		return 0, dtBadFormat
	}
	if !r.parts.add(u, v, frac) {
		return 0, dtOverflow
	}
	switch {
	case u == unitSecond && frac != 0:
		return seenAllSeconds, dtOK
	case u == unitHour:
		r.unit = unitDay // for '1 2' of interval day to hour
	}
	return 1 << u, dtOK
}

// parseFraction reads a point and digits.
func parseFraction(s []byte) (float64, dtError) {
	for _, c := range s[1:] {
		if !isDigit(c) {
			return 0, dtBadFormat
		}
	}
	if len(s) == 1 {
		return 0, dtOK
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		return 0, dtBadFormat
	}
	return f, dtOK
}

// coerceInterval drops what the fields of t do not keep and rounds the seconds.
func coerceInterval(d Datum, t Type) (Datum, error) {
	fields, precision := t.IntervalMod()
	if intervalInfinity(d) != 0 || fields == FieldsAll && precision < 0 {
		return d, nil
	}
	months, days, micros := d.IntervalParts()
	if fields != FieldsAll && fields&FieldSecond == 0 {
		switch {
		case fields&FieldMinute != 0:
			micros -= micros % microsPerMinute
		case fields&FieldHour != 0:
			micros -= micros % microsPerHour
		case fields&FieldDay != 0:
			micros = 0
		case fields&FieldMonth != 0:
			days, micros = 0, 0
		default:
			months, days, micros = months/12*12, 0, 0
		}
	}
	if precision >= 0 && precision < secondsPrecisionMax {
		unit := secondUnits[precision]
		half := unit / 2
		if micros < 0 {
			half = -half
		}
		r := micros + half
		if (micros^r)&(half^r) < 0 {
			return Datum{}, ErrIntervalRange
		}
		micros = r - r%unit
	}
	return NewInterval(months, days, micros), nil
}
