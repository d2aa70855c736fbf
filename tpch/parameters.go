package tpch

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// RandomQuery returns the text of a query with random parameters, drawn by the rules of the specification (clause 2.4, "substitution
// parameters"), or "" if n is not in [1, NumQueries]. The same seed gives the same text. The scale factor decides the fraction of
// query 11 only.
func RandomQuery(n int, scaleFactor float64, seed uint64) string {
	if n < 1 || n > NumQueries {
		return ""
	}
	d := draw{rand.New(rand.NewPCG(seed, uint64(n)))}
	var pairs []string
	for _, s := range substitutions[n](d, scaleFactor) {
		pairs = append(pairs, s.old, s.new)
	}
	return strings.NewReplacer(pairs...).Replace(queries[n]) // in one pass: what was put in is not replaced again
}

// substitution puts a parameter in place of that of the validation runs.
type substitution struct{ old, new string }

// draw draws parameters.
type draw struct{ *rand.Rand }

// between returns a number in [low, high].
func (d draw) between(low, high int) int { return low + d.IntN(high-low+1) }

func (d draw) of(list []string) string { return list[d.IntN(len(list))] }

// distinct returns n different strings of a list.
func (d draw) distinct(list []string, n int) []string {
	var out []string
	for _, i := range d.Perm(len(list))[:n] {
		out = append(out, list[i])
	}
	return out
}

// january returns the first day of a year in [1993, 1997].
func (d draw) january() string { return strconv.Itoa(d.between(1993, 1997)) + "-01-01" }

// month returns the first day of one of the months from the given one on.
func (d draw) month(year int, month time.Month, months int) string {
	return time.Date(year, month+time.Month(d.IntN(months)), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func (d draw) nation() (name, region string) {
	i := d.IntN(len(nationNames))
	return nationNames[i], regionNames[nationRegions[i]]
}

// quoted returns strings as a list of constants.
func quoted(list []string) string { return "'" + strings.Join(list, "', '") + "'" }

// lastWord is the third syllable of a type, firstWords are the first and the second.
func lastWord(s string) string   { return s[strings.LastIndexByte(s, ' ')+1:] }
func firstWords(s string) string { return s[:strings.LastIndexByte(s, ' ')] }

// countryCodes begin the phone numbers: ten more than the key of the nation.
var countryCodes = func() (codes []string) {
	for i := range nationNames {
		codes = append(codes, strconv.Itoa(i+10))
	}
	return codes
}()

// substitutions draw the parameters of each query, in the order of the specification.
var substitutions = [NumQueries + 1]func(d draw, sf float64) []substitution{
	1: func(d draw, _ float64) []substitution {
		return []substitution{{"'90 days'", fmt.Sprintf("'%d days'", d.between(60, 120))}}
	},
	2: func(d draw, _ float64) []substitution {
		return []substitution{
			{"p_size = 15", fmt.Sprintf("p_size = %d", d.between(1, 50))}, {"%BRASS", "%" + lastWord(d.of(partTypes))},
			{"'EUROPE'", "'" + d.of(regionNames) + "'"},
		}
	},
	3: func(d draw, _ float64) []substitution {
		return []substitution{{"BUILDING", d.of(segments)}, {"1995-03-15", fmt.Sprintf("1995-03-%02d", d.between(1, 31))}}
	},
	4: func(d draw, _ float64) []substitution { return []substitution{{"1993-07-01", d.month(1993, 1, 58)}} },
	5: func(d draw, _ float64) []substitution {
		return []substitution{{"'ASIA'", "'" + d.of(regionNames) + "'"}, {"1994-01-01", d.january()}}
	},
	6: func(d draw, _ float64) []substitution {
		return []substitution{
			{"1994-01-01", d.january()}, {"0.06", fmt.Sprintf("0.%02d", d.between(2, 9))},
			{"l_quantity < 24", fmt.Sprintf("l_quantity < %d", d.between(24, 25))},
		}
	},
	7: func(d draw, _ float64) []substitution {
		n := d.distinct(nationNames, 2)
		return []substitution{{"FRANCE", n[0]}, {"GERMANY", n[1]}}
	},
	8: func(d draw, _ float64) []substitution {
		name, region := d.nation()
		return []substitution{{"BRAZIL", name}, {"'AMERICA'", "'" + region + "'"}, {"ECONOMY ANODIZED STEEL", d.of(partTypes)}}
	},
	9:  func(d draw, _ float64) []substitution { return []substitution{{"green", d.of(colors)}} },
	10: func(d draw, _ float64) []substitution { return []substitution{{"1993-10-01", d.month(1993, 2, 24)}} },
	11: func(d draw, sf float64) []substitution {
		name, _ := d.nation()
		return []substitution{{"GERMANY", name}, {"0.0001", strconv.FormatFloat(0.0001/sf, 'f', 10, 64)}}
	},
	12: func(d draw, _ float64) []substitution {
		return []substitution{{"'MAIL', 'SHIP'", quoted(d.distinct(modes, 2))}, {"1994-01-01", d.january()}}
	},
	13: func(d draw, _ float64) []substitution {
		return []substitution{
			{"%special%requests%", "%" + d.of([]string{"special", "pending", "unusual", "express"}) + "%" +
				d.of([]string{"packages", "requests", "accounts", "deposits"}) + "%"},
		}
	},
	14: func(d draw, _ float64) []substitution { return []substitution{{"1995-09-01", d.month(1993, 1, 60)}} },
	15: func(d draw, _ float64) []substitution { return []substitution{{"1996-01-01", d.month(1993, 1, 58)}} },
	16: func(d draw, _ float64) []substitution {
		var sizes []string
		for _, i := range d.Perm(50)[:8] {
			sizes = append(sizes, strconv.Itoa(i+1))
		}
		return []substitution{
			{"Brand#45", d.of(brands)}, {"MEDIUM POLISHED", firstWords(d.of(partTypes))},
			{"49, 14, 23, 45, 19, 3, 36, 9", strings.Join(sizes, ", ")},
		}
	},
	17: func(d draw, _ float64) []substitution {
		return []substitution{{"Brand#23", d.of(brands)}, {"MED BOX", d.of(containers)}}
	},
	18: func(d draw, _ float64) []substitution {
		return []substitution{{"> 300", fmt.Sprintf("> %d", d.between(312, 315))}}
	},
	19: func(d draw, _ float64) []substitution {
		list := []substitution{{"Brand#12", d.of(brands)}, {"Brand#23", d.of(brands)}, {"Brand#34", d.of(brands)}}
		for _, low := range []int{1, 10, 20} {
			n := d.between(low, low+9)
			if low > 1 {
				n = d.between(low, low+10)
			}
			list = append(list, substitution{
				fmt.Sprintf("l_quantity >= %d and l_quantity <= %d + 10", low, low), fmt.Sprintf("l_quantity >= %d and l_quantity <= %d + 10", n, n),
			})
		}
		return list
	},
	20: func(d draw, _ float64) []substitution {
		name, _ := d.nation()
		return []substitution{{"forest", d.of(colors)}, {"1994-01-01", d.january()}, {"CANADA", name}}
	},
	21: func(d draw, _ float64) []substitution {
		name, _ := d.nation()
		return []substitution{{"SAUDI ARABIA", name}}
	},
	22: func(d draw, _ float64) []substitution {
		return []substitution{{"'13', '31', '23', '29', '30', '18', '17'", quoted(d.distinct(countryCodes, 7))}}
	},
}
