package lsm

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// batchBytesMax is the size from which on a batch is handed to Pebble, also within a record.
const batchBytesMax = 4 << 20

// writeState is a batch being made.
type writeState struct {
	batch *pebble.Batch // nil: nothing to write
	// load: a new batch has no index, because nothing is looked up in what is applied now.
	load bool
	// files are those of the newest batch that became files, of loaded bytes.
	files  loadFiles
	loaded int
	// cur is the record being applied, done the one before.
	cur, done table.LSN
	// ref and inc are the next reference and incarnation.
	ref, inc uint64
	// touched are the tables whose number of rows has changed.
	touched map[*data]bool
	own     []byte // the row's key
	key     []byte
	other   []byte
	value   []byte
	reader  rowReader
	row     types.Row
}

// get reads what has been applied. The value is valid until the closer is closed.
func (t *Tier) get(key []byte) ([]byte, io.Closer, error) {
	if err := t.settleLoad(); err != nil {
		return nil, nil, err
	}
	if b := t.write.batch; b != nil {
		return b.Get(key)
	}
	return t.db.Load().Get(key)
}

// begin begins, or goes on with, what a record does.
func (t *Tier) begin(lsn table.LSN) error {
	w := &t.write
	if lsn != w.cur {
		w.done = max(w.done, w.cur)
		w.cur = lsn
		if !t.live {
			t.ended.forget(table.MaxLSN) // nobody asks for them in a recovery
		}
		if w.batch != nil && w.batch.Len() >= batchBytesMax/4 {
			if err := t.commit(w.done, 0); err != nil {
				return err
			}
		}
	}
	return t.room()
}

// loadRows is the number of new rows from which on a batch has no index: nothing is looked up in it.
const loadRows = 512

// settleLoad hands a batch without an index over before something is looked up.
func (t *Tier) settleLoad() error {
	if w := &t.write; w.batch != nil && !w.batch.Indexed() {
		return t.commit(w.done, w.cur)
	}
	return nil
}

// loads reports whether an entry is nothing but many new rows.
func (t *Tier) loads(lsn table.LSN, e *table.Entry) bool {
	again := t.opened.partial != 0 && lsn == t.opened.partial
	return e.Op == table.OpInsertRows && e.Rows != nil && e.Rows.N >= loadRows && !again
}

// room hands a large batch over, within a record, and has one to write to.
func (t *Tier) room() error {
	w := &t.write
	if w.batch != nil && int64(w.batch.Len()) >= t.batchBytes() {
		if err := t.commit(w.done, w.cur); err != nil {
			return err
		}
		if err := t.letFlush(); err != nil {
			return err
		}
	}
	if w.batch == nil {
		if w.load {
			w.batch = t.db.Load().NewBatchWithSize(w.loaded) // the next is about as large as the one before
		} else {
			w.batch = t.db.Load().NewIndexedBatch()
		}
	}
	if w.touched == nil {
		w.touched = make(map[*data]bool)
	}
	return nil
}

// batchBytes is the size from which on the batch is handed over.
func (t *Tier) batchBytes() int64 {
	if t.write.batch.Indexed() {
		return batchBytesMax
	}
	return t.o.loadBytes()
}

// finish hands over what is left once all of a record was applied.
func (t *Tier) finish() error {
	w := &t.write
	if w.batch == nil && t.mark.partial == 0 {
		return nil
	}
	if w.cur == 0 {
		return nil // a record that was begun before the tier was opened is still to come
	}
	if err := t.room(); err != nil {
		return err
	}
	w.done = max(w.done, w.cur)
	return t.commit(w.done, 0)
}

// commit hands the batch to Pebble. It holds all records up to done, and a part of record partial.
func (t *Tier) commit(done, partial table.LSN) error {
	w := &t.write
	t.mark.Lock()
	defer t.mark.Unlock()
	if done < t.mark.partial {
		partial = t.mark.partial // was begun before the tier was opened
	}
	m := mark{max(t.mark.lsn, done), partial, w.ref, w.inc}
	if invariants.Mutant("lsm-forget-applied-lsn") {
		m.lsn = t.mark.lsn
	}
	b := w.batch
	for d := range w.touched {
		d.announce()
		meta := tableMeta{d.inc, d.live.Load(), d.layout, d.bytes.Load()}
		if err := b.Set(tableKey(spaceTable, d.id), meta.encode(), nil); err != nil {
			return pebbleError("write", err)
		}
	}
	if err := b.Set(markKey, m.encode(), nil); err != nil {
		return pebbleError("write", err)
	}
	t.handed.Store(uint64(max(done, partial)))
	if err := t.hand(b); err != nil {
		err = pebbleError("write", err)
		t.failed.write(err)
		return err
	}
	clear(w.touched)
	w.batch, t.wrote, t.mark.mark = nil, true, m
	return nil
}

// markUpTo notes that nothing was written between the newest batch and upTo, a published LSN.
func (t *Tier) markUpTo(db *pebble.DB, upTo table.LSN) error {
	t.mark.Lock()
	defer t.mark.Unlock()
	if t.mark.lsn >= upTo {
		return nil
	}
	m := t.mark.mark
	if m.lsn = upTo; m.partial != 0 && m.partial <= upTo {
		return sqlerr.Newf(sqlerr.InternalError, "LSM tree: a checkpoint at LSN %d, while record %d is being applied", upTo, m.partial)
	}
	b := db.NewBatch()
	err := b.Set(markKey, m.encode(), nil)
	for _, s := range *t.tables.Load() {
		if v := s.d.sample.encode(); v != nil && err == nil {
			err = b.Set(tableKey(spaceSample, s.d.id), v, nil)
		}
	}
	if err == nil {
		err = t.guard(func() error { return errors.Join(b.Commit(pebble.NoSync), b.Close()) })
	}
	if err == nil {
		t.mark.lsn = m.lsn
	}
	return pebbleError("write", err)
}

// incarnate gives a table a new incarnation.
func (t *Tier) incarnate(def *table.TableDef) error {
	d := newData(def, t.write.inc)
	t.write.inc++
	t.write.touched[d] = true
	t.with(def.ID, &tableState{def, d})
	return nil
}

// dropRows removes all rows of an incarnation.
func (t *Tier) dropRows(d *data) error {
	delete(t.write.touched, d)
	from, to := incarnationRange(d.inc)
	return pebbleError("write", t.write.batch.DeleteRange(from, to, nil))
}

// Apply applies committed changes of one table; it does nothing at or below the LSN that was durable when the tier was
// opened.
func (t *Tier) Apply(lsn table.LSN, e *table.Entry) error {
	if lsn <= t.opened.lsn {
		return nil
	}
	s := (*t.tables.Load())[e.Table]
	if s == nil {
		return sqlerr.Newf(sqlerr.InternalError, "rows for table %d, which does not exist", e.Table)
	}
	t.write.load = t.loads(lsn, e)
	if err := t.begin(lsn); err != nil {
		return err
	}
	if e.Op == table.OpTruncate {
		if err := t.dropRows(s.d); err != nil {
			return err
		}
		return t.incarnate(s.def)
	}
	for i := range e.Keys.Len() {
		if err := t.end(s.d, e.Keys.At(i)); err != nil {
			return err
		}
	}
	if e.Rows == nil {
		return nil
	}
	for i := range e.Rows.N {
		if err := t.insert(s.d, e, i); err != nil {
			return err
		}
	}
	return nil
}

// again reports whether the record being applied was applied in part before the tier was opened.
func (t *Tier) again() bool { return t.opened.partial != 0 && t.write.cur == t.opened.partial }

// end removes a row.
func (t *Tier) end(d *data, key []byte) error {
	w := &t.write
	w.load = false
	if err := errors.Join(t.settleLoad(), t.room()); err != nil {
		return err
	}
	w.key = appendRowKey(w.key[:0], d.inc, key)
	value, closer, err := t.get(w.key)
	if errors.Is(err, pebble.ErrNotFound) {
		if t.again() {
			return nil
		}
		return corruptedf("record %d ends a row of table %d that the LSM tree does not have", w.cur, d.id)
	}
	if err != nil {
		return pebbleError("read", err)
	}
	w.value = append(w.value[:0], value...)
	if err := closer.Close(); err != nil {
		return pebbleError("read", err)
	}
	old, err := parseRow(d.inc, key, w.value)
	if err != nil {
		return err
	}
	unique, err := t.endUnique(d, &old)
	if err != nil {
		return err
	}
	t.ended.add(&old, w.cur)
	d.add(-1, -entriesBytes(len(key), len(w.value))-unique)
	w.touched[d] = true
	err = w.batch.Delete(w.key, nil)
	w.key = appendRefKey(w.key[:0], d.inc, old.ref)
	return pebbleError("write", errors.Join(err, w.batch.Delete(w.key, nil)))
}

// entriesBytes is the size of the entries of a row and of its reference.
func entriesBytes(key, value int) int64 {
	return int64(rowPrefixBytes + key + value + rowPrefixBytes + 8 + key)
}

// endUnique removes the entries of a row's unique keys, unless another row has got them in the same record. It returns
// their size.
func (t *Tier) endUnique(d *data, old *version) (bytes int64, err error) {
	w := &t.write
	for k := range d.keys {
		if k == 0 && d.primary {
			continue
		}
		key, ok, err := w.uniqueOf(d, k, old.row)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		w.other = appendUniqueKey(w.other[:0], d.inc, k, key)
		bytes += int64(len(w.other) + len(old.key))
		of, closer, err := t.get(w.other)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, pebbleError("read", err)
		}
		own := string(of) == string(old.key)
		if err := closer.Close(); err != nil {
			return 0, pebbleError("read", err)
		}
		if own {
			if err := w.batch.Delete(w.other, nil); err != nil {
				return 0, pebbleError("write", err)
			}
		}
	}
	return bytes, nil
}

// uniqueOf returns the value of Keys[k] of a stored row; ok is false if a column of it is NULL.
func (w *writeState) uniqueOf(d *data, k int, row []byte) (key []byte, ok bool, err error) {
	w.reader.types = d.types
	err = w.reader.open(row)
	if err == nil {
		w.row, err = w.reader.appendRow(w.row[:0], d.keys[k], true)
	}
	if err != nil {
		return nil, false, err
	}
	key, ok = index.AppendValues(nil, w.row)
	return key, ok, nil
}

// insert adds row i of an entry.
func (t *Tier) insert(d *data, e *table.Entry, i int) error {
	w := &t.write
	key, ok := d.rowKeyOf(w.own[:0], e.Rows, i)
	if w.own = key; !ok {
		return corruptedf("record %d has a row of table %d without a key", w.cur, d.id)
	}
	if t.again() || invariants.Enabled && !w.load {
		if err := t.replace(d, key); err != nil {
			return err
		}
	}
	if err := t.room(); err != nil {
		return err
	}
	if invariants.Enabled && !w.batch.Indexed() && t.has(d, key) {
		return corruptedf("record %d loads a row into table %d that the LSM tree has already", w.cur, d.id)
	}
	v := version{inc: d.inc, ref: w.ref, written: w.cur, born: t.ended.bornBefore(d.inc, key, w.cur), key: key}
	w.ref++
	w.value = appendRow(appendRowHead(w.value[:0], &v), e.Rows, i)
	w.key = appendRowKey(w.key[:0], d.inc, key)
	err := w.batch.Set(w.key, w.value, nil)
	w.key = appendRefKey(w.key[:0], d.inc, v.ref)
	if err := errors.Join(err, w.batch.Set(w.key, key, nil)); err != nil {
		return pebbleError("write", err)
	}
	bytes := entriesBytes(len(key), len(w.value))
	for k := range d.keys {
		if k == 0 && d.primary {
			continue
		}
		unique, ok := index.AppendBatch(w.other[:0], e.Rows, d.keys[k], i)
		w.other = unique
		if !ok {
			continue
		}
		w.key = appendUniqueKey(w.key[:0], d.inc, k, unique)
		if err := w.batch.Set(w.key, key, nil); err != nil {
			return pebbleError("write", err)
		}
		bytes += int64(len(w.key) + len(key))
	}
	d.raise(key)
	d.sample.add(key)
	d.add(1, bytes)
	t.counts.applied.Add(bytes)
	w.touched[d] = true
	return nil
}

// has reports whether Pebble has a row.
func (t *Tier) has(d *data, key []byte) bool {
	_, closer, err := t.db.Load().Get(appendRowKey(nil, d.inc, key))
	return err == nil && closer.Close() == nil
}

// replace removes what a record that is applied again has left under a key. Otherwise nothing may be there.
func (t *Tier) replace(d *data, key []byte) error {
	_, closer, err := t.get(appendRowKey(nil, d.inc, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return pebbleError("read", err)
	}
	if err := closer.Close(); err != nil {
		return pebbleError("read", err)
	}
	if !t.again() {
		return corruptedf("record %d adds a row to table %d that the LSM tree has already", t.write.cur, d.id)
	}
	return t.end(d, key)
}
