package exec

import (
	"context"
	"encoding/binary"
)

// entryBytes is what sorting takes for a row, besides the row and the rest of its key: two entries.
const entryBytes = 64

// sortBytes is about what sorting takes for a row: keys that are longer than the entry's part stand elsewhere, in an
// array that is copied when it grows.
func (l *sortLocal) sortBytes() int64 {
	key := int64(0)
	for i := range l.sink.s.n.Keys {
		switch s := &l.set.layout.slots[i]; s.kind {
		case slotStr, slotVar:
			key += 2 * int64(s.width)
			for _, h := range l.set.heap {
				key += int64(len(h)) / int64(max(l.set.n, 1))
			}
		case slotNum8, slotNum16:
			key += 2 * int64(s.width)
		default:
			key += int64(s.width) + 1
		}
	}
	if key <= inlineKey {
		return entryBytes
	}
	return entryBytes + key*5/2
}

// makeRoom spills the rows of the worker if memory for n more, and for sorting them, is short.
func (l *sortLocal) makeRoom(ctx context.Context, n int) error {
	if !l.spills || l.claim.ask(l.set.growth(n)+int64(l.set.n+n)*l.sortBytes(), stateShare) || l.sink.s.q.small(l.set.bytesOf()) {
		return nil
	}
	return l.spill(ctx)
}

// spill writes the worker's rows as a run.
func (l *sortLocal) spill(ctx context.Context) error {
	k := l.sink
	q := k.s.q
	q.spilling.Lock()
	defer q.spilling.Unlock()
	defer l.claim.done() // what is claimed is taken here
	k.spilled = true
	if l.set.n == 0 {
		return nil
	}
	a := arena{tracker: q.mem}
	defer a.free()
	o, err := newSortOrder(ctx, k.s, l.set, l.extents, &a, true)
	if err != nil {
		return err
	}
	if err := o.sort(ctx, nil, 1); err != nil {
		return err
	}
	w, err := newRunWriter(q, k.s.types, k.s.stats)
	if err != nil {
		return err
	}
	defer w.free()
	first := o.entries[:min(int64(len(o.entries)), k.s.top)]
	if err := w.addSet(ctx, l.set, len(first), func(i int) uint32 { return first[i].id }, func(dst []byte, id uint32) []byte {
		return binary.BigEndian.AppendUint64(o.key(dst, id), l.position(id))
	}); err != nil {
		return err
	}
	r, err := w.end(ctx)
	if err != nil {
		return err
	}
	k.s.stats.spill(0, 1)
	k.runs = append(k.runs, r)
	k.rows += l.set.n
	l.left(l.w.ordinal)
	l.set.free()
	return nil
}

// finishSpilled writes what is left of the workers' rows, and has the runs read in the order of the rows.
func (k *sortSink) finishSpilled(ctx context.Context) error {
	for _, l := range k.locals {
		if err := l.spill(ctx); err != nil {
			return err
		}
	}
	var err error
	k.s.stats.note("%d rows sorted", k.rows)
	k.runs, err = k.s.q.fewer(ctx, k.runs, k.s.types, k.s.stats)
	return err
}

// alone: runs are merged by one worker.
func (s *sortSource) alone() bool { return s.s.sink.spilled }

func (s *sortSource) runReader() *runReader {
	k := &s.s.sink
	return &runReader{q: s.s.q, stats: s.s.stats, runs: k.runs, left: s.s.top, slots: s.s.slot, types: typesOf(s.s.n.Columns())}
}
