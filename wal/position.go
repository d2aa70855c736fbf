package wal

import (
	"fmt"

	"github.com/laminadb/lamina/table"
)

// Position is a place in the log: the epoch of a file in the upper half, the offset in the file in
// the lower half. Positions grow along the log. Zero is before everything.
type Position uint64

// NewPosition returns the position of an offset in the file of an epoch.
func NewPosition(epoch, offset uint32) Position { return Position(epoch)<<32 | Position(offset) }

// Epoch returns the epoch of the file.
func (p Position) Epoch() uint32 { return uint32(p >> 32) }

// Offset returns the offset in the file, in bytes.
func (p Position) Offset() uint32 { return uint32(p) }

// String returns epoch and offset as "epoch/offset".
func (p Position) String() string { return fmt.Sprintf("%d/%d", p.Epoch(), p.Offset()) }

// Kind says what a record holds.
type Kind uint8

// The replicated kinds: they carry an LSN.
const (
	// Commit holds the rows and schema changes of one transaction.
	Commit Kind = iota + 1
	// Schema holds schema changes that are made outside of a transaction with rows.
	Schema
	// Settings holds changed settings of the database.
	Settings
	// SequenceBlock reserves values of a sequence.
	SequenceBlock
	// Load names the segments that a bulk load made; they are its data.
	Load
)

// The node-local kinds: they carry a position only.
const (
	// Flush names the segments that replace a part of a delta.
	Flush Kind = iota + 64
	// Compact names the segments that replace others.
	Compact
	// IndexBuilt says that an index is complete.
	IndexBuilt
	// Checkpoint says that a checkpoint is durable.
	Checkpoint
	// Chunk holds a part of a large write set; a later record refers to it.
	Chunk
	// Mark holds nothing. It proves that what is before it was durable.
	Mark
)

// Replicated reports whether records of the kind carry an LSN.
func (k Kind) Replicated() bool { return k < Flush }

// Known reports whether this version of the program reads the kind.
func (k Kind) Known() bool { return k >= Commit && k <= Load || k >= Flush && k <= Mark }

var kindNames = map[Kind]string{
	Commit: "commit", Schema: "schema", Settings: "settings", SequenceBlock: "sequence block",
	Load: "load", Flush: "flush", Compact: "compact", IndexBuilt: "index built",
	Checkpoint: "checkpoint", Chunk: "chunk", Mark: "mark",
}

// String returns the name of the kind, in lower case.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Record is one record as replay and scans hand it out. Payload and the Record itself are borrowed:
// they are valid until the callback returns.
type Record struct {
	Kind Kind
	// Pos is where the record begins, End where the next one begins.
	Pos, End Position
	// Durable is the position that was known to be durable when the record was appended.
	Durable Position
	LSN     table.LSN // 0 for node-local kinds
	// Time is the commit timestamp in microseconds since 1970; 0 for node-local kinds.
	Time int64
	// Payload is what was appended, without the chunks of a stream.
	Payload []byte
	// Chunks are the positions of the stream's chunks, in order.
	Chunks []Position

	listed []Position // the chunks of a stream or of a split record
	reader *chunkReader
}

// Chunk returns the payload of the i-th chunk, in buf if that is large enough.
func (r *Record) Chunk(i int, buf []byte) ([]byte, error) { return r.reader.read(r.Chunks[i], buf) }
