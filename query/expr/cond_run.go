package expr

import (
	"slices"
	"sort"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// condState is a condition with one evaluator's constants, caches and buffers.
type condState struct {
	*cond
	args []*condState

	ready   bool
	general bool // a constant cannot be evaluated: the block raises its error where a row meets it
	values  []types.Datum
	never   bool // a constant is NULL: no row
	set     *valueSet
	key     stringKey
	// viewKeys, if any, are the constants of a test for equality as views have them.
	viewKeys []kernel.ViewKey
	pattern  *pattern
	flip     bool     // condText: rows that do not match the pattern
	rng      intRange // condRange at scale
	scale    int16
	scaled   bool
	dict     codeCache

	// seen and kept count the rows that a child of a condAnd was tried on, and those it left; batches
	// those of the condAnd itself.
	seen, kept int64
	batches    int

	buf []uint16 // selection, as the node's result or scratch
	acc []uint64 // rows found by a condOr
	tmp []uint64
}

func newCondState(c *cond) *condState {
	s := &condState{cond: c}
	for _, a := range c.args {
		s.args = append(s.args, newCondState(a))
	}
	if c.kind == condAnd {
		s.order()
	}
	return s
}

// rowsIn is a set of rows: those of sel, or 0 … n-1 if sel is nil; but for the holes of the batch. Leaves that cannot fail look
// at holes, too, and need not drop them; all others get a selection without.
type rowsIn struct {
	sel   []uint16
	n     int
	holed bool // holes may be in sel
}

// condOf returns the state of condition i.
func (ev *Evaluator) condOf(i int) *condState {
	if ev.conds[i] == nil {
		ev.conds[i] = newCondState(ev.p.conds[i])
	}
	return ev.conds[i]
}

// Filter appends to sel the ordinals of the live rows of the batch for which condition i is true. After a
// RowError those before the row have been appended.
func (ev *Evaluator) Filter(i int, sel []uint16) ([]uint16, error) {
	if ev.interpreted() {
		return ev.interpretFilter(i, sel)
	}
	ev.inPlace, ev.holes.at = false, nil
	before := ev.rowErr
	ev.limit = ev.frames[0].n
	out, err := ev.select1(ev.condOf(i), rowsIn{n: ev.limit})
	if err != nil {
		return sel, err
	}
	ev.frames[0].n = min(ev.frames[0].n, ev.limit)
	sel = append(sel, ev.below(out)...)
	if ev.rowErr != before {
		return sel, ev.rowErr
	}
	return sel, nil
}

// FilterScan appends to out the positions, in the columns of the only group of b, of the live rows for
// which condition i is true. It is the fast way for the batches of scans, whose selections ascend:
// columns are tested where they are, also in the holes of the group. It begins a batch of its own.
func (ev *Evaluator) FilterScan(i int, b *vec.Batch, out []uint16) ([]uint16, error) {
	g := &b.Groups[0]
	if err := ev.setHoles(g.Holes, b.N); err != nil {
		return out, err
	}
	if len(b.Groups) != 1 || !slices.IsSorted(g.Sel) || ev.interpreted() {
		if g.Holes != nil {
			ev.scan.Single(b.N, g.Cols, ev.aroundHoles())
			b = &ev.scan
		}
		return ev.filterIndirect(i, b, out)
	}
	rows := b.N + len(g.Holes)
	ev.scan.Single(rows, g.Cols, nil)
	ev.Begin(&ev.scan)
	ev.inPlace = true
	in := rowsIn{sel: g.Sel, n: rows}
	ev.limit = rows
	if g.Sel != nil {
		in.sel = g.Sel[:b.N]
		ev.limit = vec.Size
	}
	sel, err := ev.select1(ev.condOf(i), in)
	if err != nil {
		return out, err
	}
	out = append(out, ev.below(sel)...)
	if e := ev.rowErr; e != nil {
		row := e.Row - sort.Search(len(g.Holes), func(j int) bool { return int(g.Holes[j]) >= e.Row })
		if in.sel != nil {
			row = sort.Search(len(in.sel), func(j int) bool { return int(in.sel[j]) >= e.Row })
		}
		return out, &RowError{Row: row, Err: e.Err}
	}
	return out, nil
}

// filterIndirect is FilterScan by ordinals.
func (ev *Evaluator) filterIndirect(i int, b *vec.Batch, out []uint16) ([]uint16, error) {
	ev.Begin(b)
	n := len(out)
	out, err := ev.Filter(i, out)
	if sel := b.Groups[0].Sel; sel != nil {
		for j := n; j < len(out); j++ {
			out[j] = sel[out[j]]
		}
	}
	return out, err
}

// select1 runs a condition and spells a result of all rows out.
func (ev *Evaluator) select1(s *condState, in rowsIn) ([]uint16, error) {
	out, err := ev.apply(s, in)
	out = ev.withoutHoles(out)
	if err != nil || out.sel != nil || out.n == 0 {
		return out.sel[:out.n], err
	}
	buf, err := ev.sel(&s.buf)
	if err != nil {
		return nil, err
	}
	kernel.Identity(out.n, buf)
	return buf[:out.n], nil
}

// below drops the rows from the one on that failed.
func (ev *Evaluator) below(sel []uint16) []uint16 {
	for len(sel) > 0 && int(sel[len(sel)-1]) >= ev.limit {
		sel = sel[:len(sel)-1]
	}
	return sel
}

func (ev *Evaluator) trimRows(in rowsIn) rowsIn {
	if in.sel == nil {
		in.n = min(in.n, ev.limit)
		return in
	}
	in.sel = ev.below(in.sel[:in.n])
	in.n = len(in.sel)
	return in
}

// apply returns the rows of in for which a condition is true. The result may be in itself, or lie in the
// node's buffer.
func (ev *Evaluator) apply(s *condState, in rowsIn) (rowsIn, error) {
	in = ev.trimRows(in)
	if in.n == 0 {
		return rowsIn{}, nil
	}
	switch s.kind {
	case condAnd:
		return ev.applyAnd(s, in)
	case condOr:
		return ev.applyOr(s, in)
	case condConst:
		if s.negated {
			return rowsIn{}, nil
		}
		return in, nil
	}
	if !s.ready {
		ev.prepare(s)
	}
	if s.never {
		return rowsIn{}, nil
	}
	buf, err := ev.sel(&s.buf)
	if err != nil {
		return rowsIn{}, err
	}
	if !s.general {
		if k, ok, err := ev.applyShort(s, in, buf); ok || err != nil {
			return rowsIn{buf[:k], k, in.sel == nil || in.holed}, err
		}
	}
	if in = ev.withoutHoles(in); in.n == 0 {
		return rowsIn{}, nil
	}
	return ev.applyBlock(s, in, buf)
}

// applyOr evaluates each alternative for the rows that none before has accepted.
func (ev *Evaluator) applyOr(s *condState, in rowsIn) (rowsIn, error) {
	if in.sel != nil { // alternatives share them
		in = ev.withoutHoles(in)
	}
	if err := ev.words(&s.acc); err != nil {
		return rowsIn{}, err
	}
	clear(s.acc)
	buf, err := ev.sel(&s.buf)
	if err != nil {
		return rowsIn{}, err
	}
	for i, a := range s.args {
		rest := in
		if i > 0 {
			rest = rowsIn{sel: buf}
			if in.sel == nil {
				if err := ev.words(&s.tmp); err != nil {
					return rowsIn{}, err
				}
				kernel.NotMask(s.tmp, s.acc, in.n)
				ev.clearHoles(s.tmp)
				rest.n = kernel.SelectMask(s.tmp, in.n, buf)
			} else {
				rest.n = kernel.DropBits(s.acc, in.sel[:in.n], buf)
			}
			rest.sel = buf[:rest.n]
		}
		hit, err := ev.apply(a, rest)
		if err != nil {
			return rowsIn{}, err
		}
		if hit.sel == nil {
			if hit.n > 0 {
				kernel.FillMask(s.acc, hit.n)
			}
			continue
		}
		kernel.SetBits(s.acc, hit.sel[:hit.n])
	}
	k := 0
	if in.sel == nil {
		ev.clearHoles(s.acc)
		k = kernel.SelectMask(s.acc, in.n, buf)
	} else {
		k = kernel.SelectValid(s.acc, in.n, in.sel[:in.n], buf)
	}
	return rowsIn{sel: buf[:k], n: k}, nil
}

// applyBlock evaluates a leaf's block over the rows.
func (ev *Evaluator) applyBlock(s *condState, in rowsIn, buf []uint16) (rowsIn, error) {
	f := &ev.frames[s.blk.id]
	f.parent, f.n, f.psel, f.sel = nil, in.n, nil, in.sel
	for i := range f.groups {
		f.groups[i].turn, f.groups[i].idTurn = 0, 0
	}
	for i := range s.blk.code {
		if err := ev.run(f, &s.blk.code[i]); err != nil {
			if _, ok := asRowError(err); !ok {
				return rowsIn{}, err
			}
		}
	}
	if f.n < in.n {
		ev.limit = min(ev.limit, ev.rowErr.Row)
	}
	if f.n == 0 {
		return rowsIn{}, nil
	}
	r := &ev.regs[s.reg]
	mask, err := ev.boolBits(r, f.n)
	if err != nil {
		return rowsIn{}, err
	}
	if s.negated {
		if err := ev.words(&s.tmp); err != nil {
			return rowsIn{}, err
		}
		tmp := s.tmp[:len(mask)]
		falseBits(tmp, r, mask, f.n)
		mask = tmp
	}
	k := kernel.SelectMask(mask, f.n, buf)
	if in.sel != nil {
		for j, p := range buf[:k] {
			buf[j] = in.sel[p]
		}
	}
	return rowsIn{sel: buf[:k], n: k}, nil
}

// prepare evaluates a leaf's constants.
func (ev *Evaluator) prepare(s *condState) {
	s.ready = true
	exprs := s.list
	if s.kind == condRange {
		for _, b := range s.bounds {
			exprs = append(exprs[:len(exprs):len(exprs)], b.value)
		}
	}
	if _, ok := s.expr.(*In); ok && s.kind != condBlock {
		set, err := newValueSet(ev.ctx, s.list)
		if err != nil {
			s.general = true
			return
		}
		s.set = set
		s.never = s.negated && set.null || !s.negated && len(set.list) == 0
		if s.kind == condText && set.texts != nil {
			s.viewKeys = s.viewKeysOf()
		}
		return
	}
	for _, x := range exprs {
		d, err := EvalRow(ev.ctx, x, nil)
		if err != nil {
			s.general = true
			return
		}
		s.never = s.never || !d.Valid
		d.K = x.Type().Kind
		s.values = append(s.values, d)
	}
	if s.kind == condText && !s.never {
		if call := s.expr.(*Call); call.Func.Kernel == kernelLike || call.Func.Kernel == kernelNotLike {
			s.pattern = newPattern(s.values[0].S)
			s.flip = s.negated != (call.Func.Kernel == kernelNotLike)
			s.general = s.pattern.like == nil && CanFail(call)
		} else {
			s.key = newStringKey(s.values[0].S)
			s.viewKeys = s.viewKeysOf()
		}
	}
}

// spaceColumn returns column c such that the rows of the filter index it directly.
func (ev *Evaluator) spaceColumn(c int) (*vec.Vector, error) {
	col := &ev.cols[c]
	g := &ev.b.Groups[col.g]
	if col.v.Form == vec.Const || col.v.Form != vec.InRows && (ev.inPlace || g.Sel == nil) {
		return col.v, nil
	}
	if ev.colRegs == nil {
		ev.colRegs = make([]register, len(ev.cols))
	}
	r := &ev.colRegs[c]
	r.typ = ev.p.input[c]
	if r.stamp != ev.turn {
		r.stamp = ev.turn
		if err := ev.loadColumn(&ev.frames[0], r, c); err != nil {
			return nil, err
		}
		if err := ev.materialise(r, nil); err != nil {
			return nil, err
		}
	}
	return &r.v, nil
}

// dropNulls keeps the rows of buf[:k] that are valid in v.
func dropNulls(v *vec.Vector, buf []uint16, k int) int {
	if v.Valid == nil || invariants.Mutant("kernel-ignores-validity") {
		return k
	}
	return kernel.SelectValid(v.Valid, k, buf[:k], buf)
}

func sliceOf[T any](v *vec.Vector, n int) []T { return unsafe.Slice((*T)(v.Data), n) }
