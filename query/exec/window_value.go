package exec

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// windowValue computes a window function for the row at hand of a partition. Rows come in order.
type windowValue interface {
	value(ctx context.Context) (types.Datum, error)
}

func newWindowValue(p *partition, f *windowFunc) (windowValue, error) {
	switch f.w.Func {
	case expr.WinAggregate:
		return newFrameAggregate(p, f)
	case expr.WinNtile:
		return newNtile(p, f)
	case expr.WinLag, expr.WinLead:
		return &neighbour{p, f}, nil
	case expr.WinFirstValue, expr.WinLastValue, expr.WinNthValue:
		return &frameValue{p, f}, nil
	}
	return &rank{p, f.w.Func}, nil
}

// rank numbers rows and groups of peers.
type rank struct {
	p  *partition
	fn expr.WindowFunc
}

func (r *rank) value(context.Context) (types.Datum, error) {
	p := r.p
	n := float64(p.to - p.from)
	first, end := p.first(p.group), p.end(p.group)
	switch r.fn {
	case expr.WinRowNumber:
		return types.NewInt(types.Int8, int64(p.row-p.from)+1), nil
	case expr.WinRank:
		return types.NewInt(types.Int8, int64(first-p.from)+1), nil
	case expr.WinDenseRank:
		return types.NewInt(types.Int8, int64(p.group)+1), nil
	case expr.WinPercentRank:
		if n <= 1 {
			return types.NewFloat(types.Float8, 0), nil
		}
		return types.NewFloat(types.Float8, float64(first-p.from)/(n-1)), nil
	}
	return types.NewFloat(types.Float8, float64(end-p.from)/n), nil
}

// ntile deals the rows into buckets whose sizes differ by one at most.
type ntile struct {
	p       *partition
	buckets int64 // 0: NULL
}

func newNtile(p *partition, f *windowFunc) (windowValue, error) {
	d := p.w.sink.datum(f.args[0], p.from)
	if d.Valid && d.I <= 0 {
		return nil, sqlerr.New(sqlerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
	}
	return &ntile{p, d.I}, nil
}

func (t *ntile) value(context.Context) (types.Datum, error) {
	if t.buckets == 0 {
		return types.NullOf(types.Int4), nil
	}
	n, i := int64(t.p.to-t.p.from), int64(t.p.row-t.p.from)
	size, more := n/t.buckets, n%t.buckets
	if large := more * (size + 1); i >= large {
		return types.NewInt(types.Int4, more+(i-large)/max(size, 1)+1), nil
	}
	return types.NewInt(types.Int4, i/(size+1)+1), nil
}

// neighbour is lag and lead.
type neighbour struct {
	p *partition
	f *windowFunc
}

func (v *neighbour) value(context.Context) (types.Datum, error) {
	p, k, args := v.p, &v.p.w.sink, v.f.args
	off := int64(1)
	if len(args) > 1 {
		d := k.datum(args[1], p.row)
		if !d.Valid {
			return types.Null(), nil
		}
		off = d.I
	}
	if v.f.w.Func == expr.WinLag {
		off = -off
	}
	at := int64(p.row) + off
	switch {
	case at >= int64(p.from) && at < int64(p.to):
		return k.datum(args[0], uint32(at)), nil
	case len(args) > 2:
		return k.datum(args[2], p.row), nil
	}
	return types.Null(), nil
}

// frameValue is first_value, last_value and nth_value.
type frameValue struct {
	p *partition
	f *windowFunc
}

func (v *frameValue) value(context.Context) (types.Datum, error) {
	p, k := v.p, &v.p.w.sink
	n := int64(1)
	if v.f.w.Func == expr.WinNthValue {
		d := k.datum(v.f.args[1], p.row)
		if !d.Valid {
			return types.Null(), nil
		}
		if n = d.I; n <= 0 {
			return d, sqlerr.New(sqlerr.InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")
		}
	}
	lo, hi, err := p.frame(v.f)
	if err != nil {
		return types.Null(), err
	}
	parts := p.excluded(v.f.w.Frame.Exclude, lo, hi)
	if v.f.w.Func == expr.WinLastValue {
		for i := len(parts) - 1; i >= 0; i-- {
			if s := parts[i]; s[0] < s[1] {
				return k.datum(v.f.args[0], s[1]-1), nil
			}
		}
		return types.Null(), nil
	}
	for _, s := range parts {
		if size := int64(s[1]) - int64(s[0]); n > max(size, 0) {
			n -= max(size, 0)
			continue
		}
		return k.datum(v.f.args[0], s[0]+uint32(n-1)), nil
	}
	return types.Null(), nil
}

// excluded cuts the rows that do not count out of a frame.
func (p *partition) excluded(x expr.FrameExclusion, lo, hi uint32) [3][2]uint32 {
	clip := func(a, b uint32) [2]uint32 { return [2]uint32{max(a, lo), min(b, hi)} }
	first, end := p.first(p.group), p.end(p.group)
	switch x {
	case expr.ExcludeCurrentRow:
		return [3][2]uint32{clip(lo, p.row), clip(p.row+1, hi)}
	case expr.ExcludeGroup:
		return [3][2]uint32{clip(lo, first), clip(end, hi)}
	case expr.ExcludeTies:
		return [3][2]uint32{clip(lo, first), clip(p.row, p.row+1), clip(end, hi)}
	}
	return [3][2]uint32{{lo, hi}}
}

// frameAggregate is an aggregate over frames. As long as the frame only grows, or what leaves it can be
// taken back, no row is added twice.
type frameAggregate struct {
	p      *partition
	f      *windowFunc
	state  rowAggregate
	lo, hi uint32 // rows in state
	args   types.Row
	last   types.Datum // the result for lo … hi
	known  bool
}

func newFrameAggregate(p *partition, f *windowFunc) (windowValue, error) {
	var arg types.Type
	if len(f.w.Args) > 0 {
		arg = f.w.Args[0].Type()
	}
	s, err := newRowAggregate(f.w.Agg, arg, f.w.Typ)
	return &frameAggregate{p: p, f: f, state: s, lo: p.from, hi: p.from, args: make(types.Row, len(f.args))}, err
}

func (a *frameAggregate) value(ctx context.Context) (types.Datum, error) {
	lo, hi, err := a.p.frame(a.f)
	if err != nil {
		return types.Null(), err
	}
	if x := a.f.w.Frame.Exclude; x != expr.ExcludeNoOthers {
		a.restart(lo)
		for _, s := range a.p.excluded(x, lo, hi) {
			if err := a.addRows(ctx, s[0], s[1]); err != nil {
				return types.Null(), err
			}
		}
		a.hi, a.known = a.lo, false
		return a.state.result()
	}
	if lo < a.lo || hi < a.hi || lo >= a.hi {
		if lo != a.lo || hi != a.hi {
			a.restart(lo)
		}
	}
	for a.lo < lo {
		if !a.leave(a.lo) && !invariants.Mutant("window-keeps-what-left") {
			a.restart(lo)
			break
		}
		a.lo, a.known = a.lo+1, false
	}
	if a.hi < hi {
		if err := a.addRows(ctx, a.hi, hi); err != nil {
			return types.Null(), err
		}
		a.hi, a.known = hi, false
	}
	if !a.known {
		if a.last, err = a.state.result(); err != nil {
			return types.Null(), err
		}
		a.known = true
	}
	return a.last, nil
}

// restart begins with an empty frame at a row.
func (a *frameAggregate) restart(at uint32) {
	a.state.reset()
	a.lo, a.hi, a.known = at, at, false
}

// take gets the arguments of a row; false if it does not count.
func (a *frameAggregate) take(id uint32) bool {
	k := &a.p.w.sink
	if a.f.filter >= 0 {
		if d := k.datum(a.f.filter, id); !d.Valid || !d.Bool() {
			return false
		}
	}
	for i, at := range a.f.args {
		a.args[i] = k.datum(at, id)
	}
	return len(a.args) == 0 || a.args[0].Valid
}

// cancelRows is after how many rows of a frame a look is taken at whether the query is cancelled.
const cancelRows = 1 << 12

// cancelFrames is after how many rows such a look is taken however small their frames are.
const cancelFrames = 1 << 4

func (a *frameAggregate) addRows(ctx context.Context, from, to uint32) error {
	for id := from; id < to; id++ {
		if (id-from)%cancelRows == cancelRows-1 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if !a.take(id) {
			continue
		}
		if err := a.state.add(a.args); err != nil {
			return err
		}
	}
	return nil
}

func (a *frameAggregate) leave(id uint32) bool { return !a.take(id) || a.state.remove(a.args) }
