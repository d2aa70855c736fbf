//go:build unix

package segment_test

import "syscall"

// cpuSeconds returns the processor time that the process has used: on a busy machine it says more than the clock.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
