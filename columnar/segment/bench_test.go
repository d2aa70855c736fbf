package segment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// lineitem returns the first rows of TPC-H's largest table, as batches, and its schema.
func lineitem(tb testing.TB, rows int) (s segment.Schema, batches []*vec.Batch) {
	tb.Helper()
	g, err := tpch.New(0.1)
	if err != nil {
		tb.Fatal(err)
	}
	ts := make([]types.Type, 0, 16)
	for i, c := range tpch.LineItem.Columns() {
		typ, err := types.ParseType(c.SQLType())
		if err != nil {
			tb.Fatal(err)
		}
		ts = append(ts, typ)
		s.Columns = append(s.Columns, segment.Column{Name: c.Name, Type: typ, FieldID: int32(i + 1), NotNull: true})
	}
	s.Keys = []segment.Key{{Name: "lineitem_pkey", Cols: []int{0, 3}}}
	s.Sort = []int{0, 3}
	n := 0
	err = g.Generate(context.Background(), tpch.GenerateOptions{Tables: []tpch.Table{tpch.LineItem}, Workers: 1, BatchUnits: 450, Ordered: true},
		func(_ context.Context, b tpch.Batch, _ int64) error {
			if b.Table() != tpch.LineItem || n >= rows {
				return nil
			}
			n += b.Len()
			bb := vec.NewBatchBuilder(ts, b.Len(), nil)
			if err := fillBatch(bb, b); err != nil {
				return err
			}
			batches = append(batches, bb.Batch())
			return nil
		})
	if err != nil {
		tb.Fatal(err)
	}
	return s, batches
}

func fillBatch(bb *vec.BatchBuilder, b tpch.Batch) error {
	for c, col := range b.Columns() {
		dst := bb.Col(c)
		for i := range b.Len() {
			var err error
			switch {
			case col.Int64 != nil && dst.Type().Kind == types.Numeric:
				err = dst.AppendDecimal(col.Int64[i], 2)
			case col.Int64 != nil:
				err = dst.AppendInt(col.Int64[i])
			case col.Int32 != nil:
				err = dst.AppendInt(int64(col.Int32[i]))
			case col.Codes != nil:
				err = dst.AppendString(col.Codes.At(i))
			default:
				err = dst.AppendBytes(col.Strings.At(i))
			}
			if err != nil {
				return err
			}
		}
	}
	return bb.Commit()
}

func count(batches []*vec.Batch) (n int) {
	for _, b := range batches {
		n += b.N
	}
	return n
}

func writeBatches(tb testing.TB, fs vfs.FS, dir string, s segment.Schema, o segment.Options, batches []*vec.Batch) segment.Info {
	tb.Helper()
	w, err := segment.NewWriter(fs, dir, "lineitem", s, o, nil)
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Append(b); err != nil {
			tb.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	return info
}

const benchRows = 600_000 // scale factor 0.1

var compressions = []struct {
	name string
	c    segment.Compression
}{{"none", segment.CompressionNone}, {"snappy", segment.CompressionSnappy}, {"zstd", segment.CompressionZstd}}

func BenchmarkWrite(b *testing.B) {
	s, batches := lineitem(b, benchRows)
	for _, c := range compressions {
		for _, bits := range []segment.Switch{segment.Auto, segment.Off} {
			b.Run(fmt.Sprintf("compression=%s/bitmaps=%v", c.name, bits != segment.Off), func(b *testing.B) {
				s := s
				s.Columns = append([]segment.Column(nil), s.Columns...)
				for i := range s.Columns {
					s.Columns[i].Bitmaps = bits
				}
				var info segment.Info
				b.ReportAllocs()
				cpu := cpuSeconds()
				for b.Loop() {
					info = writeBatches(b, vfs.Default, b.TempDir(), s, segment.Options{Compression: c.c}, batches)
				}
				n := float64(info.Rows)
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(n*float64(b.N)/(cpuSeconds()-cpu), "rows/cpu-s")
				b.ReportMetric(float64(info.Segment.Bytes)/n, "segment-B/row")
				b.ReportMetric(float64(info.Sidecar.Bytes)/n, "sidecar-B/row")
			})
		}
	}
}

func BenchmarkScan(b *testing.B) {
	s, batches := lineitem(b, benchRows)
	n := count(batches)
	for _, c := range compressions {
		dir := b.TempDir()
		info := writeBatches(b, vfs.Default, dir, s, segment.Options{Compression: c.c}, batches)
		seg, err := segment.Open(vfs.Default, dir, "lineitem", &info, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, cols := range [][]int{{0}, {4}, {5}, {8}, {10}, {15}, {4, 5, 6, 10}, all(16)} {
			name := fmt.Sprintf("%d-columns", len(cols))
			if len(cols) == 1 {
				name = s.Columns[cols[0]].Name
			}
			b.Run(fmt.Sprintf("compression=%s/cols=%s", c.name, name), func(b *testing.B) {
				b.ReportAllocs()
				cpu := cpuSeconds()
				for b.Loop() {
					sc, err := seg.Scan(segment.ScanSpec{Cols: cols})
					if err != nil {
						b.Fatal(err)
					}
					for sc.Next() {
						for i := range cols {
							if _, err := sc.Column(i); err != nil {
								b.Fatal(err)
							}
						}
					}
				}
				b.ReportMetric(float64(n*len(cols))*float64(b.N)/(cpuSeconds()-cpu), "values/cpu-s")
			})
		}
		if err := seg.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanCached reads columns that are in the cache: mask=1% leaves out one row in a hundred.
func BenchmarkScanCached(b *testing.B) {
	s, batches := lineitem(b, benchRows)
	n := count(batches)
	dir := b.TempDir()
	info := writeBatches(b, vfs.Default, dir, s, segment.Options{}, batches)
	cache := segment.NewCache(1 << 30)
	seg, err := segment.Open(vfs.Default, dir, "lineitem", &info, cache)
	if err != nil {
		b.Fatal(err)
	}
	live := make([]uint64, (n+63)/64)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range live {
		live[i] = ^uint64(0)
	}
	for range n / 100 {
		p := rng.IntN(n)
		live[p>>6] &^= 1 << (p & 63)
	}
	for _, mask := range []string{"0%", "1%"} {
		for _, cols := range [][]int{{0}, {4}, {5}, {15}, {4, 5, 6, 10}, all(16)} {
			spec := segment.ScanSpec{Cols: cols}
			if mask != "0%" {
				spec.Live = live
			}
			b.Run(fmt.Sprintf("cols=%v/mask=%s", cols, mask), func(b *testing.B) {
				b.ReportAllocs()
				sum := int64(0)
				cpu := 0.0
				for i := 0; b.Loop(); i++ {
					if i == 1 {
						cpu = cpuSeconds()
					}
					if sum, err = sumColumns(seg, spec); err != nil {
						b.Fatal(err)
					}
				}
				if sum == 0 {
					b.Fatal("nothing was read")
				}
				b.ReportMetric(float64(n*len(cols))*float64(b.N-1)/(cpuSeconds()-cpu), "values/cpu-s")
			})
		}
	}
	if err := seg.Close(); err != nil {
		b.Fatal(err)
	}
}

// sumColumns adds up the entries that are to be read as they are stored, four bytes at once.
func sumColumns(seg *segment.Segment, spec segment.ScanSpec) (sum int64, err error) {
	sc, err := seg.Scan(spec)
	if err != nil {
		return 0, err
	}
	for sc.Next() {
		sel := sc.Sel()
		for i := range spec.Cols {
			v, err := sc.Column(i)
			if err != nil {
				return 0, err
			}
			switch v.Width {
			case 1:
				sum += sumOf(vec.Values[uint8](v), sel)
			case 2:
				sum += sumOf(vec.Values[uint16](v), sel)
			case 4:
				sum += sumOf(vec.Values[uint32](v), sel)
			default:
				sum += int64(v.N)
			}
		}
	}
	return sum, nil
}

func sumOf[T uint8 | uint16 | uint32](x []T, sel []uint16) (sum int64) {
	if sel == nil {
		for _, y := range x {
			sum += int64(y)
		}
		return sum
	}
	for _, i := range sel {
		sum += int64(x[i])
	}
	return sum
}

func BenchmarkGet(b *testing.B) {
	s, batches := lineitem(b, benchRows)
	rng := rand.New(rand.NewPCG(1, 1))
	var keys [][]byte
	for range 10_000 {
		batch := batches[rng.IntN(len(batches))]
		key, _ := index.AppendBatch(nil, batch, []int{0, 3}, rng.IntN(batch.N))
		keys = append(keys, key)
	}
	for _, c := range compressions {
		dir := b.TempDir()
		info := writeBatches(b, vfs.Default, dir, s, segment.Options{Compression: c.c}, batches)
		for _, cached := range []bool{false, true} {
			var cache *segment.Cache
			if cached {
				cache = segment.NewCache(512 << 20)
			}
			seg, err := segment.Open(vfs.Default, dir, "lineitem", &info, cache)
			if err != nil {
				b.Fatal(err)
			}
			benchGets(b, seg, fmt.Sprintf("compression=%s/cached=%v", c.name, cached), keys, cached)
			if err := seg.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func benchGets(b *testing.B, seg *segment.Segment, name string, keys [][]byte, cached bool) {
	b.Helper()
	b.Run(name+"/op=lookup", func(b *testing.B) {
		b.ReportAllocs()
		var pos []uint32
		for i := 0; cached && i < len(keys); i++ {
			if _, err := seg.Lookup(nil, 0, keys[i]); err != nil {
				b.Fatal(err)
			}
		}
		cpu := cpuSeconds()
		defer func() { b.ReportMetric(float64(b.N)/(cpuSeconds()-cpu), "ops/cpu-s") }()
		for i := 0; b.Loop(); i++ {
			var err error
			if pos, err = seg.Lookup(pos[:0], 0, keys[i%len(keys)]); err != nil || len(pos) != 1 {
				b.Fatal(pos, err)
			}
		}
	})
	b.Run(name+"/op=miss", func(b *testing.B) {
		var key []byte
		cpu := cpuSeconds()
		defer func() { b.ReportMetric(float64(b.N)/(cpuSeconds()-cpu), "ops/cpu-s") }()
		for i := 0; b.Loop(); i++ {
			key = append(key[:0], keys[i%len(keys)]...)
			key[len(key)-1] = 200 // no order has that many lines
			if pos, err := seg.Lookup(nil, 0, key); err != nil || len(pos) != 0 {
				b.Fatal(pos, err)
			}
		}
	})
	b.Run(name+"/op=row", func(b *testing.B) {
		b.ReportAllocs()
		g, err := seg.Getter(all(16))
		if err != nil {
			b.Fatal(err)
		}
		var pos []uint32
		var row types.Row
		for i := 0; cached && i < len(keys); i++ {
			if pos, err = seg.Lookup(pos[:0], 0, keys[i]); err == nil {
				row, err = g.Row(row[:0], int(pos[0]))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		cpu := cpuSeconds()
		defer func() { b.ReportMetric(float64(b.N)/(cpuSeconds()-cpu), "ops/cpu-s") }()
		for i := 0; b.Loop(); i++ {
			if pos, err = seg.Lookup(pos[:0], 0, keys[i%len(keys)]); err != nil {
				b.Fatal(err)
			}
			if row, err = g.Row(row[:0], int(pos[0])); err != nil {
				b.Fatal(err)
			}
		}
	})
}
