package expr

import (
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// codeCache holds for which codes of a dictionary a leaf is true.
type codeCache struct {
	dict  *vec.Dictionary
	width uint8
	ok    bool
	// some codes, all between first and last; dense: all of those.
	some, dense bool
	first, last int64
	truth       []uint8
	null        bool // NULL may make the leaf true
}

// applyCodes tests a dictionary's entries once, and then codes only. It returns false if the dictionary is
// too large for that, or an entry fails.
func (ev *Evaluator) applyCodes(s *condState, v *vec.Vector, in rowsIn, buf []uint16) (int, bool) {
	c := &s.dict
	if v.Dictionary.Values.N > liftMax {
		return 0, false
	}
	if c.dict != v.Dictionary || c.width != v.Width {
		ev.testEntries(s, v)
	}
	switch {
	case !c.ok || c.null && v.Valid != nil:
		return 0, false
	case !c.some:
		return 0, true
	case c.dense:
		codes := *v
		codes.Base = 0
		return selectRange(&codes, intRange{c.first, c.last, false}, in, buf), true
	}
	k := 0
	switch {
	case in.sel == nil && v.Width == 1:
		k = kernel.SelectTable(sliceOf[uint8](v, in.n), c.truth, buf)
	case in.sel == nil && v.Width == 2:
		k = kernel.SelectTable(sliceOf[uint16](v, in.n), c.truth, buf)
	case in.sel == nil:
		k = kernel.SelectTable(sliceOf[uint32](v, in.n), c.truth, buf)
	case v.Width == 1:
		k = kernel.SelectTableSel(sliceOf[uint8](v, v.N), c.truth, in.sel[:in.n], buf)
	case v.Width == 2:
		k = kernel.SelectTableSel(sliceOf[uint16](v, v.N), c.truth, in.sel[:in.n], buf)
	default:
		k = kernel.SelectTableSel(sliceOf[uint32](v, v.N), c.truth, in.sel[:in.n], buf)
	}
	return dropNulls(v, buf, k), true
}

// testEntries evaluates a leaf's expression for every entry of a dictionary.
func (ev *Evaluator) testEntries(s *condState, v *vec.Vector) {
	c := &s.dict
	*c = codeCache{dict: v.Dictionary, width: v.Width, truth: c.truth}
	values := &v.Dictionary.Values
	space := codeSpace(v.Width, values.N)
	if cap(c.truth) < space {
		c.truth = make([]uint8, space)
	}
	c.truth = c.truth[:space]
	clear(c.truth)
	if ev.row == nil {
		ev.row = make(types.Row, len(ev.p.input))
	}
	if s.kind == condBlock {
		ev.row[s.col] = types.NullOf(ev.p.input[s.col].Kind)
		r, err := EvalRow(ev.ctx, s.expr, ev.row)
		c.null = err != nil || r.Valid && r.Bool() != s.negated
	}
	count := int64(0)
	for i := range values.N {
		d := entryAt(values, i)
		d.K = ev.p.input[s.col].Kind
		ev.row[s.col] = d
		r, err := EvalRow(ev.ctx, s.expr, ev.row)
		if err != nil {
			return
		}
		if !r.Valid || r.Bool() == s.negated {
			continue
		}
		c.truth[i] = 1
		if count == 0 {
			c.first = int64(i)
		}
		c.last = int64(i)
		count++
	}
	c.ok, c.some = true, count > 0
	c.dense = count == c.last-c.first+1
}
