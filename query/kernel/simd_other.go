//go:build !amd64

package kernel

// There are no assembly kernels for this machine: the loops in Go do everything.

func selectBlocks[T Width](_ []T, _, _ T, _ []uint16) (k, done int) { return 0, 0 }

func widenBlocks[T Width](_ []int64, _ []T, _ int64) int { return 0 }

func addBlocks(_, _ []int64, _ int64, _ bool) int { return 0 }

func pairBlocks(_ []byte, _, _ byte, _ int) (n int, hit bool) { return 0, false }
