package target_test

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/laminadb/lamina/benchmarks/target"
)

func TestTable(t *testing.T) {
	var l target.List
	l.Add("get", 2e6, "")
	l.Add("get-bbolt", 1.5, "four rounds")
	l.Add("recovery", 9, "")
	l.Add("delta", math.NaN(), "")
	var b strings.Builder
	if err := l.Table().Write(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i, want := range []string{"| target", "|---", "held ≥ 1 M a second | 2 M a second | met", "1.5× (four rounds) | missed", "9 s/GiB | met",
		"NaN ms | missed"} {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.Contains(got, want) {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
}

// TestNames: every target has a name of its own, and no explanation is of none.
func TestNames(t *testing.T) {
	names := map[string]bool{}
	for _, x := range target.Targets {
		if names[x.Name] || x.Name == "" || x.Text == "" || x.Unit == "" {
			t.Errorf("target %+v", x)
		}
		names[x.Name] = true
	}
	for name := range target.Explanations {
		if !names[name] {
			t.Errorf("an explanation of %q", name)
		}
	}
}

// TestQueries: reasons are of queries that there are.
func TestQueries(t *testing.T) {
	name := regexp.MustCompile(`^(tpch Q\d+|disguised Q\d+|ssb Q\d\.\d|h2o-groupby G\d+|h2o-join J\d) *$`)
	for query, why := range target.Queries {
		if !name.MatchString(query) || len(why) < 20 {
			t.Errorf("%s: %s", query, why)
		}
	}
}
