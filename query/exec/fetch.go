package exec

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// fetching is what the operators of one Fetch share.
type fetching struct {
	q     *Query
	n     *plan.Fetch
	stats *opStats
	prog  *expr.Program // the position
	// cols are the table's columns that somebody reads, out their places among those that are output.
	cols, out []int
	types     []types.Type

	mu sync.Mutex // of r, which one worker uses at a time
	r  table.Reader
}

// fetchRun adds columns of the rows that stand at positions. Each batch is read in the order of the positions, every row
// once, into built; the group that is added finds its values there by a selection. Rows without a position find the last
// one of built, which has NULLs. The input's groups stay as they are.
type fetchRun struct {
	f  *fetching
	ev *expr.Evaluator
	vs [1]*vec.Vector
	in *vec.Batch
	// places are the rows of the batch that have a position, in the order of these; refs has each once.
	places []fetchPlace
	refs   []table.RowRef
	ints   []int64
	sel    []uint16
	got    vec.Batch
	built  *vec.BatchBuilder
	out    vec.Batch
	cols   []vec.Vector
}

type fetchPlace struct {
	ref table.RowRef
	row uint16
}

// fetchRows is how many rows are fetched at once: the storage charges nobody for them.
const fetchRows = 256

// openFetches makes what fetches columns, before workers make readers of their own.
func (q *Query) openFetches(ctx context.Context, n plan.Node) error {
	if f, ok := n.(*plan.Fetch); ok {
		r, err := q.env.Stmt.Reader(ctx, f.Table.ID)
		if err != nil {
			return err
		}
		if q.fetches == nil {
			q.fetches = map[*plan.Fetch]table.Reader{}
		}
		q.fetches[f] = r
	}
	for _, in := range n.Inputs() {
		if err := q.openFetches(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

func (q *Query) fetch(n *plan.Fetch) (*flow, error) {
	in, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	f := &fetching{q: q, n: n, stats: q.statsOf(n, n.ID, "fetch"), r: q.fetches[n]}
	need := q.needs[n][len(n.Input.Columns()):]
	for i, c := range n.Cols {
		if need[i] {
			f.cols, f.out = append(f.cols, c), append(f.out, i)
			f.types = append(f.types, f.column(i).Type)
		}
	}
	ref := &expr.Column{Node: expr.Node{Typ: types.T(types.Int8)}, ID: n.RefCol}
	if f.prog, err = q.compile([]expr.Expr{ref}, typesOf(n.Input.Columns())); err != nil {
		return nil, err
	}
	in.pipe(f.operator)
	return in, nil
}

// column describes column i of those that are added.
func (f *fetching) column(i int) *plan.OutColumn { return &f.n.Out[len(f.n.Out)-len(f.n.Cols)+i] }

// operator makes the instance of one worker.
func (f *fetching) operator(w *worker, next operator) (operator, error) {
	r := &fetchRun{f: f, cols: make([]vec.Vector, len(f.n.Cols))}
	for i := range r.cols {
		r.cols[i] = nullVector(f.column(i).Type)
	}
	if err := r.alloc(&w.arena); err != nil {
		return nil, err
	}
	r.built = vec.NewBatchBuilder(f.types, fetchRows, f.q.mem)
	r.ev = f.q.evaluator(f.prog)
	return &stage{t: r, next: next, stats: f.stats}, nil
}

func (r *fetchRun) alloc(a *arena) error {
	var err error
	if r.places, err = makeSlice[fetchPlace](a, batchRows); err != nil {
		return err
	}
	if r.refs, err = makeSlice[table.RowRef](a, batchRows); err != nil {
		return err
	}
	if r.ints, err = makeSlice[int64](a, batchRows); err != nil {
		return err
	}
	r.sel, err = makeSlice[uint16](a, batchRows)
	return err
}

func (r *fetchRun) start(_ context.Context, b *vec.Batch) error {
	r.in = b
	return nil
}

func (r *fetchRun) produce(ctx context.Context) (*vec.Batch, error) {
	b := r.in
	if b == nil {
		return nil, nil
	}
	r.in = nil
	if _, err := evalAll(r.ev, b, r.vs[:]); err != nil {
		return nil, err
	}
	v := r.vs[0]
	r.place(intsOf(v, b.N, r.ints), v, hasNulls(v, b.N))
	if err := r.read(ctx, len(r.places) < b.N); err != nil {
		return nil, err
	}
	for i, at := range r.f.out {
		r.cols[at] = r.built.Col(i).Vector()
	}
	r.out.N = b.N
	r.out.Groups = append(append(r.out.Groups[:0], b.Groups...), vec.Group{Cols: r.cols, Sel: r.sel[:b.N]})
	return &r.out, nil
}

// place brings the positions of a batch's rows, which v has, into order, and says in sel where each row finds its values.
func (r *fetchRun) place(positions []int64, v *vec.Vector, nulls bool) {
	r.places, r.refs = r.places[:0], r.refs[:0]
	for i, x := range positions {
		if !nulls || !v.IsNull(i) {
			r.places = append(r.places, fetchPlace{table.RowRef(x), uint16(i)})
		}
	}
	slices.SortFunc(r.places, func(a, b fetchPlace) int { return cmp.Compare(a.ref, b.ref) })
	for _, p := range r.places {
		if k := len(r.refs); k == 0 || r.refs[k-1] != p.ref {
			r.refs = append(r.refs, p.ref)
		}
		r.sel[p.row] = uint16(len(r.refs) - 1)
	}
	if len(r.places) == len(positions) {
		return
	}
	last := len(r.refs)
	if invariants.Mutant("fetch-row-for-null") {
		last = max(last-1, 0)
	}
	for i := range positions {
		if v.IsNull(i) {
			r.sel[i] = uint16(last)
		}
	}
}

// read reads the rows at the positions, and adds one of NULLs if some row has none.
func (r *fetchRun) read(ctx context.Context, null bool) error {
	r.built.Reset()
	if len(r.f.cols) == 0 {
		return nil
	}
	for from := 0; from < len(r.refs); from += fetchRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.fetch(ctx, r.refs[from:min(from+fetchRows, len(r.refs))]); err != nil {
			return err
		}
	}
	if !null {
		return nil
	}
	for i := range r.f.cols {
		if err := r.built.Col(i).AppendNull(); err != nil {
			return err
		}
	}
	return r.built.Commit()
}

// fetch copies rows out of the table.
func (r *fetchRun) fetch(ctx context.Context, refs []table.RowRef) error {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.r.Fetch(ctx, refs, f.cols, &r.got); err != nil {
		return err
	}
	return r.built.AppendBatch(&r.got)
}

func (r *fetchRun) close() {
	r.ev.Close()
	r.built.Release()
}
