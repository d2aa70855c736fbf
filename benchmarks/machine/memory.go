package machine

import (
	"fmt"
	"os"
	"strings"
)

// processBytes is what a process with a database may have beyond a tenth more than MemoryBytes.
const processBytes = 64 << 20

// LimitBytes is what a process may have whose database has a limit of memory.
func LimitBytes(memoryBytes int64) int64 { return memoryBytes*11/10 + processBytes }

// PeakBytes returns the most memory that this process had, 0 if the system does not tell.
func PeakBytes() (n int64) {
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
