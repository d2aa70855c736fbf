package lsm

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// filled opens a tier with one table and adds rows in so many records.
func filled(t *testing.T, o Options, records, rows int) *Tier {
	t.Helper()
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	o.Dir = "tier"
	tier, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	def := &table.TableDef{
		Header:  table.Header{ID: 20000, Kind: table.KindTable, Name: "t", Version: 1},
		Columns: []table.Column{{Name: "id", Type: types.T(types.Int8), NotNull: true}, {Name: "v", Type: types.T(types.Text)}},
		Keys:    []table.Key{{Name: "t_pkey", Primary: true, Columns: []int{0}}},
	}
	if err := tier.Define(1, def); err != nil {
		t.Fatal(err)
	}
	for r := range records {
		add(t, tier, table.LSN(r+2), int64(r*rows), rows)
	}
	return tier
}

// add applies one record with rows from first on.
func add(t *testing.T, tier *Tier, lsn table.LSN, first int64, rows int) {
	t.Helper()
	addPart(t, tier, lsn, first, rows)
	s := tier.Snapshot(lsn)
	s.(table.SnapshotReleaser).Release()
}

// addPart applies a part of a record.
func addPart(t *testing.T, tier *Tier, lsn table.LSN, first int64, rows int) {
	t.Helper()
	e := &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: someRows(t, first, rows)}
	if err := tier.Apply(lsn, e); err != nil {
		t.Fatal(err)
	}
}

// someRows makes rows from first on.
func someRows(t *testing.T, first int64, rows int) *vec.Batch {
	t.Helper()
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Text)}, rows, nil)
	for i := range rows {
		row := types.Row{types.NewInt(types.Int8, first+int64(i)), types.NewString(types.Text, fmt.Sprintf("%0100d", (first+int64(i))*7919%10007))}
		if err := bb.AppendRow(row); err != nil {
			t.Fatal(err)
		}
	}
	return bb.Batch()
}

func closed(t *testing.T, tier *Tier) {
	t.Helper()
	if err := tier.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKnobs observes what each knob does.
func TestKnobs(t *testing.T) {
	t.Run("memtable bytes", func(t *testing.T) {
		small := filled(t, Options{MemtableBytes: 256 << 10}, 40, 400) // few enough rows a record for memtables
		large := filled(t, Options{MemtablesMax: 1}, 40, 400)
		small.settle()
		if a, b := small.db.Load().Metrics(), large.db.Load().Metrics(); a.Flush.Count == 0 || b.Flush.Count != 0 {
			t.Errorf("%d flushes with small memtables, %d with large ones", a.Flush.Count, b.Flush.Count)
		}
		closed(t, small)
		closed(t, large)
	})
	t.Run("memory wins", func(t *testing.T) {
		o := Options{MemoryBytes: 64 << 20, MemtableBytes: 64 << 20, MemtablesMax: 10}.withDefaults()
		if o.MemtableBytes != 64<<20/memtablesPart/10 {
			t.Errorf("memtables of %d bytes", o.MemtableBytes)
		}
	})
	t.Run("directory", func(t *testing.T) {
		fs := vfs.NewMem()
		closed(t, filled(t, Options{FS: fs}, 1, 10))
		if names, err := fs.List("tier"); err != nil || len(names) < 3 {
			t.Errorf("%v, %v", names, err)
		}
	})
	t.Run("compression", func(t *testing.T) {
		size := func(c table.Compression) int64 {
			tier := filled(t, Options{Compression: c, MemtablesMax: 1}, 10, 1000) // one flush
			defer closed(t, tier)
			if err := tier.db.Load().Compact(context.Background(), []byte{spaceRows}, []byte{spaceRows + 1}, false); err != nil {
				t.Fatal(err)
			}
			return tier.Metrics().FileBytes
		}
		none, fast, good := size(table.CompressionNone), size(table.CompressionDefault), size(table.CompressionZstd)
		if abs(fast-size(table.CompressionSnappy)) > fast/20 || none < fast*3/2 || good >= fast {
			t.Errorf("%d bytes without compression, %d with the default, %d with Snappy, %d with zstd", none, fast, size(table.CompressionSnappy), good)
		}
		if _, err := Open(Options{FS: vfs.NewMem(), Dir: "tier", Compression: 99}); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
			t.Errorf("an unknown compression: %v", err)
		}
	})
	t.Run("false positives", func(t *testing.T) { knobFalsePositives(t) })
	t.Run("memtables", func(t *testing.T) { knobMemtables(t) })
	t.Run("bloom", func(t *testing.T) {
		size := func(rate float64) uint64 {
			tier := filled(t, Options{BloomFalsePositiveRate: rate}, 10, 1000)
			defer closed(t, tier)
			if err := tier.Checkpoint(context.Background(), 11); err != nil {
				t.Fatal(err)
			}
			var n uint64
			infos, err := tier.db.Load().SSTables(withProperties()...)
			if err != nil {
				t.Fatal(err)
			}
			for _, level := range infos {
				for _, info := range level {
					n += info.Properties.FilterSize
				}
			}
			return n
		}
		rough, usual, fine := size(0.1), size(0), size(0.0001)
		if rough == 0 || usual < rough*3/2 || fine < usual*3/2 {
			t.Errorf("filters of %d, %d and %d bytes", rough, usual, fine)
		}
	})
	t.Run("compaction", func(t *testing.T) {
		compactions := func(o Options) int64 {
			tier := filled(t, o, 0, 0)
			defer closed(t, tier)
			for i := range 12 {
				lsn := table.LSN(i + 2)
				add(t, tier, lsn, int64(i)*500, 500)
				if err := tier.Checkpoint(context.Background(), lsn); err != nil {
					t.Fatal(err)
				}
				tier.settle()
			}
			return tier.db.Load().Metrics().Compact.Count
		}
		none, often, seldom := compactions(Options{DisableCompaction: true}), compactions(Options{CompactionThreshold: 1}), compactions(Options{CompactionThreshold: 9})
		if none != 0 || seldom == 0 || often <= seldom {
			t.Errorf("%d compactions when they are off, %d with a low threshold, %d with a high one", none, often, seldom)
		}
	})
}

// knobFalsePositives: of look-ups of keys that are not there, the filters let about as many through as they may.
func knobFalsePositives(t *testing.T) {
	const rows, misses = 20_000, 20_000
	rate := func(of float64) float64 {
		// Pebble asks no filters of the last level.
		tier := filled(t, Options{BloomFalsePositiveRate: of, DisableCompaction: true}, 1, rows)
		defer closed(t, tier)
		if err := tier.Checkpoint(context.Background(), 2); err != nil {
			t.Fatal(err)
		}
		s := tier.Snapshot(2)
		defer s.(table.SnapshotReleaser).Release()
		before := tier.Metrics()
		for i := range misses {
			// Behind a key that is there, in the middle of a file.
			key := append(index.AppendDatum(nil, types.NewInt(types.Int8, int64(i)%(rows-1)), true), 1)
			if _, ok := s.Table(20000).Get(key); ok {
				t.Fatal("a row that is not there")
			}
		}
		m := tier.Metrics()
		if m.BloomChecks-before.BloomChecks != misses {
			t.Errorf("%d look-ups in filters, want %d", m.BloomChecks-before.BloomChecks, misses)
		}
		return 1 - float64(m.BloomHits-before.BloomHits)/misses
	}
	if rough, usual, fine := rate(0.2), rate(0), rate(0.0001); rough < 0.1 || rough > 0.3 || usual < 0.002 || usual > 0.02 || fine > 0.006 {
		t.Errorf("false positives: %v, %v and %v", rough, usual, fine)
	}
}

// knobMemtables: a statement waits while there are more memtables than there may be.
func knobMemtables(t *testing.T) {
	hold := make(chan struct{})
	fs := &heldFS{FS: vfs.NewMem(), hold: hold}
	tier := filled(t, Options{FS: fs, MemtableBytes: 256 << 10, MemtablesMax: 2}, 0, 0)
	fs.held.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	lsn := table.LSN(2)
	for tier.Admit(ctx) == nil {
		if lsn > 200 {
			t.Fatal("nobody has to wait")
		}
		add(t, tier, lsn, int64(lsn)*1000, 1000)
		lsn++
	}
	if n := tier.db.Load().Metrics().MemTable.Count; n != 3 {
		t.Errorf("%d memtables", n)
	}
	close(hold)
	if err := tier.Admit(context.Background()); err != nil {
		t.Error(err)
	}
	if tier.counts.waited.Load() < 2 {
		t.Error("nobody waited")
	}
	closed(t, tier)
}

// TestFormat: the format of a new directory is the one that is pinned.
func TestFormat(t *testing.T) {
	tier := filled(t, Options{}, 1, 1)
	if v := tier.db.Load().FormatMajorVersion(); v != 21 {
		t.Errorf("format %d", v)
	}
	closed(t, tier)
}
