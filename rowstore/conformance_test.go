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
		return rowstore.Open(rowstore.Options{Name: "memory", Tracker: mem.NewTracker("test", 0)})
	}})
}

func TestConformanceColumnar(t *testing.T) {
	tabletest.ConformTier(t, tabletest.TierOptions{Key: encode, Durable: true, Open: func(fs vfs.FS) (table.Tier, error) {
		if err := fs.MkdirAll("tier", 0o755); err != nil {
			return nil, err
		}
		dir, err := fs.OpenDir("")
		if err != nil {
			return nil, err
		}
		if err := dir.Sync(); err != nil {
			return nil, err
		}
		if err := dir.Close(); err != nil {
			return nil, err
		}
		return rowstore.Open(rowstore.Options{Name: "columnar", Tracker: mem.NewTracker("test", 0), Durable: true, FS: fs, Dir: "tier"})
	}})
}
