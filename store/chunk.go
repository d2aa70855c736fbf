package store

import (
	"sync/atomic"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// chunk holds up to vec.Size rows of a write set. Rows are ended by an atomic store, because scans of
// earlier commands, which do not care, may look at the same time.
type chunk struct {
	first int32 // number of its first row
	rows  *vec.BatchBuilder
	begin []uint32
	end   []atomic.Uint32
	// origins says for each row which ended row it replaces (+1; 0: none); nil: none does.
	origins []int32
	onHeap  bool
	// sealed: rows were dropped while a scan was open. They are still there, unseen, and no row is added any more.
	sealed bool
	// ins and upd are what a commit does with the rows.
	ins, upd entryRows
}

// droppedRow is the command that ends a row that was undone: no statement sees it.
const droppedRow = 1

func newChunk(first int32, ts []types.Type, rows int, tracker *mem.Tracker) *chunk {
	return &chunk{first: first, rows: vec.NewBatchBuilder(ts, rows, tracker), onHeap: tracker == nil}
}

func (c *chunk) sees(at int, command uint32) bool {
	end := c.end[at].Load()
	return c.begin[at] < command && (end == 0 || end >= command)
}

func (c *chunk) origin(at int) int32 {
	if c.origins == nil {
		return 0
	}
	return c.origins[at]
}

// append adds rows; after an error the chunk is as before.
func (c *chunk) append(w *writes, command uint32, b *vec.Batch, hidden []int64, origins []int32) error {
	n := c.rows.Len()
	for i := range b.NumCols() {
		v, g := b.Col(i)
		if err := c.rows.Col(i).AppendColumn(v, g, b.N); err != nil {
			c.rows.Truncate(n)
			return err
		}
	}
	if len(w.types) > len(w.def.Columns) {
		h := c.rows.Col(len(w.def.Columns))
		for _, key := range hidden {
			if err := h.AppendInt(key); err != nil {
				c.rows.Truncate(n)
				return err
			}
		}
	}
	if err := c.rows.Commit(); err != nil {
		c.rows.Truncate(n)
		return err
	}
	c.grow(n+b.N, command)
	if origins != nil || c.origins != nil {
		for len(c.origins) < n {
			c.origins = append(c.origins, 0)
		}
		c.origins = append(c.origins, origins...)
		for len(c.origins) < n+b.N {
			c.origins = append(c.origins, 0)
		}
	}
	return nil
}

// grow makes room for the commands of n rows and sets those of the new ones.
func (c *chunk) grow(n int, command uint32) {
	if n > cap(c.end) {
		size := min(max(n, 2*cap(c.end)), vec.Size)
		end := make([]atomic.Uint32, size)
		for i := range c.end {
			end[i].Store(c.end[i].Load())
		}
		c.end = end[:len(c.end)]
	}
	for i := len(c.end); i < n; i++ {
		c.end = c.end[:i+1]
		c.end[i].Store(0)
		c.begin = append(c.begin, command)
	}
}

// truncate drops the rows from n on.
func (c *chunk) truncate(n int) {
	c.rows.Truncate(n)
	c.begin, c.end = c.begin[:n], c.end[:n]
	if len(c.origins) > n {
		c.origins = c.origins[:n]
	}
}

// drop hides a row that was undone from everybody, where scans keep it from being cut off.
func (c *chunk) drop(at int) {
	c.end[at].Store(droppedRow)
	c.sealed = true
}

// bytes returns the memory that is not charged to a tracker by itself.
func (c *chunk) bytes() int64 {
	n := int64(4*cap(c.begin) + 4*cap(c.end) + 4*cap(c.origins) + 128)
	if c.onHeap {
		n += vec.BuilderBytes(c.rows)
	}
	return n
}

// appendRow appends columns of one row to dst.
func (c *chunk) appendRow(dst types.Row, at int, cols []int) types.Row {
	for _, col := range cols {
		v := c.rows.Col(col).Vector()
		dst = append(dst, v.Datum(at))
	}
	return dst
}

// entryRows are rows of a chunk that a commit updates or inserts.
type entryRows struct {
	sel  []uint16
	rows vec.Batch
	vecs []vec.Vector
	// keys and refs are those of the versions that the rows replace.
	keys table.Keys
	refs []table.RowRef
}

// entries appends what a commit does with the rows of a chunk: updates of committed rows to one list,
// inserts to the other.
func (c *chunk) entries(w *writes, head table.Entry, updates, inserts []table.Entry) (_, _ []table.Entry) {
	ins, upd := c.ins.sel[:0], c.upd.sel[:0]
	keys, refs := &c.upd.keys, c.upd.refs[:0]
	keys.Reset()
	for i := range c.rows.Len() {
		if c.end[i].Load() != 0 {
			continue
		}
		if o := c.origin(i); o > 0 {
			upd = append(upd, uint16(i))
			keys.Append(w.endKeys.At(int(o - 1)))
			if w.relocation.mover != nil {
				refs = append(refs, w.ended[o-1].ref)
			}
		} else {
			ins = append(ins, uint16(i))
		}
	}
	c.ins.sel, c.upd.sel, c.upd.refs = ins, upd, refs
	if len(upd) > 0 {
		head.Op, head.Rows = table.OpUpdateRows, c.upd.of(c)
		head.Keys, head.Refs = *keys, refs
		updates = append(updates, head)
	}
	if len(ins) > 0 {
		head.Op, head.Rows = table.OpInsertRows, c.ins.of(c)
		head.Keys, head.Refs = table.Keys{}, nil
		inserts = append(inserts, head)
	}
	return updates, inserts
}

// of returns the rows with all columns.
func (e *entryRows) of(c *chunk) *vec.Batch {
	sel := e.sel
	if len(sel) == c.rows.Len() {
		sel = nil
	}
	e.vecs = e.vecs[:0]
	for i := range c.rows.Columns() {
		e.vecs = append(e.vecs, c.rows.Col(i).Vector())
	}
	e.rows.Single(len(e.sel), e.vecs, sel)
	return &e.rows
}
