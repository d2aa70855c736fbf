package oltp

import "sync/atomic"

// newKeys returns a function that gives new ascending keys to any goroutine.
func newKeys() func() int64 {
	var last atomic.Int64
	last.Store(insertBase)
	return func() int64 { return last.Add(1) }
}
