package expr

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

func sortFuncs(list []*Func) {
	slices.SortFunc(list, func(a, b *Func) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.OID, b.OID), cmp.Compare(a.Args[0], b.Args[0]))
	})
}

// world is a random input: rows, and batches that hold them in different forms.
type world struct {
	types []types.Type
	rows  []types.Row
}

func newWorld(g *exprGen, n int) *world {
	w := &world{types: g.cols}
	for range n {
		row := make(types.Row, len(g.cols))
		for c, t := range g.cols {
			row[c] = g.datum(t)
		}
		w.rows = append(w.rows, row)
	}
	return w
}

// batch returns the rows with the columns split into groups: the first part as built, the rest perhaps
// inside rows.
func (w *world) batch(t testing.TB, rng *rand.Rand, inRows bool) *vec.Batch {
	bb := vec.NewBatchBuilder(w.types, len(w.rows), nil)
	for _, row := range w.rows {
		if err := bb.AppendRow(row); err != nil {
			t.Fatal(err)
		}
	}
	b := bb.Batch()
	if !inRows {
		return b
	}
	cols := b.Groups[0].Cols
	split := len(cols) / 2
	out := &vec.Batch{N: b.N, Groups: []vec.Group{{Cols: cols[:split]}, rowGroup(rng, cols[split:], b.N)}}
	return out
}

// rowGroup moves columns into rows, in another order, behind the NULL row.
func rowGroup(rng *rand.Rand, cols []vec.Vector, n int) vec.Group {
	nullOff := 16 * len(cols)
	p := &vec.RowPages{Stride: (nullOff + len(cols)/8 + 1 + 7) &^ 7, NullOff: nullOff, PageShift: 6, N: n + 1}
	for range n>>6 + 1 {
		page := make([]uint64, p.Stride<<6/8)
		p.Pages = append(p.Pages, unsafe.Slice((*byte)(unsafe.Pointer(&page[0])), p.Stride<<6))
	}
	order := rng.Perm(n)
	g := vec.Group{RowIDs: make([]uint32, n)}
	for c := range cols {
		v := cols[c]
		base := uint32(len(p.Heap))
		p.Heap = append(p.Heap, v.Blocks...)
		for i := range n {
			row := p.Row(uint32(order[i] + 1))
			g.RowIDs[i] = uint32(order[i] + 1)
			if v.IsNull(i) {
				*(*byte)(unsafe.Add(row, nullOff+c/8)) |= 1 << (c & 7)
				continue
			}
			dst, src := unsafe.Add(row, 16*c), unsafe.Add(v.Data, i*int(v.Width))
			copy(unsafe.Slice((*byte)(dst), v.Width), unsafe.Slice((*byte)(src), v.Width))
			if v.Form == vec.Str {
				if s := (*vec.StrView)(dst); s.Len > vec.InlineMax {
					s.Block += base
				}
			}
		}
		v.Form, v.Rows, v.Off, v.NullBit, v.Data, v.Valid, v.Blocks = vec.InRows, p, 16*c, c, nil, nil, nil
		g.Cols = append(g.Cols, v)
	}
	for c := range g.Cols {
		g.Cols[c].Rows = p
	}
	return g
}

// want is what an expression gives by the tree: values up to the first row that fails.
func (w *world) want(e Expr, n int) ([]types.Datum, int, error) {
	var out []types.Datum
	for i := range n {
		d, err := EvalRow(testContext, e, w.rows[i])
		if err != nil {
			return out, i, err
		}
		out = append(out, d)
	}
	return out, -1, nil
}

var testContext = &Context{}

func sameDatum2(a, b types.Datum) bool {
	return a.Valid == b.Valid && (!a.Valid || types.Identical(a, b))
}

// checkEval compares the vector evaluator with the tree.
func (w *world) checkEval(t *testing.T, e Expr, ev *Evaluator, b *vec.Batch) (rows int, failed bool) {
	t.Helper()
	want, errRow, wantErr := w.want(e, b.N)
	ev.Begin(b)
	v, err := ev.Eval(0)
	if wantErr != nil {
		re, ok := errors.AsType[*RowError](err)
		if !ok || re.Row != errRow || re.Err.Error() != wantErr.Error() {
			t.Fatalf("%s\nrow %d %v\nwant error in row %d: %v, got %v", String(e), errRow, w.rows[errRow], errRow, wantErr, err)
		}
	} else if err != nil {
		re, _ := errors.AsType[*RowError](err)
		row := types.Row(nil)
		if re != nil {
			row = w.rows[re.Row]
		}
		t.Fatalf("%s\nunexpected error %v, row %v", String(e), err, row)
	}
	if v.Type != e.Type() || v.Form == vec.InRows || wantErr == nil && v.Form != vec.Const && v.N != b.N {
		t.Fatalf("%s: vector of type %v, form %d, %d entries", String(e), v.Type, v.Form, v.N)
	}
	lo, hi, bounded := ev.Bounds(0)
	for i, d := range want {
		got := v.Datum(i)
		if !sameDatum2(d, got) {
			t.Fatalf("%s\nrow %d %v\nwant %s, got %s (form %d)", String(e), i, w.rows[i], text(d, e.Type()), text(got, e.Type()), v.Form)
		}
		if bounded && d.Valid && (d.Form > types.NumInt64 || d.I < lo || d.I > hi || v.VarNumeric) {
			t.Fatalf("%s: %s outside of bounds %d … %d", String(e), text(d, e.Type()), lo, hi)
		}
	}
	return len(want), wantErr != nil
}

func text(d types.Datum, t types.Type) string {
	if !d.Valid {
		return "NULL"
	}
	return string(types.AppendText(nil, d, t, nil))
}

// rowTrue is what a filter must accept: TRUE rows, evaluating AND and OR only until they are decided for
// that purpose.
func rowTrue(e Expr, negated bool, row types.Row) (bool, error) {
	args, and := []Expr(nil), false
	switch e := e.(type) {
	case *Not:
		return rowTrue(e.Arg, !negated, row)
	case *BoolTest:
		if !e.Negated && !negated {
			return rowTrue(e.Arg, !e.Value, row)
		}
	case *And:
		args, and = e.Args, !negated
	case *Or:
		args, and = e.Args, negated
	}
	if args == nil {
		d, err := EvalRow(testContext, e, row)
		return d.Valid && d.Bool() != negated, err
	}
	for _, a := range infallibleFirst(args) {
		ok, err := rowTrue(a, negated, row)
		if err != nil || ok != and {
			return ok && err == nil, err
		}
	}
	return and, nil
}

// withHoles returns the batch of a scan with holes in place of its selection: what stands there is whatever the caller has put
// there.
func withHoles(b *vec.Batch) *vec.Batch {
	g := b.Groups[0]
	if g.Sel == nil || !slices.IsSorted(g.Sel) {
		return b
	}
	last := -1
	for _, at := range g.Sel {
		for last++; last < int(at); last++ {
			g.Holes = append(g.Holes, uint16(last))
		}
	}
	g.Sel = nil
	return &vec.Batch{N: b.N, Groups: []vec.Group{g}}
}

func (w *world) checkFilter(t *testing.T, e Expr, ev *Evaluator, b *vec.Batch, scan, holes bool) int {
	t.Helper()
	var want []uint16
	var wantErr error
	errRow := -1
	for i := range b.N {
		ok, err := rowTrue(e, false, w.rows[i])
		if err != nil {
			wantErr, errRow = err, i
			break
		}
		if ok {
			want = append(want, uint16(i))
		}
	}
	var got []uint16
	var err error
	if scan {
		holed := b
		if holes {
			holed = withHoles(b)
		}
		got, err = ev.FilterScan(0, holed, nil)
		for i := range want {
			want[i] = uint16(b.Groups[0].Pos(int(want[i])))
		}
	} else {
		ev.Begin(b)
		got, err = ev.Filter(0, nil)
	}
	re, isRow := errors.AsType[*RowError](err)
	if (err != nil) != (wantErr != nil) || err != nil && (!isRow || re.Row != errRow || re.Err.Error() != wantErr.Error()) {
		t.Fatalf("%s (scan %v, holes %v): want error %v in row %d, got %v (%+v)", String(e), scan, holes, wantErr, errRow, err, re)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s (scan %v, holes %v):\nwant %v\ngot  %v", String(e), scan, holes, want, got)
	}
	return len(want)
}

// TestVectorAgainstRows compares the vector evaluator and the row program with the evaluation of the tree,
// over random expressions, values and vector forms.
func TestVectorAgainstRows(t *testing.T) {
	worlds := 60
	if testing.Short() {
		worlds = 20
	}
	var evals, values, failures, filters, accepted int
	for seed := range worlds {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		g := &exprGen{rng: rng, cols: genTypes, tame: seed%3 > 0}
		sizes := []int{1, 3, 63, 64, 65, 200}
		w := newWorld(g, sizes[seed%len(sizes)])
		for i := range 60 {
			k := genTypes[rng.IntN(len(genTypes))].Kind
			if i%3 == 0 {
				k = types.Bool
			}
			e := g.expr(k, 1+rng.IntN(4))
			p, err := Compile([]Expr{e}, w.types)
			if err != nil {
				t.Fatal(err)
			}
			tracker := mem.NewTracker("test", 0)
			ev := p.NewEvaluator(testContext, tracker)
			for pass := range 3 {
				b := w.batch(t, rng, pass == 2)
				if pass > 0 {
					b = vec.Reencode(rng, b)
				}
				n, failed := w.checkEval(t, e, ev, b)
				evals++
				values += n
				if failed {
					failures++
				}
				if k == types.Bool {
					filters++
					accepted += w.checkFilter(t, e, ev, b, false, false)
					if len(b.Groups) == 1 {
						accepted += w.checkFilter(t, e, ev, b, true, false)
						accepted += w.checkFilter(t, e, ev, b, true, true)
					}
				}
			}
			ev.Close()
			if tracker.Used() != 0 {
				t.Fatalf("%d bytes left after Close", tracker.Used())
			}
			w.checkRowProgram(t, e, p)
		}
	}
	t.Logf("%d evaluations, %d values, %d errors, %d filters, %d rows accepted", evals, values, failures, filters, accepted)
	if values < 20000 || failures < 100 || accepted < 2000 {
		t.Fatal("too little was tested")
	}
}

func (w *world) checkRowProgram(t *testing.T, e Expr, p *Program) {
	t.Helper()
	rp := p.NewRow(testContext)
	for _, row := range w.rows {
		want, wantErr := EvalRow(testContext, e, row)
		rp.Begin(row)
		got, err := rp.Eval(0)
		if (err != nil) != (wantErr != nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%s: row program: want error %v, got %v", String(e), wantErr, err)
		}
		if err == nil && !sameDatum2(want, got) {
			t.Fatalf("%s: row program: want %s, got %s", String(e), text(want, e.Type()), text(got, e.Type()))
		}
	}
}
