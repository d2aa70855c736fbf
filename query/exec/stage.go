package exec

import (
	"context"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// transform turns each batch into any number of batches.
type transform interface {
	// start begins with a batch.
	start(ctx context.Context, b *vec.Batch) error
	// produce returns the next batch made from the one at hand, nil if there is none. With a batch and
	// an error, the error is of the row after the batch's last.
	produce(ctx context.Context) (*vec.Batch, error)
	close()
}

// stage makes an operator of a transform.
type stage struct {
	t     transform
	next  operator
	stats *opStats
	err   error // to be raised once the rows before it are through
	done  bool  // nothing is left of the batch at hand
}

func (s *stage) push(ctx context.Context, b *vec.Batch) (status, error) {
	s.done = false
	if err := s.t.start(ctx, b); err != nil {
		return needMore, err
	}
	return s.run(ctx)
}

func (s *stage) resume(ctx context.Context) (status, error) {
	if st, err := s.next.resume(ctx); st != needMore || err != nil {
		return st, err
	}
	return s.run(ctx)
}

func (s *stage) run(ctx context.Context) (status, error) {
	for n := 0; ; n++ {
		if s.err != nil {
			err := s.err
			s.err = nil
			return needMore, err
		}
		if s.done {
			return needMore, nil
		}
		if n > 0 { // a batch may become billions of rows
			if err := ctx.Err(); err != nil {
				return needMore, err
			}
		}
		b, err := s.t.produce(ctx)
		if b == nil {
			s.done = true
			return needMore, err
		}
		s.err = err
		if b.N == 0 {
			continue
		}
		if s.stats != nil {
			s.stats.rows.Add(int64(b.N))
		}
		st, err := s.next.push(ctx, b)
		if st != needMore || err != nil {
			return st, err
		}
	}
}

func (s *stage) close() { s.t.close() }

// composer makes batches of chosen rows of other batches: it composes the groups' indexes and copies no
// values.
type composer struct {
	sels [][]uint16
	ids  [][]uint32
	out  vec.Batch
	a    *arena
}

// compose makes the batch of the rows of b at the given ordinals, in their order and multiplicity. It is
// valid until the next call; extra is the room for groups that the caller appends.
func (c *composer) compose(b *vec.Batch, pos []uint16, extra int) (*vec.Batch, error) {
	ng := len(b.Groups)
	if cap(c.out.Groups) < ng+extra {
		c.out.Groups = make([]vec.Group, 0, ng+extra)
	}
	c.out.Groups = c.out.Groups[:0]
	c.out.N = len(pos)
	if len(c.sels) < ng {
		c.sels = append(c.sels, make([][]uint16, ng-len(c.sels))...)
		c.ids = append(c.ids, make([][]uint32, ng-len(c.ids))...)
	}
	for i := range b.Groups {
		g := b.Groups[i]
		prev := (*vec.Group)(nil)
		if i > 0 {
			prev = &b.Groups[i-1]
		}
		if err := c.group(&g, prev, i, pos); err != nil {
			return nil, err
		}
		c.out.Groups = append(c.out.Groups, g)
	}
	return &c.out, nil
}

// group composes the index of group i; prev is the group before, whose index may be the same.
func (c *composer) group(g, prev *vec.Group, i int, pos []uint16) error {
	switch {
	case g.RowIDs != nil:
		if prev != nil && sameSlice(prev.RowIDs, g.RowIDs) {
			g.RowIDs = c.out.Groups[i-1].RowIDs
			return nil
		}
		if c.ids[i] == nil {
			var err error
			if c.ids[i], err = makeSlice[uint32](c.a, batchRows); err != nil {
				return err
			}
		}
		kernel.ComposeRows(c.ids[i][:len(pos)], g.RowIDs, pos)
		g.RowIDs = c.ids[i][:len(pos)]
	case g.Sel == nil:
		g.Sel = pos
	case prev != nil && sameSlice(prev.Sel, g.Sel):
		g.Sel = c.out.Groups[i-1].Sel
	default:
		if c.sels[i] == nil {
			var err error
			if c.sels[i], err = makeSlice[uint16](c.a, batchRows); err != nil {
				return err
			}
		}
		kernel.ComposeSel(c.sels[i][:len(pos)], g.Sel, pos)
		g.Sel = c.sels[i][:len(pos)]
	}
	return nil
}

func sameSlice[T any](a, b []T) bool {
	return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0]
}

// truncate makes dst the first n rows of b.
func truncate(dst, b *vec.Batch, n int) {
	dst.N = n
	dst.Groups = append(dst.Groups[:0], b.Groups...)
	for i := range dst.Groups {
		g := &dst.Groups[i]
		if g.Sel != nil {
			g.Sel = g.Sel[:n]
		}
		if g.RowIDs != nil {
			g.RowIDs = g.RowIDs[:n]
		}
	}
}
