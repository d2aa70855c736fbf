package exec

import (
	"context"
	"io"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Shared plans run once for all of their readers, wherever those are: in the query itself, in its subplans, in inner
// plans of applies and in rounds of recursions, which have the query's environment. What holds:
//
//   - A plan runs as far as a reader gets, a chunk of rows at a time: one that nobody reads does nothing and raises
//     nothing, and one without end has readers with LIMIT.
//   - A chunk is complete, and does not change any more, before a reader sees it, so that readers of all workers share
//     its pages without a lock; only the list of chunks is under one.
//   - All readers see the same rows in the same order, and then the same error, if there is one.
//   - Chunks stay until the query is closed. They are charged to it, and those that do not fit into memory stand in its
//     temporary file, from where each reader reads them for itself.
type sharedPlans struct {
	plans []sharedRows
}

// sharedRows are the rows of one shared plan, as far as it has run.
type sharedRows struct {
	q   *Query // whose plan it is
	def *plan.SharedPlan

	mu     sync.Mutex
	begun  bool
	ended  bool
	err    error // what comes after the last row
	chunks []sharedChunk
	run    *Query // nil before the first chunk and after the last
	ts     []types.Type
	copies *expr.Program
	ev     *expr.Evaluator
	vs     []*vec.Vector
	arena  arena
	rows   *rowScratch
	room   room
	ids    []uint32
	buf    []byte
	// stats are those of the first reader, which is charged with what the chunks take.
	stats *opStats
}

// sharedChunk are some rows, in memory, or in the file in blocks of the same layout.
type sharedChunk struct {
	set    *rowSet
	n      int
	layout layout
	blocks []block
}

// sharedRowsMax bounds the rows that a chunk aims at. The first ones are small, one batch at first, since a reader may want
// no more.
const sharedRowsMax = 1 << 14

// share makes the plans known to the query and to all that run in its environment.
func (q *Query) share() {
	s := &sharedPlans{plans: make([]sharedRows, len(q.plan.Shared))}
	for i := range s.plans {
		r := &s.plans[i]
		r.q, r.def = q, &q.plan.Shared[i]
		r.room.q = q
		r.arena.tracker = q.mem
		q.onClose(r.free)
	}
	q.env.shared = s
}

// find returns the plan of the given number.
func (s *sharedPlans) find(of int) *sharedRows {
	if s != nil {
		for i := range s.plans {
			if s.plans[i].def.Of == of {
				return &s.plans[i]
			}
		}
	}
	return nil
}

func (s *sharedRows) free() {
	s.stop()
	for i := range s.chunks {
		s.chunks[i].set.release()
	}
	s.chunks = nil
	s.room.done()
	s.arena.free()
}

// chunk returns chunk i, for which the plan runs on if need be; not ok after the last one. The error comes after the
// rows before it. stats are those of the reader.
func (s *sharedRows) chunk(ctx context.Context, i int, stats *opStats) (c sharedChunk, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stats == nil {
		s.stats = stats
	}
	for i >= len(s.chunks) && !s.ended {
		if err := s.produce(ctx); err != nil {
			s.end(err)
		}
	}
	if i < len(s.chunks) {
		return s.chunks[i], true, nil
	}
	return c, false, s.err
}

// end notes that there is nothing more, or why.
func (s *sharedRows) end(err error) {
	s.ended, s.err = true, err
	s.stop()
}

// stop ends the execution of the plan, and keeps its counters.
func (s *sharedRows) stop() {
	if s.ev != nil {
		s.ev.Close()
		s.ev = nil
	}
	if s.run == nil {
		return
	}
	s.q.statsMu.Lock()
	s.q.stats = append(s.q.stats, s.run.stats...)
	s.q.statsMu.Unlock()
	_ = s.run.Close() // which ends nothing that could fail later
	s.run = nil
}

// begin instantiates the plan.
func (s *sharedRows) begin(ctx context.Context) error {
	s.begun = true
	s.ts = typesOf(s.def.Root.Columns())
	var err error
	if s.copies, err = s.q.compileCopies(s.ts); err != nil {
		return err
	}
	if s.rows, err = newRowScratch(&s.arena); err != nil {
		return err
	}
	if s.ids, err = makeSlice[uint32](&s.arena, chunkRows); err != nil {
		return err
	}
	env := s.q.env
	env.Mem = s.q.mem
	if s.run, err = Instantiate(ctx, &plan.Query{Root: s.def.Root, Subplans: s.def.Subplans, Params: s.q.plan.Params}, &env); err != nil {
		return err
	}
	s.ev, s.vs = s.q.evaluator(s.copies), make([]*vec.Vector, len(s.ts))
	return nil
}

// produce runs the plan for one more chunk. The rows before an error are a chunk, too.
func (s *sharedRows) produce(ctx context.Context) error {
	if !s.begun {
		if err := s.begin(ctx); err != nil {
			return err
		}
	}
	want := sharedRowsMax
	if n := len(s.chunks); n < bits.Len(sharedRowsMax) {
		want = 1 << n
	}
	set := newRowSet(s.q.mem, s.ts, nil, false, new(atomic.Int32), s.rows)
	var failed error
	for set.n < want && failed == nil && (set.n == 0 || s.room.ask(set.growth(batchRows), buildShare)) {
		b, err := s.run.Next(ctx)
		if err == nil {
			_, err = evalAll(s.ev, b, s.vs)
		}
		if err == nil {
			err = set.append(s.vs, b.N, nil)
		}
		failed = err
	}
	if failed == io.EOF {
		s.end(nil)
		failed = nil
	}
	if err := s.keep(ctx, set); err != nil {
		set.free()
		return err
	}
	return failed
}

// keep adds a chunk, in memory if it fits.
func (s *sharedRows) keep(ctx context.Context, set *rowSet) error {
	if set.n == 0 || invariants.Mutant("shared-loses-last") && s.ended {
		set.free()
		return nil
	}
	c := sharedChunk{set: set, n: set.n}
	size := set.bytesOf()
	fits := s.room.ask(size, buildShare) // another one
	s.room.done()
	if !fits && s.q.canSpill() && !s.q.small(size) {
		if err := s.write(ctx, &c); err != nil {
			return err
		}
	}
	if c.set != nil {
		s.stats.bytes.Add(size)
	}
	s.chunks = append(s.chunks, c)
	return nil
}

// write moves a chunk to the temporary file.
func (s *sharedRows) write(ctx context.Context, c *sharedChunk) error {
	c.layout = c.set.layout.clone()
	for at := 0; at < c.n; at += chunkRows {
		k := min(chunkRows, c.n-at)
		for i := range k {
			s.ids[i] = uint32(at + i)
		}
		s.buf = c.set.save(s.buf[:0], s.ids[:k])
		b, err := s.q.spill.write(ctx, s.buf)
		if err != nil {
			return err
		}
		s.stats.spill(b.n, 0)
		c.blocks = append(c.blocks, b)
	}
	s.stats.spill(0, 1)
	c.set.free()
	c.set = nil
	return nil
}

// sharedSource reads a shared plan. A morsel is a chunk.
type sharedSource struct {
	q     *Query
	n     *plan.Shared
	rows  *sharedRows
	stats *opStats
	next  int // the chunk to be claimed
}

func (q *Query) shared(n *plan.Shared) (*flow, error) {
	s := &sharedSource{q: q, n: n, rows: q.env.shared.find(n.Of), stats: q.statsOf(n, n.ID, "shared")}
	if s.rows == nil {
		return nil, sqlerr.New(sqlerr.InternalError, "a shared plan that the query does not have")
	}
	return &flow{branches: []branch{{src: s}}}, nil
}

// open runs the plan for the first chunk, before the workers of the reader begin: they may help with it.
func (s *sharedSource) open(ctx context.Context) error {
	s.next = 0
	_, _, err := s.rows.chunk(ctx, 0, s.stats)
	if err != nil && ctx.Err() == nil {
		err = nil // it belongs to the place of the row that is claimed
	}
	return err
}

func (s *sharedSource) close() {}

func (s *sharedSource) reader() (reader, error) {
	r := &sharedReader{s: s, arena: arena{tracker: s.q.mem}}
	var err error
	r.ids, err = makeSlice[uint32](&r.arena, batchRows)
	return r, err
}

// sharedReader makes batches of the rows of a chunk.
type sharedReader struct {
	s     *sharedSource
	chunk sharedChunk
	at    int
	ids   []uint32
	cols  []vec.Vector
	out   vec.Batch
	arena arena
	// own has the rows of a block of a chunk in the file, and block is the next one.
	own    *rowSet
	blocks atomic.Int32
	block  int
	buf    []byte
	all    []vec.Vector
}

func (r *sharedReader) claim(ctx context.Context) error {
	c, ok, err := r.s.rows.chunk(ctx, r.s.next, r.s.stats)
	if err != nil {
		return err
	}
	if !ok {
		return io.EOF
	}
	r.s.next++
	r.chunk, r.at, r.block = c, 0, 0
	if c.set != nil {
		r.describe(c.set)
	} else if r.own != nil {
		r.own.free()
	}
	return nil
}

// describe makes the vectors of the output's columns.
func (r *sharedReader) describe(set *rowSet) {
	r.all = set.vectors(r.all[:0], r.s.rows.ts)
	r.cols = r.cols[:0]
	for _, c := range r.s.n.Cols {
		r.cols = append(r.cols, r.all[c])
	}
}

func (r *sharedReader) read(ctx context.Context) (*vec.Batch, error) {
	set := r.chunk.set
	if set == nil {
		if err := r.load(ctx); err != nil {
			return nil, err
		}
		set = r.own
	}
	n := min(r.s.q.vectorRows, set.n-r.at)
	if n == 0 {
		return nil, nil
	}
	for i := range n {
		r.ids[i] = uint32(r.at + i)
	}
	r.at += n
	r.out.N = n
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: r.cols, RowIDs: r.ids[:n]})
	r.s.stats.out(n)
	return &r.out, nil
}

// load reads the next block of a chunk in the file, if the one before is used up.
func (r *sharedReader) load(ctx context.Context) error {
	if r.own == nil {
		r.own = newRowSet(r.s.q.mem, r.s.rows.ts, nil, false, &r.blocks, nil)
	}
	if r.at < r.own.n || r.block == len(r.chunk.blocks) {
		return nil
	}
	var err error
	if r.buf, err = r.s.rows.q.spill.read(ctx, r.chunk.blocks[r.block], r.buf); err != nil {
		return err
	}
	n := min(chunkRows, r.chunk.n-r.block*chunkRows)
	if _, err = r.own.load(r.buf, n, &r.chunk.layout); err != nil {
		return err
	}
	r.block, r.at = r.block+1, 0
	r.describe(r.own)
	return nil
}

func (r *sharedReader) close() {
	r.own.release()
	r.arena.free()
}
