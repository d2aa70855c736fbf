package table

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestHistogramBuckets checks that buckets follow one another without gap or overlap, and how wide they are.
func TestHistogramBuckets(t *testing.T) {
	next := int64(0)
	for i := range histogramBuckets {
		last := bucketMax(i)
		if last < next {
			t.Fatalf("bucket %d ends at %d, before its first value %d", i, last, next)
		}
		if bucketOf(next) != i || bucketOf(last) != i {
			t.Fatalf("bucket %d: %d is in %d, %d in %d", i, next, bucketOf(next), last, bucketOf(last))
		}
		if (last-next)*16 > next {
			t.Fatalf("bucket %d holds %d to %d", i, next, last)
		}
		next = last + 1
	}
	if got := bucketOf(1 << 62); got != histogramBuckets-1 {
		t.Errorf("a huge value is in bucket %d", got)
	}
	if got := bucketOf(-5); got != 0 {
		t.Errorf("a negative value is in bucket %d", got)
	}
}

// TestHistogramQuantiles compares quantiles with those of the sorted values.
func TestHistogramQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for range 50 {
		var h Histogram
		values := make([]int64, 1+rng.IntN(3000))
		for i := range values {
			values[i] = rng.Int64N(1 << (1 + rng.IntN(40)))
			h.Add(values[i])
		}
		slices.Sort(values)
		d := h.Distribution()
		if d.Count != int64(len(values)) {
			t.Fatalf("%d values counted as %d", len(values), d.Count)
		}
		for _, q := range []float64{0, 0.5, 0.99, 0.999, 1} {
			rank := int(q*float64(len(values)) + 0.999999)
			want, got := values[max(rank, 1)-1], d.Quantile(q)
			if got < want || got-want > want/16 {
				t.Fatalf("quantile %v of %d values is %d, want %d or a sixteenth more", q, len(values), got, want)
			}
			compared++
		}
		sum := 0.0
		for _, v := range values {
			sum += float64(v)
		}
		if mean := sum / float64(len(values)); d.Mean() < mean*31/32-1 || d.Mean() > mean*33/32+1 {
			t.Fatalf("mean %v, want about %v", d.Mean(), mean)
		}
	}
	if compared < 250 {
		t.Fatalf("only %d quantiles were compared", compared)
	}
	var empty Distribution
	if empty.Quantile(0.5) != 0 || empty.Max() != 0 || empty.Mean() != 0 {
		t.Error("an empty distribution has values")
	}
}

// TestHistogramConcurrent counts from several goroutines: nothing is lost.
func TestHistogramConcurrent(t *testing.T) {
	var h Histogram
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				h.Add(int64(g * i))
			}
		})
	}
	wg.Wait()
	if d := h.Distribution(); d.Count != 8000 {
		t.Errorf("counted %d of 8000", d.Count)
	}
	if n := testing.AllocsPerRun(100, func() { h.Add(12345) }); n != 0 {
		t.Errorf("adding allocates %v times", n)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	v := int64(0)
	for b.Loop() {
		v += 977
		h.Add(v)
	}
}
