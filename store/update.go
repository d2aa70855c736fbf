package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// claimed is a row that is locked and about to be ended: an own one, or a committed one with its key.
type claimed struct {
	ref table.RowRef
	at  int   // place in the caller's list
	own int32 // -1: committed
	// key is that of a committed row, in Writer.claimKeys.
	key int
}

// Update replaces columns of rows.
func (w *Writer) Update(ctx context.Context, refs []table.RowRef, cols []int, vals *vec.Batch) (out table.Outcome, err error) {
	if err := w.writable(ctx); err != nil {
		return out, err
	}
	if err := checkColumns(w.def, cols); err != nil {
		return out, err
	}
	if err := w.checkBatch(vals, cols); err != nil {
		return out, err
	}
	if vals.N != len(refs) {
		return out, sqlerr.Newf(sqlerr.InternalError, "%d rows of values for %d rows", vals.N, len(refs))
	}
	mode := table.ForNoKeyUpdate
	for k := range w.def.Keys {
		if overlap(w.def.Keys[k].Columns, w.withGenerated(cols)) {
			mode = table.ForUpdate
		}
	}
	rows, keys, err := w.claim(ctx, refs, mode)
	if err != nil || len(rows) == 0 {
		return out, err
	}
	return w.replace(ctx, rows, keys, cols, vals, len(refs))
}

func overlap(a, b []int) bool {
	return slices.ContainsFunc(a, func(c int) bool { return slices.Contains(b, c) })
}

// claim locks rows and checks that they are the newest versions. Rows that this statement has ended
// already are left out: the first change of a row counts. The rows and their keys are valid until the next call.
func (w *Writer) claim(ctx context.Context, refs []table.RowRef, mode table.RowLock) ([]claimed, *table.Keys, error) {
	w.st.read = true
	s := &w.tt.w.scratch
	rows, keys := s.claimed[:0], &s.keys
	keys.Data, keys.Ends = keys.Data[:0], keys.Ends[:0]
	for i, ref := range refs {
		c := claimed{ref: ref, at: i, own: -1}
		if ref&privateRef != 0 {
			if c.own = w.tt.w.row(ref); c.own < 0 {
				return nil, nil, errNoRow
			}
			if !w.tt.w.isLive(c.own) {
				continue
			}
			if err := w.lockOwn(ctx, c.own, mode, table.WaitBlock); err != nil {
				return nil, nil, err
			}
			rows = append(rows, c)
			continue
		}
		if _, ended := w.tt.w.hasEnded(ref); ended {
			continue
		}
		key, locked := s.locked.next(w.st, ref, mode)
		if !locked {
			var err error
			if key, err = w.claimBase(ctx, ref, mode); err != nil {
				return nil, nil, err
			}
		}
		c.key = keys.Len()
		keys.Append(key)
		rows = append(rows, c)
	}
	s.claimed = rows
	return w.once(rows), keys, nil
}

// once leaves out all but the first of equal references.
func (w *Writer) once(rows []claimed) []claimed {
	if len(rows) < 2 {
		return rows
	}
	var seen refTable
	return slices.DeleteFunc(rows, func(c claimed) bool {
		if seen.find(c.ref) >= 0 {
			return true
		}
		seen.add(c.ref, int32(seen.n))
		return false
	})
}

// source returns the snapshot that has all rows whose references the statement knows.
func (w *Writer) source() table.TableSnapshot {
	if w.st.newest != nil {
		if ts := w.st.tx.committed(w.st.newest.State, w.def); ts != nil {
			return ts
		}
	}
	return w.ts
}

// claimBase locks a committed row and returns its key, which is borrowed.
func (w *Writer) claimBase(ctx context.Context, ref table.RowRef, mode table.RowLock) ([]byte, error) {
	if w.emptied {
		return nil, errConcurrentDelete
	}
	ts := w.source()
	if ts == nil {
		return nil, errNoRow
	}
	w.key = ts.AppendKey(w.key[:0], ref)
	if err := w.st.tx.lockRow(ctx, w.def.ID, w.key, mode, table.WaitBlock); err != nil {
		return nil, err
	}
	if invariants.Mutant("store-ignore-first-updater") {
		return w.key, nil
	}
	ts = w.st.current(w.def)
	if ts == nil {
		return nil, errConcurrentDelete
	}
	if ts.Lives(ref) {
		return w.key, nil
	}
	now, _, live, found := ts.Newest(w.key)
	switch {
	case !found || !live:
		return nil, errConcurrentDelete
	case !sameVersion(ts, now, ref):
		return nil, errConcurrentUpdate
	}
	return w.key, nil
}

// replace writes the new versions of claimed rows.
func (w *Writer) replace(
	ctx context.Context, rows []claimed, keys *table.Keys, cols []int, vals *vec.Batch, asked int,
) (out table.Outcome, err error) {
	if err := w.room(ctx); err != nil {
		return out, err
	}
	ws := w.tt.w
	old := &ws.scratch.old
	if err := w.fetch(ctx, rows, old); err != nil {
		return out, err
	}
	if len(rows) < asked {
		at := make([]int, len(rows))
		for i := range rows {
			at[i] = rows[i].at
		}
		vals = pick(vals, at)
	}
	b, err := generate(ctx, w.def, w.funcs, ws.scratch.merge(old, cols, vals))
	if err != nil {
		return out, err
	}
	cols = w.withGenerated(cols)
	if err := w.checkRows(ctx, b); err != nil {
		return out, err
	}
	first := ws.rows
	defer func() {
		if err != nil && ws.rows == first {
			ws.dropKeys(first)
		}
	}()
	for i := range rows {
		if err := w.admitUpdate(ctx, old, b, i, first+int32(i), cols); err != nil {
			return out, err
		}
	}
	hidden, origins := w.inherit(rows, keys)
	if err := w.patiently(ctx, func() error { return ws.add(w.st.command, b, hidden, origins) }); err != nil {
		return out, err
	}
	for i := range rows {
		w.end(&rows[i], keys, first+int32(i))
	}
	if len(w.def.Foreign) > 0 || len(w.referrers) > 0 {
		w.noteUpdated(rows, old, b, first, cols)
	}
	ws.updated += int64(len(rows))
	out.Rows = int64(len(rows))
	out.Refs = refsFrom(first, len(rows))
	return out, w.patiently(ctx, ws.reserve)
}

// fetch reads all columns of claimed rows.
func (w *Writer) fetch(ctx context.Context, rows []claimed, dst *vec.Batch) error {
	if len(rows) <= fetchFew {
		return w.fetchOneByOne(rows, dst)
	}
	refs := make([]table.RowRef, len(rows))
	for i := range rows {
		refs[i] = rows[i].ref
	}
	r := Reader{st: w.st, tt: w.tt, def: w.def, ts: w.ts}
	return r.Fetch(ctx, refs, w.allColumns(), dst)
}

// fetchFew is the number of rows up to which they are read one by one, into memory that the transaction keeps.
const fetchFew = 16

// rowScratch is memory for changing rows of a table.
type rowScratch struct {
	def  *table.TableDef
	cols []int
	row  types.Row
	b    *vec.BatchBuilder
	// claimed, keys and origins are those of one call of a Writer; key and was are a row's unique keys.
	claimed  []claimed
	locked   lockedRows
	keys     table.Keys
	origins  []int32
	key, was []byte
	old      vec.Batch // the rows before, and their new versions
	merged   vec.Batch
	vecs     []vec.Vector
}

// reset forgets what is large.
func (s *rowScratch) reset() {
	if cap(s.claimed) > spareRowsMax || cap(s.keys.Data) > spareBytesMax {
		s.claimed, s.keys, s.origins = nil, table.Keys{}, nil
	}
	if cap(s.locked.refs) > spareRowsMax || cap(s.locked.keys.Data) > spareBytesMax {
		s.locked = lockedRows{}
	}
	s.locked.st = nil
}

// scratch returns memory for rows of a definition of the table.
func (tt *txTable) scratch(def *table.TableDef) *rowScratch {
	s := &tt.w.scratch
	if s.def != def {
		s.def, s.cols, s.b = def, make([]int, len(def.Columns)), vec.NewBatchBuilder(rowTypes(def)[:len(def.Columns)], 1, nil)
		for i := range s.cols {
			s.cols[i] = i
		}
	}
	s.b.Reset()
	return s
}

// fetchOneByOne reads all columns of a few claimed rows; they are valid until the next call.
func (w *Writer) fetchOneByOne(rows []claimed, dst *vec.Batch) error {
	s, ts := w.tt.scratch(w.def), w.source()
	for i := range rows {
		c := &rows[i]
		if c.own >= 0 {
			chunk, at := w.tt.w.at(c.own)
			s.row = chunk.appendRow(s.row[:0], at, s.cols)
			if err := s.b.AppendRow(s.row); err != nil {
				return err
			}
			continue
		}
		if err := ts.FetchInto(s.b, c.ref, s.cols); err != nil {
			return err
		}
		if err := s.b.Commit(); err != nil {
			return err
		}
	}
	*dst = *s.b.Batch()
	return nil
}

// merge returns the rows of old with some columns replaced, valid until the next call.
func (s *rowScratch) merge(old *vec.Batch, cols []int, vals *vec.Batch) *vec.Batch {
	n := old.NumCols()
	s.vecs = slices.Grow(s.vecs[:0], n)[:n]
	vs, b := s.vecs, &s.merged
	b.N, b.Groups = old.N, slices.Grow(b.Groups[:0], n)[:n]
	for c := range n {
		v, g := old.Col(c)
		if i := slices.Index(cols, c); i >= 0 {
			v, g = vals.Col(i)
		}
		vs[c] = *v
		b.Groups[c] = vec.Group{Cols: vs[c : c+1 : c+1], Sel: g.Sel, RowIDs: g.RowIDs}
	}
	return b
}

// inherit returns the hidden keys of claimed rows, if they have such, and which ended rows their new
// versions replace.
func (w *Writer) inherit(rows []claimed, keys *table.Keys) (hidden []int64, origins []int32) {
	ws := w.tt.w
	origins = slices.Grow(ws.scratch.origins[:0], len(rows))[:len(rows)]
	ws.scratch.origins = origins
	keyless := w.def.PrimaryKey() == nil
	next := int32(len(ws.ended))
	for i := range rows {
		c := &rows[i]
		if c.own >= 0 {
			chunk, at := ws.at(c.own)
			origins[i] = chunk.origin(at)
			if keyless {
				v := chunk.rows.Col(len(w.def.Columns)).Vector()
				hidden = append(hidden, v.Int(at))
			}
			continue
		}
		next++
		origins[i] = next
		if keyless { // the encoding of an int8
			hidden = append(hidden, int64(binary.BigEndian.Uint64(keys.At(c.key))^1<<63))
		}
	}
	return hidden, origins
}

// end ends a claimed row. next is its new version, -1 if it is deleted.
func (w *Writer) end(c *claimed, keys *table.Keys, next int32) {
	if c.own >= 0 {
		w.tt.w.endOwn(c.own, w.st.command, next)
		return
	}
	w.tt.w.follow(w.ts, w.st.view)
	w.tt.w.endBase(c.ref, keys.At(c.key), w.st.command, next)
}

// admitUpdate locks what row i loses and gains of unique keys, and notes the keys of its new version.
func (w *Writer) admitUpdate(ctx context.Context, old, b *vec.Batch, i int, row int32, cols []int) error {
	s := &w.tt.w.scratch
	for k := range w.def.Keys {
		def := &w.def.Keys[k]
		key, ok := index.AppendBatch(s.key[:0], b, def.Columns, i)
		if s.key = key; ok {
			if err := checkKeyLength(w.def, k, key); err != nil {
				return err
			}
		}
		if overlap(def.Columns, cols) {
			was, had := index.AppendBatch(s.was[:0], old, def.Columns, i)
			s.was = was
			if had != ok || !bytes.Equal(was, key) {
				if err := w.rekey(ctx, b, i, k, was, had, key, ok); err != nil {
					return err
				}
			}
		}
		if ok {
			w.tt.w.keys[k].add(key, row)
		}
	}
	return nil
}

// rekey locks the old and the new value of Keys[k], and checks that the new one is free.
func (w *Writer) rekey(ctx context.Context, b *vec.Batch, i, k int, was []byte, had bool, key []byte, ok bool) error {
	if w.def.Keys[k].Primary {
		w.tt.w.rekeyed = true
	}
	if had {
		if err := w.lockKey(ctx, k, was, table.ForUpdate, table.WaitBlock); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	taken, err := w.claimKey(ctx, k, key, false, true)
	if err == nil && !taken && len(w.st.tx.saves) > 0 {
		w.noteProbe(b, i, k, key)
	}
	if err != nil || !taken {
		return err
	}
	return w.checkLater(b, i, k, key)
}

// Delete removes rows.
func (w *Writer) Delete(ctx context.Context, refs []table.RowRef) (out table.Outcome, err error) {
	if err := w.writable(ctx); err != nil {
		return out, err
	}
	for len(refs) > 0 {
		n := min(len(refs), vec.Size)
		rows, keys, err := w.claim(ctx, refs[:n], table.ForUpdate)
		if err != nil {
			return out, err
		}
		if err := w.lockRemoved(ctx, rows); err != nil {
			return out, err
		}
		if err := w.noteDeleted(ctx, rows); err != nil {
			return out, err
		}
		for i := range rows {
			w.end(&rows[i], keys, -1)
		}
		out.Rows += int64(len(rows))
		w.tt.w.deleted += int64(len(rows))
		refs = refs[n:]
	}
	return out, w.tt.w.reserve()
}

// lockRemoved locks the values of unique keys that go with committed rows, or with own versions of such: an update of
// other columns locked nothing.
func (w *Writer) lockRemoved(ctx context.Context, rows []claimed) error {
	ts := w.source()
	for k := range w.def.Keys {
		def := &w.def.Keys[k]
		if def.Primary {
			continue // the row itself
		}
		for i := range rows {
			if own := rows[i].own; own < 0 {
				w.row = ts.AppendRow(w.row[:0], rows[i].ref, def.Columns)
			} else if c, at := w.tt.w.at(own); c.origin(at) > 0 {
				w.row = c.appendRow(w.row[:0], at, def.Columns)
			} else {
				continue // locked when it was inserted
			}
			key, ok := index.AppendValues(w.key[:0], w.row)
			w.key = key
			if !ok {
				continue
			}
			if err := w.lockKey(ctx, k, key, table.ForUpdate, table.WaitBlock); err != nil {
				return err
			}
		}
	}
	return nil
}
