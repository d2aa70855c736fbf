// Package interrupt lets long computations that make no system calls notice that nobody waits for them any more.
package interrupt

import (
	"context"
	"sync/atomic"
)

// Poller is asked in the loops of a computation whether its context has ended. A nil Poller never has. One goroutine
// uses it.
type Poller struct {
	ctx   context.Context //nolint:containedctx // a Poller lives as long as one call that has the context
	calls int
	err   error
}

// callsPerLook is how many calls share one look at the context.
const callsPerLook = 64

// looks counts the looks of all pollers at their contexts.
var looks atomic.Int64

// Looks returns how often pollers have looked at their contexts, for tests that want to know that somebody does.
func Looks() int64 { return looks.Load() }

// New returns a Poller for a context; nil if the context can never end.
func New(ctx context.Context) *Poller {
	if ctx == nil || ctx.Done() == nil {
		return nil
	}
	return &Poller{ctx: ctx}
}

// Err returns the context's error once it has ended, looking at it from time to time. It costs about as much as the
// call.
func (p *Poller) Err() error {
	if p == nil {
		return nil
	}
	if p.calls++; p.calls%callsPerLook != 0 {
		return p.err
	}
	return p.Now()
}

// Now is Err for callers that do much work between two calls: it always looks.
func (p *Poller) Now() error {
	if p == nil {
		return nil
	}
	if p.err == nil {
		looks.Add(1)
		p.err = p.ctx.Err()
	}
	return p.err
}

// Ended is Err as a condition.
func (p *Poller) Ended() bool { return p.Err() != nil }
