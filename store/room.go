package store

import (
	"context"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

const (
	// shortPart: memory is short when less than this part of it is free, and less than the bytes. Caches grow while there is
	// shrinkPart more, or the bytes, so that they do not at once take back what they gave.
	shortPart, shortBytesMax   = 4, 512 << 20
	shrinkPart, shrinkBytesMax = 16, 128 << 20
	// roomRounds bounds how often a batch waits: others may take what became free.
	roomRounds = 256
	// patience is how long a batch that was refused memory waits in all for what nobody flushes, in so many steps.
	patience      = time.Second
	patienceSteps = 128
)

// short reports whether memory is short.
func (s *Store) short() bool {
	limit := s.mem.Limit()
	return limit > 0 && s.mem.Used() > shortFrom(limit)
}

// shortFrom returns the bytes in use beyond which memory is short.
func shortFrom(limit int64) int64 { return limit - min(limit/shortPart, shortBytesMax) }

// lends reports whether a cache may take memory beyond its own: as much as leaves others a while until it is short.
func (s *Store) lends(bytes int64) bool {
	limit := s.mem.Limit()
	return s.mem.Used()+bytes <= shortFrom(limit)-shrinkBytes(limit)
}

// shrinkBytes are what a cache gives back at a time.
func shrinkBytes(limit int64) int64 { return min(limit/shrinkPart, shrinkBytesMax) }

// lent returns how many bytes caches have beyond their own.
func (s *Store) lent() (n int64) {
	for i := range s.tiers {
		if f := s.tiers[i].lent; f != nil {
			n += f()
		}
	}
	return n
}

// room waits, before a batch goes to a write set, while memory is short and a tier makes some free: a writer is slowed
// down to what can be written to files rather than refused.
//
// Nobody waits here for ever. The caller holds no latch, and is not on its way through the commit queue; it may hold locks
// of its transaction, its View, and memory. What it waits for is a flush, which needs
//
//   - a View, which is there to be taken at any time;
//   - the queue and the log, in which a commit never waits for room: whoever is in the queue has left this function;
//   - memory, which flushes are not refused, and of which a part is kept for them;
//   - no lock of a transaction.
//
// So each flush ends, with an error at worst, which ends the waiting, too. Memory that a View keeps is not waited for: a
// tier that has nothing to flush says so. And as others may be faster to take what became free, the rounds are counted.
func (w *Writer) room(ctx context.Context) error {
	s := w.st.tx.s
	if limit := s.mem.Limit(); limit == 0 || s.mem.Used() < limit/2 {
		return nil
	}
	w.letGo()
	for range roomRounds {
		if !s.short() {
			return nil
		}
		more, err := s.relieve(ctx)
		if err != nil {
			return err
		}
		w.letGo()
		if !more {
			return nil
		}
		if ctx.Err() != nil {
			return sqlerr.Canceled(ctx)
		}
	}
	return nil
}

// patiently does what asks for memory. What is refused is asked for again when memory was made free, or for a while if it
// is in the hands of those who will give it back soon: statements with an older View, write sets, loads. It is refused in
// the end, with 53200, if they do not. Nobody waits for ever here either, for the reasons above and by the clock.
func (w *Writer) patiently(ctx context.Context, f func() error) error {
	s := w.st.tx.s
	refused, err := untilRoom(ctx, f(), func(err error) bool {
		return sqlerr.CodeOf(err) == sqlerr.OutOfMemory && s.short() && (w.relieved() || s.lent() > 0)
	}, s.relieve, func() error {
		w.letGo()
		return f()
	})
	if err != nil {
		return err
	}
	return refused
}

// untilRoom calls again as long as waits says so of what it was refused with, and returns that of the last call. Before each
// call memory was made free, or a while went by. Its own error is that of making memory free, or says that it was cancelled.
func untilRoom(ctx context.Context, refused error, waits func(error) bool, relieve func(context.Context) (more bool, err error),
	again func() error) (last, err error) {
	idle := 0
	for n := 0; n < roomRounds && idle < patienceSteps && waits(refused); n++ {
		more, err := relieve(ctx)
		if err != nil {
			return refused, err
		}
		if !more {
			idle++
			select {
			case <-time.After(patience / patienceSteps):
			case <-ctx.Done():
				return refused, sqlerr.Canceled(ctx)
			}
		}
		refused = again()
	}
	return refused, nil
}

// relieved reports whether the rows of the table leave memory.
func (w *Writer) relieved() bool {
	s := w.st.tx.s
	return s.tiers[s.tierOf(w.def.Method)].relieve != nil
}

// relieve has the tiers make memory free, and reports whether one of them had something to do.
func (s *Store) relieve(ctx context.Context) (more bool, err error) {
	for i := range s.tiers {
		t := &s.tiers[i]
		if t.relieve == nil || !s.short() {
			continue
		}
		m, err := t.relieve(ctx)
		if err != nil {
			return false, err
		}
		more = more || m
	}
	return more, nil
}

// letGo gives a statement that has only inserted, and read nothing, a newer View: with the one that it began with, an
// Appender would keep all memory that other transactions have left since.
func (w *Writer) letGo() {
	st := w.st
	views := st.tx.s.views
	if st.read || st.writers != 1 || w.ts == nil || w.emptied || st.tx.o.Isolation != table.ReadCommitted || st.view.LSN() == views.LSN() {
		return
	}
	fresh := views.Acquire()
	ts := st.tx.committed(fresh.State, w.def)
	if ts == nil || !sameLayout(ts.Def(), w.def) {
		fresh.Release()
		return
	}
	st.view.Release()
	st.view, w.ts = fresh, ts
	if st.newest != nil {
		st.newest.Release()
		st.newest = nil
	}
}
