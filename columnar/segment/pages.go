package segment

import (
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

// chooseEncoding decides for a chunk, by the rows so far. A column whose values have become too many for a dictionary
// has none in later chunks.
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
func (w *Writer) sorting() (cols []format.SortingColumn) {
	for _, c := range w.schema.Sort {
		if !w.layouts[c].orderKept() {
			break
		}
		cols = append(cols, format.SortingColumn{ColumnIdx: int32(c)})
	}
	return cols
}
