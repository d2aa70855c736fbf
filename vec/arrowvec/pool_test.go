package arrowvec

import (
	"testing"
	"unsafe"
)

// TestPooledSizes: every size that the pool keeps has a number of its own, and is the least that fits.
func TestPooledSizes(t *testing.T) {
	seen := map[int]int{}
	before, last := 0, -1
	for n := pooledBytesMin; n <= pooledBytesMax; n++ {
		size, class := pooledSize(n)
		if size < n || n <= before {
			t.Fatalf("%d bytes are %d", n, size)
		}
		if was, ok := seen[class]; ok && was != size || !ok && class != last+1 {
			t.Fatalf("size %d has number %d after %d, as has %d", size, class, last, was)
		}
		if n == size {
			before, last = n, class
		}
		seen[class] = size
		if again, same := pooledSize(size); again != size || same != class {
			t.Fatalf("%d bytes are %d", size, again)
		}
		if size > n+n/pooledSteps {
			t.Fatalf("%d bytes take %d", n, size)
		}
	}
	if n := len(new(pooled).sizes); len(seen) != n {
		t.Errorf("%d sizes for %d", len(seen), n)
	}
}

// TestPooledBuffers: buffers that are in use at once never overlap, whatever is released and made again, and are aligned.
func TestPooledBuffers(t *testing.T) {
	p := new(pooled)
	var live [][]byte
	for i := range 3000 {
		n := (i * i * 37) % (96 << 10)
		b := p.Allocate(n)
		if len(b) != n {
			t.Fatalf("%d bytes of %d", len(b), n)
		}
		if n >= pooledBytesMin && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%64 != 0 {
			t.Fatalf("a buffer of %d bytes is not aligned", n)
		}
		if i%5 == 0 {
			b = p.Reallocate(n+i, b)
		}
		for j := range b {
			b[j] = byte(i)
		}
		live = append(live, b)
		if len(live) == 20 {
			k := i % len(live)
			for _, x := range live[k] {
				if x != live[k][0] {
					t.Fatal("a buffer in use has changed")
				}
			}
			p.Free(live[k])
			live[k] = live[len(live)-1]
			live = live[:len(live)-1]
		}
	}
}
