package htap

import (
	"context"
	"errors"
	"time"

	"github.com/laminadb/lamina"
)

// compactor compacts a table of its own again and again: the delta of the tables that are queried stays.
type compactor struct {
	cancel context.CancelFunc
	ended  chan struct{}
	runs   int
	busy   time.Duration
	began  time.Time
	err    error
}

// compactorRest is how many times as long as it was busy the compactor rests: it has a fifth of one core's time, which is that of
// about ten thousand rows a second.
const compactorRest = 4

func startCompactor(ctx context.Context, db *lamina.DB) (*compactor, error) {
	for _, text := range []string{
		"CREATE TABLE beside (id bigint PRIMARY KEY, n bigint, t text) USING columnar",
		"INSERT INTO beside SELECT i, i % 1000, 'text ' || i FROM generate_series(1, 20000) AS s (i)",
	} {
		if _, err := db.Exec(ctx, text); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &compactor{cancel: cancel, ended: make(chan struct{}), began: time.Now()}
	go func() {
		defer close(c.ended)
		for ctx.Err() == nil {
			start := time.Now()
			if c.err = c.once(context.WithoutCancel(ctx), db); c.err != nil {
				return
			}
			took := time.Since(start)
			c.runs, c.busy = c.runs+1, c.busy+took
			select {
			case <-time.After(compactorRest * took):
			case <-ctx.Done():
			}
		}
	}()
	return c, nil
}

func (c *compactor) once(ctx context.Context, db *lamina.DB) error {
	for _, text := range []string{"UPDATE beside SET n = n + 1 WHERE id % 2 = 0", "VACUUM FULL beside"} {
		if _, err := db.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// stop ends it, and returns how often it has compacted, and how much of the time it was busy.
func (c *compactor) stop(err error) (runs int, share float64, _ error) {
	c.cancel()
	<-c.ended
	return c.runs, c.busy.Seconds() / time.Since(c.began).Seconds(), errors.Join(err, c.err)
}
