package table

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets of a Histogram: values below 16 have one each, every power of two above is cut into 16. A bucket is thus at
// most a sixteenth of its values wide; the last one also has everything above.
const (
	bucketBits       = 4
	bucketExponents  = 40 // up to 2^43 ns, 2.4 hours
	histogramBuckets = (bucketExponents + 1) << bucketBits
)

// Histogram counts values, most of them durations in nanoseconds, in log-linear buckets. Adding is one atomic addition:
// it takes no lock and no memory. The zero value is empty.
type Histogram struct {
	buckets [histogramBuckets]atomic.Int64
}

// bucketOf returns the bucket that counts v.
func bucketOf(v int64) int {
	if v < 1<<bucketBits {
		return int(max(v, 0))
	}
	e := bits.Len64(uint64(v)) - 1 - bucketBits
	return min(e<<bucketBits+int(v>>e), histogramBuckets-1)
}

// bucketMax returns the largest value of a bucket.
func bucketMax(i int) int64 {
	if i < 1<<bucketBits {
		return int64(i)
	}
	e := i>>bucketBits - 1
	return int64(i-e<<bucketBits+1)<<e - 1
}

// Add counts a value; a negative one counts as 0.
func (h *Histogram) Add(v int64) { h.buckets[bucketOf(v)].Add(1) }

// Since counts the nanoseconds that have passed since a time.
func (h *Histogram) Since(start time.Time) { h.Add(int64(time.Since(start))) }

// AddTo adds what the histogram has counted to a distribution.
func (h *Histogram) AddTo(d *Distribution) {
	for i := range h.buckets {
		n := h.buckets[i].Load()
		if n == 0 {
			continue
		}
		if d.counts == nil {
			d.counts = make([]int64, histogramBuckets)
		}
		d.counts[i] += n
		d.Count += n
	}
}

// Distribution returns what the histogram has counted so far.
func (h *Histogram) Distribution() (d Distribution) {
	h.AddTo(&d)
	return d
}

// Distribution is what a Histogram had counted at a moment.
type Distribution struct {
	Count  int64
	counts []int64 // by bucket; nil if Count is 0
}

// Quantile returns a value that at least the fraction q of all values do not exceed, and that is at most a sixteenth
// above the smallest such value; 0 if there are no values.
func (d Distribution) Quantile(q float64) int64 {
	if d.Count == 0 {
		return 0
	}
	rank := max(1, int64(q*float64(d.Count)+0.999999))
	for i, n := range d.counts {
		if rank -= n; rank <= 0 {
			return bucketMax(i)
		}
	}
	return d.Max()
}

// Max returns the largest value, at most a sixteenth too large.
func (d Distribution) Max() int64 {
	for i := len(d.counts) - 1; i >= 0; i-- {
		if d.counts[i] != 0 {
			return bucketMax(i)
		}
	}
	return 0
}

// Mean returns the mean of the values, at most a thirty-second wrong.
func (d Distribution) Mean() float64 {
	if d.Count == 0 {
		return 0
	}
	sum := 0.0
	for i, n := range d.counts {
		if n != 0 {
			low := int64(0)
			if i > 0 {
				low = bucketMax(i-1) + 1
			}
			sum += float64(n) * (float64(low) + float64(bucketMax(i))) / 2
		}
	}
	return sum / float64(d.Count)
}
