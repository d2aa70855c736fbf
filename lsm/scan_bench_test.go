package lsm_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/laminadb/lamina/lsm"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// BenchmarkScan scans a table into vectors, and goes over the values of Pebble alone, in turns. An operation is one of each.
func BenchmarkScan(b *testing.B) {
	p := openPeers(b, lsm.Options{MemoryBytes: 8 << 30}, true)
	for _, c := range []struct {
		name string
		spec table.ScanSpec
		rows int64
	}{
		{"all", table.ScanSpec{Cols: []int{0, 1, 2, 3}}, benchRows()},
		{"one column", table.ScanSpec{Cols: []int{1}}, benchRows()},
		{"count", table.ScanSpec{}, benchRows()},
		{"few", table.ScanSpec{Cols: []int{0, 1, 2, 3}, Where: []table.Conjunct{
			{Col: 1, Op: table.OpLt, Value: types.NewInt(types.Int8, 100)}}}, benchRows() / 100},
	} {
		b.Run(c.name, func(b *testing.B) { benchScan(b, p, c.spec, c.rows) })
	}
}

func benchScan(b *testing.B, p *benchPeers, spec table.ScanSpec, rows int64) {
	ours, peer := time.Hour, time.Hour // the quickest
	for range b.N {
		start := time.Now()
		if n := scanRows(b, p, spec); n < rows*9/10 || n > rows*11/10 {
			b.Fatal(n)
		}
		ours = min(ours, time.Since(start))
		start = time.Now()
		it, err := p.db.NewIter(nil)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for ok := it.First(); ok; ok = it.Next() {
			n += len(it.Value())
		}
		if err := it.Close(); err != nil || n != int(benchRows())*100 {
			b.Fatal(n, err)
		}
		peer = min(peer, time.Since(start))
	}
	b.ReportMetric(float64(benchRows())/ours.Seconds()/1e6, "lamina-Mrows/s")
	b.ReportMetric(float64(benchRows())/peer.Seconds()/1e6, "pebble-Mrows/s")
	b.ReportMetric(peer.Seconds()/ours.Seconds(), "of-pebble")
}

func scanRows(b *testing.B, p *benchPeers, spec table.ScanSpec) (n int64) {
	ctx := context.Background()
	tx, err := p.st.Begin(ctx, table.TxOptions{ReadOnly: true})
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
	scan, err := r.Scan(ctx, spec)
	if err != nil {
		b.Fatal(err)
	}
	defer scan.Close() //nolint:errcheck // it only reads
	var dst vec.Batch
	for {
		m, err := scan.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			return n
		}
		for err == nil {
			if err = m.Read(ctx, &dst); err == nil {
				n += int64(dst.N)
			}
		}
		m.Close()
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
}
