package exec

import (
	"context"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/plan"
)

// partJoin joins the rows of one partition, or a block of them.
type partJoin struct {
	j     *join // of the partition alone; nil: without a build side
	of    *join
	part  joinPart
	at    int // the first chunk of the build side
	to    int // the one after the last
	arena arena
	set   *rowSet
	pos   column[uint64] // of the rows of the build side, as they were loaded
	from  []uint64       // of extents: the position of their first rows
	room  room
	buf   []byte
	tmp   *rowSet
}

// loadPart reads the build side of a partition from a chunk on and makes its table. If that does not fit, the partition is
// partitioned again, or a block of it is loaded.
func (j *join) loadPart(ctx context.Context, part joinPart, at int) (p *partJoin, split []joinPart, err error) {
	p = &partJoin{of: j, part: part, at: at, to: len(part.build), arena: arena{tracker: j.q.mem}, room: room{q: j.q}}
	fits, err := p.load(ctx)
	if err == nil && !fits {
		p.set.free()
		split, err = p.split(ctx)
	}
	if err != nil || !fits {
		p.free()
		return nil, split, err
	}
	return p, nil, nil
}

func (p *partJoin) free() {
	p.room.done()
	if p.j != nil {
		p.j.build.close()
	}
	p.set.release()
	p.tmp.release()
	p.pos.free()
	p.arena.free()
}

// load reads the rows; false if they do not fit.
func (p *partJoin) load(ctx context.Context) (bool, error) {
	of := p.of
	j := &join{
		q: of.q, n: of.n, stats: &opStats{}, prog: of.prog, slotTypes: of.slotTypes, exprs: of.exprs, colSlot: of.colSlot,
		leftProg: of.leftProg, condProg: of.condProg, nullEqual: of.nullEqual, keepAll: of.keepAll,
	}
	j.build.j, p.j = j, j
	rows, err := newRowScratch(&p.arena)
	if err != nil {
		return false, err
	}
	p.set = newRowSet(of.q.mem, j.slotTypes, nil, j.rightNullable(), &j.build.blocks, rows)
	p.tmp = newRowSet(of.q.mem, j.slotTypes, nil, false, new(atomic.Int32), rows)
	wide := p.layout()
	p.set.layout, p.set.shift = wide.clone(), pageShift(wide.stride)
	l := &buildLocal{b: &j.build, set: p.set, bounds: make([]bound, len(j.exprs))}
	l.nullKey = of.build.nullKey && !invariants.Mutant("join-spill-forgets-null")
	for i := p.at; i < len(p.part.build); i++ {
		c := &p.part.build[i]
		need := p.set.growth(c.n) + int64(p.set.n+c.n)*(tableBytes+8)
		if p.set.n > 0 && !p.room.ask(need, stateShare) && !of.q.small(p.set.bytesOf()) {
			if p.at == 0 && of.byHash() && of.q.again(p.part.depth) {
				return false, nil
			}
			p.to = i
			break
		}
		if err := p.add(ctx, c, &wide, l); err != nil {
			return false, err
		}
	}
	if p.at > 0 || p.to < len(p.part.build) {
		n := *of.n
		n.Kind = blockKind(n.Kind)
		j.n = &n
	}
	p.order(l)
	j.build.locals = append(j.build.locals, l)
	p.set = nil // the build side's
	if err := j.build.finish(ctx); err != nil {
		return false, err
	}
	j.build.others = true
	p.room.done()
	return true, nil
}

// layout returns the one that holds all rows of the partition.
func (p *partJoin) layout() layout {
	wide, ok := widestLayout(func(yield func(*layout) bool) {
		for i := range p.part.build {
			if !yield(p.part.build[i].l) {
				return
			}
		}
	}, p.set.layout.nullable())
	if !ok {
		wide = p.set.layout.clone()
		wide.place(wide.nullable())
	}
	return wide
}

// read loads a chunk of the build side into tmp; its positions stand before what is left of the block.
func (p *partJoin) read(ctx context.Context, c *rowChunk) (err error) {
	if p.buf, err = p.of.q.spill.read(ctx, c.at, p.buf); err != nil {
		return err
	}
	_, err = p.tmp.load(p.buf[8*c.n:], c.n, c.l)
	return err
}

// add appends the rows of a chunk.
func (p *partJoin) add(ctx context.Context, c *rowChunk, wide *layout, l *buildLocal) error {
	if err := p.read(ctx, c); err != nil {
		return err
	}
	if !sameLayout(c.l, wide) {
		if err := p.tmp.convert(wide.clone()); err != nil {
			return err
		}
	}
	base := p.set.n
	if err := p.pos.grow(p.of.q.mem, base+c.n); err != nil {
		return err
	}
	var one [1]uint32
	for i := range c.n {
		one[0] = uint32(i)
		if err := p.set.copyRows(p.tmp, one[:]); err != nil {
			return err
		}
		pos := binary.LittleEndian.Uint64(p.buf[8*i:])
		p.pos.v[base+i] = pos
		k := len(l.extents)
		if i == 0 || p.pos.v[base+i-1]>>32 != pos>>32 {
			l.extents = append(l.extents, extent{0, uint32(base + i), uint32(base + i + 1)})
			p.from = append(p.from, pos)
		} else {
			l.extents[k-1].to++
		}
	}
	return nil
}

// order numbers the extents in the order of their rows.
func (p *partJoin) order(l *buildLocal) {
	at := make([]int, len(p.from))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(a, b int) int { return b2i(p.from[a] > p.from[b]) - b2i(p.from[a] < p.from[b]) })
	for n, i := range at {
		l.extents[i].ordinal = n
	}
}

// position says where a row of the build side stood in the input.
func (p *partJoin) position(id uint32) uint64 {
	return p.pos.v[id-p.first()]
}

// first is the first row of the build side: the NULL row is before.
func (p *partJoin) first() uint32 { return 1 << p.j.build.set.shift }

// split partitions the rows of both sides again.
func (p *partJoin) split(ctx context.Context) ([]joinPart, error) {
	of := p.of
	parts := make([]joinPart, spillParts)
	for i := range parts {
		parts[i] = joinPart{depth: p.part.depth + 1, probe: make([][]rowChunk, len(p.part.probe))}
	}
	of.stats.spill(0, spillParts)
	w, err := newRowsWriter(of, len(of.n.RightKeys))
	if err != nil {
		return nil, err
	}
	defer w.free()
	for i := range p.part.build {
		c := &p.part.build[i]
		if err := p.read(ctx, c); err != nil {
			return nil, err
		}
		position := func(id uint32) uint64 { return binary.LittleEndian.Uint64(p.buf[8*id:]) }
		err := w.write(ctx, p.tmp, p.part.depth, func(ids []uint32) { w.hashKeys(of, p.tmp, ids) }, position, func(to int, c rowChunk) {
			parts[to].build = append(parts[to].build, c)
		})
		if err != nil {
			return nil, err
		}
	}
	probe := newRowSet(of.q.mem, of.spill.types, nil, false, new(atomic.Int32), w.rows)
	defer probe.free()
	for k := range p.part.probe {
		for i := range p.part.probe[k] {
			c := &p.part.probe[k][i]
			if p.buf, err = of.q.spill.read(ctx, c.at, p.buf); err != nil {
				return nil, err
			}
			if _, err := probe.load(p.buf, c.n, c.l); err != nil {
				return nil, err
			}
			err := w.write(ctx, probe, p.part.depth, func(ids []uint32) { w.savedHashes(probe, len(of.spill.cols), ids) }, nil,
				func(to int, c rowChunk) { parts[to].probe[k] = append(parts[to].probe[k], c) })
			if err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(parts, func(x joinPart) bool { return x.empty(of.n.Kind) }), nil
}

// empty reports whether no row can come of the partition.
func (x *joinPart) empty(k plan.JoinKind) bool {
	left := slices.ContainsFunc(x.probe, func(c []rowChunk) bool { return len(c) > 0 })
	switch k {
	case plan.Full:
		return !left && len(x.build) == 0
	case plan.Right, plan.RightAnti:
		return len(x.build) == 0
	case plan.Inner, plan.Semi, plan.RightSemi:
		return !left || len(x.build) == 0
	}
	return !left
}
