package store_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/store"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/table/tabletest"
)

func TestConformanceMemory(t *testing.T) {
	tabletest.Conform(t, tabletest.Options{Name: "memory", Open: openOn, Methods: []string{"memory"}})
}

func TestConformanceColumnar(t *testing.T) {
	tabletest.Conform(t, tabletest.Options{Name: "columnar", Open: openOn, Durable: true, Methods: []string{"columnar"}})
}

func TestConformanceLSM(t *testing.T) {
	tabletest.Conform(t, tabletest.Options{Name: "lsm", Open: openOn, Durable: true, Methods: []string{"lsm"}})
}

// TestConformanceSegments: rows of columnar tables move to segments all the time.
func TestConformanceSegments(t *testing.T) {
	var n moving
	want := moves{30, 10, 40, 100, 1000}
	n.until("columnar", want, func() {
		tabletest.Conform(t, tabletest.Options{Name: "segments", Open: n.open, Durable: true, Methods: []string{"columnar"}})
	})
	n.demand(t, "columnar", want)
}

// TestConformanceMixed: the tables of each case are in all tiers in turn.
func TestConformanceMixed(t *testing.T) {
	var n moving
	want := moves{50, 20, 80, 100, 1000}
	n.until("columnar", want, func() {
		for name, methods := range map[string][]string{
			"columnar first": {"columnar", "memory", "lsm"}, "memory first": {"memory", "columnar"}, "LSM first": {"lsm", "columnar"},
		} {
			t.Run(name, func(t *testing.T) {
				tabletest.Conform(t, tabletest.Options{Name: "mixed", Open: n.open, Durable: true, Methods: methods})
			})
		}
	})
	n.demand(t, "columnar", want)
	n.demand(t, "lsm", moves{flushes: 1, segments: 1})
}

func TestTransfersMemory(t *testing.T) {
	tabletest.Transfers(t, tabletest.Options{Name: "memory", Open: openOn, Seed: *seed, Methods: []string{"memory"}})
}

func TestTransfersColumnar(t *testing.T) {
	tabletest.Transfers(t, tabletest.Options{Name: "columnar", Open: openOn, Seed: *seed, Durable: true, Methods: []string{"columnar"}})
}

func TestTransfersLSM(t *testing.T) {
	tabletest.Transfers(t, tabletest.Options{Name: "lsm", Open: openOn, Seed: *seed, Durable: true, Methods: []string{"lsm"}})
}

func TestTransfersSegments(t *testing.T) {
	var n moving
	t.Cleanup(func() { n.demand(t, "columnar", moves{50, 10, 1, 0, 50}) }) // once the database was closed
	tabletest.Transfers(t, tabletest.Options{Name: "segments", Open: n.open, Seed: *seed, Durable: true, Methods: []string{"columnar"}})
}

func TestTransfersMixed(t *testing.T) {
	var n moving
	t.Cleanup(func() {
		n.demand(t, "columnar", moves{50, 10, 1, 0, 50})
		n.demand(t, "lsm", moves{flushes: 4, segments: 1})
	})
	tabletest.Transfers(t, tabletest.Options{Name: "mixed", Open: n.open, Seed: *seed, Durable: true, Methods: []string{"columnar", "lsm"}})
}

// TestConformanceLoads is TestConformanceColumnar where a load of any size goes to segments before its commit.
func TestConformanceLoads(t *testing.T) {
	open := func(fs vfs.FS) (table.TableStorage, error) {
		if fs == nil {
			return openOn(fs)
		}
		return store.Open(table.Columnar{ // loads are files from a 16th of DeltaRows on
			Common: table.Common{FS: fs, LogFileBytes: 64 << 10, MemoryBytes: 256 << 20}, Dir: "db", DeltaRows: 31,
		})
	}
	tabletest.Conform(t, tabletest.Options{Name: "loads", Open: open, Durable: true, Methods: []string{"columnar"}})
}
