package table

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
)

// Compression is how the pages of a column are compressed.
type Compression uint8

// The compressions. CompressionDefault is, of a column, that of the table, and of a table the tier's choice.
const (
	CompressionDefault Compression = iota
	CompressionNone
	CompressionSnappy
	CompressionZstd
)

var compressionNames = [...]string{"default", "none", "snappy", "zstd"}

// String returns the name that SQL has for it.
func (c Compression) String() string { return compressionNames[c] }

// CompressionByName finds a compression, "default" among them; ok is false if there is none of the name.
func CompressionByName(name string) (c Compression, ok bool) {
	i := slices.Index(compressionNames[:], strings.ToLower(name))
	return Compression(max(i, 0)), i >= 0
}

// BitmapSwitch says whether a column gets one bitmap a value.
type BitmapSwitch uint8

// The positions of a BitmapSwitch. BitmapAuto leaves it to the tier.
const (
	BitmapAuto BitmapSwitch = iota
	BitmapOn
	BitmapOff
)

// StorageOptions are the storage parameters of a table, read. The zero value leaves everything to the tier.
type StorageOptions struct {
	Compression Compression
	// CompressionLevel is that of zstd; 0 is the tier's choice.
	CompressionLevel int
	// SortKey are positions of the columns that rows are sorted by, ascending; nil is the primary key, if there is one.
	SortKey []int
	// RowGroupRows is the number of rows of a row group; 0 is the tier's choice.
	RowGroupRows int
	// Columns has for each column of the table what holds for it.
	Columns []ColumnStorage
}

// ColumnStorage is what storage parameters say of one column.
type ColumnStorage struct {
	// Compression is that of the table if the column has none of its own.
	Compression Compression
	Bitmap      BitmapSwitch
}

// The storage parameters.
const (
	OptionCompression      = "compression"
	OptionCompressionLevel = "compression_level"
	OptionSortKey          = "sort_key"
	OptionRowGroupRows     = "row_group_rows"
	OptionBitmap           = "bitmap"
)

// Bounds of storage parameters. A row group has whole vectors of vec.Size rows.
const (
	compressionLevelMax = 22
	rowGroupRowsMin     = 2048
	rowGroupRowsMax     = 1 << 20
	sortKeyColumnsMax   = 32
)

// methodOptions lists for each access method the parameters that its tables have; those that are not here have none.
var methodOptions = map[string][]string{
	"columnar": {OptionBitmap, OptionCompression, OptionCompressionLevel, OptionRowGroupRows, OptionSortKey},
}

// Storage reads the storage parameters of a table that were checked when it was defined. A store of a program that did
// not check them may have others: then there is an error, and beside it what the rest of them say.
func (d *TableDef) Storage() (StorageOptions, error) {
	o := StorageOptions{Columns: make([]ColumnStorage, len(d.Columns))}
	var first error
	for _, name := range slices.Sorted(maps.Keys(d.Options)) {
		if err := o.read(d, name, d.Options[name]); err != nil && first == nil {
			first = err
		}
	}
	for i := range d.Columns {
		if o.Columns[i].Compression = d.Columns[i].Compression; o.Columns[i].Compression == CompressionDefault {
			o.Columns[i].Compression = o.Compression
		}
	}
	return o, first
}

// CheckStorage reports the first thing about the storage parameters, and the compression of columns, that a table of its
// access method cannot have.
func (d *TableDef) CheckStorage() error {
	known := methodOptions[d.Method]
	for _, name := range slices.Sorted(maps.Keys(d.Options)) {
		if slices.Contains(known, name) {
			continue
		}
		err := sqlerr.Newf(sqlerr.InvalidParameterValue, "unrecognized parameter \"%s\"", name)
		if len(known) == 0 {
			return err.WithDetail("Tables of access method \"%s\" have no storage parameters.", d.Method)
		}
		return err.WithDetail("Storage parameters of tables of access method \"%s\" are %s.", d.Method, quoted(known))
	}
	for i := range d.Columns {
		if len(known) == 0 && d.Columns[i].Compression != CompressionDefault {
			return sqlerr.Unsupported("COMPRESSION of a column of a table of access method \"" + d.Method + "\"")
		}
	}
	_, err := d.Storage()
	return err
}

// read reads one parameter; those of other programs are ignored.
func (o *StorageOptions) read(d *TableDef, name, value string) (err error) {
	switch name {
	case OptionCompression:
		c, ok := CompressionByName(value)
		if !ok || c == CompressionDefault {
			return badEnum(name, value, compressionNames[1:])
		}
		o.Compression = c
	case OptionCompressionLevel:
		o.CompressionLevel, err = numberOption(name, value, 1, compressionLevelMax)
	case OptionRowGroupRows:
		n, err := numberOption(name, value, rowGroupRowsMin, rowGroupRowsMax)
		if err == nil && n%rowGroupRowsMin != 0 {
			err = sqlerr.Newf(sqlerr.InvalidParameterValue, "value %s out of bounds for option \"%s\"", value, name).
				WithDetail("Valid values are multiples of %d.", rowGroupRowsMin)
		}
		if err == nil {
			o.RowGroupRows = n
		}
		return err
	case OptionSortKey:
		cols, err := d.optionColumns(name, value, true)
		if err == nil {
			o.SortKey = cols
		}
		return err
	case OptionBitmap:
		return o.readBitmap(d, value)
	}
	return err
}

func (o *StorageOptions) readBitmap(d *TableDef, value string) error {
	set, others := BitmapOn, BitmapOff
	var cols []int
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "auto":
		return nil
	case "on", "true":
		others = BitmapOn
	case "off", "false":
	default:
		var err error
		if cols, err = d.optionColumns(OptionBitmap, value, false); err != nil {
			return err
		}
	}
	for i := range o.Columns {
		if o.Columns[i].Bitmap = others; slices.Contains(cols, i) {
			o.Columns[i].Bitmap = set
		}
	}
	return nil
}

func numberOption(name, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil {
		if _, ferr := strconv.ParseFloat(value, 64); ferr != nil {
			return 0, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for integer option \"%s\": %s", name, value)
		}
		n = least - 1
	}
	if n < least || n > most {
		return 0, sqlerr.Newf(sqlerr.InvalidParameterValue, "value %s out of bounds for option \"%s\"", value, name).
			WithDetail("Valid values are between \"%d\" and \"%d\".", least, most)
	}
	return n, nil
}

func badEnum(name, value string, valid []string) error {
	return sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for enum option \"%s\": %s", name, value).
		WithDetail("Valid values are %s.", quoted(valid))
}

// quoted lists words as PostgreSQL's messages do: "a", "b", and "c".
func quoted(words []string) string {
	var sb strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			sb.WriteString(", and ")
		case i > 0:
			sb.WriteString(", ")
		}
		sb.WriteString(`"` + w + `"`)
	}
	return sb.String()
}
