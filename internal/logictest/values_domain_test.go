package logictest_test

import (
	"strconv"
	"strings"

	"github.com/laminadb/lamina/types"
)

// notCompared are functions that ask the session or the clock.
var notCompared = map[string]bool{
	"version": true, "current_database": true, "current_catalog": true, "current_schema": true, "current_user": true, "session_user": true, "user": true,
	"current_role": true, "pg_backend_pid": true, "txid_current": true, "pg_is_in_recovery": true, "current_setting": true, "set_config": true,
	"now": true, "transaction_timestamp": true, "current_timestamp": true, "statement_timestamp": true, "clock_timestamp": true,
	"current_date": true, "localtimestamp": true, "localtime": true, "pg_client_encoding": true, "pg_typeof": true,
}

var (
	fieldNames = []string{"year", "month", "day", "hour", "minute", "second", "milliseconds", "microseconds", "quarter", "week", "dow", "isodow", "doy",
		"isoyear", "decade", "century", "millennium", "epoch", "julian", "timezone", "timezone_hour", "timezone_minute", "YEAR", "years", "mons", "fortnight"}
	likePatterns  = []string{"%", "a%", "%a", "%b%", "_", "a_c", "A%", "%\\%%", "", "abc", "%ö%", "__", "x\\%y", "%\\"}
	regexPatterns = []string{"a", "^a", "b+", "[a-c]", ".", "^$", "(a)(b)", "o$", "\\d", "\\s", "[[:alpha:]]+", "a|b", "(?i)A", "x*", "[", "ö", "[^a-z]"}
	encodings     = []string{"hex", "base64", "escape", "HEX", "nope"}
)

// argOf returns a text of argument i of a function: of what makes sense there, mostly.
func (g argGen) argOf(name string, i int, k types.Kind) string {
	if (k == types.Text || k == types.Name) && !g.oneIn(15) {
		if s, ok := g.textArg(name, i); ok {
			return s
		}
	}
	if k == types.BpChar { // blanks at the end are lost without a length
		return strings.TrimRight(g.arg(k), " ")
	}
	if k == types.Int4 || k == types.Int8 {
		switch name {
		case "format":
			return strconv.Itoa(g.IntN(40) - 20)
		case "lpad", "rpad", "repeat", "left", "right", "substring", "substr", "split_part", "overlay", "get_byte", "set_byte", "get_bit", "set_bit",
			"regexp_count", "regexp_instr", "regexp_substr", "regexp_replace":
			return strconv.Itoa(g.IntN(24) - 6)
		case "<<", ">>":
			if i == 1 {
				return strconv.Itoa(g.IntN(70) - 3)
			}
		case "chr":
			return strconv.Itoa([]int{g.IntN(128), g.IntN(1 << 17), g.IntN(1 << 21), -1, 0, 0xd800}[g.IntN(6)])
		case "round", "trunc":
			if i == 1 {
				return strconv.Itoa(g.IntN(60) - 25)
			}
		case "make_date", "make_time", "make_timestamp", "make_timestamptz":
			return g.calendarArg(name, i)
		case "make_interval":
			return strconv.Itoa(g.IntN(200) - 100)
		case "factorial":
			return strconv.Itoa(g.IntN(60) - 2)
		case "width_bucket":
			return strconv.Itoa(g.IntN(12) - 1)
		}
	}
	if k == types.Numeric && (name == "^" || name == "power" || name == "pow" || name == "exp") && !g.oneIn(4) {
		return g.pick("", "-") + strconv.Itoa(g.IntN(40)) + g.pick("", ".5", "."+g.digits(3))
	}
	if k == types.Float8 && (name == "make_time" || name == "make_timestamp" || name == "make_timestamptz") {
		return strconv.Itoa(g.IntN(63)-1) + g.pick("", ".5", "."+g.digits(6))
	}
	return g.arg(k)
}

func (g argGen) calendarArg(name string, i int) string {
	if name == "make_time" {
		i += 3
	}
	switch i {
	case 0:
		return strconv.Itoa([]int{g.IntN(3000), -g.IntN(5000), g.IntN(300000), 0, 2024}[g.IntN(5)])
	case 1:
		return strconv.Itoa(g.IntN(14))
	case 2:
		return strconv.Itoa(g.IntN(33))
	case 3:
		return strconv.Itoa(g.IntN(26))
	}
	return strconv.Itoa(g.IntN(62))
}

func (g argGen) textArg(name string, i int) (string, bool) {
	switch name {
	case "extract", "date_part", "date_trunc":
		if i == 0 {
			return g.pick(fieldNames...), true
		}
		return g.zone(), true
	case "timezone", "make_timestamptz", "date_add", "date_subtract":
		return g.pick(g.zone(), g.zone(), g.pick("+05:30", "-3", "5", "nowhere", "<+05>-5")), true
	case "like", "notlike", "~~", "!~~", "~~*", "!~~*":
		if i == 1 {
			return g.pick(likePatterns...), true
		}
	case "~", "!~", "~*", "!~*", "regexp_like", "regexp_count", "regexp_instr", "regexp_substr", "regexp_replace", "regexp_match", "textregexreplace":
		return g.regexArg(name, i)
	case "encode", "decode":
		if i == 1 {
			return g.pick(encodings...), true
		}
		return g.pick("3132", "AQL/", "zz", "a\\000b", "31 32", "QUJD\nREVG", "abc", "4a4b4"), true
	case "to_char", "to_date", "to_timestamp", "to_number":
		return g.formatArg(name, i)
	case "convert_from", "convert_to":
		if i == 1 {
			return g.pick("UTF8", "utf-8", "Unicode", "nope", ""), true
		}
	case "format":
		return g.pick("%s", "Hello %s", "%I and %L", "%%", "%1$s %2$s %1$s", "%10s|", "%-10s|", "%*s", "%2$*1$s", "%s %s %s %s", "%x", "%", "100%% %s", "%3$s"), true
	}
	return "", false
}

func (g argGen) regexArg(name string, i int) (string, bool) {
	switch {
	case i == 1:
		return g.pick(regexPatterns...), true
	case i == 2 && name == "regexp_replace":
		return g.pick("X", "", "\\1", "<\\&>", "\\\\"), true
	case i > 1:
		return g.pick("", "i", "g", "c", "gi", "n", "q", "z"), true
	}
	return "", false
}

// numberTemplate is a template of to_char for numbers.
func (g argGen) numberTemplate() string {
	if g.oneIn(3) {
		s, _ := g.formatArg("to_char", 1)
		return s
	}
	s := g.pick("", "", "", "FM", "S", "MI", "L", "SG", "PL", "B")
	for range 1 + g.IntN(7) {
		s += g.pick("9", "9", "9", "0", "99", ",", "G")
	}
	if g.oneIn(2) {
		s += g.pick(".", "D", "V")
		for range g.IntN(5) {
			s += g.pick("9", "9", "0")
		}
	}
	return s + g.pick("", "", "", "", "S", "MI", "PR", "th", "TH", "PL", "SG", "EEEE", " x")
}

// dateTemplate is a template of to_char for dates.
func (g argGen) dateTemplate() string {
	if g.oneIn(3) {
		s, _ := g.formatArg("to_char", 1)
		return s
	}
	s := ""
	for range 1 + g.IntN(4) {
		s += g.pick("", "", "FM") + g.pick("A.D.", "AM", "bc", "CC", "DAY", "DDD", "DD", "dy", "Day", "D", "FF1", "FF4", "FX", "HH24", "HH12", "IDDD",
			"ID", "IW", "IYYY", "IYY", "I", "J", "MI", "MM", "MONTH", "Mon", "MS", "Month", "OF", "P.M.", "Q", "RM", "rm", "SSSSS", "SS", "TZH",
			"TZM", "TZ", "tz", "US", "WW", "W", "Y,YYY", "YYYY", "YYY", "yy", "Y") + g.pick("", "", "", "th", "TH", "SP") + g.pick(" ", "-", ":", "\"x\"", "", "/")
	}
	return s
}

// numberedText is a text and a template that reads it, often.
func (g argGen) numberedText() (text, template string) {
	if g.oneIn(4) {
		text, _ = g.formatArg("to_number", 0)
		template, _ = g.formatArg("to_number", 1)
		return text, template
	}
	text = g.pick("", "", "-", "+", "<", "$", " ", "$-") + strconv.Itoa(g.IntN(100000))
	if len(text) > 4 && g.oneIn(3) {
		text = text[:len(text)-3] + "," + text[len(text)-3:]
	}
	text += g.pick("", "", ".5", "."+g.digits(3), ",") + g.pick("", "", "", "-", "+", ">", "th", " -", "x")
	return text, g.numberTemplate()
}

// datedText is a text and a template that reads it, often.
func (g argGen) datedText() (text, template string) {
	if g.oneIn(4) {
		text, _ = g.formatArg("to_date", 0)
		template, _ = g.formatArg("to_date", 1)
		return text, template
	}
	n := func(m int) string { return strconv.Itoa(g.IntN(m)) }
	two := func(m int) string { return g.pick("", "0") + strconv.Itoa(g.IntN(m)) }
	if g.oneIn(8) {
		template = "FX"
	}
	for range 1 + g.IntN(5) {
		var t, p string
		switch g.IntN(24) {
		case 0, 1, 2:
			t, p = g.pick("2024", "1999", "-44", "12345", n(3000)), g.pick("YYYY", "YYYY", "IYYY", "YYY", "Y,YYY")
		case 3, 4:
			t, p = two(14), "MM"
		case 5, 6, 7:
			t, p = two(33), g.pick("DD", "DDth", "FMDD")
		case 8:
			t, p = g.pick("Jan", "feb", "MAR", "Sept"), g.pick("Mon", "MON", "mon")
		case 9:
			t, p = g.pick("January", "may", "DECEMBER", "Augst"), g.pick("Month", "MONTH")
		case 10:
			t, p = g.pick("Monday", "tuesday", "Sun", "fri"), g.pick("Day", "DAY", "Dy")
		case 11:
			t, p = two(14), g.pick("HH", "HH12", "HH24")
		case 12:
			t, p = two(26), "HH24"
		case 13, 14:
			t, p = two(62), g.pick("MI", "SS")
		case 15:
			t, p = g.digits(1+g.IntN(6)), g.pick("MS", "US", "FF3", "FF6", "FF1")
		case 16:
			t, p = g.pick("am", "PM", "A.M.", "p.m."), g.pick("AM", "PM", "a.m.", "P.M.")
		case 17:
			t, p = g.pick("BC", "ad", "B.C."), g.pick("BC", "AD", "B.C.")
		case 18:
			t, p = n(400), g.pick("DDD", "IDDD")
		case 19:
			t, p = n(55), g.pick("IW", "WW", "W", "ID", "D", "CC")
		case 20:
			t, p = g.pick("+05", "-8", "+05:30", "PST", "cet", "-03:30", "MSK"), g.pick("TZH", "OF", "TZ", "TZH:TZM")
		case 21:
			t, p = g.pick("24", "99", "5", "123"), g.pick("YY", "YY", "Y", "IY")
		case 22:
			t, p = n(90000), g.pick("SSSS", "SSSSS", "J", "Q")
		case 23:
			t, p = g.pick("IX", "v", "XII"), g.pick("RM", "rm")
		}
		sep := g.pick("-", " ", "/", ":", "", ",", "  ", "T", "x")
		text += t + sep
		template += p + g.pick(sep, sep, sep, "-", " ", "")
	}
	return text, template
}

// formatArg is a template of to_char and its inverses; those of dates and numbers differ.
func (g argGen) formatArg(name string, i int) (string, bool) {
	switch {
	case name == "to_number" && i == 0:
		return g.pick("12,454.8-", "-34,338,492", "$1,234.56", "  123", "0.5", "12345", "<56>", "1 234", "+7", "MCMXC"), true
	case name == "to_number":
		return g.pick("99G999D9S", "999,999,999", "L9,999.99", "99999", "9.9", "99999PR", "9 999", "S9", "RN", "99V9"), true
	case i == 0:
		return g.pick("2024-05-06", "05 Dec 2000", "20240506 123456", "2024-05-06 07:08:09.123", "1-2-3", "2024 127", "Monday", "12:30 PM"), true
	}
	return g.pick("YYYY-MM-DD", "DD Mon YYYY", "YYYYMMDD HH24MISS", "YYYY-MM-DD HH24:MI:SS.MS", "YYYY-MM-DD HH24:MI:SS.US", "Day, DD Month YYYY",
		"FMDay, FMDD FMMonth YYYY", "HH12:MI AM", "IYYY-IW-ID", "YYYY DDD", "Q", "J", "CC", "999", "9,999.99", "FM999990.00", "S999", "999PR", "MI9999",
		"0000.000", "RN", "9.99EEEE", "L999", "99th", "SSSS", "TZ", "TZH:TZM", "OF", "\"quoted\" YYYY", "Dy DDth Mon", "WW W D", "yyyy mon dd", "V99", "9V99"), true
}
