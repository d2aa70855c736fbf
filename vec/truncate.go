package vec

// Truncate drops the rows from n on. The memory of their strings stays in use.
func (bb *BatchBuilder) Truncate(n int) {
	if n < bb.n {
		bb.n = n
		bb.truncate()
	}
}
