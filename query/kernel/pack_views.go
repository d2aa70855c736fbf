package kernel

import "github.com/laminadb/lamina/vec"

// PackViews sets words[i] to the code of ShortCodes of views[i], plus one, shifted; with more it is mixed in.
// It reports whether all strings have at most n <= 7 bytes.
func PackViews(words []uint64, views []vec.StrView, n uint, one uint64, shift uint, more bool) bool {
	words = words[:len(views)]
	move := 8 * n & 63
	low := uint64(1)<<move - 1
	shift &= 63
	long := 0
	if more {
		for i := range views {
			lo, hi := viewWords(&views[i])
			l := lo & 0xffffffff
			long |= oneIf(l > uint64(n))
			words[i] |= ((l<<move | (lo>>32|hi<<32)&low) + one) << shift
		}
		return long == 0
	}
	for i := range views {
		lo, hi := viewWords(&views[i])
		l := lo & 0xffffffff
		long |= oneIf(l > uint64(n))
		words[i] = ((l<<move | (lo>>32|hi<<32)&low) + one) << shift
	}
	return long == 0
}
