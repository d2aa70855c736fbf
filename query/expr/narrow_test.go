package expr

import (
	"math"
	"testing"

	"github.com/laminadb/lamina/vec"
)

// TestNarrowBoundsDoNotWrap: the base of a narrow vector may be so large that its last codes stand for no value; a range that
// ends at the largest integer is still the codes of the values in it.
func TestNarrowBoundsDoNotWrap(t *testing.T) {
	tried := 0
	for _, width := range []uint8{1, 2, 4} {
		for below := int64(1); below < 60; below += 7 { // the base's distance from the largest integer
			v := vec.Vector{Width: width, Base: math.MaxInt64 - below}
			for lo := v.Base - 2; lo > 0; lo++ {
				from, span, some := insideRange(&v, lo, math.MaxInt64)
				first := max(lo, v.Base)
				if !some || from != uint64(first-v.Base) || span != uint64(math.MaxInt64-first) {
					t.Fatalf("width %d, base %d, from %d: code %d, span %d, %v", width, v.Base, lo, from, span, some)
				}
				if tried++; lo == math.MaxInt64 {
					break
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d ranges were tried", tried)
	}
}
