package segment

import (
	"bytes"
	"fmt"
	"io"
	"unsafe"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/laminadb/lamina/sqlerr"
)

// group is a row group as it was written.
type group struct{ rows int }

// chunk is one column of one row group.
type chunk struct {
	dict  *tile // its dictionary page
	pages []page
}

// tile is a piece of the file with a checksum.
type tile struct {
	off int64
	len uint32
	crc uint32
}

// page is one data page: header, levels (never compressed) and values.
type page struct {
	tile
	head   uint32 // bytes of the header
	raw    uint32 // bytes of the values, uncompressed
	levels uint32
	rows   uint32
	nulls  uint32 // rows without a physical value
	enc    uint8
}

// Encodings of pages, with Parquet's numbers.
const (
	encPlain       = 0
	encPlainDict   = 2
	encDelta       = 5
	encDeltaLength = 6
	encRLEDict     = 8
)

// Limits of the Parquet writer that keep it from ending a page or a dictionary by itself.
const (
	pageBytesNone = 1 << 30
	writeBatch    = 1 << 20
	statsBytesMax = 4096
)

// openParquet chooses the encodings, by the rows so far, and starts the file.
func (w *Writer) openParquet(rows int) error {
	w.dict = make([]bool, len(w.layouts))
	nodes := make(schema.FieldList, len(w.layouts))
	props := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithDataPageVersion(parquet.DataPageV2),
		parquet.WithCreatedBy("lamina"), parquet.WithStats(true), parquet.WithPageIndexEnabled(true),
		parquet.WithDataPageSize(pageBytesNone), parquet.WithDictionaryPageSizeLimit(pageBytesNone),
		parquet.WithBatchSize(writeBatch), parquet.WithMaxStatsSize(statsBytesMax),
		parquet.WithMaxRowGroupLength(int64(w.opts.RowGroupRows)), parquet.WithDictionaryDefault(false),
	}
	for i := range w.layouts {
		c, l := &w.schema.Columns[i], &w.layouts[i]
		var err error
		if nodes[i], err = parquetNode(c, l); err != nil {
			return sqlerr.Newf(sqlerr.InternalError, "column %q in Parquet: %w", c.Name, err)
		}
		enc := w.chooseEncoding(i, rows)
		w.dict[i] = enc == EncodingDictionary
		props = append(props, columnProps(c, l, enc, &w.opts)...)
	}
	props = append(props, parquet.WithSortingColumns(w.sorting()))
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
	if err != nil {
		return sqlerr.Newf(sqlerr.InternalError, "schema of segment %s: %w", w.name, err)
	}
	w.pq, err = file.NewParquetWriterWithError(nopCloser{w.segment}, root, file.WithWriterProps(parquet.NewWriterProperties(props...)))
	return w.parquetError(err)
}

// nopCloser keeps the Parquet writer from closing the sink.
type nopCloser struct{ io.Writer }

// parquetError prefers the sink's error, which has a SQLSTATE.
func (w *Writer) parquetError(err error) error {
	if w.segment.err != nil {
		return w.segment.err
	}
	if err != nil {
		return sqlerr.Newf(sqlerr.InternalError, "write segment %s: %w", w.name, err)
	}
	return nil
}

func columnProps(c *Column, l *layout, enc Encoding, o *Options) []parquet.WriterProperty {
	comp, level := c.Compression, c.CompressionLevel
	if comp == CompressionDefault {
		comp = o.Compression
	}
	if level == 0 {
		level = o.CompressionLevel
	}
	codec := [...]compress.Compression{CompressionNone: compress.Codecs.Uncompressed,
		CompressionSnappy: compress.Codecs.Snappy, CompressionZstd: compress.Codecs.Zstd}[comp]
	props := []parquet.WriterProperty{parquet.WithCompressionFor(c.Name, codec)}
	if comp == CompressionZstd {
		props = append(props, parquet.WithCompressionLevelFor(c.Name, level))
	}
	switch {
	case enc == EncodingDictionary:
		return append(props, parquet.WithDictionaryFor(c.Name, true), parquet.WithDictionaryCostFallbackFor(c.Name, false))
	case enc == EncodingPlain:
		return append(props, parquet.WithEncodingFor(c.Name, parquet.Encodings.Plain))
	case l.phys == physBytes:
		return append(props, parquet.WithEncodingFor(c.Name, parquet.Encodings.DeltaLengthByteArray))
	}
	return append(props, parquet.WithEncodingFor(c.Name, parquet.Encodings.DeltaBinaryPacked))
}

// checkEncoding refuses encodings that a column cannot have.
func checkEncoding(c *Column, l *layout) error {
	if c.Encoding == EncodingDictionary || c.Encoding == EncodingDelta {
		switch l.phys {
		case physInt32, physInt64, physBytes:
		default:
			return sqlerr.Newf(sqlerr.FeatureNotSupported, "column %q: delta or dictionary encoding of type %s", c.Name, c.Type)
		}
	}
	return nil
}

// Most values that integers with a dictionary have, and least rows a value.
const (
	dictIntsMax     = 1024
	dictRepeatInts  = 8
	dictRepeatBytes = 4
)

// chooseEncoding decides by the first row group.
func (w *Writer) chooseEncoding(i, rows int) Encoding {
	c, l, d := &w.schema.Columns[i], &w.layouts[i], &w.cols[i].distinct
	switch l.phys {
	case physBool, physFloat, physDouble, physFixed:
		return EncodingPlain
	}
	if c.Encoding != EncodingAuto {
		if c.Encoding == EncodingDictionary && d.over {
			return EncodingPlain
		}
		return c.Encoding
	}
	if l.phys == physBytes {
		if !d.over && d.len()*dictRepeatBytes <= rows {
			return EncodingDictionary
		}
		return EncodingDelta
	}
	switch {
	case w.schema.inKey(i), isTime(l):
		return EncodingDelta
	case !d.over && d.len() <= dictIntsMax && d.len()*dictRepeatInts <= rows:
		return EncodingDictionary
	}
	return EncodingDelta
}

// sorting tells foreign readers of the sort order, as far as Parquet's order is SQL's.
func (w *Writer) sorting() (cols []parquet.SortingColumn) {
	for _, c := range w.schema.Sort {
		if !w.layouts[c].orderKept() {
			break
		}
		cols = append(cols, parquet.SortingColumn{ColumnIdx: int32(c)})
	}
	return cols
}

// writeGroup writes one row group, and finds its pages in what was written.
func (w *Writer) writeGroup(vs []*values, n int) error {
	w.cutOthers()
	rg, err := w.pq.AppendRowGroupChecked()
	if err != nil {
		return w.parquetError(err)
	}
	counts := make([]int, len(vs))
	ends := make([]int, len(vs))
	for i, v := range vs {
		cw, err := rg.NextColumn()
		if err != nil {
			return w.parquetError(err)
		}
		if i > 0 {
			ends[i-1] = len(w.segment.writes)
		}
		d := &w.cols[i].distinct
		if w.dict[i] {
			if d.over {
				cw.FallbackToPlain()
			} else {
				d.chunks = append(d.chunks, d.chunkOrder(v))
			}
		}
		if counts[i], err = writeColumn(cw, v, w.opts.ZoneRows, w.opts.PageBytes, optional(&w.schema.Columns[i], v.l)); err != nil {
			return w.parquetError(err)
		}
	}
	if err := rg.Close(); err != nil {
		return w.parquetError(err)
	}
	if w.segment.err != nil {
		return w.segment.err
	}
	ends[len(vs)-1] = len(w.segment.writes)
	w.groups = append(w.groups, group{rows: n})
	return w.findPages(vs, counts, ends)
}

// findPages takes the pages of a row group from the calls of Write: for each page one of its header and one of its body.
func (w *Writer) findPages(vs []*values, counts, ends []int) error {
	from := 0
	for i := range vs {
		calls := w.segment.writes[from:ends[i]]
		from = ends[i]
		var ch chunk
		if w.dict[i] && !w.cols[i].distinct.over {
			p, err := w.pageOf(calls)
			if err != nil {
				return err
			}
			ch.dict = &p.tile
			calls = calls[2:]
		}
		for range counts[i] {
			p, err := w.pageOf(calls)
			if err != nil {
				return err
			}
			ch.pages = append(ch.pages, p)
			calls = calls[2:]
		}
		w.cols[i].chunks = append(w.cols[i].chunks, ch)
		for _, c := range calls {
			w.others = append(w.others, tile{c.off, uint32(c.n), c.crc})
		}
	}
	w.segment.writes = w.segment.writes[:0]
	return nil
}

func (w *Writer) pageOf(calls []write) (p page, err error) {
	bad := func(what string) (page, error) {
		return p, sqlerr.Newf(sqlerr.InternalError, "segment %s: %s where a page was written", w.name, what)
	}
	if len(calls) < 2 || calls[0].head == nil {
		return bad("no header")
	}
	var h format.PageHeader
	proto := new(thrift.CompactProtocol)
	if err := thrift.NewDecoder(proto.NewReader(bytes.NewReader(calls[0].head))).Decode(&h); err != nil {
		return bad(err.Error())
	}
	body := calls[1]
	if int(h.CompressedPageSize) != body.n || body.off != calls[0].off+int64(calls[0].n) {
		return bad("another length")
	}
	p.tile = tile{calls[0].off, uint32(calls[0].n + body.n), body.chained}
	p.head = uint32(calls[0].n)
	p.raw = uint32(h.UncompressedPageSize)
	if d := h.DataPageHeaderV2; h.Type == format.DataPageV2 {
		v := d.V
		p.levels = uint32(v.DefinitionLevelsByteLength)
		p.raw -= p.levels
		p.rows, p.nulls, p.enc = uint32(v.NumRows), uint32(v.NumNulls), uint8(v.Encoding)
	}
	return p, nil
}

// cutOthers notes calls that belong to no row group.
func (w *Writer) cutOthers() {
	for _, c := range w.segment.writes {
		w.others = append(w.others, tile{c.off, uint32(c.n), c.crc})
	}
	w.segment.writes = w.segment.writes[:0]
}

func (w *Writer) closeParquet() error {
	if err := w.parquetError(w.pq.Close()); err != nil {
		return err
	}
	w.cutOthers()
	if err := w.segment.sync(); err != nil {
		return err
	}
	return w.segment.close()
}

// typed is a column writer of Parquet; its pages end where FlushCurrentPage is called.
type typed[T any] interface {
	WriteBatch(values []T, defLevels, repLevels []int16) (int64, error)
	FlushCurrentPage() error
}

// writeColumn writes one column of a row group and returns the number of its pages.
func writeColumn(cw file.ColumnChunkWriter, v *values, zoneRows, pageBytes int, optional bool) (int, error) {
	p := &pageCutter{v: v, zoneRows: zoneRows, pageBytes: pageBytes, optional: optional}
	switch cw := cw.(type) {
	case *file.BooleanColumnChunkWriter:
		return writePages(p, cw, func(i int) bool { return v.ints[i] != 0 })
	case *file.Int32ColumnChunkWriter:
		return writePages(p, cw, func(i int) int32 { return int32(v.ints[i]) })
	case *file.Int64ColumnChunkWriter:
		return writePages(p, cw, func(i int) int64 { return v.ints[i] })
	case *file.Float32ColumnChunkWriter:
		return writePages(p, cw, func(i int) float32 { return narrowFloat(v.ints[i]) })
	case *file.Float64ColumnChunkWriter:
		return writePages(p, cw, func(i int) float64 { return *(*float64)(unsafe.Pointer(&v.ints[i])) })
	case *file.ByteArrayColumnChunkWriter:
		return writePages(p, cw, func(i int) parquet.ByteArray { return v.bytes(i) })
	case *file.FixedLenByteArrayColumnChunkWriter:
		return writePages(p, cw, func(i int) parquet.FixedLenByteArray { return v.bytes(i) })
	}
	return 0, fmt.Errorf("a column writer of type %T", cw)
}

// pageCutter says where pages end.
type pageCutter struct {
	v                   *values
	zoneRows, pageBytes int
	optional            bool
	levels              []int16
}

// end returns where the page that starts at row from ends.
func (p *pageCutter) end(from int) int {
	to := min(from-from%p.zoneRows+p.zoneRows, p.v.n)
	if p.v.l.phys != physBytes {
		return to
	}
	size := 0
	for i := from; i < to; i++ {
		if !p.v.has(i) {
			continue
		}
		size += len(p.v.bytes(i))
		if size > p.pageBytes && i > from {
			return i
		}
	}
	return to
}

func writePages[T any](p *pageCutter, cw typed[T], at func(int) T) (pages int, err error) {
	var buf []T
	for from := 0; from < p.v.n; pages++ {
		to := p.end(from)
		buf = buf[:0]
		p.levels = p.levels[:0]
		for i := from; i < to; i++ {
			level := int16(0)
			if p.v.has(i) {
				buf = append(buf, at(i))
				level = 1
			}
			p.levels = append(p.levels, level)
		}
		levels := p.levels
		if !p.optional {
			levels = nil
		}
		if _, err := cw.WriteBatch(buf, levels, nil); err != nil {
			return pages, err
		}
		if err := cw.FlushCurrentPage(); err != nil {
			return pages, err
		}
		from = to
	}
	return pages, nil
}
