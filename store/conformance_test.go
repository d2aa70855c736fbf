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

// TestConformanceMixed: the tables of each case are in both tiers in turn.
func TestConformanceMixed(t *testing.T) {
	for name, methods := range map[string][]string{"columnar first": {"columnar", "memory"}, "memory first": {"memory", "columnar"}} {
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

func TestTransfersMixed(t *testing.T) {
	tabletest.Transfers(t, tabletest.Options{Name: "mixed", Open: openOn, Seed: *seed, Durable: true, Methods: []string{"columnar", "memory"}})
}
