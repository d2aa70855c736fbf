package oltp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Case is one thing that is measured.
type Case struct {
	// Work is what is done, System who does it, Note how.
	Work, System, Note string
	// Rates are rows or gets a second, one for each round.
	Rates []float64
	// Beside is the number of operations that the writer beside the case did.
	Beside int64
	// Counts are what the system itself has counted in all rounds.
	Counts Counts

	clients int
	// perOp is the number of rows of one operation.
	perOp int
	// begin and end, if not nil, stand around each round and are not timed.
	begin func(ctx context.Context) error
	end   func() error
	// op does operation number i of the round as client c.
	op func(ctx context.Context, c int, i int64) error
	// beside, if not nil, is done over and over by one more goroutine during the round.
	beside func(ctx context.Context) error
	// counts, if not nil, reads the system's own counters.
	counts func() Counts
	ops    int64
}

// Counts are what a system has counted: durable commits, the groups in which they went to the log, and the syncs
// of the log.
type Counts struct{ Commits, Groups, Syncs int64 }

func (c Counts) minus(d Counts) Counts {
	return Counts{c.Commits - d.Commits, c.Groups - d.Groups, c.Syncs - d.Syncs}
}

func (c Counts) plus(d Counts) Counts {
	return Counts{c.Commits + d.Commits, c.Groups + d.Groups, c.Syncs + d.Syncs}
}

// check demands that as many commits were made as operations, and that somebody waited for the disk.
func (c *Case) check() error {
	n := c.Counts
	if c.counts != nil && (n.Commits != c.ops || n.Groups == 0 || n.Syncs == 0) {
		return fmt.Errorf("%s, %s: %d operations in %d commits, %d groups and %d syncs", c.Work, c.System, c.ops,
			n.Commits, n.Groups, n.Syncs)
	}
	if c.beside != nil && c.Beside == 0 {
		return fmt.Errorf("%s, %s: the writer beside it has written nothing", c.Work, c.System)
	}
	return nil
}

// round runs the case for about d.
func (c *Case) round(ctx context.Context, d time.Duration) (err error) {
	if c.begin != nil {
		if err := c.begin(ctx); err != nil {
			return err
		}
	}
	if c.end != nil {
		defer func() { err = errors.Join(err, c.end()) }()
	}
	if c.beside != nil {
		stop := c.writeBeside(ctx)
		defer func() { err = errors.Join(err, stop()) }()
	}
	if c.counts != nil {
		before := c.counts()
		defer func() { c.Counts = c.Counts.plus(c.counts().minus(before)) }()
	}
	return c.operate(ctx, d)
}

// writeBeside starts the writer; stop ends it.
func (c *Case) writeBeside(ctx context.Context) (stop func() error) {
	var done atomic.Bool
	ended := make(chan error, 1)
	go func() {
		for !done.Load() {
			if err := c.beside(ctx); err != nil {
				ended <- fmt.Errorf("the writer beside: %w", err)
				return
			}
			c.Beside++
		}
		ended <- nil
	}()
	return func() error {
		done.Store(true)
		return <-ended
	}
}

func (c *Case) operate(ctx context.Context, d time.Duration) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, c.clients)
	start := time.Now()
	for k := range c.clients {
		wg.Go(func() {
			for time.Since(start) < d {
				for range 8 { // reading the clock is not what is measured
					if errs[k] = c.op(ctx, k, next.Add(1)); errs[k] != nil {
						return
					}
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start).Seconds()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("%s, %s: %w", c.Work, c.System, err)
		}
	}
	c.ops += next.Load()
	c.Rates = append(c.Rates, float64(next.Load())*float64(c.perOp)/took)
	return nil
}
