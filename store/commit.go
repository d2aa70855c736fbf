package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// streamBytes is the size of a write set from which on it goes to the log in chunks ahead of the
// commit record.
const streamBytes = 1 << 20

// commit is a transaction on its way through the commit queue.
type commit struct {
	change
	request txn.Request
	tx      *Tx
	// versions are the definitions under which the entries were made.
	versions []tableVersion
	moves    []move
	// loads: entries name files.
	loads bool
	// images are what a SERIALIZABLE transaction needs to know; nil: nobody did when they were collected.
	images *images
	// view shows the rows that move; nil: none do.
	view *view
	// durable: something of it outlives the process.
	durable bool
	// copied are the bytes that are reserved for applying, by which those grow that copiedTo is charged.
	copied   atomic.Int64
	copiedTo *mem.Tracker
	// ended: the outcome was learned, and the transaction was ended with it.
	ended bool
	// few is room for what a small transaction does.
	few struct {
		entries  [2]table.Entry
		versions [2]tableVersion
	}
}

type tableVersion struct {
	id      table.ObjectID
	version uint32
}

// Commit ends the transaction and makes its changes durable and visible.
func (t *Tx) Commit(ctx context.Context) (table.Receipt, error) {
	if err := t.usable(); err != nil {
		if !t.done {
			t.done = true
			t.end()
		}
		return table.Receipt{}, err
	}
	if err := t.checkDeferred(ctx, true); err != nil {
		_ = t.Rollback()
		return table.Receipt{}, err
	}
	t.done = true
	if !t.wrote() {
		return table.Receipt{}, t.commitNothing(ctx)
	}
	for _, st := range t.open {
		st.abandon()
	}
	start := time.Now()
	c := &commit{tx: t}
	c.entries, c.versions = c.few.entries[:0], c.few.versions[:0]
	c.collect()
	if t.s.history.open.Load() > 0 {
		c.collectImages()
	}
	receipt, err := c.run(ctx)
	if err == nil {
		t.spare = true
		t.s.stats.commitTimes.Since(start)
	}
	return receipt, err
}

// commitNothing ends a transaction that has nothing to write.
func (t *Tx) commitNothing(ctx context.Context) (err error) {
	if t.validates() {
		err = t.validate()
	}
	if err == nil {
		err = t.syncReserved(ctx)
	}
	t.end()
	t.spare = true
	if err == nil {
		t.s.stats.readOnlyCommits.Add(1)
	}
	return err
}

// syncReserved waits until the values that a transaction has taken of sequences, and nothing else, are reserved on disk.
func (t *Tx) syncReserved(ctx context.Context) error {
	if t.reserved == 0 || t.o.Async || t.s.pipeline == nil || invariants.Mutant("store-forget-reservation-sync") {
		return nil
	}
	return t.s.pipeline.EnsureDurable(ctx, t.reserved)
}

// collect gathers the changes of the transaction.
func (c *commit) collect() {
	t := c.tx
	if t.overlay != nil {
		c.schema = t.overlay.Changes()
		c.durable = len(c.schema) > 0
	}
	if c.sequences = t.sequenceStates(); len(c.sequences) > 0 {
		c.durable = true
	}
	for _, tt := range t.tables {
		if tt.wrote() {
			c.collectTable(tt)
			c.collectMove(tt)
		}
		if tt.hiddenNext > 0 && t.overlay.Catalog().Table(tt.id) != nil {
			c.hidden = append(c.hidden, hiddenBlock{tt.id, tt.hiddenNext})
		}
	}
	c.collectMoved()
}

func (c *commit) collectTable(tt *txTable) {
	def := tt.w.def
	if t := c.tx; t.overlay != nil && t.overlay.Mark() > 0 {
		if def = t.overlay.Catalog().Table(tt.id); def == nil {
			return // dropped by the transaction itself
		}
	}
	if !tt.created {
		version := tt.w.def.Version
		if c.tx.overlay != nil {
			if base := c.tx.overlay.Base().Table(tt.id); base != nil {
				version = base.Version
			}
		}
		c.versions = append(c.versions, tableVersion{tt.id, version})
	}
	if c.tx.overlay != nil && c.tx.movedFrom(tt.id) != nil {
		c.entries = tt.w.movedEntries(c.entries, def)
	} else {
		c.entries = tt.w.entries(c.entries, def)
	}
	if len(tt.w.parts) > 0 {
		c.entries, c.loads = tt.w.loadEntries(c.entries, def), true
	}
	if tt.w.rekeyed || tt.w.deleted > 0 && tt.w.inserted > 0 && tt.w.def.PrimaryKey() != nil {
		c.moves = append(c.moves, tt.w.moves()...)
	}
	c.durable = c.durable || c.tx.s.tiers[c.tx.s.tierOf(def.Method)].durable
}

// run encodes the record and sees it through the queue.
func (c *commit) run(ctx context.Context) (receipt table.Receipt, err error) {
	t := c.tx
	r := &c.request
	r.Kind, r.Async, r.State = wal.Commit, t.o.Async || !c.durable, c
	if err := errors.Join(c.loadMoved(ctx), c.reserveCopy(ctx)); err != nil {
		c.releaseCopy()
		c.releaseMoved(false)
		t.end()
		t.s.stats.aborts.Add(1)
		return receipt, err
	}
	if c.loads {
		r.Kind, r.Async = wal.Load, r.Async || invariants.Mutant("store-load-unsynced")
	}
	r.Validate = c.validate
	r.OnDone = c.done
	lsn, err := c.send(ctx)
	for try := 1; err == errBehind; try++ {
		if try == queueTriesMax {
			err = errReadChanged
			break
		}
		lsn, err = c.send(ctx)
	}
	if err == nil {
		return table.Receipt{LSN: lsn, Token: uint64(lsn), Time: time.UnixMicro(r.Time)}, nil
	}
	if unknown, ok := errors.AsType[*txn.UnknownError](err); ok {
		receipt.Token, receipt.Time = unknown.Token(), time.UnixMicro(unknown.Time)
		return receipt, err // done is called, now or later
	}
	if !c.ended { // it was refused before it was appended
		c.releaseCopy()
		c.releaseMoved(false)
		t.end()
	}
	t.s.stats.aborts.Add(1)
	return receipt, err
}

// send validates what can be validated outside the queue, encodes the record and puts it into the queue.
func (c *commit) send(ctx context.Context) (lsn table.LSN, err error) {
	t, r := c.tx, &c.request
	if err := t.s.writable(); err != nil {
		return 0, err
	}
	if t.validates() && !invariants.Mutant("store-skip-commit-validation") {
		if err := t.validate(); err != nil {
			return 0, err
		}
	}
	if t.s.log != nil {
		buf := payloads.Get().(*[]byte)
		defer func() { keepPayload(buf, r.Payload) }() // the log has copied it
		if r.Payload, r.Stream, err = c.encode(ctx, *buf); err != nil {
			return 0, err
		}
	}
	return t.s.commits.Commit(ctx, r)
}

// done is called when the outcome is known and what was committed is visible.
func (c *commit) done(err error) {
	s := c.tx.s
	for _, tt := range c.tx.tables {
		if tt.w != nil {
			tt.w.parts = nil // the record may be in the log: the files are the tier's
		}
	}
	if err == nil {
		s.stats.commits.Add(1)
		for _, tt := range c.tx.tables {
			if tt.w != nil {
				s.stats.inserted.Add(tt.w.inserted)
				s.stats.updated.Add(tt.w.updated)
				s.stats.deleted.Add(tt.w.deleted)
			}
		}
	}
	c.ended = true
	c.releaseCopy()
	c.releaseMoved(true)
	c.tx.end()
	s.checkpoints.grown(s)
}

// validate runs when the record is about to get its LSN: definitions are still those under which the
// rows were made, and the schema changes fit the catalog of that moment.
func (c *commit) validate(lsn table.LSN, _ int64) error {
	s := c.tx.s
	for _, v := range c.versions {
		if def := s.appended.Table(v.id); def == nil || def.Version != v.version {
			c.tx.conflict()
			return sqlerr.New(sqlerr.SerializationFailure,
				"could not serialize access due to concurrent schema change")
		}
	}
	if c.tx.validates() && !invariants.Mutant("store-skip-commit-validation") {
		if err := c.tx.validateLast(); err != nil {
			return err
		}
	}
	if err := c.define(lsn); err != nil {
		return err
	}
	if s.history.open.Load() > 0 {
		if c.images == nil {
			c.wideImages()
		}
		s.history.add(c.images, lsn)
	}
	return nil
}

// define makes the catalog after the schema changes.
func (c *commit) define(lsn table.LSN) error {
	s := c.tx.s
	if len(c.schema) == 0 {
		return nil
	}
	next, err := s.appended.Apply(lsn, c.schema)
	if err != nil {
		c.tx.conflict()
		return sqlerr.Newf(sqlerr.SerializationFailure,
			"could not serialize access due to concurrent schema change: %w", err)
	}
	next = next.Forget(table.LSN(s.checkpoints.lsn.Load()))
	c.next, s.appended = next, next
	return nil
}

// encode returns the payload of the commit record, and the stream of chunks before it if the write
// set is large. Rows that end with the process are left out.
func (c *commit) encode(ctx context.Context, buf []byte) (payload []byte, stream *txn.Stream, err error) {
	e := encoder{ctx: ctx, s: c.tx.s}
	buf = c.encodeHead(buf[:0])
	head := len(buf)
	add := func(x *table.Entry) error {
		buf = appendEntry(buf, x)
		if len(buf)-head < streamBytes {
			return nil
		}
		err := e.stream(buf[head:])
		buf = buf[:head]
		return err
	}
	for i := range c.moved {
		if err := c.moved[i].each(ctx, add); err != nil {
			return nil, nil, errors.Join(err, e.drop())
		}
	}
	for i := range c.entries {
		if !c.logged(&c.entries[i]) {
			continue
		}
		if err := add(&c.entries[i]); err != nil {
			return nil, nil, err
		}
	}
	if e.out != nil && len(buf) > c.tx.s.log.MaxRecord()/4 {
		if err := e.stream(buf[head:]); err != nil {
			return nil, nil, err
		}
		buf = buf[:head]
	}
	return buf, e.out, nil
}

// payloads are buffers for the payloads of commit records.
var payloads = sync.Pool{New: func() any { return new(make([]byte, 0, 512)) }}

// payloadKeepMax is the size up to which a buffer is used again.
const payloadKeepMax = 64 << 10

func keepPayload(buf *[]byte, payload []byte) {
	if payload != nil && cap(payload) <= payloadKeepMax {
		*buf = payload[:0]
	}
	payloads.Put(buf)
}

// logged reports whether an entry is of a table whose rows outlive the process.
func (c *commit) logged(e *table.Entry) bool {
	s := c.tx.s
	def := c.tx.table(e.Table).w.def
	if c.tx.overlay != nil {
		if now := c.tx.overlay.Catalog().Table(e.Table); now != nil {
			def = now // it may have moved since
		}
	}
	return s.tiers[s.tierOf(def.Method)].durable && !invariants.Mutant("store-apply-without-log")
}

// encoder writes parts of a write set as chunks of the log.
type encoder struct {
	ctx context.Context
	s   *Store
	out *txn.Stream
}

// drop gives up what was streamed.
func (e *encoder) drop() error {
	if e.out != nil {
		e.out.Drop()
	}
	return nil
}

// stream writes b, which ends with an entry, as chunks.
func (e *encoder) stream(b []byte) error {
	p, ok := e.s.commits.(*txn.Pipeline)
	if !ok {
		return sqlerr.New(sqlerr.InternalError, "a write set of a database without a log is not streamed")
	}
	if e.out == nil {
		e.out = p.NewStream()
	}
	for len(b) > 0 {
		n := min(len(b), e.s.log.MaxRecord())
		if err := e.out.Append(e.ctx, b[:n]); err != nil {
			e.out.Drop()
			return err
		}
		b = b[n:]
	}
	return nil
}
