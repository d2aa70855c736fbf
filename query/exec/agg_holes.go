package exec

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// An aggregation without keys takes batches with holes from its scan: it evaluates and adds up all rows, and takes the
// few that are not there out of the sums again. That is exact for integers, also where the sum of all rows would wrap.

// takeHoles asks the scans that in consists of for batches with holes, if all that is asked for can be taken out again.
func (a *aggregation) takeHoles(in *flow) {
	if a.nk > 0 || !a.canAddDead() {
		return
	}
	for i := range in.branches {
		if s, ok := in.branches[i].src.(*scanSource); ok && len(in.branches[i].ops) == 0 {
			s.holes = true
		}
	}
}

// pushHoles adds a batch that has holes. Where a value makes that impossible it gives the batch a selection instead, and
// returns false.
func (l *aggLocal) pushHoles(b *vec.Batch) (bool, error) {
	if len(b.Groups) != 1 || b.Groups[0].Holes == nil {
		return false, nil
	}
	holes := b.Groups[0].Holes
	rows := b.N + len(holes)
	all := vec.Batch{N: rows, Groups: []vec.Group{{Cols: b.Groups[0].Cols}}}
	if n, err := evalAll(l.ev, &all, l.vs); n < rows || err != nil || !l.wideFits(rows) {
		return false, l.gatherAround(b) // the live rows alone will tell
	}
	if err := l.t.one(); err != nil {
		return false, err
	}
	if !l.holed {
		l.holed = true
		l.a.stats.note("rows that are deleted are added and taken out again")
	}
	if l.holes = holes; invariants.Mutant("agg-add-holes") {
		l.holes = nil
	}
	err := l.update(rows)
	l.holes = nil
	l.w.row += uint32(b.N)
	return true, err
}

// gatherAround gives a batch a selection in place of its holes.
func (l *aggLocal) gatherAround(b *vec.Batch) (err error) {
	if l.around == nil {
		if l.around, err = makeSlice[uint16](&l.w.arena, batchRows); err != nil {
			return err
		}
	}
	fillHoles(b, l.around)
	return nil
}

// fillHoles makes a selection in sel, which has room for the rows of a batch, and puts it in the place of its holes.
func fillHoles(b *vec.Batch, sel []uint16) {
	g := &b.Groups[0]
	kernel.SelectAround(g.Holes, b.N, sel)
	g.Sel, g.Holes = sel[:b.N], nil
}
