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

	clients int
	// perOp is the number of rows of one operation.
	perOp int
	// begin and end, if not nil, stand around each round and are not timed.
	begin func(ctx context.Context) error
	end   func() error
	// op does operation number i of the round as client c.
	op func(ctx context.Context, c int, i int64) error
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
	c.Rates = append(c.Rates, float64(next.Load())*float64(c.perOp)/took)
	return nil
}
