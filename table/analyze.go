package table

import "context"

// AnalyzeTarget is a table to analyze, and the IDs of the columns that are; nil: all of them.
type AnalyzeTarget struct {
	Table   ObjectID
	Columns []uint32
}

// Analyzer is implemented by snapshots that need not read all rows in order to analyze them.
type Analyzer interface {
	// Analyze returns estimates made of all that is known of the rows, with a sample of at most sampleRows.
	Analyze(ctx context.Context, sampleRows int) (Stats, error)
}
