package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// loadColumn makes r column c in the rows of f. Only its validity is gathered; values are when a user
// asks for them.
func (ev *Evaluator) loadColumn(f *frame, r *register, c int) error {
	col := &ev.cols[c]
	v := col.v
	r.v = *v
	if v.Form == vec.Const {
		r.have = haveVec
		return nil
	}
	g := &ev.b.Groups[col.g]
	if v.Form == vec.InRows {
		ids, err := ev.rowIDs(f, col.g, g)
		if err != nil {
			return err
		}
		return ev.loadRows(f, r, v, ids)
	}
	idx, err := ev.positions(f, col.g, g)
	if err != nil {
		return err
	}
	return ev.loadVia(r, v, idx, f.n)
}

// positions returns the positions of f's rows in the columns of group g; nil: 0 … n-1.
func (ev *Evaluator) positions(f *frame, i int, g *vec.Group) ([]uint16, error) {
	if g.Sel == nil {
		return f.sel, nil
	}
	if f.sel == nil {
		return g.Sel[:f.n], nil
	}
	fg := f.group(i)
	if fg.turn != ev.turn {
		buf, err := ev.sel(&fg.buf)
		if err != nil {
			return nil, err
		}
		fg.sel = buf[:f.n]
		kernel.ComposeSel(fg.sel, g.Sel, f.sel[:f.n])
		fg.turn = ev.turn
	}
	return fg.sel[:f.n], nil
}

// rowIDs is positions for columns inside rows.
func (ev *Evaluator) rowIDs(f *frame, i int, g *vec.Group) ([]uint32, error) {
	if f.sel == nil {
		return g.RowIDs[:f.n], nil
	}
	fg := f.group(i)
	if fg.idTurn != ev.turn {
		if fg.ids == nil {
			p, err := ev.mem.alloc(4 * vec.Size)
			if err != nil {
				return nil, err
			}
			fg.ids = unsafe.Slice((*uint32)(p), vec.Size)
		}
		fg.rows = fg.ids[:f.n]
		kernel.ComposeRows(fg.rows, g.RowIDs, f.sel[:f.n])
		fg.idTurn = ev.turn
	}
	return fg.rows[:f.n], nil
}

func (f *frame) group(i int) *frameGroup {
	for len(f.groups) <= i {
		f.groups = append(f.groups, frameGroup{})
	}
	return &f.groups[i]
}

// loadVia makes r the entries idx (nil: all) of v.
func (ev *Evaluator) loadVia(r *register, v *vec.Vector, idx []uint16, n int) error {
	r.v = *v
	r.v.N = n
	r.v.Valid = nil
	if idx == nil {
		r.have = haveVec
		if v.Valid != nil && !kernel.AllValid(v.Valid, n) {
			r.v.Valid = v.Valid
		}
		return nil
	}
	r.have = deferred
	r.src, r.idx, r.ids = v, idx[:n], nil
	r.v.Data = nil
	if v.Valid == nil {
		return nil
	}
	if err := ev.words(&r.valid); err != nil {
		return err
	}
	kernel.GatherMask(r.valid, v.Valid, r.idx)
	if !kernel.AllValid(r.valid, n) {
		r.v.Valid = r.valid[:kernel.Words(n)]
	}
	return nil
}

// loadRows makes r the values of an InRows column in the rows ids.
func (ev *Evaluator) loadRows(f *frame, r *register, v *vec.Vector, ids []uint32) error {
	r.have = deferred
	r.src, r.idx, r.ids = v, nil, ids
	r.v.Form, r.v.N, r.v.Data, r.v.Valid = vec.Flat, f.n, nil, nil
	if v.VarNumeric || v.Type.Class() == types.ClassString {
		r.v.Form, r.v.Blocks = vec.Str, v.Rows.Heap
	}
	if v.NullBit < 0 {
		return nil
	}
	if err := ev.words(&r.valid); err != nil {
		return err
	}
	kernel.FillMask(r.valid, f.n)
	p := v.Rows
	kernel.RowNulls(r.valid, p.Pages, p.PageShift, p.Stride, p.NullOff+v.NullBit>>3, uint8(v.NullBit&7), ids)
	if !kernel.AllValid(r.valid, f.n) {
		r.v.Valid = r.valid[:kernel.Words(f.n)]
	}
	return nil
}

// loadOuter makes r register n of the enclosing block, for f's rows.
func (ev *Evaluator) loadOuter(f *frame, r *register, n int) error {
	o := &ev.regs[n]
	if o.isConst() {
		r.v, r.have, r.konst = o.v, haveVec, o.konst
		return nil
	}
	if f.psel == nil {
		have := o.have
		if have&deferred != 0 { // share what is there; load the rest for oneself
			have &^= haveVec
		}
		r.v, r.have, r.wide, r.bits = o.v, have, o.wide, o.bits
		r.src, r.idx, r.ids = o.src, o.idx, o.ids
		r.trim(f.n)
		return nil
	}
	if o.have&(haveVec|deferred) == 0 || o.have&haveBits != 0 { // a boolean in bits
		return ev.loadOuterBits(f, r, o)
	}
	if o.have&deferred != 0 && o.have&haveWide == 0 {
		if err := ev.loadVector(o); err != nil {
			return err
		}
	}
	if o.have&haveWide != 0 && o.have&haveVec == 0 || o.v.Form == vec.Flat && o.v.Width < 8 && o.have&haveWide != 0 {
		w, err := ev.newInts(r, f.n)
		if err != nil {
			return err
		}
		kernel.Pick(w, o.wide, f.psel[:f.n])
		r.v.Scale, r.v.VarNumeric = o.v.Scale, o.v.VarNumeric
		return ev.gatherValid(f, r, o)
	}
	return ev.loadVia(r, &o.v, f.psel, f.n)
}

// trim cuts a shared register to n rows.
func (r *register) trim(n int) {
	r.v.N = n
	if r.have&deferred == 0 {
		return
	}
	if r.idx != nil {
		r.idx = r.idx[:n]
	}
	if r.ids != nil {
		r.ids = r.ids[:n]
	}
}

func (ev *Evaluator) loadOuterBits(f *frame, r, o *register) error {
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return err
	}
	kernel.GatherMask(mask, o.bits, f.psel[:f.n])
	return ev.gatherValid(f, r, o)
}

func (ev *Evaluator) gatherValid(f *frame, r, o *register) error {
	r.v.Valid = nil
	if o.v.Valid == nil {
		return nil
	}
	if err := ev.words(&r.valid); err != nil {
		return err
	}
	kernel.GatherMask(r.valid, o.v.Valid, f.psel[:f.n])
	r.v.Valid = r.valid[:kernel.Words(f.n)]
	return nil
}

// loadVector carries out a deferred load into r.v, in the width of its source.
func (ev *Evaluator) loadVector(r *register) error {
	p, err := ev.dataBuf(r)
	if err != nil {
		return err
	}
	n, src := r.v.N, r.src
	if src.Form == vec.InRows {
		loadFromRows(p, src, r.ids[:n])
	} else {
		idx := r.idx[:n]
		switch src.Width {
		case 1:
			pick[uint8](p, src, idx)
		case 2:
			pick[uint16](p, src, idx)
		case 4:
			pick[uint32](p, src, idx)
		case 8:
			pick[uint64](p, src, idx)
		default:
			pick[kernel.Wide](p, src, idx)
		}
	}
	r.v.Data = p
	r.have = r.have&^deferred | haveVec
	return nil
}

func pick[T any](dst unsafe.Pointer, v *vec.Vector, idx []uint16) {
	kernel.Pick(unsafe.Slice((*T)(dst), len(idx)), unsafe.Slice((*T)(v.Data), v.N), idx)
}

func loadFromRows(dst unsafe.Pointer, v *vec.Vector, ids []uint32) {
	switch v.Width {
	case 1:
		gatherRows[uint8](dst, v, ids)
	case 2:
		gatherRows[uint16](dst, v, ids)
	case 4:
		gatherRows[uint32](dst, v, ids)
	case 8:
		gatherRows[uint64](dst, v, ids)
	default:
		gatherRows[kernel.Wide](dst, v, ids)
	}
}

func gatherRows[T any](dst unsafe.Pointer, v *vec.Vector, ids []uint32) {
	p := v.Rows
	kernel.GatherColumn(unsafe.Slice((*T)(dst), len(ids)), p.Pages, p.PageShift, p.Stride, v.Off, ids)
}

// loadInts sets dst to the 64-bit values of v's entries idx (nil: the first), or of rows ids.
func loadInts(dst []int64, v *vec.Vector, idx []uint16, ids []uint32) {
	switch {
	case v.Form == vec.InRows:
		rowInts(dst, v, ids)
	case v.Form == vec.Dict:
		dictInts(dst, v, idx)
	case idx == nil:
		widen(dst, v)
	default:
		pickWiden(dst, v, idx)
	}
}

func rowInts(dst []int64, v *vec.Vector, ids []uint32) {
	p := v.Rows
	switch v.Width {
	case 1:
		kernel.GatherColumnInt[uint8](dst, p.Pages, p.PageShift, p.Stride, v.Off, v.Base, ids)
	case 2:
		kernel.GatherColumnInt[uint16](dst, p.Pages, p.PageShift, p.Stride, v.Off, v.Base, ids)
	case 4:
		kernel.GatherColumnInt[uint32](dst, p.Pages, p.PageShift, p.Stride, v.Off, v.Base, ids)
	default:
		kernel.GatherColumn(dst, p.Pages, p.PageShift, p.Stride, v.Off, ids)
	}
}

func widen(dst []int64, v *vec.Vector) {
	switch v.Width {
	case 1:
		kernel.Widen(dst, unsafe.Slice((*uint8)(v.Data), len(dst)), v.Base)
	case 2:
		kernel.Widen(dst, unsafe.Slice((*uint16)(v.Data), len(dst)), v.Base)
	case 4:
		kernel.Widen(dst, unsafe.Slice((*uint32)(v.Data), len(dst)), v.Base)
	default:
		copy(dst, unsafe.Slice((*int64)(v.Data), len(dst)))
	}
}

func pickWiden(dst []int64, v *vec.Vector, idx []uint16) {
	switch v.Width {
	case 1:
		kernel.PickWiden(dst, unsafe.Slice((*uint8)(v.Data), v.N), v.Base, idx)
	case 2:
		kernel.PickWiden(dst, unsafe.Slice((*uint16)(v.Data), v.N), v.Base, idx)
	case 4:
		kernel.PickWiden(dst, unsafe.Slice((*uint32)(v.Data), v.N), v.Base, idx)
	default:
		kernel.Pick(dst, unsafe.Slice((*int64)(v.Data), v.N), idx)
	}
}

// dictInts decodes a dictionary of integers: rare, since those are kept narrow instead.
func dictInts(dst []int64, v *vec.Vector, idx []uint16) {
	d := &v.Dictionary.Values
	for j := range dst {
		i := j
		if idx != nil {
			i = int(idx[j])
		}
		dst[j] = 0
		if c := int(v.Code(i)); c < d.N && !v.IsNull(i) {
			dst[j] = d.Int(c)
		}
	}
}

// views returns the first n strings (or encoded numerics) of a register that is not constant, and
// their blocks. Views of NULL entries must not be followed.
func (ev *Evaluator) views(r *register, n int) ([]vec.StrView, [][]byte, error) {
	if err := ev.materialise(r, nil); err != nil {
		return nil, nil, err
	}
	v := &r.v
	if v.Form != vec.Dict {
		return unsafe.Slice((*vec.StrView)(v.Data), n), v.Blocks, nil
	}
	p, err := ev.secondBuf(r)
	if err != nil {
		return nil, nil, err
	}
	dst := unsafe.Slice((*vec.StrView)(p), n)
	d := &v.Dictionary.Values
	entries := unsafe.Slice((*vec.StrView)(d.Data), d.N)
	for j := range dst {
		dst[j] = vec.StrView{}
		if c := int(v.Code(j)); c < d.N {
			dst[j] = entries[c]
		}
	}
	return dst, d.Blocks, nil
}
