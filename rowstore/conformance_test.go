package rowstore_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/table/tabletest"
	"github.com/laminadb/lamina/types"
)

// encode is the encoding of keys.
func encode(values types.Row) (key []byte) {
	for i, d := range values {
		key = index.AppendDatum(key, d, i == len(values)-1)
	}
	return key
}

func TestConformanceMemory(t *testing.T) {
	tabletest.ConformTier(t, tabletest.TierOptions{Key: encode, Open: func(vfs.FS) (table.Tier, error) {
		return rowstore.Open(rowstore.Options{Tracker: mem.NewTracker("test", 0)})
	}})
}
