package table

// ReportUnit says what the values of a column of a report are.
type ReportUnit uint8

// The units: text (string), a number, a number of bytes (both int64).
const (
	ReportText ReportUnit = iota
	ReportCount
	ReportBytes
)

// ReportColumn is a column of a report.
type ReportColumn struct {
	Name string
	Unit ReportUnit
}

// ReportSection is a part of what a storage says of its insides to a person: a small table. What it has is up to each part
// of the storage, and may change.
type ReportSection struct {
	Title   string
	Columns []ReportColumn
	Rows    [][]any
}
