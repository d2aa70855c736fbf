//go:build !unix

package machine

import "time"

// processorTime is not known on this operating system.
func processorTime() time.Duration { return 0 }
