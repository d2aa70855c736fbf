package segment

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// Suffixes of the two files.
const (
	SegmentSuffix = ".parquet"
	SidecarSuffix = ".sidecar"
)

// FileInfo is what a log record keeps of a file, to know it again.
type FileInfo struct {
	Name  string // within its folder
	Bytes int64
	CRC   uint32 // CRC-32C of all bytes
}

// Info describes a finished segment.
type Info struct {
	Rows             int
	Segment, Sidecar FileInfo
}

// Writer makes one segment. It is used by one goroutine and ends with Finish or Abort.
type Writer struct {
	fs        vfs.FS
	dir, name string
	schema    Schema
	opts      Options
	layouts   []layout

	bb   *vec.BatchBuilder // the row group being filled
	rows int               // appended
	done int               // written

	segment *sink
	file    parquetFile
	tasks   []columnTask
	groups  []group
	others  []tile // what is neither page nor dictionary

	cols   []columnState
	keys   []keyBuilder
	sample sampler
	// The key in sort order of the last row that had one, and memory for the next.
	last, scratch []byte
	err           error
	over          bool
}

// columnState gathers what the sidecar says of a column.
type columnState struct {
	distinct distinct
	zones    []zone
	extremes []extremes // of the zones of the row group at hand
	nullRows []uint32
	except   []exception
	chunks   []chunk
}

// NewWriter creates NAME.parquet in a folder. It fails if the schema is not one that a segment can have (0A000, 22023).
func NewWriter(fs vfs.FS, dir, name string, schema Schema, opts Options, tracker *mem.Tracker) (*Writer, error) {
	if err := opts.fill(); err != nil {
		return nil, err
	}
	if err := schema.check(); err != nil {
		return nil, err
	}
	w := &Writer{fs: fs, dir: dir, name: name, schema: schema, opts: opts}
	w.layouts = make([]layout, len(schema.Columns))
	w.cols = make([]columnState, len(schema.Columns))
	for i := range w.layouts {
		l, err := layoutOf(&schema.Columns[i])
		if err != nil {
			return nil, err
		}
		if err := checkEncoding(&schema.Columns[i], &l); err != nil {
			return nil, err
		}
		w.layouts[i] = l
		w.tasks = append(w.tasks, columnTask{chunk: newChunkWriter(&schema.Columns[i], &w.layouts[i], &opts)})
		w.cols[i].distinct = newDistinct(&schema.Columns[i], &l, &opts)
	}
	w.keys = make([]keyBuilder, len(schema.Keys))
	for i := range w.keys {
		w.keys[i].expect(opts.ExpectRows)
	}
	w.sample = newSampler(opts.SampleRows)
	w.bb = vec.NewBatchBuilder(schema.types(), opts.groupExpected(), tracker)
	var err error
	if w.segment, err = createSink(fs, fs.PathJoin(dir, name+SegmentSuffix), name+SegmentSuffix); err != nil {
		w.bb.Release()
		return nil, err
	}
	w.startParquet()
	return w, nil
}

func newChunkWriter(c *Column, l *layout, o *Options) chunkWriter {
	cw := chunkWriter{l: l, optional: optional(c, l), codec: c.Compression, level: c.CompressionLevel, zoneRows: o.ZoneRows, pageBytes: o.PageBytes}
	if cw.codec == CompressionDefault {
		cw.codec = o.Compression
	}
	if cw.level == 0 {
		cw.level = o.CompressionLevel
	}
	return cw
}

func newDistinct(c *Column, l *layout, o *Options) distinct {
	d := distinct{bitmapsMax: o.BitmapValues, limit: o.BitmapValues}
	switch c.Bitmaps {
	case On:
		d.bitmapsMax, d.limit = dictEntriesMax, dictEntriesMax
	case Off:
		d.bitmapsMax = 0
	}
	d.wantBits, d.auto = d.bitmapsMax > 0, c.Bitmaps == Auto
	d.hints = c.Bitmaps != On && c.Encoding != EncodingDictionary
	if l.phys == physBytes && (c.Encoding == EncodingAuto || c.Encoding == EncodingDictionary) || c.Encoding == EncodingDictionary {
		d.limit = dictEntriesMax
	}
	d.over = d.limit == 0
	return d
}

// batchRowsMax bounds a batch: selections have 16 bits.
const batchRowsMax = 1 << 16

// Append adds the live rows of a batch, which must follow all before them in the sort order. The first error is
// final.
func (w *Writer) Append(b *vec.Batch) error {
	if w.err != nil || w.over {
		return w.failed(fmt.Errorf("append to segment %s: %w", w.name, w.err))
	}
	if b.N > batchRowsMax || w.rows+b.N > RowsMax {
		return w.failed(sqlerr.Newf(sqlerr.ProgramLimitExceeded, "segment %s: %d rows and %d more", w.name, w.rows, b.N))
	}
	if err := w.addKeys(b); err != nil {
		return w.failed(err)
	}
	w.sample.add(b, w.rows)
	for from := 0; from < b.N; {
		n := min(b.N-from, w.opts.RowGroupRows-w.bb.Len())
		part := b
		if n < b.N {
			part = slice(b, from, n)
		}
		if err := w.bb.AppendBatch(part); err != nil {
			return w.failed(err)
		}
		from += n
		w.rows += n
		if w.bb.Len() == w.opts.RowGroupRows {
			if err := w.flush(); err != nil {
				return w.failed(err)
			}
		}
	}
	return nil
}

func (w *Writer) failed(err error) error {
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// slice returns n live rows of b from live row from on.
func slice(b *vec.Batch, from, n int) *vec.Batch {
	out := &vec.Batch{N: n, Groups: make([]vec.Group, len(b.Groups))}
	for i := range b.Groups {
		g := &b.Groups[i]
		o := &out.Groups[i]
		o.Cols = g.Cols
		if g.RowIDs != nil {
			o.RowIDs = g.RowIDs[from : from+n]
		}
		if g.Sel != nil {
			o.Sel = g.Sel[from : from+n]
			continue
		}
		o.Sel = make([]uint16, n)
		for k := range o.Sel {
			o.Sel[k] = uint16(from + k)
		}
	}
	return out
}

// note takes what the sidecar says of a column's row group.
func (w *Writer) note(i int, v *values) {
	c := &w.cols[i]
	c.distinct.add(v, w.done)
	c.extremes = c.extremes[:0]
	for from := 0; from < v.n; from += w.opts.ZoneRows {
		z, ext := zoneOf(v, from, min(from+w.opts.ZoneRows, v.n))
		c.zones, c.extremes = append(c.zones, z), append(c.extremes, ext)
	}
	c.except = append(c.except, v.except...)
	if c.distinct.wantBits && v.nulls != nil {
		for r := range v.n {
			if v.isNull(r) {
				c.nullRows = append(c.nullRows, uint32(w.done+r))
			}
		}
	}
}

// Finish writes what is left and the sidecar, and makes both files and their names durable.
func (w *Writer) Finish() (Info, error) {
	info, err := w.finish()
	w.over = true
	w.bb.Release()
	if err != nil {
		w.remove()
		return Info{}, w.failed(err)
	}
	return info, nil
}

func (w *Writer) finish() (info Info, err error) {
	if w.err != nil {
		return info, w.err
	}
	if w.over {
		return info, sqlerr.Newf(sqlerr.InternalError, "segment %s was finished before", w.name)
	}
	if err = w.flush(); err != nil {
		return info, err
	}
	if err = w.endParquet(); err != nil {
		return info, err
	}
	info.Rows = w.rows
	info.Segment = FileInfo{Name: w.segment.name, Bytes: w.segment.off, CRC: w.segment.crc}
	if info.Sidecar, err = w.writeSidecar(info.Segment); err != nil {
		return info, err
	}
	if invariants.Mutant("segment-skip-folder-sync") {
		return info, nil
	}
	return info, syncDir(w.fs, w.dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return ioError("open", dir, err)
	}
	if err := d.Sync(); err != nil {
		d.Close() //nolint:errcheck // the sync has failed
		return ioError("sync", dir, err)
	}
	if err := d.Close(); err != nil {
		return ioError("close", dir, err)
	}
	return nil
}

// Abort removes what was written.
func (w *Writer) Abort() {
	if w.over {
		return
	}
	w.over = true
	w.bb.Release()
	w.remove()
}

func (w *Writer) remove() {
	if w.segment != nil {
		w.segment.close() //nolint:errcheck // the file goes
	}
	for _, suffix := range []string{SegmentSuffix, SidecarSuffix} {
		w.fs.Remove(w.fs.PathJoin(w.dir, w.name+suffix)) //nolint:errcheck // an orphan, which the caller sweeps at open
	}
}
