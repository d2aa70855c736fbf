package segment

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/laminadb/lamina/sqlerr"
)

const parquetMagic = "PAR1"

// parquetFile gathers what the end of a Parquet file says of it.
type parquetFile struct {
	meta    format.FileMetaData
	columns []*format.ColumnIndex // of all chunks, in order
	offsets []format.OffsetIndex
}

// startParquet writes the magic and makes the schema.
func (w *Writer) startParquet() {
	m := &w.file.meta
	m.Version, m.CreatedBy = 2, "lamina"
	m.Schema = append(m.Schema, format.SchemaElement{Name: "schema", RepetitionType: thrift.New(format.Required),
		NumChildren: thrift.New(int32(len(w.layouts)))})
	for i := range w.layouts {
		m.Schema = append(m.Schema, parquetElement(&w.schema.Columns[i], &w.layouts[i]))
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	w.other([]byte(parquetMagic))
}

// other writes a piece of the file that is no page.
func (w *Writer) other(b []byte) {
	w.others = append(w.others, tileAt(w.segment.off, b))
	w.segment.Write(b) //nolint:errcheck // the sink keeps its first error
}

// writeChunk writes an encoded chunk, notes where its pages lie, and adds it to a row group.
func (w *Writer) writeChunk(i int, t *columnTask, rg *format.RowGroup) {
	off, c := w.segment.off, &t.chunk
	w.segment.Write(c.out) //nolint:errcheck // the sink keeps its first error
	made := c.made
	oi := format.OffsetIndex{}
	row := int64(0)
	for k := range made.pages {
		p := &made.pages[k]
		p.off += off
		oi.PageLocations = append(oi.PageLocations, format.PageLocation{Offset: p.off, CompressedPageSize: int32(p.len), FirstRowIndex: row})
		row += int64(p.rows)
	}
	md := format.ColumnMetaData{
		Type: w.file.meta.Schema[i+1].Type.V, PathInSchema: []string{w.schema.Columns[i].Name},
		Codec:     [...]format.CompressionCodec{CompressionNone: format.Uncompressed, CompressionSnappy: format.Snappy, CompressionZstd: format.Zstd}[c.codec],
		NumValues: row, TotalUncompressedSize: c.raw, TotalCompressedSize: int64(len(c.out)), DataPageOffset: made.pages[0].off,
		Encoding: []format.Encoding{format.Encoding(c.enc), format.RLE},
	}
	if made.dict != nil {
		made.dict.off += off
		md.DictionaryPageOffset = made.dict.off
		md.Encoding = append(md.Encoding, format.Plain)
	}
	md.Statistics = format.Statistics{NullCount: t.nulls}
	if !t.bounds.bad && !t.bounds.none {
		md.Statistics.MinValue, md.Statistics.MaxValue = t.bounds.lo, t.bounds.hi
	}
	w.cols[i].chunks = append(w.cols[i].chunks, made)
	w.file.columns = append(w.file.columns, t.index)
	w.file.offsets = append(w.file.offsets, oi)
	rg.Columns = append(rg.Columns, format.ColumnChunk{MetaData: md})
	rg.TotalByteSize += c.raw
	rg.TotalCompressedSize += int64(len(c.out))
}

// endParquet writes indexes and footer.
func (w *Writer) endParquet() error {
	m := &w.file.meta
	m.NumRows = int64(w.rows)
	n := len(w.layouts)
	for k, ci := range w.file.columns {
		if ci == nil {
			continue
		}
		off, size, err := w.metadata(ci)
		if err != nil {
			return err
		}
		c := &m.RowGroups[k/n].Columns[k%n]
		c.ColumnIndexOffset, c.ColumnIndexLength = off, size
	}
	for k := range w.file.offsets {
		off, size, err := w.metadata(&w.file.offsets[k])
		if err != nil {
			return err
		}
		c := &m.RowGroups[k/n].Columns[k%n]
		c.OffsetIndexOffset, c.OffsetIndexLength = off, size
	}
	_, size, err := w.metadata(m)
	if err != nil {
		return err
	}
	w.other(append(le.AppendUint32(nil, uint32(size)), parquetMagic...))
	if err := w.segment.sync(); err != nil {
		return err
	}
	return w.segment.close()
}

// metadata writes a structure of Thrift, and returns where it lies.
func (w *Writer) metadata(v any) (off int64, size int32, err error) {
	b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
	if err != nil {
		return 0, 0, sqlerr.Newf(sqlerr.InternalError, "metadata of segment %s: %w", w.name, err)
	}
	off = w.segment.off
	w.other(b)
	return off, int32(len(b)), nil
}

// parquetElement returns the column's element of the Parquet schema.
func parquetElement(c *Column, l *layout) format.SchemaElement {
	e := format.SchemaElement{Name: c.Name, FieldID: c.FieldID, LogicalType: format.LogicalType{Value: l.logical}}
	e.RepetitionType = thrift.New(format.Required)
	if optional(c, l) {
		e.RepetitionType = thrift.New(format.Optional)
	}
	e.Type = thrift.New([...]format.Type{physBool: format.Boolean, physInt32: format.Int32, physInt64: format.Int64, physFloat: format.Float,
		physDouble: format.Double, physBytes: format.ByteArray, physFixed: format.FixedLenByteArray}[l.phys])
	if l.phys == physFixed {
		e.TypeLength = thrift.New(int32(fixedBytes))
	}
	if t, ok := l.logical.(*format.DecimalType); ok {
		e.Scale, e.Precision = thrift.New(t.Scale), thrift.New(t.Precision)
	}
	if t, ok := convertedType(l.logical); ok {
		e.ConvertedType = thrift.New(t)
	}
	return e
}

// convertedType is what older readers know a logical type by.
func convertedType(l format.LogicalTypeValue) (deprecated.ConvertedType, bool) {
	switch t := l.(type) {
	case *format.StringType:
		return deprecated.UTF8, true
	case *format.DecimalType:
		return deprecated.Decimal, true
	case *format.DateType:
		return deprecated.Date, true
	case *format.IntType:
		return map[int8]deprecated.ConvertedType{16: deprecated.Int16, 32: deprecated.Int32, 64: deprecated.Int64, -32: deprecated.Uint32}[t.BitWidth*sign(t.IsSigned)], true
	case *format.TimestampType:
		return deprecated.TimestampMicros, t.IsAdjustedToUTC
	}
	return 0, false
}

func sign(signed bool) int8 {
	if signed {
		return 1
	}
	return -1
}
