package lsm_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/lsm"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/table/tabletest"
	"github.com/laminadb/lamina/types"
)

func TestConformance(t *testing.T) {
	tabletest.ConformTier(t, tabletest.TierOptions{
		Durable: true,
		Key: func(values types.Row) []byte {
			key, _ := index.AppendValues(nil, values)
			return key
		},
		Open: func(fs vfs.FS) (table.Tier, error) {
			return lsm.Open(lsm.Options{FS: fs, Dir: "tier", MemtableBytes: 1 << 20})
		},
	})
}
