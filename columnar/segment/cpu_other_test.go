//go:build !unix

package segment_test

func cpuSeconds() float64 { return 0 }
