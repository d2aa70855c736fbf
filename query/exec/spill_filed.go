package exec

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// filedRows are rows that are appended by one goroutine, and then read by number, from several places and more than once.
// If memory for them is short, those that there are go to the file, in pages of 1<<shift rows:
//
//	row  0 …                          base …
//	    ┌────────┬────────┬────────┐ ┌──────────┐
//	    │ page 0 │ page 1 │ page 2 │ │ tail     │
//	    └────────┴────────┴────────┘ └──────────┘
//	             in the file          in memory
//
// A page is complete: base is a multiple of its rows.
type filedRows struct {
	q      *Query
	ts     []types.Type
	stats  *opStats
	s      *rowScratch
	blocks atomic.Int32
	tail   *rowSet
	base   int
	shift  uint // known with the first page
	pages  []rowChunk
	ids    []uint32
	buf    []byte
	claim  room
}

// filedShiftForced is log2 of the rows of a page if spilling is forced.
const filedShiftForced = 3

func newFiledRows(q *Query, ts []types.Type, stats *opStats, s *rowScratch) *filedRows {
	r := &filedRows{q: q, ts: ts, stats: stats, s: s, claim: room{q: q}}
	r.tail = newRowSet(q.mem, ts, nil, false, &r.blocks, s)
	return r
}

// len is the number of rows.
func (r *filedRows) len() int { return r.base + r.tail.n }

// free may be called on nil.
func (r *filedRows) free() {
	if r == nil {
		return
	}
	r.claim.done()
	r.tail.free()
	r.pages, r.base = nil, 0
}

// append adds rows as rowSet.append does.
func (r *filedRows) append(ctx context.Context, vs []*vec.Vector, n int, pick []uint16) error {
	if r.q.canSpill() && !r.claim.ask(r.tail.growth(n), buildShare) && !r.q.small(r.tail.bytesOf()) {
		if err := r.spill(ctx); err != nil {
			return err
		}
	}
	if int64(r.len())+int64(n) > math.MaxUint32/2 {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "too many rows in an intermediate result")
	}
	return r.tail.append(vs, n, pick)
}

// spill writes the pages that are complete.
func (r *filedRows) spill(ctx context.Context) error {
	r.claim.done()
	if r.ids == nil {
		r.begin()
	}
	rows, done := 1<<r.shift, 0
	l := r.tail.layout.clone()
	for ; r.tail.n-done >= rows; done += rows {
		for i := range r.ids {
			r.ids[i] = uint32(done + i)
		}
		r.buf = r.tail.save(r.buf[:0], r.ids)
		b, err := r.q.spill.write(ctx, r.buf)
		if err != nil {
			return err
		}
		r.stats.spill(b.n, 1)
		r.pages = append(r.pages, rowChunk{l: &l, n: rows, at: b})
	}
	rest := newRowSet(r.q.mem, r.ts, nil, false, &r.blocks, r.s)
	rest.layout, rest.shift = l.clone(), r.tail.shift
	ids := r.ids[:r.tail.n-done]
	for i := range ids {
		ids[i] = uint32(done + i)
	}
	if invariants.Mutant("spill-drops-the-rest") {
		ids = nil
	}
	if err := rest.copyRows(r.tail, ids); err != nil {
		rest.free()
		return err
	}
	r.tail.free()
	r.tail = rest
	r.base += done
	return nil
}

// begin decides on the size of pages.
func (r *filedRows) begin() {
	aim := min(max(r.q.mem.Least()>>10, runBytesMin), runBytesMax)
	r.shift = uint(bits.Len(uint(min(max(int(aim)/r.tail.layout.stride, runRowsMin), chunkRows))) - 1)
	if r.q.env.Force.Spill {
		r.shift = filedShiftForced
	}
	r.ids = make([]uint32, 1<<r.shift)
}

// filedPage is rows in memory, from first on.
type filedPage struct {
	first  uint32
	set    *rowSet
	blocks atomic.Int32
	cols   []vec.Vector
	asked  uint64 // when it was last asked for
	bytes  int64
}

// filedReader reads rows of filedRows that are complete. Those pages are kept that were asked for last.
type filedReader struct {
	r     *filedRows
	tail  filedPage
	last  *filedPage // was asked for last
	kept  *filedPage // must stay
	pages map[uint32]*filedPage
	clock uint64
	bytes int64
	buf   []byte
	err   error // the first, final
}

// filedPagesMin is how many pages a reader keeps however large they are, filedBytesMax how much memory beyond them.
const (
	filedPagesMin = 6
	filedBytesMax = 4 << 20
)

func (r *filedRows) reader() *filedReader {
	f := &filedReader{r: r, tail: filedPage{first: uint32(r.base), set: r.tail}}
	f.tail.describe(r.ts)
	f.last = &f.tail
	if len(r.pages) > 0 {
		f.pages = map[uint32]*filedPage{}
	}
	return f
}

// describe makes the vectors of the page's columns.
func (p *filedPage) describe(ts []types.Type) { p.cols = p.set.vectors(p.cols[:0], ts) }

// free may be called on nil. The tail is the rows'.
func (f *filedReader) free() {
	if f == nil {
		return
	}
	for _, p := range f.pages {
		p.set.free()
	}
	f.pages = nil
}

// page returns the page of a row; nil after an error.
func (f *filedReader) page(id uint32) *filedPage {
	if p := f.last; id-p.first < uint32(p.set.n) {
		return p
	}
	return f.find(id)
}

func (f *filedReader) find(id uint32) *filedPage {
	if f.err != nil {
		return nil
	}
	p := &f.tail
	if int(id) < f.r.base {
		n := id >> f.r.shift
		if p = f.pages[n]; p == nil {
			if p, f.err = f.load(n); f.err != nil {
				return nil
			}
		}
		f.clock++
		p.asked = f.clock
	}
	f.last = p
	return p
}

// load reads a page.
func (f *filedReader) load(n uint32) (p *filedPage, err error) {
	f.evict()
	c := &f.r.pages[n]
	// Whoever asks for rows looks every few of them at whether the query is canceled.
	if f.buf, err = f.r.q.spill.read(context.Background(), c.at, f.buf); err != nil {
		return nil, err
	}
	p = &filedPage{first: n << f.r.shift}
	p.set = &rowSet{tracker: f.r.q.mem, cur: -1, blocks: &p.blocks, s: &rowScratch{}}
	if _, err = p.set.load(f.buf, c.n, c.l); err != nil {
		p.set.free()
		return nil, err
	}
	p.describe(f.r.ts)
	p.bytes = p.set.bytesOf()
	f.bytes += p.bytes
	f.pages[n] = p
	return p, nil
}

// evict makes room for a page.
func (f *filedReader) evict() {
	for len(f.pages) >= filedPagesMin && f.bytes > min(f.r.q.mem.Least()/16, filedBytesMax) {
		var old *filedPage
		for _, p := range f.pages {
			if p != f.kept && (old == nil || p.asked < old.asked) {
				old = p
			}
		}
		f.bytes -= old.bytes
		old.set.free()
		delete(f.pages, old.first>>f.r.shift)
	}
	f.last = &f.tail // it may have been the oldest
}

// datum returns a value of a row, NULL after an error.
func (f *filedReader) datum(at int, id uint32) types.Datum {
	p := f.page(id)
	if p == nil {
		return types.Null()
	}
	return p.cols[at].RowDatum(id - p.first)
}

// from returns the page of a row, which is there until the next call, and sets ids to the numbers in it of the
// row and those that follow it, as many as there are.
func (f *filedReader) from(id uint32, ids []uint32) (p *filedPage, n int, err error) {
	f.kept = nil
	if p = f.page(id); p == nil {
		return nil, 0, f.err
	}
	f.kept = p
	n = min(len(ids), p.set.n-int(id-p.first))
	for i := range n {
		ids[i] = id - p.first + uint32(i)
	}
	return p, n, nil
}
