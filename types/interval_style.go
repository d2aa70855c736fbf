package types

import "strconv"

// intervalFields are the parts of an interval as they are shown; all parts of the time have its sign.
type intervalFields struct {
	years, months, days int64
	negative            bool // the time
	hours, minutes      uint64
	seconds             uint64 // of the minute, in microseconds
}

func fieldsOf(d Datum) intervalFields {
	months, days, micros := d.IntervalParts()
	f := intervalFields{years: int64(months / 12), months: int64(months % 12), days: int64(days), negative: micros < 0}
	m := uint64(micros)
	if micros < 0 {
		m = -m
	}
	f.hours, f.minutes, f.seconds = m/microsPerHour, m/microsPerMinute%60, m%microsPerMinute
	return f
}

func (f *intervalFields) hasTime() bool { return f.hours|f.minutes|f.seconds != 0 }

// appendIntervalStyled appends an interval in one of the styles.
func appendIntervalStyled(dst []byte, d Datum, style IntervalStyle) []byte {
	switch intervalInfinity(d) {
	case 1:
		return append(dst, "infinity"...)
	case -1:
		return append(dst, "-infinity"...)
	}
	f := fieldsOf(d)
	switch style {
	case IntervalPostgresVerbose:
		return f.appendVerbose(dst)
	case IntervalSQLStandard:
		return f.appendSQL(dst)
	case IntervalISO8601:
		return f.appendISO(dst)
	}
	return appendInterval(dst, d)
}

// appendVerbose appends "@ 1 day 2 hours"; the first field's sign is shown as "ago" at the end.
func (f *intervalFields) appendVerbose(dst []byte) []byte {
	dst = append(dst, '@')
	zero, before := true, false
	part := func(negative bool, v uint64, unit string) {
		if v == 0 {
			return
		}
		if zero {
			before = negative
		}
		zero = false
		dst = append(dst, ' ')
		if negative != before {
			dst = append(dst, '-')
		}
		dst = append(strconv.AppendUint(dst, v, 10), unit...)
		if v != 1 || negative != before { // -1 days
			dst = append(dst, 's')
		}
	}
	part(f.years < 0, magnitude(f.years), " year")
	part(f.months < 0, magnitude(f.months), " mon")
	part(f.days < 0, magnitude(f.days), " day")
	part(f.negative, f.hours, " hour")
	part(f.negative, f.minutes, " min")
	if f.seconds != 0 {
		if zero {
			before = f.negative
		}
		zero = false
		dst = append(dst, ' ')
		if f.negative != before {
			dst = append(dst, '-')
		}
		dst = append(appendPlainSeconds(dst, f.seconds), " sec"...)
		if f.seconds != microsPerSecond {
			dst = append(dst, 's')
		}
	}
	if zero {
		dst = append(dst, " 0"...)
	}
	if before {
		dst = append(dst, " ago"...)
	}
	return dst
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// appendPlainSeconds appends seconds without leading zeros, and the fraction without trailing ones.
func appendPlainSeconds(dst []byte, micros uint64) []byte {
	at := len(dst)
	dst = appendSeconds(dst, int64(micros))
	if dst[at] == '0' {
		dst = append(dst[:at], dst[at+1:]...)
	}
	return dst
}

func (f *intervalFields) appendClock(dst []byte) []byte {
	dst = append(strconv.AppendUint(dst, f.hours, 10), ':')
	dst = append(append2(dst, int(f.minutes)), ':')
	return appendSeconds(dst, int64(f.seconds))
}

// appendSQL appends years-months, or days and time; an interval that is no standard one, since it has
// both or different signs, shows all parts with signs.
func (f *intervalFields) appendSQL(dst []byte) []byte {
	calendar := f.years != 0 || f.months != 0
	time := f.days != 0 || f.hasTime()
	negative := f.years < 0 || f.months < 0 || f.days < 0 || f.negative
	positive := f.years > 0 || f.months > 0 || f.days > 0 || !f.negative && f.hasTime()
	if !negative && !positive {
		return append(dst, '0')
	}
	if negative && positive || calendar && time {
		dst = append(dst, signOf(f.years < 0 || f.months < 0))
		dst = f.appendCalendar(dst)
		dst = append(dst, ' ', signOf(f.days < 0))
		dst = strconv.AppendUint(dst, magnitude(f.days), 10)
		return f.appendClock(append(dst, ' ', signOf(f.negative)))
	}
	if negative {
		dst = append(dst, '-')
	}
	if calendar {
		return f.appendCalendar(dst)
	}
	if f.days != 0 {
		dst = append(strconv.AppendUint(dst, magnitude(f.days), 10), ' ')
	}
	return f.appendClock(dst)
}

func (f *intervalFields) appendCalendar(dst []byte) []byte {
	dst = append(strconv.AppendUint(dst, magnitude(f.years), 10), '-')
	return strconv.AppendUint(dst, magnitude(f.months), 10)
}

func signOf(negative bool) byte {
	if negative {
		return '-'
	}
	return '+'
}

// appendISO appends the form with designators of ISO 8601.
func (f *intervalFields) appendISO(dst []byte) []byte {
	if f.years == 0 && f.months == 0 && f.days == 0 && !f.hasTime() {
		return append(dst, "PT0S"...)
	}
	dst = append(dst, 'P')
	part := func(negative bool, v uint64, unit byte) {
		if v == 0 {
			return
		}
		if negative {
			dst = append(dst, '-')
		}
		dst = append(strconv.AppendUint(dst, v, 10), unit)
	}
	part(f.years < 0, magnitude(f.years), 'Y')
	part(f.months < 0, magnitude(f.months), 'M')
	part(f.days < 0, magnitude(f.days), 'D')
	if !f.hasTime() {
		return dst
	}
	dst = append(dst, 'T')
	part(f.negative, f.hours, 'H')
	part(f.negative, f.minutes, 'M')
	if f.seconds == 0 {
		return dst
	}
	if f.negative {
		dst = append(dst, '-')
	}
	return append(appendPlainSeconds(dst, f.seconds), 'S')
}
