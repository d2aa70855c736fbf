package peers

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

var (
	shifted    = regexp.MustCompile(`date '(\d{4}-\d\d-\d\d)' ([+-]) interval '(\d+) (day|month|year)s?'`)
	dates      = regexp.MustCompile(`date '(\d{4}-\d\d-\d\d)'`)
	years      = regexp.MustCompile(`extract\(year from (\w+)\)`)
	substrings = regexp.MustCompile(`substring\((\w+) from (\d+) for (\d+)\)`)
	sums       = regexp.MustCompile(`\b(\d+\.\d+) ([+-]) (\d+\.\d+)\b`)
	counted    = regexp.MustCompile(`count\((\w+)\)\n((?s:.*)) as (\w+) \(\w+, (\w+)\)`)
)

// sqliteText puts a query into the dialect of SQLite, which has neither dates nor exact fractions, nor names of the columns of
// subqueries.
func sqliteText(text string) string {
	text = shifted.ReplaceAllStringFunc(text, shift)
	text = dates.ReplaceAllString(text, "'$1'")
	text = years.ReplaceAllString(text, "cast(strftime('%Y', $1) as integer)")
	text = substrings.ReplaceAllString(text, "substr($1, $2, $3)")
	text = sums.ReplaceAllStringFunc(text, sum)
	return counted.ReplaceAllString(text, "count($1) as $4\n$2 as $3")
}

// shift adds an interval to a date.
func shift(text string) string {
	m := shifted.FindStringSubmatch(text)
	day, err := time.Parse(time.DateOnly, m[1])
	if err != nil {
		return text
	}
	var n int
	if _, err := fmt.Sscan(m[3], &n); err != nil {
		return text
	}
	if m[2] == "-" {
		n = -n
	}
	switch m[4] {
	case "day":
		day = day.AddDate(0, 0, n)
	case "month":
		day = day.AddDate(0, n, 0)
	case "year":
		day = day.AddDate(n, 0, 0)
	}
	return "'" + day.Format(time.DateOnly) + "'"
}

// sum adds constants exactly: in floating point 0.06 + 0.01 is less than 0.07.
func sum(text string) string {
	m := sums.FindStringSubmatch(text)
	a, aok := new(big.Rat).SetString(m[1])
	b, bok := new(big.Rat).SetString(m[3])
	if !aok || !bok {
		return text
	}
	if m[2] == "-" {
		b.Neg(b)
	}
	return strings.TrimRight(a.Add(a, b).FloatString(6), "0")
}
