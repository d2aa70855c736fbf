package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// runCase computes CASE: each row belongs to the first arm whose condition is true.
func (ev *Evaluator) runCase(f *frame, r *register, in *instr) error {
	m, err := ev.newMerge(f, r, in)
	if err != nil {
		return err
	}
	for i := range in.arms {
		a := &in.arms[i]
		psel, k := m.rest, m.left
		if !a.cond.none() {
			if psel, k, err = ev.armRows(f, m, &a.cond); err != nil {
				return err
			}
		}
		if err := ev.mergeArm(f, m, &a.value, psel, k); err != nil {
			return err
		}
	}
	return ev.endMerge(f, m)
}

// armRows returns the rows of those left for which a condition is true, and takes them from m.
func (ev *Evaluator) armRows(f *frame, m *merge, cond *operand) ([]uint16, int, error) {
	c := &ev.regs[cond.reg]
	var mask []uint64 // of the rows of f, or of the inner frame
	var inner *frame
	n := f.n
	if cond.blk != nil {
		var err error
		if inner, err = ev.runBlock(f, cond.blk, m.rest[:m.left], m.left); err != nil {
			return nil, 0, err
		}
		n = inner.n
	}
	mask, err := ev.boolBits(c, n)
	if err != nil {
		return nil, 0, err
	}
	k, left := 0, 0
	for j, p := range m.rest[:m.left] {
		at := int(p)
		if inner != nil {
			at = j
		}
		if at >= n { // after an error
			break
		}
		m.hit[k], m.rest[left] = p, p
		hit := int(mask[at>>6] >> (at & 63) & 1)
		k += hit
		left += 1 - hit
	}
	m.left = left
	return m.hit[:k], k, nil
}

// runCoalesce computes COALESCE: each row belongs to the first operand that is not NULL.
func (ev *Evaluator) runCoalesce(f *frame, r *register, in *instr) error {
	m, err := ev.newMerge(f, r, in)
	if err != nil {
		return err
	}
	for i := range in.arms {
		if m.left == 0 {
			break
		}
		if err := ev.coalesceArm(f, m, &in.arms[i].value); err != nil {
			return err
		}
	}
	return ev.endMerge(f, m)
}

func (ev *Evaluator) coalesceArm(f *frame, m *merge, o *operand) error {
	a := &ev.regs[o.reg]
	n := f.n
	var inner *frame
	if o.blk != nil {
		var err error
		if inner, err = ev.runBlock(f, o.blk, m.rest[:m.left], m.left); err != nil {
			return err
		}
		n = inner.n
	}
	if n == 0 {
		m.left = 0
		return nil
	}
	k, left := 0, 0
	for j, p := range m.rest[:m.left] {
		at := int(p)
		if inner != nil {
			at = j
		}
		if at >= n {
			break
		}
		null := a.v.Valid != nil && (a.isConst() && a.v.IsNull(0) || !a.isConst() && a.v.Valid[at>>6]>>(at&63)&1 == 0)
		m.rest[left] = p
		if null {
			left++
			continue
		}
		m.hit[k], m.from[k] = p, uint16(at)
		k++
	}
	m.left = left
	return ev.mergeRows(m, a, m.from[:k], m.hit[:k])
}

// merge is a result that is put together from several registers. The target form is decided before: the
// form that all arms share, or for numerics encoded values.
type merge struct {
	r         *register
	class     types.Class
	left      int
	rest      []uint16 // rows that no arm has taken yet, m.left of them
	hit, from []uint16
	valid     []uint64
	ints      []int64
	wides     []kernel.Wide
	views     []vec.StrView
	scale     int16 // of numerics in ints or wides
	encode    []byte
	started   bool
}

func (ev *Evaluator) newMerge(f *frame, r *register, in *instr) (*merge, error) {
	if r.merge == nil {
		r.merge = &merge{r: r, class: r.typ.Class()}
	}
	m := r.merge
	for _, s := range []*[]uint16{&m.rest, &m.hit, &m.from} {
		if _, err := ev.sel(s); err != nil {
			return nil, err
		}
	}
	m.left = f.n
	kernel.Identity(f.n, m.rest)
	if err := ev.words(&m.valid); err != nil {
		return nil, err
	}
	m.valid = m.valid[:kernel.Words(f.n)]
	clear(m.valid)
	m.ints, m.wides, m.views = nil, nil, nil
	m.started = false
	return m, nil
}

// mergeArm evaluates an arm's value for the rows psel and puts it there.
func (ev *Evaluator) mergeArm(f *frame, m *merge, o *operand, psel []uint16, k int) error {
	for k > 0 && int(psel[k-1]) >= f.n {
		k--
	}
	if k == 0 {
		return nil
	}
	psel = psel[:k]
	if o.blk == nil {
		return ev.mergeRows(m, &ev.regs[o.reg], psel, psel)
	}
	inner, err := ev.runBlock(f, o.blk, psel, k)
	if err != nil || inner.n == 0 {
		return err
	}
	kernel.Identity(inner.n, m.from)
	return ev.mergeRows(m, &ev.regs[o.reg], m.from[:inner.n], psel[:inner.n])
}

// start chooses the form of the result by its first part, which may have to change later.
func (ev *Evaluator) startMerge(m *merge, a *register) error {
	n := len(m.valid) * 64
	n = min(n, vec.Size)
	var err error
	switch m.class {
	case types.ClassInt, types.ClassFloat:
		m.ints, err = ev.newInts(m.r, n)
	case types.ClassInterval:
		m.wides, err = ev.newWides(m.r, n)
	case types.ClassNumeric:
		m.scale = a.v.Scale
		switch {
		case a.v.VarNumeric:
			m.views, err = ev.newViews(m.r, n)
		case is64(a):
			m.ints, err = ev.newInts(m.r, n)
		default:
			m.wides, err = ev.newWides(m.r, n)
		}
	default:
		m.views, err = ev.newViews(m.r, n)
	}
	m.started = true
	return err
}

// mergeRows sets the result's rows to (ascending) to entries from of a register.
func (ev *Evaluator) mergeRows(m *merge, a *register, from, to []uint16) error {
	if len(to) == 0 || a.isNullConst() {
		return nil
	}
	if !m.started {
		if err := ev.startMerge(m, a); err != nil {
			return err
		}
	}
	if a.isConst() || a.v.Valid == nil {
		kernel.SetBits(m.valid, to)
	} else {
		for j, i := range from {
			p := to[j]
			m.valid[p>>6] |= a.v.Valid[i>>6] >> (i & 63) & 1 << (p & 63)
		}
	}
	switch {
	case m.class == types.ClassNumeric:
		return ev.mergeNumeric(m, a, from, to)
	case m.ints != nil:
		return ev.mergeInts(m, a, from, to)
	case m.wides != nil:
		return ev.mergeWides(m, a, from, to)
	}
	return ev.mergeViews(m, a, from, to)
}

func (ev *Evaluator) mergeInts(m *merge, a *register, from, to []uint16) error {
	if a.isConst() {
		k := int64(0)
		if m.class == types.ClassFloat {
			k = *(*int64)(a.v.Data)
		} else {
			k = a.v.Int(0)
		}
		kernel.FillSel(m.ints, k, to)
		return nil
	}
	v, err := ev.ints(a, maxIndex(from)+1)
	if err != nil {
		return err
	}
	for j, i := range from {
		m.ints[to[j]] = v[i]
	}
	return nil
}

// maxIndex returns the last of some ascending positions.
func maxIndex(sel []uint16) int { return int(sel[len(sel)-1]) }

func (ev *Evaluator) mergeWides(m *merge, a *register, from, to []uint16) error {
	if a.isConst() {
		k := *(*kernel.Wide)(a.v.Data)
		kernel.FillSel(m.wides, k, to)
		return nil
	}
	if err := ev.materialise(a, nil); err != nil {
		return err
	}
	v := &a.v
	for j, i := range from {
		if v.Form == vec.Dict {
			d := &v.Dictionary.Values
			if c := int(v.Code(int(i))); c < d.N {
				m.wides[to[j]] = *(*kernel.Wide)(unsafe.Add(d.Data, 16*c))
			}
			continue
		}
		m.wides[to[j]] = *(*kernel.Wide)(unsafe.Add(v.Data, 16*int(i)))
	}
	return nil
}

// mergeNumeric keeps the form of the parts so far if the new one has it, else all values get a scale of their
// own.
func (ev *Evaluator) mergeNumeric(m *merge, a *register, from, to []uint16) error {
	same := !a.v.VarNumeric && a.v.Scale == m.scale
	switch {
	case m.ints != nil && same && is64(a):
		return ev.mergeInts(m, a, from, to)
	case m.wides != nil && same && !is64(a):
		return ev.mergeWides(m, a, from, to)
	}
	if m.views == nil {
		if err := ev.encodeMerge(m); err != nil {
			return err
		}
	}
	if err := ev.materialise(a, nil); err != nil {
		return err
	}
	for j, i := range from {
		d := datumAt(&a.v, int(i))
		if !d.Valid {
			continue
		}
		if err := ev.putNumeric(m, int(to[j]), d); err != nil {
			return err
		}
	}
	return nil
}

func (ev *Evaluator) putNumeric(m *merge, i int, d types.Datum) error {
	m.encode = types.EncodeNumeric(m.encode[:0], d)
	return ev.putView(m.r, &m.views[i], unsafe.String(unsafe.SliceData(m.encode), len(m.encode)))
}

// encodeMerge turns the coefficients so far into encoded values. The data is rewritten in place, from the
// end: views are at least as wide as what they replace.
func (ev *Evaluator) encodeMerge(m *merge) error {
	ints, wides, scale := m.ints, m.wides, int(m.scale)
	n := len(ints) + len(wides)
	views, err := ev.newViews(m.r, n)
	if err != nil {
		return err
	}
	m.ints, m.wides, m.views = nil, nil, views
	for i := n - 1; i >= 0; i-- {
		if m.valid[i>>6]>>(i&63)&1 == 0 {
			views[i] = vec.StrView{}
			continue
		}
		d := types.Datum{}
		if ints != nil {
			d = types.NewDecimal(ints[i], scale)
		} else {
			d = types.NewInt128(wides[i].Hi, wides[i].Lo, scale)
		}
		if err := ev.putNumeric(m, i, d); err != nil {
			return err
		}
	}
	return nil
}

// mergeViews copies strings; long ones into the result's own blocks.
func (ev *Evaluator) mergeViews(m *merge, a *register, from, to []uint16) error {
	if a.isConst() {
		var view vec.StrView
		b := viewAt(&a.v, 0).Bytes(a.v.Blocks)
		if err := ev.putView(m.r, &view, unsafe.String(unsafe.SliceData(b), len(b))); err != nil {
			return err
		}
		kernel.FillSel(m.views, view, to)
		return nil
	}
	views, blocks, err := ev.views(a, maxIndex(from)+1)
	if err != nil {
		return err
	}
	valid := a.v.Valid
	for j, i := range from {
		v := &views[i]
		switch {
		case valid != nil && valid[i>>6]>>(i&63)&1 == 0:
		case v.Len <= vec.InlineMax:
			m.views[to[j]] = *v
		default:
			b := v.Bytes(blocks)
			if err := ev.putView(m.r, &m.views[to[j]], unsafe.String(unsafe.SliceData(b), len(b))); err != nil {
				return err
			}
		}
	}
	return nil
}

// endMerge finishes the result: rows that no arm gave a value are NULL.
func (ev *Evaluator) endMerge(f *frame, m *merge) error {
	r := m.r
	if !m.started {
		r.setConst(types.NullOf(r.typ.Kind))
		return nil
	}
	r.v.N = f.n
	r.v.Scale = 0
	if m.class == types.ClassNumeric && m.views == nil {
		r.v.Scale = m.scale
	}
	if m.ints != nil {
		r.wide = m.ints[:f.n]
	}
	if !kernel.AllValid(m.valid, f.n) {
		r.v.Valid = m.valid
	}
	return nil
}
