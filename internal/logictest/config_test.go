package logictest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/logictest"
)

// TestPairwiseCoversPairs demands some pairs of the array, and that no two configurations are the same.
func TestPairwiseCoversPairs(t *testing.T) {
	configs := logictest.Pairwise()
	seen, pairs := map[string]bool{}, map[string]bool{}
	for _, c := range configs {
		if seen[c.String()] {
			t.Errorf("%s occurs twice", c)
		}
		seen[c.String()] = true
		pairs[fmt.Sprint(c.Tier, c.VectorRows)] = true
		pairs[fmt.Sprint(c.VectorRows, c.Workers)] = true
		pairs[fmt.Sprint(c.Forms, c.RowByRow)] = true
		pairs[fmt.Sprint(c.Join, c.Aggregate)] = true
		pairs[fmt.Sprint(c.Rules, c.Protocol)] = true
		pairs[fmt.Sprint(c.Tier, "bounds", c.Bounds)] = true
		pairs[fmt.Sprint(c.Tier, "bitmaps", c.Bitmaps)] = true
		pairs[fmt.Sprint(c.Protocol, "short", c.Short)] = true
		pairs[fmt.Sprint(c.Protocol, "plans", c.Plans)] = true
	}
	if want := 4*4 + 4*2 + 2*2 + 4*3 + 2*3 + 2*(4*2) + 2*(3*2); len(pairs) != want {
		t.Errorf("%d pairs, want %d", len(pairs), want)
	}
	if len(configs) < 12 || len(configs) > 24 {
		t.Errorf("%d configurations", len(configs))
	}
}

// TestFormat reads a file with every directive and prints it again.
func TestFormat(t *testing.T) {
	const text = `# A comment.

statement ok
CREATE TABLE t (a int)

# Another one.
conn b
onlyif memory
statement multi ok 3
INSERT INTO t VALUES (1);
INSERT INTO t VALUES (2)

skipif json
query int4,text rowsort colnames
SELECT 1 AS a, 'x' AS b
----
a|b
1|x

statement error 22012@10 division by zero
SELECT 1 / 0

statement may-succeed error 22012 division by zero
SELECT 1 IN (1, 1 / 0)

copy ok 1
COPY t FROM STDIN
----
7

conn b
statement blocks
UPDATE t SET a = 1

conn b
finish query int4
----
7

file x.csv
----
1,2
`
	f, err := logictest.Parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.String(); got != text {
		t.Errorf("printed as\n%s", got)
	}
	for _, bad := range []string{"nonsense\nSELECT 1", "statement ok", "statement error\nSELECT 1", "skipif nosuch\nstatement ok\nSELECT 1",
		"statement what\nSELECT 1", "finish ok\nSELECT 1"} {
		if _, err := logictest.Parse("x", bad); err == nil {
			t.Errorf("%s is accepted", strings.ReplaceAll(bad, "\n", "; "))
		}
	}
}

// TestEach: the strategies that no factor chooses are among the choices made alone.
func TestEach(t *testing.T) {
	share, spill, both := false, false, false
	for _, c := range logictest.Each() {
		share, spill, both = share || c.Share && !c.Spill, spill || c.Spill && !c.Share, both || c.Share && c.Spill && c.Workers > 1
	}
	if !share || !spill || !both {
		t.Errorf("shared parts %t, spilling %t, both %t", share, spill, both)
	}
}
