package segment

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Column is one column of a segment.
type Column struct {
	Name string
	Type types.Type
	// FieldID is Parquet's (and Iceberg's) number of the column; unique and above 0.
	FieldID int32
	NotNull bool
	// Compression, CompressionLevel and Encoding override those of the segment for this column.
	Compression      Compression
	CompressionLevel int
	Encoding         Encoding
	// Bitmaps says whether the column gets one bitmap a value. Auto: if they take little, since the values come in runs or
	// all but one are rare.
	Bitmaps Switch
}

// Key is a set of columns with a bloom filter and an index. Rows with a NULL in it are in neither.
type Key struct {
	Name string
	Cols []int
}

// Schema is what a segment holds. Its zero fields take defaults.
type Schema struct {
	Columns []Column
	// Keys are the primary key and the unique keys.
	Keys []Key
	// Sort lists the columns that the rows are sorted by, ascending with NULLs last; the writer checks it where they
	// are not NULL.
	Sort []int
}

// Compression of pages.
type Compression uint8

// The compressions. LZ4 is left out: one of the libraries reads it wrongly.
const (
	CompressionDefault Compression = iota // of a column: that of the segment; of a segment: snappy
	CompressionNone
	CompressionSnappy
	CompressionZstd
)

// Encoding of a column's pages.
type Encoding uint8

// The encodings.
const (
	// EncodingAuto: delta for keys, dates and times, dictionary for few values, else delta (integers, scaled decimals
	// and strings) or plain.
	EncodingAuto Encoding = iota
	EncodingPlain
	EncodingDictionary
	EncodingDelta // DELTA_BINARY_PACKED for integers, DELTA_LENGTH_BYTE_ARRAY for strings
)

// Switch is automatic, on or off.
type Switch uint8

// The positions of a Switch.
const (
	Auto Switch = iota
	On
	Off
)

// Options of a Writer; the zero value works.
type Options struct {
	// ZoneRows is the number of rows of a zone, a multiple of 64 up to vec.Size, which is the default.
	ZoneRows int
	// RowGroupRows is the number of rows of a row group, a multiple of ZoneRows; 0 is 64 zones (131,072 rows).
	RowGroupRows int
	// ExpectRows is about how many rows will come: a writer takes memory for that many of a row group at first; 0: for all.
	ExpectRows int
	// PageBytes bounds the values of a page of strings; 0 is 1 MiB. One value may be longer.
	PageBytes        int
	Compression      Compression
	CompressionLevel int // zstd only; 0 is 1
	// BitmapValues is the largest number of distinct values of a column that gets bitmaps by itself; 0 is 4,096.
	BitmapValues int
	// SampleRows is the size of the sample of rows; 0 is 1,024, negative none.
	SampleRows int
	// Workers bounds the goroutines that encode columns; 0 is as many as there are processors, up to 4.
	Workers int
	// MinLSN and MaxLSN bound the begin LSNs of the rows.
	MinLSN, MaxLSN uint64
}

const (
	rowGroupZones     = 64
	pageBytesDefault  = 1 << 20
	bitmapValues      = 4096
	sampleRowsDefault = 1024
	// RowsMax bounds the rows of a segment: positions are 32 bits, and a segment is far smaller than that.
	RowsMax = 1 << 26
	// columnsMax bounds the columns of a segment.
	columnsMax = 1 << 12
)

func (o *Options) fill() error {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.ZoneRows, vec.Size)
	set(&o.RowGroupRows, rowGroupZones*o.ZoneRows)
	set(&o.PageBytes, pageBytesDefault)
	set(&o.BitmapValues, bitmapValues)
	set(&o.SampleRows, sampleRowsDefault)
	set(&o.CompressionLevel, 1)
	set(&o.Workers, 4)
	if o.Compression == CompressionDefault {
		o.Compression = CompressionSnappy
	}
	switch {
	case o.ZoneRows < 0 || o.ZoneRows > vec.Size || o.ZoneRows%64 != 0:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "rows of a zone: %d is no multiple of 64 up to %d", o.ZoneRows, vec.Size)
	case o.RowGroupRows <= 0 || o.RowGroupRows%o.ZoneRows != 0 || o.RowGroupRows > RowsMax:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "rows of a row group: %d is no multiple of %d", o.RowGroupRows, o.ZoneRows)
	case o.PageBytes < 0 || o.Workers < 0 || o.Compression > CompressionZstd || o.BitmapValues > dictEntriesMax || o.MinLSN > o.MaxLSN:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "options of a segment: %+v", *o)
	}
	return nil
}

// check reports the first thing that no segment can have.
func (s *Schema) check() error {
	if len(s.Columns) == 0 || len(s.Columns) > columnsMax {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "a segment of %d columns", len(s.Columns))
	}
	ids, names := map[int32]bool{}, map[string]bool{}
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.FieldID <= 0 || ids[c.FieldID] || c.Name == "" || names[c.Name] {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "column %q with field ID %d: both must be unique", c.Name, c.FieldID)
		}
		ids[c.FieldID], names[c.Name] = true, true
		if c.Compression > CompressionZstd || c.Encoding > EncodingDelta || c.Bitmaps > Off {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "options of column %q", c.Name)
		}
		if _, err := layoutOf(c); err != nil {
			return err
		}
	}
	for _, k := range s.Keys {
		if len(k.Cols) == 0 {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "key %q has no columns", k.Name)
		}
		if err := s.checkCols("key "+k.Name, k.Cols); err != nil {
			return err
		}
	}
	return s.checkCols("sort order", s.Sort)
}

func (s *Schema) checkCols(what string, cols []int) error {
	for _, c := range cols {
		if c < 0 || c >= len(s.Columns) {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "%s: no column %d", what, c)
		}
	}
	return nil
}

// types returns the types of the columns.
func (s *Schema) types() []types.Type {
	ts := make([]types.Type, len(s.Columns))
	for i := range ts {
		ts[i] = s.Columns[i].Type
	}
	return ts
}

// inKey reports whether column c is part of a key or of the sort order.
func (s *Schema) inKey(c int) bool {
	for _, k := range s.Keys {
		for _, i := range k.Cols {
			if i == c {
				return true
			}
		}
	}
	for _, i := range s.Sort {
		if i == c {
			return true
		}
	}
	return false
}

// groupExpected is the number of rows of a row group for which memory is taken at first.
func (o *Options) groupExpected() int {
	if o.ExpectRows > 0 {
		return min(o.ExpectRows, o.RowGroupRows)
	}
	return o.RowGroupRows
}
