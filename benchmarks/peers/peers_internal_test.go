package peers

import (
	"math/big"
	"strings"
	"testing"

	"github.com/laminadb/lamina/tpch"
)

func TestDecimalText(t *testing.T) {
	for _, c := range []struct {
		n     int64
		scale int
		want  string
	}{{0, 0, "0"}, {0, 2, "0.00"}, {5, 2, "0.05"}, {-5, 2, "-0.05"}, {12345, 2, "123.45"}, {-12345, 0, "-12345"}} {
		if got := decimalText(big.NewInt(c.n), c.scale); got != c.want {
			t.Errorf("%d at scale %d: %q, want %q", c.n, c.scale, got, c.want)
		}
	}
}

func TestSQLiteText(t *testing.T) {
	for _, c := range [][2]string{
		{"d < date '1998-12-01' - interval '90 day'", "d < '1998-09-02'"},
		{"d < date '1994-01-01' + interval '1 year'", "d < '1995-01-01'"},
		{"d < date '1993-10-01' + interval '3 months'", "d < '1994-01-01'"},
		{"between 0.06 - 0.01 and 0.06 + 0.01", "between 0.05 and 0.07"},
		{"substring(p from 1 for 2)", "substr(p, 1, 2)"},
	} {
		if got := sqliteText(c[0]); got != c[1] {
			t.Errorf("%q became %q, want %q", c[0], got, c[1])
		}
	}
	for n := 1; n <= tpch.NumQueries; n++ {
		text := sqliteText(tpch.Query(n))
		for _, foreign := range []string{"interval", "extract", "substring", "date '", "c_orders ("} {
			if strings.Contains(text, foreign) {
				t.Errorf("query %d: %s is left in %s", n, foreign, text)
			}
		}
	}
}
