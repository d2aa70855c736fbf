//go:build !unix

package mem

import "unsafe"

// mapBytes takes large pointer-free Go memory where there are no mappings to be had.
func mapBytes(n int) ([]byte, error) {
	b := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&b[0])), n), nil
}

func unmapBytes([]byte) {}
