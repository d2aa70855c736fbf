package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/vec"
)

// rootTask runs the last pipeline, whose sink is the client. Between two calls of next it is state only.
type rootTask struct {
	p      *pipeline
	t      *task
	sink   *clientSink
	branch int
	open   bool
	done   bool
	ahead  *ahead // for who takes results that are made by all workers
}

func newRootTask(q *Query, f *flow) *rootTask {
	s := &clientSink{}
	r := &rootTask{p: &pipeline{q: q, flow: *f, sink: s, name: "result"}, sink: s}
	r.p.failedAt.Store(noFail)
	return r
}

// next returns the next batch for the client, or io.EOF.
func (r *rootTask) next(ctx context.Context) (*vec.Batch, error) {
	if r.t == nil {
		t, err := r.p.newTask(r.p.q.crewWorkers(1)[0])
		if err != nil {
			return nil, err
		}
		r.t = t
	}
	for !r.done {
		if !r.open {
			ok, err := r.openNext(ctx)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			if err := r.t.enter(r.branch); err != nil {
				return nil, err
			}
		}
		r.sink.out = nil
		st, err := r.t.step(ctx, stepBatches)
		if err != nil {
			return nil, err
		}
		switch {
		case st == stepBlocked && r.sink.out != nil:
			return r.sink.out, nil
		case st == stepDone:
			r.t.leave()
			r.closeBranch()
		}
	}
	return nil, io.EOF
}

// openNext opens the source of the next branch that is not idle; false if there is none.
func (r *rootTask) openNext(ctx context.Context) (bool, error) {
	branches := r.p.flow.branches
	for r.branch < len(branches) && branches[r.branch].isIdle() {
		r.branch++
	}
	if r.branch == len(branches) {
		r.done = true
		return false, nil
	}
	src := branches[r.branch].src
	if err := r.p.q.timed(src, func() error { return src.open(ctx) }); err != nil {
		return false, err
	}
	r.p.ended, r.open = false, true
	return true, nil
}

func (r *rootTask) closeBranch() {
	r.p.flow.branches[r.branch].src.close()
	r.branch, r.open = r.branch+1, false
}

func (r *rootTask) close() {
	if r.t != nil {
		r.t.leave()
	}
	if r.ahead != nil {
		r.ahead.close()
	}
	r.p.flow.close()
}

// clientSink holds one batch until the client asks for the next.
type clientSink struct{ out *vec.Batch }

func (s *clientSink) local(*worker) (operator, error) { return s, nil }
func (s *clientSink) finish(context.Context) error    { return nil }
func (s *clientSink) close()                          {}

func (s *clientSink) push(_ context.Context, b *vec.Batch) (status, error) {
	s.out = b
	return haveMore, nil
}

func (s *clientSink) resume(context.Context) (status, error) { return needMore, nil }
