package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// boundMax is what partial sums may reach before they are moved to 128 bits.
const boundMax = 1 << 62

// sum adds integers to a partial sum, whose bound it keeps.
func (l *aggLocal) sum(s int, in *aggInput, x []int64, codes []uint32, all bool) error {
	lo, hi, ok := l.bound(in.arg)
	m := uint64(0)
	if ok {
		m = max(magnitude(lo), magnitude(hi))
	} else {
		m = uint64(kernel.Magnitude(x)) + 1
	}
	if m > boundMax/batchRows {
		return l.wideSum(s, x, codes)
	}
	if err := l.room(s, m*uint64(len(x))); err != nil {
		return err
	}
	st := &l.a.states[s]
	if all {
		l.fused = append(l.fused, fusedSum{st.word, x})
		return nil
	}
	if l.a.nk == 0 {
		l.t.hot.v[st.word] += uint64(kernel.SumInts(x))
		return nil
	}
	p, stride := l.t.hotRow()
	kernel.AddWord(p, stride, uintptr(st.word*8), codes, x)
	return nil
}

// room makes sure that a partial sum has room for more that is not above add.
func (l *aggLocal) room(s int, add uint64) error {
	if l.t.bounds[s]+add > boundMax {
		if err := l.t.flush(s); err != nil {
			return err
		}
	}
	l.t.bounds[s] += add
	return nil
}

// narrowSum adds all entries of a narrow vector to the only group's partial sum as they are stored; false if they are
// not narrow, or not bounded enough.
func (l *aggLocal) narrowSum(s int, in *aggInput, v *vec.Vector, n int) (bool, error) {
	if v.Form != vec.Flat || v.Width >= 8 {
		return false, nil
	}
	lo, hi, ok := l.bound(in.arg)
	m := max(magnitude(lo), magnitude(hi))
	if !ok || m > boundMax/batchRows {
		return false, nil
	}
	if err := l.room(s, m*uint64(n)); err != nil {
		return false, err
	}
	var x int64
	switch v.Width {
	case 1:
		x = sumAround(unsafe.Slice((*uint8)(v.Data), n), l.holes)
	case 2:
		x = sumAround(unsafe.Slice((*uint16)(v.Data), n), l.holes)
	default:
		x = sumAround(unsafe.Slice((*uint32)(v.Data), n), l.holes)
	}
	l.t.hot.v[l.a.states[s].word] += uint64(x + v.Base*int64(n-len(l.holes)))
	return true, nil
}

func sumAround[T kernel.Width](v []T, holes []uint16) int64 {
	return kernel.SumWidth(v) - kernel.SumSel(v, holes)
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// wideSum adds integers that are too large for partial sums.
func (l *aggLocal) wideSum(s int, x []int64, codes []uint32) error {
	if err := l.t.coldRows(); err != nil {
		return err
	}
	for i, y := range x {
		id := uint32(0)
		if l.a.nk > 0 {
			id = codes[i]
		}
		l.t.addWide(s, id, types.Int128Of(y))
	}
	for _, i := range l.holes {
		l.t.addWide(s, 0, types.Int128Of(x[i]).Neg())
	}
	return nil
}

// wide returns the 128-bit part of the sum of state s of a group; cold states must exist.
func (t *groupTable) wide(s int, id uint32) types.Int128 {
	at := int(id)*t.a.cold + t.a.states[s].wide
	return types.Int128{Hi: int64(t.cold.v[at+1]), Lo: t.cold.v[at]}
}

func (t *groupTable) setWide(s int, id uint32, x types.Int128) {
	at := int(id)*t.a.cold + t.a.states[s].wide
	t.cold.v[at], t.cold.v[at+1] = x.Lo, uint64(x.Hi)
}

// addWide adds to the 128-bit part. Beyond 2^126 it would need more bits; as no input is that large and no
// table has 2^62 rows of 64-bit values, only 128-bit inputs could get there, and they go to the fallback.
func (t *groupTable) addWide(s int, id uint32, x types.Int128) {
	t.setWide(s, id, t.wide(s, id).Add(x))
}

// flush moves the partial sums of state s of all groups into 128 bits.
func (t *groupTable) flush(s int) error {
	if err := t.coldRows(); err != nil {
		return err
	}
	w, word := t.a.words, t.a.states[s].word
	if invariants.Mutant("agg-drop-last-partial") {
		return nil
	}
	for id := range t.n {
		p := &t.hot.v[id*w+word]
		if *p != 0 {
			t.addWide(s, uint32(id), types.Int128Of(int64(*p)))
			*p = 0
		}
	}
	t.bounds[s] = 0
	return nil
}

// total returns the exact sum of state s of a group that is not slow.
func (t *groupTable) total(s int, id uint32) types.Int128 {
	x := types.Int128Of(int64(t.hot.v[int(id)*t.a.words+t.a.states[s].word]))
	if t.hasCold {
		x = x.Add(t.wide(s, id))
	}
	return x
}

// count returns the number of rows of a group that an input includes; -1 is all rows.
func (t *groupTable) count(input int, id uint32) int64 {
	if input >= 0 && t.a.inputs[input].counter > 0 {
		return int64(t.hot.v[int(id)*t.a.words+t.a.inputs[input].counter])
	}
	n := int64(t.hot.v[int(id)*t.a.words])
	if input >= 0 && t.hasCold {
		n -= int64(t.cold.v[int(id)*t.a.cold+t.a.inputs[input].excl])
	}
	return n
}

// sumDatum returns the sum of state s, as a numeric for integer and numeric inputs.
func (t *groupTable) sumDatum(s int, id uint32) (types.Datum, error) {
	if t.scales[s].slow {
		return t.slow[s].result(id)
	}
	return types.NewInt128Numeric(t.total(s, id), int(t.scales[s].scale)), nil
}

var errIntegerSum = sqlerr.New(sqlerr.NumericValueOutOfRange, "bigint out of range")

// sumResult returns sum() of a group.
func (t *groupTable) sumResult(o *aggOut, id uint32) (types.Datum, error) {
	d, err := t.sumDatum(o.state, id)
	if err != nil || o.typ.Kind == types.Numeric {
		return d, err
	}
	v, _, ok := d.Decimal()
	if !ok {
		return d, errIntegerSum
	}
	return types.NewInt(o.typ.Kind, v), nil
}

var errFloatSum = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")

// floatSum returns the sum of floats of a group.
func (t *groupTable) floatSum(s int, id uint32) (float64, error) {
	f := floatOfBits(t.hot.v[int(id)*t.a.words+t.a.states[s].word])
	if f-f != 0 && !t.infinite[s] {
		return 0, errFloatSum
	}
	return f, nil
}

// avgResult returns avg() of a group with n > 0 values.
func (t *groupTable) avgResult(o *aggOut, id uint32, n int64) (types.Datum, error) {
	if t.a.states[o.state].kind == stateFloat {
		f, err := t.floatSum(o.state, id)
		// Unlike sum, avg begins with 0: of negative zeros it is 0.
		return types.NewFloat(types.Float8, (0+f)/float64(n)), err
	}
	d, err := t.sumDatum(o.state, id)
	if err != nil {
		return d, err
	}
	return types.NumericDiv(d, types.NumericFromInt(n))
}
