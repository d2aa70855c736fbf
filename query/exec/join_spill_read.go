package exec

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// joinSpillSource yields the rows of a join whose build side was spilled: partition by partition, or, where the order of
// the rows counts, in that of the left side's rows.
type joinSpillSource struct {
	j     *join
	parts []joinPart
	next  int
	runs  []*run
	ts    []types.Type
	slots []int
}

// open writes what the workers have of the left side.
func (s *joinSpillSource) open(ctx context.Context) error {
	sp := &s.j.spill
	for _, r := range sp.probes {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	sp.release()
	for i := range sp.parts {
		if p := &sp.parts[i]; !p.empty(s.j.n.Kind) {
			s.parts = append(s.parts, *p)
		}
		sp.parts[i] = joinPart{}
	}
	if !s.j.outOrder() {
		return nil
	}
	return s.sortRows(ctx)
}

// release frees the rows that workers have of the left side.
func (s *joinSpill) release() {
	for _, r := range s.probes {
		r.set.free()
	}
	s.probes = nil
}

func (s *joinSpillSource) close() {}

// alone: the order is made by merging, for one worker; or there is memory for one only.
func (s *joinSpillSource) alone() bool { return s.j.outOrder() || s.j.q.spillWorkers() == 1 }

func (s *joinSpillSource) reader() (reader, error) {
	j := s.j
	if j.outOrder() {
		return &runReader{q: j.q, stats: j.stats, runs: s.runs, left: math.MaxInt64, slots: s.slots,
			types: typesOf(j.n.Columns()), byOrdinal: true}, nil
	}
	r, err := s.partReader()
	if r != nil {
		r.stats = j.stats
	}
	return r, err
}

func (s *joinSpillSource) partReader() (*joinPartReader, error) {
	j := s.j
	r := &joinPartReader{s: s, w: &worker{q: j.q, arena: arena{tracker: j.q.mem}}}
	var err error
	if r.d, err = newKeyDecoder(j.q.mem, len(j.spill.types)); err == nil {
		var rows *rowScratch
		if rows, err = newRowScratch(&r.d.arena); err == nil {
			r.set = newRowSet(j.q.mem, j.spill.types, nil, false, new(atomic.Int32), rows)
		}
	}
	if err != nil {
		r.close()
		return nil, err
	}
	r.left = make([]vec.Vector, len(j.n.Left.Columns()))
	for c, col := range j.n.Left.Columns() {
		r.left[c] = nullVector(col.Type)
	}
	return r, nil
}

// joinPartReader joins partitions.
type joinPartReader struct {
	s      *joinSpillSource
	w      *worker
	d      *keyDecoder
	parts  []joinPart
	p      *partJoin
	blocks *blockJoin // nil: the partition is joined at once
	probe  *probeRun
	stream int // of the partition's left rows
	chunk  int
	set    *rowSet // the chunk at hand
	at     int
	buf    []byte
	left   []vec.Vector
	in     vec.Batch
	pos    []uint64 // of the rows of in
	active bool     // in is being joined
	err    error
	rest   *restReader
	// restMorsels counts those of rest that have begun.
	restMorsels int
	stats       *opStats // nil: the rows are not those of the join yet
}

func (r *joinPartReader) claim(context.Context) error {
	if r.s.next == len(r.s.parts) {
		return io.EOF
	}
	r.parts = append(r.parts[:0], r.s.parts[r.s.next])
	r.s.next++
	return nil
}

func (r *joinPartReader) close() {
	r.endPart()
	r.set.release()
	if r.d != nil {
		r.d.free()
	}
}

func (r *joinPartReader) endPart() {
	r.endBlock()
	if r.blocks != nil {
		r.blocks.arena.free()
		r.blocks = nil
	}
}

// endBlock frees what is loaded of the build side.
func (r *joinPartReader) endBlock() {
	if r.rest != nil {
		r.rest.close()
		r.rest, r.restMorsels = nil, 0
	}
	if r.probe != nil {
		r.probe.close()
		r.probe = nil
	}
	if r.p != nil {
		r.p.free()
		r.p = nil
	}
	r.w.arena.free() // the probe's
}

func (r *joinPartReader) read(ctx context.Context) (*vec.Batch, error) {
	for {
		if r.p == nil {
			if more, err := r.nextPart(ctx); err != nil || !more {
				return nil, err
			}
		}
		b, err := r.joined(ctx)
		if b != nil && r.stats != nil {
			r.stats.out(b.N)
		}
		if b != nil || err != nil {
			return b, err
		}
		more, err := r.nextPass(ctx)
		if err != nil {
			return nil, err
		}
		if !more {
			r.endPart()
		}
	}
}

// nextPart loads the next partition; false if there is none.
func (r *joinPartReader) nextPart(ctx context.Context) (bool, error) {
	for len(r.parts) > 0 {
		part := r.parts[len(r.parts)-1]
		r.parts = r.parts[:len(r.parts)-1]
		p, split, err := r.s.j.loadPart(ctx, part, 0)
		if err != nil {
			return false, err
		}
		if p == nil {
			r.parts = append(r.parts, split...)
			continue
		}
		if err := r.begin(p); err != nil {
			return false, err
		}
		if p.to < len(part.build) {
			if r.blocks, err = r.s.j.newBlockJoin(&part); err != nil {
				return false, err
			}
			r.s.j.stats.note("joined block by block")
		}
		return true, nil
	}
	return false, nil
}

// begin joins what was loaded with the partition's left rows.
func (r *joinPartReader) begin(p *partJoin) error {
	r.p = p
	r.rewind()
	op, err := p.j.probe(r.w, nil)
	if err == nil {
		r.probe = op.(*stage).t.(*probeRun)
	}
	return err
}

// rewind goes to the first of the partition's left rows.
func (r *joinPartReader) rewind() {
	r.stream, r.chunk, r.at, r.active = 0, 0, 0, false
	r.set.free()
}

// joined returns the next rows of the partition, nil at its end.
func (r *joinPartReader) joined(ctx context.Context) (*vec.Batch, error) {
	for {
		if r.err != nil {
			err := r.err
			r.err = nil
			return nil, err
		}
		if r.active {
			b, err := r.probe.produce(ctx)
			if b == nil && err != nil {
				return nil, err
			}
			r.err, r.active = err, b != nil
			if b == nil || b.N == 0 {
				continue
			}
			if r.blocks != nil {
				if out, err := r.blocks.take(b); err != nil || !out {
					if err != nil {
						return nil, err
					}
					continue
				}
			}
			return b, nil
		}
		more, err := r.nextRows(ctx)
		if err != nil {
			return nil, err
		}
		switch last := r.blocks != nil && r.blocks.last; {
		case last && more:
			if b, err := r.blocks.output(&r.in); b != nil || err != nil {
				return b, err
			}
			continue
		case last:
			return nil, nil
		case !more:
			return r.outputRest(ctx)
		}
		if r.in.N == 0 {
			continue
		}
		if err := r.probe.start(ctx, &r.in); err != nil {
			return nil, err
		}
		r.active = true
	}
}

// nextRows makes in the next rows of the left side.
func (r *joinPartReader) nextRows(ctx context.Context) (bool, error) {
	j := r.s.j
	for r.at >= r.set.n {
		for r.stream < len(r.p.part.probe) && r.chunk == len(r.p.part.probe[r.stream]) {
			r.stream, r.chunk = r.stream+1, 0
		}
		if r.stream == len(r.p.part.probe) {
			return false, nil
		}
		c := &r.p.part.probe[r.stream][r.chunk]
		r.chunk++
		var err error
		if r.buf, err = j.q.spill.read(ctx, c.at, r.buf); err != nil {
			return false, err
		}
		if _, err := r.set.load(r.buf, c.n, c.l); err != nil {
			return false, err
		}
		if r.at = 0; invariants.Mutant("spill-drops-probe-rows") && r.chunk == 2 {
			r.at = c.n
		}
	}
	n := min(j.q.vectorRows, r.set.n-r.at)
	for i := range n {
		r.d.ids[i] = uint32(r.at + i)
	}
	r.at += n
	for i, c := range j.spill.cols {
		r.left[c] = r.set.gather(i, r.d.ids[:n], r.d.cols[i])
	}
	at := len(j.spill.cols) + 1
	v := r.set.gather(at, r.d.ids[:n], r.d.cols[at])
	r.pos = uint64sOf(words64(&v, n))
	for c := range r.left {
		r.left[c].N = n
	}
	r.in.Single(n, r.left, nil)
	if r.blocks == nil {
		return true, nil
	}
	if open := r.blocks.read(n); open != nil {
		r.in.Single(len(open), r.left, open)
	}
	return true, nil
}

// outputRest returns the next rows of the build side that are output once all of the left side's are through.
func (r *joinPartReader) outputRest(ctx context.Context) (*vec.Batch, error) {
	if !outputsRest(r.s.j.n.Kind) {
		return nil, nil
	}
	if r.rest == nil {
		src := &restSource{j: r.p.j}
		if err := src.open(ctx); err != nil {
			return nil, err
		}
		x, err := src.reader()
		if err != nil {
			return nil, err
		}
		r.rest = x.(*restReader)
	}
	for {
		if b, err := r.rest.read(ctx); b != nil || err != nil {
			return b, err
		}
		if r.rest.claim(ctx) != nil || invariants.Mutant("spill-rest-ends-early") && r.restMorsels > 0 {
			return nil, nil
		}
		r.restMorsels++
	}
}

// sortRows joins all partitions, and writes the rows as runs in the order of the left side's.
func (s *joinSpillSource) sortRows(ctx context.Context) error {
	j := s.j
	var exprs []expr.Expr
	for c, col := range j.n.Columns() {
		s.slots = append(s.slots, -1)
		if j.q.needs[plan.Node(j.n)][c] {
			s.slots[c] = len(exprs)
			s.ts = append(s.ts, col.Type)
			exprs = append(exprs, &expr.Column{Node: expr.Node{Typ: col.Type}, ID: c})
		}
	}
	prog, err := j.q.compile(exprs, typesOf(j.n.Columns()))
	if err != nil {
		return err
	}
	lists := make([][]*run, len(s.parts))
	err = j.q.pool.parallel(j.q.spillWorkers(), len(s.parts), func(i int) error {
		r, err := s.partReader()
		if err != nil {
			return err
		}
		defer r.close()
		r.parts = append(r.parts, s.parts[i])
		lists[i], err = r.writeRuns(ctx, prog)
		return err
	})
	for _, l := range lists {
		s.runs = append(s.runs, l...)
	}
	if err == nil {
		s.runs, err = j.q.fewer(ctx, s.runs, s.ts, j.stats)
	}
	return err
}

// writeRuns writes the rows of the reader's partitions: a run for what one worker had of the left side, as these rows
// are in order, and one for the rows without a match.
func (r *joinPartReader) writeRuns(ctx context.Context, prog *expr.Program) (runs []*run, err error) {
	q := r.s.j.q
	w, err := newRunWriter(q, r.s.ts, r.s.j.stats)
	if err != nil {
		return nil, err
	}
	defer w.free()
	ev := q.evaluator(prog)
	defer ev.Close()
	vs := make([]*vec.Vector, len(r.s.ts))
	of, seq := [3]int{-1, -1}, uint32(0)
	var p *partJoin
	for {
		b, err := r.read(ctx)
		if err != nil {
			return nil, err
		}
		stream := [3]int{r.stream, b2i(r.rest != nil)}
		if r.blocks != nil {
			stream[2] = r.blocks.pass
		}
		if b == nil || stream != of || r.p != p {
			x, err := w.end(ctx)
			if err != nil {
				return nil, err
			}
			if len(x.blocks) > 0 {
				runs = append(runs, x)
			}
			of, p = stream, r.p
		}
		if b == nil {
			return runs, nil
		}
		if _, err := evalAll(ev, b, vs); err != nil {
			return nil, err
		}
		err = w.add(ctx, vs, b.N, func(dst []byte, i int) []byte {
			seq++
			return r.key(dst, b, i, seq)
		})
		if err != nil {
			return nil, err
		}
	}
}

// key appends the place of row i of b: that of its left row, and a number that grows, or among several blocks, the place of the
// build side's row; or behind all those, that of a row of the build side that is output in the end.
func (r *joinPartReader) key(dst []byte, b *vec.Batch, i int, seq uint32) []byte {
	if r.rest != nil {
		id := b.Groups[len(b.Groups)-1].RowIDs[i]
		return binary.BigEndian.AppendUint64(append(dst, 1), r.p.position(id))
	}
	at := i
	if sel := b.Groups[0].Sel; sel != nil {
		at = int(sel[i])
	}
	dst = binary.BigEndian.AppendUint64(append(dst, 0), r.pos[at])
	switch {
	case r.blocks == nil:
	case r.blocks.last:
		return dst
	default:
		return binary.BigEndian.AppendUint64(dst, r.p.position(b.Groups[len(b.Groups)-1].RowIDs[i]))
	}
	return binary.BigEndian.AppendUint32(dst, seq)
}
