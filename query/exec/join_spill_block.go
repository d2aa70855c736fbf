package exec

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// A partition of a join whose build side does not fit, and that cannot be partitioned again, is joined block by block: of a
// nested loop, of a three-valued join, whose rows are not found by their keys alone, or of one key. Every block of the build
// side meets all rows of the left side, which are read again. What comes of a pair of rows is output with the block; what
// depends on all blocks is noted for each row of the left side, and output in one more pass:
//
//	block 0, all left rows → pairs, bits
//	block 1, all left rows → pairs, bits
//	…
//	         all left rows, bits → rows without a match, or those that are chosen

// byHash reports whether rows that match are in the same partition of the keys' hash.
func (j *join) byHash() bool { return len(j.n.LeftKeys) > 0 && !j.threeValued() }

// blockKind is the kind of the joins of blocks.
func blockKind(k plan.JoinKind) plan.JoinKind {
	switch k {
	case plan.Left, plan.Single:
		return plan.Inner
	case plan.Full:
		return plan.Right
	case plan.Anti:
		return plan.Semi
	case plan.AntiNull:
		return plan.Mark
	}
	return k
}

// blockJoin is the state of a join by blocks.
type blockJoin struct {
	kind  plan.JoinKind
	pass  int
	last  bool // no block is left
	seen  int  // rows of the left side that were read in the pass
	first int  // the first of those at hand
	arena arena
	// matched and unknown are bits of the left side's rows; nil: they are not needed.
	matched, unknown []uint64

	pos   []uint16
	comp  composer
	cols  []vec.Vector
	flags []uint8
	valid []uint64
}

// newBlockJoin prepares the first pass over a partition.
func (j *join) newBlockJoin(part *joinPart) (*blockJoin, error) {
	b := &blockJoin{kind: j.n.Kind, arena: arena{tracker: j.q.mem}}
	b.comp.a = &b.arena
	if b.onlyPairs() {
		return b, nil
	}
	rows := 0
	for _, chunks := range part.probe {
		for i := range chunks {
			rows += chunks[i].n
		}
	}
	var err error
	if b.matched, err = makeSlice[uint64](&b.arena, vec.BitmapWords(rows)); err != nil {
		return b, err
	}
	if b.unknown, err = makeSlice[uint64](&b.arena, vec.BitmapWords(rows)); err != nil {
		return b, err
	}
	if b.pos, err = makeSlice[uint16](&b.arena, batchRows); err != nil {
		return b, err
	}
	if b.flags, err = makeSlice[uint8](&b.arena, batchRows); err != nil {
		return b, err
	}
	b.valid, err = makeSlice[uint64](&b.arena, batchRows/64)
	if outputsRight(b.kind) && b.kind != plan.Mark {
		for _, c := range j.n.Right.Columns() {
			b.cols = append(b.cols, nullVector(c.Type))
		}
	}
	return b, err
}

// onlyPairs reports whether no row depends on more than one block.
func (b *blockJoin) onlyPairs() bool { return dropsUnmatchedLeft(b.kind) && b.kind != plan.Semi }

// read notes that n more rows of the left side are at hand, and returns those that the block must be asked about; nil: all.
func (b *blockJoin) read(n int) []uint16 {
	b.first = b.seen
	b.seen += n
	if b.pass == 0 || b.last || b.onlyPairs() || outputsRight(b.kind) {
		return nil
	}
	open := b.pos[:0]
	for i := range n {
		if at := b.first + i; b.matched[at>>6]>>(at&63)&1 == 0 {
			open = append(open, uint16(i))
		}
	}
	return open
}

// take notes what the rows of a block's join say of the left side's, and reports whether they are output.
func (b *blockJoin) take(out *vec.Batch) (bool, error) {
	if b.onlyPairs() {
		return true, nil
	}
	sel := out.Groups[0].Sel
	for i := range out.N {
		at := i
		if sel != nil {
			at = int(sel[i])
		}
		at += b.first
		word, bit := &b.matched[at>>6], uint64(1)<<(at&63)
		switch b.kind {
		case plan.Mark, plan.AntiNull:
			v := &out.Groups[len(out.Groups)-1].Cols[0]
			if v.IsNull(i) {
				b.unknown[at>>6] |= bit
				continue
			}
			if v.Int(i) == 0 {
				continue
			}
		case plan.Single:
			if *word&bit != 0 {
				return false, errSecondRow
			}
		}
		*word |= bit
	}
	return outputsRight(b.kind) && b.kind != plan.Mark, nil
}

// wanted reports whether a row of the left side is output in the last pass.
func (b *blockJoin) wanted(matched, unknown bool) bool {
	switch b.kind {
	case plan.Semi:
		return matched
	case plan.AntiNull:
		return !matched && !unknown
	case plan.Mark:
		return true
	}
	return !matched
}

// output makes the rows of the last pass of rows of the left side.
func (b *blockJoin) output(in *vec.Batch) (*vec.Batch, error) {
	k := 0
	clear(b.valid)
	for i := range in.N {
		at := b.first + i
		matched, unknown := b.matched[at>>6]>>(at&63)&1 != 0, b.unknown[at>>6]>>(at&63)&1 != 0
		if !b.wanted(matched, unknown) {
			continue
		}
		if b.pos[k], b.flags[k] = uint16(i), uint8(b2i(matched)); matched || !unknown {
			b.valid[k>>6] |= 1 << (k & 63)
		}
		k++
	}
	if k == 0 {
		return nil, nil
	}
	out, err := b.comp.compose(in, b.pos[:k], 1)
	if err != nil {
		return nil, err
	}
	switch {
	case b.kind == plan.Mark:
		b.cols = append(b.cols[:0], vec.Vector{
			Type: types.T(types.Bool), Width: 1, N: k, Data: vec.DataOf(b.flags), Valid: b.valid, NullBit: -1,
		})
		out.Groups = append(out.Groups, vec.Group{Cols: b.cols})
	case b.cols != nil:
		out.Groups = append(out.Groups, vec.Group{Cols: b.cols})
	}
	return out, nil
}

// nextPass begins with the next block of the partition at hand, or with the last pass; false if that is through.
func (r *joinPartReader) nextPass(ctx context.Context) (bool, error) {
	b, p := r.blocks, r.p
	if b == nil || b.last {
		return false, nil
	}
	b.pass++
	b.seen = 0
	r.endBlock()
	if p.to < len(p.part.build) && !(invariants.Mutant("spill-join-one-block") && b.pass > 1) {
		next, _, err := r.s.j.loadPart(ctx, p.part, p.to)
		if err != nil {
			return false, err
		}
		return true, r.begin(next)
	}
	if b.last = true; b.onlyPairs() {
		return false, nil
	}
	r.p = &partJoin{of: p.of, part: p.part}
	r.rewind()
	return true, nil
}
