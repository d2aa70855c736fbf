package tpch_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/laminadb/lamina/tpch"
)

// parameters are where the parameters of each query stand, and of which form they are.
var parameters = map[int]string{
	1:  `interval '(6\d|[789]\d|1[01]\d|120) days'`,
	2:  `p_size = ([1-9]|[1-4]\d|50)\n[^$]*'%(TIN|NICKEL|BRASS|STEEL|COPPER)'[^$]*r_name = '(AFRICA|AMERICA|ASIA|EUROPE|MIDDLE EAST)'`,
	3:  `c_mktsegment = '(AUTOMOBILE|BUILDING|FURNITURE|HOUSEHOLD|MACHINERY)'[^$]*date '1995-03-(0[1-9]|[12]\d|3[01])'`,
	4:  `date '199[3-7]-(0[1-9]|1[0-2])-01'`,
	5:  `r_name = '[A-Z ]+'\n[^$]*date '199[3-7]-01-01' \+ interval '1 year'`,
	6:  `between 0\.0[2-9] - 0\.01 and 0\.0[2-9] \+ 0\.01\n[^$]*l_quantity < 2[45]$`,
	7:  `n1\.n_name = '[A-Z ]+' and n2\.n_name = '[A-Z ]+'`,
	8:  `when nation = '[A-Z ]+'[^$]*r_name = '[A-Z ]+'[^$]*p_type = '[A-Z]+ [A-Z]+ [A-Z]+'`,
	9:  `p_name like '%[a-z]+%'`,
	10: `date '199[345]-(0[1-9]|1[0-2])-01' \+ interval '3 months'`,
	11: `\* 0\.0100000000\n[^$]*n_name = '[A-Z ]+'`,
	12: `l_shipmode in \('[A-Z ]+', '[A-Z ]+'\)[^$]*date '199[3-7]-01-01'`,
	13: `not like '%(special|pending|unusual|express)%(packages|requests|accounts|deposits)%'`,
	14: `date '199[3-7]-(0[1-9]|1[0-2])-01' \+ interval '1 month'`,
	15: `date '199[3-7]-(0[1-9]|1[0-2])-01' \+ interval '3 months'`,
	16: `'Brand#[1-5][1-5]'[^$]*not like '[A-Z]+ [A-Z]+%'[^$]*p_size in \((\d+, ){7}\d+\)`,
	17: `'Brand#[1-5][1-5]'[^$]*p_container = '[A-Z]+ [A-Z]+'`,
	18: `> 31[2-5]\)`,
	19: `'Brand#[1-5][1-5]'[^$]*>= ([1-9]|10) and[^$]*>= (1\d|20) and[^$]*>= (2\d|30) and`,
	20: `like '[a-z]+%'[^$]*date '199[3-7]-01-01'[^$]*n_name = '[A-Z ]+'`,
	21: `n_name = '[A-Z ]+'`,
	22: `in \(('[123]\d', ){6}'[123]\d'\)[^$]*in \(('[123]\d', ){6}'[123]\d'\)`,
}

// TestRandomQueries: parameters are of the forms of the specification, those that a query has twice are the same, and seeds differ.
func TestRandomQueries(t *testing.T) {
	for n := 1; n <= tpch.NumQueries; n++ {
		form := regexp.MustCompile(parameters[n])
		texts := map[string]bool{}
		for seed := range uint64(40) {
			text := tpch.RandomQuery(n, 0.01, seed)
			if text != tpch.RandomQuery(n, 0.01, seed) {
				t.Fatalf("query %d: %q", n, text)
			}
			if !form.MatchString(text) {
				t.Fatalf("query %d, seed %d: %s", n, seed, text)
			}
			texts[text] = true
		}
		if len(texts) < 4 {
			t.Errorf("query %d: only %d texts", n, len(texts))
		}
	}
	if tpch.RandomQuery(0, 1, 1) != "" || tpch.RandomQuery(23, 1, 1) != "" {
		t.Error("there are queries 0 and 23")
	}
	if !strings.Contains(tpch.RandomQuery(11, 1, 1), "0.0001000000") {
		t.Error(tpch.RandomQuery(11, 1, 1))
	}
}

// TestDistinctParameters: the two nations of query 7 differ and appear in both orders, so do the modes of query 12.
func TestDistinctParameters(t *testing.T) {
	pairs := regexp.MustCompile(`n1\.n_name = '([A-Z ]+)' and n2\.n_name = '([A-Z ]+)'`)
	modes := regexp.MustCompile(`in \('([A-Z ]+)', '([A-Z ]+)'\)`)
	for seed := range uint64(100) {
		p := pairs.FindAllStringSubmatch(tpch.RandomQuery(7, 1, seed), -1)
		if len(p) != 2 || p[0][1] == p[0][2] || p[0][1] != p[1][2] || p[0][2] != p[1][1] {
			t.Fatalf("seed %d: %q", seed, p)
		}
		m := modes.FindStringSubmatch(tpch.RandomQuery(12, 1, seed))
		if len(m) != 3 || m[1] == m[2] {
			t.Fatalf("seed %d: %q", seed, m)
		}
	}
}
