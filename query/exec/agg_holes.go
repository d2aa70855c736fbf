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
		return false, fillHoles(b, &l.around, &l.w.arena) // the live rows alone will tell
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

// fillHoles gives a batch a selection in place of its holes: in sel, which is made in the arena the first time.
func fillHoles(b *vec.Batch, sel *[]uint16, a *arena) (err error) {
	if *sel == nil {
		if *sel, err = makeSlice[uint16](a, batchRows); err != nil {
			return err
		}
	}
	g := &b.Groups[0]
	kernel.SelectAround(g.Holes, b.N, *sel)
	g.Sel, g.Holes = (*sel)[:b.N], nil
	return nil
}
