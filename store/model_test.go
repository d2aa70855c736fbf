package store_test

import (
	"flag"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/store"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/table/tabletest"
)

// Longer runs: go test ./store -run TestModel -sequences 5000 -seed 100000
var (
	sequences = flag.Int("sequences", 0, "number of random sequences; 0: few")
	seed      = flag.Uint64("seed", 0, "seed of the first random sequence; 0: always the same")
)

// openOn opens a database with small log files, which the file systems of tests copy at each sync.
func openOn(fs vfs.FS) (table.TableStorage, error) {
	common := table.Common{FS: fs, LogFileBytes: 64 << 10, MemoryBytes: 256 << 20}
	if fs == nil {
		return store.Open(table.Memory{Common: common})
	}
	return store.Open(table.Columnar{Common: common, Dir: "db"})
}

func TestModelMemory(t *testing.T) {
	tabletest.Run(t, tabletest.Options{Sequences: *sequences, Seed: *seed, Name: "memory", Open: openOn, Methods: []string{"memory"}})
}

func TestModelColumnar(t *testing.T) {
	tabletest.Run(t, tabletest.Options{Sequences: *sequences, Seed: *seed, Name: "columnar", Open: openOn, Durable: true, Methods: []string{"columnar"}})
}

func TestModelLSM(t *testing.T) {
	tabletest.Run(t, tabletest.Options{Sequences: *sequences, Seed: *seed, Name: "lsm", Open: openOn, Durable: true, Methods: []string{"lsm"}})
}

// TestModelMixed: the tables are in all tiers, and most transactions in several; rows move to files all the time.
func TestModelMixed(t *testing.T) {
	var n moving
	tabletest.Run(t, tabletest.Options{
		Sequences: *sequences, Seed: *seed, Name: "mixed", Open: n.open, Durable: true, Methods: []string{"columnar", "memory", "lsm"},
	})
	if *sequences == 0 {
		n.demand(t, "columnar", moves{100, 50, 300, 100, 100})
		n.demand(t, "lsm", moves{100, 10, 100, 0, 0})
	}
}

// openSmall opens a database whose memtables and segments are so small that rows move all the time.
func openSmall(fs vfs.FS) (table.TableStorage, error) {
	if fs == nil {
		return openOn(fs)
	}
	return store.Open(table.Columnar{
		Common: table.Common{FS: fs, LogFileBytes: 64 << 10, MemoryBytes: 256 << 20}, Dir: "db", DeltaRows: 3, SegmentRows: 40,
	})
}

// TestModelSegments is TestModelColumnar with rows that move to segments all the time.
func TestModelSegments(t *testing.T) {
	var n moving
	tabletest.Run(t, tabletest.Options{Sequences: *sequences, Seed: *seed, Name: "segments", Open: n.open, Durable: true, Methods: []string{"columnar"}})
	if *sequences == 0 {
		n.demand(t, "columnar", moves{200, 100, 500, 200, 100})
	}
}
