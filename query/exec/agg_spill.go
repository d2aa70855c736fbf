package exec

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
)

// Groups leave memory as chunks: up to chunkRows groups of one table that are in one partition of their keys' hash,
// with all that merge reads of them. A partition is finished by merging its chunks into one table; if that does not fit,
// table and chunks are partitioned again by further bits of the hash.

// aggSpill is what has left memory of an aggregation.
type aggSpill struct {
	a  *aggregation
	mu sync.Mutex
	// used: something was spilled; then everything is in the end.
	used  bool
	parts [spillParts]groupPart
}

// groupPart is a partition: its groups, and the values of the DISTINCT aggregates.
type groupPart struct {
	depth  int // of the next partitioning
	groups []groupChunk
	sets   [][]groupChunk
}

// groupChunk is a block of groups. Ordinals order the chunks of aggregations in which the order of rows counts.
type groupChunk struct {
	of      *chunkTable
	ordinal int
	n       int
	at      block
}

// chunkTable is what the groups of a table have in common.
type chunkTable struct {
	a         *aggregation
	coder     keyCoder
	keys, det *layout // nil: the table has none
	hasCold   bool
	scales    []sumScale
	bounds    []uint64
	slow      []bool
	infinite  []bool
}

// beforeAll is the ordinal of what was merged before any chunk.
const beforeAll = -1

func chunkTableOf(t *groupTable) *chunkTable {
	c := &chunkTable{
		a: t.a, coder: t.coder.clone(), hasCold: t.hasCold, scales: slices.Clone(t.scales), bounds: slices.Clone(t.bounds),
		infinite: slices.Clone(t.infinite), slow: make([]bool, len(t.slow)),
	}
	if t.coder.hashed {
		l := t.keys.layout.clone()
		c.keys = &l
	}
	if t.det != nil {
		l := t.det.layout.clone()
		c.det = &l
	}
	for i, s := range t.slow {
		c.slow[i] = s != nil
	}
	return c
}

// chunkWriter writes the groups of tables by partition.
type chunkWriter struct{ partitionWriter }

func newChunkWriter(a *aggregation) (*chunkWriter, error) {
	w := &chunkWriter{}
	if err := w.open(a.q, a.stats, a.nk); err != nil {
		return nil, err
	}
	return w, nil
}

// write partitions the groups of a table by the hash of their first keys, and calls out with each chunk.
func (w *chunkWriter) write(ctx context.Context, t *groupTable, keys, depth int, out func(p int, c groupChunk)) error {
	of := chunkTableOf(t)
	return w.partition(ctx, t.n, depth, func(ids []uint32) {
		vs := w.d.vectors(t, &t.coder, ids)
		hashKeys(w.words[:len(ids)], vs[:keys], len(ids), w.rows)
	}, func(dst []byte, ids []uint32) []byte {
		return of.save(dst, t, ids)
	}, func(p, n int, at block) { out(p, groupChunk{of: of, n: n, at: at}) })
}

// save appends what merge reads of groups.
func (c *chunkTable) save(dst []byte, t *groupTable, ids []uint32) []byte {
	if c.keys != nil {
		dst = t.keys.save(dst, ids)
	} else {
		dst = appendValues(dst, t.words.v, 1, ids)
	}
	if c.det != nil {
		dst = t.det.save(dst, ids)
	}
	if c.a.positions {
		dst = appendValues(dst, t.pos.v, 1, ids)
	}
	dst = appendValues(dst, t.hot.v, c.a.words, ids)
	if c.hasCold {
		dst = appendValues(dst, t.cold.v, c.a.cold, ids)
	}
	for i, has := range c.slow {
		if !has {
			continue
		}
		at := len(dst)
		dst = binary.LittleEndian.AppendUint64(dst, 0)
		dst = pad8(t.slow[i].(spillState).save(dst, ids))
		binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-at-8))
	}
	return dst
}

// chunkReader makes tables of chunks, for merge to read.
type chunkReader struct {
	t   *groupTable
	buf []byte
}

// read returns the groups of a chunk, until the next call.
func (r *chunkReader) read(ctx context.Context, c *groupChunk, m *mergeScratch) (*groupTable, error) {
	of := c.of
	var err error
	if r.buf, err = of.a.q.spill.read(ctx, c.at, r.buf); err != nil {
		return nil, err
	}
	r.free()
	r.t = newBareTable(of.a, m.s.rows)
	return r.t, of.load(r.t, r.buf, c.n)
}

func (r *chunkReader) free() {
	if r.t != nil {
		r.t.free()
		r.t = nil
	}
}

// load fills a fresh table.
func (c *chunkTable) load(t *groupTable, src []byte, n int) error {
	t.n, t.coder, t.hasCold = n, c.coder, c.hasCold
	t.scales, t.bounds, t.infinite = slices.Clone(c.scales), slices.Clone(c.bounds), c.infinite
	var err error
	if c.keys != nil {
		t.keys = newRowSet(t.tracker, exprTypes(c.a.exprs[:c.a.nk]), nil, false, t.blocks, t.rows)
		src, err = t.keys.load(src, n, c.keys)
	} else {
		src, err = takeValues(&t.words, t.tracker, src, n)
	}
	if err == nil && c.det != nil {
		t.det = newRowSet(t.tracker, exprTypes(c.a.determined), nil, false, t.blocks, t.rows)
		src, err = t.det.load(src, n, c.det)
	}
	if err == nil && c.a.positions {
		src, err = takeValues(&t.pos, t.tracker, src, n)
	}
	if err == nil {
		src, err = takeValues(&t.hot, t.tracker, src, n*c.a.words)
	}
	if err == nil && c.hasCold {
		src, err = takeValues(&t.cold, t.tracker, src, n*c.a.cold)
	}
	for i, has := range c.slow {
		if err != nil || !has {
			continue
		}
		if t.slow[i] == nil {
			t.slow[i] = t.slowBehind(i)
		}
		size := binary.LittleEndian.Uint64(src)
		if _, err = t.slow[i].(spillState).load(src[8:8+size], n); err == nil {
			src = src[8+size:]
		}
	}
	return err
}

// mergeChunk adds the groups of a chunk to t.
func (t *groupTable) mergeChunk(ctx context.Context, c *groupChunk, r *chunkReader, m *mergeScratch) error {
	from, err := r.read(ctx, c, m)
	if err != nil {
		return err
	}
	if invariants.Mutant("spill-merges-twice") && c.n > 1 {
		if err := t.mergeAll(from, m); err != nil {
			return err
		}
	}
	return t.mergeAll(from, m)
}

// bytesOf is what the table takes, and growth how much more it takes with n more groups.
func (t *groupTable) bytesOf() int64 {
	n := int64(t.words.slab.Bytes()+t.slots.slab.Bytes()+t.dense.slab.Bytes()+t.pos.slab.Bytes()+t.hot.slab.Bytes()) +
		int64(t.cold.slab.Bytes())
	for _, r := range []*rowSet{t.keys, t.det} {
		if r != nil {
			n += r.bytesOf()
		}
	}
	for _, s := range t.slow {
		if s != nil {
			n += s.(spillState).bytesOf()
		}
	}
	return n
}

func (t *groupTable) growth(n int) int64 {
	need := t.n + n + 1
	g := t.words.growth(need) + t.hot.growth(need*t.a.words)
	if t.a.positions {
		g += t.pos.growth(need)
	}
	if t.hasCold {
		g += t.cold.growth(need * t.a.cold)
	}
	if !t.isDense && 2*(t.indexed+n) > len(t.index.Slots) {
		g += mem.SlabSize(8 * max(2*len(t.index.Slots), 4*(t.indexed+n)))
	}
	for _, r := range []*rowSet{t.keys, t.det} {
		if r != nil {
			g += r.growth(n)
		}
	}
	g += t.numbersGrowth(n)
	for _, s := range t.slow {
		if s != nil {
			g += s.(spillState).growth(need)
		}
	}
	return g
}

// growth is the memory that grow takes for n values; what they were in before is free only afterwards.
func (c *column[T]) growth(n int) int64 {
	if n <= len(c.v) {
		return 0
	}
	var z T
	return mem.SlabSize(max(n, len(c.v)+len(c.v)/2) * int(unsafe.Sizeof(z)))
}
