package exec

import (
	"context"
	"time"

	"github.com/laminadb/lamina/vec"
)

// clock charges the time of one worker to the operators that it is in, for EXPLAIN ANALYZE: at any moment
// to one of them.
type clock struct {
	cur  *opStats // nil: nobody's time
	last time.Time
}

// enter charges s from now on and returns who was charged before.
func (c *clock) enter(s *opStats) (before *opStats) {
	before = c.cur
	c.leave(s)
	return before
}

// leave charges s from now on.
func (c *clock) leave(s *opStats) {
	now := time.Now()
	if c.cur != nil {
		c.cur.nanos.Add(int64(now.Sub(c.last)))
	}
	c.cur, c.last = s, now
}

// timedOperator measures an operator.
type timedOperator struct {
	operator
	stats *opStats
	c     *clock
}

func (o *timedOperator) push(ctx context.Context, b *vec.Batch) (status, error) {
	before := o.c.enter(o.stats)
	st, err := o.operator.push(ctx, b)
	o.c.leave(before)
	return st, err
}

func (o *timedOperator) resume(ctx context.Context) (status, error) {
	before := o.c.enter(o.stats)
	st, err := o.operator.resume(ctx)
	o.c.leave(before)
	return st, err
}

// timedReader measures a source.
type timedReader struct {
	reader
	stats *opStats
	c     *clock
}

func (r *timedReader) claim(ctx context.Context) error {
	before := r.c.enter(r.stats)
	err := r.reader.claim(ctx)
	r.c.leave(before)
	return err
}

func (r *timedReader) read(ctx context.Context) (*vec.Batch, error) {
	before := r.c.enter(r.stats)
	b, err := r.reader.read(ctx)
	r.c.leave(before)
	return b, err
}

// timedEnder measures what a sink does at the end of a morsel.
type timedEnder struct {
	ender morselEnder
	stats *opStats
	c     *clock
}

func (e *timedEnder) endMorsel(ctx context.Context) error {
	before := e.c.enter(e.stats)
	err := e.ender.endMorsel(ctx)
	e.c.leave(before)
	return err
}

// counters returns the counters of an operator, source or sink; nil if it is none of the plan's.
func counters(x any) *opStats {
	switch x := x.(type) {
	case *stage:
		return x.stats
	case *limitRun:
		return x.s.stats
	case *aggLocal:
		return x.a.stats
	case *aggSink:
		return x.a.stats
	case *aggSource:
		return x.a.stats
	case *buildLocal:
		return x.b.j.stats
	case *buildSide:
		return x.j.stats
	case *restSource:
		return x.j.stats
	case *sortLocal:
		return x.sink.s.stats
	case *sortSink:
		return x.s.stats
	case *sortSource:
		return x.s.stats
	case *scanSource:
		return x.stats
	case *lookupSource:
		return x.stats
	case *seriesSource:
		return x.stats
	case *valuesSource:
		return x.stats
	case *setOperation:
		return x.stats
	}
	return nil
}

// charged returns the counters that the time in x goes to; nil if nothing is measured, or x is none of the plan's.
func (q *Query) charged(x any) *opStats {
	if !q.env.Analyze {
		return nil
	}
	return counters(x)
}

// timed runs f, whose time counts for x, on the goroutine that runs the query.
func (q *Query) timed(x any, f func() error) error {
	s := q.charged(x)
	if s == nil {
		return f()
	}
	began := time.Now()
	err := f()
	s.nanos.Add(int64(time.Since(began)))
	return err
}

// measure puts the clock around an operator.
func (t *task) measure(op operator) operator {
	s := t.p.q.charged(op)
	if s == nil {
		return op
	}
	return &timedOperator{op, s, &t.clock}
}

// measureReader puts the clock around a source's reader.
func (t *task) measureReader(src source, r reader) reader {
	s := t.p.q.charged(src)
	if s == nil {
		return r
	}
	return &timedReader{r, s, &t.clock}
}

// measureEnder puts the clock around the ends of morsels.
func (t *task) measureEnder(op operator) morselEnder {
	e, ok := op.(morselEnder)
	if s := t.p.q.charged(op); ok && s != nil {
		return &timedEnder{e, s, &t.clock}
	}
	return e
}
