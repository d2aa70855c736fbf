package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// fromChar reads the text of a date by a template: to_date and to_timestamp.
type fromChar struct {
	text  string
	s     string // the rest of it
	nodes []templateNode
	at    int // in nodes
	fixed bool
	// skipped counts blanks that the template does not have.
	skipped int

	iso, gregorian              bool
	pm, bc                      int
	hour, minute, second, ssss  int
	weekday, day, yearDay       int
	month, year, yearDigits     int
	week, weekOfMonth, century  int
	julian, millis, micros      int
	clock12                     bool
	fraction                    int // digits of FF, 0: full
	zoneSign, zoneHour, zoneMin int
	zone                        *types.Zone
}

func badFormat(format string, args ...any) *sqlerr.Error {
	return sqlerr.Newf(sqlerr.InvalidDatetimeFormat, format, args...)
}

// digitPatterns are the patterns that read digits: a number before one has a fixed width.
var digitPatterns = func() map[string]bool {
	m := map[string]bool{}
	for _, p := range strings.Fields("CC DDD DD D FF1 FF2 FF3 FF4 FF5 FF6 HH24 HH12 HH IDDD ID IW IYYY IYY IY I J MI MM MS Q SSSSS SSSS SS TZM US WW W " +
		"Y,YYY YYYY YYY YY Y") {
		m[p] = true
	}
	return m
}()

const (
	isoPatterns       = " IDDD ID IW IYYY IYY IY I "
	gregorianPatterns = " DDD DD D MM MONTH MON RM W WW Y,YYY YYYY YYY YY Y "
)

// read goes through the template.
func (r *fromChar) read(ctx *Context) error {
	for r.at = 0; r.at < len(r.nodes) && r.s != ""; r.at++ {
		n := &r.nodes[r.at]
		if !r.fixed && (n.key != "" || r.at == 0) {
			r.skipBlanks()
		}
		if r.s == "" && n.key == "" {
			break
		}
		if n.key == "" {
			r.character(n)
			continue
		}
		key := strings.ToUpper(n.key)
		if err := r.setConvention(key); err != nil {
			return err
		}
		if err := r.pattern(ctx, n, key); err != nil {
			return err
		}
		if !r.fixed {
			r.skipped = 0
			r.skipBlanks()
		}
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (r *fromChar) skipBlanks() {
	for r.s != "" && isBlank(r.s[0]) {
		r.s = r.s[1:]
		r.skipped++
	}
}

// character lets a character of the template consume one of the text, which need not be the same.
func (r *fromChar) character(n *templateNode) {
	_, size := utf8.DecodeRuneInString(r.s)
	switch {
	case r.fixed:
		r.s = r.s[size:]
	case n.whitespace || n.separator:
		r.skipped--
		if c := r.s[0]; isBlank(c) || isSeparator(c) {
			r.s = r.s[1:]
			r.skipped++
		}
	case r.skipped > 0:
		r.skipped--
	default:
		r.s = r.s[size:]
	}
}

// isSeparator reports whether c is punctuation.
func isSeparator(c byte) bool {
	return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
}

func (r *fromChar) setConvention(key string) error {
	word := " " + key + " "
	r.iso = r.iso || strings.Contains(isoPatterns, word)
	r.gregorian = r.gregorian || strings.Contains(gregorianPatterns, word)
	if r.iso && r.gregorian {
		return badFormat("invalid combination of date conventions").
			WithHint("Do not mix Gregorian and ISO week date conventions in a formatting template.")
	}
	return nil
}

// set stores a value once.
func (r *fromChar) set(field *int, v int, n *templateNode) error {
	if *field != 0 && *field != v {
		return badFormat("conflicting values for \"%s\" field in formatting string", n.key).
			WithDetail("This value contradicts a previous setting for the same field type.")
	}
	*field = v
	return nil
}

// number reads an integer: of so many characters if another number follows, else as long as it is.
func (r *fromChar) number(field *int, width int, n *templateNode) (used int, err error) {
	before := len(r.s)
	for r.s != "" && isBlank(r.s[0]) {
		r.s = r.s[1:]
	}
	clip := r.s[:min(width, len(r.s))]
	source := r.s
	if !n.fill && !r.separatorFollows() {
		if len(r.s) < width {
			return 0, badFormat("source string too short for \"%s\" formatting field", n.key).
				WithDetail("Field requires %d characters, but only %d remain.", width, len(r.s)).
				WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
		}
		source = clip
	}
	size := integerPrefix(source)
	if len(source) == width && size > 0 && size < width && !n.fill && !r.separatorFollows() {
		return 0, badFormat("invalid value \"%s\" for \"%s\"", clip, n.key).
			WithDetail("Field requires %d characters, but only %d could be parsed.", width, size).
			WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
	}
	r.s = r.s[size:]
	if size == 0 {
		return 0, badFormat("invalid value \"%s\" for \"%s\"", clip, n.key).WithDetail("Value must be an integer.")
	}
	v, err := strconv.ParseInt(strings.TrimLeft(source[:size], " \t\n\v\f\r"), 10, 32)
	if err != nil {
		return 0, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "value for \"%s\" in source string is out of range", n.key).
			WithDetail("Value must be in the range -2147483648 to 2147483647.")
	}
	if field != nil {
		err = r.set(field, int(v), n)
	}
	return before - len(r.s), err
}

// integerPrefix measures blanks, a sign and digits; 0 without a digit.
func integerPrefix(s string) int {
	i := 0
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	digits := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == digits {
		return 0
	}
	return i
}

// separatorFollows reports whether what comes after the pattern is no number.
func (r *fromChar) separatorFollows() bool {
	if r.nodes[r.at].ordinal != "" || r.at+1 == len(r.nodes) {
		return true
	}
	next := &r.nodes[r.at+1]
	if next.key != "" {
		return !digitPatterns[strings.ToUpper(next.key)]
	}
	return !(len(next.text) == 1 && next.text[0] >= '0' && next.text[0] <= '9')
}

// word reads one of some words, in any case, and returns its number.
func (r *fromChar) word(n *templateNode, words []string) (int, error) {
	for i, w := range words {
		if len(r.s) >= len(w) && strings.EqualFold(r.s[:len(w)], w) {
			r.s = r.s[len(w):]
			return i, nil
		}
	}
	given := r.s
	for i := range len(given) {
		if isBlank(given[i]) {
			given = given[:i]
			break
		}
	}
	return 0, badFormat("invalid value \"%s\" for \"%s\"", given, n.key).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

// skipOrdinal skips the st, nd, rd or th of a number.
func (r *fromChar) skipOrdinal(n *templateNode) {
	for i := 0; n.ordinal != "" && i < 2 && r.s != ""; i++ {
		_, size := utf8.DecodeRuneInString(r.s)
		r.s = r.s[size:]
	}
}

var (
	monthWords  = strings.Fields("January February March April May June July August September October November December")
	monthShorts = strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
	dayWords    = strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday")
	dayShorts   = strings.Fields("Sun Mon Tue Wed Thu Fri Sat")
	// romanWords has the longer numerals before those that begin them.
	romanWords = strings.Fields("XII XI X IX VIII VII VI V IV III II I")
)

// pattern reads what a pattern stands for.
func (r *fromChar) pattern(ctx *Context, n *templateNode, key string) error {
	switch key {
	case "FX":
		r.fixed = true
		return nil
	case "A.M.", "P.M.", "AM", "PM":
		words := []string{"am", "pm"}
		if key[1] == '.' {
			words = []string{"a.m.", "p.m."}
		}
		r.clock12 = true
		return r.setWord(&r.pm, n, words, 0)
	case "A.D.", "B.C.", "AD", "BC":
		words := []string{"ad", "bc"}
		if key[1] == '.' {
			words = []string{"a.d.", "b.c."}
		}
		return r.setWord(&r.bc, n, words, 0)
	case "MONTH":
		return r.setWord(&r.month, n, monthWords, 1)
	case "MON":
		return r.setWord(&r.month, n, monthShorts, 1)
	case "DAY", "DY":
		words := dayWords
		if key == "DY" {
			words = dayShorts
		}
		if err := r.setWord(&r.weekday, n, words, 0); err != nil {
			return err
		}
		r.weekday++ // after the comparison with what was set, as in PostgreSQL
		return nil
	case "RM":
		v, err := r.word(n, romanWords)
		if err != nil {
			return err
		}
		return r.set(&r.month, 12-v, n)
	case "TZ", "OF", "TZH", "TZM":
		return r.offset(ctx, n, key)
	case "Y,YYY":
		return r.commaYear(n)
	case "YYYY", "IYYY", "YYY", "IYY", "YY", "IY", "Y", "I":
		return r.yearOf(n, len(key))
	case "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		return r.fractionOf(n, key)
	}
	field, width := r.field(key)
	if _, err := r.number(field, width, n); err != nil {
		return err
	}
	if key == "HH" || key == "HH12" {
		r.clock12 = true
	}
	if key == "ID" { // the week begins on Monday
		if r.weekday++; r.weekday > 7 {
			r.weekday = 1
		}
	}
	r.skipOrdinal(n)
	return nil
}

func (r *fromChar) setWord(field *int, n *templateNode, words []string, first int) error {
	v, err := r.word(n, words)
	if err != nil {
		return err
	}
	return r.set(field, v+first, n)
}

// field returns where a pattern that is a number stores it, and its width.
func (r *fromChar) field(key string) (field *int, width int) {
	switch key {
	case "HH", "HH12", "HH24":
		return &r.hour, 2
	case "MI":
		return &r.minute, 2
	case "SS":
		return &r.second, 2
	case "SSSS", "SSSSS":
		return &r.ssss, len(key)
	case "MM":
		return &r.month, 2
	case "DD":
		return &r.day, 2
	case "DDD", "IDDD":
		return &r.yearDay, 3
	case "D", "ID":
		return &r.weekday, 1
	case "WW", "IW":
		return &r.week, 2
	case "W":
		return &r.weekOfMonth, 1
	case "CC":
		return &r.century, 2
	case "J":
		return &r.julian, 1
	}
	return nil, 1 // Q: the date does not say which day of the quarter
}

// commaYear reads a year with a comma before its last three digits.
func (r *fromChar) commaYear(n *templateNode) error {
	size := integerPrefix(r.s)
	rest := r.s[size:]
	if size == 0 || rest == "" || rest[0] != ',' {
		return badFormat("invalid value \"%s\" for \"%s\"", r.s, "Y,YYY")
	}
	rest = rest[1:]
	years := integerPrefix(rest[:min(3, len(rest))])
	if years == 0 {
		return badFormat("invalid value \"%s\" for \"%s\"", r.s, "Y,YYY")
	}
	thousands, err := strconv.ParseInt(strings.TrimSpace(r.s[:size]), 10, 32)
	y, err2 := strconv.Atoi(strings.TrimSpace(rest[:years]))
	if err != nil || err2 != nil || thousands > 1<<31/1000-1 || thousands < -1<<31/1000+1 {
		return sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "value for \"%s\" in source string is out of range", "Y,YYY")
	}
	r.yearDigits, r.s = 4, rest[years:]
	if err := r.set(&r.year, int(thousands)*1000+y, n); err != nil {
		return err
	}
	r.skipOrdinal(n)
	return nil
}

// yearOf reads a year; one of less than four digits is near 2020.
func (r *fromChar) yearOf(n *templateNode, digits int) error {
	used, err := r.number(&r.year, digits, n)
	if err != nil {
		return err
	}
	if digits < 4 && used < 4 {
		switch y := r.year; {
		case y < 70:
			r.year += 2000
		case y < 100:
			r.year += 1900
		case y < 520:
			r.year += 2000
		case y < 1000:
			r.year += 1000
		}
	}
	r.yearDigits = digits
	r.skipOrdinal(n)
	return nil
}

// fractionOf reads digits after the point of the second.
func (r *fromChar) fractionOf(n *templateNode, key string) error {
	field, digits := &r.micros, 6
	switch {
	case key == "MS":
		field, digits = &r.millis, 3
	case key != "US":
		digits = int(key[2] - '0')
		r.fraction = digits
	}
	used, err := r.number(field, digits, n)
	if err != nil {
		return err
	}
	whole := 6
	if key == "MS" {
		whole = 3
	}
	for ; used < whole; used++ {
		*field *= 10
	}
	r.skipOrdinal(n)
	return nil
}

// offset reads a zone: an abbreviation, or hours and minutes. A minus sign that was taken for a separator counts.
func (r *fromChar) offset(ctx *Context, n *templateNode, key string) error {
	if key == "TZ" {
		done, err := r.abbreviation(ctx, n)
		if done || err != nil {
			return err
		}
	}
	if key == "TZM" {
		if r.zoneSign == 0 {
			r.zoneSign = 1
		}
		_, err := r.number(&r.zoneMin, 2, n)
		return err
	}
	r.zoneSign = 1
	switch consumed := len(r.text) - len(r.s); {
	case r.s != "" && (r.s[0] == '+' || r.s[0] == '-' || r.s[0] == ' '):
		if r.s[0] == '-' {
			r.zoneSign = -1
		}
		r.s = r.s[1:]
	case r.skipped > 0 && consumed > 0 && r.text[consumed-1] == '-':
		r.zoneSign = -1
	}
	if _, err := r.number(&r.zoneHour, 2, n); err != nil || key == "TZH" {
		return err
	}
	if strings.HasPrefix(r.s, ":") {
		r.s = r.s[1:]
		_, err := r.number(&r.zoneMin, 2, n)
		return err
	}
	return nil
}

// abbreviation reads the longest abbreviation of a zone that the text begins with.
func (r *fromChar) abbreviation(ctx *Context, n *templateNode) (done bool, err error) {
	letters := 0
	for letters < len(r.s) && r.s[letters]|0x20 >= 'a' && r.s[letters]|0x20 <= 'z' {
		letters++
	}
	for size := letters; size > 0; size-- {
		if zone, ok := types.ZoneOfAbbreviation(r.s[:size], ctx.location()); ok {
			r.zone, r.zoneSign = &zone, 0
			r.s = r.s[size:]
			return true, nil
		}
	}
	if letters > 0 {
		return false, badFormat("invalid value \"%s\" for \"%s\"", r.s, n.key).WithDetail("Time zone abbreviation is not recognized.")
	}
	return false, nil
}
