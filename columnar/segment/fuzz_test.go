package segment_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// resum makes the checksums of a sidecar right again, as far as its parts can be found: damage that they do not show must be
// met by the decoders.
func resum(b []byte) {
	le := binary.LittleEndian
	if len(b) < 64+16 {
		return
	}
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	trailer := b[len(b)-16:]
	off := le.Uint64(trailer)
	if off > uint64(len(b)-16) {
		return
	}
	dir := b[off : len(b)-16]
	for ; len(dir) >= 24; dir = dir[24:] {
		from, n := le.Uint64(dir[8:]), le.Uint64(dir[16:])
		if from <= uint64(len(b)) && n <= uint64(len(b))-from {
			le.PutUint32(dir[4:], crc32.Checksum(b[from:from+n], castagnoli))
		}
	}
	le.PutUint32(trailer[8:], crc32.Checksum(append(append([]byte(nil), b[off:len(b)-16]...), trailer[:8]...), castagnoli))
}

// FuzzSidecar changes a sidecar behind its checksums. Whatever is in it, nothing panics, and errors are damage or a version.
func FuzzSidecar(f *testing.F) {
	rng := rand.New(rand.NewPCG(41, 41))
	rows := orderRows(rng, 300)
	mem := vfs.NewMem()
	write(f, mem, "a", orders, segment.Options{ZoneRows: 64, RowGroupRows: 128, SampleRows: 10}, rows, rng)
	data, side := contents(f, mem, "a.parquet"), contents(f, mem, "a.sidecar")
	f.Add(uint32(70), []byte{1})
	for range 40 {
		b := make([]byte, 1+rng.IntN(4))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(rng.Uint32N(uint32(len(side))), b)
	}
	key, _ := index.AppendRow(nil, rows[3], orders.Keys[0].Cols)
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		b := append([]byte(nil), side...)
		for i, x := range change {
			b[(int(at)+i)%len(b)] ^= x
		}
		resum(b)
		fs := vfs.NewMem()
		replace(t, fs, "a.parquet", data)
		replace(t, fs, "a.sidecar", b)
		if err := tryAll(fs, key); err != nil {
			if _, _, ok := table.PlaceOf(err); !ok && sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
				t.Fatal(err)
			}
		}
	})
}

func tryAll(fs vfs.FS, key []byte) error {
	seg, err := segment.Open(fs, "", "a", nil, nil)
	if err != nil {
		return err
	}
	defer seg.Close() //nolint:errcheck // it was only read
	for k := range seg.Schema().Keys {
		if _, err := seg.Lookup(nil, k, key); err != nil {
			return err
		}
	}
	return seg.Verify(context.Background())
}
