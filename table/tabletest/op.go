package tabletest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/laminadb/lamina/table"
)

// opKind is a step of a random sequence.
type opKind string

const (
	opBegin      opKind = "begin"
	opCommit     opKind = "commit"
	opRollback   opKind = "rollback"
	opSavepoint  opKind = "savepoint"
	opRollbackTo opKind = "rollback to"
	opRelease    opKind = "release"
	opInsert     opKind = "insert"
	opUpdate     opKind = "update"
	opRekey      opKind = "rekey"
	opDelete     opKind = "delete"
	opLock       opKind = "lock"
	opGet        opKind = "get"
	opScan       opKind = "scan"
	opCreate     opKind = "create"
	opDrop       opKind = "drop"
	opTruncate   opKind = "truncate"
	opLoad       opKind = "load"
	opIgnore     opKind = "ignore" // insert, on conflict do nothing
	opCheckpoint opKind = "checkpoint"
	opReopen     opKind = "reopen"
	opCrash      opKind = "crash"
)

// op is one step. What does not apply where it runs is left out, so that any part of a sequence is a
// sequence.
type op struct {
	Kind opKind  `json:"op"`
	Tx   int     `json:"tx,omitempty"`
	Slot int     `json:"slot,omitempty"`
	Keys []int64 `json:"keys,omitempty"`
	// U and V are new values: of the unique column (0 is NULL; key i takes U+i if Spread), and others.
	U      int64           `json:"u,omitempty"`
	V      int64           `json:"v,omitempty"`
	Spread bool            `json:"spread,omitempty"`
	Abort  bool            `json:"abort,omitempty"` // the statement is closed with an error
	Async  bool            `json:"async,omitempty"`
	Iso    table.Isolation `json:"iso,omitempty"`
	Shape  Shape           `json:"shape,omitempty"`
	N      int             `json:"n,omitempty"`
	Seed   uint64          `json:"seed,omitempty"`
}

func (o op) String() string {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

// onlyV: an update leaves the unique column alone.
func (o *op) onlyV() bool { return o.Kind == opUpdate && o.Seed%3 == 0 }

// rowLock is the mode of a lock step.
func (o *op) rowLock() table.RowLock { return table.RowLock(o.Seed % 4) }

const (
	txSlots    = 6 // transactions that may be open at once
	tableSlots = 4
	keysMax    = 64
	uniqueMax  = 150
)

// weights say how often each kind of step is drawn.
var weights = []struct {
	kind   opKind
	weight int
}{
	{opBegin, 6}, {opCommit, 15}, {opRollback, 2}, {opSavepoint, 4}, {opRollbackTo, 3}, {opRelease, 1},
	{opInsert, 22}, {opUpdate, 14}, {opRekey, 4}, {opDelete, 8}, {opLock, 4}, {opGet, 8}, {opScan, 14},
	{opCreate, 4}, {opDrop, 1}, {opTruncate, 1}, {opLoad, 1}, {opIgnore, 5}, {opCheckpoint, 1}, {opReopen, 1}, {opCrash, 1},
}

var weightSum = func() (n int) {
	for _, w := range weights {
		n += w.weight
	}
	return n
}()

func drawKind(rng *rand.Rand) opKind {
	n := rng.IntN(weightSum)
	for _, w := range weights {
		if n -= w.weight; n < 0 {
			return w.kind
		}
	}
	panic("unreachable")
}

// drawOps draws a sequence.
func drawOps(rng *rand.Rand, n int, durable bool) []op {
	ops := []op{}
	for i := range tableSlots - 1 { // begin with something to work on
		ops = append(ops, op{Kind: opBegin, Tx: i}, op{Kind: opCreate, Tx: i, Slot: i, Shape: Shape(rng.IntN(int(numShapes)))},
			op{Kind: opCommit, Tx: i})
	}
	for range txSlots - 1 {
		ops = append(ops, op{Kind: opBegin, Tx: len(ops) % txSlots, Iso: table.Isolation(rng.IntN(3))})
	}
	for len(ops) < n {
		o := op{
			Kind: drawKind(rng), Tx: rng.IntN(txSlots), Slot: rng.IntN(tableSlots), V: rng.Int64N(1000),
			Spread: rng.IntN(4) > 0, Abort: rng.IntN(12) == 0, Async: rng.IntN(4) == 0,
			Iso: table.Isolation(rng.IntN(3)), Shape: Shape(rng.IntN(int(numShapes))), N: rng.IntN(4), Seed: rng.Uint64(),
		}
		if !durable && (o.Kind == opReopen || o.Kind == opCrash) {
			continue
		}
		if rng.IntN(3) > 0 {
			o.U = 1 + rng.Int64N(uniqueMax)
		}
		for range 1 + rng.IntN(1+rng.IntN(8)) {
			o.Keys = append(o.Keys, 1+rng.Int64N(keysMax))
		}
		ops = append(ops, o)
	}
	return ops
}
