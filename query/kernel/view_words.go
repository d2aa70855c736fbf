package kernel

import (
	"unsafe"

	"github.com/laminadb/lamina/vec"
)

// viewWords returns a string view as two words: length and prefix, and the rest, which of a short string
// are its other bytes.
func viewWords(v *vec.StrView) (lo, hi uint64) {
	w := (*[2]uint64)(unsafe.Pointer(v))
	return w[0], w[1]
}
