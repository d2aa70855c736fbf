package tpch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

// GenerateOptions says what Generate makes and how.
type GenerateOptions struct {
	// Tables to make; nil: all. Orders and LineItem are made together if both are listed.
	Tables []Table
	// Workers is the number of goroutines; 0: GOMAXPROCS.
	Workers int
	// BatchUnits is the number of units in a batch, at most BatchUnitsMax; 0: 2048.
	BatchUnits int64
	// Ordered delivers the batches of a table in the order of their rows, one at a time. Otherwise
	// the sink is called by several goroutines at once, in any order.
	Ordered bool
	// Progress, if not nil, is called after each batch, by one goroutine at a time.
	Progress func(Progress)
}

// Progress tells how far Generate is with a table.
type Progress struct {
	Table Table
	// Rows delivered so far.
	Rows int64
	// Units delivered so far, and of all of the table.
	Units, UnitsTotal int64
}

// A Sink takes a batch, which is valid until it returns. first is the unit of the first row.
type Sink func(ctx context.Context, b Batch, first int64) error

const defaultBatchUnits = 2048

// Generate makes tables in parallel and hands their rows to sink. It returns the first error of
// sink, or that of ctx.
func (g *Generator) Generate(ctx context.Context, opts GenerateOptions, sink Sink) error {
	r := &run{g: g, opts: opts}
	r.deliver = func(ctx context.Context, b Batch, _ []byte, first int64) error { return sink(ctx, b, first) }
	return r.start(ctx)
}

// start checks the options and makes the tables.
func (r *run) start(ctx context.Context) error {
	opts := &r.opts
	if opts.Tables == nil {
		opts.Tables = Tables()
	}
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.BatchUnits <= 0 {
		opts.BatchUnits = defaultBatchUnits
	}
	if opts.BatchUnits > BatchUnitsMax {
		return fmt.Errorf("generate: batches of %d units: at most %d", opts.BatchUnits, BatchUnitsMax)
	}
	jobs, err := jobsFor(opts.Tables)
	if err != nil {
		return err
	}
	r.progress = make(map[Table]*Progress)
	for _, job := range jobs {
		if err := r.job(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// jobsFor groups tables that are made together.
func jobsFor(tables []Table) ([][]Table, error) {
	var jobs [][]Table
	for i, t := range tables {
		switch {
		case t >= numTables:
			return nil, fmt.Errorf("generate: no %s", t)
		case slices.Contains(tables[:i], t):
			return nil, fmt.Errorf("generate: table %s is listed twice", t)
		case t == LineItem && slices.Contains(tables, Orders):
			// made with orders
		case t == Orders && slices.Contains(tables, LineItem):
			jobs = append(jobs, []Table{Orders, LineItem})
		default:
			jobs = append(jobs, []Table{t})
		}
	}
	return jobs, nil
}

// run is the state of one call of Generate. A job is the tables that are made together; its
// workers take turns in the order of the units they took.
type run struct {
	g    *Generator
	opts GenerateOptions
	// encode, if not nil, makes the text of a batch in its worker, before its turn.
	encode func(dst []byte, b Batch) []byte
	// deliver hands over a batch and its text.
	deliver func(ctx context.Context, b Batch, text []byte, first int64) error

	mu struct {
		sync.Mutex
		next int64 // unit that the next worker takes
		turn int64 // unit whose batches are delivered next, if ordered
		err  error
	}
	turned   *sync.Cond // mu.turn or mu.err changed
	progress map[Table]*Progress
	reports  sync.Mutex // guards progress
}

// job makes tables that share their units.
func (r *run) job(ctx context.Context, tables []Table) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.mu.next, r.mu.turn = 0, 0
	r.turned = sync.NewCond(&r.mu)
	total := r.g.Units(tables[0])
	var wg sync.WaitGroup
	for range min(int64(r.opts.Workers), (total+r.opts.BatchUnits-1)/r.opts.BatchUnits) {
		wg.Go(func() {
			if err := r.work(ctx, tables, total); err != nil {
				r.fail(err)
				cancel(err)
			}
		})
	}
	wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.err
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.err == nil {
		r.mu.err = err
	}
	r.turned.Broadcast()
}

// A worker makes batches of tables that share their units.
type worker struct {
	batches  []Batch
	texts    [][]byte
	first, n int64 // units of the batches
}

// work runs one worker until no units are left.
func (r *run) work(ctx context.Context, tables []Table, total int64) error {
	w := worker{batches: make([]Batch, len(tables)), texts: make([][]byte, len(tables))}
	for i, t := range tables {
		w.batches[i] = NewBatch(t)
	}
	for r.take(&w, total) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.fill(&w); err != nil {
			return err
		}
		if err := r.handOver(ctx, &w); err != nil {
			return err
		}
	}
	return nil
}

// take reserves the next units for w and reports whether there are any.
func (r *run) take(w *worker, total int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.first, w.n = r.mu.next, min(r.opts.BatchUnits, total-r.mu.next)
	r.mu.next += w.n
	return w.n > 0
}

func (r *run) fill(w *worker) error {
	var err error
	if len(w.batches) == 2 {
		err = r.g.Orders(w.first, w.n, w.batches[0].(*OrdersBatch), w.batches[1].(*LineItemBatch))
	} else {
		err = r.g.Fill(w.batches[0], w.first, w.n)
	}
	if err != nil || r.encode == nil {
		return err
	}
	for i, b := range w.batches {
		w.texts[i] = r.encode(w.texts[i][:0], b)
	}
	return nil
}

// errStopped ends the workers that wait for their turn after another worker's error, which is
// the one that is returned.
var errStopped = errors.New("generate: stopped")

// handOver delivers the batches of w, in turn if they are ordered. The turn does not pass on after
// an error, so that no batch follows one that was refused.
func (r *run) handOver(ctx context.Context, w *worker) error {
	if r.opts.Ordered && !r.awaitTurn(w.first) {
		return errStopped
	}
	for i, b := range w.batches {
		if err := r.deliver(ctx, b, w.texts[i], w.first); err != nil {
			return err
		}
		r.report(b, w.n)
	}
	if r.opts.Ordered {
		r.passTurn(w.first + w.n)
	}
	return nil
}

func (r *run) awaitTurn(first int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.mu.turn != first && r.mu.err == nil {
		r.turned.Wait()
	}
	return r.mu.err == nil
}

func (r *run) passTurn(turn int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.turn = turn
	r.turned.Broadcast()
}

func (r *run) report(b Batch, units int64) {
	if r.opts.Progress == nil {
		return
	}
	r.reports.Lock()
	defer r.reports.Unlock()
	p := r.progress[b.Table()]
	if p == nil {
		p = &Progress{Table: b.Table(), UnitsTotal: r.g.Units(b.Table())}
		r.progress[b.Table()] = p
	}
	p.Rows += int64(b.Len())
	p.Units += units
	r.opts.Progress(*p)
}

// WriteTBL writes a table in the text form of dbgen: see AppendTBL. opts.Tables and opts.Ordered
// are not used.
func (g *Generator) WriteTBL(ctx context.Context, w io.Writer, t Table, trailing bool, opts GenerateOptions) error {
	opts.Tables, opts.Ordered = []Table{t}, true
	r := &run{g: g, opts: opts}
	r.encode = func(dst []byte, b Batch) []byte { return AppendTBL(dst, b, trailing) }
	r.deliver = func(_ context.Context, _ Batch, text []byte, _ int64) error {
		if _, err := w.Write(text); err != nil {
			return fmt.Errorf("write %s: %w", t, err)
		}
		return nil
	}
	return r.start(ctx)
}
