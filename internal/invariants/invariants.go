// Package invariants holds the assertions and the deliberate faults of invariants builds, which the
// build tags lamina_invariants or race turn on. In other builds Enabled is a false constant: the
// compiler removes what it guards.
//
// A mutant is a rule of the engine that can be broken on purpose, one at a time, so that the test
// that guards the rule can be seen to fail.
package invariants

import "fmt"

// Assert panics with the formatted message if cond is false in an invariants build. It reports a bug
// of Lamina itself, never bad input.
func Assert(cond bool, format string, args ...any) {
	if Enabled && !cond {
		panic("invariant violated: " + fmt.Sprintf(format, args...))
	}
}
