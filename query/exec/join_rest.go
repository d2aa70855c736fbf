package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/vec"
)

// restSource yields rows of the build side once all rows of the left side are through: those of a right or full
// join that found no match, with NULLs for the left side, and those that a right semi or right anti join selects.
type restSource struct {
	j       *join
	matched []uint64
	flip    uint64 // all ones: rows without a match are wanted
	next    int    // the first extent that no morsel has
}

func (s *restSource) open(context.Context) error {
	b := &s.j.build
	s.matched = make([]uint64, vec.BitmapWords(b.set.n))
	for _, m := range s.j.marks {
		for i, w := range m {
			s.matched[i] |= w
		}
	}
	if s.j.n.Kind != plan.RightSemi {
		s.flip = ^uint64(0)
	}
	if !outputsLeft(s.j.n.Kind) && b.next != nil && b.exact && s.j.condProg == nil {
		s.markChains()
	}
	return nil
}

// markChains marks the rows of a key of which the first row is marked: what has the same key is matched by the
// same rows.
func (s *restSource) markChains() {
	if invariants.Mutant("join-marks-first") {
		return
	}
	for _, e := range s.j.build.extents {
		for id := e.from; id < e.to; id++ {
			if s.matched[id>>6]>>(id&63)&1 == 0 {
				continue
			}
			for x := s.j.build.next[id]; x != 0 && s.matched[x>>6]>>(x&63)&1 == 0; x = s.j.build.next[x] {
				s.matched[x>>6] |= 1 << (x & 63)
			}
		}
	}
}

func (s *restSource) close() {}

func (s *restSource) reader() (reader, error) {
	r := &restReader{s: s, arena: arena{tracker: s.j.q.mem}}
	var err error
	if r.ids, err = makeSlice[uint32](&r.arena, batchRows); err != nil {
		return nil, err
	}
	if outputsLeft(s.j.n.Kind) {
		r.left = make([]vec.Vector, 0, len(s.j.n.Left.Columns()))
		for _, c := range s.j.n.Left.Columns() {
			r.left = append(r.left, nullVector(c.Type))
		}
	}
	return r, nil
}

// restReader goes through the extents; a morsel is some of them.
type restReader struct {
	s       *restSource
	left    []vec.Vector // nil if the left side's columns are not output
	ids     []uint32
	out     vec.Batch
	extents []extent // of the morsel, those that are left; none before the first
	at      uint32   // the next row of the first of them
	arena   arena
}

// restMorsel is the number of rows from which extents are a morsel.
const restMorsel = 1 << 11

func (r *restReader) claim(context.Context) error {
	all := r.s.j.build.extents
	from := r.s.next
	if from == len(all) || invariants.Mutant("join-loses-unmatched") {
		return io.EOF
	}
	for rows := 0; r.s.next < len(all) && rows < restMorsel; r.s.next++ {
		rows += int(all[r.s.next].to - all[r.s.next].from)
	}
	r.extents = all[from:r.s.next]
	r.at = r.extents[0].from
	return nil
}

func (r *restReader) read(context.Context) (*vec.Batch, error) {
	limit := r.s.j.q.vectorRows
	matched, flip := r.s.matched, r.s.flip
	ids, n := r.ids[:limit], 0
	for len(r.extents) > 0 && n < limit {
		to := min(r.extents[0].to, r.at+uint32(limit-n))
		for id := r.at; id < to; id++ {
			ids[n] = id
			n += int((matched[id>>6] ^ flip) >> (id & 63) & 1)
		}
		if r.at = to; to < r.extents[0].to {
			continue
		}
		if r.extents = r.extents[1:]; len(r.extents) > 0 {
			r.at = r.extents[0].from
		}
	}
	if n == 0 {
		return nil, nil
	}
	b := &r.s.j.build
	r.out.N = n
	r.out.Groups = r.out.Groups[:0]
	if r.left != nil {
		r.out.Groups = append(r.out.Groups, vec.Group{Cols: r.left})
	}
	r.out.Groups = append(r.out.Groups, vec.Group{Cols: b.cols, RowIDs: ids[:n]})
	r.s.j.stats.out(n)
	return &r.out, nil
}

func (r *restReader) close() { r.arena.free() }
