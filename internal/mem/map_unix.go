//go:build unix

package mem

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// hugeBytes is the size from which transparent huge pages are asked for: first touch of a large
// mapping costs about a quarter with them.
const hugeBytes = 2 << 20

func mapBytes(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	if n >= hugeBytes && runtime.GOOS == "linux" {
		adviseHuge(b)
	}
	return b, nil
}

func unmapBytes(b []byte) {
	// An error here means that b was never a mapping: a bug that the next access would show.
	_ = unix.Munmap(b)
}
