package columnar

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// flush writes the rows of a sealed memtable to segments, which take its place.
func (inc *incarnation) flush(ctx context.Context, m *memtable) error {
	cut, release, err := inc.t.jobs.view(ctx, m.sealed)
	if err != nil {
		return err
	}
	defer release()
	// The View keeps the memtable if the table is still there now: had it been dropped before there was a View, nobody
	// would keep the rows.
	if inc.replaced() && !invariants.Mutant("columnar-flush-dropped") {
		return nil
	}
	all, indexes := m.Bytes()
	b, err := inc.newBuilder(cut, 0, int(m.Live()), all-indexes)
	if err != nil {
		return err
	}
	defer b.abandon()
	to, err := inc.writeRows(ctx, b, m, cut)
	if err != nil {
		return err
	}
	inc.publishing.Lock()
	defer inc.publishing.Unlock()
	r := moveRecord{table: inc.id, born: inc.born, moves: inc.moves.Load() + 1, sealed: m.sealed, cut: cut, added: b.records()}
	segs := b.done
	b.done = nil // a record may name them, whatever becomes of it
	publish := func(applied table.LSN) error {
		return inc.publishFlush(applied, m, segs, to, &r)
	}
	if err := inc.t.jobs.log(ctx, FlushRecord, r.encode(), publish); err != nil {
		return err
	}
	inc.t.counts.flushes.Add(1)
	for _, s := range segs {
		inc.t.counts.flushBytes.Add(s.bytes())
	}
	return nil
}

// publishFlush puts segments in the place of a memtable: it runs in the order of the log. Rows that ended since the cut
// are deleted in the segments.
func (inc *incarnation) publishFlush(applied table.LSN, m *memtable, segs []*seg, to []table.RowRef, r *moveRecord) error {
	if inc.replaced() {
		inc.t.unusedAll(segs)
		return nil
	}
	first, _ := m.Rows()
	var list []movedDeletion
	m.Deletions(r.cut, func(row uint64, end table.LSN) {
		list = append(list, movedDeletion{to[row-first], end})
	})
	if invariants.Mutant("columnar-forget-ended") {
		list = nil
	}
	if err := inc.deleteMoved(list, segs); err != nil {
		return err
	}
	if !invariants.Mutant("columnar-forget-moves") {
		m.moved.p.Store(&relocation{move: r.moves, to: to})
	}
	inc.exchange(applied, m, nil, segs, r.moves)
	return nil
}

// movedDeletion is the end of a row between the cut at which it was copied and the moment at which the copy counts.
type movedDeletion struct {
	to  table.RowRef
	lsn table.LSN
}

// deleteMoved deletes copies of rows in new segments.
func (inc *incarnation) deleteMoved(list []movedDeletion, segs []*seg) error {
	slices.SortStableFunc(list, func(a, b movedDeletion) int { return cmp.Compare(a.lsn, b.lsn) })
	for _, d := range list {
		num, pos := split(d.to)
		if s := numbered(segs, num); s != nil {
			if err := inc.delete(s, d.lsn, pos); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaced reports whether the table was dropped, or its rows replaced: nothing is moved any more.
func (inc *incarnation) replaced() bool {
	st := (*inc.t.tables.Load())[inc.id]
	return st == nil || st.inc != inc
}

// sortedRow is a row of a memtable, or of a run of a load, with its sort key, which is at keys[from:from+n].
type sortedRow struct {
	prefix uint64
	from   uint64
	row    uint64
	n      uint32
}

func (r *sortedRow) key(keys []byte) []byte { return keys[r.from : r.from+uint64(r.n)] }

// row returns row i of a batch, whose number is row, and appends its key to keys.
func (by *sorter) row(keys []byte, b *vec.Batch, i int, row uint64) (sortedRow, []byte) {
	r := sortedRow{from: uint64(len(keys)), row: row}
	keys = by.append(keys, b, i)
	r.n = uint32(uint64(len(keys)) - r.from)
	r.prefix = index.Word(r.key(keys))
	return r, keys
}

// byKey compares rows whose keys are in keys.
func byKey(keys []byte) func(a, b sortedRow) int {
	return func(a, b sortedRow) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		return bytes.Compare(a.key(keys), b.key(keys))
	}
}

// writeRows writes the rows that live at a cut, and returns their places by row.
func (inc *incarnation) writeRows(ctx context.Context, b *builder, m *memtable, cut table.LSN) ([]table.RowRef, error) {
	first, end := m.Rows()
	to := make([]table.RowRef, end-first)
	tracker := inc.t.moving
	charge := int64(8 * (end - first))
	tracker.Force(charge)
	defer func() { tracker.Release(charge) }()
	var err error
	if inc.inOrder(m, cut) {
		err = inc.writeInOrder(ctx, b, m, cut, to)
	} else {
		list, keys := inc.sortRows(m, cut)
		extra := int64(cap(list))*sortedRowBytes + int64(cap(keys))
		tracker.Force(extra)
		charge += extra
		err = inc.writeSorted(ctx, b, m, list, cut, to)
	}
	if err == nil {
		err = b.close()
	}
	return to, err
}

// sortedRowBytes is the size of a sortedRow.
const sortedRowBytes = 32

// inOrder reports whether the rows that live at a cut came in the order of their sort key.
func (inc *incarnation) inOrder(m *memtable, cut table.LSN) bool {
	var rows []uint64
	var batch vec.Batch
	var last, key []byte
	by := inc.newSorter()
	for c := m.FirstChunk(); c < m.EndChunk(); c++ {
		rows = m.Chunk(c, cut, &batch, rows)
		for i := range rows {
			if key = by.append(key[:0], &batch, i); bytes.Compare(key, last) < 0 {
				return false
			}
			last, key = key, last
		}
	}
	return true
}

// sortRows sorts the rows that live at a cut by the sort key.
func (inc *incarnation) sortRows(m *memtable, cut table.LSN) (list []sortedRow, keys []byte) {
	var rows []uint64
	var batch vec.Batch
	list = make([]sortedRow, 0, m.Live())
	by := inc.newSorter()
	for c := m.FirstChunk(); c < m.EndChunk(); c++ {
		rows = m.Chunk(c, cut, &batch, rows)
		for i, row := range rows {
			var r sortedRow
			r, keys = by.row(keys, &batch, i, row)
			list = append(list, r)
		}
	}
	slices.SortFunc(list, byKey(keys))
	return list, keys
}

// writeInOrder writes rows as they stand.
func (inc *incarnation) writeInOrder(ctx context.Context, b *builder, m *memtable, cut table.LSN, to []table.RowRef) error {
	first, _ := m.Rows()
	var rows []uint64
	var batch vec.Batch
	var refs []table.RowRef
	var since []table.LSN
	for c := m.FirstChunk(); c < m.EndChunk(); c++ {
		if rows = m.Chunk(c, cut, &batch, rows); len(rows) == 0 {
			continue
		}
		since = begins(m.Memtable, rows, since[:0])
		var err error
		if refs, err = b.append(ctx, &batch, since, refs[:0]); err != nil {
			return err
		}
		for i, row := range rows {
			to[row-first] = refs[i]
		}
	}
	return nil
}

// begins appends the LSNs at which rows began.
func begins(m *rowstore.Memtable, rows []uint64, dst []table.LSN) []table.LSN {
	for _, row := range rows {
		v, _ := m.Of(row)
		dst = append(dst, v.Begin)
	}
	return dst
}

// writeSorted gathers rows in the order of a list.
func (inc *incarnation) writeSorted(ctx context.Context, b *builder, m *memtable, list []sortedRow, cut table.LSN, to []table.RowRef) error {
	first, _ := m.Rows()
	chunks, number := chunksOf(m, cut)
	bb := vec.NewBatchBuilder(inc.types, vec.Size, nil)
	var refs []table.RowRef
	var since []table.LSN
	rows := make([]uint64, 0, vec.Size)
	entries := make([]vec.Entry, 0, vec.Size)
	for len(list) > 0 {
		n := min(len(list), vec.Size)
		bb.Reset()
		rows, entries = rows[:0], entries[:0]
		for i := range list[:n] {
			row := list[i].row
			rows = append(rows, row)
			entries = append(entries, vec.Entry{From: number[(row-first)/rowstore.ChunkRows], At: uint16(row % rowstore.ChunkRows)})
		}
		if err := bb.AppendEntries(chunks, entries); err != nil {
			return err
		}
		since = begins(m.Memtable, rows, since[:0])
		var err error
		if refs, err = b.append(ctx, bb.Batch(), since, refs[:0]); err != nil {
			return err
		}
		for i, row := range rows {
			to[row-first] = refs[i]
		}
		list = list[n:]
	}
	return nil
}

// chunksOf returns the columns of the chunks of a memtable that have rows which live at a cut, and their numbers in this
// list by chunk.
func chunksOf(m *memtable, cut table.LSN) (cols [][]vec.Vector, number []uint32) {
	var rows []uint64
	for c := m.FirstChunk(); c < m.EndChunk(); c++ {
		number = append(number, uint32(len(cols)))
		var batch vec.Batch
		if rows = m.Chunk(c, cut, &batch, rows); len(rows) > 0 {
			cols = append(cols, batch.Groups[0].Cols)
		}
	}
	return cols, number
}
