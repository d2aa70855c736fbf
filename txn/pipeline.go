package txn

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// Defaults of PipelineOptions.
const (
	groupBytesDefault = 16 << 20
	syncDelayDefault  = 200 * time.Millisecond
	markDelayDefault  = time.Second
)

// PipelineOptions configure a Pipeline. Log, Apply and Publish are needed.
type PipelineOptions struct {
	Log *wal.Log
	// Apply makes one record part of the state. It is called in the order of positions, by one
	// goroutine at a time, once the record is durable (for an asynchronous one: written). An error
	// poisons the log.
	Apply func(*Request) error
	// Publish makes all that was applied visible. It is called once a group.
	Publish func(upTo table.LSN, pos wal.Position)
	// Now returns the time in microseconds since 1970. Default wal.Now.
	Now func() int64
	// GroupBytes bounds the open group; committers wait above it. Default 16 MiB.
	GroupBytes int64
	// SyncDelay is how long an asynchronous commit may stay unsynced. Default 200 ms; negative:
	// until something else syncs.
	SyncDelay time.Duration
	// MarkDelay is how long the log is idle before a mark proves its end. Default 1 s; negative:
	// no mark before Close.
	MarkDelay time.Duration
}

// Pipeline is the commit queue: it orders records, writes them in groups, applies them in order
// and publishes each group at once. See the package comment.
type Pipeline struct {
	log *wal.Log
	o   PipelineOptions

	mu struct {
		sync.Mutex
		open    *group
		spare   *group
		leading bool // someone writes, or was told to
		ticket  uint64
		lsn     table.LSN
		time    int64
		closed  bool
		cut     chan struct{} // closed and replaced when a group is cut
	}
	apply struct {
		sync.Mutex
		cond *sync.Cond
		turn uint64
	}
	durable   atomic.Uint64 // LSN
	published atomic.Uint64 // LSN
	groups    atomic.Int64
	commits   atomic.Int64
	sizes     table.Histogram // of groups with something to apply

	abandoned sync.WaitGroup // commits that were cancelled after the append
	tend      chan struct{}
	stop      chan struct{}
	tended    chan struct{}
}

// NewPipeline returns a pipeline that continues where the log was recovered to.
func NewPipeline(o PipelineOptions) *Pipeline {
	if o.Now == nil {
		o.Now = wal.Now
	}
	if o.GroupBytes <= 0 {
		o.GroupBytes = groupBytesDefault
	}
	if o.SyncDelay == 0 {
		o.SyncDelay = syncDelayDefault
	}
	if o.MarkDelay == 0 {
		o.MarkDelay = markDelayDefault
	}
	p := &Pipeline{log: o.Log, o: o, tend: make(chan struct{}, 1), stop: make(chan struct{}), tended: make(chan struct{})}
	p.mu.lsn, p.mu.time = o.Log.Last()
	p.mu.open = &group{}
	p.mu.cut = make(chan struct{})
	p.durable.Store(uint64(p.mu.lsn))
	p.published.Store(uint64(p.mu.lsn))
	p.apply.cond = sync.NewCond(&p.apply.Mutex)
	go p.tendLoop()
	return p
}

// Published returns the LSN of the newest published group.
func (p *Pipeline) Published() table.LSN { return table.LSN(p.published.Load()) }

// Durable returns the LSN up to which every commit is on disk.
func (p *Pipeline) Durable() table.LSN { return table.LSN(p.durable.Load()) }

// Appended returns the LSN and the timestamp of the newest appended record, published or not.
func (p *Pipeline) Appended() (table.LSN, int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.lsn, p.mu.time
}

// PipelineStats counts what a pipeline has done.
type PipelineStats struct {
	Commits, Groups int64
}

// Stats returns the counters.
func (p *Pipeline) Stats() PipelineStats {
	return PipelineStats{Commits: p.commits.Load(), Groups: p.groups.Load()}
}

// GroupSizes returns the numbers of transactions that were committed together.
func (p *Pipeline) GroupSizes() table.Distribution { return p.sizes.Distribution() }

// Commit appends a record, waits until it is durable (unless r.Async), applied and visible, and
// returns its LSN (0 for node-local kinds). When ctx ends before the append, nothing has happened;
// after it the error is an *UnknownError, as it is when the log fails under the record.
func (p *Pipeline) Commit(ctx context.Context, r *Request) (table.LSN, error) {
	e := wal.Entry{Kind: r.Kind, Payload: r.Payload}
	if r.Stream != nil {
		e.Stream = r.Stream.chunks
	}
	err := p.encode(ctx, &e)
	if err == nil {
		p.mu.Lock()
		if err = p.appendLocked(ctx, r, &e); err == nil {
			err = p.settle(ctx, r)
			return r.LSN, err
		}
		p.mu.Unlock()
	}
	if e.Stream != nil {
		e.Stream.Drop()
	}
	return 0, err
}

// encode does what needs no order: it checksums the payload, and splits one that is too large.
func (p *Pipeline) encode(ctx context.Context, e *wal.Entry) (err error) {
	if ctx.Err() != nil {
		return sqlerr.Canceled(ctx)
	}
	if e.Stream == nil && len(e.Payload) > p.log.MaxRecord() {
		if e.Stream, e.Payload, err = p.split(ctx, e.Payload); err != nil {
			return err
		}
	}
	if e.Stream != nil {
		e.Payload = e.Stream.Seal(e.Payload)
	}
	e.Sum = wal.PayloadSum(e.Payload)
	return nil
}

// appendLocked admits, validates and appends a record, and joins the open group. The mutex is
// released while it waits for room.
func (p *Pipeline) appendLocked(ctx context.Context, r *Request, e *wal.Entry) error {
	if err := p.admitLocked(ctx, len(e.Payload), r.Urgent); err != nil {
		return err
	}
	var lsn table.LSN
	var now int64
	if r.Kind.Replicated() {
		lsn, now = p.mu.lsn+1, max(p.mu.time+1, p.o.Now())
	}
	if r.Validate != nil {
		if err := r.Validate(lsn, now); err != nil {
			return err
		}
	}
	e.LSN, e.Time = lsn, now
	r.LSN, r.Time = lsn, now
	r.Pos, r.End = p.log.Append(e)
	if lsn != 0 {
		p.mu.lsn, p.mu.time = lsn, now
	}
	p.joinLocked(r, !r.Async)
	return nil
}

// admitLocked waits until a record with a payload of n bytes can be appended.
func (p *Pipeline) admitLocked(ctx context.Context, n int, urgent bool) error {
	for {
		if p.mu.closed {
			return wal.ErrClosed
		}
		err := p.log.Room(n, urgent)
		switch {
		case wal.IsNoRoom(err):
			p.mu.Unlock()
			err = p.log.WaitRoom(ctx, n, urgent)
			p.mu.Lock()
			if err != nil {
				return err
			}
		case err != nil:
			return err
		case p.mu.open.bytes <= p.o.GroupBytes:
			return nil
		default:
			cut := p.mu.cut
			p.mu.Unlock()
			select {
			case <-cut:
			case <-ctx.Done():
				p.mu.Lock()
				return sqlerr.Canceled(ctx)
			}
			p.mu.Lock()
		}
	}
}

func (p *Pipeline) joinLocked(r *Request, sync bool) {
	g := p.mu.open
	g.requests = append(g.requests, r)
	g.bytes += int64(r.End - r.Pos)
	g.sync = g.sync || sync
	if !r.noApply {
		g.applies++
	}
	r.group, r.err = g, nil
}

// settle sees a request that has joined the open group through to its outcome. It is called with
// the mutex held and releases it.
func (p *Pipeline) settle(ctx context.Context, r *Request) error {
	if !p.mu.leading {
		p.mu.leading = true
		p.lead(r)
		return r.done()
	}
	if r.signal == nil {
		r.signal = make(chan signal, 1)
	}
	p.mu.Unlock()
	select {
	case s := <-r.signal:
		p.obey(r, s)
		return r.done()
	case <-ctx.Done():
	}
	p.abandoned.Add(1)
	unknown := &UnknownError{LSN: r.LSN, Time: r.Time, Err: sqlerr.Canceled(ctx)}
	go func() {
		defer p.abandoned.Done()
		p.obey(r, <-r.signal)
		_ = r.done()
	}()
	return unknown
}

func (r *Request) done() error {
	err := r.err
	if r.OnDone != nil {
		r.OnDone(err)
	}
	return err
}

// obey does what a signal asks for until the request is done.
func (p *Pipeline) obey(r *Request, s signal) {
	switch s {
	case signalLead:
		p.mu.Lock()
		p.lead(r)
	case signalApply:
		p.finish(r.group, r)
	}
}

// lead writes the open group, which holds me, hands the lead over, and sees to it that the group
// is applied. It is called with the mutex held and releases it.
//
// Before it waits for the disk it lets run whoever is ready: those answered last may commit again and join the group. They
// are in the queue of this processor, and nobody else would take them from it while all others are busy with queries.
func (p *Pipeline) lead(me *Request) {
	if p.mu.open.sync && !invariants.Mutant("txn-lead-at-once") {
		p.mu.Unlock()
		runtime.Gosched()
		p.mu.Lock()
	}
	g := p.cutLocked()
	p.mu.Unlock()
	if invariants.Mutant("txn-publish-before-sync") && g.applies > 0 {
		p.applyGroup(g)
	}
	err := p.log.Write(g.batch, g.sync)
	if err == nil && g.sync {
		p.durable.Store(uint64(g.lastLSN))
	}
	p.mu.Lock()
	p.handOverLocked()
	p.mu.Unlock()
	p.groups.Add(1)
	p.wakeTender()
	g.err = err
	p.answerWritten(g, me)
	switch {
	case g.applies == 0:
		p.recycle(g)
	case me.noApply:
		first := g.firstApply()
		first.signal <- signalApply
	default:
		p.finish(g, me)
	}
}

func (g *group) firstApply() *Request {
	for _, r := range g.requests {
		if !r.noApply {
			return r
		}
	}
	return nil
}

func (p *Pipeline) cutLocked() *group {
	g := p.mu.open
	g.batch, g.lastLSN = p.log.Cut(), p.mu.lsn
	if g.applies > 0 {
		g.ticket = p.mu.ticket
		p.mu.ticket++
	}
	p.mu.open, p.mu.spare = p.mu.spare, nil
	if p.mu.open == nil {
		p.mu.open = &group{}
	}
	if g.bytes > p.o.GroupBytes {
		close(p.mu.cut)
		p.mu.cut = make(chan struct{})
	}
	return g
}

// handOverLocked makes the first request of the open group the next leader.
func (p *Pipeline) handOverLocked() {
	if len(p.mu.open.requests) == 0 {
		p.mu.leading = false
		return
	}
	p.mu.open.requests[0].signal <- signalLead
}

// answerWritten answers those who do not wait for apply.
func (p *Pipeline) answerWritten(g *group, me *Request) {
	if g.applies == len(g.requests) {
		return
	}
	keep := g.requests[:0]
	for _, r := range g.requests {
		if !r.noApply {
			keep = append(keep, r)
			continue
		}
		r.err = g.err
		if r != me {
			r.signal <- signalDone
		}
	}
	clear(g.requests[len(keep):])
	g.requests = keep
}

// finish applies a written group in its turn, publishes it and answers its members.
func (p *Pipeline) finish(g *group, me *Request) {
	p.apply.Lock()
	for p.apply.turn != g.ticket {
		p.apply.cond.Wait()
	}
	p.apply.Unlock()
	if !invariants.Mutant("txn-publish-before-sync") {
		p.applyGroup(g)
	}
	p.apply.Lock()
	p.apply.turn++
	p.apply.cond.Broadcast()
	p.apply.Unlock()
	for _, r := range g.requests {
		r.err = g.outcome(r)
		if r != me {
			r.signal <- signalDone
		}
	}
	p.recycle(g)
}

// applyGroup applies and publishes a group. Nothing is applied after a failure.
func (p *Pipeline) applyGroup(g *group) {
	if g.err != nil {
		return
	}
	n := int64(0)
	for _, r := range g.requests {
		if r.noApply || r.noRecord {
			continue
		}
		if err := p.o.Apply(r); err != nil {
			p.log.Fail(err)
			g.err = err
			return
		}
		n++
	}
	last := g.lastLSN
	if invariants.Mutant("txn-publish-late") {
		last-- // the last of the group is answered, and visible only with the next group
	}
	p.o.Publish(last, g.batch.End())
	p.published.Store(uint64(g.lastLSN))
	if p.commits.Add(n); n > 0 {
		p.sizes.Add(n)
	}
}

// outcome is what a member of the group is told. Of a group that was refused because the log had
// failed before, nothing was written; of any other that failed, nobody knows.
func (g *group) outcome(r *Request) error {
	if g.err == nil || errors.Is(g.err, wal.ErrPoisoned) {
		return g.err
	}
	return &UnknownError{LSN: r.LSN, Time: r.Time, Err: g.err}
}

// recycle keeps the group's memory for the next one.
func (p *Pipeline) recycle(g *group) {
	clear(g.requests)
	*g = group{requests: g.requests[:0]}
	p.mu.Lock()
	if p.mu.spare == nil {
		p.mu.spare = g
	}
	p.mu.Unlock()
}
