package exec

import (
	"testing"
	"time"
)

// At any moment one operator is charged, and what comes after an operator is not its own time.
func TestClockChargesOneOperator(t *testing.T) {
	outer, inner := &opStats{}, &opStats{}
	var c clock
	before := c.enter(outer)
	c.last = c.last.Add(-3 * time.Second) // in outer
	from := c.enter(inner)
	c.last = c.last.Add(-5 * time.Second) // in inner
	c.leave(from)
	c.last = c.last.Add(-2 * time.Second) // in outer again
	c.leave(before)
	c.last = c.last.Add(-7 * time.Second) // nobody's
	c.leave(c.enter(outer))
	seconds := func(s *opStats) int64 { return s.nanos.Load() / int64(time.Second) }
	if seconds(outer) != 5 || seconds(inner) != 5 {
		t.Errorf("outer is charged %d s, inner %d s, want 5 and 5", seconds(outer), seconds(inner))
	}
}
