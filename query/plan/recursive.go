package plan

// RelRecursive is a recursive query: the rows of Base, then those that Step makes of the rows of the round
// before, which it reads as RelWorking, until there are none. Without All, a row that was there before does
// not count. BaseIn and StepIn are the IDs of the inputs' columns, by position.
type RelRecursive struct {
	ID             int
	Base, Step     Rel
	BaseIn, StepIn []int
	All            bool
	Out            []Col
}

// RelWorking is the rows of the round before of the recursive query Of.
type RelWorking struct {
	Of  int
	Out []Col
}

// RelHeld is the rows that the data change Of, in WITH, has returned.
type RelHeld struct {
	Of  int
	Out []Col
}

// Cols returns the output columns.
func (r *RelHeld) Cols() []Col { return r.Out }

// Children returns nothing.
func (r *RelHeld) Children() []Rel { return nil }

// Cols returns the output columns.
func (r *RelRecursive) Cols() []Col { return r.Out }

// Cols returns the output columns.
func (r *RelWorking) Cols() []Col { return r.Out }

// Children returns both inputs.
func (r *RelRecursive) Children() []Rel { return []Rel{r.Base, r.Step} }

// Children returns nothing.
func (r *RelWorking) Children() []Rel { return nil }

// Recursive runs Base, then Step until it yields nothing new.
type Recursive struct {
	Props
	Of         int
	Base, Step Node
	All        bool
}

// Working reads the rows of the round before.
type Working struct {
	Props
	Of int
}

// Held reads the rows that a data change in WITH has returned.
type Held struct {
	Props
	Of int
}

// Inputs returns nothing.
func (n *Held) Inputs() []Node { return nil }

// Inputs returns the base, then the step.
func (n *Recursive) Inputs() []Node { return []Node{n.Base, n.Step} }

// Inputs returns nothing.
func (n *Working) Inputs() []Node { return nil }
