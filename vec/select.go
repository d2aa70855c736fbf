package vec

import (
	"math/bits"
	"slices"
	"unsafe"
)

// Four entries of a selection vector side by side: 0, 1, 2, 3, as they lie in memory, and one and four in each.
var fourRows = func() uint64 { four := [4]uint16{0, 1, 2, 3}; return *(*uint64)(unsafe.Pointer(&four)) }()

const (
	oneEach  = 0x0001_0001_0001_0001
	fourEach = 4 * oneEach
)

// selRowsMax bounds n of AppendSel: no entry may carry into the one beside it.
const selRowsMax = 1 << 15

// AppendSel appends the numbers of the bits that are set among the first n, ascending, to sel. n is at most 32,768. Runs
// of bits go four at a time, so that a mask with few holes costs little.
func AppendSel(sel []uint16, words []uint64, n int) []uint16 {
	if n > selRowsMax {
		panic("vec: a selection of too many rows")
	}
	at := len(sel)
	sel = slices.Grow(sel, n+4)[:at+n+4]
	for i := 0; i<<6 < n; i++ {
		w, base := words[i], i<<6
		if n-base < 64 {
			w &= 1<<(n-base) - 1
		}
		if bits.OnesCount64(w) >= 32 {
			at = appendRuns(sel, at, w, base)
			continue
		}
		for ; w != 0; w &= w - 1 {
			sel[at] = uint16(base + bits.TrailingZeros64(w))
			at++
		}
	}
	return sel[:at]
}

// appendRuns stores the numbers of the bits of w, counted from base, at sel[at:], which has room for four more.
func appendRuns(sel []uint16, at int, w uint64, base int) int {
	dst := unsafe.Pointer(&sel[at : at+bits.OnesCount64(w)+4][0])
	for shift := 0; w != 0; {
		first := bits.TrailingZeros64(w)
		run := bits.TrailingZeros64(^(w >> first))
		four := uint64(base+shift+first)*oneEach + fourRows
		p := dst
		for k := run; k > 0; k -= 8 {
			*(*uint64)(p) = four
			if k <= 4 {
				break
			}
			*(*uint64)(unsafe.Add(p, 8)) = four + fourEach
			p = unsafe.Add(p, 16)
			four += 2 * fourEach
		}
		dst = unsafe.Add(dst, 2*run)
		at += run
		shift += first + run
		w = w >> first >> run // run may be 64, which shifts all out
	}
	return at
}
