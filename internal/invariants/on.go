//go:build lamina_invariants || race

package invariants

import (
	"os"
	"sync/atomic"
)

// Enabled reports whether this is an invariants build.
const Enabled = true

var mutant atomic.Pointer[string]

func init() {
	if name := os.Getenv("LAMINA_MUTANT"); name != "" {
		SetMutant(name)
	}
}

// Mutant reports whether the named rule is broken on purpose.
func Mutant(name string) bool {
	m := mutant.Load()
	if m == nil || *m != name {
		return false
	}
	mutantHits.Add(1)
	return true
}

var mutantHits atomic.Int64

// MutantHits counts how often the active mutant was consulted: a mutant that no test reaches
// proves nothing.
func MutantHits() int64 { return mutantHits.Load() }

// SetMutant breaks the named rule from now on; the empty name heals it.
func SetMutant(name string) {
	if name == "" {
		mutant.Store(nil)
		return
	}
	mutant.Store(&name)
}
