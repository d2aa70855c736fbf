//go:build !lamina_invariants && !race

package invariants

// Enabled reports whether this is an invariants build.
const Enabled = false

// Mutant reports whether the named rule is broken on purpose: never in this build.
func Mutant(string) bool { return false }

// MutantHits counts how often the active mutant was consulted: never in this build.
func MutantHits() int64 { return 0 }

// SetMutant does nothing in this build.
func SetMutant(string) {}
