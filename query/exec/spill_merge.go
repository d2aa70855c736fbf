package exec

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/types"
)

// runCursor reads a run.
type runCursor struct {
	run    *run
	next   int
	set    *rowSet
	blocks atomic.Int32
	own    column[uint8] // of the block: lens, then keys
	lens   []byte
	keys   []byte // from the row at hand on
	len    int
	at     int
}

// key returns that of the row at hand.
func (c *runCursor) key() []byte { return c.keys[:c.len] }

// advance goes to the next row; false at the end.
func (c *runCursor) advance(ctx context.Context, m *runMerger) (bool, error) {
	if c.set != nil && c.at+1 < c.set.n {
		c.keys = c.keys[c.len:]
		c.at++
		c.len = int(binary.LittleEndian.Uint32(c.lens[4*c.at:]))
		return true, nil
	}
	if c.next == len(c.run.blocks) {
		c.free()
		return false, nil
	}
	b := &c.run.blocks[c.next]
	c.next++
	var err error
	if m.buf, err = m.q.spill.read(ctx, b.at, m.buf); err != nil {
		return false, err
	}
	return true, c.take(m, b)
}

// take makes the first row of a block that was read the one at hand. All blocks are read into the same memory, since many
// runs are merged at once.
func (c *runCursor) take(m *runMerger, b *runBlock) error {
	total := 0
	for i := range b.n {
		total += int(binary.LittleEndian.Uint32(m.buf[4*i:]))
	}
	from := (4*b.n + 7) &^ 7
	if err := c.own.grow(m.q.mem, from+total); err != nil {
		return err
	}
	copy(c.own.v, m.buf[:from+total])
	c.lens, c.keys = c.own.v[:4*b.n], c.own.v[from:from+total]
	c.at, c.len = 0, int(binary.LittleEndian.Uint32(c.lens))
	if c.set == nil {
		c.set = &rowSet{tracker: m.q.mem, cur: -1, blocks: &c.blocks, s: &rowScratch{}}
	}
	if _, err := c.set.load(m.buf[(from+total+7)&^7:], b.n, b.l); err != nil {
		return err
	}
	if !sameLayout(b.l, &m.l) {
		return c.set.convert(m.l.clone())
	}
	return nil
}

func (c *runCursor) free() {
	c.set.release()
	c.set = nil
	c.own.free()
}

// runMerger merges runs. Rows of equal keys come in the order of the runs.
type runMerger struct {
	q      *Query
	l      layout
	heap   []*runCursor // a heap by key
	order  map[*runCursor]int
	out    *rowSet
	blocks atomic.Int32
	buf    []byte // the block that was read last
	keys   []byte // of the rows of out
	ends   []int
}

func newRunMerger(ctx context.Context, q *Query, runs []*run) (*runMerger, error) {
	m := &runMerger{q: q, order: map[*runCursor]int{}}
	m.l, _ = widestLayout(layoutsOf(runs), false)
	m.out = &rowSet{tracker: q.mem, layout: m.l.clone(), cur: -1, blocks: &m.blocks, s: &rowScratch{}}
	m.out.shift = pageShift(m.l.stride)
	for i, r := range runs {
		c := &runCursor{run: r}
		ok, err := c.advance(ctx, m)
		if err != nil {
			c.free()
			m.free()
			return nil, err
		}
		if ok {
			m.order[c] = i
			m.heap = append(m.heap, c)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

// widestLayout returns the layout that holds the rows of all layouts; not ok if there are none.
func widestLayout(layouts iter.Seq[*layout], nullable bool) (wide layout, ok bool) {
	var last *layout
	for l := range layouts {
		if l == last {
			continue
		}
		if last == nil {
			wide = l.clone()
		}
		last = l
		nullable = nullable || l.nullable()
		for j, s := range l.slots {
			wide.slots[j] = widerSlot(wide.slots[j], s)
		}
	}
	wide.place(nullable)
	return wide, last != nil
}

// layoutsOf yields the layouts of the blocks of runs.
func layoutsOf(runs []*run) iter.Seq[*layout] {
	return func(yield func(*layout) bool) {
		for _, r := range runs {
			for i := range r.blocks {
				if !yield(r.blocks[i].l) {
					return
				}
			}
		}
	}
}

func (m *runMerger) less(a, b *runCursor) bool {
	if c := bytes.Compare(a.key(), b.key()); c != 0 && !invariants.Mutant("spill-forgets-the-order") {
		return c < 0
	}
	return m.order[a] < m.order[b]
}

// sink moves entry i down to where it belongs.
func (m *runMerger) sink(i int) {
	for {
		least := i
		for j := 2*i + 1; j <= 2*i+2 && j < len(m.heap); j++ {
			if m.less(m.heap[j], m.heap[least]) {
				least = j
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

// fill makes out hold the next n rows whose keys begin with a prefix, fewer at the end.
func (m *runMerger) fill(ctx context.Context, n int, prefix []byte) error {
	m.out.reset()
	m.keys, m.ends = m.keys[:0], m.ends[:0]
	var one [1]uint32
	for m.out.n < n && len(m.heap) > 0 {
		c := m.heap[0]
		if !bytes.HasPrefix(c.key(), prefix) {
			return nil
		}
		one[0] = uint32(c.at)
		if err := m.out.copyRows(c.set, one[:]); err != nil {
			return err
		}
		m.keys = append(m.keys, c.key()...)
		m.ends = append(m.ends, len(m.keys))
		ok, err := c.advance(ctx, m)
		if err != nil {
			return err
		}
		if !ok {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		}
		m.sink(0)
	}
	return nil
}

// key returns that of row i of out.
func (m *runMerger) key(i int) []byte {
	from := 0
	if i > 0 {
		from = m.ends[i-1]
	}
	return m.keys[from:m.ends[i]]
}

// more reports whether there are rows after out.
func (m *runMerger) more() bool { return len(m.heap) > 0 }

func (m *runMerger) free() {
	for _, c := range m.heap {
		c.free()
	}
	m.heap = nil
	m.out.release()
}

// fewer merges runs until they are so few that they can be read at once.
func (q *Query) fewer(ctx context.Context, runs []*run, ts []types.Type, stats *opStats) ([]*run, error) {
	for len(runs) > runsMax {
		w, err := newRunWriter(q, ts, stats)
		if err != nil {
			return nil, err
		}
		var merged []*run
		for at := 0; at < len(runs) && err == nil; at += runsMax {
			var r *run
			if r, err = w.merge(ctx, runs[at:min(at+runsMax, len(runs))]); err == nil {
				merged = append(merged, r)
			}
		}
		w.free()
		if err != nil {
			return nil, err
		}
		runs = merged
	}
	return runs, nil
}

// merge writes the rows of runs as one.
func (w *runWriter) merge(ctx context.Context, runs []*run) (*run, error) {
	m, err := newRunMerger(ctx, w.q, runs)
	if err != nil {
		return nil, err
	}
	defer m.free()
	d, err := newKeyDecoder(w.q.mem, len(w.ts))
	if err != nil {
		return nil, err
	}
	defer d.free()
	for {
		if err := m.fill(ctx, batchRows, nil); err != nil {
			return nil, err
		}
		n := m.out.n
		if n == 0 {
			return w.end(ctx)
		}
		for c := range w.ts {
			d.vecs[c] = m.out.gather(c, w.ids[:n], d.cols[c])
			d.ptrs[c] = &d.vecs[c]
		}
		if err := w.add(ctx, d.ptrs, n, func(dst []byte, i int) []byte { return append(dst, m.key(i)...) }); err != nil {
			return nil, err
		}
	}
}
