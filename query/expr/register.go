package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// register holds the values of one instruction in the current batch, in the forms that its users have
// asked for so far.
type register struct {
	typ   types.Type
	stamp uint32 // Evaluator.turn of the batch it is for
	have  haves
	fixed bool // a constant: valid in every batch
	// v describes the values: type, form, scale, validity. Its data is there if have&haveVec.
	v   vec.Vector
	out vec.Vector // what Eval returns

	// A deferred load: entry j is entry idx[j] (nil: j) of src, or row ids[j] for InRows.
	src *vec.Vector
	idx []uint16
	ids []uint32

	wide []int64  // haveWide: integers, or coefficients of at most 8 bytes, or float bits
	bits []uint64 // haveBits: TRUE of a boolean; bits beyond the rows are 0

	data, second unsafe.Pointer // room for a batch
	valid, mask  []uint64
	written      []uint64 // validity that a writer fills
	yes, no      []uint64 // of opAnd and opOr
	selBuf       []uint16
	set          *valueSet // of opIn
	merge        *merge    // of opCase and opCoalesce
	text         textArena
	konst        types.Datum // of a constant
	num          [2]int64    // data of a constant
	view         vec.StrView
	block        [1][]byte
	dict         *dictCache
	pattern      *pattern // of LIKE
}

// haves says which forms of a register's values are there.
type haves uint8

const (
	haveVec haves = 1 << iota
	haveWide
	haveBits
	deferred // not loaded yet: see src
)

// entryBytes is the room that a register keeps for an entry.
const entryBytes = 16

// setEmpty makes r a register of no rows.
func (r *register) setEmpty() {
	r.have = haveVec | haveWide | haveBits
	r.v = vec.Vector{Type: r.typ, Width: 8, NullBit: -1, Data: unsafe.Pointer(&r.num[0])}
	if r.typ.Class() == types.ClassString || r.typ.Class() == types.ClassNone {
		r.v.Form, r.v.Width = vec.Str, 16
	}
	r.wide, r.bits = nil, nil
}

// setConst makes r a constant.
func (r *register) setConst(d types.Datum) {
	d.K = r.typ.Kind
	r.konst = d
	r.have = haveVec
	r.v = vec.Vector{Type: r.typ, Form: vec.Const, Width: 8, N: 1, NullBit: -1, Data: unsafe.Pointer(&r.num[0])}
	if !d.Valid {
		r.valid = append(r.valid[:0], 0)
		r.v.Valid = r.valid[:1]
	}
	switch r.typ.Class() {
	case types.ClassInt:
		r.num[0] = d.I
		if r.typ.Kind == types.Bool {
			r.v.Width = 1
		}
	case types.ClassFloat:
		r.num[0] = d.I
	case types.ClassInterval:
		months, days, micros := d.IntervalParts()
		r.v.Width = 16
		r.num = [2]int64{micros, int64(uint64(uint32(months)) | uint64(uint32(days))<<32)}
	case types.ClassNumeric:
		r.setConstNumeric(d)
	default:
		r.setConstBytes([]byte(d.S))
	}
}

func (r *register) setConstNumeric(d types.Datum) {
	switch d.Form {
	case types.NumInt64:
		r.num[0], r.v.Scale = d.I, d.Scale
	case types.NumInt128:
		r.num, r.v.Width, r.v.Scale = [2]int64{d.I, d.H}, 16, d.Scale
	default:
		r.v.VarNumeric = true
		r.setConstBytes(types.EncodeNumeric(nil, d))
	}
}

func (r *register) setConstBytes(b []byte) {
	r.v.Width = 16
	r.v.Data = unsafe.Pointer(&r.view)
	if len(b) <= vec.InlineMax {
		r.view = vec.InlineView(b)
		return
	}
	r.block[0] = b
	r.view = vec.LongView(b, 0, 0)
	r.v.Blocks = r.block[:]
}

// isConst reports whether the register has one value for all rows.
func (r *register) isConst() bool { return r.v.Form == vec.Const && r.have&deferred == 0 }

// isNullConst reports whether it is the constant NULL.
func (r *register) isNullConst() bool { return r.isConst() && r.v.IsNull(0) }

// dataBuf returns the register's own room for the entries of a batch.
func (ev *Evaluator) dataBuf(r *register) (unsafe.Pointer, error) {
	return ev.buffer(r, &r.data)
}

// secondBuf is the room for values in a second form.
func (ev *Evaluator) secondBuf(r *register) (unsafe.Pointer, error) { return ev.buffer(r, &r.second) }

func (ev *Evaluator) buffer(r *register, p *unsafe.Pointer) (unsafe.Pointer, error) {
	if *p == nil {
		n := entryBytes
		switch r.typ.Class() {
		case types.ClassInt, types.ClassFloat:
			n = 8
		}
		var err error
		if *p, err = ev.mem.alloc(n * vec.Size); err != nil {
			return nil, err
		}
	}
	return *p, nil
}

// newInts starts a result of 8-byte entries.
func (ev *Evaluator) newInts(r *register, n int) ([]int64, error) {
	p, err := ev.dataBuf(r)
	if err != nil {
		return nil, err
	}
	r.v = vec.Vector{Type: r.typ, Width: 8, N: n, NullBit: -1, Data: p}
	r.wide = unsafe.Slice((*int64)(p), n)
	r.have = haveVec | haveWide
	return r.wide, nil
}

// newFloats is newInts for floats.
func (ev *Evaluator) newFloats(r *register, n int) ([]float64, error) {
	w, err := ev.newInts(r, n)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(w))), n), nil
}

// newBits starts a boolean result.
func (ev *Evaluator) newBits(r *register, n int) ([]uint64, error) {
	if err := ev.words(&r.mask); err != nil {
		return nil, err
	}
	r.v = vec.Vector{Type: r.typ, Width: 1, N: n, NullBit: -1}
	r.bits = r.mask[:kernel.Words(n)]
	r.have = haveBits
	return r.bits, nil
}

// newViews starts a result of strings or encoded numerics, with empty text.
func (ev *Evaluator) newViews(r *register, n int) ([]vec.StrView, error) {
	p, err := ev.dataBuf(r)
	if err != nil {
		return nil, err
	}
	r.text.reset()
	r.v = vec.Vector{Type: r.typ, Form: vec.Str, Width: 16, N: n, NullBit: -1, Data: p,
		VarNumeric: r.typ.Class() == types.ClassNumeric}
	r.have = haveVec
	return unsafe.Slice((*vec.StrView)(p), n), nil
}

// newWides starts a result of 16-byte entries.
func (ev *Evaluator) newWides(r *register, n int) ([]kernel.Wide, error) {
	p, err := ev.dataBuf(r)
	if err != nil {
		return nil, err
	}
	r.v = vec.Vector{Type: r.typ, Width: 16, N: n, NullBit: -1, Data: p}
	r.have = haveVec
	return unsafe.Slice((*kernel.Wide)(p), n), nil
}

// bitmapWords is the number of words of a bitmap of a whole batch.
const bitmapWords = vec.Size / 64

// words gives *m room for a bitmap.
func (ev *Evaluator) words(m *[]uint64) error {
	if cap(*m) >= bitmapWords {
		*m = (*m)[:bitmapWords]
		return nil
	}
	p, err := ev.mem.alloc(8 * bitmapWords)
	if err != nil {
		return err
	}
	*m = unsafe.Slice((*uint64)(p), bitmapWords)
	return nil
}

// putView stores text as entry i, long text in the register's arena.
func (ev *Evaluator) putView(r *register, dst *vec.StrView, text string) error {
	if len(text) <= vec.InlineMax {
		*dst = vec.InlineView(unsafe.Slice(unsafe.StringData(text), len(text)))
		return nil
	}
	b, block, off, err := r.text.room(&ev.mem, len(text))
	if err != nil {
		return err
	}
	copy(b, text)
	*dst = vec.LongView(b, block, off)
	r.v.Blocks = r.text.blocks
	return nil
}

// ints returns the first n values of a register that is not constant as 64-bit integers (coefficients,
// float bits). The type's entries must have at most 8 bytes.
func (ev *Evaluator) ints(r *register, n int) ([]int64, error) {
	if r.have&haveWide != 0 {
		return r.wide[:n], nil
	}
	if r.have&(haveVec|deferred) == 0 { // a boolean in bits
		if err := ev.materialise(r, nil); err != nil {
			return nil, err
		}
	}
	v := &r.v
	if r.have&deferred == 0 && v.Form == vec.Flat && v.Width == 8 {
		return unsafe.Slice((*int64)(v.Data), n), nil
	}
	p, err := ev.secondBuf(r)
	if err != nil {
		return nil, err
	}
	dst := unsafe.Slice((*int64)(p), vec.Size)
	if r.have&deferred != 0 {
		dst = dst[:r.v.N]
		loadInts(dst, r.src, r.idx, r.ids)
	} else {
		dst = dst[:v.N]
		loadInts(dst, v, nil, nil)
	}
	r.wide = dst
	r.have |= haveWide
	return dst[:n], nil
}

// floats is ints for floats.
func (ev *Evaluator) floats(r *register, n int) ([]float64, error) {
	w, err := ev.ints(r, n)
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(w))), len(w)), err
}

// materialise makes r.v complete.
func (ev *Evaluator) materialise(r *register, _ *frame) error {
	switch {
	case r.have&haveVec != 0:
		return nil
	case r.have&deferred != 0:
		return ev.loadVector(r)
	}
	p, err := ev.dataBuf(r)
	if err != nil {
		return err
	}
	kernel.UnpackMask(unsafe.Slice((*uint8)(p), r.v.N), r.bits)
	r.v.Data = p
	r.have |= haveVec
	return nil
}

// boolBits returns the rows of a boolean that are TRUE.
func (ev *Evaluator) boolBits(r *register, n int) ([]uint64, error) {
	if r.have&haveBits != 0 {
		return r.bits[:kernel.Words(n)], nil
	}
	if err := ev.words(&r.mask); err != nil {
		return nil, err
	}
	mask := r.mask[:kernel.Words(n)]
	if r.isConst() {
		clear(mask)
		if !r.v.IsNull(0) && r.v.Int(0) != 0 {
			kernel.FillMask(mask, n)
		}
		return mask, nil // not kept: a constant's mask depends on n
	}
	if err := ev.materialise(r, nil); err != nil {
		return nil, err
	}
	v := &r.v
	if v.Form == vec.Flat && v.Width == 1 {
		kernel.MaskBytes(unsafe.Slice((*uint8)(v.Data), n), uint8(-v.Base), mask)
	} else {
		w, err := ev.ints(r, n)
		if err != nil {
			return nil, err
		}
		kernel.MaskBytes(unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(w))), n), 0, mask)
	}
	if v.Valid != nil {
		kernel.And(mask, mask, v.Valid)
	}
	r.bits = mask
	r.have |= haveBits
	return mask, nil
}
