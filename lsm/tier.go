package lsm

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/internal/backup"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Tier is the tier of LSM tables.
type Tier struct {
	o      Options
	failed failures
	cache  *pebble.Cache
	// pebble are the options that Pebble was opened with.
	pebble *pebble.Options
	// db is nil until the first table is made.
	db     atomic.Pointer[pebble.DB]
	tables atomic.Pointer[tableSet]
	ended  versions
	recent versionCache
	pins   pins
	// opened is what was durable when the tier was opened: replay leaves it out.
	opened mark
	// openedTo is up to where the files went then, and stored before handed: compactions begin while Pebble is being opened.
	openedTo atomic.Uint64
	// durableLSN is what Durable says.
	durableLSN atomic.Uint64
	// handed is the newest LSN that was handed to Pebble.
	handed atomic.Uint64

	// mark is that of the newest batch that Pebble has. Its lock is held while a batch is handed over.
	mark struct {
		sync.Mutex
		mark
	}
	// What follows belongs to the goroutine that applies.
	write writeState
	// ingested counts the files that were made for Pebble to take over.
	ingested int64
	// snap is the newest Pebble snapshot, wrote whether something was written since, live that there was a snapshot: before
	// the first one nobody reads.
	snap  *pin
	wrote bool
	live  bool

	counts pressure
	seen   damageSeen
	// backup takes the files of the backup that is made now.
	backup atomic.Pointer[backup.Target]
	closed struct {
		sync.Mutex
		yes bool
	}
}

var _ table.Tier = (*Tier)(nil)

// Open opens the tier. A folder that is not there is made with the first table.
func Open(o Options) (*Tier, error) {
	if o.Compression > table.CompressionZstd {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "there is no compression %d", uint8(o.Compression))
	}
	t := &Tier{o: o.withDefaults()}
	t.failed = newFailures(o.Failed)
	t.ended.init(t.o.Tracker)
	t.recent.tracker = t.o.Tracker
	t.tables.Store(&tableSet{})
	t.mark.mark = mark{ref: 1, inc: 1}
	t.write.ref, t.write.inc = 1, 1
	_, err := t.o.FS.Stat(t.o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = t.check()
	}
	if err == nil {
		err = t.open()
	}
	if err != nil {
		return nil, pebbleError("open", err)
	}
	return t, nil
}

// open opens Pebble.
func (t *Tier) open() error {
	base := t.o.FS
	if t.o.ReadOnly {
		base = newOverlay(base)
	}
	files := &guardedFS{FS: base, t: t}
	t.cache = pebble.NewCache(t.o.cacheBytes())
	var db *pebble.DB
	files.opening.Store(true)
	defer files.opening.Store(false)
	t.pebble = t.o.pebble(&backupFS{files, t}, t.cache, logger{t}, t.damaged)
	t.pebble.Experimental.SpanPolicyFunc = t.span
	err := t.files(func() (err error) {
		db, err = pebble.Open(t.o.Dir, t.pebble)
		return err
	})
	if err != nil {
		if t.failed.writeError() != nil {
			return pebbleError("open", err)
		}
		t.cache.Unref() // it came back
		// What the file system said ends in failed: this is about what the files have.
		return corruptedf("LSM tree, by %s and %s: %w", t.ManifestName(), t.newest("OPTIONS-"), err)
	}
	if err := t.readMark(db); err != nil {
		err = errors.Join(err, t.files(db.Close))
		if t.failed.writeError() == nil {
			t.cache.Unref()
		}
		return err
	}
	t.db.Store(db)
	t.pins.start()
	return nil
}

// readMark learns what is durable: nothing else is there yet.
func (t *Tier) readMark(db *pebble.DB) error {
	v, closer, err := db.Get(markKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return pebbleError("read", err)
	}
	t.opened, err = decodeMark(v)
	if err := errors.Join(err, closer.Close()); err != nil {
		return err
	}
	t.mark.mark = t.opened
	t.write.done, t.write.ref, t.write.inc = t.opened.lsn, t.opened.ref, t.opened.inc
	t.durableLSN.Store(uint64(t.opened.lsn))
	upTo := uint64(max(t.opened.lsn, t.opened.partial))
	t.openedTo.Store(upTo)
	t.handed.Store(upTo)
	return nil
}

// create makes the folder, and opens Pebble in it.
func (t *Tier) create() error {
	if t.o.ReadOnly {
		return t.open() // in memory
	}
	if err := t.o.FS.MkdirAll(t.o.Dir, 0o755); err != nil {
		return pebbleError("create directory", err)
	}
	dir, err := t.o.FS.OpenDir(t.o.FS.PathDir(t.o.Dir))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return pebbleError("sync directory", err)
	}
	return t.open()
}

// files runs a call of Pebble that changes files, and so may not come back after a failure.
func (t *Tier) files(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-t.failed.ended:
		return t.failed.writeError()
	}
}

// guardGrace is how long a call of Pebble is waited for after a failure: most do not need what the parked goroutines hold.
const guardGrace = time.Second

// guard runs a call of Pebble that changes no files: it comes back after a failure, too, unless Pebble met it in the middle
// of a critical section.
func (t *Tier) guard(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-t.failed.ended:
	}
	grace := time.NewTimer(guardGrace)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-grace.C:
		return t.failed.writeError()
	}
}

// Define creates a table, or gives it a new version of its definition. A new layout is a new incarnation, without rows.
func (t *Tier) Define(lsn table.LSN, def *table.TableDef) error {
	if t.db.Load() == nil {
		if err := t.create(); err != nil {
			return err
		}
	}
	old := (*t.tables.Load())[def.ID]
	if old != nil && sameLayout(old.def, def) {
		t.with(def.ID, &tableState{def, old.d})
		return nil
	}
	if old == nil {
		known, err := t.adopt(lsn, def)
		if known || err != nil {
			return err
		}
	}
	t.write.load = false
	if err := t.begin(lsn); err != nil {
		return err
	}
	if old != nil {
		if err := t.dropRows(old.d); err != nil {
			return err
		}
	}
	return t.incarnate(def)
}

// adopt takes over the rows that the files have of a table. At or below the LSN at which the tier was opened they must be
// there; above it the table is new. What a record that was applied in part has done is done again.
func (t *Tier) adopt(lsn table.LSN, def *table.TableDef) (known bool, err error) {
	m, found, err := t.meta(def.ID)
	if err != nil {
		return false, err
	}
	partial := t.mark.partial != 0
	switch {
	case lsn > t.opened.lsn && !found:
		return false, nil
	case found && m.layout == layoutOf(def):
	case partial:
		return false, nil
	case !found:
		return false, corruptedf("the LSM tree has no table %d, which was there at LSN %d", def.ID, t.opened.lsn)
	default:
		return false, corruptedf("the LSM tree has rows of another layout of table %d", def.ID)
	}
	d := newData(def, m.inc)
	d.add(m.live, m.bytes)
	if err := errors.Join(t.readSample(d), t.readTop(d)); err != nil {
		return false, err
	}
	t.with(def.ID, &tableState{def, d})
	return true, nil
}

// meta reads the entry of a table.
func (t *Tier) meta(id table.ObjectID) (m tableMeta, found bool, err error) {
	v, closer, err := t.get(tableKey(spaceTable, id))
	if errors.Is(err, pebble.ErrNotFound) {
		return m, false, nil
	}
	if err != nil {
		return m, false, pebbleError("read", err)
	}
	m, err = decodeMeta(v)
	return m, true, errors.Join(err, closer.Close())
}

// Drop removes a table. Pebble keeps its rows as long as a snapshot shows them.
func (t *Tier) Drop(lsn table.LSN, id table.ObjectID) error {
	s := (*t.tables.Load())[id]
	if s == nil {
		return nil
	}
	t.write.load = false
	if err := t.begin(lsn); err != nil {
		return err
	}
	if err := t.dropRows(s.d); err != nil {
		return err
	}
	t.with(id, nil)
	b := t.write.batch
	return pebbleError("write", errors.Join(b.Delete(tableKey(spaceTable, id), nil), b.Delete(tableKey(spaceSample, id), nil)))
}

// Durable returns the LSN up to which the files have everything, as of the last checkpoint; 0 if there are none.
func (t *Tier) Durable() table.LSN { return table.LSN(t.durableLSN.Load()) }

// durable reads the mark in what Pebble guarantees to be durable. After a failure that counts for nothing.
func (t *Tier) durable(db *pebble.DB) (m mark, err error) {
	if err := t.failed.writeError(); err != nil {
		return m, err
	}
	it, err := db.NewIter(&pebble.IterOptions{
		LowerBound: markKey, UpperBound: []byte{spaceMark + 1}, OnlyReadGuaranteedDurable: true,
	})
	if err != nil {
		return m, pebbleError("read", err)
	}
	if it.First() {
		m, err = decodeMark(it.Value())
	}
	return m, errors.Join(err, pebbleError("read", it.Error()), it.Close())
}

// Checkpoint flushes: all that was applied up to upTo, and what came later, is durable then.
func (t *Tier) Checkpoint(ctx context.Context, upTo table.LSN) error {
	db := t.db.Load()
	if db == nil {
		return nil
	}
	if t.Durable() >= upTo {
		return nil
	}
	if err := t.failed.writeError(); err != nil {
		return err
	}
	if err := t.markUpTo(db, upTo); err != nil {
		return err
	}
	var flushed <-chan struct{}
	if err := t.files(func() (err error) {
		flushed, err = db.AsyncFlush()
		return err
	}); err != nil {
		return pebbleError("flush", err)
	}
	select {
	case <-flushed:
	case <-t.failed.ended:
		return t.failed.writeError()
	case <-ctx.Done():
		return sqlerr.Canceled(ctx)
	}
	m, err := t.durable(db)
	if err == nil && m.lsn < upTo {
		err = sqlerr.Newf(sqlerr.InternalError, "LSM tree: durable up to LSN %d after a flush up to %d", m.lsn, upTo)
	}
	if err == nil {
		t.durableLSN.Store(uint64(m.lsn))
	}
	return err
}

// Recovered says that the log was read: a record that was applied in part must have been in it.
func (t *Tier) Recovered() error {
	if p := t.opened.partial; p != 0 && t.write.cur < p && t.write.done < p {
		return corruptedf("the LSM tree has a part of record %d, but the log ends before it", p)
	}
	return nil
}

// Retire forgets the keys of versions that no View shows.
func (t *Tier) Retire(_, watermark table.LSN) { t.ended.forget(watermark) }

// Close closes the files; no View may be left. After a failure they are left as they are: Pebble may be in any state.
func (t *Tier) Close() error {
	t.closed.Lock()
	defer t.closed.Unlock()
	if t.closed.yes {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the tier is closed")
	}
	t.closed.yes = true
	t.charge(0)
	t.ended.forget(table.MaxLSN)
	t.recent.clear()
	db := t.db.Load()
	if db == nil || t.failed.writeError() != nil {
		return nil
	}
	err := t.files(func() error {
		var err error
		if t.write.batch != nil {
			err = t.write.batch.Close()
		}
		t.pins.end()
		return errors.Join(err, db.Close())
	})
	if t.failed.writeError() == nil {
		t.cache.Unref()
	}
	return pebbleError("close", err)
}
