package textpool

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Reader returns the text of places of the pool, made on demand. It reuses its memory: one
// goroutine at a time may use a Reader. The zero Reader is ready.
type Reader struct {
	w writer
}

// At returns the n bytes of the pool from offset. They are valid until the next call. The place
// lies inside the pool: 0 <= offset, 0 <= n, offset+n <= Bytes.
func (r *Reader) At(offset, n int) []byte {
	start, state := locate(offset / blockBytes)
	skip := offset - start
	if need := skip + n + sentenceBytesMax; len(r.w.buf) < need {
		r.w.buf = make([]byte, need)
	}
	r.w.pos, r.w.state = 0, state
	for r.w.pos < skip+n {
		r.w.sentence()
	}
	return r.w.buf[skip : skip+n]
}

// A Pool is the whole text in memory.
type Pool struct {
	text []byte
}

// stripeBytes is what a worker of NewPool makes at a time.
const stripeBytes = 1 << 20

// NewPool makes the whole text with a number of goroutines.
func NewPool(ctx context.Context, workers int) (*Pool, error) {
	p := &Pool{text: make([]byte, Bytes)}
	var nextStripe atomic.Int64
	var wg sync.WaitGroup
	for range max(workers, 1) {
		wg.Go(func() {
			var r Reader
			for ctx.Err() == nil {
				from := int(nextStripe.Add(1)-1) * stripeBytes
				if from >= Bytes {
					return
				}
				copy(p.text[from:], r.At(from, stripeBytes))
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// At returns the n bytes of the pool from offset. They must not be changed.
func (p *Pool) At(offset, n int) []byte {
	return p.text[offset : offset+n : offset+n]
}
