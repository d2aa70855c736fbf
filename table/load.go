package table

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// LoadingTier is implemented by tiers that write the rows of a bulk load to files of their own ahead of the record that
// makes them rows of a table.
type LoadingTier interface {
	// Load begins to write rows of a table, which need not be defined yet.
	Load(def *TableDef) TierLoad
	// LoadRowsMin is the number of rows from which on files are worth having.
	LoadRowsMin() int
}

// TierLoad takes the rows of a bulk load. It is used by one goroutine, and ends with Finish or Abort.
type TierLoad interface {
	// Append adds rows, which it copies: the columns of the table, and as the last one the hidden key if there is no
	// primary key.
	Append(ctx context.Context, rows *vec.Batch) error
	// Rest ends Append. It calls f with those rows, in batches of at most vec.Size, which are too few for a file. They are
	// no part of the load.
	Rest(f func(rows *vec.Batch) error) error
	// Finish makes the rows durable. Before that it checks that no two have the same value of one of the table's Keys, and
	// none has one that is in taken: *DuplicateKeyError. After an error the load is aborted.
	Finish(ctx context.Context, taken ...KeySet) (LoadedRows, error)
	// Abort removes what was written. After Finish it does nothing.
	Abort()
}

// KeySet knows the values of TableDef.Keys that some rows have, encoded by package index.
type KeySet interface {
	// MayHave reports whether rows may have values of Keys[k] between two, these included.
	MayHave(k int, first, last []byte) bool
	// Has reports whether a row has a value of Keys[k].
	Has(k int, key []byte) (bool, error)
}

// LoadedRows are durable rows that are of no table yet.
type LoadedRows interface {
	// Rows counts them.
	Rows() int64
	// Record says in the log which they are.
	Record() []byte
	// Each calls f with all of them, in the form in which they were appended.
	Each(ctx context.Context, f func(rows *vec.Batch) error) error
	// Drop removes them. It is not called once a record may name them.
	Drop()
}

// DuplicateKeyError says that two rows have the same value of a key.
type DuplicateKeyError struct {
	Key    int // in TableDef.Keys
	Values types.Row
}

// Error says which key it is.
func (e *DuplicateKeyError) Error() string {
	return fmt.Sprintf("more than one row with the same value of key %d", e.Key)
}
