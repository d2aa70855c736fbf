package copytext

// Format is how rows are laid out as text.
type Format struct {
	// CSV is the format csv, else text.
	CSV       bool
	Delimiter byte
	// Null is what stands for NULL: in csv only if it is not quoted, in text before backslashes are looked at.
	Null string
	// Header says that the first line has the names of columns; with HeaderMatch they must be those of the table.
	Header, HeaderMatch bool
	// Quote and Escape are those of csv.
	Quote, Escape byte
	// TrailingDelimiter drops an empty last field: the .tbl files of TPC-H end each line with one.
	TrailingDelimiter bool
	// EndMarker says that a last line \. of csv is no row: older clients send it.
	EndMarker bool
}

// Text returns the format text with PostgreSQL's defaults.
func Text() Format { return Format{Delimiter: '\t', Null: `\N`} }

// CSV returns the format csv with PostgreSQL's defaults.
func CSV() Format { return Format{CSV: true, Delimiter: ',', Quote: '"', Escape: '"'} }
