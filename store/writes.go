package store

import (
	"slices"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// privateRef marks references to rows of a write set; the rest of the bits is the row's number.
const privateRef table.RowRef = 1 << 63

// writeRowsMax bounds the rows of one write set, ended committed ones included.
const writeRowsMax = 1 << 30

// writes is what a transaction has done to one table: rows of its own in chunks, the committed rows
// that it ended, and a log of both that leads back to any earlier place.
//
// A row carries the command that wrote it and the one that ended it (0: none). A statement sees rows
// written by smaller commands and not ended by one of them, so it never sees its own work.
type writes struct {
	def     *table.TableDef
	types   []types.Type // of a row: the columns, then the hidden key if there is no primary key
	tracker *mem.Tracker
	charged int64

	chunks  []*chunk
	rows    int32
	ended   []endedRow
	endKeys table.Keys // encoded keys of ended
	byRef   refTable   // position in ended
	// relocation follows ended rows that move.
	relocation relocation
	keys       []keyTable // by position in TableDef.Keys
	log        []writeRec
	// truncated is the command that removed all committed rows; 0: none did.
	truncated uint32
	// dropped are chunks that were undone while a scan was open.
	dropped []*chunk
	// scans counts the scans that are open on the chunks; no chunk that they know is appended to or cut.
	// orphan: the transaction has ended, and the last of them gives the memory back.
	scans  atomic.Int32
	orphan atomic.Bool
	// shared: a scan looks at ended and byRef, which are copied before they change.
	shared bool
	// rekeyed: an update changed a primary key.
	rekeyed bool

	inserted, updated, deleted int64
	// rewritten: these are all rows of the table in a new layout, and before is the write set, nil if there was
	// none, in the one before it.
	rewritten bool
	before    *writes
	// changed are the IDs of columns with FOREIGN KEY constraints whose values are others than before.
	changed []uint32
	// noted is the memory of what is to be checked of FOREIGN KEY constraints because of rows of the table.
	noted int64
	// parts are what was loaded into files of the tier.
	parts []*loadPart
	// loads are the places that bulk loads may return to.
	loads []*writesMark

	// home takes the write set back when the transaction has ended; spare is a chunk that it left, scratch and out are
	// memory for rows being changed and for the entries of a commit.
	home    *tableSpares
	spare   *chunk
	scratch rowScratch
	out     [2]table.Entry
}

// endedRow is a committed row that the transaction updated or deleted.
type endedRow struct {
	ref     table.RowRef
	command uint32
	// next is the own row that replaces it (+1; 0: it was deleted).
	next int32
}

// writeRec is one step of the log.
type writeRec struct {
	op  writeOp
	row int32
	was int32
}

type writeOp uint8

const (
	recInsert   writeOp = iota + 1 // was rows from row on were added
	recEnd                         // own row was ended
	recEndBase                     // a committed row was ended
	recReplace                     // ended[row].next was was
	recTruncate                    // truncated was was
	recLoad                        // a part was loaded into files
)

// writesMark is a place in the log of a write set.
type writesMark struct {
	of                         *writes
	log                        int
	inserted, updated, deleted int64
}

// rowTypes returns the column types of an entry's rows: those of the table, and the hidden key's.
func rowTypes(def *table.TableDef) []types.Type {
	ts := make([]types.Type, len(def.Columns), len(def.Columns)+1)
	for i := range def.Columns {
		ts[i] = def.Columns[i].Type
	}
	if def.PrimaryKey() == nil {
		ts = append(ts, types.T(types.Int8))
	}
	return ts
}

// empty reports whether a commit has nothing to write.
func (w *writes) empty() bool { return len(w.log) == 0 }

// mark returns the present place.
func (w *writes) mark() writesMark {
	return writesMark{w, len(w.log), w.inserted, w.updated, w.deleted}
}

// undo returns to a place, unless a savepoint has led to an earlier one already.
func (w *writes) undo(m writesMark) {
	if m.log > len(w.log) {
		return
	}
	for i := len(w.log) - 1; i >= m.log; i-- {
		r := w.log[i]
		switch r.op {
		case recInsert:
			for range r.was {
				w.dropLast()
			}
		case recEnd:
			c, at := w.at(r.row)
			c.end[at].Store(0)
		case recEndBase:
			w.dropEnded()
		case recReplace:
			w.ended[r.row].next = r.was
		case recTruncate:
			w.truncated = uint32(r.was)
		case recLoad:
			w.undoPart(i)
		}
	}
	w.log = w.log[:m.log]
	w.inserted, w.updated, w.deleted = m.inserted, m.updated, m.deleted
	for _, at := range w.loads {
		if at.log > m.log {
			*at = m
		}
	}
}

// dropLast forgets the newest row and its keys.
func (w *writes) dropLast() {
	w.rows--
	w.dropKeys(w.rows)
	c := w.chunks[len(w.chunks)-1]
	scanned := w.scans.Load() != 0
	switch at := int(w.rows - c.first); {
	case at > 0 && !scanned && !c.sealed:
		c.truncate(at)
		return
	case at > 0 || scanned:
		c.drop(at)
	}
	if w.rows > c.first {
		return
	}
	w.chunks = w.chunks[:len(w.chunks)-1]
	if scanned {
		w.dropped = append(w.dropped, c)
	} else {
		c.rows.Release()
	}
}

// dropKeys forgets the keys of rows from a number on, which were added last.
func (w *writes) dropKeys(row int32) {
	for k := range w.keys {
		t := &w.keys[k]
		for n := len(t.entries); n > 0 && t.entries[n-1].row >= row; n-- {
			t.pop()
		}
	}
}

// unshare makes ended and byRef the write set's own.
func (w *writes) unshare() {
	if w.shared {
		w.shared = false
		w.ended, w.byRef.slots = slices.Clone(w.ended), slices.Clone(w.byRef.slots)
	}
}

func (w *writes) dropEnded() {
	w.unshare()
	last := len(w.ended) - 1
	w.byRef.pop(w.ended[last].ref)
	w.ended = w.ended[:last]
	from := uint32(0)
	if last > 0 {
		from = w.endKeys.Ends[last-1]
	}
	w.endKeys.Data, w.endKeys.Ends = w.endKeys.Data[:from], w.endKeys.Ends[:last]
}

// at returns the chunk of a row and its place there.
func (w *writes) at(row int32) (*chunk, int) {
	i, found := slices.BinarySearchFunc(w.chunks, row, func(c *chunk, r int32) int { return int(c.first) - int(r) })
	if !found {
		i--
	}
	return w.chunks[i], int(row - w.chunks[i].first)
}

// row returns the number of a private reference, or -1 if there is no such row.
func (w *writes) row(ref table.RowRef) int32 {
	if n := ref &^ privateRef; w != nil && ref&privateRef != 0 && n < table.RowRef(w.rows) {
		return int32(n)
	}
	return -1
}

// isLive reports whether an own row is not ended.
func (w *writes) isLive(row int32) bool {
	c, at := w.at(row)
	return c.end[at].Load() == 0
}

// sees reports whether a statement sees an own row.
func (w *writes) sees(row int32, command uint32) bool {
	c, at := w.at(row)
	return c.sees(at, command)
}

// hides reports whether a statement does not see a committed row, because an earlier statement of the
// transaction ended it.
func (w *writes) hides(ref table.RowRef, command uint32) bool {
	if w.truncated != 0 && w.truncated < command {
		return true
	}
	i := w.endedAt(ref)
	return i >= 0 && w.ended[i].command < command
}

// hasEnded returns the command that ended a committed row.
func (w *writes) hasEnded(ref table.RowRef) (command uint32, ended bool) {
	if i := w.endedAt(ref); i >= 0 {
		return w.ended[i].command, true
	}
	return w.truncated, w.truncated != 0
}

// lookup returns the own row with a key that a statement sees, or -1.
func (w *writes) lookup(k int, key []byte, command uint32) int32 {
	t := &w.keys[k]
	for e := t.find(key); e >= 0; e = t.older(e) {
		if row := t.entries[e].row; w.sees(row, command) {
			return row
		}
	}
	return -1
}

// liveWith counts the own rows with a key that are not ended, those of the batch being added included.
func (w *writes) liveWith(k int, key []byte) (n int) {
	t := &w.keys[k]
	for e := t.find(key); e >= 0; e = t.older(e) {
		if row := t.entries[e].row; row >= w.rows || w.isLive(row) {
			n++
		}
	}
	return n
}

// oneWith returns a live row with a value of Keys[k], or one that is to be added.
func (w *writes) oneWith(k int, key []byte) (row int32, ok bool) {
	t := &w.keys[k]
	for e := t.find(key); e >= 0; e = t.older(e) {
		if row := t.entries[e].row; row >= w.rows || w.isLive(row) {
			return row, true
		}
	}
	return 0, false
}

// add appends the live rows of b, with their hidden keys if there is no primary key. Their keys were
// added before. origins says which ended rows they replace (+1; 0: none); nil: none.
func (w *writes) add(command uint32, b *vec.Batch, hidden []int64, origins []int32) error {
	row := w.rows
	if err := w.put(command, b, hidden, origins); err != nil {
		return err
	}
	w.log = append(w.log, writeRec{op: recInsert, row: row, was: int32(b.N)})
	return nil
}

// put is add for rows of which the log knows, or will.
func (w *writes) put(command uint32, b *vec.Batch, hidden []int64, origins []int32) error {
	if int64(w.rows)+int64(b.N)+int64(len(w.ended)) > writeRowsMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a transaction can change at most %d rows of a table", writeRowsMax)
	}
	c := w.open(b.N)
	if err := c.append(w, command, b, hidden, origins); err != nil {
		if c.rows.Len() == 0 {
			c.rows.Release()
			w.chunks = w.chunks[:len(w.chunks)-1]
		}
		return err
	}
	w.rows += int32(b.N)
	return nil
}

// open returns a chunk that n rows may be appended to.
func (w *writes) open(n int) *chunk {
	if last := len(w.chunks) - 1; last >= 0 && w.scans.Load() == 0 && !w.chunks[last].sealed && w.chunks[last].rows.Len()+n <= vec.Size {
		return w.chunks[last]
	}
	tracker := w.tracker
	if len(w.chunks) == 0 && n < vec.Size/8 {
		tracker = nil // most transactions write a few rows: Go memory, charged by reserve
	}
	c := w.spare
	if c == nil || tracker != nil {
		c = newChunk(w.rows, w.types, n, tracker)
	} else {
		w.spare = nil
		c.first = w.rows
	}
	w.chunks = append(w.chunks, c)
	return c
}

// endOwn ends an own row, which is live. next is the own row that replaces it, -1 if it is deleted.
func (w *writes) endOwn(row int32, command uint32, next int32) {
	c, at := w.at(row)
	invariants.Assert(c.end[at].Load() == 0, "row %d of the write set ended twice", row)
	c.end[at].Store(command)
	w.log = append(w.log, writeRec{op: recEnd, row: row})
	if o := c.origin(at) - 1; o >= 0 {
		w.log = append(w.log, writeRec{recReplace, o, w.ended[o].next})
		w.ended[o].next = next + 1
	}
}

// endBase ends a committed row, which was not ended before. next is as for endOwn.
func (w *writes) endBase(ref table.RowRef, key []byte, command uint32, next int32) {
	if r := &w.relocation; r.mover != nil {
		w.catchUp()
		ref = r.mover.Moved(ref, r.moves)
	}
	w.unshare()
	w.byRef.add(ref, int32(len(w.ended)))
	w.ended = append(w.ended, endedRow{ref, command, next + 1})
	w.endKeys.Append(key)
	w.log = append(w.log, writeRec{op: recEndBase})
}

// truncate ends everything.
func (w *writes) truncate(command uint32) {
	for _, c := range w.chunks {
		for i := range c.rows.Len() {
			if c.end[i].Load() == 0 {
				w.endOwn(c.first+int32(i), command, -1)
			}
		}
	}
	w.log = append(w.log, writeRec{op: recTruncate, was: int32(w.truncated)})
	w.truncated = command
}

// reserve charges what the write set has grown by to its transaction.
func (w *writes) reserve() error {
	n := w.noted + int64(16*cap(w.ended)+16*cap(w.log)+cap(w.endKeys.Data)+4*cap(w.endKeys.Ends)) + w.byRef.bytes()
	for k := range w.keys {
		n += w.keys[k].bytes()
	}
	for _, c := range w.chunks {
		n += c.bytes()
	}
	if err := w.tracker.Reserve(n - w.charged); err != nil {
		return err
	}
	w.charged = n
	return nil
}

// release gives the memory back, once no scan is open any more.
func (w *writes) release() {
	w.unfollow()
	for _, p := range w.parts {
		p.drop()
	}
	w.parts = nil
	w.orphan.Store(true)
	if w.scans.Load() == 0 && w.orphan.CompareAndSwap(true, false) {
		w.free()
	}
}

// scanned notes the end of a scan.
func (w *writes) scanned() {
	if w.scans.Add(-1) == 0 && w.orphan.CompareAndSwap(true, false) {
		w.free()
	}
}

func (w *writes) free() {
	w.tracker.Release(w.charged)
	if w.recycle() {
		w.home.pool.Put(w)
		return
	}
	for _, c := range append(w.chunks, w.dropped...) {
		if invariants.Enabled && c.onHeap {
			c.rows.Poison()
		}
		c.rows.Release()
	}
	w.chunks, w.dropped = nil, nil
}
