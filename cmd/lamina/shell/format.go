package shell

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/types"
)

// Format is how rows are printed.
type Format string

// The formats.
const (
	Aligned Format = "aligned" // as psql's, with command tags
	CSV     Format = "csv"     // a header line, then the rows; NULL is an empty field, the empty string ""
	JSON    Format = "json"    // an array of objects for each result
)

// ParseFormat returns the format with a name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(strings.ToLower(name)); f {
	case Aligned, CSV, JSON:
		return f, nil
	}
	return "", fmt.Errorf("format %q: there are aligned, csv and json", name)
}

// column describes a column of a result.
type column struct {
	name string
	typ  types.Type
}

// cell is one value as text; a NULL has none.
type cell struct {
	text string
	null bool
}

// printer prints the rows of one result.
type printer interface {
	// row prints one row, or keeps it until end. The cells are the caller's.
	row(cells []cell) error
	// end prints what is left.
	end() error
}

// numeric reports whether values of the type stand to the right.
func numeric(t types.Type) bool {
	switch t.Kind {
	case types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric, types.OID:
		return true
	}
	return false
}
