package shape

import (
	"regexp"
	"strings"
	"testing"
)

var (
	anySkip  = regexp.MustCompile(`\b[tbf]b?\.Skip(Now|f)?\(.*`)
	goodSkip = regexp.MustCompile(`\.Skipf?\("needs [^:"]+: [^"]+"`)
)

// TestSkipsSayWhatTheyNeed holds the form of every skip, which the report of a run lists: "needs X: reason".
func TestSkipsSayWhatTheyNeed(t *testing.T) {
	found := 0
	for _, f := range goFiles(t) {
		if !strings.HasSuffix(f.path, "_test.go") || f.pkg == "internal/shape" {
			continue
		}
		for _, skip := range anySkip.FindAllString(string(f.src), -1) {
			if found++; !goodSkip.MatchString(skip) {
				t.Errorf("%s: %s: a skip has the form \"needs X: reason\"", f.path, skip)
			}
		}
	}
	if found < 5 {
		t.Errorf("found %d skips: the test looks for the wrong text", found)
	}
}
