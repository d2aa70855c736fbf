package plan

import "fmt"

// SharedDef is a plan that runs once, whatever the number of operators that read its rows. It uses no columns from
// outside.
type SharedDef struct {
	// Name is that of the WITH query that it is; "" if it is none.
	Name string
	Root Rel
	// Out are the columns of Root that readers may ask for.
	Out []Col
	// Readers is the number of RelShared that name it, or have done so.
	Readers int
	// Volatile: it does something, or may give another result another time.
	Volatile bool
	// Fenced: it runs by itself even if there is one reader only (MATERIALIZED).
	Fenced bool
}

// RelShared reads the rows of a shared plan: Out[i] is its column Def.Out[Attrs[i]].
type RelShared struct {
	Def   *SharedDef
	Out   []Col
	Attrs []int
}

// ReadsVolatile reports whether a plan reads a shared one that is volatile.
func ReadsVolatile(r Rel) bool {
	found := false
	Walk(r, func(r Rel) {
		s, ok := r.(*RelShared)
		found = found || ok && s.Def.Volatile
	})
	return found
}

// Cols returns the output columns.
func (r *RelShared) Cols() []Col { return r.Out }

// Children returns nothing: the shared plan is no part of its readers.
func (r *RelShared) Children() []Rel { return nil }

// Shared reads the rows of the shared plan Of; Cols are the positions of its columns there.
type Shared struct {
	Props
	Of   int
	Name string
	Cols []int
}

// Inputs returns nothing.
func (n *Shared) Inputs() []Node { return nil }

// SharedPlan is a plan that runs once for all operators Shared that name it by Of, as far as they read it. Subplans are
// run before Root.
type SharedPlan struct {
	Of       int
	Name     string
	Root     Node
	Subplans []Subplan
}

func (s *SharedPlan) title() string { return sharedTitle(s.Of, s.Name) + " (runs once)" }

func sharedTitle(of int, name string) string {
	if name == "" {
		return fmt.Sprintf("Shared %d", of)
	}
	return fmt.Sprintf("Shared %d %s", of, name)
}
