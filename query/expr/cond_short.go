package expr

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// applyShort runs a leaf on its column in place. It returns false if the column's form needs the block.
func (ev *Evaluator) applyShort(s *condState, in rowsIn, buf []uint16) (int, bool, error) {
	if s.col < 0 {
		return 0, false, nil
	}
	v, err := ev.spaceColumn(s.col)
	if err != nil {
		return 0, false, err
	}
	switch {
	case s.kind == condNull:
		return applyNull(s, v, in, buf), true, nil
	case s.kind == condColumn:
		return ev.applyColumns(s, v, in, buf)
	case v.Form == vec.Dict:
		if k, ok := ev.applyCodes(s, v, in, buf); ok {
			return k, true, nil
		}
		if s.kind != condText {
			return 0, false, nil
		}
	case v.Form == vec.Const:
		return 0, false, nil
	}
	switch s.kind {
	case condRange:
		k, ok := applyRange(s, v, in, buf)
		return k, ok, nil
	case condSet:
		k, ok := applySet(s, v, in, buf)
		return k, ok, nil
	case condText:
		return ev.applyText(s, v, in, buf)
	case condBool:
		want := int64(1)
		if s.negated {
			want = 0
		}
		return selectRange(v, intRange{want, want, false}, in, buf), true, nil
	}
	return 0, false, nil
}

func applyNull(s *condState, v *vec.Vector, in rowsIn, buf []uint16) int {
	wantValid := s.expr.(*IsNull).Negated != s.negated
	valid := v.Valid
	if v.Form == vec.Const || valid == nil {
		null := v.Form == vec.Const && v.IsNull(0)
		if null == wantValid {
			return 0
		}
		return copyRows(in, buf)
	}
	if wantValid {
		return kernel.SelectValid(valid, in.n, in.sel, buf)
	}
	if in.sel != nil {
		return kernel.DropBits(valid, in.sel[:in.n], buf)
	}
	kernel.Identity(in.n, buf)
	return kernel.DropBits(valid, buf[:in.n], buf)
}

// copyRows spells the rows out.
func copyRows(in rowsIn, buf []uint16) int {
	if in.sel == nil {
		kernel.Identity(in.n, buf)
	} else {
		copy(buf, in.sel[:in.n])
	}
	return in.n
}

// scaleOf returns the scale of a vector's integers; false if it has none.
func scaleOf(v *vec.Vector) (int16, bool) {
	switch v.Type.Class() {
	case types.ClassInt:
		return 0, true
	case types.ClassNumeric:
		return v.Scale, !v.VarNumeric && v.Width <= 8
	}
	return 0, false
}

// applyRange intersects the leaf's bounds at the column's scale.
func applyRange(s *condState, v *vec.Vector, in rowsIn, buf []uint16) (int, bool) {
	scale, ok := scaleOf(v)
	if !ok {
		return 0, false
	}
	if !s.scaled || s.scale != scale {
		if s.rng, ok = s.rangeAt(scale); !ok {
			return 0, false
		}
		s.scale, s.scaled = scale, true
	}
	return selectRange(v, s.rng, in, buf), true
}

func (s *condState) rangeAt(scale int16) (intRange, bool) {
	all := intRange{lo: -1 << 63, hi: 1<<63 - 1}
	for i, b := range s.bounds {
		d := s.values[i]
		var x intRange
		switch d.K.Class() {
		case types.ClassInt:
			if scale != 0 {
				d = types.NumericFromInt(d.I)
				break
			}
			x = rangeOfInt(b.op, d.I)
		case types.ClassNumeric:
		default:
			return x, false
		}
		if d.K == types.Numeric {
			var ok bool
			if x, ok = rangeOfNumeric(b.op, d, scale); !ok {
				return x, false
			}
		}
		if x.negated {
			return x, len(s.bounds) == 1
		}
		all.lo, all.hi = max(all.lo, x.lo), min(all.hi, x.hi)
	}
	return all, true
}

// selectRange selects the rows whose values lie in a range, NULL not.
func selectRange(v *vec.Vector, x intRange, in rowsIn, buf []uint16) int {
	lo, span, some := codeRange(v, x)
	if !some {
		return 0
	}
	n := in.n
	if invariants.Mutant("kernel-last-partial-vector") && in.sel == nil {
		n &^= 63
	}
	k := 0
	switch {
	case in.sel == nil && v.Width == 1:
		k = kernel.SelectRange(sliceOf[uint8](v, n), uint8(lo), uint8(span), buf)
	case in.sel == nil && v.Width == 2:
		k = kernel.SelectRange(sliceOf[uint16](v, n), uint16(lo), uint16(span), buf)
	case in.sel == nil && v.Width == 4:
		k = kernel.SelectRange(sliceOf[uint32](v, n), uint32(lo), uint32(span), buf)
	case in.sel == nil:
		k = kernel.SelectRange(sliceOf[uint64](v, n), lo, span, buf)
	case v.Width == 1:
		k = kernel.SelectRangeSel(sliceOf[uint8](v, v.N), uint8(lo), uint8(span), in.sel[:n], buf)
	case v.Width == 2:
		k = kernel.SelectRangeSel(sliceOf[uint16](v, v.N), uint16(lo), uint16(span), in.sel[:n], buf)
	case v.Width == 4:
		k = kernel.SelectRangeSel(sliceOf[uint32](v, v.N), uint32(lo), uint32(span), in.sel[:n], buf)
	default:
		k = kernel.SelectRangeSel(sliceOf[uint64](v, v.N), lo, span, in.sel[:n], buf)
	}
	return dropNulls(v, buf, k)
}

// applySet looks integers up.
func applySet(s *condState, v *vec.Vector, in rowsIn, buf []uint16) (int, bool) {
	scale, ok := scaleOf(v)
	if !ok || len(s.set.list) == 0 {
		return 0, false
	}
	ints := s.set.ints
	if s.set.list[0].K == types.Numeric {
		ints = s.set.atScale(scale)
	}
	if ints == nil {
		return 0, false
	}
	k := 0
	for j := range in.n {
		i := j
		if in.sel != nil {
			i = int(in.sel[j])
		}
		buf[k] = uint16(i)
		if ints.has(v.Int(i)) != s.negated {
			k++
		}
	}
	return dropNulls(v, buf, k), true
}

// applyText tests strings one by one, or for a part of a pattern many at once.
func (ev *Evaluator) applyText(s *condState, v *vec.Vector, in rowsIn, buf []uint16) (int, bool, error) {
	d := v
	if v.Form == vec.Dict {
		d = &v.Dictionary.Values
	}
	if d.VarNumeric || d.Width != 16 {
		return 0, false, nil
	}
	if len(s.viewKeys) > 0 && v.Form == vec.Str {
		return s.applyViews(v, in, buf), true, nil
	}
	views := sliceOf[vec.StrView](d, d.N)
	if p := s.pattern; p != nil && p.like != nil && p.like.Parts() && v.Form == vec.Str {
		rows := kernel.LikeRows{Views: views, Blocks: d.Blocks, Valid: v.Valid, Sel: in.sel, N: in.n}
		return p.like.SelectRows(&rows, s.flip, buf), true, nil
	}
	k := 0
	for j := range in.n {
		i := j
		if in.sel != nil {
			i = int(in.sel[j])
		}
		if v.Valid != nil && v.Valid[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		at := i
		if v.Form == vec.Dict {
			at = int(v.Code(i))
		}
		ok, err := s.testText(&views[at], d.Blocks)
		if err != nil {
			ev.rowErr = &RowError{Row: i, Err: err}
			ev.limit = min(ev.limit, i)
			break
		}
		buf[k] = uint16(i)
		if ok {
			k++
		}
	}
	return k, true, nil
}

func (s *condState) testText(v *vec.StrView, blocks [][]byte) (bool, error) {
	switch {
	case s.pattern != nil:
		ok, err := s.pattern.matchView(v, blocks)
		return ok != s.flip, err
	case s.set != nil:
		return s.set.texts.has(v, blocks) != s.negated, nil
	}
	return s.key.holds(s.op, v, blocks), nil // negation is in the operator
}

// applyColumns compares two columns of integers, or of numerics of one scale.
func (ev *Evaluator) applyColumns(s *condState, a *vec.Vector, in rowsIn, buf []uint16) (int, bool, error) {
	b, err := ev.spaceColumn(s.col2)
	if err != nil {
		return 0, false, err
	}
	if a.Form != vec.Flat || b.Form != vec.Flat {
		return 0, false, nil
	}
	scaleA, okA := scaleOf(a)
	scaleB, okB := scaleOf(b)
	if !okA || !okB || scaleA != scaleB {
		return 0, false, nil
	}
	op := s.op
	if op == cmpGT || op == cmpLE { // a > b is b < a, a <= b is b >= a
		a, b, op = b, a, commuted[op]
	}
	if a.Width != b.Width || op == cmpGE {
		return 0, false, nil
	}
	d := a.Base - b.Base
	if a.Width == 8 {
		d = 0
	}
	k := 0
	switch a.Width {
	case 1:
		k = selectColumns[uint8](op, a, b, d, in, buf)
	case 2:
		k = selectColumns[uint16](op, a, b, d, in, buf)
	case 4:
		k = selectColumns[uint32](op, a, b, d, in, buf)
	default:
		k = selectColumns[uint64](op, a, b, d, in, buf)
	}
	return dropNulls(b, buf, dropNulls(a, buf, k)), true, nil
}

func selectColumns[T kernel.Width](op comparison, a, b *vec.Vector, d int64, in rowsIn, buf []uint16) int {
	if in.sel == nil {
		x, y := sliceOf[T](a, in.n), sliceOf[T](b, in.n)
		if op == cmpLT {
			return kernel.SelectLess(x, y, d, buf)
		}
		return kernel.SelectEqual(x, y, d, op == cmpNE, buf)
	}
	x, y := sliceOf[T](a, a.N), sliceOf[T](b, a.N)
	if op == cmpLT {
		return kernel.SelectLessSel(x, y, d, in.sel[:in.n], buf)
	}
	return kernel.SelectEqualSel(x, y, d, op == cmpNE, in.sel[:in.n], buf)
}
