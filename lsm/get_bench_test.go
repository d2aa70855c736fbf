package lsm_test

import (
	"context"
	"encoding/binary"
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

// benchRows is the number of rows of the benchmarks, of about 100 bytes each: a million, or few if they are only tried.
func benchRows() int64 {
	if testing.Short() {
		return 10 * vec.Size
	}
	return 489 * vec.Size
}

const benchText = "the text of a row of about a hundred bytes, most of which are the text"

var benchColumns = []table.Column{
	{Name: "id", Type: types.T(types.Int8), NotNull: true}, {Name: "a", Type: types.T(types.Int8)},
	{Name: "b", Type: types.T(types.Float8)}, {Name: "c", Type: types.T(types.Text)},
}

// benchPeers are a table in an LSM tier, and Pebble alone with the same options and as large values.
type benchPeers struct {
	st table.TableStorage
	id table.ObjectID
	db *pebble.DB
}

// flushed: all rows are in files.
func openPeers(b *testing.B, o lsm.Options, flushed bool) *benchPeers {
	b.Helper()
	dir := b.TempDir()
	st, err := store.Open(table.LSM{
		Common: table.Common{MemoryBytes: o.MemoryBytes}, Dir: filepath.Join(dir, "lamina"),
		MemtableBytes: o.MemtableBytes, MemtablesMax: o.MemtablesMax,
	})
	if err != nil {
		b.Fatal(err)
	}
	db, err := lsm.OpenPebble(o, vfs.Default, filepath.Join(dir, "pebble"))
	if err != nil {
		b.Fatal(err)
	}
	p := &benchPeers{st: st, db: db}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	p.fill(b)
	if flushed {
		p.flush(b)
	}
	return p
}

func (p *benchPeers) fill(b *testing.B) {
	b.Helper()
	p.id = makeTable(b, p.st, "t", benchColumns)
	bb := vec.NewBatchBuilder([]types.Type{benchColumns[0].Type, benchColumns[1].Type, benchColumns[2].Type, benchColumns[3].Type}, vec.Size, nil)
	value := make([]byte, 100)
	for at := int64(0); at < benchRows(); {
		bb.Reset()
		batch := p.db.NewBatch()
		for range vec.Size {
			row := types.Row{types.NewInt(types.Int8, at), types.NewInt(types.Int8, at*7919%10007), types.NewFloat(types.Float8, float64(at)/3), types.NewString(types.Text, benchText)}
			if err := bb.AppendRow(row); err != nil {
				b.Fatal(err)
			}
			binary.LittleEndian.PutUint64(value, uint64(at*7919))
			copy(value[8:], benchText)
			if err := batch.Set(binary.BigEndian.AppendUint64(nil, uint64(at)), value, nil); err != nil {
				b.Fatal(err)
			}
			at++
		}
		insert(b, p.st, p.id, bb.Batch())
		if err := batch.Commit(pebble.NoSync); err != nil {
			b.Fatal(err)
		}
	}
}

func (p *benchPeers) flush(b *testing.B) {
	b.Helper()
	if err := p.st.Checkpoint(context.Background()); err != nil {
		b.Fatal(err)
	}
	if err := p.db.Flush(); err != nil {
		b.Fatal(err)
	}
	if !testing.Short() {
		time.Sleep(2 * time.Second) // compactions that have begun
	}
}

// makeTable creates a table whose first column is the key.
func makeTable(tb testing.TB, st table.TableStorage, name string, columns []table.Column) table.ObjectID {
	tb.Helper()
	ctx := context.Background()
	tx, err := st.Begin(ctx, table.TxOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	def := &table.TableDef{Header: table.Header{Kind: table.KindTable, Schema: table.PublicSchema, Name: name},
		Columns: columns, Keys: []table.Key{{Name: name + "_pkey", Primary: true, Columns: []int{0}}}}
	id, err := tx.Schema().Create(ctx, def)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		tb.Fatal(err)
	}
	return id
}

func insert(tb testing.TB, st table.TableStorage, id table.ObjectID, rows *vec.Batch) {
	tb.Helper()
	ctx := context.Background()
	tx, err := st.Begin(ctx, table.TxOptions{Async: true})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := tx.Statement(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	w, err := s.Writer(ctx, id)
	if err == nil {
		_, err = w.Insert(ctx, rows, table.OnConflict{Key: -1})
	}
	if err := s.Close(err); err != nil {
		tb.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		tb.Fatal(err)
	}
}

// benchBlock is the number of look-ups that each side does in turn.
const benchBlock = 2000

// BenchmarkGet looks rows up by key, through package table and in Pebble alone, in turns. An operation is one of each.
func BenchmarkGet(b *testing.B) {
	for _, c := range []struct {
		name    string
		o       lsm.Options
		flushed bool
	}{
		{"memtable", lsm.Options{MemoryBytes: 4 << 30, MemtableBytes: 1 << 30, MemtablesMax: 1}, false},
		{"warm", lsm.Options{MemoryBytes: 8 << 30}, true},
		{"cold", lsm.Options{MemoryBytes: 64 << 20}, true},
	} {
		b.Run(c.name, func(b *testing.B) { benchGet(b, openPeers(b, c.o, c.flushed)) })
	}
}

func benchGet(b *testing.B, p *benchPeers) {
	ctx := context.Background()
	tx, err := p.st.Begin(ctx, table.TxOptions{ReadOnly: true, Isolation: table.RepeatableRead})
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	s, err := tx.Statement(ctx)
	if err != nil {
		b.Fatal(err)
	}
	r, err := s.Reader(ctx, p.id)
	if err != nil {
		b.Fatal(err)
	}
	var row types.Row
	var key [1]types.Datum
	cols := []int{0, 1, 2, 3}
	get := func(i int64) {
		key[0] = types.NewInt(types.Int8, i)
		if row, err = r.Get(ctx, key[:], cols, row[:0]); err != nil || row[0].I != i {
			b.Fatal(row, err)
		}
	}
	var raw [8]byte
	peer := func(i int64) {
		binary.BigEndian.PutUint64(raw[:], uint64(i))
		v, c, err := p.db.Get(raw[:])
		if err != nil || binary.LittleEndian.Uint64(v) != uint64(i*7919) {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	compare(b, get, peer)
}

// compare runs two ways to look a row up in turns, on the same keys, and reports the times of both.
func compare(b *testing.B, ours, peer func(i int64)) {
	run := func(f func(int64), x uint64) (time.Duration, uint64) {
		start := time.Now()
		for range benchBlock {
			x = x*6364136223846793005 + 1442695040888963407
			f(int64(x>>33) % benchRows())
		}
		return time.Since(start), x
	}
	x := uint64(b.N)
	for range benchRows() / 2500 { // warm
		_, _ = run(ours, x)
		_, x = run(peer, x)
	}
	var a, z time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for i := range (b.N + benchBlock - 1) / benchBlock {
		var t, u time.Duration
		if i%2 == 0 {
			t, _ = run(ours, x)
			u, x = run(peer, x)
		} else {
			u, _ = run(peer, x)
			t, x = run(ours, x)
		}
		a, z = a+t, z+u
	}
	n := float64((b.N+benchBlock-1)/benchBlock) * benchBlock
	b.ReportMetric(float64(a.Nanoseconds())/n, "lamina-ns/get")
	b.ReportMetric(float64(z.Nanoseconds())/n, "pebble-ns/get")
	b.ReportMetric(z.Seconds()/a.Seconds(), "of-pebble")
}
