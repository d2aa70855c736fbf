package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// window keeps the sorted rows of its input and then computes the functions, partition by partition. Rows may be in the
// file; of a partition, where its groups of peers begin is in memory.
type window struct {
	q     *Query
	n     *plan.Window
	stats *opStats
	prog  *expr.Program
	// exprs are kept for every row: input columns that are needed, partition, order, arguments, filters.
	exprs []expr.Expr
	types []types.Type
	slot  []int // of each input column; -1: not kept
	// part and order are the places of the partition's and the order's expressions.
	part, order []int
	funcs       []*windowFunc
	sink        windowSink
}

// windowFunc is a window function: the places of its arguments, and what its frame needs.
type windowFunc struct {
	w          *expr.Window
	need       bool
	args       []int
	filter     int // -1: none
	start, end frameOffset
}

func (q *Query) window(n *plan.Window) (*flow, error) {
	in, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	in.serial = true
	w := &window{q: q, n: n, stats: q.statsOf(n, n.ID, "window")}
	w.sink.w = w
	need := q.needs[n]
	for c, col := range n.Input.Columns() {
		w.slot = append(w.slot, -1)
		if need[c] {
			w.slot[c] = w.keep(&expr.Column{Node: expr.Node{Typ: col.Type}, ID: c})
		}
	}
	w.part, w.order = w.keepAll(n.Funcs[0].Partition), w.keepAll(n.Funcs[0].Order)
	for i, f := range n.Funcs {
		wf := &windowFunc{w: f, args: w.keepAll(f.Args), filter: -1, need: need[len(w.slot)+i]}
		if f.Filter != nil {
			wf.filter = w.keep(f.Filter)
		}
		if err := wf.offsets(q); err != nil {
			return nil, err
		}
		w.funcs = append(w.funcs, wf)
	}
	if w.prog, err = q.compile(w.exprs, typesOf(n.Input.Columns())); err != nil {
		return nil, err
	}
	q.run(in, &w.sink, "window")
	return &flow{branches: []branch{{src: &windowSource{w: w}}}, serial: true}, nil
}

// keep returns the place of an expression among those kept for every row.
func (w *window) keep(e expr.Expr) int {
	for i, x := range w.exprs {
		if !expr.IsVolatile(e) && expr.Equal(x, e) {
			return i
		}
	}
	w.exprs, w.types = append(w.exprs, e), append(w.types, e.Type())
	return len(w.exprs) - 1
}

func (w *window) keepAll(list []expr.Expr) []int {
	at := make([]int, len(list))
	for i, e := range list {
		at[i] = w.keep(e)
	}
	return at
}

// windowSink keeps the rows in their order.
type windowSink struct {
	w      *window
	ev     *expr.Evaluator
	vs     []*vec.Vector
	rows   *filedRows // of the kept expressions
	reader *filedReader
}

func (k *windowSink) local(wk *worker) (operator, error) {
	if k.rows != nil {
		return k, nil
	}
	s, err := newRowScratch(&wk.arena)
	if err != nil {
		return nil, err
	}
	k.rows = newFiledRows(k.w.q, k.w.types, k.w.stats, s)
	k.ev, k.vs = k.w.q.evaluator(k.w.prog), make([]*vec.Vector, len(k.w.exprs))
	return k, nil
}

func (k *windowSink) push(ctx context.Context, b *vec.Batch) (status, error) {
	if _, err := evalAll(k.ev, b, k.vs); err != nil {
		return needMore, err
	}
	return needMore, k.rows.append(ctx, k.vs, b.N, nil)
}

func (k *windowSink) resume(context.Context) (status, error) { return needMore, nil }

// finish makes the rows readable; nothing is added any more.
func (k *windowSink) finish(context.Context) error {
	k.rows.claim.done()
	k.reader = k.rows.reader()
	k.w.stats.bytes.Add(k.rows.tail.bytesOf())
	return nil
}

// close is both the operator's and the sink's: the rows stay until the sink's.
func (k *windowSink) close() {
	if k.rows != nil {
		k.ev.Close()
		k.reader.free()
		k.rows.free()
		k.rows = nil
	}
}

// datum returns a kept value of a row.
func (k *windowSink) datum(at int, id uint32) types.Datum { return k.reader.datum(at, id) }

// windowSource computes the functions, in the order of the rows.
type windowSource struct {
	w    *window
	done bool
}

func (s *windowSource) open(context.Context) error {
	s.done = false
	return nil
}

func (s *windowSource) close() {}

func (s *windowSource) reader() (reader, error) {
	w := s.w
	r := &windowReader{s: s, arena: arena{tracker: w.q.mem}}
	var err error
	if r.ids, err = makeSlice[uint32](&r.arena, batchRows); err != nil {
		return nil, err
	}
	for _, f := range w.funcs {
		r.builders = append(r.builders, vec.NewBuilder(f.w.Typ, w.q.vectorRows, w.q.mem))
	}
	r.p.w = w
	r.values = make([]windowValue, len(w.funcs))
	return r, nil
}

// windowReader makes batches of rows with their functions' values.
type windowReader struct {
	s        *windowSource
	arena    arena
	ids      []uint32
	in, outs []vec.Vector
	builders []*vec.Builder
	p        partition
	values   []windowValue
	at       uint32
	out      vec.Batch
	err      error
}

func (r *windowReader) claim(context.Context) error {
	if r.s.done {
		return io.EOF
	}
	r.s.done = true
	r.at, r.p.to = 0, 0
	return nil
}

func (r *windowReader) read(ctx context.Context) (*vec.Batch, error) {
	if r.err != nil {
		return nil, r.err
	}
	w := r.s.w
	for _, b := range r.builders {
		b.Reset()
	}
	if int(r.at) == w.sink.rows.len() {
		return nil, nil
	}
	page, n, err := w.sink.reader.from(r.at, r.ids[:w.q.vectorRows])
	if err != nil {
		return nil, err
	}
	k := 0
	for ; k < n; k++ {
		if err := r.row(ctx); err != nil {
			if k == 0 {
				return nil, err
			}
			r.err = err // after the rows before
			break
		}
		r.at++
	}
	r.in = r.in[:0]
	for c, col := range w.n.Input.Columns() {
		v := nullVector(col.Type)
		if at := w.slot[c]; at >= 0 {
			v = page.cols[at]
			v.Type = col.Type
		}
		r.in = append(r.in, v)
	}
	r.outs = r.outs[:0]
	for i, b := range r.builders {
		v := nullVector(w.funcs[i].w.Typ)
		if w.funcs[i].need {
			if v = b.Vector(); v.N > k {
				v.N = k
			}
		}
		r.outs = append(r.outs, v)
	}
	r.out.N = k
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: r.in, RowIDs: r.ids[:k]}, vec.Group{Cols: r.outs})
	w.stats.out(k)
	return &r.out, nil
}

// row computes the functions of the row at hand.
func (r *windowReader) row(ctx context.Context) error {
	if r.at%cancelFrames == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if r.at == r.p.to {
		if err := r.p.begin(ctx, r.at); err != nil {
			return err
		}
		for i, f := range r.s.w.funcs {
			var err error
			if r.values[i], err = newWindowValue(&r.p, f); err != nil {
				return err
			}
		}
	}
	r.p.enter(r.at)
	for i, v := range r.values {
		if !r.s.w.funcs[i].need {
			continue
		}
		d, err := v.value(ctx)
		if err != nil {
			return err
		}
		if err := r.builders[i].Append(d); err != nil {
			return err
		}
	}
	return r.s.w.sink.reader.err
}

func (r *windowReader) close() {
	for _, b := range r.builders {
		b.Release()
	}
	r.p.peers.free()
	r.arena.free()
}
