package exec

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
)

// Pool runs the pipelines of all queries of a database on a fixed number of goroutines, besides those
// that call Query.Next. A pipeline that waits for its client holds none of them.
//
// Workers keep all processors busy, and the runtime takes one from a goroutine after 10 ms only: a commit, which comes
// back from the disk several times, would wait so long each time. Therefore workers give their processor up between
// batches while somebody commits, at most once in turnTime: whoever is ready to run comes before them.
type Pool struct {
	workers int
	jobs    chan *job
	wg      sync.WaitGroup
	once    sync.Once
	// closed ends the goroutines. Jobs may still come: their callers run them alone.
	closed chan struct{}
	born   time.Time
	_      [64]byte
	// hurried counts those who are in a hurry, on a cache line that queries alone would not touch.
	hurried atomic.Int64
	_       [56]byte
	// turns counts how often a worker gave its processor up.
	turns atomic.Int64
}

// turnTime is how long a worker keeps its processor while others are in a hurry.
const turnTime = 50 * time.Microsecond

// Hurry says that a goroutine which waits for the disk is to run at once when it can; Relax ends that.
func (p *Pool) Hurry() { p.hurried.Add(1) }

// Relax ends a Hurry.
func (p *Pool) Relax() {
	n := p.hurried.Add(-1)
	invariants.Assert(n >= 0, "%d in a hurry", n)
}

// Hurried returns how many are in a hurry.
func (p *Pool) Hurried() int64 { return p.hurried.Load() }

// turn is when a worker got its processor, after the birth of its pool.
type turn time.Duration

// give gives the worker's processor up if somebody is in a hurry and its time is up.
func (t *turn) give(p *Pool) {
	if p == nil || p.hurried.Load() == 0 || invariants.Mutant("exec-keep-processors") {
		return
	}
	if now := turn(time.Since(p.born)); now-*t < turn(turnTime) {
		return
	}
	p.turns.Add(1)
	runtime.Gosched()
	*t = turn(time.Since(p.born))
}

// jobsMax bounds the jobs that wait for a goroutine; what does not fit runs on the caller alone.
const jobsMax = 1024

// job asks for one goroutine to help with a pipeline.
type job struct {
	run func()
	// claimed is set by whoever takes the job: a goroutine of the pool, or the caller to cancel it.
	claimed atomic.Bool
	done    *sync.WaitGroup
}

// NewPool returns a pool for pipelines of up to the given number of workers, callers included.
func NewPool(workers int) *Pool {
	p := &Pool{workers: max(workers, 1), jobs: make(chan *job, jobsMax), closed: make(chan struct{}), born: time.Now()}
	for range p.workers - 1 {
		p.wg.Add(1)
		go p.loop()
	}
	return p
}

func (p *Pool) loop() {
	defer p.wg.Done()
	for {
		select {
		case <-p.closed:
			return
		case j := <-p.jobs:
			if j.claimed.CompareAndSwap(false, true) {
				j.run()
				j.done.Done()
			}
		}
	}
}

// Workers returns the number of workers of a pipeline.
func (p *Pool) Workers() int { return p.workers }

// Close ends the pool's goroutines, once they have done what they do now. Queries that still run do
// without them.
func (p *Pool) Close() {
	p.once.Do(func() { close(p.closed) })
	p.wg.Wait()
}

// crew is the set of goroutines that help the caller with one step.
type crew struct {
	jobs []job
	wg   sync.WaitGroup
}

// start asks for n helpers that call run(1) … run(n). Helpers that come too late never do.
func (c *crew) start(p *Pool, n int, run func(worker int)) {
	if p == nil || n <= 0 {
		return
	}
	c.jobs = make([]job, n)
	for i := range c.jobs {
		j := &c.jobs[i]
		j.run, j.done = func() { run(i + 1) }, &c.wg
		c.wg.Add(1)
		select {
		case p.jobs <- j:
		default:
			j.claimed.Store(true)
			c.wg.Done()
		}
	}
}

// join waits for the helpers that have begun and cancels the others.
func (c *crew) join() {
	for i := range c.jobs {
		if c.jobs[i].claimed.CompareAndSwap(false, true) {
			c.wg.Done()
		}
	}
	c.wg.Wait()
}

// parallel calls run for 0 … n-1, spread over up to workers goroutines, the caller's among them, and
// returns the error of the lowest number that failed.
func (p *Pool) parallel(workers, n int, run func(i int) error) error {
	if n == 0 {
		return nil
	}
	var next atomic.Int64
	errs := make([]error, n)
	var failed atomic.Bool
	loop := func(int) {
		var t turn
		for !failed.Load() {
			t.give(p)
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if errs[i] = guard(func() error { return run(i) }); errs[i] != nil {
				failed.Store(true)
			}
		}
	}
	var c crew
	c.start(p, min(workers, n)-1, loop)
	loop(0)
	c.join()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
