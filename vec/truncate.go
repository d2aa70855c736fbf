package vec

import "github.com/laminadb/lamina/internal/invariants"

// Truncate drops the rows from n on, and what was appended to columns without Commit. The memory of their strings stays in
// use.
func (bb *BatchBuilder) Truncate(n int) {
	if invariants.Mutant("vec-truncate-commits-only") && n >= bb.n {
		return
	}
	bb.n = min(n, bb.n)
	bb.truncate()
}
