package logictest_test

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/types"
)

var months = strings.Fields("January February March April May June July August September October November December")

// moment returns a text of a date, a time, a timestamp or an interval, in one of the many forms.
func (g argGen) moment(k types.Kind) string {
	switch k {
	case types.Interval:
		return g.interval()
	case types.Time:
		return g.clock()
	}
	if g.oneIn(14) {
		return g.pick("infinity", "-infinity", "epoch")
	}
	day := g.day(k == types.Date)
	era := ""
	if g.oneIn(12) {
		era = " BC"
	}
	if k == types.Date {
		return day + era
	}
	s := day + g.pick(" ", " ", "T") + g.clock()
	if k == types.TimestampTZ && g.IntN(3) > 0 {
		s += g.pick(g.offset(), g.offset(), " "+g.zone())
	}
	return s + era
}

func (g argGen) day(far bool) string {
	y, m, d := 1950+g.IntN(120), 1+g.IntN(12), 1+g.IntN(28)
	switch g.IntN(10) {
	case 0:
		y = 1 + g.IntN(9999)
	case 1:
		y = 10000 + g.IntN(200000)
		if far && g.oneIn(2) {
			y = 1000000 + g.IntN(4000000)
		}
		return fmt.Sprintf("%d-%02d-%02d", y, m, d)
	case 2:
		return g.pick("2024-02-29", "2000-02-29", "1900-02-28", "1999-12-31", "2000-01-01", "1970-01-01", "0001-01-01", "9999-12-31",
			"2021-03-14", "2021-11-07", "2021-03-28", "2021-10-31", "4713-01-01", "1883-11-18")
	case 3:
		return fmt.Sprintf("%s %d, %04d", g.month(m), d, y)
	case 4:
		return fmt.Sprintf("%02d/%02d/%04d", m, d, y)
	case 5:
		return g.pick(fmt.Sprintf("%04d%02d%02d", y, m, d), fmt.Sprintf("%d-%s-%04d", d, g.month(m), y), fmt.Sprintf("%04d.%03d", y, 1+g.IntN(365)))
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}

func (g argGen) month(m int) string {
	return g.pick(months[m-1], months[m-1][:3], strings.ToUpper(months[m-1][:3]))
}

func (g argGen) clock() string {
	h, m, s := g.IntN(24), g.IntN(60), g.IntN(60)
	switch g.IntN(9) {
	case 0:
		return g.pick("00:00:00", "24:00:00", "23:59:59.999999", "02:30:00", "01:30:00", "12:00:00", "allballs", "23:59:60")
	case 1:
		return fmt.Sprintf("%02d:%02d", h, m)
	case 2:
		return fmt.Sprintf("%d:%02d:%02d.%s %s", 1+h%12, m, s, g.digits(1+g.IntN(8)), g.pick("AM", "PM", "am", "pm"))
	case 3:
		return fmt.Sprintf("%02d%02d%02d", h, m, s)
	case 4:
		return fmt.Sprintf("%02d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%02d:%02d:%02d.%s", h, m, s, g.digits(1+g.IntN(6)))
}

func (g argGen) offset() string {
	switch g.IntN(6) {
	case 0:
		return g.pick("Z", "z", "+00", "-00", "+15:59:59", "-15:59:59", "+05:30", "-3:30", "+0545", "+16", " UTC")
	case 1:
		return ""
	}
	return fmt.Sprintf("%s%02d%s", g.pick("+", "-"), g.IntN(15), g.pick("", "", ":30", "15", ":30:15"))
}

func (g argGen) zone() string {
	return g.pick("UTC", "America/New_York", "europe/berlin", "Asia/Kolkata", "Australia/Lord_Howe", "EST", "PST", "PDT", "CET", "CEST",
		"GMT", "MSK", "JST", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu", "IST", "Zulu")
}

func (g argGen) interval() string {
	n := func(m int) int { return g.IntN(2*m) - m }
	switch g.IntN(14) {
	case 0:
		return g.pick("0", "infinity", "-infinity", "1 mon", "30 days", "24:00:00", "-1 mon +30 days", "178000000 years", "-178000000 years",
			"2147483647 days", "2562047788:00:54.775807", "-2562047788:00:54.775808", "1 day -24:00:00", "0.5 months")
	case 1:
		return fmt.Sprintf("P%dY%dM%dDT%dH%dM%d.%sS", n(20), n(20), n(50), n(50), n(90), n(90), g.digits(1+g.IntN(6)))
	case 2:
		return fmt.Sprintf("%d-%d", n(50), g.IntN(12))
	case 3:
		return fmt.Sprintf("%d %d:%02d:%02d", n(50), g.IntN(30), g.IntN(60), g.IntN(60))
	case 4:
		return fmt.Sprintf("%d.%s %s", n(20), g.digits(1+g.IntN(3)), g.unit())
	case 5:
		return fmt.Sprintf("@ %d %s %d %s%s", g.IntN(30), g.unit(), g.IntN(30), g.unit(), g.pick("", " ago"))
	case 6:
		return fmt.Sprintf("P%04d-%02d-%02dT%02d:%02d:%02d", g.IntN(20), g.IntN(12), g.IntN(30), g.IntN(24), g.IntN(60), g.IntN(60))
	case 7:
		return fmt.Sprintf("%d%s%d%s", n(30), g.pick("y", "mon", "d", "w", "c", "dec", "mil"), n(30), g.pick("h", "m", "s", "ms", "us"))
	}
	return fmt.Sprintf("%d years %d mons %d days %s%02d:%02d:%02d.%s", n(30), n(20), n(60), g.pick("", "-", "+"), g.IntN(40), g.IntN(60), g.IntN(60), g.digits(g.IntN(5)+1))
}

func (g argGen) unit() string {
	return g.pick("years", "year", "months", "mons", "days", "day", "weeks", "hours", "minutes", "mins", "seconds", "secs", "milliseconds",
		"microseconds", "decades", "centuries", "millennium", "qtr", "quarters", "fortnights")
}
