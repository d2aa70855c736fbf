// Command testreport reads what `go test -json` prints and reports it for people: a line for each package, the output of
// what failed, every skipped test with its reason, and the totals. It fails if a test or package failed, if
// fewer tests passed than were wanted, or if more were skipped than are known.
//
//	go test -json ./... | go run ./internal/testreport [-passed-min N] [-skipped-max N]
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// lineBytesMax bounds one line of input.
const lineBytesMax = 64 << 20

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64 // seconds
}

// report is what was read so far.
type report struct {
	w      io.Writer
	output map[string][]string // of tests and packages that are not done, by name
	skips  []string
	failed []string
	passed int
	tests  map[string]int // by package
}

func main() {
	passedMin := flag.Int("passed-min", 1, "fail if fewer tests pass")
	skippedMax := flag.Int("skipped-max", -1, "fail if more tests are skipped; negative: any number may be")
	flag.Parse()
	r := report{w: os.Stdout, output: map[string][]string{}, tests: map[string]int{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(2)
	}
	if !r.finish(*passedMin, *skippedMax) {
		os.Exit(1)
	}
}

func (r *report) read(in io.Reader) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, lineBytesMax)
	for s.Scan() {
		var e event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			fmt.Fprintln(r.w, s.Text()) // what the go command says outside of events
			continue
		}
		r.add(&e)
	}
	return s.Err()
}

func (r *report) add(e *event) {
	name := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		r.output[name] = append(r.output[name], e.Output)
	case "build-output":
		fmt.Fprint(r.w, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageDone(e)
		} else {
			r.testDone(e, name)
		}
		delete(r.output, name)
	}
}

func (r *report) testDone(e *event, name string) {
	r.tests[e.Package]++
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skips = append(r.skips, fmt.Sprintf("%s: %s", name, reason(r.output[name])))
	case "fail":
		r.failed = append(r.failed, name)
		fmt.Fprint(r.w, strings.Join(r.output[name], ""))
	}
}

func (r *report) packageDone(e *event) {
	n := r.tests[e.Package]
	switch {
	case e.Action == "fail":
		if n == 0 || len(r.failed) == 0 || !strings.HasPrefix(r.failed[len(r.failed)-1], e.Package+" ") {
			r.failed = append(r.failed, e.Package)
			r.unfinished(e.Package)
		}
		fmt.Fprint(r.w, strings.Join(r.output[e.Package+" "], ""))
	case n > 0:
		fmt.Fprintf(r.w, "ok   %-50s %5d tests %7.1f s\n", e.Package, n, e.Elapsed)
	}
}

// unfinished prints what the tests had said that ran when the process of their package died.
func (r *report) unfinished(pkg string) {
	for _, name := range slices.Sorted(maps.Keys(r.output)) {
		if strings.HasPrefix(name, pkg+" ") && name != pkg+" " {
			fmt.Fprint(r.w, strings.Join(r.output[name], ""))
			delete(r.output, name)
		}
	}
}

// reason is the message of a skipped test: its output without the lines of the test runner.
func reason(output []string) string {
	var b strings.Builder
	for _, line := range output {
		if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "=== ") && !strings.HasPrefix(t, "--- ") {
			b.WriteString(t)
		}
	}
	return b.String()
}

// finish prints the totals and reports whether all is well.
func (r *report) finish(passedMin, skippedMax int) bool {
	for _, s := range r.skips {
		fmt.Fprintln(r.w, "skipped", s)
	}
	for _, f := range r.failed {
		fmt.Fprintln(r.w, "FAILED", f)
	}
	ok := len(r.failed) == 0
	if r.passed < passedMin {
		fmt.Fprintf(r.w, "FAILED: at least %d tests are wanted\n", passedMin)
		ok = false
	}
	if skippedMax >= 0 && len(r.skips) > skippedMax {
		fmt.Fprintf(r.w, "FAILED: at most %d tests may be skipped\n", skippedMax)
		ok = false
	}
	fmt.Fprintf(r.w, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skips))
	return ok
}
