package columnar

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Host is the database around the tier.
type Host interface {
	// View holds the newest published View and returns its LSN. It is held until release is called.
	View() (lsn table.LSN, release func())
	// Log appends a node-local record, or none if kind is NoRecord, and calls apply in the order of the log, once the
	// record is durable and before anything later is applied. What apply does is visible to new Views when Log returns.
	Log(ctx context.Context, kind RecordKind, payload []byte, apply func(applied table.LSN) error) error
}

// jobs are what a tier does in the background. One goroutine flushes, and one for each class of levels compacts: what is
// filled need not wait until what is large was merged.
type jobs struct {
	host    Host
	live    atomic.Bool
	wake    chan struct{}
	due     [classes]chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	workers sync.WaitGroup
	garbage struct {
		sync.Mutex
		list []func()
		busy sync.Mutex // garbage is freed in the order in which it came
		wg   sync.WaitGroup
	}
	// retry asks for another attempt at once after a failure.
	retry chan struct{}
	// progress is closed and replaced whenever a memtable was flushed; failure is the last error of the background.
	progress struct {
		sync.Mutex
		c   chan struct{}
		err error
	}
}

// Start begins the work in the background. Before that nothing is sealed.
func (t *Tier) Start(h Host) {
	j := &t.jobs
	j.host = h
	j.wake, j.retry = make(chan struct{}, 1), make(chan struct{}, 1)
	j.ctx, j.cancel = context.WithCancel(context.Background())
	j.progress.c = make(chan struct{})
	j.live.Store(true)
	j.workers.Go(t.flushWhenSealed)
	for class := range j.due {
		j.due[class] = make(chan struct{}, 1)
	}
	for class := range j.due {
		j.workers.Go(func() { t.compactWhenDue(class) })
	}
	j.poke() // recovery may have left something
	j.pokeDue()
}

// Stop ends the work in the background, and waits for it.
func (t *Tier) Stop() {
	j := &t.jobs
	if j.live.Swap(false) {
		j.cancel()
		j.workers.Wait()
	}
	j.garbage.wg.Wait()
}

// running reports whether somebody flushes what is sealed.
func (j *jobs) running() bool { return j.live.Load() }

// poke wakes the goroutine that flushes: a memtable was sealed.
func (j *jobs) poke() { wake(j.wake) }

// pokeDue wakes those that compact: there may be something to merge.
func (j *jobs) pokeDue() {
	for _, c := range j.due {
		wake(c)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// collect frees garbage in the background, in order.
func (j *jobs) collect(list []func()) {
	if len(list) == 0 {
		return
	}
	j.garbage.Lock()
	j.garbage.list = append(j.garbage.list, list...)
	j.garbage.Unlock()
	j.garbage.wg.Go(func() { j.free() })
}

// collectEpoch ends the stay of who is no View in an epoch.
func (j *jobs) collectEpoch(e *epochs, x *epoch) { j.collect(e.drop(x)) }

// view holds a View at or above an LSN that has been applied.
func (j *jobs) view(ctx context.Context, atLeast table.LSN) (table.LSN, func(), error) {
	for {
		lsn, release := j.host.View()
		if lsn >= atLeast {
			return lsn, release, nil
		}
		release()
		select { // it is published as soon as the group of its record is applied
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return 0, nil, sqlerr.Canceled(ctx)
		}
	}
}

// log appends a record. It is not cancelled: whether the record is there must be known.
func (j *jobs) log(ctx context.Context, kind RecordKind, payload []byte, apply func(table.LSN) error) error {
	ctx = context.WithoutCancel(ctx)
	if kind != NoRecord && invariants.Mutant("columnar-publish-first") {
		if err := j.host.Log(ctx, NoRecord, nil, apply); err != nil {
			return err
		}
		apply = func(table.LSN) error { return nil }
	}
	return j.host.Log(ctx, kind, payload, apply)
}

// retryDelay is how long the background waits after a failure.
const retryDelay = time.Second

// flushWhenSealed is the goroutine that flushes.
func (t *Tier) flushWhenSealed() {
	j := &t.jobs
	defer j.note(nil) // who waits sees that nobody flushes any more
	t.work(j.wake, j.retry, func() error {
		err := t.flushAll(j.ctx)
		j.note(err)
		return err
	})
}

// compactWhenDue is a goroutine that compacts.
func (t *Tier) compactWhenDue(class int) {
	j := &t.jobs
	t.work(j.due[class], nil, func() error { return t.compactClass(j.ctx, class) })
}

// work does a job whenever it is woken. After a failure it tries again after a while, or when somebody asks for it.
func (t *Tier) work(wake, retry <-chan struct{}, job func() error) {
	j := &t.jobs
	for {
		select {
		case <-wake:
		case <-j.ctx.Done():
			return
		}
		for {
			err := job()
			if err == nil {
				break
			}
			if j.ctx.Err() != nil {
				return
			}
			t.o.Logger.Error("columnar tables: flush or compaction", "err", err)
			select {
			case <-time.After(retryDelay):
			case <-retry:
			case <-j.ctx.Done():
				return
			}
		}
	}
}

// note tells those who wait how the background fares.
func (j *jobs) note(err error) {
	j.progress.Lock()
	defer j.progress.Unlock()
	j.progress.err = err
	if j.progress.c != nil {
		close(j.progress.c)
	}
	j.progress.c = make(chan struct{})
}

// flushAll flushes what is sealed.
func (t *Tier) flushAll(ctx context.Context) error {
	for _, st := range *t.tables.Load() {
		if err := st.inc.flushSealed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// compactClass compacts what is due of a class of levels.
func (t *Tier) compactClass(ctx context.Context, class int) error {
	if t.o.DisableCompaction {
		return nil
	}
	for _, st := range *t.tables.Load() {
		if err := st.inc.compactDue(ctx, class); err != nil {
			return err
		}
	}
	return nil
}

// flushSealed flushes the sealed memtables of a table, the oldest first.
func (inc *incarnation) flushSealed(ctx context.Context) error {
	inc.flushing.Lock()
	defer inc.flushing.Unlock()
	for {
		p := inc.cur.Load()
		if len(p.mems) < 2 || inc.replaced() {
			return nil
		}
		if err := inc.flush(ctx, p.mems[len(p.mems)-1]); err != nil {
			return err
		}
		inc.t.jobs.note(nil)
		inc.t.jobs.pokeDue()
	}
}

// sealedMax is the number of sealed memtables of a table from which on statements that write wait.
const sealedMax = 4

// Admit waits, before a statement that writes takes locks, while more has been written than was flushed.
func (t *Tier) Admit(ctx context.Context) error {
	asked := false
	for t.behind() {
		if err := t.await(ctx, t.behind, &asked); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a flush has ended, if there is still reason to. One that has failed is tried once more at first, since
// what failed then may work now: asked says whether that was done.
func (t *Tier) await(ctx context.Context, wanted func() bool, asked *bool) error {
	j := &t.jobs
	j.progress.Lock()
	c, err := j.progress.c, j.progress.err
	j.progress.Unlock()
	if err != nil {
		if *asked {
			return err
		}
		*asked = true
		wake(j.retry)
	}
	if !wanted() {
		return nil
	}
	t.counts.stalls.Add(1)
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return sqlerr.Canceled(ctx)
	}
}

// failure returns the error of the last flush, nil if it went well.
func (j *jobs) failure() error {
	j.progress.Lock()
	defer j.progress.Unlock()
	return j.progress.err
}

func (t *Tier) behind() bool {
	return t.jobs.running() && !invariants.Mutant("columnar-never-wait") && t.sealedOver(sealedMax-1)
}

// sealedOver reports whether more than n memtables of a table wait to be flushed.
func (t *Tier) sealedOver(n int) bool {
	for _, st := range *t.tables.Load() {
		if len(st.p.mems)-1 > n { // the newest one is being filled
			return true
		}
	}
	return false
}

// Compact writes all rows of a table to as few segments as hold them, without those that were deleted.
func (t *Tier) Compact(ctx context.Context, id table.ObjectID) error {
	st := (*t.tables.Load())[id]
	if st == nil || !t.jobs.running() {
		return nil
	}
	inc := st.inc
	err := t.jobs.log(ctx, NoRecord, nil, func(applied table.LSN) error {
		if p := inc.cur.Load(); !inc.replaced() && p.mems[0].Live() > 0 {
			inc.seal(applied)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := inc.flushSealed(ctx); err != nil {
		return err
	}
	return inc.compactAll(ctx)
}
