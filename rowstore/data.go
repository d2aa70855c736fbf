package rowstore

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// data is the content of one table: its chunks and key indexes. It is written by the applier alone. TRUNCATE gives a
// table new data.
type data struct {
	def     *table.TableDef
	types   []types.Type // of the columns, then of the hidden key if there is no primary key
	layouts []layout
	// rows is one above the highest row number that readers may look at.
	rows   atomic.Uint64
	chunks atomic.Pointer[[]atomic.Pointer[chunk]]
	used   int // chunks
	// first is the number of the first chunk.
	first int
	// fresh makes the next append open a new chunk.
	fresh bool
	live  atomic.Int64
	dead  atomic.Int64 // rows ended but not yet freed
	arena arena
	clock *clock
	// identity columns: the primary key's, or the hidden one.
	identity []int
	primary  *tree
	// unique[k] indexes TableDef.Keys[k]; nil for the primary key.
	unique []*tree
	sample reservoir
	stats  statsCache
	ints   [chunkRows]int64 // scratch of append
	key    []byte           // scratch
	vacAt  int
	// freed are chunks taken out, whose memory goes once no View is older than lsn.
	freed []freedChunk
	m     *counters
}

type freedChunk struct {
	c   *chunk
	lsn table.LSN
}

// counters are the store's metrics.
type counters struct{ sealed, freed atomic.Int64 }

func newData(def *table.TableDef, c *clock, t *mem.Tracker, sp *spares, m *counters) *data {
	d := &data{def: def, clock: c, m: m}
	d.arena.tracker, d.arena.spares = t, sp
	for _, col := range def.Columns {
		d.types = append(d.types, col.Type)
	}
	d.identity = def.PrimaryKey()
	if d.identity == nil {
		d.identity = []int{len(d.types)}
		d.types = append(d.types, types.T(types.Int8))
	}
	for _, t := range d.types {
		d.layouts = append(d.layouts, layoutOf(t))
	}
	d.primary = d.newTree(d.identity)
	d.unique = make([]*tree, len(def.Keys))
	for k := range def.Keys {
		if !def.Keys[k].Primary {
			d.unique[k] = d.newTree(def.Keys[k].Columns)
		}
	}
	cs := make([]atomic.Pointer[chunk], 16)
	d.chunks.Store(&cs)
	d.sample.init(uint64(def.ID))
	return d
}

func (d *data) newTree(cols []int) *tree {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = d.types[c]
	}
	n := index.FixedBytes(ts)
	return newTree(n > 0 && n <= 8, d.clock, &d.arena)
}

// destroy frees all memory; no reader may be left.
func (d *data) destroy() {
	d.arena.destroy()
}

// indexBytesPerKey is what a key takes on average, for metrics.
const indexBytesPerKey = 24

func (d *data) indexBytes() int64 {
	n := d.primary.n.Load()
	for _, t := range d.unique {
		if t != nil {
			n += t.n.Load()
		}
	}
	return n * indexBytesPerKey
}

// chunk returns a chunk, nil if it was freed.
func (d *data) chunk(i int) *chunk { return (*d.chunks.Load())[i].Load() }

// published returns how many rows of a chunk readers may look at. The writer's own count is read only of chunks that
// are full, or were closed early, before a later one was begun.
func (d *data) published(i int, c *chunk) int {
	if limit, first := d.rows.Load(), uint64(i)<<chunkShift; limit < first+chunkRows {
		return int(max(limit, first) - first)
	}
	return c.n
}

// of returns a row's chunk and its place in it; the chunk is nil if it was freed, and every View with it is gone.
func (d *data) of(row uint64) (*chunk, int) {
	return d.chunk(int(row >> chunkShift)), int(row & (chunkRows - 1))
}

func (d *data) alloc(c *chunk, n int) []byte {
	b := d.arena.alloc(n)
	c.mem = append(c.mem, b)
	return b
}

// newChunk opens the next chunk, in layouts that take b.
func (d *data) newChunk(b *vec.Batch) *chunk {
	cs := *d.chunks.Load()
	if d.used == len(cs) {
		more := make([]atomic.Pointer[chunk], 2*len(cs))
		for i := range cs {
			more[i].Store(cs[i].Load())
		}
		d.chunks.Store(&more)
		cs = more
	}
	if d.used > 0 {
		d.m.sealed.Add(1)
	}
	c := &chunk{cols: make([]column, len(d.layouts))}
	c.begin = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(d.alloc(c, chunkRows*8)))), chunkRows)
	for i := range c.cols {
		c.cols[i].layout = d.layouts[i]
		if v, _ := b.Col(i); v.VarNumeric && !c.cols[i].num {
			c.cols[i].layout = d.layouts[i].variable()
		}
		c.cols[i].data = d.alloc(c, chunkRows*int(c.cols[i].width))
		c.cols[i].reset()
	}
	cs[d.used].Store(c)
	d.used++
	d.fresh = false
	return c
}

func (d *data) keyOf(b *vec.Batch, cols []int, i int) ([]byte, bool) {
	var ok bool
	d.key, ok = index.AppendBatch(d.key[:0], b, cols, i)
	return d.key, ok
}

// insert appends rows and sets their index entries.
func (d *data) insert(lsn uint64, b *vec.Batch) error {
	if b == nil || b.N == 0 {
		return nil
	}
	return d.appendRows(lsn, b, func(c *chunk, first uint64, from, n int) {
		for i := range n {
			row := first + uint64(i)
			key, _ := d.keyOf(b, d.identity, from+i)
			p := probeOf(key)
			d.primary.set(&p, row, func(old uint64) { // who finds the new version may need the old one at once
				if !invariants.Mutant("rowstore-lose-chain") {
					d.link(c, row, old)
				}
			})
		}
		for k, t := range d.unique {
			if t == nil {
				continue
			}
			for i := range n {
				if key, ok := d.keyOf(b, d.def.Keys[k].Columns, from+i); ok {
					p := probeOf(key)
					t.set(&p, first+uint64(i), nil)
				}
			}
		}
	})
}

// link makes old the previous version of row.
func (d *data) link(c *chunk, row, old uint64) {
	if o, r := d.of(old); o != nil {
		o.replaced[r>>6] |= 1 << (r & 63)
	}
	p := c.prev.Load()
	if p == nil {
		p = (*[chunkRows]uint64)(unsafe.Pointer(unsafe.SliceData(d.alloc(c, chunkRows*8))))
		for i := range p {
			p[i] = noRow
		}
		p[row&(chunkRows-1)] = old
		c.prev.Store(p)
		return
	}
	p[row&(chunkRows-1)] = old
}

// end ends the version of a key that was live before lsn. One that the same record has made since, which replaces it or
// was moved to that key, stays.
func (d *data) end(lsn uint64, key []byte) error {
	c, r := d.before(lsn, key)
	if c == nil {
		return sqlerr.Newf(sqlerr.IndexCorrupted, "table %s: a row to end is not in its index", d.def.Name)
	}
	if c.endOf(r) != never {
		return sqlerr.Newf(sqlerr.IndexCorrupted, "table %s: a row to end has already ended", d.def.Name)
	}
	d.endRow(c, r, lsn)
	return nil
}

// endRow marks a row as ended: first in the deletion log, which scans read, then in the end array, which point
// reads use.
func (d *data) endRow(c *chunk, r int, lsn uint64) {
	l := c.dels.Load()
	n := 0
	if l != nil {
		n = int(l.n.Load())
	}
	if l == nil || n == len(l.row) {
		more := &delLog{row: make([]uint16, max(16, 2*n)), lsn: make([]uint64, max(16, 2*n))}
		if l != nil {
			copy(more.row, l.row)
			copy(more.lsn, l.lsn)
		}
		l = more
	}
	l.row[n], l.lsn[n] = uint16(r), lsn
	l.n.Store(uint32(n + 1))
	c.dels.Store(l)
	e := c.end.Load()
	if e == nil {
		e = (*ends)(unsafe.Pointer(unsafe.SliceData(d.alloc(c, chunkRows*8))))
		for i := range e {
			e[i] = never
		}
		e[r] = lsn
		c.end.Store(e)
	} else {
		atomic.StoreUint64(&e[r], lsn)
	}
	c.maxEnd = lsn
	c.dead++
	c.changed.Store(lsn)
	d.live.Add(-1)
	d.dead.Add(1)
}

// apply applies one entry. New versions are in the indexes before those that they replace have ended: who looks for
// the newest row with a key, which an update of other columns does not lock, finds a live one at any moment.
func (d *data) apply(lsn uint64, e *table.Entry) error {
	if invariants.Mutant("rowstore-end-first") {
		if err := d.endAll(lsn, e); err != nil {
			return err
		}
		time.Sleep(time.Microsecond) // long enough to be seen
		return d.insert(lsn, e.Rows)
	}
	if err := d.insert(lsn, e.Rows); err != nil {
		return err
	}
	return d.endAll(lsn, e)
}

// endAll ends the versions that an entry replaces or deletes.
func (d *data) endAll(lsn uint64, e *table.Entry) error {
	for i := range e.Keys.Len() {
		if err := d.end(lsn, e.Keys.At(i)); err != nil {
			return err
		}
	}
	return nil
}

// find returns the version of a key that lsn sees.
func (d *data) find(key []byte, lsn table.LSN) (uint64, bool) {
	row, ok := getKey(d.primary, key)
	for ok && row != noRow {
		c, r := d.of(row)
		if c == nil {
			return 0, false
		}
		if c.begin[r] <= uint64(lsn) {
			return row, c.endOf(r) > uint64(lsn)
		}
		p := c.prev.Load()
		if p == nil {
			return 0, false
		}
		row = p[r]
	}
	return 0, false
}

// vacuum frees wholly dead chunks that no View sees, looking at a few chunks a call.
func (d *data) vacuum(limit int) {
	for len(d.freed) > 0 && d.clock.passed(d.freed[0].lsn) {
		for _, b := range d.freed[0].c.mem {
			d.arena.release(b)
		}
		d.freed = d.freed[1:]
	}
	cs := *d.chunks.Load()
	for k := 0; k < limit && d.used > 1; k++ {
		if d.vacAt >= d.used-1 {
			d.vacAt = 0
		}
		i := d.vacAt
		d.vacAt++
		c := cs[i].Load()
		if c == nil || c.n == 0 || c.dead < c.n || c.maxEnd > uint64(d.clock.watermark) {
			continue
		}
		d.unindex(c, uint64(i)<<chunkShift)
		cs[i].Store(nil)
		d.dead.Add(-int64(c.n))
		d.m.freed.Add(1)
		d.freed = append(d.freed, freedChunk{c, d.clock.applied})
	}
}

// unindex removes the index entries that still lead to rows of a dead chunk.
func (d *data) unindex(c *chunk, first uint64) {
	drop := func(t *tree, cols []int, r int) bool {
		key := d.key[:0]
		for i, col := range cols {
			x := c.cols[col].datum(r)
			if x.IsNull() {
				return false
			}
			key = index.AppendDatum(key, x, i == len(cols)-1)
		}
		d.key = key
		p := probeOf(key)
		return t.remove(&p, first+uint64(r))
	}
	for r := range c.n {
		replaced := c.replaced[r>>6]>>(r&63)&1 != 0 // an index never goes back to an older version
		if !replaced || invariants.Enabled {
			removed := drop(d.primary, d.identity, r)
			invariants.Assert(!removed || !replaced, "an index led to row %d, which was replaced", first+uint64(r))
		}
		for k, t := range d.unique {
			if t != nil {
				drop(t, d.def.Keys[k].Columns, r)
			}
		}
	}
}

// newest finds the newest version of the row that an index has under a key, and when it ended. An index leads to a new
// version before the old one ends, so one that has ended and is still what the index leads to was not replaced.
func (d *data) newest(t *tree, key []byte) (row, end uint64, ok bool) {
	row, ok = getKey(t, key)
	for ok {
		c, r := d.of(row)
		if c == nil {
			return 0, 0, false
		}
		hasty := invariants.Mutant("rowstore-trust-ended")
		if hasty {
			time.Sleep(time.Microsecond) // long enough to be seen
		}
		if end = c.endOf(r); end == never || hasty {
			break
		}
		var again uint64
		if again, ok = getKey(t, key); ok && again == row {
			break
		}
		row = again
	}
	return row, end, ok
}

func getKey(t *tree, key []byte) (uint64, bool) {
	p := probeOf(key)
	return t.get(&p)
}
