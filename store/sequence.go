package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// Values of a sequence are reserved by a record of the log before the first of them is handed out. The record says where
// the sequence stands when all of them are used, and that is where it stands after a crash. Nothing of it is
// undone. What a transaction does to a sequence that it has created, altered or restarted is in its commit record.

// sequenceAhead is how many values a record reserves, as in PostgreSQL.
const sequenceAhead = 32

// sequenceState says where a sequence stands, in a record or checkpoint.
type sequenceState struct {
	id table.ObjectID
	table.SequenceValue
}

// sequences are the values of all sequences.
type sequences struct {
	mu sync.Mutex
	m  map[table.ObjectID]*sequence
}

// sequence is where one stands. Whoever takes values holds mu, also while they are reserved through the commit
// queue, and a ROW EXCLUSIVE lock, so that no commit changes the sequence meanwhile.
type sequence struct {
	mu  sync.Mutex
	now table.SequenceValue
	// left is the number of values after now that are reserved.
	left int
	// logged is what the records that were applied say; guarded by sequences.mu.
	logged table.SequenceValue
}

func newSequences() *sequences { return &sequences{m: make(map[table.ObjectID]*sequence)} }

func (s *sequences) find(id table.ObjectID) *sequence {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[id]
}

// set makes a state, which a commit record or the replay brings, the present one.
func (s *sequences) set(q sequenceState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.m[q.id]
	if x == nil {
		s.m[q.id] = &sequence{now: q.SequenceValue, logged: q.SequenceValue}
		return
	}
	x.logged = q.SequenceValue
	x.mu.Lock()
	defer x.mu.Unlock()
	x.now, x.left = q.SequenceValue, 0
}

// note keeps what the record of a reservation says; whoever has written it goes on from there.
func (s *sequences) note(q sequenceState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.m[q.id]; x != nil {
		x.logged = q.SequenceValue
	}
}

func (s *sequences) drop(id table.ObjectID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, id)
}

// states returns what a checkpoint keeps, ordered by ID.
func (s *sequences) states() []sequenceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]sequenceState, 0, len(s.m))
	for id, x := range s.m {
		list = append(list, sequenceState{id, x.logged})
	}
	slices.SortFunc(list, func(a, b sequenceState) int { return cmp.Compare(a.id, b.id) })
	return list
}

// unused returns where the sequences stand of which reserved values were not used.
func (s *sequences) unused() (list []sequenceState) {
	for _, q := range s.states() {
		x := s.find(q.id)
		x.mu.Lock()
		if x.left > 0 {
			list = append(list, sequenceState{q.id, x.now})
			x.left = 0
		}
		x.mu.Unlock()
	}
	return list
}

// following returns the value after v; false if there is none.
func following(d *table.SequenceDef, v table.SequenceValue, cycle bool) (int64, bool) {
	switch {
	case !v.Called:
		return v.Last, true
	case d.Increment > 0 && (v.Last >= d.Max || uint64(d.Max)-uint64(v.Last) < uint64(d.Increment)):
		return d.Min, cycle
	case d.Increment < 0 && (v.Last <= d.Min || uint64(v.Last)-uint64(d.Min) < -uint64(d.Increment)):
		return d.Max, cycle
	}
	return v.Last + d.Increment, true
}

// errSequenceEnd says that a sequence has no more values.
func errSequenceEnd(d *table.SequenceDef) error {
	if d.Increment < 0 {
		return sqlerr.Newf(sqlerr.SequenceGeneratorLimitExceeded, "nextval: reached minimum value of sequence \"%s\" (%d)", d.Name, d.Min)
	}
	return sqlerr.Newf(sqlerr.SequenceGeneratorLimitExceeded, "nextval: reached maximum value of sequence \"%s\" (%d)", d.Name, d.Max)
}

// take returns the next value. reserve writes the record that says where the sequence stands after the values that
// are reserved; nil: nothing outlives the process.
func (x *sequence) take(d *table.SequenceDef, reserve func(table.SequenceValue) error) (int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	next, ok := following(d, x.now, d.Cycle)
	if !ok {
		return 0, errSequenceEnd(d)
	}
	if x.left == 0 {
		last, n := next, 1
		for ; n < sequenceAhead; n++ {
			v, ok := following(d, table.SequenceValue{Last: last, Called: true}, false)
			if !ok {
				break
			}
			last = v
		}
		if reserve != nil && !invariants.Mutant("store-forget-reservation") {
			if err := reserve(table.SequenceValue{Last: last, Called: true}); err != nil {
				return 0, err
			}
		}
		x.left = n
	}
	x.left--
	x.now = table.SequenceValue{Last: next, Called: true}
	return next, nil
}

// txSequences is a table.Sequences.
type txSequences struct{ tx *Tx }

var _ table.Sequences = txSequences{}

// Sequences returns the values of the sequences.
func (t *Tx) Sequences() table.Sequences { return txSequences{t} }

// localSequence is one that the transaction itself has created, altered or restarted. It is a list: before is what the
// transaction had of the sequence until then.
type localSequence struct {
	id     table.ObjectID
	now    table.SequenceValue
	before *localSequence
}

// own returns what the transaction itself has of a sequence, nil if nothing.
func (t *Tx) own(id table.ObjectID) *localSequence {
	for l := t.sequences; l != nil; l = l.before {
		if l.id == id {
			return l
		}
	}
	return nil
}

// keep makes where a sequence stands a matter of the transaction.
func (t *Tx) keep(id table.ObjectID, v table.SequenceValue) {
	t.sequences = &localSequence{id, v, t.sequences}
}

// sequenceStates returns where the sequences stand that are the transaction's own.
func (t *Tx) sequenceStates() (list []sequenceState) {
	for l := t.sequences; l != nil; l = l.before {
		known := slices.ContainsFunc(list, func(q sequenceState) bool { return q.id == l.id })
		if _, ok := t.after().ByID(l.id).(*table.SequenceDef); ok && !known {
			list = append(list, sequenceState{l.id, l.now})
		}
	}
	slices.Reverse(list)
	return list
}

// after is what the transaction's commit makes of the catalog.
func (t *Tx) after() *catalog.Catalog {
	if t.overlay != nil {
		return t.overlay.Catalog()
	}
	return t.s.newest()
}

// sequence locks a sequence and returns its definition.
func (q txSequences) sequence(ctx context.Context, id table.ObjectID, mode table.TableLock) (*table.SequenceDef, error) {
	t := q.tx
	if err := t.usable(); err != nil {
		return nil, err
	}
	if err := t.lockTable(ctx, id, mode, table.WaitBlock); err != nil {
		return nil, err
	}
	obj := t.s.newest().ByID(id) // sequences are outside of snapshots
	if mine := t.catalog(); t.own(id) != nil || t.overlay != nil && t.overlay.Base().ByID(id) != nil {
		obj = mine.ByID(id)
	}
	d, ok := obj.(*table.SequenceDef)
	switch {
	case obj == nil:
		return nil, catalog.ErrNoObject(id)
	case !ok:
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "\"%s\" is not a sequence", obj.Head().Name)
	}
	return d, nil
}

// Next takes the next value.
func (q txSequences) Next(ctx context.Context, id table.ObjectID) (int64, error) {
	t := q.tx
	if t.readOnly {
		return 0, errReadOnly("nextval()")
	}
	d, err := q.sequence(ctx, id, table.RowExclusive)
	if err != nil {
		return 0, err
	}
	if l := t.own(id); l != nil {
		next, ok := following(d, l.now, d.Cycle)
		if !ok {
			return 0, errSequenceEnd(d)
		}
		l.now = table.SequenceValue{Last: next, Called: true}
		return next, nil
	}
	x := t.s.sequences.find(id)
	if x == nil {
		return 0, errNoSequence(d)
	}
	if t.s.log == nil {
		return x.take(d, nil)
	}
	return x.take(d, func(v table.SequenceValue) error { return t.reserve(ctx, sequenceState{id, v}) })
}

func errNoSequence(d *table.SequenceDef) error {
	return sqlerr.Newf(sqlerr.InternalError, "sequence \"%s\" has no values", d.Name)
}

// reserve writes a record of where a sequence stands. It is not synced by itself: the transaction's commit sees to that,
// and until then nothing that it has got counts.
func (t *Tx) reserve(ctx context.Context, q sequenceState) error {
	lsn, err := t.s.logSequences(ctx, q)
	if err == nil {
		t.reserved = max(t.reserved, lsn)
	}
	return err
}

// logSequences writes a record of where sequences stand.
func (s *Store) logSequences(ctx context.Context, list ...sequenceState) (table.LSN, error) {
	return s.commits.Commit(ctx, &txn.Request{
		Kind:    wal.SequenceBlock,
		Payload: appendSequences(appendHidden(nil, nil), list),
		Async:   true,
		State:   &reservation{list},
	})
}

// returnReserved writes where the sequences stand, when no transaction takes values any more: what was reserved and not
// used is not skipped.
func (s *Store) returnReserved() {
	list := s.sequences.unused()
	if s.pipeline == nil || len(list) == 0 {
		return
	}
	if _, err := s.logSequences(context.Background(), list...); err != nil {
		s.logger.Warn("values of sequences are skipped", "err", err)
	}
}

// reservation is the state of a request that reserves values.
type reservation struct{ list []sequenceState }

// Set says where a sequence stands.
func (q txSequences) Set(ctx context.Context, id table.ObjectID, v table.SequenceValue) error {
	t := q.tx
	if t.readOnly {
		return errReadOnly("setval()")
	}
	d, err := q.sequence(ctx, id, table.RowExclusive)
	if err != nil {
		return err
	}
	if v.Last < d.Min || v.Last > d.Max {
		return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "setval: value %d is out of bounds for sequence \"%s\" (%d..%d)",
			v.Last, d.Name, d.Min, d.Max)
	}
	if l := t.own(id); l != nil {
		l.now = v
		return nil
	}
	x := t.s.sequences.find(id)
	if x == nil {
		return errNoSequence(d)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if t.s.log != nil {
		if err := t.reserve(ctx, sequenceState{id, v}); err != nil {
			return err
		}
	}
	x.now, x.left = v, 0
	return nil
}

// Value tells where a sequence stands.
func (q txSequences) Value(ctx context.Context, id table.ObjectID) (table.SequenceValue, error) {
	d, err := q.sequence(ctx, id, table.AccessShare)
	if err != nil {
		return table.SequenceValue{}, err
	}
	return q.tx.sequenceValue(d)
}

func (t *Tx) sequenceValue(d *table.SequenceDef) (table.SequenceValue, error) {
	if l := t.own(d.ID); l != nil {
		return l.now, nil
	}
	x := t.s.sequences.find(d.ID)
	if x == nil {
		return table.SequenceValue{}, errNoSequence(d)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.now, nil
}

// Restart says where a sequence stands once the transaction has committed.
func (q txSequences) Restart(ctx context.Context, id table.ObjectID, v table.SequenceValue) error {
	if q.tx.readOnly {
		return errReadOnly("ALTER SEQUENCE")
	}
	d, err := q.sequence(ctx, id, table.AccessExclusive)
	if err != nil {
		return err
	}
	switch {
	case v.Last < d.Min:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "RESTART value (%d) cannot be less than MINVALUE (%d)", v.Last, d.Min)
	case v.Last > d.Max:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "RESTART value (%d) cannot be greater than MAXVALUE (%d)", v.Last, d.Max)
	}
	q.tx.keep(id, v)
	return nil
}

func appendSequences(dst []byte, list []sequenceState) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, q := range list {
		dst = binary.AppendUvarint(dst, uint64(q.id))
		dst = binary.AppendVarint(dst, q.Last)
		called := byte(0)
		if q.Called {
			called = 1
		}
		dst = append(dst, called)
	}
	return dst
}

func (r *decoder) sequences() []sequenceState {
	n := r.count(3)
	if n == 0 {
		return nil
	}
	list := make([]sequenceState, 0, n)
	for range n {
		q := sequenceState{id: r.id()}
		v, size := binary.Varint(r.b)
		if size <= 0 {
			r.fail("bad value of a sequence")
			return nil
		}
		r.b = r.b[size:]
		called := r.byte()
		if called > 1 {
			r.fail("flag is %d", called)
		}
		q.Last, q.Called = v, called == 1
		list = append(list, q)
	}
	return list
}
