package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/laminadb/lamina/internal/invariants"
)

// The assembly kernels need AVX2, which is looked for when the program starts. Each does the whole blocks at the
// beginning of its input; the loops in Go do the rest, and everything on other machines.
var simd = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

// bitPositions lists the numbers of the bits that are set in each byte, in order.
type bitPositions [256][8]uint16

var positionsOfBits = func() (t bitPositions) {
	for b := range t {
		k := 0
		for i := range 8 {
			if b>>i&1 != 0 {
				t[b][k] = uint16(i)
				k++
			}
		}
	}
	return t
}()

// Rows, or bytes, of one call: it cannot be preempted.
const simdMax = 1 << 14

//go:noescape
func selectRange8(v unsafe.Pointer, n int, lo, span uint64, out *uint16, bits *bitPositions) (k int)

//go:noescape
func selectRange16(v unsafe.Pointer, n int, lo, span uint64, out *uint16, bits *bitPositions) (k int)

//go:noescape
func selectRange32(v unsafe.Pointer, n int, lo, span uint64, out *uint16, bits *bitPositions) (k int)

//go:noescape
func widen8(dst *int64, v unsafe.Pointer, n int, base int64)

//go:noescape
func widen16(dst *int64, v unsafe.Pointer, n int, base int64)

//go:noescape
func widen32(dst *int64, v unsafe.Pointer, n int, base int64)

//go:noescape
func addConst64(dst, a *int64, n int, k int64)

//go:noescape
func constSub64(dst, a *int64, n int, k int64)

//go:noescape
func findPair(p *byte, n int, a, b uint64, off int) int

// selectBlocks is SelectRange over the first entries of v: done of them, of which it selects k. Every block of the
// selection writes 8 entries, which out has room for because no more are selected than were looked at.
func selectBlocks[T Width](v []T, lo, span T, out []uint16) (k, done int) {
	if done = min(len(v), simdMax) &^ 31; !simd || done == 0 || len(out) < done {
		return 0, 0
	}
	p, to := unsafe.Pointer(unsafe.SliceData(v)), unsafe.SliceData(out)
	switch unsafe.Sizeof(lo) {
	case 1:
		k = selectRange8(p, done, uint64(lo), uint64(span), to, &positionsOfBits)
	case 2:
		k = selectRange16(p, done, uint64(lo), uint64(span), to, &positionsOfBits)
	case 4:
		k = selectRange32(p, done, uint64(lo), uint64(span), to, &positionsOfBits)
	default:
		return 0, 0
	}
	return k, tail(done, len(v))
}

// tail returns how much was done, which a mutant makes all.
func tail(done, n int) int {
	if invariants.Mutant("simd-drops-the-tail") {
		return n
	}
	return done
}

// widenBlocks is Widen over the first entries of v, and returns their number.
func widenBlocks[T Width](dst []int64, v []T, base int64) int {
	done := min(len(v), len(dst), simdMax) &^ 15
	if !simd || done == 0 {
		return 0
	}
	p, to := unsafe.Pointer(unsafe.SliceData(v)), unsafe.SliceData(dst)
	var x T
	switch unsafe.Sizeof(x) {
	case 1:
		widen8(to, p, done, base)
	case 2:
		widen16(to, p, done, base)
	case 4:
		widen32(to, p, done, base)
	default:
		return 0
	}
	return done
}

// addBlocks sets the first entries of dst to those of a plus k, or with sub to k minus those of a, and returns their number.
func addBlocks(dst, a []int64, k int64, sub bool) int {
	done := min(len(dst), len(a), simdMax) &^ 7
	if !simd || done == 0 {
		return 0
	}
	if sub {
		constSub64(unsafe.SliceData(dst), unsafe.SliceData(a), done, k)
	} else {
		addConst64(unsafe.SliceData(dst), unsafe.SliceData(a), done, k)
	}
	return done
}

// pairBlocks looks for byte a in s with byte b off further. It returns the first place, or how many it has looked at.
func pairBlocks(s []byte, a, b byte, off int) (n int, hit bool) {
	looked := min(len(s)-off, simdMax) &^ 31
	if !simd || looked <= 0 {
		return 0, false
	}
	n = findPair(unsafe.SliceData(s), looked, uint64(a), uint64(b), off)
	return n, n < looked
}
