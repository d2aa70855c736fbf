package columnar

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/laminadb/lamina/columnar/deletion"
	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// hiddenName is the column of hidden keys in the files of tables without a primary key, with field ID hiddenField.
const (
	hiddenName  = "_lamina_key"
	hiddenField = 1 << 30
)

// schemaOf returns the schema of the segments of a table.
func (inc *incarnation) schemaOf(def *table.TableDef) segment.Schema {
	o, err := def.Storage()
	if err != nil { // of a program that did not check them
		inc.t.o.Logger.Warn("storage parameters", "table", def.Name, "err", err)
	}
	s := segment.Schema{Sort: inc.sortKey()}
	known := true // the columns have IDs
	for i := range def.Columns {
		known = known && def.Columns[i].ID > 0
	}
	names := map[string]bool{}
	for i := range def.Columns {
		c := &def.Columns[i]
		id := int32(i + 1)
		if known {
			id = int32(c.ID)
		}
		names[c.Name] = true
		of := &o.Columns[i]
		s.Columns = append(s.Columns, segment.Column{
			Name: c.Name, Type: c.Type, FieldID: id, NotNull: c.NotNull, Compression: compressions[of.Compression],
			CompressionLevel: o.CompressionLevel, Bitmaps: switches[of.Bitmap],
		})
	}
	if len(inc.types) > len(def.Columns) {
		name := hiddenName
		for names[name] {
			name += "_"
		}
		s.Columns = append(s.Columns, segment.Column{
			Name: name, Type: inc.types[len(def.Columns)], FieldID: hiddenField, NotNull: true, Bitmaps: segment.Off,
		})
	}
	s.Keys = []segment.Key{{Name: "identity", Cols: inc.identity}}
	for i := range def.Keys {
		if k := &def.Keys[i]; !k.Primary {
			s.Keys = append(s.Keys, segment.Key{Name: k.Name, Cols: k.Columns})
		}
	}
	return s
}

var (
	compressions = [...]segment.Compression{
		table.CompressionDefault: segment.CompressionDefault, table.CompressionNone: segment.CompressionNone,
		table.CompressionSnappy: segment.CompressionSnappy, table.CompressionZstd: segment.CompressionZstd,
	}
	switches = [...]segment.Switch{
		table.BitmapAuto: segment.Auto, table.BitmapOn: segment.On, table.BitmapOff: segment.Off,
	}
)

// sortKey returns the columns by which rows are sorted: those that the table's parameters name, then the identity.
func (inc *incarnation) sortKey() []int {
	o, _ := inc.def.Load().Storage()
	if len(o.SortKey) == 0 {
		return inc.identity
	}
	key := append([]int(nil), o.SortKey...)
	for _, c := range inc.identity {
		if !slices.Contains(key, c) {
			key = append(key, c)
		}
	}
	return key
}

// sorter encodes the sort key of rows: NULLs come last.
type sorter struct {
	cols     []int
	identity bool // it has no NULL
}

func (inc *incarnation) newSorter() sorter {
	cols := inc.sortKey()
	return sorter{cols, len(cols) == len(inc.identity) && slices.Equal(cols, inc.identity)}
}

// append appends the sort key of row i of a batch.
func (s *sorter) append(dst []byte, b *vec.Batch, i int) []byte {
	if s.identity {
		dst, _ = index.AppendBatch(dst, b, s.cols, i)
		return dst
	}
	for _, c := range s.cols {
		d := b.BatchDatum(c, i)
		if !d.Valid {
			dst = append(dst, 1)
			continue
		}
		dst = index.AppendDatum(append(dst, 0), d, false)
	}
	return dst
}

// columnsOf returns the columns of a batch by which rows are sorted; false if they are not integers without NULLs that lie
// side by side, which order as they are.
func (s *sorter) columnsOf(b *vec.Batch, dst []*vec.Vector) ([]*vec.Vector, bool) {
	dst = dst[:0]
	for _, c := range s.cols {
		v, g := b.Col(c)
		if !s.identity || v.Type.Class() != types.ClassInt || v.Form != vec.Flat || v.Valid != nil || g.Sel != nil {
			return dst, false
		}
		dst = append(dst, v)
	}
	return dst, true
}

// compareInts orders entry i of some columns after the values last, which become those of the entry.
func compareInts(last []int64, cols []*vec.Vector, i int) (order int) {
	for k, v := range cols {
		x := v.Int(i)
		if order == 0 {
			order = cmp.Compare(x, last[k])
		}
		last[k] = x
	}
	return order
}

// builder writes rows, which come in the order of the sort key, to segments of bounded size.
type builder struct {
	inc   *incarnation
	cut   table.LSN
	level uint8
	s     segment.Schema
	// groupRows is the number of rows of a row group; 0: the usual one. expect are those that are still to come.
	groupRows, expect int
	// rowsMax bounds the rows of a segment; 0: as the options do.
	rowsMax int
	tracker *mem.Tracker
	charged int64 // for what w has on the Go heap
	w       *segment.Writer
	num     uint32
	rows    int // in w
	done    []*seg
	since   []table.LSN // of the rows in w
}

// What a builder has on the Go heap: of each row when it began, of each of its keys bytes and numbers, about.
const rowBuildBytes, keyBuildBytes = 8, 32

// newBuilder returns a builder of segments whose rows all live at cut: the log is made durable up to there first. There
// will be at most rows of them, with about so many bytes.
func (inc *incarnation) newBuilder(cut table.LSN, level uint8, rows int, bytes int64) (*builder, error) {
	if f := inc.t.o.BeforeSync; f != nil {
		if err := f(cut); err != nil {
			return nil, err
		}
	}
	def := inc.def.Load()
	o, _ := def.Storage()
	b := &builder{inc: inc, cut: cut, level: level, s: inc.schemaOf(def), groupRows: o.RowGroupRows, expect: rows, tracker: inc.t.moving}
	if b.groupRows == 0 {
		b.groupRows = inc.groupRows(rows, bytes)
	}
	return b, nil
}

// groupRows returns the number of rows of a row group that fit into the memory for one, at most the usual one. A number of
// rows has about so many bytes.
func (inc *incarnation) groupRows(rows int, bytes int64) int {
	if inc.t.o.GroupBytes <= 0 {
		return 0
	}
	width := int64(1)
	for _, t := range inc.types {
		width += int64(vec.WidthOf(t))
	}
	width = max(width, bytes/int64(max(rows, 1)))
	return int(max(1, min(inc.t.o.GroupBytes/width/vec.Size, groupZonesMax))) * vec.Size
}

// groupZonesMax is the number of zones of a usual row group.
const groupZonesMax = 64

// append adds rows and appends their places to refs. since are the LSNs at which they began; nil: it need not be known.
func (b *builder) append(ctx context.Context, rows *vec.Batch, since []table.LSN, refs []table.RowRef) ([]table.RowRef, error) {
	if ctx.Err() != nil {
		return refs, sqlerr.Canceled(ctx)
	}
	if b.w != nil && b.rows+rows.N > b.segmentRows() {
		if err := b.close(); err != nil {
			return refs, err
		}
	}
	if b.w == nil {
		t := b.inc.t
		b.num = t.files.nextSegment()
		if b.num >= segmentsMax {
			return refs, sqlerr.New(sqlerr.ProgramLimitExceeded, "too many segments")
		}
		w, err := segment.NewWriter(t.o.FS, t.o.Dir, segmentName(b.num), b.s,
			segment.Options{MaxLSN: uint64(b.cut), RowGroupRows: b.groupRows, ExpectRows: min(b.expect, b.segmentRows())}, b.tracker)
		if err != nil {
			return refs, err
		}
		b.w, b.rows, b.since = w, 0, nil
		if since != nil {
			b.since = make([]table.LSN, 0, min(b.expect, b.segmentRows()))
		}
	}
	if err := b.w.Append(rows); err != nil {
		return refs, err
	}
	for i := range rows.N {
		refs = append(refs, segmentRef(b.num, uint32(b.rows+i)))
	}
	b.rows += rows.N
	b.expect = max(0, b.expect-rows.N)
	b.charge(int64(rows.N) * int64(rowBuildBytes+keyBuildBytes*len(b.s.Keys)))
	b.since = append(b.since, since...)
	return refs, nil
}

func (b *builder) segmentRows() int {
	if b.rowsMax > 0 {
		return b.rowsMax
	}
	return b.inc.t.o.SegmentRows
}

// charge adds to what the builder is charged for the segment being written.
func (b *builder) charge(bytes int64) {
	b.tracker.Force(bytes)
	b.charged += bytes
}

// ended gives back what the builder was charged for a segment.
func (b *builder) ended() {
	b.tracker.Release(b.charged)
	b.w, b.charged = nil, 0
}

// close finishes the segment being written, and opens it.
func (b *builder) close() error {
	if b.w == nil {
		return nil
	}
	info, err := b.w.Finish()
	b.ended()
	if err != nil {
		return err
	}
	s := &seg{num: b.num, level: b.level, cut: b.cut, info: info, dv: deletion.New(info.Rows, uint64(b.cut))}
	if since := b.since; len(since) > 0 {
		s.since.Store(&since)
	}
	if err := b.inc.open(s); err != nil {
		return err
	}
	b.done = append(b.done, s)
	b.inc.t.files.finish(s.num)
	return nil
}

// abandon removes what was written.
func (b *builder) abandon() {
	if b.w != nil {
		b.w.Abort()
		b.ended()
	}
	for _, s := range b.done {
		b.inc.t.discard(s)
	}
	b.done = nil
}

// discard removes the files of a segment that was never named. If a backup may be about to copy them, the next checkpoint
// does.
func (t *Tier) discard(s *seg) {
	var err error
	if s.file != nil {
		t.counts.gone(s.file)
		err = s.file.Close()
	}
	t.files.mu.Lock()
	defer t.files.mu.Unlock()
	if t.files.mu.pins > 0 {
		t.files.mu.free[s.num] = true
		return
	}
	delete(t.files.mu.finished, s.num)
	for _, name := range []string{s.info.Segment.Name, s.info.Sidecar.Name} {
		err = errors.Join(err, t.o.FS.Remove(t.o.FS.PathJoin(t.o.Dir, name)))
	}
	if err != nil { // the next opening removes them
		t.o.Logger.Warn("removal of a segment", "err", err)
	}
}

// records describes the finished segments.
func (b *builder) records() (list []segRecord) {
	for _, s := range b.done {
		list = append(list, segRecord{s.num, s.level, s.cut, s.info})
	}
	return list
}
