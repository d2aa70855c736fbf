package machine

import "time"

// Stopwatch adds up the time that passes, and the processor time of this process, while it runs: the latter says more
// on a machine that others use too.
type Stopwatch struct{ Wall, Processor time.Duration }

// Time runs f.
func (s *Stopwatch) Time(f func() error) error {
	start, used := time.Now(), processorTime()
	err := f()
	s.Wall += time.Since(start)
	s.Processor += processorTime() - used
	return err
}
