package exec

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"github.com/laminadb/lamina/types"
)

// full reports whether what was merged must leave memory before the parts that wait are added.
func (o *orderedMerger) full() bool {
	if !o.a.canLeave() {
		return false
	}
	groups, size := 0, o.t.bytesOf()
	for _, p := range o.waiting {
		groups += p.t.n
		size += p.t.bytesOf()
	}
	return !o.room.ask(o.t.growth(groups), stateShare) && !o.a.q.small(size)
}

// relieve spills what was merged, because a part that is made needs memory.
func (o *orderedMerger) relieve(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.spilled || o.a.q.small(o.t.bytesOf()) {
		return nil
	}
	return o.spill(ctx)
}

// spill writes what was merged, and the parts that wait. Later parts are written as they come: each adds to what was
// before as it would in memory.
func (o *orderedMerger) spill(ctx context.Context) error {
	o.spilled = true
	o.room.done()
	sp := &o.a.sink.spill
	if err := sp.groups(ctx, o.t, beforeAll); err != nil {
		return err
	}
	o.t = o.t.renewed()
	for i, p := range o.waiting {
		err := sp.groups(ctx, p.t, p.ordinal)
		p.t.free()
		if err != nil {
			o.waiting = o.waiting[i+1:]
			return err
		}
	}
	o.waiting = nil
	return nil
}

// finishSpilled makes the final groups, or leaves that to those who read them.
func (s *aggSink) finishSpilled(ctx context.Context) error {
	a := s.a
	for _, l := range s.locals {
		if err := l.spill(ctx); err != nil {
			return err
		}
	}
	if a.nk == 0 {
		return s.finishValues(ctx)
	}
	if a.ordered && !s.merger.spilled {
		if err := s.merger.spill(ctx); err != nil {
			return err
		}
	}
	for i := range s.spill.parts {
		if p := &s.spill.parts[i]; !p.empty() {
			s.parts = append(s.parts, *p)
		}
		s.spill.parts[i] = groupPart{}
	}
	if !a.positions {
		return nil
	}
	return s.sortGroups(ctx)
}

// finishValues feeds spilled values to the only group.
func (s *aggSink) finishValues(ctx context.Context) error {
	b, err := s.newBuilder()
	if err != nil {
		return err
	}
	defer b.close()
	t, err := newGroupTable(s.a, b.m.s.rows, &s.arena)
	if err != nil {
		return err
	}
	s.result.owned = append(s.result.owned, t)
	for _, l := range s.locals {
		if err := t.mergeAll(l.t, b.m); err != nil {
			return err
		}
	}
	if err := t.one(); err != nil {
		return err
	}
	parts := s.spill.parts[:]
	for len(parts) > 0 {
		p := parts[len(parts)-1]
		parts = parts[:len(parts)-1]
		more, err := b.feedOnly(ctx, t, &p)
		if err != nil {
			return err
		}
		parts = append(parts, more...)
	}
	s.output(t)
	return nil
}

// feedOnly feeds a partition of values to the only group, or partitions it again.
func (b *partBuilder) feedOnly(ctx context.Context, t *groupTable, p *groupPart) ([]groupPart, error) {
	for i, d := range b.s.a.distinct {
		b.t = t
		fits, err := b.feed(ctx, i, d, p)
		b.t = nil
		b.drop()
		if err != nil {
			return nil, err
		}
		if !fits {
			return b.split(ctx, p, 0)
		}
		p.sets[i] = nil
	}
	return nil, nil
}

// sortGroups writes the final groups in the order of their first rows: a run for each partition.
func (s *aggSink) sortGroups(ctx context.Context) error {
	lists := make([][]*run, len(s.parts))
	src := &aggSource{a: s.a}
	err := s.a.q.pool.parallel(s.a.q.spillWorkers(), len(s.parts), func(i int) error {
		r, err := src.groupReader()
		if err != nil {
			return err
		}
		defer r.close()
		r.parts = append(r.parts, s.parts[i])
		lists[i], err = r.runs(ctx, s.outTypes())
		return err
	})
	for _, l := range lists {
		s.runs = append(s.runs, l...)
	}
	if err == nil {
		s.runs, err = s.a.q.fewer(ctx, s.runs, s.outTypes(), s.a.stats)
	}
	s.sorted = true
	return err
}

// outTypes are those of the output's columns.
func (s *aggSink) outTypes() []types.Type {
	var ts []types.Type
	for _, at := range s.a.keyAt {
		if at >= 0 {
			ts = append(ts, s.a.exprs[at].Type())
		} else {
			ts = append(ts, s.a.determined[-1-at].Type())
		}
	}
	for i := range s.a.outs {
		ts = append(ts, s.a.outs[i].typ)
	}
	return ts
}

// runs writes the groups of the reader's partitions.
func (r *aggReader) runs(ctx context.Context, ts []types.Type) ([]*run, error) {
	w, err := newRunWriter(r.s.a.q, ts, r.s.a.stats)
	if err != nil {
		return nil, err
	}
	defer w.free()
	var runs []*run
	for {
		if err := r.nextPart(ctx); err != nil || r.part.t == nil {
			return runs, err
		}
		pos := r.part.t.pos.v
		r.part.ids = make([]uint32, r.part.t.n)
		for i := range r.part.ids {
			r.part.ids[i] = uint32(i)
		}
		slices.SortFunc(r.part.ids, func(a, b uint32) int { return b2i(pos[a] > pos[b]) - b2i(pos[a] < pos[b]) })
		for at := 0; at < len(r.part.ids); {
			b, err := r.groups()
			if err != nil {
				return nil, err
			}
			ids := r.part.ids[at:]
			ptrs := w.vectorsOf(b)
			err = w.add(ctx, ptrs, b.N, func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint64(dst, pos[ids[i]]) })
			if err != nil {
				return nil, err
			}
			at += b.N
		}
		x, err := w.end(ctx)
		if err != nil {
			return nil, err
		}
		runs = append(runs, x)
		r.part = resultPart{}
	}
}

// alone: the order of the groups is made by merging, for one worker; or there is memory for one only.
func (s *aggSource) alone() bool {
	return s.a.sink.sorted || s.a.sink.spill.used && s.a.q.spillWorkers() == 1
}

func (s *aggSink) runReader() *runReader {
	ts := s.outTypes()
	r := &runReader{q: s.a.q, stats: s.a.stats, runs: s.runs, left: math.MaxInt64, types: ts}
	for i := range ts {
		r.slots = append(r.slots, i)
	}
	return r
}

// claimSpilled takes a partition.
func (r *aggReader) claimSpilled() error {
	a := r.s.a
	if a.nk == 0 {
		return r.claimPart()
	}
	if r.s.next == len(a.sink.parts) {
		return io.EOF
	}
	r.parts = append(r.parts[:0], a.sink.parts[r.s.next])
	r.s.next++
	return nil
}

// nextPart makes the groups of the next partition once those at hand are used up.
func (r *aggReader) nextPart(ctx context.Context) error {
	for r.part.t != nil && r.b != nil && r.at == int(r.part.to) || r.part.t == nil {
		r.part, r.at = resultPart{}, 0
		if len(r.parts) == 0 {
			if r.b != nil {
				r.b.drop()
			}
			return nil
		}
		if r.b == nil {
			var err error
			if r.b, err = r.s.a.sink.newBuilder(); err != nil {
				return err
			}
		}
		p := r.parts[len(r.parts)-1]
		r.parts = r.parts[:len(r.parts)-1]
		more, err := r.b.build(ctx, &p)
		if err != nil {
			return err
		}
		if r.parts = append(r.parts, more...); more == nil {
			r.part = resultPart{t: r.b.t, to: uint32(r.b.t.n)}
		}
	}
	return nil
}
