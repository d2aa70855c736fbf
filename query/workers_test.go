package query

import "testing"

func TestWorkersOfLittleMemory(t *testing.T) {
	for _, c := range []struct {
		workers int
		limit   int64
		want    int
	}{
		{workers: 4, limit: 0, want: 4},
		{workers: 4, limit: 1, want: 1},
		{workers: 4, limit: 8<<20 - 1, want: 1},
		{workers: 4, limit: 8 << 20, want: 2},
		{workers: 4, limit: 1 << 60, want: 4},
		{workers: 1, limit: 1 << 30, want: 1},
	} {
		if n := affordable(c.workers, c.limit); n != c.want {
			t.Errorf("%d workers within %d bytes: %d, not %d", c.workers, c.limit, n, c.want)
		}
	}
}
