package types

import (
	"strconv"
	"time"
)

// dayNames and monthNames are what the style Postgres shows.
const (
	dayNames   = "SunMonTueWedThuFriSat"
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// abbreviationMax bounds the bytes of a zone's abbreviation that is read, or shown.
const abbreviationMax = 10

// appendYear appends at least four digits.
func appendYear(dst []byte, year int) []byte {
	if year < 10000 {
		return append2(append2(dst, year/100), year%100)
	}
	return strconv.AppendInt(dst, int64(year), 10)
}

// eraYear returns the year as it is written, and whether it is BC.
func eraYear(y int) (int, bool) {
	if y <= 0 {
		return 1 - y, true
	}
	return y, false
}

// appendDayMonth appends day and month in the style's order, which the separator follows.
func appendDayMonth(dst []byte, o *TextOptions, m, d int, sep byte) []byte {
	if o.DateOrder == DMY || o.DateStyle == DateGerman {
		m, d = d, m
	}
	return append(append2(append(append2(dst, m), sep), d), sep)
}

// dateSeparator is what stands between the numbers of a date.
func (s DateStyle) separator() byte {
	switch s {
	case DateSQL:
		return '/'
	case DateGerman:
		return '.'
	}
	return '-'
}

// appendDateStyled appends a date in a style other than ISO.
func appendDateStyled(dst []byte, days int64, o *TextOptions) []byte {
	switch days {
	case DateInfinity:
		return append(dst, "infinity"...)
	case DateNegInfinity:
		return append(dst, "-infinity"...)
	}
	y, m, d := civilFromDays(int(days))
	y, bc := eraYear(y)
	dst = appendYear(appendDayMonth(dst, o, m, d, o.DateStyle.separator()), y)
	return appendEra(dst, bc)
}

func appendEra(dst []byte, bc bool) []byte {
	if bc {
		return append(dst, " BC"...)
	}
	return dst
}

// appendTimestampStyled appends a timestamp in a style other than ISO; zoned values are shown in the
// zone of the options, with its abbreviation.
func appendTimestampStyled(dst []byte, ts int64, zoned bool, o *TextOptions) []byte {
	dst, done := appendTimestampInfinity(dst, ts)
	if done {
		return dst
	}
	zone, offset := "", 0
	if zoned {
		zone, offset = zoneAbbreviation(ts, o.Location)
	}
	days, micros := splitLocal(ts, offset)
	y, m, d := civilFromDays(days)
	y, bc := eraYear(y)
	if o.DateStyle == DatePostgres {
		dst = appendPostgresDay(dst, o, days, m, d)
		dst = appendTime(append(dst, ' '), micros)
		dst = appendYear(append(dst, ' '), y)
	} else {
		dst = appendYear(appendDayMonth(dst, o, m, d, o.DateStyle.separator()), y)
		dst = appendTime(append(dst, ' '), micros)
	}
	if zoned {
		if zone != "" {
			dst = append(append(dst, ' '), zone...)
		} else {
			if o.DateStyle == DatePostgres {
				dst = append(dst, ' ')
			}
			dst = appendOffset(dst, offset)
		}
	}
	return appendEra(dst, bc)
}

// appendPostgresDay appends the weekday, and day and month in the options' order.
func appendPostgresDay(dst []byte, o *TextOptions, days, m, d int) []byte {
	w := ((days+4)%7 + 7) % 7 // 1970-01-01 was a Thursday
	dst = append(append(dst, dayNames[3*w:3*w+3]...), ' ')
	month := monthNames[3*m-3 : 3*m]
	if o.DateOrder == DMY {
		return append(append(append2(dst, d), ' '), month...)
	}
	return append2(append(append(dst, month...), ' '), d)
}

// zoneAbbreviation returns the abbreviation and offset in force at an instant.
func zoneAbbreviation(ts int64, loc *time.Location) (name string, offset int) {
	if loc == nil {
		return "UTC", 0
	}
	days, micros := splitMicros(ts)
	name, offset = time.Unix(int64(days)*secondsPerDay+micros/microsPerSecond, 0).In(loc).Zone()
	if len(name) > 1 && name[0] == '<' { // a fixed offset: <+05:30>-05:30
		for i := range len(name) {
			if name[i] == '>' {
				name = name[1:i]
				break
			}
		}
	}
	return name[:min(len(name), abbreviationMax)], offset
}
