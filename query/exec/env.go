package exec

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Env is what an execution needs besides its plan.
type Env struct {
	// Stmt is the statement whose snapshot is read. It must stay open until the query is closed.
	Stmt table.Statement
	// Expr has parameters, time and session for expressions. Subplan results are added to a copy.
	Expr *expr.Context
	// Mem is charged for all state of the query; nil: unbounded.
	Mem *mem.Tracker
	// Pool runs the workers; nil: the caller works alone.
	Pool *Pool
	// VectorRows bounds the rows of a batch; 0 means vec.Size.
	VectorRows int
	// Workers bounds the workers of a pipeline; 0 means the pool's.
	Workers int
	// Analyze measures time for Report.
	Analyze bool
	// DebugForms re-encodes the output of every operator into random other forms, with Seed.
	DebugForms bool
	Seed       int64
	Force      Force
	// Spill is where state goes that does not fit into memory; the zero value: nowhere, which is 53200.
	Spill Spill
	// Held are the rows that data changes in WITH have returned, by the numbers of the changes.
	Held map[int][]types.Row
	// working are the rows that a recursive query's step reads.
	working *workingRows
	// execution is a number that the queries of one execution share: that of the statement and those within it.
	execution uint32
	// shared are the plans that run once for all of their readers.
	shared *sharedPlans
}

// Force makes operators use a strategy whenever it is correct, whatever its cost. It is for tests.
type Force struct {
	// Join: "hash", "dense", "rank". Aggregate: "hash", "dense", which numbers all strings. "" chooses by facts.
	Join, Aggregate string
	// NoFilters leaves run-time filters out, NoRuns run aggregation.
	NoFilters, NoRuns bool
	// Ahead: "off" has the caller alone make the results for NextMade, "always" all workers from the first on, in short rounds.
	Ahead string
	// Spill lets state leave memory now and then, as if that were short.
	Spill bool
	// Avoid is what scans must not use.
	Avoid table.Avoid
}

// Query is one execution of a plan. It is used by one goroutine at a time.
type Query struct {
	env     Env
	plan    *plan.Query
	mem     *mem.Tracker
	pool    *Pool
	workers int
	spill   spillFile
	// claimed is memory that operators are about to take.
	claimed atomic.Int64
	// spilling is held by the worker that writes state to the file: what that takes is taken once.
	spilling sync.Mutex
	// vectorRows bounds the rows of the batches that operators make.
	vectorRows int

	// pipelines run one after the other before the root.
	pipelines []*pipeline
	next      int
	root      *rootTask
	needs     map[plan.Node][]bool
	outputs   map[plan.Node][]bool // of scans: what is needed beyond their conditions
	// orderless nodes' users do not depend on the order of their rows.
	orderless map[plan.Node]bool
	// scanFilters are the run-time filters that joins have for each scan.
	scanFilters map[*plan.Scan][]*scanFilter
	// fetches read the rows of which columns come late.
	fetches map[*plan.Fetch]table.Reader
	// volatile: what some expression yields, or does, depends on when it is evaluated.
	volatile bool
	depth    int // of the node whose flow is made
	stats    []*opStats
	statsMu  sync.Mutex // also guards the lists of the workers' instances in sinks
	closers  []func()
	ws       []*worker
	err      error
	closed   bool
}

// Instantiate binds a plan to a snapshot and parameters. Subplans run here, unless they are volatile; the rest runs
// with Next.
// The query must be closed, also after an error of Next.
func Instantiate(ctx context.Context, p *plan.Query, env *Env) (*Query, error) {
	q := newQuery(p, env)
	if len(p.Shared) > 0 {
		q.share()
	}
	if len(p.Subplans) > 0 {
		if err := q.runSubplans(ctx); err != nil {
			_ = q.Close() // nothing has been handed out
			return nil, err
		}
	}
	err := q.openFetches(ctx, p.Root)
	if err == nil {
		err = guard(func() error { return q.build(p.Root) })
	}
	if err != nil {
		_ = q.Close()
		return nil, err
	}
	return q, nil
}

// executions numbers them.
var executions atomic.Uint32

func newQuery(p *plan.Query, env *Env) *Query {
	q := &Query{env: *env, plan: p, mem: env.Mem, pool: env.Pool, workers: env.Workers, vectorRows: env.VectorRows}
	if env.Spill.Open != nil {
		q.spill.spill = &q.env.Spill
	}
	if q.env.execution == 0 {
		q.env.execution = executions.Add(1)
	}
	if q.mem == nil {
		q.mem = mem.NewTracker("query", 0)
	}
	if q.env.Expr == nil {
		q.env.Expr = &expr.Context{}
	}
	if q.vectorRows <= 0 || q.vectorRows > vec.Size {
		q.vectorRows = vec.Size
	}
	if q.workers <= 0 && q.pool != nil {
		q.workers = q.pool.Workers()
	}
	q.workers = max(q.workers, 1)
	return q
}

// Expr returns the context of the query's expressions, which has the results of subplans among its
// parameters.
func (q *Query) Expr() *expr.Context { return q.env.Expr }

// build makes the pipelines of a plan.
func (q *Query) build(root plan.Node) error {
	q.needs, q.outputs = map[plan.Node][]bool{}, map[plan.Node][]bool{}
	q.scanFilters = map[*plan.Scan][]*scanFilter{}
	all := make([]bool, len(root.Columns()))
	for i := range all {
		all[i] = true
	}
	q.orderless = map[plan.Node]bool{}
	q.require(root, all)
	q.markOrderless(root, false)
	f, err := q.flowOf(root)
	if err != nil {
		return err
	}
	q.root = newRootTask(q, f)
	return nil
}

// Next returns the next batch, borrowed until the following call, or io.EOF. After another error the
// query has failed.
func (q *Query) Next(ctx context.Context) (*vec.Batch, error) {
	if q.err != nil {
		return nil, q.err
	}
	if q.closed {
		return nil, errClosed
	}
	b, err := q.advance(ctx)
	if err != nil {
		q.err = err
		return nil, err
	}
	return b, nil
}

var errClosed = sqlerr.New(sqlerr.InternalError, "the query is closed")

func (q *Query) advance(ctx context.Context) (b *vec.Batch, err error) {
	if err := q.prepare(ctx); err != nil {
		return nil, err
	}
	err = guard(func() error {
		b, err = q.root.next(ctx)
		return err
	})
	return b, err
}

// prepare runs the pipelines before the last one.
func (q *Query) prepare(ctx context.Context) error {
	for q.next < len(q.pipelines) {
		p := q.pipelines[q.next]
		q.next++
		if err := p.run(ctx); err != nil && !p.postponed(ctx, err) {
			return err
		}
	}
	return nil
}

// Close ends the execution and releases what it holds. A second call does nothing.
func (q *Query) Close() error {
	if q.closed {
		return nil
	}
	q.closed = true
	if q.root != nil {
		q.root.close()
	}
	for _, p := range q.pipelines {
		p.flow.close()
		p.sink.close()
	}
	for i := len(q.closers) - 1; i >= 0; i-- {
		q.closers[i]()
	}
	for _, w := range q.ws {
		w.arena.free()
	}
	q.spill.close()
	return nil
}

// onClose registers what must be released at the end.
func (q *Query) onClose(f func()) { q.closers = append(q.closers, f) }

// crewWorkers returns n workers. They live as long as the query; pipelines use them one after the other.
func (q *Query) crewWorkers(n int) []*worker {
	for len(q.ws) < n {
		w := &worker{id: len(q.ws), q: q}
		w.arena.tracker = q.mem
		q.ws = append(q.ws, w)
	}
	return q.ws[:n]
}

// run adds a pipeline that ends in s.
func (q *Query) run(f *flow, s sink, name string) {
	q.pipelines = append(q.pipelines, &pipeline{q: q, flow: *f, sink: s, name: name})
}

func (f *flow) close() {
	for i := range f.branches {
		f.branches[i].src.close()
	}
}
