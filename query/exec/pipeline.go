package exec

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// status is the answer of an operator to a batch.
type status uint8

const (
	// needMore: the batch is used up, push the next one.
	needMore status = iota
	// haveMore: the batch is still in use; call resume before the next push.
	haveMore
	// finished: nothing more is wanted of the branch at hand. What other branches are not wanted either
	// says their unless.
	finished
)

// operator is one worker's instance of a streaming operator or a sink. A batch is borrowed until push or
// resume answers anything but haveMore.
type operator interface {
	push(ctx context.Context, b *vec.Batch) (status, error)
	resume(ctx context.Context) (status, error)
	// close releases what the instance owns. It does not close the next operator.
	close()
}

// source is the beginning of a pipeline. open is called once, when what it reads is ready.
type source interface {
	open(ctx context.Context) error
	// reader returns a reader for one worker.
	reader() (reader, error)
	close()
}

// reader reads a source for one worker.
type reader interface {
	// claim takes the next morsel; io.EOF if there is none. The caller holds a lock: morsels are
	// claimed in order.
	claim(ctx context.Context) error
	// read returns the next batch of the claimed morsel, borrowed until the next call; nil at its end.
	read(ctx context.Context) (*vec.Batch, error)
	close()
}

// branch is a source and the operators between it and the sink of its pipeline.
type branch struct {
	src source
	ops []factory
	// idle conditions, known when the branch is to begin: if one holds, it has no rows.
	idle []func() bool
}

// isAlone reports whether helpers would find nothing to do.
func (b *branch) isAlone() bool {
	s, ok := b.src.(lone)
	return ok && s.alone()
}

func (b *branch) isIdle() bool {
	for _, f := range b.idle {
		if f() {
			return true
		}
	}
	return false
}

// factory makes the instance of an operator for one worker, in front of next.
type factory func(w *worker, next operator) (operator, error)

// flow is a stream of rows under construction: branches, run one after the other.
type flow struct {
	branches []branch
	// serial: the rows must be processed in order by one worker.
	serial bool
}

// pipe appends an operator to all branches.
func (f *flow) pipe(op factory) {
	for i := range f.branches {
		f.branches[i].ops = append(f.branches[i].ops[:len(f.branches[i].ops):len(f.branches[i].ops)], op)
	}
}

// unless leaves the branches out if cond holds when they are to begin.
func (f *flow) unless(cond func() bool) {
	for i := range f.branches {
		b := &f.branches[i]
		b.idle = append(b.idle[:len(b.idle):len(b.idle)], cond)
	}
}

// sink is the end of a pipeline, shared by its workers.
type sink interface {
	// local returns the operator of one worker. Calls for one worker return the same one.
	local(w *worker) (operator, error)
	// finish is called once after all workers are done.
	finish(ctx context.Context) error
	close()
}

// morselEnder is a sink's operator that wants to know where morsels end.
type morselEnder interface {
	endMorsel(ctx context.Context) error
}

// pipeline is a flow into a sink.
type pipeline struct {
	q    *Query
	flow flow
	sink sink
	name string

	claimMu sync.Mutex
	ordinal int // of the next morsel, over all branches; under claimMu
	ended   bool

	failMu sync.Mutex
	failAt int
	err    error
	// failedAt is failAt for readers without the lock; noFail if no error happened.
	failedAt atomic.Int64
}

// postponer is a sink whose pipeline's error is raised by what reads the sink, if that is reached by a row.
type postponer interface {
	postpone(err error) bool
}

// postponed reports whether an error of the pipeline is raised later, if at all.
func (p *pipeline) postponed(ctx context.Context, err error) bool {
	s, ok := p.sink.(postponer)
	return ok && ctx.Err() == nil && ofData(err) && s.postpone(err)
}

const noFail = 1<<62 - 1

// worker is what the instances of one worker share.
type worker struct {
	id int
	q  *Query
	p  *pipeline
	// ordinal numbers the morsel at hand in the order of the rows; row counts the rows of the morsel
	// that have reached the sink.
	ordinal int
	row     uint32
	arena   arena
}

// task is the state of one worker in a pipeline.
type task struct {
	p      *pipeline
	w      *worker
	branch int
	head   operator // of the branch
	chain  []operator
	reader reader
	inside bool // a morsel is claimed
	more   bool // head must be resumed
	ender  morselEnder
	sink   operator
	clock  clock // for EXPLAIN ANALYZE
	turn   turn
}

// newTask makes worker w's instance of the pipeline.
func (p *pipeline) newTask(w *worker) (*task, error) {
	w.p = p
	s, err := p.sink.local(w)
	if err != nil {
		return nil, err
	}
	t := &task{p: p, w: w, branch: -1}
	t.sink, t.ender = t.measure(s), t.measureEnder(s)
	return t, nil
}

// enter instantiates branch i.
func (t *task) enter(i int) error {
	t.leave()
	b := &t.p.flow.branches[i]
	t.branch = i
	r, err := b.src.reader()
	if err != nil {
		return err
	}
	t.reader = t.measureReader(b.src, r)
	next := t.sink
	for j := len(b.ops) - 1; j >= 0; j-- {
		op, err := b.ops[j](t.w, next)
		if err != nil {
			return err
		}
		if op != next {
			t.chain = append(t.chain, op)
			op = t.measure(op)
		}
		next = op
	}
	t.head = next
	return nil
}

// leave closes the instances of the branch at hand.
func (t *task) leave() {
	if t.reader != nil {
		t.reader.close()
		t.reader = nil
	}
	for _, op := range t.chain {
		op.close()
	}
	t.chain, t.head, t.inside, t.more = t.chain[:0], nil, false, false
}

// stepResult is the outcome of a step.
type stepResult uint8

const (
	stepMore    stepResult = iota // the budget is used up
	stepBlocked                   // the sink must be emptied first
	stepDone                      // the branch is at its end, or nothing more of it is wanted
)

// step runs the task for up to budget batches. It keeps no state on the stack: a task that is blocked
// holds no goroutine.
func (t *task) step(ctx context.Context, budget int) (stepResult, error) {
	for ; budget > 0; budget-- {
		var st status
		err := ctx.Err()
		if err != nil {
			return stepDone, err
		}
		t.turn.give(t.p.q.pool)
		if t.more {
			st, err = t.head.resume(ctx)
		} else {
			var b *vec.Batch
			if b, err = t.nextBatch(ctx); b == nil && err == nil {
				return stepDone, nil
			}
			if err == nil {
				st, err = t.head.push(ctx, b)
			}
		}
		if err != nil {
			return stepDone, err
		}
		t.more = st == haveMore
		switch st {
		case haveMore:
			return stepBlocked, nil
		case finished:
			return stepDone, nil
		}
	}
	return stepMore, nil
}

// nextBatch returns the next batch of the branch, nil at its end.
func (t *task) nextBatch(ctx context.Context) (*vec.Batch, error) {
	for {
		if int64(t.w.ordinal) > t.p.failedAt.Load() {
			return nil, nil
		}
		if !t.inside {
			ok, err := t.claim(ctx)
			if err != nil || !ok {
				return nil, err
			}
		}
		b, err := t.reader.read(ctx)
		if err != nil {
			return nil, err
		}
		if b != nil {
			if b.N > 0 {
				return b, nil
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			t.turn.give(t.p.q.pool)
			continue
		}
		t.inside = false
		if t.ender != nil {
			if err := t.ender.endMorsel(ctx); err != nil {
				return nil, err
			}
		}
	}
}

func (t *task) claim(ctx context.Context) (bool, error) {
	p := t.p
	p.claimMu.Lock()
	defer p.claimMu.Unlock()
	if p.ended {
		return false, nil
	}
	t.w.ordinal, t.w.row = p.ordinal, 0
	switch err := t.reader.claim(ctx); err {
	case nil:
	case io.EOF:
		p.ended = true
		return false, nil
	default:
		return false, err
	}
	p.ordinal++
	t.inside = true
	return true, nil
}

// fail notes an error in the morsel at hand. The error of the first morsel in the order of the rows is
// the pipeline's: earlier morsels run to their end.
func (p *pipeline) fail(ordinal int, err error) {
	p.failMu.Lock()
	defer p.failMu.Unlock()
	if p.err == nil || ordinal < p.failAt {
		p.failAt, p.err = ordinal, err
		p.failedAt.Store(int64(ordinal))
	}
}

// stepBatches is how many batches a task runs between looks at other things.
const stepBatches = 64

// run runs the pipeline to its end, the caller being worker 0.
func (p *pipeline) run(ctx context.Context) error {
	q := p.q
	workers := q.workers
	if p.flow.serial {
		workers = 1
	}
	p.failedAt.Store(noFail)
	tasks := make([]*task, workers)
	ws := q.crewWorkers(workers)
	defer func() {
		for _, t := range tasks {
			if t != nil {
				t.leave()
			}
		}
	}()
	for i := range p.flow.branches {
		if p.flow.branches[i].isIdle() {
			continue
		}
		src := p.flow.branches[i].src
		if err := q.timed(src, func() error { return src.open(ctx) }); err != nil {
			return err
		}
		p.ended = false
		p.runBranch(ctx, i, tasks, ws)
		src.close()
		if p.err != nil {
			return p.err
		}
	}
	if tasks[0] == nil { // every sink has a first worker
		if _, err := p.newTask(ws[0]); err != nil {
			return err
		}
	}
	return q.timed(p.sink, func() error { return p.sink.finish(ctx) })
}

func (p *pipeline) runBranch(ctx context.Context, i int, tasks []*task, ws []*worker) {
	loop := func(id int, fresh bool) {
		for p.stepTask(ctx, i, id, fresh, stepBatches, tasks, ws) == stepMore {
			fresh = false
		}
	}
	if p.stepTask(ctx, i, 0, true, firstBatches, tasks, ws) != stepMore {
		return
	}
	var c crew
	if !p.flow.branches[i].isAlone() {
		c.start(p.q.pool, len(tasks)-1, func(id int) { loop(id, true) })
	}
	loop(0, false)
	c.join()
}

// firstBatches is what the caller runs alone before it asks for help: most pipelines end within.
const firstBatches = 16

// stepTask runs a step of worker id, fresh at the beginning of a branch. Errors go to fail.
func (p *pipeline) stepTask(ctx context.Context, branch, id int, fresh bool, budget int, tasks []*task, ws []*worker) stepResult {
	st := stepDone
	err := guard(func() error {
		if tasks[id] == nil {
			t, err := p.newTask(ws[id])
			if err != nil {
				return err
			}
			tasks[id] = t
		}
		if fresh {
			if err := tasks[id].enter(branch); err != nil {
				return err
			}
		}
		var err error
		st, err = tasks[id].step(ctx, budget)
		return err
	})
	if err != nil {
		p.fail(ws[id].ordinal, err)
		return stepDone
	}
	return st
}

// guard runs f and turns a panic, which is a bug, into XX000.
func guard(f func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			if invariants.Enabled {
				panic(x)
			}
			slog.Error("panic in a query", "panic", x, "stack", string(debug.Stack()))
			err = sqlerr.Newf(sqlerr.InternalError, "internal error: %v", x)
		}
	}()
	return f()
}
