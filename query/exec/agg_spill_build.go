package exec

import (
	"context"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/vec"
)

// canLeave reports whether groups, or the values of DISTINCT aggregates, may leave memory.
func (a *aggregation) canLeave() bool {
	if !a.q.canSpill() {
		return false
	}
	if a.nk == 0 { // there is one group; the values are fed to it by partitions, in no order
		return len(a.distinct) > 0 && !a.ordered
	}
	return true
}

// makeRoom spills what the worker has if memory for n more rows is short.
func (l *aggLocal) makeRoom(ctx context.Context, n int) error {
	if !l.spills {
		return nil
	}
	need, size := int64(0), int64(0)
	if l.a.nk > 0 {
		need = l.t.growth(n)
	}
	for _, x := range l.sets {
		need += x.t.growth(n)
	}
	if l.claim.ask(need, stateShare) {
		return nil
	}
	for _, x := range l.sets {
		size += x.t.bytesOf()
	}
	switch {
	case l.a.ordered && l.a.nk > 0:
		if err := l.a.sink.merger.relieve(ctx); err != nil {
			return err
		}
	case l.a.nk > 0:
		size += l.t.bytesOf()
	}
	if l.a.q.small(size) {
		return nil
	}
	return l.spill(ctx)
}

// spill writes the groups and values that the worker has.
func (l *aggLocal) spill(ctx context.Context) error {
	l.claim.done()
	sp := &l.a.sink.spill
	l.run.open = false
	for i, x := range l.sets { // before the groups, whose keys they need
		if x.t.n == 0 {
			continue
		}
		err := x.spillKeyed(l, func(t *groupTable) error { return sp.values(ctx, i, t) })
		if err != nil {
			return err
		}
		x.t = x.t.renewed()
	}
	if l.a.ordered || l.a.nk == 0 || l.t.n == 0 {
		return nil
	}
	if err := sp.groups(ctx, l.t, l.w.ordinal); err != nil {
		return err
	}
	l.t = l.t.renewed()
	return nil
}

// renewed frees the table and returns an empty one in its place.
func (t *groupTable) renewed() *groupTable {
	fresh := newBareTable(t.a, t.rows)
	fresh.fresh, fresh.detOf = t.fresh, t.detOf
	t.free()
	return fresh
}

// groups writes the groups of a table.
func (sp *aggSpill) groups(ctx context.Context, t *groupTable, ordinal int) error {
	return sp.write(ctx, t, t.a.nk, func(p int, c groupChunk) {
		c.ordinal = ordinal
		if invariants.Mutant("spill-loses-a-page") && p == 7 {
			return
		}
		sp.parts[p].groups = append(sp.parts[p].groups, c)
	})
}

// values writes the values of a set of DISTINCT aggregates.
func (sp *aggSpill) values(ctx context.Context, set int, t *groupTable) error {
	return sp.write(ctx, t, sp.a.setKeys(t.a), func(p int, c groupChunk) {
		sp.parts[p].sets[set] = append(sp.parts[p].sets[set], c)
	})
}

// write writes a table; add notes a chunk, under the lock.
func (sp *aggSpill) write(ctx context.Context, t *groupTable, keys int, add func(p int, c groupChunk)) error {
	q := t.a.q
	q.spilling.Lock()
	defer q.spilling.Unlock()
	w, err := newChunkWriter(t.a)
	if err != nil {
		return err
	}
	defer w.free()
	sp.begin()
	return w.write(ctx, t, keys, 0, func(p int, c groupChunk) {
		sp.mu.Lock()
		defer sp.mu.Unlock()
		add(p, c)
	})
}

// setKeys is the number of keys that the values of a set are partitioned by: those of their groups.
func (a *aggregation) setKeys(sub *aggregation) int {
	if a.nk > 0 {
		return a.nk
	}
	return sub.nk
}

func (sp *aggSpill) begin() {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if sp.used {
		return
	}
	sp.used = true
	for p := range sp.parts {
		sp.parts[p] = groupPart{depth: 1, sets: make([][]groupChunk, len(sp.a.distinct))}
	}
	sp.a.stats.spill(0, spillParts)
}

// partBuilder makes the final groups of partitions, one after the other.
type partBuilder struct {
	s      *aggSink
	m      *mergeScratch
	fresh  []uint16
	chunks chunkReader
	room   room
	feeder *aggLocal
	t      *groupTable // of the partition at hand
}

func (s *aggSink) newBuilder() (*partBuilder, error) {
	b := &partBuilder{s: s, room: room{q: s.a.q}}
	var err error
	if b.m, err = newMergeScratch(s.a); err != nil {
		return nil, err
	}
	if b.fresh, err = makeSlice[uint16](&b.m.arena, batchRows+1); err == nil && len(s.a.distinct) > 0 {
		w := &worker{q: s.a.q, arena: arena{tracker: s.a.q.mem}}
		b.feeder = &aggLocal{a: s.a, w: w, vs: make([]*vec.Vector, len(s.a.exprs)), bound: noBounds}
		err = b.feeder.alloc()
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *partBuilder) close() {
	b.drop()
	b.chunks.free()
	if b.feeder != nil {
		if b.feeder.t != nil {
			b.feeder.t.free()
		}
		b.feeder.w.arena.free()
	}
	b.m.free()
}

// drop frees the groups at hand.
func (b *partBuilder) drop() {
	b.room.done()
	if b.t != nil {
		b.t.free()
		b.t = nil
	}
}

func (b *partBuilder) table(a *aggregation) *groupTable {
	t := newBareTable(a, b.m.s.rows)
	t.fresh = b.fresh
	return t
}

// full reports whether a table must not grow by n groups, and can be partitioned instead.
func (b *partBuilder) full(t *groupTable, n, depth int) bool {
	return t.n > 0 && b.s.a.q.again(depth) && !b.room.ask(t.growth(n), stateShare) && !b.s.a.q.small(t.bytesOf())
}

// build makes the groups of a partition, or partitions it again.
func (b *partBuilder) build(ctx context.Context, p *groupPart) (split []groupPart, err error) {
	b.drop()
	a := b.s.a
	b.t = b.table(a)
	if a.ordered {
		slices.SortStableFunc(p.groups, func(x, y groupChunk) int { return x.ordinal - y.ordinal })
	}
	for i := range p.groups {
		if b.full(b.t, p.groups[i].n, p.depth) {
			return b.split(ctx, p, i)
		}
		if err := b.t.mergeChunk(ctx, &p.groups[i], &b.chunks, b.m); err != nil {
			return nil, err
		}
	}
	for i, d := range a.distinct {
		fits, err := b.feed(ctx, i, d, p)
		if err != nil {
			return nil, err
		}
		if !fits {
			return b.split(ctx, p, len(p.groups))
		}
		p.sets[i] = nil
	}
	b.room.done()
	return nil, nil
}

// feed feeds the values of a set to the groups at hand; false if the values do not fit.
func (b *partBuilder) feed(ctx context.Context, i int, d *distinctSet, p *groupPart) (bool, error) {
	sm, err := newSetMerge(d, b.t, b.m)
	if err != nil {
		return false, err
	}
	defer sm.free()
	set, err := newGroupTable(&d.byNumber, sm.own.s.rows, &sm.own.arena)
	if err != nil {
		return false, err
	}
	defer set.free()
	for k := range p.sets[i] {
		c := &p.sets[i][k]
		if b.full(set, c.n, p.depth) {
			return false, nil
		}
		if err := set.mergeChunk(ctx, c, &b.chunks, sm.own); err != nil {
			return false, err
		}
	}
	b.chunks.free()
	b.feeder.t.free()
	defer func() { b.feeder.t = newBareTable(b.s.a, b.feeder.s.rows) }()
	return true, b.s.feedSet(ctx, b.feeder, d, set, sm)
}

// split partitions the groups at hand, the chunks from one on, and the values that were not fed.
func (b *partBuilder) split(ctx context.Context, p *groupPart, from int) ([]groupPart, error) {
	a := b.s.a
	parts := make([]groupPart, spillParts)
	for i := range parts {
		parts[i] = groupPart{depth: p.depth + 1, sets: make([][]groupChunk, len(a.distinct))}
	}
	a.stats.spill(0, spillParts)
	w, err := newChunkWriter(a)
	if err != nil {
		return nil, err
	}
	defer w.free()
	if a.nk > 0 {
		put := func(ordinal int) func(int, groupChunk) {
			return func(to int, c groupChunk) {
				c.ordinal = ordinal
				parts[to].groups = append(parts[to].groups, c)
			}
		}
		if err := w.write(ctx, b.t, a.nk, p.depth, put(beforeAll)); err != nil {
			return nil, err
		}
		b.drop()
		for i := from; i < len(p.groups); i++ {
			t, err := b.chunks.read(ctx, &p.groups[i], b.m)
			if err != nil {
				return nil, err
			}
			if err := w.write(ctx, t, a.nk, p.depth, put(p.groups[i].ordinal)); err != nil {
				return nil, err
			}
		}
	}
	for i, d := range a.distinct {
		if err := b.splitSet(ctx, i, d, p, parts); err != nil {
			return nil, err
		}
	}
	b.chunks.free()
	return slices.DeleteFunc(parts, func(p groupPart) bool { return p.empty() }), nil
}

func (b *partBuilder) splitSet(ctx context.Context, i int, d *distinctSet, p *groupPart, parts []groupPart) error {
	w, err := newChunkWriter(&d.byKeys)
	if err != nil {
		return err
	}
	defer w.free()
	for k := range p.sets[i] {
		t, err := b.chunks.read(ctx, &p.sets[i][k], b.m)
		if err != nil {
			return err
		}
		err = w.write(ctx, t, b.s.a.setKeys(&d.byKeys), p.depth, func(to int, c groupChunk) {
			parts[to].sets[i] = append(parts[to].sets[i], c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *groupPart) empty() bool {
	for _, s := range p.sets {
		if len(s) > 0 {
			return false
		}
	}
	return len(p.groups) == 0
}
