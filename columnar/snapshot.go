package columnar

import (
	"sync/atomic"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// snapshot is a table.TierSnapshot: the tables as they were when lsn had been applied, and an LSN to read at.
type snapshot struct {
	t        *Tier
	lsn      table.LSN
	tables   tableSet
	epoch    *epoch
	released atomic.Bool
	// last is what Table returned last: many statements in a row look at one table.
	last atomic.Pointer[tableSnapshot]
}

// Release gives the snapshot up: nothing is read from it any more.
func (s *snapshot) Release() {
	if s.released.Swap(true) {
		return
	}
	s.t.jobs.collect(s.t.epochs.drop(s.epoch))
}

// Table returns the table at the snapshot.
func (s *snapshot) Table(id table.ObjectID) table.TableSnapshot {
	if ts := s.last.Load(); ts != nil && ts.inc.id == id {
		return ts
	}
	st := s.tables[id]
	if st == nil {
		return nil
	}
	ts := &tableSnapshot{t: s.t, lsn: s.lsn, def: st.def, inc: st.inc, p: st.p}
	s.last.Store(ts)
	return ts
}

// tableSnapshot is a table at a snapshot.
type tableSnapshot struct {
	t   *Tier
	lsn table.LSN
	def *table.TableDef
	inc *incarnation
	p   *parts
}

var (
	_ table.TableSnapshot = (*tableSnapshot)(nil)
	_ table.Moving        = (*tableSnapshot)(nil)
	_ table.RowGetter     = (*tableSnapshot)(nil)
)

func (s *tableSnapshot) Def() *table.TableDef { return s.def }

func (s *tableSnapshot) LSN() table.LSN { return s.lsn }

// Mover returns what knows how rows of the table have moved.
func (s *tableSnapshot) Mover() table.Mover { return s.inc }

// At returns how often rows had moved when the snapshot was taken: its references are those of this moment.
func (s *tableSnapshot) At() uint64 { return s.p.moves }

// failed tells of an error of a method that cannot report it.
func (s *tableSnapshot) failed(err error) { s.t.o.Failed(err, true) }

// Get finds the version of a row that the snapshot sees.
func (s *tableSnapshot) Get(key []byte) (table.RowRef, bool) {
	for _, m := range s.p.mems {
		switch row, sight := m.Find(key, s.lsn); sight {
		case rowstore.Visible:
			return table.RowRef(row), true
		case rowstore.Ended:
			return 0, false
		}
	}
	for i := len(s.p.segs) - 1; i >= 0; i-- {
		x := s.p.segs[i]
		pos, found, err := x.live(0, key, s.lsn)
		if err != nil {
			s.failed(err)
			return 0, false
		}
		if found {
			return segmentRef(x.num, pos), true
		}
	}
	return 0, false
}

// GetRow is Get and AppendRow: the place of the row need not be looked for again.
func (s *tableSnapshot) GetRow(key []byte, cols []int, dst types.Row) (types.Row, table.RowRef, bool) {
	for _, m := range s.p.mems {
		switch row, sight := m.Find(key, s.lsn); sight {
		case rowstore.Visible:
			return m.AppendRow(dst, row, cols), table.RowRef(row), true
		case rowstore.Ended:
			return dst, 0, false
		}
	}
	at := len(dst)
	for i := len(s.p.segs) - 1; i >= 0; i-- {
		x := s.p.segs[i]
		pos, found, err := x.live(0, key, s.lsn)
		if found && err == nil {
			dst, err = x.appendRow(dst, pos, cols)
		}
		if err != nil {
			s.failed(err)
			return dst[:at], 0, false
		}
		if found {
			return dst, segmentRef(x.num, pos), true
		}
	}
	return dst, 0, false
}

// SameRows reports whether both snapshots are of the same incarnation.
func (s *tableSnapshot) SameRows(other table.TableSnapshot) bool {
	o, ok := other.(*tableSnapshot)
	return ok && o.inc == s.inc
}

// AppendKey appends the encoded key of a row.
func (s *tableSnapshot) AppendKey(dst []byte, ref table.RowRef) []byte {
	if ref&segmentBit == 0 {
		if m := s.inc.memtableOf(uint64(ref)); m != nil {
			return m.AppendKey(dst, uint64(ref))
		}
		s.failed(s.inc.errGone(ref))
		return dst
	}
	var buf [4]types.Datum
	row := s.AppendRow(buf[:0], ref, s.inc.identity)
	return appendKey(dst, row)
}

// AppendRow appends columns of one row version.
func (s *tableSnapshot) AppendRow(dst types.Row, ref table.RowRef, cols []int) types.Row {
	if ref&segmentBit == 0 {
		if m := s.inc.memtableOf(uint64(ref)); m != nil {
			return m.AppendRow(dst, uint64(ref), cols)
		}
		s.failed(s.inc.errGone(ref))
		return s.nulls(dst, cols)
	}
	num, pos := split(ref)
	at := len(dst)
	x := s.inc.segment(num)
	if x == nil {
		s.failed(s.inc.errGone(ref))
		return s.nulls(dst, cols)
	}
	dst, err := x.appendRow(dst, pos, cols)
	if err != nil {
		s.failed(err)
		return s.nulls(dst[:at], cols)
	}
	return dst
}

// nulls stands for a row that cannot be read: whoever asked is told before anybody sees it.
func (s *tableSnapshot) nulls(dst types.Row, cols []int) types.Row {
	for _, c := range cols {
		dst = append(dst, types.NullOf(s.inc.types[c].Kind))
	}
	return dst
}

// appendRow appends columns of the row at a position.
func (s *seg) appendRow(dst types.Row, pos uint32, cols []int) (types.Row, error) {
	return s.file.Row(dst, cols, int(pos))
}

// Fetch fills dst with rows by reference, on memory of its own.
func (s *tableSnapshot) Fetch(refs []table.RowRef, cols []int, dst *vec.Batch) error {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = s.inc.types[c]
	}
	bb := vec.NewBatchBuilder(ts, len(refs), nil)
	f := fetcher{s: s, cols: cols}
	defer f.close()
	for _, ref := range refs {
		if err := f.fetch(bb, ref); err != nil {
			return err
		}
		if err := bb.Commit(); err != nil {
			return err
		}
	}
	*dst = *bb.Batch()
	return nil
}

// FetchInto appends columns of one row version to a batch being built.
func (s *tableSnapshot) FetchInto(bb *vec.BatchBuilder, ref table.RowRef, cols []int) error {
	if ref&segmentBit == 0 {
		if m := s.inc.memtableOf(uint64(ref)); m != nil {
			return m.FetchInto(bb, uint64(ref), cols)
		}
		return s.inc.errGone(ref)
	}
	num, pos := split(ref)
	x := s.inc.segment(num)
	if x == nil {
		return s.inc.errGone(ref)
	}
	var buf [fetchIntoFew]types.Datum
	row, err := x.appendRow(buf[:0], pos, cols)
	if err != nil {
		return err
	}
	return appendTo(bb, row)
}

// fetchIntoFew is the number of columns up to which a row of a segment needs no memory on its way.
const fetchIntoFew = 8

// appendTo appends a row to the columns of a batch being built.
func appendTo(bb *vec.BatchBuilder, row types.Row) error {
	for i := range row {
		if err := bb.Col(i).Append(row[i]); err != nil {
			return err
		}
	}
	return nil
}

// fetcher reads rows by reference; it keeps what it read last.
type fetcher struct {
	s    *tableSnapshot
	cols []int
	m    *memtable
	num  uint32
	get  *segment.Getter
	row  types.Row
}

func (f *fetcher) close() {
	if f.get != nil {
		f.get.Close()
	}
}

func (f *fetcher) fetch(bb *vec.BatchBuilder, ref table.RowRef) error {
	if ref&segmentBit == 0 {
		if f.m == nil || !f.m.has(uint64(ref)) {
			if f.m = f.s.inc.memtableOf(uint64(ref)); f.m == nil {
				return f.s.inc.errGone(ref)
			}
		}
		return f.m.FetchInto(bb, uint64(ref), f.cols)
	}
	num, pos := split(ref)
	if f.get == nil || f.num != num && !invariants.Mutant("columnar-fetch-last-segment") {
		x := f.s.inc.segment(num)
		if x == nil {
			return f.s.inc.errGone(ref)
		}
		g, err := x.file.Getter(f.cols)
		if err != nil {
			return err
		}
		f.close()
		f.get, f.num = g, num
	}
	var err error
	if f.row, err = f.get.Row(f.row[:0], int(pos)); err != nil {
		return err
	}
	return appendTo(bb, f.row)
}

func (m *memtable) has(row uint64) bool {
	first, end := m.Rows()
	return row >= first && row < end
}
