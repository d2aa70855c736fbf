package lsm

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// snapshot is a table.TierSnapshot: the tables as they were when lsn had been applied, and a Pebble snapshot.
type snapshot struct {
	t        *Tier
	lsn      table.LSN
	tables   tableSet
	pin      *pin // nil: there are no tables
	released atomic.Bool
	// last is what Table returned last: many statements in a row look at one table.
	last atomic.Pointer[tableSnapshot]
}

// Snapshot returns the state at lsn, which was applied last. It shares Pebble's snapshot with the one before unless
// something was written since.
func (t *Tier) Snapshot(lsn table.LSN) table.TierSnapshot {
	t.live = true
	s := &snapshot{t: t, lsn: lsn, tables: *t.tables.Load()}
	db := t.db.Load()
	if db == nil {
		return s
	}
	err := t.finish()
	if err == nil && (t.snap == nil || t.wrote && !invariants.Mutant("lsm-share-snapshot-after-write")) {
		err = t.renew(db, lsn)
	}
	if err != nil {
		t.failed.read(err) // the snapshot lacks rows
	}
	if s.pin = t.snap; s.pin != nil {
		t.pins.hold(s.pin)
	}
	return s
}

// renew takes a new Pebble snapshot.
func (t *Tier) renew(db *pebble.DB, lsn table.LSN) error {
	var p *pebble.Snapshot
	if err := t.guard(func() error {
		p = db.NewSnapshot()
		return nil
	}); err != nil {
		return err
	}
	old := t.snap
	t.snap, t.wrote = &pin{s: p, lsn: lsn, ref: t.write.ref}, false
	t.pins.add(t.snap)
	if old != nil {
		t.pins.drop(old)
	}
	return nil
}

// Release gives the snapshot up: nothing is read from it any more. It does not block.
func (s *snapshot) Release() {
	if s.pin != nil && !s.released.Swap(true) {
		s.t.pins.drop(s.pin)
	}
}

// Table returns the table at the snapshot.
func (s *snapshot) Table(id table.ObjectID) table.TableSnapshot {
	if ts := s.last.Load(); ts != nil && ts.def.ID == id {
		return ts
	}
	of := s.tables[id]
	if of == nil || s.pin == nil {
		return nil
	}
	ts := &tableSnapshot{s: s, t: s.t, def: of.def, d: of.d}
	s.last.Store(ts)
	return ts
}

type tableSnapshot struct {
	s   *snapshot
	t   *Tier
	def *table.TableDef
	d   *data
}

var _ table.TableSnapshot = (*tableSnapshot)(nil)

func (s *tableSnapshot) Def() *table.TableDef { return s.def }

func (s *tableSnapshot) LSN() table.LSN { return s.s.lsn }

// keyBuffers are buffers for Pebble's keys.
var keyBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, 64)) }}

// valueOf looks a key of the incarnation up and hands its value to f. It reports whether it is there.
func valueOf(r pebble.Reader, f func(value []byte) error, key func(dst []byte) []byte) (bool, error) {
	buf := keyBuffers.Get().(*[]byte)
	defer keyBuffers.Put(buf)
	*buf = key((*buf)[:0])
	value, closer, err := r.Get(*buf)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, pebbleError("read", err)
	}
	return true, closeAfter(closer, f(value))
}

func closeAfter(c io.Closer, err error) error {
	return errors.Join(err, pebbleError("read", c.Close()))
}

// row reads the version that r has of a row; nil if it has none.
func (s *tableSnapshot) row(r pebble.Reader, key []byte) (v *version, err error) {
	_, err = valueOf(r, func(value []byte) (err error) {
		v, err = s.keep(key, value)
		return err
	}, func(dst []byte) []byte { return appendRowKey(dst, s.d.inc, key) })
	return v, err
}

// keep makes a version of a key and a value, which are borrowed.
func (s *tableSnapshot) keep(key, value []byte) (*version, error) {
	b := append(append(make([]byte, 0, len(key)+len(value)), key...), value...)
	v, err := parseRow(s.d.inc, b[:len(key):len(key)], b[len(key):])
	if err != nil {
		return nil, err
	}
	s.t.recent.put(&v)
	return &v, nil
}

// byRef reads the version with a reference; nil if r does not have it.
func (s *tableSnapshot) byRef(r pebble.Reader, ref uint64) (*version, error) {
	var key []byte
	found, err := valueOf(r, func(value []byte) error {
		key = append(key, value...)
		return nil
	}, func(dst []byte) []byte { return appendRefKey(dst, s.d.inc, ref) })
	if !found || err != nil {
		return nil, err
	}
	v, err := s.row(r, key)
	if err != nil || v == nil || v.ref != ref {
		return nil, err // it was replaced between the two
	}
	return v, nil
}

// find returns the version with a reference: in this snapshot, in a newer state, or, if it has ended, in the first
// snapshot after it began, which shows it if any View does.
func (s *tableSnapshot) find(ref table.RowRef) (*version, error) {
	x := uint64(ref)
	if v := s.t.recent.get(s.d.inc, x); v != nil {
		return v, nil
	}
	if x < s.s.pin.ref {
		if v, err := s.byRef(s.s.pin.s, x); v != nil || err != nil {
			return v, err
		}
	}
	if v, err := s.byRef(s.t.db.Load(), x); v != nil || err != nil {
		return v, err
	}
	if p := s.t.pins.after(x); p != nil {
		defer s.t.pins.drop(p)
		if v, err := s.byRef(p.s, x); v != nil || err != nil {
			return v, err
		}
	}
	return nil, sqlerr.Newf(sqlerr.InternalError, "table %s: row %d is gone", s.def.Name, ref)
}

// must is find for methods that cannot fail: an error ends all reading.
func (s *tableSnapshot) must(ref table.RowRef) *version {
	v, err := s.find(ref)
	if err != nil {
		s.t.failed.read(err)
		return nil
	}
	return v
}

// Get finds the version of a row that the snapshot sees.
func (s *tableSnapshot) Get(key []byte) (table.RowRef, bool) {
	v, err := s.row(s.s.pin.s, key)
	if err != nil {
		s.t.failed.read(err)
	}
	if v == nil {
		return 0, false
	}
	return table.RowRef(v.ref), true
}

// Newest finds the newest version of a row and the LSN of its last writer.
func (s *tableSnapshot) Newest(key []byte) (ref table.RowRef, last table.LSN, live, found bool) {
	if s.d.above(key) {
		return 0, 0, false, false // no row has ever had it
	}
	v, err := s.row(s.t.db.Load(), key)
	if err != nil {
		s.t.failed.read(err)
		return 0, 0, false, false
	}
	if v != nil {
		return table.RowRef(v.ref), v.written, true, true
	}
	if e, ended := s.t.ended.last(s.d.inc, key); ended {
		return table.RowRef(e.ref), e.end, false, true
	}
	return 0, 0, false, false
}

// Lives reports nothing: a version of which a copy is at hand may have ended since.
func (s *tableSnapshot) Lives(table.RowRef) bool { return false }

// head returns what is known of a version besides its columns: also of one that no snapshot shows any more.
func (s *tableSnapshot) head(ref table.RowRef) (key []byte, written, born table.LSN) {
	if e, ended := s.t.ended.ref(uint64(ref)); ended {
		return e.key, e.written, e.born
	}
	if v := s.must(ref); v != nil {
		return v.key, v.written, v.born
	}
	return nil, 0, 0
}

// Written returns the LSN that wrote a version.
func (s *tableSnapshot) Written(ref table.RowRef) table.LSN {
	_, written, _ := s.head(ref)
	return written
}

// Unbroken reports whether the row has had its key since an LSN.
func (s *tableSnapshot) Unbroken(ref table.RowRef, since table.LSN) bool {
	_, written, born := s.head(ref)
	return written != 0 && born <= since
}

// SameRows reports whether both snapshots are of the same incarnation.
func (s *tableSnapshot) SameRows(other table.TableSnapshot) bool {
	o, ok := other.(*tableSnapshot)
	return ok && o.d == s.d
}

// uniqueTriesMax bounds the attempts to read an entry of a unique key and its row in one state.
const uniqueTriesMax = 1000

// NewestUnique finds the newest live row with a key value. Entry and row are read one after the other: the row must have
// the value, or it was changed in between.
func (s *tableSnapshot) NewestUnique(k int, key []byte) (table.RowRef, bool) {
	if k == 0 && s.d.primary {
		ref, _, live, _ := s.Newest(key)
		return ref, live
	}
	for range uniqueTriesMax {
		v, found, err := s.unique(s.t.db.Load(), k, key)
		if err != nil {
			s.t.failed.read(err)
			return 0, false
		}
		if !found {
			return 0, false
		}
		if v != nil {
			return table.RowRef(v.ref), true
		}
	}
	s.t.failed.read(sqlerr.Newf(sqlerr.IndexCorrupted, "index \"%s\" of table \"%s\" leads to no row with the value",
		s.def.Keys[k].Name, s.def.Name))
	return 0, false
}

// unique finds the row with a value of Keys[k]; it is nil if what was found is not it.
func (s *tableSnapshot) unique(r pebble.Reader, k int, key []byte) (v *version, found bool, err error) {
	var of []byte
	found, err = valueOf(r, func(value []byte) error {
		of = append(of, value...)
		return nil
	}, func(dst []byte) []byte { return appendUniqueKey(dst, s.d.inc, k, key) })
	if !found || err != nil {
		return nil, false, err
	}
	if v, err = s.row(r, of); v == nil || err != nil {
		return nil, true, err
	}
	row, err := s.columns(nil, v, s.d.keys[k])
	if err != nil {
		return nil, true, err
	}
	if has, ok := index.AppendValues(nil, row); !ok || string(has) != string(key) {
		return nil, true, nil
	}
	return v, true, nil
}

// columns appends columns of a version to dst, on its memory.
func (s *tableSnapshot) columns(dst types.Row, v *version, cols []int) (types.Row, error) {
	r := rowReader{types: s.d.types}
	if err := r.open(v.row); err != nil {
		return dst, err
	}
	return r.appendRow(dst, cols, true)
}

// AppendKey appends the encoded key of a row.
func (s *tableSnapshot) AppendKey(dst []byte, ref table.RowRef) []byte {
	key, _, _ := s.head(ref)
	return append(dst, key...)
}

// AppendRow appends columns of one row version.
func (s *tableSnapshot) AppendRow(dst types.Row, ref table.RowRef, cols []int) types.Row {
	if v := s.must(ref); v != nil {
		row, err := s.columns(dst, v, cols)
		if err == nil {
			return row
		}
		s.t.failed.read(err)
	}
	for _, c := range cols { // whoever asked is told before anybody sees them
		dst = append(dst, types.NullOf(s.d.types[c].Kind))
	}
	return dst
}

// Fetch fills dst with rows by reference, on memory of its own.
func (s *tableSnapshot) Fetch(refs []table.RowRef, cols []int, dst *vec.Batch) error {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = s.d.types[c]
	}
	bb := vec.NewBatchBuilder(ts, len(refs), nil)
	r := rowReader{types: s.d.types}
	for _, ref := range refs {
		if err := s.fetch(&r, bb, ref, cols); err != nil {
			return err
		}
		if err := bb.Commit(); err != nil {
			return err
		}
	}
	*dst = *bb.Batch()
	return nil
}

// FetchInto appends columns of one row version to a batch being built.
func (s *tableSnapshot) FetchInto(bb *vec.BatchBuilder, ref table.RowRef, cols []int) error {
	return s.fetch(&rowReader{types: s.d.types}, bb, ref, cols)
}

func (s *tableSnapshot) fetch(r *rowReader, bb *vec.BatchBuilder, ref table.RowRef, cols []int) error {
	v, err := s.find(ref)
	if err != nil {
		return err
	}
	if err := r.open(v.row); err != nil {
		return err
	}
	for i, c := range cols {
		if err := r.appendTo(bb.Col(i), c); err != nil {
			return err
		}
	}
	return nil
}
