package exec

import (
	"context"
	"sort"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// partition is the rows from … to-1, which agree in the partition's expressions, and the row at hand.
type partition struct {
	w        *window
	from, to uint32
	// peers are the first rows of the groups of rows that the order does not tell apart.
	peers column[uint32]
	n     int    // groups
	row   uint32 // at hand
	group int    // of it
}

// begin takes the rows from a row on.
func (p *partition) begin(ctx context.Context, from uint32) error {
	p.from, p.to, p.n, p.group, p.row = from, from, 0, 0, from
	k := &p.w.sink
	for int(p.to) < k.rows.len() {
		if (p.to-from)%cancelRows == cancelRows-1 && ctx.Err() != nil {
			return ctx.Err()
		}
		if p.to > from && (!k.same(p.w.part, p.to-1, p.to) || invariants.Mutant("window-ends-with-its-page") && int(p.to) == k.rows.base) {
			break
		}
		if p.to == from || !k.same(p.w.order, p.to-1, p.to) {
			if err := p.peers.grow(p.w.q.mem, p.n+1); err != nil {
				return err
			}
			p.peers.v[p.n] = p.to
			p.n++
		}
		p.to++
	}
	return k.reader.err
}

// same reports whether two rows agree in kept values.
func (k *windowSink) same(at []int, a, b uint32) bool {
	for _, i := range at {
		x, y := k.datum(i, a), k.datum(i, b)
		if x.Valid != y.Valid || x.Valid && !types.Equal(x, y) {
			return false
		}
	}
	return true
}

// enter makes a row, which is the one after the row at hand, or the first, the row at hand.
func (p *partition) enter(row uint32) {
	p.row = row
	if p.group+1 < p.n && p.peers.v[p.group+1] == row {
		p.group++
	}
}

// first and end bound the rows of a group; groups before the first or after the last have none.
func (p *partition) first(group int) uint32 {
	switch {
	case group < 0:
		return p.from
	case group >= p.n:
		return p.to
	}
	return p.peers.v[group]
}

func (p *partition) end(group int) uint32 { return p.first(group + 1) }

// frame returns the rows of the row at hand's frame, before exclusion.
func (p *partition) frame(f *windowFunc) (lo, hi uint32, err error) {
	if lo, err = p.bound(f, &f.w.Frame.Start, &f.start, false); err != nil {
		return 0, 0, err
	}
	if hi, err = p.bound(f, &f.w.Frame.End, &f.end, true); err != nil {
		return 0, 0, err
	}
	return lo, max(lo, hi), nil
}

// bound returns the first row of the frame, or the one after its last.
func (p *partition) bound(f *windowFunc, b *expr.FrameBound, o *frameOffset, end bool) (uint32, error) {
	switch b.Kind {
	case expr.UnboundedPreceding:
		return p.from, nil
	case expr.UnboundedFollowing:
		return p.to, nil
	case expr.CurrentRow:
		switch {
		case f.w.Frame.Mode != expr.FrameRows && end:
			return p.end(p.group), nil
		case f.w.Frame.Mode != expr.FrameRows:
			return p.first(p.group), nil
		case end:
			return p.row + 1, nil
		}
		return p.row, nil
	}
	n := o.count
	if b.Kind == expr.OffsetPreceding {
		n = -n
	}
	switch f.w.Frame.Mode {
	case expr.FrameRows:
		n = min(max(n, -int64(p.to)), int64(p.to))
		at := int64(p.row) + n
		if end {
			at++
		}
		return uint32(min(max(at, int64(p.from)), int64(p.to))), nil
	case expr.FrameGroups:
		g := int(min(max(n, -int64(p.n)-1), int64(p.n)+1)) + p.group
		if end {
			return p.end(min(max(g, -1), p.n)), nil
		}
		return p.first(g), nil
	}
	return p.rangeBound(f, o, b.Kind == expr.OffsetPreceding, end)
}

// rangeBound finds the bound by its value. NULLs are near to NULLs alone.
func (p *partition) rangeBound(f *windowFunc, o *frameOffset, preceding, end bool) (uint32, error) {
	k, at := &p.w.sink, p.w.order[0]
	key := k.datum(at, p.row)
	if !key.Valid {
		if end {
			return p.end(p.group), nil
		}
		return p.first(p.group), nil
	}
	less := preceding != f.w.Desc[0] // the value is smaller than the key
	bound, beyond, err := o.apply(p.w.q.env.Expr, key, less)
	if err != nil {
		return 0, err
	}
	lo, hi := p.from, p.to
	if !k.datum(at, lo).Valid {
		lo = p.end(0)
	}
	if !k.datum(at, hi-1).Valid {
		hi = p.first(p.n - 1)
	}
	i := sort.Search(int(hi-lo), func(i int) bool {
		x := k.datum(at, lo+uint32(i))
		c := 0
		switch {
		case beyond && less:
			c = 1
		case beyond:
			c = -1
		default:
			if x, err = o.convert(p.w.q.env.Expr, x); err != nil {
				return true
			}
			c = types.Compare(x, bound)
		}
		if f.w.Desc[0] {
			c = -c
		}
		return c > 0 || c == 0 && !end
	})
	return lo + uint32(i), err
}
