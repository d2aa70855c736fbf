package table

import (
	"context"
	"math"

	"github.com/laminadb/lamina/types"
)

// SequenceDef is a sequence. Its values are in [Min, Max].
type SequenceDef struct {
	Header
	Type                       types.Kind // Int2, Int4 or Int8
	Start, Increment, Min, Max int64
	// Cache is how many values a session may take ahead.
	Cache int64
	Cycle bool
	// Owner and OwnerColumn are the table, and the ID of its column, that the sequence goes with; 0: none.
	Owner       ObjectID
	OwnerColumn uint32
	// Identity: it belongs to an identity column.
	Identity bool
}

// CloneObject returns a copy.
func (d *SequenceDef) CloneObject() Object { c := *d; return &c }

// SequenceBounds returns the range of a sequence's type; 0, 0 if sequences cannot have it.
func SequenceBounds(k types.Kind) (lo, hi int64) {
	switch k {
	case types.Int2:
		return math.MinInt16, math.MaxInt16
	case types.Int4:
		return math.MinInt32, math.MaxInt32
	case types.Int8:
		return math.MinInt64, math.MaxInt64
	}
	return 0, 0
}

// SequenceValue is where a sequence stands: Called says that Last was handed out, otherwise it is the next value.
type SequenceValue struct {
	Last   int64
	Called bool
}

// Sequences are the values of the sequences. Next and Set are no part of the transaction: they are not undone, and
// others see them at once, unless the transaction itself has created, altered or restarted the sequence.
type Sequences interface {
	// Next takes the next value; 2200H if there is none.
	Next(ctx context.Context, id ObjectID) (int64, error)
	// Set says where the sequence stands; 22003 outside of its bounds.
	Set(ctx context.Context, id ObjectID, v SequenceValue) error
	// Value tells where it stands.
	Value(ctx context.Context, id ObjectID) (SequenceValue, error)
	// Restart is Set as a part of the transaction, under an ACCESS EXCLUSIVE lock.
	Restart(ctx context.Context, id ObjectID, v SequenceValue) error
}
