package segment_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
)

// BenchmarkScanFirst is the first scan of lineitem after an opening: columns are read, decoded, not kept in the cache, which is
// empty, and added up. Columns of integers are delta-encoded (0, 5, 10) or have codes (4, 6), 15 is text.
func BenchmarkScanFirst(b *testing.B) {
	s, batches := lineitem(b, benchRows)
	n := count(batches)
	dir := b.TempDir()
	info := writeBatches(b, vfs.Default, dir, s, segment.Options{}, batches)
	for _, cols := range [][]int{{0}, {5}, {4, 6}, {10}, {15}, {4, 5, 6, 7, 8, 9, 10}} {
		b.Run(fmt.Sprintf("cols=%v", cols), func(b *testing.B) {
			b.ReportAllocs()
			cpu := 0.0
			for b.Loop() {
				cache := segment.NewCache(1 << 30)
				seg, err := segment.Open(vfs.Default, dir, "lineitem", &info, cache)
				if err != nil {
					b.Fatal(err)
				}
				before := cpuSeconds()
				sum, err := sumColumns(seg, segment.ScanSpec{Cols: cols})
				cpu += cpuSeconds() - before
				if err != nil || sum == 0 || cache.Metrics().Hits > 0 {
					b.Fatalf("sum %d, %+v, %v", sum, cache.Metrics(), err)
				}
				if err := seg.Close(); err != nil {
					b.Fatal(err)
				}
				cache.Close()
			}
			b.ReportMetric(float64(n*len(cols))*float64(b.N)/cpu, "values/cpu-s")
		})
	}
}
