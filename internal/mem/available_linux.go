package mem

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// availableBytes reads the limit of cgroup v2 or v1, and the machine's memory.
func availableBytes() int64 {
	var n int64
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		n = int64(uint64(info.Totalram) * uint64(info.Unit))
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && limit > 0 && (n == 0 || limit < n) {
			n = limit
		}
	}
	return n
}
