package ratchet

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/laminadb/lamina/internal/cli/report"
	"github.com/laminadb/lamina/tpch"
)

// What costs may be, beside the baseline: noise stays below, an algorithm that is lost does not.
const (
	meanMax    = 1.3  // geometric mean of the times
	queryMax   = 1.6  // the time of one query, and some more
	queryAdd   = 0.2  // units: what a query of a millisecond takes depends on what else the caches of the machine hold
	objectsMax = 1.15 // the objects of one query, and some more
	objectsAdd = 80
)

// Check returns what is worse than the baseline by more than noise.
func Check(got, baseline Costs) (problems []string) {
	var ratios []float64
	for n := 1; n <= tpch.NumQueries; n++ {
		ratio := got[n].Units / baseline[n].Units
		ratios = append(ratios, ratio)
		if !(got[n].Units <= queryMax*baseline[n].Units+queryAdd) {
			problems = append(problems, fmt.Sprintf("Q%d takes %s the time of the baseline (%.2f units, then %.2f)", n, report.Ratio(ratio), got[n].Units, baseline[n].Units))
		}
		if limit := objectsMax*float64(baseline[n].Objects) + objectsAdd; float64(got[n].Objects) > limit {
			problems = append(problems, fmt.Sprintf("Q%d allocates %d objects, then %d", n, got[n].Objects, baseline[n].Objects))
		}
	}
	if mean := report.Geomean(ratios); !(mean <= meanMax) {
		problems = append(problems, fmt.Sprintf("all queries take %s the time of the baseline (geometric mean)", report.Ratio(mean)))
	}
	return problems
}

// Mean returns the geometric mean of the times beside the baseline.
func Mean(got, baseline Costs) float64 {
	sum := 0.0
	for n := 1; n <= tpch.NumQueries; n++ {
		sum += math.Log(got[n].Units / baseline[n].Units)
	}
	return math.Exp(sum / tpch.NumQueries)
}

// Write prints costs, a line for each query.
func (c Costs) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "# query, processor time in units of the loop, objects allocated")
	for n := 1; n <= tpch.NumQueries; n++ {
		fmt.Fprintf(b, "%d %.3f %d\n", n, c[n].Units, c[n].Objects)
	}
	return b.Flush()
}

// Read reads what Write has printed.
func Read(r io.Reader) (c Costs, err error) {
	seen := 0
	for sc := bufio.NewScanner(r); sc.Scan(); {
		if strings.HasPrefix(sc.Text(), "#") {
			continue
		}
		var n int
		var cost Cost
		if _, err := fmt.Sscan(sc.Text(), &n, &cost.Units, &cost.Objects); err != nil || n < 1 || n > tpch.NumQueries || cost.Units <= 0 {
			return c, fmt.Errorf("baseline: %q: %v", sc.Text(), err)
		}
		c[n] = cost
		seen++
	}
	if seen != tpch.NumQueries {
		return c, fmt.Errorf("baseline: %d queries", seen)
	}
	return c, nil
}
