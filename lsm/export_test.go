package lsm

import (
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/vec"
)

// OpenPebble opens Pebble alone, with the options that a tier gives it.
func OpenPebble(o Options, fs vfs.FS, dir string) (*pebble.DB, error) {
	o = o.withDefaults()
	o.Logger = slog.New(slog.DiscardHandler)
	cache := pebble.NewCache(o.cacheBytes())
	defer cache.Unref()
	t := &Tier{o: o}
	return pebble.Open(dir, o.pebble(fs, cache, logger{t}, t.damaged))
}

// AppendPeerRow appends a key, and a row as a tier would store it.
func AppendPeerRow(key, value []byte, rows *vec.Batch, i int, n uint64) (k, v []byte) {
	return be.AppendUint64(key, n), appendRow(appendRowHead(value, &version{ref: n}), rows, i)
}
