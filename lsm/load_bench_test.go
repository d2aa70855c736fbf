package lsm_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/lsm"
	"github.com/laminadb/lamina/store"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// loadRows is that of TPC-H's lineitem at scale factor 0.1, about, or few if the benchmark is only tried.
func loadRows() int64 {
	if testing.Short() {
		return 10 * vec.Size
	}
	return 293 * vec.Size
}

// lineColumns are those of lineitem, the key first.
var lineColumns = func() []table.Column {
	ts := []types.Type{
		types.T(types.Int8), types.T(types.Int4), types.T(types.Int4), types.T(types.Int4), types.NumericPS(15, 2), types.NumericPS(15, 2),
		types.NumericPS(15, 2), types.NumericPS(15, 2), types.T(types.Text), types.T(types.Text), types.T(types.Date), types.T(types.Date),
		types.T(types.Date), types.T(types.Text), types.T(types.Text), types.T(types.Text),
	}
	var out []table.Column
	for i, t := range ts {
		out = append(out, table.Column{Name: fmt.Sprintf("c%d", i), Type: t, NotNull: true})
	}
	return out
}()

func lineBatches(b *testing.B) (list []*vec.Batch) {
	var ts []types.Type
	for _, c := range lineColumns {
		ts = append(ts, c.Type)
	}
	texts := []string{"A", "O", "DELIVER IN PERSON", "TRUCK", "carefully final requests after the fluffily"}
	for at := int64(0); at < loadRows(); {
		bb := vec.NewBatchBuilder(ts, vec.Size, nil)
		for range vec.Size {
			var row types.Row
			for c, t := range ts {
				x := at * int64(c+3) % 100_003
				switch t.Class() {
				case types.ClassInt:
					row = append(row, types.NewInt(t.Kind, x))
				case types.ClassNumeric:
					row = append(row, types.Datum{K: t.Kind, Valid: true, I: x, Scale: 2})
				default:
					row = append(row, types.NewString(t.Kind, texts[max(c-11, c-8)%5]))
				}
			}
			row[0].I = at
			if err := bb.AppendRow(row); err != nil {
				b.Fatal(err)
			}
			at++
		}
		list = append(list, bb.Batch())
	}
	return list
}

// BenchmarkLoad loads rows into a table in one transaction, and the same rows, as they are stored, into Pebble alone.
func BenchmarkLoad(b *testing.B) {
	list := lineBatches(b)
	ours, peer := time.Hour, time.Hour
	for range b.N {
		dir := b.TempDir()
		start := time.Now()
		load(b, filepath.Join(dir, "lamina"), list)
		ours = min(ours, time.Since(start))
		start = time.Now()
		loadPebble(b, filepath.Join(dir, "pebble"), list)
		peer = min(peer, time.Since(start))
	}
	b.ReportMetric(float64(loadRows())/ours.Seconds()/1e3, "lamina-krows/s")
	b.ReportMetric(float64(loadRows())/peer.Seconds()/1e3, "pebble-krows/s")
	b.ReportMetric(peer.Seconds()/ours.Seconds(), "of-pebble")
}

func load(b *testing.B, dir string, list []*vec.Batch) {
	ctx := context.Background()
	st, err := store.Open(table.LSM{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	id := makeTable(b, st, "t", lineColumns)
	tx, err := st.Begin(ctx, table.TxOptions{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := tx.Statement(ctx)
	if err != nil {
		b.Fatal(err)
	}
	w, err := s.Writer(ctx, id)
	if err != nil {
		b.Fatal(err)
	}
	l, err := w.Load(ctx, table.LoadOptions{})
	for i := 0; err == nil && i < len(list); i++ {
		err = l.Append(ctx, list[i])
	}
	if err == nil {
		_, err = l.Finish(ctx)
	}
	if err := s.Close(err); err != nil {
		b.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		b.Fatal(err)
	}
	if err := st.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
}

func loadPebble(b *testing.B, dir string, list []*vec.Batch) {
	db, err := lsm.OpenPebble(lsm.Options{MemoryBytes: 8 << 30}, vfs.Default, dir)
	if err != nil {
		b.Fatal(err)
	}
	var key, value []byte
	at := uint64(0)
	for _, rows := range list {
		batch := db.NewBatch()
		for i := range rows.N {
			key, value = lsm.AppendPeerRow(key[:0], value[:0], rows, i, at)
			at++
			if err := batch.Set(key, value, nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(pebble.NoSync); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
