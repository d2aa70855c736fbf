package mem

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// What a program that is a database may have besides a tenth more than its memory, and the least and the most of that
// which its own pages are taken to need.
const (
	programBytes = 64 << 20
	pagesMin     = 32 << 20
	pagesMax     = 48 << 20
)

// LimitHeap has the Go heap collected before it takes more than it should beside a database of so many bytes, unless
// GOMEMLIMIT says something else. It is for programs that are nothing but a database. 0: no limit is known.
func LimitHeap(memoryBytes int64) {
	if memoryBytes > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBytes/10 + programBytes - max(pagesMin, min(pagesMax, PeakResident())))
	}
}

// PeakResident returns the most memory that this process had in pages of its own (VmHWM), 0 if the system does not tell.
func PeakResident() (n int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if _, err := fmt.Sscan(rest, &n); err != nil {
				return 0
			}
		}
	}
	return n << 10
}
