package rowstore

import (
	"runtime"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// noRow stands for "no row". A row's number is its chunk's number << chunkShift, plus its place there; chunk numbers
// are not reused.
const noRow = ^uint64(0)

// rows is the content of a table from its creation, or last truncation, on.
type rows struct {
	layout *rowLayout
	arena  *arena
	clock  *clock
	dir    atomic.Pointer[[]atomic.Pointer[chunk]]
	// used counts the chunks ever made: the number of the next one.
	used atomic.Int64
	// live counts rows that are not ended, ended those that are and still here.
	live, ended atomic.Int64

	// The rest is the writer's.
	tail     *chunk
	tailNo   int
	appender appender
	key      []byte
	vacuum   vacuum
	sealed   int64 // chunks that became full
	freed    int64
}

func newRows(l *rowLayout, a *arena, c *clock) *rows {
	r := &rows{layout: l, arena: a, clock: c}
	r.appender.arena = a
	dir := make([]atomic.Pointer[chunk], 8)
	r.dir.Store(&dir)
	return r
}

// chunk returns a chunk by its number; nil if every row of it was ended before anybody's View.
func (r *rows) chunk(i int) *chunk {
	dir := *r.dir.Load()
	if i < 0 || i >= len(dir) {
		return nil
	}
	return dir[i].Load()
}

// row returns the chunk of a row and its place there; nil if it is gone or never was.
func (r *rows) row(id uint64) (*chunk, int) {
	if id >= uint64(r.used.Load())<<chunkShift {
		return nil, 0
	}
	c := r.chunk(int(id >> chunkShift))
	if c == nil || int(id&rowMask) >= c.capacity() {
		return nil, 0
	}
	return c, int(id & rowMask)
}

// open returns the chunk that takes the next rows.
func (r *rows) open() *chunk {
	if r.tail != nil && !r.tail.sealed {
		return r.tail
	}
	return r.addChunk(chunkCapacity(int(r.used.Load())))
}

// addChunk makes a new chunk, which becomes the open one.
func (r *rows) addChunk(capacity int) *chunk {
	no := int(r.used.Load())
	dir := *r.dir.Load()
	if no == len(dir) {
		more := make([]atomic.Pointer[chunk], 2*len(dir))
		for i := range dir {
			more[i].Store(dir[i].Load())
		}
		r.dir.Store(&more)
		dir = more
	}
	c := newChunk(r.layout, r.arena, capacity)
	dir[no].Store(c)
	r.tail, r.tailNo = c, no
	r.used.Store(int64(no + 1))
	return c
}

// seal closes the open chunk.
func (r *rows) seal() {
	r.tail.sealed = true
	r.sealed++
	r.vacuum.note(r.tailNo, r.tail)
}

// insert appends the live rows of b, enters them into the indexes, and publishes them.
func (r *rows) insert(lsn table.LSN, b *vec.Batch, t *memTable) error {
	for from := 0; from < b.N; {
		c := r.open()
		at := int(c.n.Load())
		n := min(b.N-from, c.capacity()-at)
		invariants.Assert(at == 0 || c.begin[at-1] <= uint64(lsn), "rows of LSN %d after those of %d", lsn, c.begin[max(at, 1)-1])
		if invariants.Mutant("rowstore-publish-early") {
			for i := range n {
				c.begin[at+i] = uint64(lsn)
			}
			c.n.Store(uint32(at + n))
			runtime.Gosched()
		}
		if err := r.appender.append(c, r.layout, b, from, n, at); err != nil {
			return err
		}
		for i := range c.begin[at : at+n] {
			c.begin[at+i] = uint64(lsn)
		}
		c.changed.Store(uint64(lsn))
		if err := r.enter(c, at, n, t); err != nil {
			return err
		}
		c.n.Store(uint32(at + n))
		r.live.Add(int64(n))
		if at+n == c.capacity() {
			r.seal()
		}
		from += n
	}
	return nil
}

// enter puts n new rows of the open chunk into the indexes. A row that takes the key of an older one gets a link to it.
func (r *rows) enter(c *chunk, at, n int, t *memTable) error {
	first := uint64(r.tailNo)<<chunkShift + uint64(at)
	for i := range n {
		p, buf, ok := t.primary.rowProbe(r.key, c, at+i)
		r.key = buf
		if !ok {
			return sqlerr.Newf(sqlerr.InternalError, "a row of table \"%s\" has NULL in its key", t.def.Name)
		}
		if len(p.key) > KeyBytesMax {
			return errKeyTooLong(t.def, len(p.key))
		}
		if old, had := t.primary.tree.set(&p, first+uint64(i)); had {
			c.setPrev(r.arena, at+i, old)
		} else if c.prev.Load() != nil {
			c.setPrev(r.arena, at+i, noRow)
		}
	}
	for _, k := range t.unique() {
		for i := range n {
			p, buf, ok := k.rowProbe(r.key, c, at+i)
			r.key = buf
			if !ok {
				continue // NULLs are equal to nothing
			}
			if len(p.key) > KeyBytesMax {
				return errKeyTooLong(t.def, len(p.key))
			}
			k.tree.set(&p, first+uint64(i))
		}
	}
	return nil
}

func errKeyTooLong(def *table.TableDef, n int) error {
	return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a key of %d bytes of table \"%s\" exceeds the maximum of %d", n, def.Name, KeyBytesMax)
}

// end ends the rows with the given keys that were live before lsn. Rows that the same transaction has made since under
// one of the keys stay.
func (r *rows) end(lsn table.LSN, keys *table.Keys, t *memTable) error {
	for i := range keys.Len() {
		p, ok := t.primary.probe(keys.At(i))
		if !ok {
			return errNoKey(t.def, keys.At(i), lsn)
		}
		id, ok := t.primary.tree.get(&p)
		var c *chunk
		var row int
		for ok {
			if c, row = r.row(id); c == nil || c.begin[row] < uint64(lsn) {
				break
			}
			id = c.prevOf(row)
			ok = id != noRow
		}
		if !ok || c == nil || c.endOf(row) != never {
			return errNoKey(t.def, keys.At(i), lsn)
		}
		c.endRow(r.arena, row, lsn)
		r.live.Add(-1)
		r.ended.Add(1)
		r.vacuum.note(int(id>>chunkShift), c)
	}
	return nil
}

func errNoKey(def *table.TableDef, key []byte, lsn table.LSN) error {
	return sqlerr.Newf(sqlerr.InternalError, "LSN %d ends a row of table \"%s\" that is not live: key %x", lsn, def.Name, key)
}

// get finds the version of a row that a snapshot at lsn sees.
func (r *rows) get(t *tree, p *probe, lsn table.LSN) (uint64, bool) {
	id, ok := t.get(p)
	for ok {
		c, row := r.row(id)
		if c == nil {
			return 0, false
		}
		if c.begin[row] <= uint64(lsn) {
			return id, c.endOf(row) > uint64(lsn)
		}
		if invariants.Mutant("rowstore-forget-versions") {
			return 0, false
		}
		id = c.prevOf(row)
		ok = id != noRow
	}
	return 0, false
}

// destroy gives all memory back; nobody may read it any more.
func (r *rows) destroy() { r.arena.destroy() }
