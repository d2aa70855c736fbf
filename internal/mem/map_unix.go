//go:build unix

package mem

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugeBytes is the size from which transparent huge pages are asked for: first touch of a large
// mapping costs about a quarter with them.
const hugeBytes = 2 << 20

func mapBytes(n int) ([]byte, error) {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	b := unsafe.Slice((*byte)(p), n)
	if n >= hugeBytes && runtime.GOOS == "linux" {
		adviseHuge(b)
	}
	return b, nil
}

// unmapBytes unmaps what was mapped, or a part of it.
func unmapBytes(b []byte) {
	// An error here means that b was never a mapping: a bug that the next access would show.
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}
