package peer

import (
	"os"

	"github.com/laminadb/lamina/internal/mem"
)

// PeakBytes returns the most memory that this process has had since the last call, 0 where the operating system does not tell.
func PeakBytes() int64 {
	peak := mem.PeakResident()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where it cannot be set back the peak is that of all times
	return peak
}
