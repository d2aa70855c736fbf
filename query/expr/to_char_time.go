package expr

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// timeParts are the fields of a timestamp, or of an interval, that to_char shows.
type timeParts struct {
	year, month, day int // year 0 is 1 BC
	hour             int64
	minute, second   int
	micros           int
	weekday, yearDay int
	zone             string
	offset           int // seconds east of UTC
	interval         bool
}

// partsOf takes a Timestamp, TimestampTZ or Interval apart; false for an infinite one.
func partsOf(ctx *Context, d types.Datum) (p timeParts, ok bool) {
	if finite, _ := isFinite(nil, []types.Datum{d}); !finite.Bool() {
		return p, false
	}
	if d.K == types.Interval {
		months, days, micros := d.IntervalParts()
		p = timeParts{year: int(months / 12), month: int(months % 12), day: int(days), interval: true}
		p.setClock(micros)
		p.yearDay = int(months*30 + days) // wraps, as PostgreSQL's does
		return p, true
	}
	at := time.Unix(floorDiv(d.I, microsPerSecond), 0).UTC()
	if d.K == types.TimestampTZ {
		at = at.In(ctx.location())
		p.zone, p.offset = at.Zone()
	}
	year, month, day := at.Date()
	p.year, p.month, p.day = year, int(month), day
	h, m, s := at.Clock()
	p.hour, p.minute, p.second = int64(h), m, s
	p.micros = int(d.I - floorDiv(d.I, microsPerSecond)*microsPerSecond)
	p.weekday, p.yearDay = int(at.Weekday()), at.YearDay()
	return p, true
}

func (p *timeParts) setClock(micros int64) {
	p.hour = micros / (3600 * microsPerSecond)
	micros -= p.hour * 3600 * microsPerSecond
	p.minute = int(micros / (60 * microsPerSecond))
	p.second = int(micros / microsPerSecond % 60)
	p.micros = int(micros % microsPerSecond)
}

// toCharTime is to_char of a timestamp or interval.
func toCharTime(ctx *Context, args []types.Datum) (types.Datum, error) {
	p, ok := partsOf(ctx, args[0])
	if !ok || args[1].S == "" {
		return types.NullOf(types.Text), nil
	}
	var b strings.Builder
	nodes := parseTemplate(args[1].S, true)
	for i := range nodes {
		n := &nodes[i]
		if n.key == "" {
			b.WriteString(n.text)
			continue
		}
		if p.interval && calendarPatterns[strings.ToUpper(n.key)] {
			return types.Datum{}, sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
				WithHint("Intervals are not tied to specific calendar dates.")
		}
		if p.interval && (n.key[0]|0x20 == 'i' || n.key[0]|0x20 == 'j') {
			return types.Datum{}, sqlerr.Unsupported("pattern " + n.key + " in to_char of an interval")
		}
		text, number := p.pattern(n)
		b.WriteString(text)
		if number && n.ordinal != "" {
			b.WriteString(ordinalSuffix(text, n.ordinal))
		}
	}
	return newText(b.String()), nil
}

// calendarPatterns mean nothing for an interval.
var calendarPatterns = map[string]bool{
	"TZ": true, "TZH": true, "TZM": true, "OF": true, "A.D.": true, "AD": true, "B.C.": true, "BC": true, "MONTH": true, "MON": true, "DAY": true,
	"DY": true, "D": true, "ID": true,
}

// pattern shows a pattern; number tells whether it may have an ordinal suffix.
func (p *timeParts) pattern(n *templateNode) (text string, number bool) {
	switch key := strings.ToUpper(n.key); key {
	case "A.D.", "AD", "B.C.", "BC":
		return caseOf(n.key, dotted(key, p.year <= 0, "BC", "AD")), false
	case "A.M.", "AM", "P.M.", "PM":
		return caseOf(n.key, dotted(key, p.hour%24 >= 12, "PM", "AM")), false
	case "MONTH", "MON", "DAY", "DY", "RM":
		return p.name(n, key), false
	case "TZ", "TZH", "TZM", "OF":
		return p.zoneText(n), false
	case "FX":
		return "", false
	case "Q":
		if p.month == 0 {
			return "", false
		}
		return strconv.Itoa((p.month-1)/3 + 1), true
	case "CC":
		return p.century(n.fill), true
	case "Y,YYY":
		y := p.shownYear(p.year)
		return fmt.Sprintf("%d,%03d", y/1000, y%1000), true
	case "YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "I":
		return p.yearText(n.fill, key), true
	case "HH24":
		return padded2(n.fill, 2, p.hour, p.hour), true
	case "HH", "HH12":
		h := p.hour % 12
		if h == 0 {
			h = 12
		}
		return padded2(n.fill, 2, h, p.hour), true
	case "SSSS", "SSSSS":
		return strconv.FormatInt(p.hour*3600+int64(p.minute)*60+int64(p.second), 10), true
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "MS", "US":
		digits := map[string]int{"MS": 3, "US": 6}[key]
		if digits == 0 {
			digits = int(key[2] - '0')
		}
		return fmt.Sprintf("%0*d", digits, int64(p.micros)/types.Pow10(6-digits)), true
	}
	v, width := p.number(n.key)
	sign := v
	if key := strings.ToUpper(n.key); key == "DD" || key == "DDD" || key == "WW" {
		sign = 0
	}
	return padded2(n.fill, width, v, sign), true
}

// number returns the patterns that are plain numbers, and their width.
func (p *timeParts) number(key string) (v int64, width int) {
	switch strings.ToUpper(key) {
	case "MI":
		return int64(p.minute), 2
	case "SS":
		return int64(p.second), 2
	case "MM":
		return int64(p.month), 2
	case "DD":
		return int64(p.day), 2
	case "DDD":
		return int64(p.yearDay), 3
	case "IDDD":
		return p.isoDay(), 3
	case "D":
		return int64(p.weekday) + 1, 0
	case "ID":
		return int64(p.weekday+6)%7 + 1, 0
	case "WW":
		return int64(p.yearDay-1)/7 + 1, 2
	case "IW":
		_, week := p.date().ISOWeek()
		return int64(week), 2
	case "W":
		return int64(p.day-1)/7 + 1, 0
	}
	return floorDiv(p.date().Unix(), 86400) + julianUnixEpoch, 0 // J
}

// julianUnixEpoch is the Julian day of 1970-01-01.
const julianUnixEpoch = 2440588

func (p *timeParts) date() time.Time {
	return time.Date(p.year, time.Month(p.month), p.day, 0, 0, 0, 0, time.UTC)
}

// isoDay counts days from the Monday of the first ISO week on.
func (p *timeParts) isoDay() int64 {
	at := p.date()
	_, week := at.ISOWeek()
	return int64((week-1)*7) + int64(at.Weekday()+6)%7 + 1
}

// padded2 pads with zeros to a width, or one more for a negative number; sign decides.
func padded2(fill bool, width int, v, sign int64) string {
	if fill {
		width = 0
	} else if sign < 0 && width > 0 {
		width++
	}
	return fmt.Sprintf("%0*d", width, v)
}

// shownYear numbers years before Christ from 1.
func (p *timeParts) shownYear(year int) int {
	if !p.interval && year <= 0 {
		return 1 - year
	}
	return year
}

func (p *timeParts) yearText(fill bool, key string) string {
	year := p.year
	if key[0] == 'I' {
		year, _ = p.date().ISOWeek()
	}
	year = p.shownYear(year)
	width := len(key)
	shown := year
	if width < 4 {
		shown %= int(types.Pow10(width))
	}
	if width == 1 {
		return strconv.Itoa(shown)
	}
	return padded2(fill, width, int64(shown), int64(year))
}

func (p *timeParts) century(fill bool) string {
	c := 0
	switch {
	case p.interval:
		c = p.year / 100
	case p.year > 0:
		c = (p.year-1)/100 + 1
	default:
		c = p.year/100 - 1
	}
	if c > 99 || c < -99 {
		return strconv.Itoa(c)
	}
	return padded2(fill, 2, int64(c), int64(c))
}

// dotted chooses one of two marks, with the dots of the pattern.
func dotted(key string, yes bool, a, b string) string {
	if !yes {
		a = b
	}
	if strings.Contains(key, ".") {
		return a[:1] + "." + a[1:] + "."
	}
	return a
}

// caseOf gives a text in capitals the case of a pattern: capitals, small letters, or a capital and small ones.
func caseOf(key, text string) string {
	switch {
	case key[0] >= 'a':
		return strings.ToLower(text)
	case key[1] >= 'a':
		return text[:1] + strings.ToLower(text[1:])
	}
	return text
}

var romanMonths = strings.Fields("I II III IV V VI VII VIII IX X XI XII")

// name shows the name of a month or weekday, with blanks after it unless it is an abbreviation or FM is given.
func (p *timeParts) name(n *templateNode, key string) string {
	text, width := "", 0
	switch key {
	case "MONTH", "MON":
		if p.month == 0 {
			return ""
		}
		text, width = strings.ToUpper(time.Month(p.month).String()), 9
	case "DAY", "DY":
		text, width = strings.ToUpper(time.Weekday(p.weekday).String()), 9
	case "RM":
		if text, width = p.roman(), 4; text == "" {
			return ""
		}
	}
	if key == "MON" || key == "DY" {
		text, width = text[:3], 0
	}
	if n.fill {
		width = 0
	}
	return fmt.Sprintf("%-*s", width, caseOf(n.key, text))
}

// roman is the month in Roman numerals; months of an interval may be 0 or negative.
func (p *timeParts) roman() string {
	switch {
	case p.month == 0 && p.year == 0:
		return ""
	case p.month == 0 && p.year > 0:
		return "XII"
	case p.month == 0:
		return "I"
	case p.month < 0:
		return romanMonths[12+p.month]
	}
	return romanMonths[p.month-1]
}

func (p *timeParts) zoneText(n *templateNode) string {
	sign, offset := "+", p.offset
	if offset < 0 {
		sign, offset = "-", -offset
	}
	switch strings.ToUpper(n.key) {
	case "TZH":
		return fmt.Sprintf("%s%02d", sign, offset/3600)
	case "TZM":
		return fmt.Sprintf("%02d", offset/60%60)
	case "OF":
		s := sign + padded2(n.fill, 2, int64(offset/3600), 0)
		if offset%3600 != 0 {
			s += fmt.Sprintf(":%02d", offset/60%60)
		}
		return s
	}
	if n.key == "tz" {
		return strings.ToLower(p.zone)
	}
	return p.zone
}
