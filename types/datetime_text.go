package types

import (
	"strconv"
	"time"
)

func append2(dst []byte, v int) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

// appendYMD appends an ISO date without the era, and reports whether it is BC.
func appendYMD(dst []byte, days int) ([]byte, bool) {
	y, m, d := civilFromDays(days)
	bc := y <= 0
	if bc {
		y = 1 - y
	}
	if y < 10000 {
		dst = append2(append2(dst, y/100), y%100)
	} else {
		dst = strconv.AppendInt(dst, int64(y), 10)
	}
	dst = append2(append(dst, '-'), m)
	return append2(append(dst, '-'), d), bc
}

func appendDate(dst []byte, days int64) []byte {
	switch days {
	case DateInfinity:
		return append(dst, "infinity"...)
	case DateNegInfinity:
		return append(dst, "-infinity"...)
	}
	dst, bc := appendYMD(dst, int(days))
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendTime appends hh:mm:ss and the fraction without zeros at its end.
func appendTime(dst []byte, micros int64) []byte {
	dst = append2(dst, int(micros/microsPerHour))
	dst = append2(append(dst, ':'), int(micros/microsPerMinute%60))
	return appendSeconds(append(dst, ':'), micros%microsPerMinute)
}

// appendSeconds appends the seconds of a minute, two digits and the fraction.
func appendSeconds(dst []byte, micros int64) []byte {
	dst = append2(dst, int(micros/microsPerSecond))
	frac := int(micros % microsPerSecond)
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = append2(append2(append2(dst, frac/10000), frac/100%100), frac%100)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendTimestampInfinity(dst []byte, ts int64) ([]byte, bool) {
	switch ts {
	case TimestampInfinity:
		return append(dst, "infinity"...), true
	case TimestampNegInfinity:
		return append(dst, "-infinity"...), true
	}
	return dst, false
}

func appendTimestamp(dst []byte, ts int64) []byte {
	dst, done := appendTimestampInfinity(dst, ts)
	if done {
		return dst
	}
	days, micros := splitMicros(ts)
	dst, bc := appendYMD(dst, days)
	dst = appendTime(append(dst, ' '), micros)
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendTimestampTZ(dst []byte, ts int64, loc *time.Location) []byte {
	dst, done := appendTimestampInfinity(dst, ts)
	if done {
		return dst
	}
	offset := zoneOffset(ts, loc)
	days, micros := splitLocal(ts, offset)
	dst, bc := appendYMD(dst, days)
	dst = appendTime(append(dst, ' '), micros)
	dst = appendOffset(dst, offset)
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// zoneOffset returns the seconds east of UTC at an instant; nil is UTC.
func zoneOffset(ts int64, loc *time.Location) int {
	if loc == nil || loc == time.UTC {
		return 0
	}
	days, micros := splitMicros(ts)
	_, offset := time.Unix(int64(days)*secondsPerDay+micros/microsPerSecond, 0).In(loc).Zone()
	return offset
}

// splitLocal is splitMicros of ts moved by an offset, without overflow at the ends of the range.
func splitLocal(ts int64, offsetSeconds int) (days int, micros int64) {
	days, micros = splitMicros(ts)
	micros += int64(offsetSeconds) * microsPerSecond
	for ; micros < 0; days-- {
		micros += microsPerDay
	}
	for ; micros >= microsPerDay; days++ {
		micros -= microsPerDay
	}
	return days, micros
}

// appendOffset appends ±hh, ±hh:mm or ±hh:mm:ss.
func appendOffset(dst []byte, seconds int) []byte {
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	dst = append(dst, sign)
	if hours := seconds / 3600; hours < 100 {
		dst = append2(dst, hours)
	} else { // a POSIX zone
		dst = strconv.AppendInt(dst, int64(hours), 10)
	}
	if seconds%3600 != 0 {
		dst = append2(append(dst, ':'), seconds/60%60)
	}
	if seconds%60 != 0 {
		dst = append2(append(dst, ':'), seconds%60)
	}
	return dst
}

// appendInterval appends an interval in the style postgres: 1 year 2 mons -3 days +04:05:06.
func appendInterval(dst []byte, d Datum) []byte {
	months, days, micros := d.IntervalParts()
	switch intervalInfinity(d) {
	case 1:
		return append(dst, "infinity"...)
	case -1:
		return append(dst, "-infinity"...)
	}
	start, before := len(dst), false
	part := func(v int64, unit string) {
		if v == 0 {
			return
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if before && v > 0 {
			dst = append(dst, '+')
		}
		dst = append(strconv.AppendInt(dst, v, 10), unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		before = v < 0
	}
	part(int64(months/12), " year")
	part(int64(months%12), " mon")
	part(int64(days), " day")
	if micros == 0 && len(dst) > start {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	m := uint64(micros)
	if micros < 0 {
		dst = append(dst, '-')
		m = -m
	} else if before {
		dst = append(dst, '+')
	}
	hours := m / microsPerHour
	if hours < 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendUint(dst, hours, 10)
	dst = append2(append(dst, ':'), int(m/microsPerMinute%60))
	return appendSeconds(append(dst, ':'), int64(m%microsPerMinute))
}

// intervalInfinity returns 1 for infinity, -1 for -infinity and 0 for all other intervals.
func intervalInfinity(d Datum) int {
	switch d {
	case IntervalInfinity:
		return 1
	case IntervalNegInfinity:
		return -1
	}
	return 0
}
