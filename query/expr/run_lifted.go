package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// dictCache holds what a function of one argument makes of a dictionary's entries.
type dictCache struct {
	dict  *vec.Dictionary
	ok    bool    // no entry fails or gives NULL
	truth []uint8 // booleans, 0 or 1
	ints  []int64 // integers, float bits
	out   *vec.Dictionary
}

// liftMax is the largest dictionary whose entries are all evaluated rather than the rows.
const liftMax = 4096

// runLifted computes a call whose only argument that is not constant has a dictionary: once for each entry.
func (ev *Evaluator) runLifted(f *frame, r *register, in *instr) (bool, error) {
	if !in.fn.Strict || in.fn.Volatility == Volatile {
		return false, nil
	}
	at := -1
	for i, reg := range in.args {
		switch a := &ev.regs[reg]; {
		case a.isConst() && a.fixed:
		case a.isConst():
			return false, nil // another value may come with the next batch
		case at >= 0 || a.v.Form != vec.Dict || a.v.Dictionary == nil || a.v.Dictionary.Values.N > liftMax:
			return false, nil
		default:
			at = i
		}
	}
	if at < 0 {
		return false, nil
	}
	a := &ev.regs[in.args[at]]
	if r.dict == nil || r.dict.dict != a.v.Dictionary {
		r.dict = ev.liftEntries(in, at, a)
	}
	c := r.dict
	if !c.ok {
		return false, nil
	}
	if err := ev.materialise(a, nil); err != nil {
		return false, err
	}
	return true, ev.applyLifted(f, r, a, c)
}

// liftEntries evaluates a call for all entries of argument at's dictionary.
func (ev *Evaluator) liftEntries(in *instr, at int, a *register) *dictCache {
	values := &a.v.Dictionary.Values
	c := &dictCache{dict: a.v.Dictionary}
	args := make([]types.Datum, len(in.args))
	for i, reg := range in.args {
		if i != at {
			args[i] = ev.regs[reg].constDatum()
			args[i].K = ev.regs[reg].typ.Kind
		}
	}
	results := make([]types.Datum, values.N)
	for i := range results {
		args[at] = entryAt(values, i)
		args[at].K = a.typ.Kind
		d, err := in.fn.Scalar(ev.ctx, args)
		if err != nil || !d.Valid {
			return c
		}
		results[i] = d
	}
	c.ok = true
	switch class := in.typ.Class(); {
	case in.typ.Kind == types.Bool:
		c.truth = make([]uint8, codeSpace(a.v.Width, values.N))
		for i, d := range results {
			c.truth[i] = uint8(d.I)
		}
	case class == types.ClassInt || class == types.ClassFloat:
		c.ints = make([]int64, codeSpace(a.v.Width, values.N))
		for i, d := range results {
			c.ints[i] = d.I
		}
	case class == types.ClassString:
		c.out = newDictionary(in.typ, results)
	default:
		c.ok = false
	}
	return c
}

// codeSpace is the number of codes that a table must cover, whatever stands in entries that are NULL.
func codeSpace(width uint8, n int) int {
	switch width {
	case 1:
		return 1 << 8
	case 2:
		return 1 << 16
	}
	return n
}

// newDictionary makes a dictionary of strings in Go memory.
func newDictionary(t types.Type, values []types.Datum) *vec.Dictionary {
	views := make([]vec.StrView, len(values)+1)
	var block []byte
	for i, d := range values {
		if len(d.S) <= vec.InlineMax {
			views[i] = vec.InlineView([]byte(d.S))
			continue
		}
		views[i] = vec.LongView([]byte(d.S), 0, uint32(len(block)))
		block = append(block, d.S...)
	}
	return &vec.Dictionary{Values: vec.Vector{
		Type: t, Form: vec.Str, Width: 16, N: len(values), NullBit: -1,
		Data: vec.DataOf(views), Blocks: [][]byte{block},
	}}
}

// applyLifted maps the codes of a.
func (ev *Evaluator) applyLifted(f *frame, r, a *register, c *dictCache) error {
	valid := a.v.Valid
	switch {
	case c.truth != nil:
		mask, err := ev.newBits(r, f.n)
		if err != nil {
			return err
		}
		maskCodes(&a.v, f.n, c.truth, mask)
		if valid != nil {
			kernel.And(mask, mask, valid[:len(mask)])
		}
	case c.ints != nil:
		dst, err := ev.newInts(r, f.n)
		if err != nil {
			return err
		}
		switch a.v.Width {
		case 1:
			kernel.WidenCodes(dst, unsafe.Slice((*uint8)(a.v.Data), f.n), c.ints)
		case 2:
			kernel.WidenCodes(dst, unsafe.Slice((*uint16)(a.v.Data), f.n), c.ints)
		default:
			wideCodes(dst, unsafe.Slice((*uint32)(a.v.Data), f.n), c.ints)
		}
	default:
		r.v = a.v
		r.v.Type, r.v.Dictionary, r.v.Fact = r.typ, c.out, nil
		r.v.N = f.n
		r.have = haveVec
	}
	r.v.Valid = valid
	return nil
}

// maskCodes sets the bits of the rows whose code is marked.
func maskCodes(v *vec.Vector, n int, truth []uint8, mask []uint64) {
	switch v.Width {
	case 1:
		kernel.MaskTable(unsafe.Slice((*uint8)(v.Data), n), truth, mask)
	case 2:
		kernel.MaskTable(unsafe.Slice((*uint16)(v.Data), n), truth, mask)
	default:
		clear(mask)
		for i, c := range unsafe.Slice((*uint32)(v.Data), n) {
			if int(c) < len(truth) {
				mask[i>>6] |= uint64(truth[c]) << (i & 63)
			}
		}
	}
}

// wideCodes is kernel.WidenCodes that passes over codes outside of the table, as NULL entries may have.
func wideCodes(dst []int64, codes []uint32, values []int64) {
	for i, c := range codes {
		if int(c) < len(values) {
			dst[i] = values[c]
		}
	}
}
