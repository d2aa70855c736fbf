package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// runAdapter computes a call row by row with its scalar implementation: of one row if all arguments are
// constant and the function is not volatile.
func (ev *Evaluator) runAdapter(f *frame, r *register, in *instr) error {
	cells, err := ev.cells(in.args, f.n)
	if err != nil {
		return err
	}
	args := ev.args[:len(cells)]
	if in.fn.Volatility != Volatile && ev.allConst(in.args) {
		for j := range cells {
			args[j] = cells[j].konst
		}
		d, err := in.fn.Scalar(ev.ctx, args)
		if err != nil {
			ev.fail(f, 0, err)
			r.setEmpty()
			return nil
		}
		r.setConst(d)
		return nil
	}
	var valid []uint64
	if in.fn.Strict {
		if valid, err = ev.nulls(r, f.n, in.args); err != nil {
			return err
		}
	}
	w, err := ev.newWriter(r, f.n)
	if err != nil {
		return err
	}
	for i := range f.n {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			w.null(i)
			continue
		}
		for j := range cells {
			args[j] = cells[j].datum(i)
		}
		d, err := in.fn.Scalar(ev.ctx, args)
		if err != nil {
			ev.fail(f, i, err)
			break
		}
		if err := w.put(i, d); err != nil {
			return err
		}
	}
	w.close(f.n)
	return nil
}

// writer fills a register with single values in order.
type writer struct {
	ev     *Evaluator
	r      *register
	class  types.Class
	ints   []int64
	views  []vec.StrView
	wides  []kernel.Wide
	valid  []uint64
	nulls  bool
	encode []byte
}

// newWriter starts a result of n values. Booleans are written as bits.
func (ev *Evaluator) newWriter(r *register, n int) (*writer, error) {
	w := &ev.writer
	*w = writer{ev: ev, r: r, class: r.typ.Class(), encode: w.encode}
	// The validity of the arguments may be in r.valid and is still being read: write another bitmap.
	if err := ev.words(&r.written); err != nil {
		return nil, err
	}
	w.valid = r.written
	kernel.FillMask(w.valid, n)
	var err error
	switch w.class {
	case types.ClassInt, types.ClassFloat:
		w.ints, err = ev.newInts(r, n)
	case types.ClassInterval:
		w.wides, err = ev.newWides(r, n)
	default:
		w.views, err = ev.newViews(r, n)
	}
	return w, err
}

func (w *writer) null(i int) {
	w.valid[i>>6] &^= 1 << (i & 63)
	w.nulls = true
	switch {
	case w.ints != nil:
		w.ints[i] = 0
	case w.views != nil:
		w.views[i] = vec.StrView{}
	default:
		w.wides[i] = kernel.Wide{}
	}
}

func (w *writer) put(i int, d types.Datum) error {
	if !d.Valid {
		w.null(i)
		return nil
	}
	switch w.class {
	case types.ClassInt, types.ClassFloat:
		w.ints[i] = d.I
		return nil
	case types.ClassInterval:
		months, days, micros := d.IntervalParts()
		w.wides[i] = kernel.Wide{Lo: uint64(micros), Hi: int64(uint64(uint32(months)) | uint64(uint32(days))<<32)}
		return nil
	case types.ClassNumeric:
		w.encode = types.EncodeNumeric(w.encode[:0], d)
		return w.ev.putView(w.r, &w.views[i], unsafe.String(unsafe.SliceData(w.encode), len(w.encode)))
	}
	return w.ev.putView(w.r, &w.views[i], d.S)
}

// close ends the result at n values.
func (w *writer) close(n int) {
	r := w.r
	r.v.N = n
	if w.ints != nil {
		r.wide = r.wide[:n]
	}
	if w.nulls {
		r.v.Valid = w.valid[:kernel.Words(n)]
	}
}
