package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/vec"
)

// Maker makes results of batches, in memory of their own.
type Maker interface {
	// Make makes the result of a batch. One goroutine at a time works with the number of a worker.
	Make(worker int, b *vec.Batch) (Made, error)
}

// Made is what a Maker makes.
type Made struct {
	Value interface{ Release() }
	Rows  int
	Bytes int64
}

// units say how much of what may be made ahead a result is.
func (m *Made) units() int { return 1 + int(m.Bytes/aheadUnitBytes) }

// What is made ahead of who reads it: aheadTurn units for each worker, as a rule, and no more than three times that, nor
// more than one part in aheadShare of the query's memory, which it is charged to.
const (
	aheadUnitBytes = 128 << 10
	aheadTurn      = 32
	aheadShare     = 16
)

// ahead runs the last pipeline by all workers, for a client that takes results in memory of their own. They work in rounds: when
// nothing is left to hand out, the caller and who of the pool is free make as many results as a round has, and none of them
// works on when the round is over, so that a client that waits holds nobody. What holds:
//
//   - Results are handed out in the order of the morsels, and of the batches within them: as one worker would have made them.
//     They wait in parts, one for each morsel from the one at hand on. The front is the first morsel that has not ended.
//   - An error comes after the results before it, and what comes after it is dropped.
//   - What waits is bounded: while it is too much, the task at the front works alone. It is always one that may, since a
//     task is no goroutine's own.
//   - A client that reads a few batches only costs no others: the caller makes firstBatches of them alone, one at a time.
type ahead struct {
	root  *rootTask
	p     *pipeline
	m     Maker
	tasks []*aheadTask
	alone int // results that the caller makes alone yet
	// In units: turn ends a round, and most stops all but the front.
	turn, most int
	reserved   int64

	mu           sync.Mutex
	parts        []madePart
	first, front int // ordinals: of parts[0], and of the front
	ready, total int // units that wait, up to the front and in all
	over         atomic.Bool
}

// madePart has the results of a morsel that wait.
type madePart struct {
	made  []Made
	at    int // the next one to be handed out
	units int
	done  bool // the morsel has ended
}

// aheadTask is a task of the pipeline and, as its sink, where its results go.
type aheadTask struct {
	a     *ahead
	w     *worker
	t     *task
	fresh bool // at the beginning of a branch
	busy  bool // some goroutine runs it
	done  bool // with the branch
}

// NextMade returns the result that m makes of the next batch, or io.EOF. A query is read by it alone, and with one Maker, or
// by Next alone. The caller releases the result.
func (q *Query) NextMade(ctx context.Context, m Maker) (Made, error) {
	if q.err != nil || q.closed || q.root.ahead == nil && !q.mayRunAhead() {
		return MakeNext(ctx, q, m)
	}
	err := q.prepare(ctx)
	var made Made
	if err == nil {
		err = guard(func() error {
			if q.root.ahead == nil {
				q.root.ahead = &ahead{root: q.root, p: q.root.p, m: m, alone: firstBatches}
			}
			made, err = q.root.ahead.next(ctx)
			return err
		})
	}
	q.err = err
	return made, err
}

// MakeNext makes the result of the next batch of anything that has batches.
func MakeNext(ctx context.Context, from interface {
	Next(ctx context.Context) (*vec.Batch, error)
}, m Maker) (Made, error) {
	b, err := from.Next(ctx)
	if err != nil {
		return Made{}, err
	}
	return m.Make(0, b)
}

// mayRunAhead reports whether several workers may make the rows of the result, and more than are asked for: not where
// somebody would notice, by what a volatile function does or by a row that is locked.
func (q *Query) mayRunAhead() bool {
	return q.workers > 1 && q.root.t == nil && !q.root.p.flow.serial && q.env.Force.Ahead != "off" &&
		(!q.volatile || invariants.Mutant("ahead-ignore-volatile"))
}

func (a *ahead) next(ctx context.Context) (Made, error) {
	for {
		if m, ok := a.take(); ok {
			return m, nil
		}
		if a.failed() {
			return Made{}, a.p.err
		}
		if !a.root.open {
			if ok, err := a.root.openNext(ctx); err != nil || !ok {
				if err == nil {
					err = io.EOF
				}
				return Made{}, err
			}
			a.enter()
		}
		if a.round(ctx) {
			if a.p.err != nil {
				return Made{}, a.p.err
			}
			a.leave()
			a.root.closeBranch()
		}
	}
}

// take hands out the next result, if it is there. Nobody else works meanwhile.
func (a *ahead) take() (Made, bool) {
	for len(a.parts) > 0 {
		p := &a.parts[0]
		if p.at < len(p.made) {
			m := p.made[p.at]
			p.made[p.at] = Made{}
			p.at++
			p.units -= m.units()
			a.ready -= m.units()
			a.total -= m.units()
			return m, true
		}
		if !p.done {
			break
		}
		a.first++
		a.parts = a.parts[:copy(a.parts, a.parts[1:])]
	}
	return Made{}, false
}

// enter begins a branch, with a task for the caller at first.
func (a *ahead) enter() {
	if len(a.tasks) == 0 {
		a.tasks = append(a.tasks, &aheadTask{a: a, w: a.p.q.crewWorkers(1)[0]})
		a.turn, a.most = 1, 1
	}
	alone := a.p.flow.branches[a.root.branch].isAlone()
	for i, t := range a.tasks {
		t.fresh, t.done = true, alone && i > 0
	}
	if a.alone > 0 && a.p.q.env.Force.Ahead == "always" {
		a.alone = 0
	}
}

// recruit makes tasks for helpers, once it is worth while and if there is memory for what they make.
func (a *ahead) recruit() {
	if a.alone < 0 {
		return
	}
	if a.alone--; a.alone >= 0 {
		return
	}
	q := a.p.q
	a.turn = aheadTurn * q.workers
	if q.env.Force.Ahead == "always" {
		a.turn = q.workers // so that tasks stop anywhere
	}
	bytes := min(int64(3*a.turn)*aheadUnitBytes, q.mem.Least()/aheadShare)
	if bytes < int64(3*q.workers)*aheadUnitBytes || !q.mem.Fits(bytes, 3, 4) || q.mem.Reserve(bytes) != nil {
		a.turn = 1
		return
	}
	a.reserved = bytes
	a.turn = min(a.turn, int(bytes/aheadUnitBytes/3))
	a.most = 2 * a.turn
	alone := a.p.flow.branches[a.root.branch].isAlone()
	for _, w := range q.crewWorkers(q.workers)[1:] {
		a.tasks = append(a.tasks, &aheadTask{a: a, w: w, fresh: true, done: alone})
	}
}

// round makes the next results, and reports whether the branch is at its end. Nothing waits that could be handed out.
func (a *ahead) round(ctx context.Context) (end bool) {
	a.recruit()
	a.over.Store(false)
	var c crew
	if len(a.tasks) > 1 {
		c.start(a.p.q.pool, len(a.tasks)-1, func(int) { a.work(ctx) })
	}
	a.work(ctx)
	c.join()
	for _, t := range a.tasks {
		if !t.done {
			return false
		}
	}
	return a.ready == 0 && !a.failed()
}

// failed reports whether the results before an error have all been handed out.
func (a *ahead) failed() bool {
	return a.p.err != nil && (a.first >= a.p.failAt || invariants.Mutant("ahead-error-at-once"))
}

// work runs tasks until the round is over, or nothing is left that this goroutine could do.
func (a *ahead) work(ctx context.Context) {
	for t := a.pick(); t != nil; t = a.pick() {
		st := stepMore
		err := guard(func() (err error) {
			st, err = t.run(ctx)
			return err
		})
		a.put(t, st, err)
	}
}

// pick takes the task that has most reason to run: that of the earliest morsel, else one without.
func (a *ahead) pick() *aheadTask {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over.Load() {
		return nil
	}
	var best *aheadTask
	for _, t := range a.tasks {
		if t.busy || t.done || a.total >= a.most && !(t.inside() && t.w.ordinal == a.front) {
			continue
		}
		if best == nil || t.inside() && (!best.inside() || t.w.ordinal < best.w.ordinal) {
			best = t
		}
	}
	if best != nil {
		best.busy = true
	}
	return best
}

// put gives a task back.
func (a *ahead) put(t *aheadTask, st stepResult, err error) {
	if t.fresh && t != a.tasks[0] {
		err = nil // there was no memory for one more: the others do without it
	}
	if err != nil {
		a.p.fail(t.w.ordinal, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.busy = false
	if st != stepDone {
		return
	}
	if t.done = true; err == nil && t.inside() && int64(t.w.ordinal) <= a.p.failedAt.Load() {
		a.ended(t.w.ordinal) // nothing more is wanted of it
	}
}

func (t *aheadTask) inside() bool { return t.t != nil && t.t.inside }

// run runs the task until its morsels are through, its results wait, or the round is over.
func (t *aheadTask) run(ctx context.Context) (stepResult, error) {
	if t.fresh {
		made := t.t
		if made == nil {
			made = &task{p: t.a.p, w: t.w, branch: -1, sink: t, ender: t}
			t.w.p = t.a.p
		}
		if err := made.enter(t.a.root.branch); err != nil {
			made.leave()
			return stepDone, err
		}
		t.t, t.fresh = made, false
	}
	for {
		st, err := t.t.step(ctx, 1)
		if err != nil {
			return stepDone, err
		}
		if st != stepMore || t.a.over.Load() {
			return st, nil
		}
	}
}

// push makes the result of a batch.
func (t *aheadTask) push(_ context.Context, b *vec.Batch) (status, error) {
	m, err := t.a.m.Make(t.w.id, b)
	if err != nil {
		return needMore, err
	}
	a, at := t.a, t.w.ordinal
	a.mu.Lock()
	defer a.mu.Unlock()
	if invariants.Mutant("ahead-any-order") {
		at = a.front
	}
	p := a.part(at)
	p.made = append(p.made, m)
	u := m.units()
	p.units += u
	if a.total += u; at == a.front {
		a.ready += u
		a.see()
	}
	if a.over.Load() || at != a.front && a.total >= a.most {
		return haveMore, nil
	}
	return needMore, nil
}

func (t *aheadTask) resume(context.Context) (status, error) { return needMore, nil }
func (t *aheadTask) close()                                 {}

// endMorsel notes that all results of a morsel are there.
func (t *aheadTask) endMorsel(context.Context) error {
	t.a.mu.Lock()
	defer t.a.mu.Unlock()
	t.a.ended(t.w.ordinal)
	return nil
}

func (a *ahead) ended(ordinal int) {
	a.part(ordinal).done = true
	for i := a.front - a.first; i < len(a.parts) && a.parts[i].done; i++ {
		a.front++
		if i+1 < len(a.parts) {
			a.ready += a.parts[i+1].units
		}
	}
	a.see()
}

// see ends the round once enough is there to be handed out.
func (a *ahead) see() {
	if a.ready >= a.turn {
		a.over.Store(true)
	}
}

// part returns the results of a morsel.
func (a *ahead) part(ordinal int) *madePart {
	for len(a.parts) <= ordinal-a.first {
		a.parts = append(a.parts, madePart{})
	}
	return &a.parts[ordinal-a.first]
}

// leave ends the tasks of a branch.
func (a *ahead) leave() {
	for _, t := range a.tasks {
		if t.t != nil {
			t.t.leave()
		}
	}
}

// close drops what nobody has read.
func (a *ahead) close() {
	a.leave()
	for i := range a.parts {
		for _, m := range a.parts[i].made[a.parts[i].at:] {
			m.Value.Release()
		}
	}
	a.parts = nil
	a.p.q.mem.Release(a.reserved)
	a.reserved = 0
}
