package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/vec"
)

func BenchmarkKernels(b *testing.B) {
	const n = 2048
	rng := rand.New(rand.NewPCG(1, 2))
	v8, v16, v32 := make([]uint8, n), make([]uint16, n), make([]uint32, n)
	a, c, dst := make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range a {
		v8[i], v16[i], v32[i] = uint8(rng.Uint32()), uint16(rng.Uint32()), rng.Uint32()
		a[i], c[i] = rng.Int64N(1e6), rng.Int64N(1e6)
	}
	out := make([]uint16, n+1)
	sel := make([]uint16, 0, n)
	for i := range n {
		if rng.IntN(2) == 0 {
			sel = append(sel, uint16(i))
		}
	}
	mask := make([]uint64, n/64)
	run := func(name string, rows int, f func()) {
		b.Run("kernel="+name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
		})
	}
	run("SelectRange/width=1", n, func() { SelectRange(v8, 30, 100, out) })
	run("SelectRange/width=2", n, func() { SelectRange(v16, 3000, 30000, out) })
	run("SelectRange/width=4", n, func() { SelectRange(v32, 3000, 1<<31, out) })
	run("SelectRangeSel/width=2", len(sel), func() { SelectRangeSel(v16, 3000, 30000, sel, out) })
	run("SelectLess/width=1", n, func() { SelectLess(v8, v8, 1, out) })
	run("MaskRange/width=4", n, func() { MaskRange(v32, 3000, 1<<31, mask) })
	run("MaskLess", n, func() { MaskLess(a, c, mask) })
	run("SelectMask", n, func() { SelectMask(mask, n, out) })
	run("Widen/width=1", n, func() { Widen(dst, v8, 5) })
	run("Widen/width=4", n, func() { Widen(dst, v32, 5) })
	run("PickWiden/width=4", len(sel), func() { PickWiden(dst[:len(sel)], v32, 5, sel) })
	run("AddConst", n, func() { AddConst(dst, a, 100) })
	codes, table := make([]uint32, n), make([]uint32, 1<<16)
	run("LookupCodes2", n, func() { LookupCodes2(codes, table, v8, v8, 256) })
	text := make([]byte, 40*n)
	for i := range text {
		text[i] = 'a' + byte(rng.IntN(26))
	}
	likes := LikeRows{Views: make([]vec.StrView, n), Blocks: [][]byte{text}, N: n}
	for i := range likes.Views {
		likes.Views[i] = vec.StrView{Len: 38, Off: uint32(40 * i)}
	}
	like := CompileLike("%special%requests%")
	run("LikeRows", n, func() { like.SelectRows(&likes, true, out) })
	run("Mul", n, func() { Mul(dst, a, c) })
	run("MulChecked", n, func() { MulChecked(dst, a, c) })
	run("Add", n, func() { Add(dst, a, c) })
	run("AddChecked", n, func() { AddChecked(dst, a, c) })
	run("ConstSub", n, func() { ConstSub(dst, a, 100) })
	run("Magnitude", n, func() { Magnitude(a) })
}
