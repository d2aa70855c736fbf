package exec

import (
	"context"
	"io"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/vec"
)

// restSource yields the rows of the build side of a right or full join that found no match, with NULLs
// for the left side.
type restSource struct {
	j       *join
	matched []uint64
	done    bool
}

func (s *restSource) open(context.Context) error {
	b := &s.j.build
	s.matched = make([]uint64, vec.BitmapWords(b.set.n))
	for _, m := range s.j.marks {
		for i, w := range m {
			s.matched[i] |= w
		}
	}
	return nil
}

func (s *restSource) close() {}

func (s *restSource) reader() (reader, error) {
	r := &restReader{s: s, arena: arena{tracker: s.j.q.mem}}
	var err error
	if r.ids, err = makeSlice[uint32](&r.arena, batchRows); err != nil {
		return nil, err
	}
	for _, c := range s.j.n.Left.Columns() {
		r.left = append(r.left, nullVector(c.Type))
	}
	return r, nil
}

// restReader goes through the extents; one morsel is all of them.
type restReader struct {
	s      *restSource
	left   []vec.Vector
	ids    []uint32
	out    vec.Batch
	extent int
	at     uint32
	arena  arena
}

func (r *restReader) claim(context.Context) error {
	if r.s.done {
		return io.EOF
	}
	r.s.done = true
	if invariants.Mutant("join-loses-unmatched") {
		return io.EOF
	}
	r.extent, r.at = 0, 0
	return nil
}

func (r *restReader) read(context.Context) (*vec.Batch, error) {
	b := &r.s.j.build
	limit := r.s.j.q.vectorRows
	ids := r.ids[:0]
	for r.extent < len(b.extents) && len(ids) < limit {
		e := b.extents[r.extent]
		for id := max(e.from, r.at); id < e.to && len(ids) < limit; id++ {
			r.at = id + 1
			if r.s.matched[id>>6]>>(id&63)&1 == 0 {
				ids = append(ids, id)
			}
		}
		if r.at >= e.to {
			r.extent, r.at = r.extent+1, 0
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	r.out.N = len(ids)
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: r.left}, vec.Group{Cols: b.cols, RowIDs: ids})
	r.s.j.stats.out(len(ids))
	return &r.out, nil
}

func (r *restReader) close() { r.arena.free() }
