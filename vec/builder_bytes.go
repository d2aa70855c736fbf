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
