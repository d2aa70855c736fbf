package expr

import (
	"encoding/binary"
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Program is a list of expressions compiled for batches whose columns have given types. It is immutable
// and shared by workers.
type Program struct {
	exprs []Expr
	input []types.Type
}

// Compile prepares expressions over an input.
func Compile(exprs []Expr, input []types.Type) (*Program, error) {
	return &Program{exprs: exprs, input: input}, nil
}

// Evaluator runs a program for one worker.
type Evaluator struct {
	p   *Program
	ctx *Context
	b   *vec.Batch
	row types.Row
}

// NewEvaluator returns an evaluator of p; its memory is charged to tracker until Close.
func (p *Program) NewEvaluator(ctx *Context, tracker *mem.Tracker) *Evaluator {
	return &Evaluator{p: p, ctx: ctx, row: make(types.Row, len(p.input))}
}

// Close gives the evaluator's memory back.
func (ev *Evaluator) Close() {}

// Begin starts a batch. What Eval and the filters return is valid until the next Begin.
func (ev *Evaluator) Begin(b *vec.Batch) { ev.b = b }

func (ev *Evaluator) load(i int) types.Row {
	for c := range ev.row {
		ev.row[c] = ev.b.BatchDatum(c, i)
	}
	return ev.row
}

// Eval returns expression i for every live row, as a vector of b.N entries that has no selection (a Const
// one if all are equal). An error in a row is a *RowError; the entries before that row are good, and
// later calls in the same batch evaluate only those rows.
func (ev *Evaluator) Eval(i int) (*vec.Vector, error) {
	e := ev.p.exprs[i]
	out := make([]types.Datum, ev.b.N)
	for r := range out {
		d, err := EvalRow(ev.ctx, e, ev.load(r))
		if err != nil {
			v := vectorOf(e.Type(), out)
			return &v, &RowError{r, err}
		}
		out[r] = d
	}
	v := vectorOf(e.Type(), out)
	return &v, nil
}

// Filter appends to sel the ordinals of the live rows for which condition i is true.
func (ev *Evaluator) Filter(i int, sel []uint16) ([]uint16, error) {
	for r := range ev.b.N {
		d, err := EvalRow(ev.ctx, ev.p.exprs[i], ev.load(r))
		if err != nil {
			return sel, &RowError{r, err}
		}
		if d.Valid && d.Bool() {
			sel = append(sel, uint16(r))
		}
	}
	return sel, nil
}

// FilterScan appends to out the positions, in the columns of the single group of b, of the live rows for
// which condition i is true. No Begin is needed.
func (ev *Evaluator) FilterScan(i int, b *vec.Batch, out []uint16) ([]uint16, error) {
	ev.b = b
	n := len(out)
	out, err := ev.Filter(i, out)
	if sel := b.Groups[0].Sel; sel != nil {
		for j := n; j < len(out); j++ {
			out[j] = sel[out[j]]
		}
	}
	return out, err
}

// Bounds returns bounds of the values of expression i in the current batch that follow from facts;
// numerics are scaled as the vector that Eval returns.
func (ev *Evaluator) Bounds(i int) (lo, hi int64, ok bool) { return 0, 0, false }

func vectorOf(t types.Type, ds []types.Datum) vec.Vector {
	v := vec.Vector{Type: t, N: len(ds), Width: 8}
	valid := make([]uint64, vec.BitmapWords(len(ds))+1)
	nulls := false
	for i, d := range ds {
		if d.Valid {
			valid[i>>6] |= 1 << (i & 63)
		} else {
			nulls = true
		}
	}
	if nulls {
		v.Valid = valid
	}
	switch t.Class() {
	case types.ClassInterval:
		v.Width = 16
		b := make([]byte, 16*len(ds)+16)
		for i, d := range ds {
			m, dd, us := d.IntervalParts()
			binary.LittleEndian.PutUint64(b[16*i:], uint64(us))
			binary.LittleEndian.PutUint32(b[16*i+8:], uint32(m))
			binary.LittleEndian.PutUint32(b[16*i+12:], uint32(dd))
		}
		v.Data = unsafe.Pointer(&b[0])
	case types.ClassString, types.ClassNumeric, types.ClassNone:
		v.Width, v.Form = 16, vec.Str
		v.VarNumeric = t.Class() == types.ClassNumeric
		views := make([]vec.StrView, len(ds)+1)
		var block []byte
		for i, d := range ds {
			if !d.Valid {
				continue
			}
			b := []byte(d.S)
			if v.VarNumeric {
				b = types.EncodeNumeric(nil, d)
			}
			if len(b) <= vec.InlineMax {
				views[i] = vec.InlineView(b)
			} else {
				views[i] = vec.LongView(b, 0, uint32(len(block)))
				block = append(block, b...)
			}
		}
		v.Blocks = [][]byte{block}
		v.Data = unsafe.Pointer(&views[0])
	default:
		if t.Kind == types.Bool {
			v.Width = 1
			b := make([]byte, len(ds)+1)
			for i, d := range ds {
				b[i] = byte(d.I)
			}
			v.Data = unsafe.Pointer(&b[0])
			break
		}
		b := make([]int64, len(ds)+1)
		for i, d := range ds {
			b[i] = d.I
		}
		v.Data = unsafe.Pointer(&b[0])
	}
	return v
}

// RowProgram evaluates expressions on single rows, reusing its memory.
type RowProgram struct {
	exprs []Expr
}

// CompileRow prepares expressions for rows.
func CompileRow(exprs []Expr) (*RowProgram, error) { return &RowProgram{exprs: exprs}, nil }

// Eval evaluates expression i on a row.
func (p *RowProgram) Eval(ctx *Context, i int, row types.Row) (types.Datum, error) {
	return EvalRow(ctx, p.exprs[i], row)
}
