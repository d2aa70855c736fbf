package table

import (
	"context"

	"github.com/laminadb/lamina/sqlerr"
)

// Unimplemented answers 0A000 to every operation of TableStorage. Implementations embed it, so that
// an operation that a later version adds does not break them.
type Unimplemented struct{}

func (Unimplemented) mustEmbedUnimplemented() {}

// Begin answers 0A000.
func (Unimplemented) Begin(context.Context, TxOptions) (Tx, error) { return nil, unsupported("Begin") }

// Checkpoint answers 0A000.
func (Unimplemented) Checkpoint(context.Context) error { return unsupported("Checkpoint") }

// Compact answers 0A000.
func (Unimplemented) Compact(context.Context, ObjectID) error { return unsupported("Compact") }

// Analyze answers 0A000.
func (Unimplemented) Analyze(context.Context, []AnalyzeTarget) error { return unsupported("Analyze") }

// Vacuum answers 0A000.
func (Unimplemented) Vacuum(context.Context, ObjectID) (VacuumReport, error) {
	return VacuumReport{}, unsupported("Vacuum")
}

// Size answers 0A000.
func (Unimplemented) Size(context.Context) (Size, error) { return Size{}, unsupported("Size") }

// Verify answers 0A000.
func (Unimplemented) Verify(context.Context, func(Damage) bool) error { return unsupported("Verify") }

// Backup answers 0A000.
func (Unimplemented) Backup(context.Context, string, BackupOptions) (BackupReport, error) {
	return BackupReport{}, unsupported("Backup")
}

// Metrics returns no counts.
func (Unimplemented) Metrics() Metrics { return Metrics{} }

// Report shows nothing.
func (Unimplemented) Report() []ReportSection { return nil }

// Features returns no features.
func (Unimplemented) Features() Features { return Features{} }

// Changes answers 0A000.
func (Unimplemented) Changes(context.Context, LSN, ChangeOptions) (ChangeReader, error) {
	return nil, unsupported("Changes")
}

// Close does nothing.
func (Unimplemented) Close() error { return nil }

func unsupported(op string) error { return sqlerr.Unsupported("storage operation " + op) }
