package vec

// BuilderBytes returns the memory that a builder of batches holds.
func BuilderBytes(bb *BatchBuilder) (n int64) {
	for _, c := range bb.cols {
		n += int64(len(c.data.b) + len(c.valid.b))
		for i := range c.heap.bufs {
			n += int64(len(c.heap.bufs[i].b))
		}
	}
	return n
}

// Poison overwrites the rows of a builder on the Go heap that is about to be dropped, so that invariants builds find
// who still looks at them.
func (bb *BatchBuilder) Poison() {
	for _, c := range bb.cols {
		for i := range c.data.b {
			c.data.b[i] = 0xDB
		}
		for i := range c.heap.bufs {
			clear(c.heap.bufs[i].b)
		}
	}
}
