package vec

// Rollback drops values that were appended to single columns and not committed.
func (bb *BatchBuilder) Rollback() { bb.truncate() }
