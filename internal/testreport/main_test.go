package main

import (
	"strings"
	"testing"
)

const events = `{"Action":"start","Package":"m/a"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":0.1}
{"Action":"output","Package":"m/a","Test":"TestLazy","Output":"=== RUN   TestLazy\n"}
{"Action":"output","Package":"m/a","Test":"TestLazy","Output":"    a_test.go:3: needs a disk\n"}
{"Action":"output","Package":"m/a","Test":"TestLazy","Output":"--- SKIP: TestLazy (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestLazy"}
{"Action":"pass","Package":"m/a","Elapsed":0.2}
`

const failure = `{"Action":"output","Package":"m/b","Test":"TestBad","Output":"    b_test.go:9: one is not two\n"}
{"Action":"fail","Package":"m/b","Test":"TestBad"}
{"Action":"fail","Package":"m/b"}
`

const death = `{"Action":"output","Package":"m/d","Test":"TestLast","Output":"unexpected fault address 0x1\n"}
{"Action":"output","Package":"m/d","Output":"FAIL\tm/d\n"}
{"Action":"fail","Package":"m/d"}
`

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name, in   string
		min, skips int
		ok         bool
		want       string
	}{
		{"good", events, 1, 1, true, "skipped m/a TestLazy: a_test.go:3: needs a disk\n1 passed, 0 failed, 1 skipped\n"},
		{"too many skips", events, 1, 0, false, "at most 0 tests may be skipped"},
		{"too few tests", events, 2, -1, false, "at least 2 tests are wanted"},
		{"nothing ran", "", 1, -1, false, "0 passed, 0 failed, 0 skipped"},
		{"failure", events + failure, 1, -1, false, "one is not two"},
		{"a process that died", events + death, 1, -1, false, "fault address 0x1\nFAIL\tm/d\n"},
		{"a package that does not build", `{"Action":"fail","Package":"m/c"}`, 0, -1, false, "FAILED m/c"},
	} {
		var out strings.Builder
		r := report{w: &out, output: map[string][]string{}, tests: map[string]int{}}
		if err := r.read(strings.NewReader(c.in)); err != nil {
			t.Fatal(err)
		}
		if ok := r.finish(c.min, c.skips); ok != c.ok || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %v\n%s", c.name, ok, out.String())
		}
	}
}
