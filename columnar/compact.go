package columnar

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

const (
	// fanOut is the number of segments of a level that may have a key in their ranges.
	fanOut = 4
	// inputsMax bounds the segments that one compaction reads.
	inputsMax = 16
	// deletedPart: a segment is written anew when one in so many of its rows is deleted.
	deletedPart = 5
	// classes are those of levels that are compacted beside each other: 0 are segments from flushes, 1 are all others.
	classes = 2
)

// class returns the class of the segment's level.
func (s *seg) class() int { return min(int(s.level), classes-1) }

// errReplaced ends a compaction of rows that are no longer those of their table.
var errReplaced = errors.New("the rows of the table were replaced")

// compactDue compacts as long as there is something due of a class of levels.
func (inc *incarnation) compactDue(ctx context.Context, class int) error {
	inc.compacting[class].Lock()
	defer inc.compacting[class].Unlock()
	for {
		if inc.replaced() {
			return nil
		}
		segs, level := inc.due(class)
		if len(segs) == 0 {
			return nil
		}
		if err := inc.compact(ctx, segs, level); err != nil {
			return err
		}
	}
}

// compactAll merges all segments if there is something to gain.
func (inc *incarnation) compactAll(ctx context.Context) error {
	for class := range inc.compacting {
		inc.compacting[class].Lock()
		defer inc.compacting[class].Unlock()
	}
	segs := inc.cur.Load().segs
	deleted, level, overlap := false, uint8(0), false
	for i, s := range segs {
		deleted = deleted || s.dv.Deleted(uint64(table.MaxLSN)) > 0
		level = max(level, s.level)
		for _, o := range segs[:i] {
			overlap = overlap || s.overlaps(o)
		}
	}
	if inc.replaced() || len(segs) == 0 || !deleted && !overlap {
		return nil
	}
	return inc.compact(ctx, segs, level+1)
}

// overlaps reports whether the ranges of the keys of two segments have a key in common.
func (s *seg) overlaps(o *seg) bool {
	first, last, ok := o.file.KeyBounds(0)
	return ok && s.reaches(0, first, last)
}

// reaches reports whether the range of key number k of the segment has something in common with another range.
func (s *seg) reaches(k int, first, last []byte) bool {
	lo, hi, ok := s.file.KeyBounds(k)
	return ok && bytes.Compare(lo, last) <= 0 && bytes.Compare(first, hi) <= 0
}

// due returns segments of a class to merge and the level of the result: fanOut of one level that may have a key in common,
// or one of which many rows are deleted. Where ranges lie over each other most, there is the least key of one of them;
// those that only touch its range stay for a merge of their own.
func (inc *incarnation) due(class int) ([]*seg, uint8) {
	var segs []*seg
	for _, s := range inc.cur.Load().segs {
		if s.class() == class {
			segs = append(segs, s)
		}
	}
	for _, s := range segs {
		if n := s.dv.Deleted(uint64(table.MaxLSN)); n > 0 && n*deletedPart >= s.info.Rows {
			return []*seg{s}, s.level
		}
	}
	for _, s := range segs {
		low, _, ok := s.file.KeyBounds(0)
		if !ok {
			continue
		}
		var with []*seg
		for _, o := range segs {
			if o.level == s.level && o.reaches(0, low, low) {
				with = append(with, o)
			}
		}
		if len(with) >= fanOut {
			return inc.t.affordable(with[:min(len(with), inputsMax)]), s.level + 1
		}
	}
	return nil, 0
}

// rowMergeBytes is what a compaction remembers of each row: its place, and when it began.
const rowMergeBytes = 16

// affordable returns as many segments, two at least, as a compaction can merge without remembering more than the cache
// may hold: with little memory there are more and smaller compactions.
func (t *Tier) affordable(segs []*seg) []*seg {
	rows := int64(0)
	for i, s := range segs {
		if rows += int64(s.info.Rows); i >= 2 && rows*rowMergeBytes > t.o.CacheBytes/2 {
			return segs[:i]
		}
	}
	return segs
}

// pieceRows returns how many rows the segments may have that a number of rows are merged to: about the same each, and so
// few that as many as fan out are affordable together.
func (t *Tier) pieceRows(rows int) int {
	most := min(t.o.SegmentRows, max(vec.Size, int(t.o.CacheBytes/2/rowMergeBytes/fanOut)))
	pieces := (rows + most - 1) / most
	each := (rows + pieces - 1) / max(pieces, 1)
	return min(t.o.SegmentRows, (each+vec.Size-1)/vec.Size*vec.Size) // rows come in batches
}

// compact writes the rows of segments that live at a cut to new segments, which take their place. It holds no View
// meanwhile, which would keep all memtables that are flushed beside it: its segments stay, as nobody else removes them,
// and of their deletion vectors what comes after the cut, as it pins that.
func (inc *incarnation) compact(ctx context.Context, segs []*seg, level uint8) error {
	atLeast := table.LSN(0)
	for _, s := range segs { // that of a load counts from its commit on, which may be applied and not be visible yet
		atLeast = max(atLeast, s.cut)
	}
	cut, release, err := inc.t.jobs.view(ctx, atLeast)
	if err != nil {
		return err
	}
	defer inc.t.pins.add(cut)()
	release()
	rows, bytes := 0, int64(0)
	for _, s := range segs {
		n := s.info.Rows - s.dv.Deleted(uint64(cut))
		rows += n
		bytes += int64(float64(n) * s.rowBytes(inc.t))
	}
	b, err := inc.newBuilder(cut, level, rows, bytes)
	if err != nil {
		return err
	}
	defer b.abandon()
	b.rowsMax = inc.t.pieceRows(max(rows, 1))
	to, err := inc.merge(ctx, b, segs, cut)
	if err != nil {
		if errors.Is(err, errReplaced) {
			return nil
		}
		return err
	}
	inc.publishing.Lock()
	defer inc.publishing.Unlock()
	r := moveRecord{table: inc.id, born: inc.born, moves: inc.moves.Load() + 1, cut: cut, added: b.records()}
	for _, s := range segs {
		r.removed = append(r.removed, s.num)
	}
	added := b.done
	b.done = nil // a record may name them, whatever becomes of it
	publish := func(applied table.LSN) error {
		return inc.publishCompaction(applied, segs, added, to, &r)
	}
	if err := inc.t.jobs.log(ctx, CompactRecord, r.encode(), publish); err != nil {
		return err
	}
	c := &inc.t.counts
	c.compactions.Add(1)
	for _, s := range segs {
		c.compactRead.Add(s.info.Segment.Bytes)
	}
	for _, s := range added {
		c.compactWritten.Add(s.bytes())
	}
	inc.t.jobs.pokeDue() // of the level above
	return nil
}

// publishCompaction puts segments in the place of others: it runs in the order of the log. Rows that were deleted since
// the cut are deleted in the new segments.
func (inc *incarnation) publishCompaction(applied table.LSN, segs, added []*seg, to [][]table.RowRef, r *moveRecord) error {
	if inc.replaced() {
		inc.t.unusedAll(added)
		return nil
	}
	var list []movedDeletion
	for i, s := range segs {
		for _, d := range s.dv.After(uint64(r.cut)) {
			list = append(list, movedDeletion{to[i][d.Pos], table.LSN(d.LSN)})
		}
	}
	if invariants.Mutant("columnar-forget-deleted") {
		list = nil
	}
	if err := inc.deleteMoved(list, added); err != nil {
		return err
	}
	for i, s := range segs {
		s.moved.p.Store(&relocation{move: r.moves, to: to[i]})
	}
	inc.exchange(applied, nil, segs, added, r.moves)
	return nil
}

// merge writes the rows of segments that live at a cut in the order of their keys, and returns their places by segment
// and position.
func (inc *incarnation) merge(ctx context.Context, b *builder, segs []*seg, cut table.LSN) ([][]table.RowRef, error) {
	to := make([][]table.RowRef, len(segs))
	var charge int64
	defer func() { inc.t.moving.Release(charge) }()
	for i, s := range segs {
		to[i] = make([]table.RowRef, s.info.Rows)
		charge += rowMergeBytes * int64(s.info.Rows)
	}
	inc.t.moving.Force(charge)
	m := merger{inc: inc, b: b, cut: cut, to: to, bb: vec.NewBatchBuilder(inc.types, vec.Size, nil)}
	m.plan(segs)
	defer m.end()
	for {
		if err := m.begin(); err != nil {
			return nil, err
		}
		if len(m.list) == 0 {
			break
		}
		if err := m.step(ctx); err != nil {
			return nil, err
		}
	}
	if err := m.write(ctx); err != nil {
		return nil, err
	}
	return to, b.close()
}

// cursor reads the rows of a segment that live at a cut, in order.
type cursor struct {
	inc   *incarnation
	s     *seg
	input int
	scan  *segment.Scan
	cut   table.LSN
	by    sorter
	batch vec.Batch
	sel   []uint16
	pos   []uint32 // of the rows of batch that live
	at    int
	keys  []byte
	ends  []int
	words []uint64 // the first bytes of the keys
	// other is how rows are read of a segment that was sorted by other columns.
	other *otherOrder
}

func (inc *incarnation) newCursor(s *seg, input int, cut table.LSN) (*cursor, error) {
	cols := make([]int, len(inc.types))
	for i := range cols {
		cols[i] = i
	}
	sc, err := s.file.Scan(segment.ScanSpec{Cols: cols, NoCache: true})
	if err != nil {
		return nil, err
	}
	c := &cursor{inc: inc, by: inc.newSorter(), s: s, input: input, scan: sc, cut: cut}
	if !slices.Equal(s.file.Schema().Sort, c.by.cols) { // ALTER TABLE has set another sort key since
		if err = c.sort(cols); err != nil {
			sc.Close()
			return nil, err
		}
	}
	return c, nil
}

// load goes to the next zone with rows; false at the end.
func (c *cursor) load() (bool, error) {
	if c.other != nil {
		return c.other.load(c)
	}
	for c.scan.Next() {
		c.sel = c.s.dv.Mask(uint64(c.cut)).Sel(c.sel[:0], c.scan.Pos(), c.scan.Rows())
		if len(c.sel) == 0 {
			continue
		}
		if err := c.scan.Batch(&c.batch); err != nil {
			return false, err
		}
		c.batch.Single(len(c.sel), c.batch.Groups[0].Cols, c.sel)
		c.pos = c.pos[:0]
		for _, r := range c.sel {
			c.pos = append(c.pos, uint32(c.scan.Pos()+int(r)))
		}
		c.encode()
		return true, nil
	}
	return false, nil
}

// encode makes the keys of the rows of the batch.
func (c *cursor) encode() {
	c.at, c.keys, c.ends, c.words = 0, c.keys[:0], c.ends[:0], c.words[:0]
	for i := range c.sel {
		from := len(c.keys)
		c.keys = c.by.append(c.keys, &c.batch, i)
		c.ends = append(c.ends, len(c.keys))
		c.words = append(c.words, index.Word(c.keys[from:]))
	}
}

// key returns the key of row i of the zone.
func (c *cursor) key(i int) []byte {
	from := 0
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.keys[from:c.ends[i]]
}

// merger gathers rows of cursors.
type merger struct {
	inc *incarnation
	b   *builder
	cut table.LSN
	// waiting are the segments of which nothing was read, and list the cursors that are open: see begin.
	waiting []mergeInput
	list    []*cursor
	// opened is the most that list had.
	opened int
	to     [][]table.RowRef
	bb     *vec.BatchBuilder
	order  mergeOrder
	from   []mergedRow // of bb
	since  []table.LSN
	refs   []table.RowRef
}

type mergedRow struct {
	input int
	pos   uint32
}

// step gathers rows that are below the keys of the segments that wait, and writes them once they are many. A cursor that
// has ended is closed.
func (m *merger) step(ctx context.Context) error {
	var bound []byte
	if len(m.waiting) > 0 {
		bound = m.waiting[0].low
	}
	empty, err := m.take(m.list, bound)
	if err != nil {
		return err
	}
	if m.bb.Len() >= vec.Size {
		if err := m.write(ctx); err != nil {
			return err
		}
	}
	if empty == nil {
		return nil
	}
	ok, err := empty.load()
	if ok || err != nil {
		return err
	}
	empty.scan.Close()
	m.list = slices.DeleteFunc(m.list, func(c *cursor) bool { return c == empty })
	return nil
}

// write hands the gathered rows to the builder.
func (m *merger) write(ctx context.Context) (err error) {
	if m.bb.Len() == 0 {
		return nil
	}
	if m.inc.replaced() {
		return errReplaced
	}
	if m.refs, err = m.b.append(ctx, m.bb.Batch(), m.since, m.refs[:0]); err != nil {
		return err
	}
	for i, r := range m.from {
		m.to[r.input][r.pos] = m.refs[i]
	}
	m.bb.Reset()
	m.from, m.since = m.from[:0], m.since[:0]
	return nil
}
