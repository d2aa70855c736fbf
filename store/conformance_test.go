package store_test

import (
	"testing"

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

// TestConformanceMixed: the tables of each case are in all tiers in turn.
func TestConformanceMixed(t *testing.T) {
	for name, methods := range map[string][]string{
		"columnar first": {"columnar", "memory", "lsm"}, "memory first": {"memory", "columnar"}, "LSM first": {"lsm", "columnar"},
	} {
		t.Run(name, func(t *testing.T) {
			tabletest.Conform(t, tabletest.Options{Name: "mixed", Open: openOn, Durable: true, Methods: methods})
		})
	}
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

func TestTransfersMixed(t *testing.T) {
	tabletest.Transfers(t, tabletest.Options{Name: "mixed", Open: openOn, Seed: *seed, Durable: true, Methods: []string{"columnar", "memory", "lsm"}})
}
